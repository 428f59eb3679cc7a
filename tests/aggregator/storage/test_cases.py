"""Cases and contact details in both databases: what happened, who was first, what is forgotten."""

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from aggregator.figures.cases import cases_in_time
from aggregator.storage.audit import Search, entry
from aggregator.storage.cases import Case, Filters, OvertakenError
from aggregator.storage.database import StorageError
from aggregator.storage.store import Store
from surveys.centre import Centre
from surveys.receipts import new_code, receipt_of
from tests.aggregator.conftest import NOW, Intake, statuses, submission

DAY = timedelta(days=1)
TODAY = NOW.date()
JUSTICE, HEALTH = "so_tu_phap", "so_y_te"


def opened(store: Store, at: datetime = NOW, **more: Any) -> Case:
    number = store.cases.open(at, at + 10 * DAY, "quan_ly", "letter", text="Chờ lâu", **more)
    return found(store, number)


def found(store: Store, number: int) -> Case:
    case = store.cases.get(number)
    assert case is not None
    return case


def test_a_case_goes_from_its_receipt_to_its_closing_and_is_reopened_once(store: Store) -> None:
    number = opened(store).number
    for kind, actor, more in (
        ("assigned", "quan_ly", {"department": JUSTICE}),
        ("answered", "truong", {"text": "Đã sửa."}),
        ("closed", "quan_ly", {}),
        ("reopened", None, {"text": "Chưa được.", "due_at": NOW + 20 * DAY}),
        ("answered", "truong", {"text": "Nay đã xong."}),
        ("closed", "quan_ly", {}),
    ):
        one = found(store, number)
        assert one.may(kind)  # type: ignore[arg-type]
        store.cases.act(one, kind, NOW + DAY, actor, **more)  # type: ignore[arg-type]
    done = found(store, number)
    assert (done.state, done.department, done.missed) == ("closed", JUSTICE, False)
    assert not done.may("reopened")
    events = store.cases.events(number)
    assert [one.kind for one in events] == [
        "received", "assigned", "answered", "closed", "reopened", "answered", "closed",
    ]  # fmt: skip
    assert events[4].actor is None
    assert done.last == events[-1].number
    log = [row.event for row in store.audit.entries(Search(kind="case"), 50)]
    assert sorted(log) == sorted(f"case.{one.kind}" for one in events if one.actor)


def test_the_second_of_two_who_act_at_once_is_told_what_the_first_did(store: Store) -> None:
    one = opened(store)
    store.cases.act(one, "assigned", NOW, "quan_ly", department=JUSTICE)
    answered = found(store, one.number)
    store.cases.act(answered, "answered", NOW, "truong", text="Đã sửa.")
    seen = found(store, one.number)

    def close(name: str) -> list[str]:
        try:
            store.cases.act(seen, "closed", NOW, name)
        except OvertakenError as overtaken:
            return [f"{event.kind} {event.actor}" for event in overtaken.events]
        return []

    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(close, ("a", "b", "c", "d")))
    [first] = [name for name, events in zip("abcd", told, strict=True) if not events]
    assert sorted(map(tuple, told)) == [(), *[(f"closed {first}",)] * 3]
    assert [event.kind for event in store.cases.events(one.number)].count("closed") == 1


def test_events_cannot_be_changed_deleted_or_replaced(store: Store) -> None:
    number = opened(store).number
    for statement in ("UPDATE case_event SET text = 'x'", "DELETE FROM case_event"):
        with pytest.raises(StorageError), store.database.begin(write=True) as connection:
            connection.execute(text(statement))
    assert [event.text for event in store.cases.events(number)] == ["Chờ lâu"]


def test_a_submission_has_one_case_however_many_make_it(store: Store, intake: Intake) -> None:
    code = new_code()
    sent = submission(comment="Phải đi bốn lần", receipt=receipt_of(code))
    assert statuses(intake([sent])) == {"accepted": 1}
    assert statuses(intake([{**sent, "receipt": receipt_of(new_code())}])) == {"duplicate": 1}
    assert statuses(intake([{k: v for k, v in sent.items() if k != "receipt"}])) == {"duplicate": 1}

    def make(name: str) -> int:
        return store.cases.open(NOW, NOW + DAY, name, "comment", submission=sent["id"])

    with ThreadPoolExecutor(3) as threads:
        numbers = set(threads.map(make, ("a", "b", "c")))
    [number] = numbers
    row, case = store.cases.of_receipt(receipt_of(code))
    assert row is not None
    assert case == found(store, number)
    assert store.cases.texts([found(store, number)]) == {number: "Phải đi bốn lần"}
    assert store.cases.of_submissions([sent["id"], "x"]) == {sent["id"]: number}
    assert store.cases.of_receipt(receipt_of(new_code())) == (None, None)


def test_a_receipt_without_a_comment_is_not_kept_and_a_broken_one_refused(
    store: Store, intake: Intake
) -> None:
    plain = receipt_of(new_code())
    assert statuses(intake([submission(receipt=plain)])) == {"accepted": 1}
    assert store.cases.of_receipt(plain) == (None, None)
    for bad in ("7K4M-P2QR-9XWT", plain[:-1], plain.upper(), 5):
        [receipt] = intake([submission(comment="x", receipt=bad)])
        assert receipt.status == "refused"
        assert (receipt.reason or "").startswith("receipt:")


