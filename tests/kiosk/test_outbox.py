"""The outbox: first content wins, rows leave on a receipt, and a bad disk is said aloud."""

import shutil
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from kiosk.outbox import Outbox, OutboxError
from surveys.wire import Receipt, Submission
from tests.kiosk.conftest import submission


def receipts(status: str, *sent: Submission) -> dict[str, Receipt]:
    return {
        str(one.id): Receipt(id=str(one.id), status=status, reason="why")  # type: ignore[arg-type]
        for one in sent
    }


def test_the_first_content_of_an_id_wins(outbox: Outbox) -> None:
    first = submission()
    assert outbox.add(first) == "stored"
    assert outbox.add(first) == "duplicate"
    assert outbox.add(first.model_copy(update={"answers": {"rating": 1}})) == "conflict"
    assert [row.id for row in outbox.pending(10)] == [str(first.id)]
    assert '"rating":5' in outbox.pending(10)[0].body


def test_a_reload_a_second_later_is_the_same_content(outbox: Outbox) -> None:
    first = submission()
    outbox.add(first)
    later = first.model_copy(update={"answered_at": first.answered_at + timedelta(seconds=1)})
    assert outbox.add(later) == "duplicate"


def test_several_go_in_together(outbox: Outbox) -> None:
    rating, reasons = submission(), submission(answers={"reasons": [1, 3]})
    outbox.add(rating)
    assert outbox.add_all([rating, reasons]) == ["duplicate", "stored"]
    assert len(outbox.pending(10)) == 2


def test_rows_leave_only_on_a_good_receipt(outbox: Outbox) -> None:
    taken, doubled, refused, disputed, forgotten = many = [submission() for _ in range(5)]
    outbox.add_all(many)
    settled = outbox.settle(
        receipts("accepted", taken)
        | receipts("duplicate", doubled)
        | receipts("refused", refused)
        | receipts("conflict", disputed)
    )
    assert settled == 4
    assert [row.id for row in outbox.pending(10)] == [str(forgotten.id)]
    kept = {row.id: row.refused for row in outbox.refused()}
    assert kept == {str(refused.id): "refused: why", str(disputed.id): "conflict: why"}


def test_a_delivered_id_is_recognised_when_it_comes_again(outbox: Outbox) -> None:
    first = submission()
    outbox.add(first)
    outbox.settle(receipts("accepted", first))
    assert outbox.add(first) == "duplicate"
    assert outbox.add(first.model_copy(update={"answers": {"rating": 2}})) == "conflict"
    assert outbox.pending(10) == []


def test_delivered_ids_are_forgotten_after_ninety_days(tmp_path: Path) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    box = Outbox(tmp_path / "o", clock=lambda: now[0])
    old, new = submission(), submission()
    box.add_all([old, new])
    box.settle(receipts("accepted", old))
    now[0] += timedelta(days=91)
    box.settle(receipts("accepted", new))
    assert not box.knows(str(old.id))
    assert box.knows(str(new.id))
    box.close()


def test_refused_rows_wait_again_when_a_human_says_so(outbox: Outbox) -> None:
    one, two = submission(), submission()
    outbox.add_all([one, two])
    outbox.settle(receipts("refused", one, two))
    assert outbox.retry(str(one.id)) == 1
    assert outbox.retry(str(uuid4())) == 0
    assert outbox.retry() == 1
    assert len(outbox.pending(10)) == 2


def test_the_status_tells_counts_and_times(outbox: Outbox) -> None:
    assert (outbox.status().pending, outbox.status().oldest_pending) == (0, None)
    one, two, three = submission(), submission(), submission()
    outbox.add_all([one, two, three])
    outbox.settle(receipts("accepted", one) | receipts("refused", two))
    status = outbox.status()
    assert (status.pending, status.refused) == (1, 1)
    assert status.oldest_pending == outbox.pending(1)[0].added
    assert status.last_delivery is not None


def test_everything_is_there_after_a_restart(outbox: Outbox) -> None:
    outbox.add(submission())
    outbox.close()
    again = Outbox(outbox.path)
    assert len(again.pending(10)) == 1
    again.close()


def test_two_hands_at_once_store_one_row(outbox: Outbox) -> None:
    same = submission()
    results: list[str] = []
    hands = [threading.Thread(target=lambda: results.append(outbox.add(same))) for _ in range(5)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert sorted(results) == ["duplicate"] * 4 + ["stored"]


def test_a_full_database_is_said_and_nothing_is_half_written(outbox: Outbox) -> None:
    assert outbox.disk.connection is not None
    pages = outbox.disk.connection.execute("PRAGMA page_count").fetchone()[0]
    outbox.disk.connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    rows = [submission(comment="đầy " * 400) for _ in range(20)]
    with pytest.raises(OutboxError, match="full"):
        outbox.add_all(rows)
    assert outbox.pending(10) == []
    outbox.disk.connection.execute("PRAGMA max_page_count = 100000")
    assert set(outbox.add_all(rows)) == {"stored"}


def test_a_locked_database_is_said(outbox: Outbox) -> None:
    other = sqlite3.connect(outbox.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OutboxError, match="locked"):
        outbox.add(submission())
    other.execute("ROLLBACK")
    other.close()
    assert outbox.add(submission()) == "stored"


def test_a_vanished_file_is_said_and_found_again(tmp_path: Path) -> None:
    folder, aside = tmp_path / "kiosk", tmp_path / "aside"
    box = Outbox(folder / "outbox.sqlite3")
    first = submission()
    box.add(first)
    box.close()
    folder.rename(aside)
    with pytest.raises(OutboxError, match="No such file"):
        box.add(submission())
    aside.rename(folder)
    assert box.add(first) == "duplicate"
    shutil.rmtree(folder)
    with pytest.raises(OutboxError, match="No such file"):
        box.add(submission())
    box.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "outbox.sqlite3"
    file.write_text("this is a letter, not a database" * 100)
    with pytest.raises(OutboxError, match=r"outbox\.sqlite3: file is not a database"):
        Outbox(file)
    assert [one.name for one in tmp_path.iterdir()] == [file.name]  # it was never an outbox


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "outbox.sqlite3"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(OutboxError, match="newer version"):
        Outbox(file)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxError, match="File exists"):
        Outbox(tmp_path / "file" / "outbox.sqlite3")
