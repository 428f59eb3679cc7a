"""A database that is full, locked or gone: a clear 503, nothing half-written, then recovery."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, make_url
from starlette.testclient import TestClient

from aggregator.dashboard.app import create_app
from aggregator.settings import Settings
from aggregator.storage.database import Lock
from deploy import backup, restore
from surveys.receipts import receipt_of
from tests.aggregator.conftest import CENTRE, Room, ratings, sipas, stored, submission, tallies
from tests.programs import free_port


@contextmanager
def on_connect(engine: Engine, *statements: str) -> Iterator[None]:
    """New connections run these first; the pool is emptied before and after."""

    def prepare(connection: Any, _: object) -> None:
        for statement in statements:
            connection.execute(statement)
        if not isinstance(connection, sqlite3.Connection):
            connection.commit()

    event.listen(engine, "connect", prepare)
    engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "connect", prepare)
        engine.dispose()


def assert_unavailable(answer: Any) -> None:
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    reason = answer.json()["error"]
    assert len(reason) > 20
    for leak in ("sqlite", "psycopg", "SELECT", "INSERT", "Traceback"):
        assert leak not in reason


def test_a_full_disk_stores_all_or_nothing(room: Room) -> None:
    store = room.context.store
    room.take(ratings([5, 4]))
    before = tallies(store)
    large = [submission(comment="ă" * 1_500) for _ in range(200)]
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with on_connect(store.engine, f"PRAGMA max_page_count={pages + 20}"):
        assert_unavailable(room.post(large))
        assert len(stored(store)) == 2
        assert tallies(store) == before
        assert room.health() == 200  # there is room for a single answer
        assert [r["status"] for r in room.post(ratings([3])).json()["receipts"]] == ["accepted"]
    assert {r["status"] for r in room.post(large).json()["receipts"]} == {"accepted"}
    assert len(stored(store)) == 203


def test_a_full_disk_in_the_middle_of_the_tallies_takes_the_rows_back(room: Room) -> None:
    """Room for the row, none for its tallies: SQLite itself runs out of pages in between."""
    store = room.context.store
    answered = "2026-11-{:02}T08:00:00+07:00"
    sent = [sipas(answered_at=answered.format(day), visit="v") for day in range(1, 23)]
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    failed_in = set()

    def note(context: Any) -> None:
        failed_in.add(context.statement.split(" (")[0].split("\n")[0])

    event.listen(store.engine, "handle_error", note)
    for spare in range(0, 60, 4):
        with on_connect(store.engine, f"PRAGMA max_page_count={pages + spare}"):
            answer = room.post(sent)
            if answer.status_code == 200:
                break
            assert_unavailable(answer)
            assert stored(store) == []
            assert not any(tallies(store).values())
    assert answer.status_code == 200, "never enough room"
    assert "INSERT INTO submission" in failed_in
    assert len(stored(store)) == len(sent)


@contextmanager
def locked(url: str) -> Iterator[list[str]]:
    """Another process holds the write lock; yields what makes ours wait for it but shortly."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(str(make_url(url).database), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield ["PRAGMA busy_timeout=50"]
        finally:
            other.execute("ROLLBACK")
            other.close()
    else:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", [int(Lock.WRITER)])
            yield ["SET lock_timeout='50ms'"]


def test_a_locked_database_answers_503_and_goes_on_afterwards(
    any_room: Room, migrated_url: str
) -> None:
    store, sent = any_room.context.store, ratings([5] * 3)
    room = any_room
    room.take(ratings([4]))
    with locked(migrated_url) as shortly, on_connect(store.engine, *shortly):
        assert_unavailable(room.post(sent))
        assert "cơ sở dữ liệu" in room.post(sent, accept_language="vi").json()["error"]
        assert room.get("/api/v1/satisfaction").json()["rows"][0]["n"] == 1  # reading goes on
        assert room.health() == 503
    assert len(stored(store)) == 1
    assert {r["status"] for r in room.post(sent).json()["receipts"]} == {"accepted"}
    assert room.get("/api/v1/satisfaction").json()["rows"][0]["n"] == 4


@contextmanager
def gone(url: str, engine: Engine) -> Iterator[None]:
    """The database cannot be reached: its folder is away, or its server turns everyone out."""
    if url.startswith("sqlite"):
        folder = Path(str(make_url(url).database)).parent
        away = folder.with_name(folder.name + "-away")
        engine.dispose()
        folder.rename(away)
        folder.write_text("not a folder")
        try:
            yield
        finally:
            folder.unlink()
            away.rename(folder)
    else:
        address, _, name = url.replace("+psycopg", "").rpartition("/")
        with psycopg.connect(f"{address}/postgres", autocommit=True) as server:
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            server.execute(query, [name])
            try:
                yield
            finally:
                server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


