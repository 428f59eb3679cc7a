"""What the store promises beside ingest: durable connections, reading in chunks, dossiers."""

from datetime import date
from threading import Thread

import pytest

from aggregator.storage.database import StorageError
from aggregator.storage.store import Selection, Store
from aggregator.storage.submissions import CHUNK
from tests.aggregator.conftest import Intake, ratings, stored, submission


def test_connections_are_durable(store: Store) -> None:
    with store.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
            for name, wanted in pragmas.items():
                assert connection.exec_driver_sql(f"PRAGMA {name}").scalar() == wanted
        else:
            for name, wanted in {"synchronous_commit": "on", "timezone": "UTC"}.items():
                assert connection.exec_driver_sql(f"SHOW {name}").scalar_one().lower() == (
                    str(wanted).lower()
                )


def test_submissions_are_read_in_the_order_of_arrival_across_chunks(intake: Intake) -> None:
    sent = ratings([5] * (CHUNK * 2 + 1))
    intake(sent)
    assert [row.id for row in stored(intake.store)] == [one["id"] for one in sent]


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1])
def test_no_chunk_boundary_loses_or_repeats_a_row(intake: Intake, size: int) -> None:
    intake(ratings([5] * size))
    ids = [row.id for row in stored(intake.store)]
    assert len(ids) == len(set(ids)) == size
    assert intake.store.has_submissions() == bool(size)


def test_a_reader_half_way_does_not_hold_up_a_writer(intake: Intake) -> None:
    intake(ratings([5] * (CHUNK + 10)))
    reading = intake.store.submissions(None, None)
    next(reading)
    assert intake([submission()])[0].status == "accepted"
    assert len(list(reading)) == CHUNK + 10  # the new one arrived while reading went on


def test_a_transaction_that_fails_stores_nothing(store: Store) -> None:
    def half() -> None:
        with store.writing() as writer:
            writer.set_transactions([{"day": date(2026, 11, 23), "department": "", "dossiers": 9}])
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        half()
    assert store.transactions(date(2026, 1, 1), date(2026, 12, 31)).empty


def test_a_second_writer_waits_for_the_first(store: Store) -> None:
    """What the first one wrote is there when the second one's transaction begins."""
    seen: list[int] = []

    def second() -> None:
        with store.writing():
            found = store.transactions(date(2026, 11, 23), date(2026, 11, 23))
            seen.append(int(found["dossiers"].sum()))

    other = Thread(target=second)
    with store.writing() as writer:
        other.start()
        row = {"day": date(2026, 11, 23), "department": "", "dossiers": 9}
        writer.set_transactions([row])
    other.join(10)
    assert seen == [9]


def test_dossiers_of_a_day_are_set_not_added(store: Store) -> None:
    day, following = date(2026, 11, 23), date(2026, 11, 24)
    for dossiers in (100, 120):
        store.put_transactions([{"day": day, "department": "", "dossiers": dossiers}])
    store.put_transactions([{"day": following, "department": "", "dossiers": 5}])
    assert store.transactions(day, day)["dossiers"].tolist() == [120]
    both = store.transactions(day, following)
    assert dict(zip(both["day"], both["dossiers"], strict=True)) == {day: 120, following: 5}


def test_a_selection_chooses_by_every_part(intake: Intake) -> None:
    intake(
        [submission(), submission(channel="qr"), submission(department="so_y_te", counter="q09")]
    )
    intake([submission(answered_at="2026-11-01T08:00:00+07:00", answers={"reasons": [1, 2]})])

    def n(**parts: object) -> int:
        chosen = Selection("in_centre", **parts)  # type: ignore[arg-type]
        return int(intake.store.counts(chosen, "centre")["n"].sum())

    assert n() == 5
    assert n(questions=("rating",)) == 3
    assert n(questions=("rating",), channel="qr") == 1
    assert n(department="so_y_te") == 1
    assert n(until=date(2026, 11, 1)) == 2
    assert n(since=date(2026, 11, 2), until=date(2026, 11, 23)) == 3
    assert intake.store.counts(Selection("business"), "centre").empty


@pytest.mark.parametrize("url", ["", "hailong.db", "mysql://x/y", "oracle://x"])
def test_an_address_it_cannot_use_is_refused(url: str) -> None:
    with pytest.raises(StorageError, match="HAILONG_DATABASE_URL"):
        Store(url)
