"""What every room's tests may use: real databases, a real server, a real browser.

With HAILONG_TEST_ALL=1 a missing browser or PostgreSQL is a failure; otherwise its tests skip.
"""

import os
import shutil
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import pytest
import uvicorn
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright
from starlette.types import ASGIApp

import serving
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from tests.postgresql import OLDEST, Postgresql, database, programs, reused

# No deadline: a slow machine is no fault. In CI the examples are the same in every run, so that
# a failure can be repeated.
settings.register_profile("local", deadline=None)
# The same examples each time: more of them would find nothing that the first run did not.
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("ci" if os.environ.get("CI") else "local")

CHROMIUM_FLAGS = [
    "--no-sandbox",  # Chromium refuses its sandbox to root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MEMORY = Path("/dev/shm")
ENOUGH = 6 * 2**30  # bytes that are free there
_numbers = count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let the tests' files lie in memory, where there is enough: each commit waits for a disk."""
    config.option.hailong_made = None
    if config.option.basetemp is None and MEMORY.is_dir():
        room = os.statvfs(MEMORY)
        if room.f_bavail * room.f_frsize >= ENOUGH and os.access(MEMORY, os.W_OK):
            made = tempfile.mkdtemp(prefix="hailong-tests-", dir=MEMORY)
            config.option.basetemp = config.option.hailong_made = made


def pytest_unconfigure(config: pytest.Config) -> None:
    if made := config.option.hailong_made:
        shutil.rmtree(made, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by the fixtures they use, and puts those with a browser last.

    From its start to its end Playwright keeps an event loop running in the main thread, where
    no other test could call asyncio.run any more.
    """
    for item in items:
        fixtures: list[str] = getattr(item, "fixturenames", [])
        if "browser" in fixtures:
            item.add_marker(pytest.mark.browser)
        if "postgresql_url" in fixtures:
            item.add_marker(pytest.mark.postgresql)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many tests were skipped, and why: a green run did not run them."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    if reasons:
        terminalreporter.section("left out")
        for reason, number in reasons.most_common():
            terminalreporter.line(f"{number} {'test' if number == 1 else 'tests'}: {reason}")


def missing(reason: str) -> NoReturn:
    """Skip a test that needs what this machine lacks; fail it where all tests must run."""
    if os.environ.get("HAILONG_TEST_ALL") == "1":
        pytest.fail(f"HAILONG_TEST_ALL=1, but {reason}", pytrace=False)
    pytest.skip(reason)


# Databases


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The address of a private PostgreSQL server, stopped at the end of the run."""
    if programs() is None:
        missing(f"no PostgreSQL {OLDEST} or later (Debian: apt-get install postgresql)")
    # Not under tmp_path: the server runs as another user, who could not enter that folder.
    home = Path(tempfile.mkdtemp(prefix="hailong-postgresql-"))
    try:
        server = Postgresql(home)
        server.start()
        try:
            yield server.url
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def fresh_postgresql(postgresql_url: str) -> Iterator[str]:
    """An empty PostgreSQL database, dropped after the test."""
    with database(postgresql_url, f"test_{next(_numbers)}", "template0") as url:
        yield url


@pytest.fixture
def migrated_postgresql(postgresql_url: str, emptied: list[str]) -> Iterator[str]:
    """An empty PostgreSQL database with the schema: an emptied one, or a new one."""
    with reused(postgresql_url, "migrated", emptied, f"test_{next(_numbers)}") as url:
        yield url


@pytest.fixture(scope="session")
def emptied(postgresql_template: str) -> list[str]:
    """Names of databases that tests have left and that are as new."""
    return []


@pytest.fixture(scope="session")
def postgresql_template(postgresql_url: str) -> Iterator[str]:
    """The name of a database that was brought to the present schema, which takes long."""
    with database(postgresql_url, "migrated", "template0") as url:
        store = Store(url)
        migrate(store.engine)
        store.close()
        yield "migrated"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that was brought to the present schema, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "hailong.db"
    store = Store(f"sqlite:///{path}")
    migrate(store.engine)
    store.close()
    return path


@pytest.fixture
def migrated_sqlite(sqlite_template: Path, tmp_path: Path) -> str:
    """A SQLite file with the schema."""
    shutil.copy(sqlite_template, tmp_path / "hailong.db")
    return f"sqlite:///{tmp_path / 'hailong.db'}"


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("fresh_postgresql"))
    return f"sqlite:///{tmp_path / 'hailong.db'}"


@pytest.fixture(params=BOTH)
def migrated_url(request: pytest.FixtureRequest) -> str:
    """A database with the schema: the test runs once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(f"migrated_{request.param}"))


# Servers


class _Server(uvicorn.Server):
    """A uvicorn server that sets an event when it is ready, so that no test has to poll."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class Servers:
    """Runs ASGI apps on real sockets: ``serve(app)`` gives the base address.

    ``serve.stop(url)`` ends one before the test does, ``serve(app, port=…)`` starts it again
    at its old place.
    """

    def __init__(self) -> None:
        self._running: dict[str, tuple[_Server, threading.Thread, socket.socket]] = {}

    def __call__(self, app: ASGIApp, port: int = 0) -> str:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        server = _Server(serving.config(app, "", 0))
        failure: list[BaseException] = []

        def run() -> None:
            try:
                server.run(sockets=[listener])
            except BaseException as error:  # handed to the test's thread below
                failure.append(error)
            finally:
                server.ready.set()

        thread = threading.Thread(target=run, name="server under test", daemon=True)
        thread.start()
        server.ready.wait(30)
        if not server.started:
            listener.close()
            detail = f": {failure[0]!r}" if failure else ""
            pytest.fail(f"the server did not start{detail}", pytrace=False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._running[url] = server, thread, listener
        return url

    def stop(self, url: str) -> None:
        server, thread, listener = self._running.pop(url)
        server.should_exit = True
        thread.join(15)
        listener.close()
        assert not thread.is_alive(), f"{url} did not stop"

    def stop_all(self) -> None:
        for url in reversed(list(self._running)):
            self.stop(url)


@pytest.fixture
def serve() -> Iterator[Servers]:
    """Runs ASGI apps on real sockets for the length of the test; see Servers."""
    servers = Servers()
    yield servers
    servers.stop_all()


# Browser


def chromium_path() -> str | None:
    """A Chromium with windows, as kiosks have it; its profiles can be kept."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def headless_path() -> str | None:
    """Chromium without its windows, which opens a page in half the time, or the whole one."""
    return shutil.which("chromium-headless-shell") or chromium_path()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium. Tests take a context or page of their own and close it."""
    program = headless_path()
    if program is None:
        missing("no Chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()
