"""Exactly once: what becomes of new, repeated, contradicting and bad submissions."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from aggregator.intake.ingest import Offer
from aggregator.storage.store import Selection
from surveys.definition import Survey
from tests.aggregator.conftest import Intake, ratings, sipas, statuses, stored, submission, tallies

RATING_5 = ("in_centre", "rating", "2026-11-23", "kiosk", "so_tu_phap", "q05", "5")
HOUR_5 = ("in_centre", "2026-11-01", "kiosk", "so_tu_phap", "q05", "0", "8", "5")


def count_of_fives(intake: Intake) -> int:
    found = tallies(intake.store)["tally"].get(RATING_5)
    return found[0] if found else 0


def test_a_new_submission_is_stored_as_it_was_sent_and_counted_once(
    intake: Intake, surveys: dict[str, Survey]
) -> None:
    known = surveys["in_centre"].fingerprint
    sent = submission(comment="Cán bộ tận tình\nvà nhanh", fingerprint=known)
    [receipt] = intake([sent])
    assert (receipt.id, receipt.status, receipt.reason) == (sent["id"], "accepted", None)
    [row] = stored(intake.store)
    for name in ("id", "survey", "department", "counter", "channel", "visit", "language"):
        assert getattr(row, name) == sent[name]
    assert row.answers == {"rating": 5}
    assert (row.comment, row.fingerprint) == (sent["comment"], known)
    assert row.answered_at == datetime(2026, 11, 23, 1, 10, tzinfo=UTC)
    assert row.received_at == datetime(2026, 11, 23, 1, 15, tzinfo=UTC)
    assert tallies(intake.store) == {
        "tally": {RATING_5: (1,)},
        "pooled_tally": {},
        "hour_tally": {HOUR_5: (1,)},
    }


def test_a_retry_is_a_success_and_counts_once(intake: Intake) -> None:
    sent = submission()
    assert [intake([sent])[0].status for _ in range(3)] == ["accepted", "duplicate", "duplicate"]
    assert len(stored(intake.store)) == 1
    assert count_of_fives(intake) == 1


def test_repeats_within_one_batch_are_told_apart(intake: Intake) -> None:
    sent = submission()
    receipts = intake([sent, sent, {**sent, "answers": {"rating": 1}}, sent])
    assert [r.status for r in receipts] == ["accepted", "duplicate", "conflict", "duplicate"]
    assert len(stored(intake.store)) == 1
    assert tallies(intake.store)["tally"] == {RATING_5: (1,)}


SAME = {
    "upper case id": lambda sent: {**sent, "id": sent["id"].upper()},
    "same moment, other offset": lambda sent: {**sent, "answered_at": "2026-11-23T01:10:00Z"},
    "other order of fields": lambda sent: dict(reversed(sent.items())),
    "other order of answers": lambda sent: {
        **sent,
        "answers": dict(reversed(sent["answers"].items())),
    },
    "other order of codes": lambda sent: {**sent, "answers": {"rating": 5, "reasons": [3, 1, 2]}},
    "null for absent": lambda sent: {**sent, "comment": None, "fingerprint": None},
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_content_written_otherwise_is_a_duplicate(intake: Intake, name: str) -> None:
    sent = submission(answers={"rating": 5, "reasons": [1, 2, 3]})
    assert [r.status for r in intake([sent, SAME[name](sent)])] == ["accepted", "duplicate"]
    assert intake([SAME[name](sent)])[0].status == "duplicate"
    assert count_of_fives(intake) == 1


OTHER: dict[str, dict[str, Any]] = {
    "answers": {"answers": {"rating": 4}},
    "one answer more": {"answers": {"rating": 5, "reasons": [1]}},
    "survey": {"survey": "sipas_2020", "answers": {"q1": 5}},
    "counter": {"counter": "q06"},
    "no counter": {"counter": None},
    "department": {"department": "so_y_te", "counter": "q09"},
    "channel": {"channel": "qr"},
    "visit": {"visit": "v-2"},
    "answered_at": {"answered_at": "2026-11-23T08:10:01+07:00"},
    "language": {"language": "en"},
    "comment": {"comment": "khác"},
}


@pytest.mark.parametrize("name", OTHER)
def test_the_same_id_with_other_content_is_a_conflict(intake: Intake, name: str) -> None:
    sent = submission()
    other = {**sent, **OTHER[name]}
    receipts = intake([sent, other]) + intake([other])
    assert [r.status for r in receipts] == ["accepted", "conflict", "conflict"]
    assert receipts[1].reason == "id: this id is stored with other content"
    assert tallies(intake.store)["tally"] == {RATING_5: (1,)}
    assert stored(intake.store)[0].answers == {"rating": 5}


def test_receipts_come_in_order_and_one_bad_item_spoils_no_other(intake: Intake) -> None:
    good = ratings([5, 4, 3])
    bad: list[Any] = [submission(survey="census"), "text", None, submission(answers={"rating": 9})]
    receipts = intake([good[0], bad[0], good[1], bad[1], bad[2], good[2], bad[3]])
    assert [r.status for r in receipts] == [
        *("accepted", "refused", "accepted", "refused", "refused", "accepted", "refused"),
    ]
    assert [r.id for r in receipts] == [
        good[0]["id"],
        bad[0]["id"],
        good[1]["id"],
        None,
        None,
        good[2]["id"],
        bad[3]["id"],
    ]
    assert [row.id for row in stored(intake.store)] == [one["id"] for one in good]
    assert sum(n for (n,) in tallies(intake.store)["tally"].values()) == 3


def test_a_refused_id_is_free_for_the_corrected_submission(intake: Intake) -> None:
    wrong = submission(answers={"rating": 6})
    assert intake([wrong])[0].status == "refused"
    assert intake([{**wrong, "answers": {"rating": 5}}])[0].status == "accepted"


def test_requests_committed_together_keep_their_own_receipts_and_language(intake: Intake) -> None:
    shared, bad = submission(), submission(department="sở")
    vietnamese, english = intake.ingest.accept(
        [Offer([shared, bad], "vi"), Offer([bad, shared, submission()], "en")]
    )
    assert [r.status for r in vietnamese] == ["accepted", "refused"]
    assert [r.status for r in english] == ["refused", "duplicate", "accepted"]
    assert vietnamese[1].reason == "department: không có cơ quan “sở”"
    assert english[0].reason == "department: there is no department “sở”"


def test_an_empty_batch_has_no_receipts(intake: Intake) -> None:
    assert intake([]) == []


def test_a_follow_up_is_a_submission_of_its_own_in_the_same_visit(intake: Intake) -> None:
    visit = str(uuid4())
    assert statuses(intake([submission(visit=visit), sipas(visit=visit)])) == {"accepted": 2}
    assert [row.visit for row in stored(intake.store)] == [visit, visit]


@pytest.mark.parametrize(
    ("answered_at", "day"),
    [
        ("2026-11-22T16:59:59Z", date(2026, 11, 22)),  # 23:59:59 at the centre
        ("2026-11-22T17:00:00Z", date(2026, 11, 23)),  # midnight at the centre
        ("2026-11-22T23:30:00Z", date(2026, 11, 23)),
        ("2026-11-22T20:00:00-05:00", date(2026, 11, 23)),
        ("2026-11-23T05:59:59.999999+07:00", date(2026, 11, 23)),
    ],
)
def test_an_answer_counts_on_the_centres_local_day(
    intake: Intake, answered_at: str, day: date
) -> None:
    assert intake([submission(answered_at=answered_at)])[0].status == "accepted"
    [row] = stored(intake.store)
    assert row.day == day
    assert row.answered_at == datetime.fromisoformat(answered_at)
    assert [key[2] for key in tallies(intake.store)["tally"]] == [day.isoformat()]
    on_the_day = Selection("in_centre", since=day, until=day)
    assert intake.store.counts(on_the_day, "day")["n"].sum() == 1


def test_times_lie_in_the_database_in_utc(intake: Intake) -> None:
    intake([submission(answered_at="2026-11-23T00:30:00+14:00")])
    with intake.store.engine.connect() as connection:
        in_utc = " AT TIME ZONE 'UTC'" if connection.dialect.name == "postgresql" else ""
        written = connection.exec_driver_sql(f"SELECT answered_at{in_utc} FROM submission").scalar()
    assert str(written)[:19] == "2026-11-22 10:30:00"


def test_an_answer_without_a_department_counts_for_the_centre_alone(intake: Intake) -> None:
    intake([submission(department=None, counter=None), submission()])
    by_department = intake.store.counts(Selection("in_centre"), "department")
    assert dict(zip(by_department["key"], by_department["n"], strict=True)) == {
        "": 1,
        "so_tu_phap": 1,
    }
    assert intake.store.counts(Selection("in_centre"), "centre")["n"].tolist() == [2]


def test_a_receipt_names_the_id_as_it_was_sent(intake: Intake) -> None:
    sent = submission()
    loud = {**sent, "id": sent["id"].upper()}
    assert [(r.id, r.status) for r in intake([loud, sent, {**loud, "comment": 5}])] == [
        (loud["id"], "accepted"),
        (sent["id"], "duplicate"),
        (loud["id"], "refused"),
    ]
