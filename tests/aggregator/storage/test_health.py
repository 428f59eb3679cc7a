"""/health means that an answer would be stored: it says no where one would be refused."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Connection, event

from tests.aggregator.conftest import Clock, Room, ratings, submission, tallies
from tests.aggregator.storage.test_outages import deleted, file_of, gone, locked, on_connect
from tests.conftest import Servers
from tests.programs import no_file_grows_beyond


@contextmanager
def out_of_pages(room: Room) -> Iterator[None]:
    """SQLite's own bound: answers are taken until a page is full, and one more is too many."""
    engine = room.context.store.engine
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with on_connect(engine, f"PRAGMA max_page_count={pages}"):
        while room.post([submission()]).status_code == 200:
            pass
        yield


@contextmanager
def no_room(room: Room) -> Iterator[None]:
    """The operating system lets no file grow any more, as on a full disk."""
    log = file_of(room).with_name(file_of(room).name + "-wal")
    with no_file_grows_beyond(log):
        yield


@contextmanager
def read_only(room: Room) -> Iterator[None]:
    """The database takes no write, as a file without the right to, or a PostgreSQL standby."""
    engine = room.context.store.engine
    sqlite = engine.dialect.name == "sqlite"
    only = "PRAGMA query_only=ON" if sqlite else "SET default_transaction_read_only=on"
    with on_connect(engine, only):
        yield


@contextmanager
def busy(room: Room) -> Iterator[None]:
    """Another process writes, and does not end."""
    engine = room.context.store.engine
    url = engine.url.render_as_string(hide_password=False)
    with locked(url) as shortly, on_connect(engine, *shortly):
        yield


@contextmanager
def away(room: Room) -> Iterator[None]:
    engine = room.context.store.engine
    with gone(engine.url.render_as_string(hide_password=False), engine):
        yield


Trouble = Callable[[Room], AbstractContextManager[None]]


@pytest.fixture
def own_room(make_room: Callable[..., Room], migrated_url: str, tmp_path: Path) -> Room:
    """An aggregator on each kind of database, a SQLite file in a folder of its own."""
    if migrated_url.startswith("sqlite"):
        (tmp_path / "data").mkdir()
        return make_room(f"sqlite:///{tmp_path / 'data' / 'hailong.db'}")
    return make_room(migrated_url)


def check(room: Room, trouble: Trouble) -> None:
    room.take(ratings([5, 4]))
    with trouble(room):
        assert room.post([submission()]).status_code == 503
        assert room.health() == 503
        assert room.client.get("/health").json() == {"status": "unavailable"}
        assert room.post([submission()]).status_code == 503
    assert room.health() == 200
    room.take([submission()])


@pytest.mark.parametrize("trouble", [read_only, busy, away])
def test_where_no_answer_is_stored_health_says_so(own_room: Room, trouble: Trouble) -> None:
    check(own_room, trouble)


@pytest.mark.parametrize("trouble", [out_of_pages, no_room, deleted])
def test_where_a_file_takes_no_answer_health_says_so(room: Room, trouble: Trouble) -> None:
    check(room, trouble)


def test_with_a_clock_that_is_far_off_health_says_so(room: Room) -> None:
    room.clock.moment = datetime(1970, 1, 1, tzinfo=UTC)
    [receipt] = room.post([submission(answered_at="1970-01-01T00:00:00+00:00")]).json()["receipts"]
    assert receipt["status"] == "refused"
    assert room.health() == 503


def everything(room: Room) -> dict[str, list[Any]]:
    engine = room.context.store.engine
    with engine.connect() as connection:
        tables = ("submission", "block", "transactions")
        return {
            table: sorted(connection.exec_driver_sql(f"SELECT * FROM {table}").all(), key=str)
            for table in tables
        }


def test_asking_leaves_nothing_behind(any_room: Room) -> None:
    for _ in range(2):
        before = everything(any_room)
        assert [any_room.health() for _ in range(3)] == [200] * 3
        assert everything(any_room) == before
        any_room.take(ratings([5, 1]))
    assert sum(n for (n,) in tallies(any_room.context.store)["tally"].values()) == 4


def test_however_many_ask_at_once_one_write_is_made(any_room: Room, serve: Servers) -> None:
    app = any_room.another()
    engine = app.state.context.store.engine
    commits: list[bool] = []  # of transactions that write; looking around is cheap

    def note(connection: Connection) -> None:
        if connection.get_execution_options().get("hailong_write"):
            commits.append(True)

    event.listen(engine, "commit", note)
    url = serve(app)

    def ask(_: int) -> int:
        return httpx2.get(f"{url}/health", trust_env=False).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(40))) == {200}
    assert len(commits) == 1
    any_room.clock.moment = Clock().moment.replace(hour=2)  # the clock both apps go by
    assert ask(0) == 200
    assert len(commits) == 2


def test_why_no_answer_is_stored_is_logged_once(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    with read_only(room):
        for _ in range(3):
            assert room.health() == 503
    [record] = [one for one in caplog.records if one.name == "aggregator.health"]
    assert "attempt to write a readonly database" in record.getMessage()
