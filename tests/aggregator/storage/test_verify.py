"""Verification: what was stored fits, and any single change of it is named."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from aggregator.intake.ingest import Offer, Sent
from aggregator.storage.closings import as_json
from aggregator.storage.comments import Search
from aggregator.storage.verify import Printed, Verification, joined, on_paper
from surveys.centre import Centre
from surveys.receipts import receipt_of
from tests.aggregator.conftest import NOW, ZONE, Clock, Intake, ratings, sipas, submission, zeroed
from tests.aggregator.intake.test_numbers import DEVICE, KEY, NAME, chained

CODE = "7K4M-P2QR-9XWT"
DAY = "2026-11-23"


@dataclass
class Kept:
    """A database with a closed day; ``change`` does by SQL what nobody should."""

    intake: Intake
    centre: Centre
    clock: Clock

    def found(self, *printed: Printed) -> list[str]:
        store = self.intake.store
        surveys = store.definitions.counted(self.centre.instruments_with(self.intake.ingest._files))
        verification = Verification(store, surveys, self.centre)
        return [one.get("vi") for one in verification.findings(printed)]

    def change(self, *statements: str) -> int:
        """How many rows were changed. The triggers of the ledger are dropped first."""
        changed = 0
        with self.intake.store.database.begin(write=True) as connection:
            _unguarded(connection)
            for statement in statements:
                changed += connection.exec_driver_sql(statement.replace("%", "%%")).rowcount
        return changed

    def close(self, days: int = 1) -> int:
        self.clock.moment += timedelta(days=days)
        return self.intake.store.closings.close(self.clock.moment.astimezone(ZONE))


def _unguarded(connection: Connection) -> None:
    names = ("update", "delete", "replace")
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP TRIGGER IF EXISTS closing_row ON closing")
        return
    for name in names:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS closing_{name}")


def hand_in(intake: Intake, items: list[dict[str, Any]], **more: Any) -> None:
    sent = Sent(more.pop("ahead", 0), (), NAME, KEY)
    [receipts] = intake.ingest.accept([Offer(items, "en", DEVICE, sent)])
    assert {one.status for one in receipts} <= {"accepted", "duplicate"}


@pytest.fixture
def kept(intake: Intake, centre: Centre, clock: Clock) -> Kept:
    """Two days of a device that numbers, of one that does not, and of a file; all closed."""
    asked = intake.ingest.definition("in_centre", None).fingerprint
    items = chained(9, fingerprint=asked)
    items[2]["receipt"] = receipt_of(CODE)
    hand_in(intake, items[:3])
    hand_in(intake, items[4:])
    intake([*ratings([5, 4, 1]), sipas([4] * 22), submission(comment="chậm", answers={})])
    intake(ratings([5, 5], answered_at="2026-11-22T08:10:00+07:00", channel="import"))
    wrong = submission(answered_at="2026-11-23T07:10:00+07:00")
    intake.ingest.accept([Offer([wrong], "en", DEVICE, Sent(-3_600))])
    hand_in(intake, items[3:4])
    made = Kept(intake, centre, clock)
    assert made.close() == 2
    intake.store.roll_up(intake.store.definitions.counted(intake.ingest._surveys).values())
    return made


def test_what_was_stored_fits(kept: Kept) -> None:
    assert kept.found() == []
    kept.intake(ratings([3]))
    assert kept.found() == []
    assert kept.close(0) == 0
    assert kept.close() == 1
    first, second, late = kept.intake.store.closings.entries()
    assert (late.day, late.n, late.since) == (second.day, 1, second.until)
    assert (late.before, second.before) == (second.hash, first.hash)
    assert kept.found() == []


# By SQL, what must be said of it; None of what must be changed back for the test to mean anything.
CHANGES = {
    "answer": ("UPDATE submission SET answers = '{\"rating\":5}' WHERE number = 11", "bị sửa"),
    "level": ("UPDATE submission SET counter = 'q06' WHERE number = 2", "bị sửa"),
    "comment": ("UPDATE submission SET comment = 'nhanh' WHERE number = 3", "bị sửa"),
    "no comment": ("UPDATE submission SET comment = NULL WHERE number = 3", "bị sửa"),
    "day": ("UPDATE submission SET day = '2026-11-21' WHERE number = 4", "bị sửa"),
    "time": (
        "UPDATE submission SET answered_at = '2026-11-23 02:00:00+00:00' WHERE number = 4",
        "bị sửa",
    ),
    "digest": (f"UPDATE submission SET digest = '{'0' * 64}' WHERE number = 4", "bị sửa"),
    "received": (
        "UPDATE submission SET received_at = '2026-11-23 02:00:00+00:00' WHERE number = 4",
        "không còn như lúc chốt sổ",
    ),
    "device": ("UPDATE submission SET device = 3 WHERE number = 9", "không còn như lúc chốt sổ"),
    "offset": ("UPDATE submission SET clock_offset = 5 WHERE number = 9", "như lúc chốt sổ"),
    "told": ("UPDATE submission SET told_at = NULL WHERE told_at IS NOT NULL", "bị sửa"),
    "link": (f"UPDATE submission SET device_mac = '{'0' * 64}' WHERE number = 4", "không nối tiếp"),
    "number": ("UPDATE submission SET device_seq = 40 WHERE number = 4", "không còn trong"),
    "place": ("UPDATE submission SET number = 400 WHERE number = 9", "thiếu 1 phiếu"),
    "deleted": ("DELETE FROM submission WHERE number = 9", "thiếu 1 phiếu"),
    "deleted, numbered": ("DELETE FROM submission WHERE number = 4", "không còn trong cơ sở"),
    "the last, deleted": ("DELETE FROM submission WHERE device_seq = 9", "phiếu số 9 đến 9 đã"),
    "all deleted": ("DELETE FROM submission", "thiếu 15 phiếu"),
    "receipt": ("DELETE FROM receipt", "không còn như lúc chốt sổ"),
    "withdrawn": ("INSERT INTO withdrawal VALUES (10, 1)", "không thuộc lô nào"),
    "tally": ("UPDATE block SET numbers = {} WHERE tallied = 'tally'", "không bằng số đếm"),
    "block": ("UPDATE block SET since = '2026-11-20' WHERE tallied = 'tally'", "không bằng số đếm"),
    "entry": ("UPDATE closing SET n = n + 1 WHERE number = 1", "Dòng 1 của sổ"),
    "entry, root": (f"UPDATE closing SET root = '{'1' * 64}' WHERE number = 2", "Dòng 2 của sổ"),
    "entry, deleted": ("DELETE FROM closing WHERE number = 1", "không nối tiếp"),
    "entry, its hash": (f"UPDATE closing SET hash = '{'1' * 64}' WHERE number = 1", "Dòng 1"),
    "progress": ("UPDATE device_chain SET runs = '[]'", "sổ số của thiết bị đã bị sửa"),
    "key": (f"UPDATE device_chain SET key = '{'1' * 64}'", "không nối tiếp"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_any_single_change_is_named(kept: Kept, what: str) -> None:
    statement, said = CHANGES[what]
    if "{}" in statement:
        statement = statement.format(zeroed(kept.intake.store))
    if what == "block" and not kept.change("UPDATE block SET survey = survey"):
        pytest.skip("no blocks")
    assert kept.change(statement) > 0
    found = kept.found()
    assert any(said in one for one in found), found


def test_an_inserted_row_is_named(kept: Kept) -> None:
    columns = "survey, fingerprint, department, counter, channel, visit, answered_at, language, answers, comment, day, received_at, digest, device"  # noqa: E501
    copy = f"INSERT INTO submission (number, id, {columns}) SELECT {{}}, 'x{{}}', {columns}"
    late = copy.format(500, 1) + " FROM submission WHERE number = 2"
    assert kept.change(late) == 1
    assert any("bị sửa" in one for one in kept.found())


def test_fifty_deleted_rows_and_a_thousand_edited_answers_do_not_pass_after_a_rebuild(
    intake: Intake, centre: Centre, clock: Clock
) -> None:
    intake(ratings([1] * 600))
    kept = Kept(intake, centre, clock)
    assert kept.close() == 1
    kept.change(
        "DELETE FROM submission WHERE number <= 50",
        "UPDATE submission SET answers = '{\"rating\":5}' WHERE number > 550",
    )
    from aggregator.intake.ingest import rebuild

    rebuild(intake.store, lambda _: None)
    found = kept.found()
    assert sum("đã bị sửa" in one for one in found) == 50
    assert any("thiếu 50 phiếu; lúc chốt sổ có 600, nay còn 550" in one for one in found)


def test_a_server_whose_clock_was_set_back_accuses_no_device(
    intake: Intake, centre: Centre, clock: Clock
) -> None:
    intake.ingest.accept([Offer(ratings([5, 4]), "en", DEVICE)])
    clock.moment -= timedelta(minutes=30)
    asked = intake.ingest.definition("in_centre", None).fingerprint
    hand_in(intake, chained(2, fingerprint=asked, answered_at="2026-11-23T07:00:00+07:00"))
    kept = Kept(intake, centre, clock)
    assert kept.found() == []
    kept.change("UPDATE submission SET chain = NULL, device_seq = NULL WHERE device_seq = 2")
    assert any("không có số thứ tự" in one for one in kept.found())


def test_a_number_that_never_came_is_told_as_a_gap(kept: Kept) -> None:
    asked = kept.intake.ingest.definition("in_centre", None).fingerprint
    mac = kept.intake.store.submissions(None, None)
    last = max((row.device_seq or 0, row.device_mac or "") for row in mac)
    items = chained(6, first=10, before=last[1], fingerprint=asked)
    hand_in(kept.intake, items[4:])
    [said] = kept.found()
    assert "phiếu số 10 đến 13 không có ở đây" in said
    hand_in(kept.intake, items)
    assert kept.found() == []


def test_forgotten_comments_keep_everything_whole(kept: Kept) -> None:
    store = kept.intake.store
    digests = {row.number: row.digest for row in store.submissions(None, None)}
    assert store.comments.forget(date(2026, 11, 23)) == 0
    assert store.comments.forget(date(2026, 11, 24)) == 4
    rows = list(store.submissions(None, None))
    assert {row.comment for row in rows} == {row.comment_salt for row in rows} == {None}
    assert {row.number: row.digest for row in rows} == digests
    assert store.comments.count(Search(), 9) == 0
    assert kept.found() == []
    assert len(store.closings.proofs(receipt_of(CODE))) > 0
    asked = kept.intake.ingest.definition("in_centre", None).fingerprint
    resent = next(row for row in rows if row.device_seq == 3)
    again = submission(id=resent.id, fingerprint=asked, comment="chờ lâu", comment_salt="0f" * 16)
    assert [one.status for one in kept.intake([again])] == ["duplicate"]
    kept.change("UPDATE submission SET comment_seal = NULL WHERE device_seq = 3")
    assert len(kept.found()) == 1


def test_roots_from_paper(kept: Kept) -> None:
    first, second = kept.intake.store.closings.entries()
    assert kept.found(Printed(second.day, second.root), Printed(first.day, first.root[:16])) == []
    seals = Printed(second.day, second.hash[:32]), Printed(first.day, first.hash)
    assert kept.found(*seals) == []
    [said] = kept.found(Printed(second.day, "0" * 64))
    assert "mã trên phiếu đã ký không có trong sổ" in said
    [older] = on_paper([first], [Printed(second.day, second.root)])
    assert "khôi phục từ bản sao cũ hơn" in older.get("vi")
    [empty] = on_paper([], [Printed(second.day, second.root)])
    assert "sổ trống" in empty.get("vi")
    assert [*joined([first, second])] == []
    assert len([*joined([replace(first, closed_at=NOW), second])]) == 1


def test_a_ledger_made_again_from_some_day_on_is_caught_by_any_later_sheet(
    intake: Intake, centre: Centre, clock: Clock
) -> None:
    """Rows deleted, and every sum, entry and hash made again as the program would."""
    from aggregator.intake.ingest import rebuild

    kept = Kept(intake, centre, clock)
    for day in (20, 21, 22):
        intake(ratings([5, 4, 1], answered_at=f"2026-11-{day}T08:10:00+07:00"))
    assert kept.close() == 3
    intake(ratings([5]))
    assert kept.close() == 1
    papers = [Printed(one.day, one.root) for one in intake.store.closings.entries()]
    seal = intake.store.closings.entries()[-1]
    kept.change(
        "DELETE FROM submission WHERE day = '2026-11-21' AND answers LIKE '%1%'"
        if intake.store.engine.dialect.name == "sqlite"
        else "DELETE FROM submission WHERE day = '2026-11-21' AND answers::text LIKE '%1%'",
        "DELETE FROM closing",
    )
    rebuild(intake.store, lambda _: None)
    assert kept.close() == 4
    assert kept.found() == []  # nothing in the database tells
    assert len(kept.found(papers[1])) == 1  # the sheet of the day
    assert kept.found(papers[3]) == []  # that of a later day vouches by its root for itself
    assert len(kept.found(Printed(seal.day, seal.hash[:32]))) == 1  # and by its seal for all


def test_the_database_itself_refuses_to_change_the_ledger(kept: Kept) -> None:
    for statement in (
        "UPDATE closing SET n = 1",
        "DELETE FROM closing",
        "INSERT OR REPLACE INTO closing SELECT * FROM closing",
    ):
        if "REPLACE" in statement and kept.intake.store.engine.dialect.name != "sqlite":
            continue
        with (
            pytest.raises(Exception, match="append-only"),
            kept.intake.store.engine.begin() as connection,
        ):
            connection.exec_driver_sql(statement)


def test_a_proof_is_checked_without_this_program(kept: Kept) -> None:
    """By its own words: with SHA-256 and JSON alone."""
    import hashlib
    import json

    proofs = kept.intake.store.closings.proofs(receipt_of(CODE))
    told = json.loads(json.dumps(as_json(proofs), ensure_ascii=False))
    assert "chờ lâu" not in json.dumps(told, ensure_ascii=False)
    code = hashlib.sha256(f"hailong/receipt/1|{CODE.replace('-', '')}".encode()).hexdigest()

    def written(value: object) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    mine = [one for one in told["submissions"] if one["record"][9] == code]
    assert len(mine) == 1
    for one in told["submissions"]:
        assert hashlib.sha256(written(one["said"])).hexdigest() == one["record"][0]
        leaf = hashlib.sha256(b"\x00" + written(one["record"])).digest()
        for step in one["steps"]:
            beside = bytes.fromhex(step["hash"])
            pair = beside + leaf if step["side"] == "left" else leaf + beside
            leaf = hashlib.sha256(b"\x01" + pair).digest()
        assert leaf.hex() == one["root"]
    [entry] = [one for one in kept.intake.store.closings.entries() if str(one.day) == DAY]
    assert {one["root"] for one in told["submissions"]} == {entry.root}
    assert kept.intake.store.closings.proofs("0" * 64) == []
