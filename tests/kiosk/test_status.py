"""/status means that an answer would be taken: it says no where a tap would be refused."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import pytest

from tests.kiosk.conftest import Kiosk
from tests.programs import no_file_grows_beyond

KEYS = {"pending", "oldest_pending", "refused", "last_delivery"}


def pragma(kiosk: Kiosk, text: str) -> int:
    """Tell SQLite something on the kiosk's own connection; what it answers."""
    with kiosk.context.outbox.disk.transaction(write=False) as connection:
        row = connection.execute(f"PRAGMA {text}").fetchone()
    return int(row[0]) if row else 0


@contextmanager
def out_of_pages(kiosk: Kiosk) -> Iterator[None]:
    """SQLite's own bound: taps are taken until a page is full, and one more is too many."""
    pragma(kiosk, f"max_page_count = {pragma(kiosk, 'page_count')}")
    while kiosk.tap().status_code == 303:
        pass
    yield
    pragma(kiosk, "max_page_count = 1000000")


@contextmanager
def no_room(kiosk: Kiosk) -> Iterator[None]:
    """The operating system lets no file grow any more, as on a full disk."""
    log = kiosk.context.outbox.path.with_name("outbox.sqlite3-wal")
    with no_file_grows_beyond(log):
        yield


@contextmanager
def read_only(kiosk: Kiosk) -> Iterator[None]:
    pragma(kiosk, "query_only = ON")
    yield
    pragma(kiosk, "query_only = OFF")


@contextmanager
def locked(kiosk: Kiosk) -> Iterator[None]:
    """Another process writes, and does not end."""
    outbox = kiosk.context.outbox
    outbox.close()
    outbox.disk.busy_seconds = 0.05
    other = sqlite3.connect(outbox.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def clock_of_1970(kiosk: Kiosk) -> Iterator[None]:
    moment, kiosk.clock.moment = kiosk.clock.moment, datetime(1970, 1, 1, tzinfo=UTC)
    yield
    kiosk.clock.moment = moment


Trouble = Callable[[Kiosk], AbstractContextManager[None]]


@pytest.mark.parametrize("trouble", [out_of_pages, no_room, read_only, locked, clock_of_1970])
def test_where_no_tap_is_taken_the_status_says_so(desk: Kiosk, trouble: Trouble) -> None:
    desk.tap(4)
    with trouble(desk):
        assert desk.tap(5).status_code == 503
        answer = desk.client.get("/status")
        assert answer.status_code == 503
        assert len(answer.json()["error"]) > 10
        assert set(answer.json()) == KEYS | {"error"}  # reading goes on
        assert desk.tap(5).status_code == 503
    assert desk.client.get("/status").json()["pending"] == answer.json()["pending"]
    assert desk.client.get("/status").status_code == 200
    assert desk.tap(5).status_code == 303


def test_without_its_file_the_status_says_so(desk: Kiosk) -> None:
    shutil.rmtree(desk.context.outbox.path.parent)
    answer = desk.client.get("/status")
    assert answer.status_code == 503
    assert "No such file" in answer.json()["error"]


def test_asking_for_the_status_leaves_nothing_behind(desk: Kiosk, lobby: Kiosk) -> None:
    for kiosk in (desk, lobby):
        for _ in range(3):
            answer = kiosk.client.get("/status")
            assert answer.status_code == 200
            assert set(answer.json()) == KEYS
            assert answer.json()["pending"] == 0
        assert kiosk.stored() == []
        assert kiosk.context.outbox.refused() == []