def test_overdue_first_and_each_department_its_own(store: Store, centre: Centre) -> None:
    late = opened(store, NOW - 12 * DAY)
    early = opened(store, NOW - 11 * DAY)
    new, done = opened(store), opened(store, NOW - 40 * DAY)
    for one, department in ((late, JUSTICE), (early, HEALTH), (done, HEALTH)):
        store.cases.act(one, "assigned", NOW, "quan_ly", department=department)
    store.cases.act(found(store, done.number), "answered", NOW, "truong", text="Muộn.")
    numbers = [one.number for one in store.cases.page(Filters(), NOW, 10)]
    assert numbers == [late.number, early.number, new.number, done.number]
    assert [one.number for one in store.cases.overdue(NOW)] == numbers[:2]
    assert store.cases.counts(NOW) == {
        "received": 1, "assigned": 2, "answered": 1, "closed": 0, "overdue": 2,
    }  # fmt: skip
    own = store.of_department(HEALTH).cases
    assert [one.number for one in own.page(Filters(), NOW, 10)] == [early.number, done.number]
    assert own.get(late.number) is None
    assert own.counts(NOW)["overdue"] == 1
    span = (TODAY - 50 * DAY, TODAY, NOW)
    assert cases_in_time(store, centre, *span) == {JUSTICE: (1, 0), HEALTH: (2, 0)}
    assert cases_in_time(store.of_department(HEALTH), centre, *span) == {HEALTH: (2, 0)}
    merged = store.following({"department": {HEALTH: JUSTICE}})
    assert cases_in_time(merged, centre, *span) == {JUSTICE: (3, 0)}


def test_in_time_counts_what_is_decided_and_a_late_answer_stays_late(
    store: Store, centre: Centre
) -> None:
    def assigned() -> Case:
        number = opened(store).number
        store.cases.act(found(store, number), "assigned", NOW, "q", department=JUSTICE)
        return found(store, number)

    def answered(one: Case, at: datetime) -> None:
        store.cases.act(found(store, one.number), "answered", at, "t", text="Xong.")

    def share(now: datetime) -> tuple[int, int] | None:
        return cases_in_time(store, centre, TODAY, TODAY, now).get(JUSTICE)

    one, other = assigned(), assigned()
    assert share(NOW) is None
    answered(one, NOW + 9 * DAY)
    assert share(NOW + 9 * DAY) == (1, 1)
    answered(other, NOW + 11 * DAY)
    assert share(NOW + 11 * DAY) == (2, 1)
    again = found(store, one.number)
    store.cases.act(again, "reopened", NOW + 12 * DAY, None, text="?", due_at=NOW + 22 * DAY)
    assert share(NOW + 12 * DAY) == (1, 0)  # its second answer is not due yet
    answered(one, NOW + 20 * DAY)
    assert share(NOW + 20 * DAY) == (2, 1)


# Contact details


@pytest.fixture
def left(store: Store, tmp_path: Path) -> Callable[[str], str]:
    def leave(words: str) -> str:
        receipt = receipt_of(new_code())
        store.contacts.leave(receipt, words, NOW, tmp_path / "k" / "contact.key")
        return receipt

    return leave


def test_contact_details_are_encrypted_and_their_reading_is_recorded(
    store: Store, tmp_path: Path, left: Callable[[str], str]
) -> None:
    receipt, key = left("0912 345 678, sau 17 giờ"), tmp_path / "k" / "contact.key"
    new = entry(NOW, "quan_ly", "case.contact", number=1)
    assert store.contacts.read(receipt, key, new) == "0912 345 678, sau 17 giờ"
    assert store.audit.count(Search(kind="case")) == 1
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with store.database.begin() as connection:
        [sealed] = connection.execute(text("SELECT sealed FROM contact")).scalars()
    assert "345" not in sealed
    assert key.read_text().strip() not in sealed
    assert store.contacts.read(receipt, tmp_path / "other.key", new) is None
    # Moved to another receipt by who can write to the database, they cannot be read.
    with store.database.begin(write=True) as connection:
        connection.execute(text("UPDATE contact SET receipt = :to"), {"to": "0" * 64})
    assert store.contacts.read("0" * 64, key, new) is None
    assert store.audit.count(Search(kind="case")) == 1


def test_a_key_that_is_broken_is_named_and_never_replaced(store: Store, tmp_path: Path) -> None:
    key = tmp_path / "contact.key"
    for broken in ("", "x", "QUJD"):
        key.write_text(broken)
        with pytest.raises(StorageError, match=r"contact\.key"):
            store.contacts.leave("0" * 64, "0912", NOW, key)
        assert key.read_text() == broken
    assert not store.contacts.exists("0" * 64)


def test_contact_details_are_deleted_some_days_after_closing(
    store: Store, tmp_path: Path, left: Callable[[str], str]
) -> None:
    nobody = left("không ai lập vụ việc")
    code = receipt_of(new_code())
    open_, closed = opened(store), opened(store, receipt=code)
    kept = receipt_of(new_code())
    with store.database.begin(write=True) as connection:
        connection.execute(
            text("INSERT INTO receipt (hash, case_number, given_at) VALUES (:h, :n, :at)"),
            {"h": kept, "n": open_.number, "at": str(NOW)},
        )
    for receipt in (code, kept):
        store.contacts.leave(receipt, "0912", NOW, tmp_path / "contact.key")
    store.cases.act(closed, "assigned", NOW, "q", department=JUSTICE)
    store.cases.act(found(store, closed.number), "answered", NOW, "q", text="Xong.")
    store.cases.act(found(store, closed.number), "closed", NOW + DAY, "q")
    assert store.contacts.forget(NOW + 30 * DAY, 30) == 0
    assert store.contacts.forget(NOW + 30 * DAY + timedelta(seconds=1), 30) == 1
    assert [store.contacts.exists(one) for one in (nobody, code, kept)] == [False, True, True]
    assert store.contacts.forget(NOW + 32 * DAY, 30) == 1
    assert [store.contacts.exists(one) for one in (nobody, code, kept)] == [False, False, True]
    assert store.contacts.forget(datetime(2999, 1, 1, tzinfo=UTC), 30) == 0
