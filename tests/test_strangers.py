"""What strangers may hold open of the real programs: connections, handles and memory."""

import re
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest

from aggregator.dashboard.accounts import Accounts
from aggregator.dashboard.api import MAX_BODY
from aggregator.settings import Settings
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from tests.conftest import missing
from tests.programs import Program, free_port

HANDLES = 1_024  # what a service has where nobody says otherwise
STRANGERS = 1_300
PATIENCE = 20.0  # seconds in which a well-behaved client gets its answer

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="reads a process's memory in /proc"
)


@dataclass(frozen=True)
class Running:
    """A running program, and a page that anyone may ask for at each port that it serves."""

    program: Program
    pages: dict[int, str]
    token: str = ""  # of a device, where it is an aggregator

    @property
    def peak(self) -> float:
        """The most memory that it held so far, in MB (10^6 bytes)."""
        status = Path(f"/proc/{self.program.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024 / 1e6


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts ``kiosk``, ``aggregator`` or ``standalone`` with as many handles as a service has."""
    made: list[Program] = []

    def run(*arguments: str, **settings: object) -> Program:
        made.append(Program(*arguments, var=tmp_path, **settings))
        return made[-1]

    def make(name: str) -> Running:
        kiosk, aggregator, token = free_port(), free_port(), ""
        if name == "kiosk":
            program = run("-m", "kiosk", "serve", port=kiosk)
            pages = {kiosk: "/status"}
        elif name == "aggregator":
            store = Store(Settings(var=tmp_path).database)
            migrate(store.engine)
            token = Accounts(store, lambda: datetime.now(UTC)).new_token("device", "sanh")
            store.close()
            program = run("-m", "aggregator", "serve", port=aggregator)
            pages = {aggregator: "/health"}
        else:
            program = run("standalone.py", port=aggregator, kiosk_port=kiosk)
            pages = {kiosk: "/status", aggregator: "/health"}
        program.until("http://127.0.0.1" if name != "standalone" else "Ctrl-C")
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (HANDLES, HANDLES))
        return Running(program, pages, token)

    yield make
    for program in made:
        program.end()


@pytest.fixture
def strangers() -> Iterator[ExitStack]:
    """Holds the strangers' sockets, and lets this process have that many."""
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * STRANGERS + 256
    if soft < needed:
        if hard < needed:
            missing(f"this user may open {hard} files, {needed} are needed (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    with ExitStack() as stack:
        yield stack
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def send(port: int, data: bytes) -> socket.socket:
    """A connection on which as much of the data was sent as the server let in."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    with suppress(ConnectionError):
        connection.sendall(data)
    return connection


def post(path: str, length: int, sent: int, *headers: str) -> bytes:
    """A form of ``length`` bytes of which only ``sent`` are there."""
    kind = "Content-Type: application/x-www-form-urlencoded"
    size = f"Content-Length: {length}"
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", kind, size, *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + b"a" * sent


def asked(client: HTTPConnection, page: str) -> int:
    """The status of a page."""
    client.request("GET", page)
    answer = client.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize("name", ["kiosk", "aggregator", "standalone"])
def test_strangers_who_never_finish_keep_nobody_out(
    start: Start, strangers: ExitStack, name: str
) -> None:
    running = start(name)
    for port, page in running.pages.items():
        kept = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        strangers.callback(kept.close)
        assert asked(kept, page) == 200
        its_socket = kept.sock
        for number in range(STRANGERS):
            strangers.enter_context(send(port, post("/rate", 1_000, sent=1)))
            if number % 100 == 0:
                assert asked(kept, page) == 200
        # Whoever behaves keeps the connection, and whoever comes gets in.
        assert kept.sock is its_socket
        for _ in range(10):
            new = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            strangers.callback(new.close)
            assert asked(new, page) == 200
    assert running.program.interrupt() == 0
    assert "Traceback" not in running.program.output


def test_unfinished_forms_take_little_memory(start: Start, strangers: ExitStack) -> None:
    running = start("kiosk")
    before = running.peak
    hold(running, strangers, 400, post("/rate", 1_000_000, sent=999_999))
    assert running.peak - before < 80  # 400 of them are 400


def test_unfinished_batches_take_little_memory(start: Start, strangers: ExitStack) -> None:
    """Those who may send batches may be many, and as slow as others."""
    running = start("aggregator")
    before = running.peak
    admitted = f"Authorization: Bearer {running.token}"
    batch = post("/api/v1/submissions", MAX_BODY, MAX_BODY - 1, admitted)
    hold(running, strangers, 40, batch)
    assert running.peak - before < 160  # 40 of them are 336


def hold(running: Running, strangers: ExitStack, number: int, unfinished: bytes) -> None:
    """Send an unfinished request on so many connections, and then a whole one on another."""
    ((port, page),) = running.pages.items()
    for _ in range(number):
        strangers.enter_context(send(port, unfinished))
    client = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    strangers.callback(client.close)
    assert asked(client, page) == 200