def test_a_database_that_is_gone_answers_503_and_comes_back(
    make_room: Callable[..., Room], migrated_url: str, tmp_path: Path
) -> None:
    url = migrated_url
    if url.startswith("sqlite"):
        (tmp_path / "data").mkdir()
        url = f"sqlite:///{tmp_path / 'data' / 'hailong.db'}"
    room = make_room(url)
    sent = submission()
    room.take([sent])
    room.get("/api/v1/satisfaction")
    with gone(url, room.context.store.engine):
        assert_unavailable(room.post([submission()]))
        assert_unavailable(room.get("/api/v1/satisfaction"))
        health = room.client.get("/health")
        assert (health.status_code, health.json()) == (503, {"status": "unavailable"})
        assert room.client.get("/metrics").status_code == 200
    assert room.health() == 200
    assert [r["status"] for r in room.post([sent]).json()["receipts"]] == ["duplicate"]
    assert room.get("/api/v1/satisfaction").json()["rows"][0]["n"] == 1


def file_of(room: Room) -> Path:
    return Path(room.context.store.engine.url.database or "")


@contextmanager
def deleted(room: Room) -> Iterator[None]:
    """The file is gone while it is open: SQLite would go on writing into nothing."""
    file = file_of(room)
    names = [file.name + suffix for suffix in ("", "-wal", "-shm")]
    for name in names:
        file.with_name(name).rename(file.with_name(f"away-{name}"))
    yield
    for name in names:
        assert not file.with_name(name).exists()
        file.with_name(f"away-{name}").rename(file.with_name(name))


def test_a_deleted_file_takes_no_answer(room: Room) -> None:
    sent = submission()
    room.take([sent])
    with deleted(room):
        assert_unavailable(room.post([submission()]))
        assert_unavailable(room.get("/api/v1/satisfaction"))
    assert [r["status"] for r in room.post([sent]).json()["receipts"]] == ["duplicate"]


def test_a_file_that_was_replaced_is_the_one_that_is_written(room: Room, tmp_path: Path) -> None:
    """As when a backup is put back under a running aggregator."""
    file = file_of(room)
    copy = tmp_path / "backup.db"
    with sqlite3.connect(file) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    for connection in (source, target):
        connection.close()
    room.take([submission()])
    copy.replace(file)
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink()
    assert room.health() == 200
    sent = submission()
    room.take([sent])
    assert [row.id for row in room.context.store.submissions(None, None)] == [sent["id"]]
    with sqlite3.connect(file) as other:
        assert other.execute("SELECT id FROM submission").fetchall() == [(sent["id"],)]
    other.close()


def test_a_server_that_was_never_there_is_no_crash(tmp_path: Path) -> None:
    url = f"postgresql://postgres@127.0.0.1:{free_port()}/hailong"
    settings = Settings(centre=CENTRE, var=tmp_path, database_url=url)
    with TestClient(create_app(settings)) as client:
        headers = {"authorization": "Bearer any", "accept-language": "en"}
        answer = client.post("/api/v1/submissions", json={"submissions": []}, headers=headers)
        assert_unavailable(answer)
        assert client.get("/health").status_code == 503


def test_an_unmigrated_database_is_unavailable_not_empty(any_room: Room, tmp_path: Path) -> None:
    with any_room.context.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    assert any_room.client.get("/health").status_code == 503


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_export_says_503_before_the_first_byte(room: Room, language: Any) -> None:
    with room.context.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE submission RENAME TO elsewhere")
    assert_unavailable(room.get("/api/v1/submissions.csv", language))


def test_a_damaged_file_takes_nothing_until_a_copy_is_in_its_place(
    room: Room, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once SQLite met a broken page: an answer that meets none would be lost with the others."""
    file, store = file_of(room), room.context.store
    room.take([*ratings([5, 4]), submission(comment="chậm")])
    backup.copy_sqlite(file, copy := tmp_path / "copy.db")
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
        of = "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'receipt' AND rootpage > 0"
        pages = connection.exec_driver_sql(of).scalars().all()
    with file.open("r+b") as opened:
        for page in pages:
            opened.seek((page - 1) * size)
            opened.write(b"\xa5" * size)
    with closing(sqlite3.connect(file)) as other:  # whoever has pages in memory reads them anew
        other.execute("PRAGMA user_version = 1")
    later = [submission(comment="lâu", receipt=receipt_of("7K4M-P2QR-9XWT")), submission()]
    assert_unavailable(room.post(later[:1]))
    assert_unavailable(room.post(later[1:]))  # though it has no receipt code
    assert room.health() == 503
    assert "is damaged: put a copy in its place" in caplog.text
    assert len(stored(store)) == 3  # what can still be read is shown
    store.close()
    assert restore.main([str(copy), str(file), "--instead"]) == 0
    assert room.health() == 200
    assert [one["status"] for one in room.post(later).json()["receipts"]] == ["accepted"] * 2
    assert len(stored(store)) == 5
