"""What may come over the wire: every bad submission is refused with its field and a reason."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.organisation import acts
from surveys.centre import load_centre
from surveys.definition import load_surveys
from surveys.text import UNSAFE, cleaned
from surveys.wire import (
    CLOCK_TOLERANCE,
    MAX_COMMENT,
    Refused,
    Submission,
    read_receipt,
    read_submission,
)

CENTRE = load_centre(Path(__file__).parents[2] / "deploy" / "lai_chau.toml")
SURVEYS = load_surveys()
NOW = datetime(2026, 11, 23, 1, 15, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "id": "0190a0c0-0000-7000-8000-000000000001",
    "survey": "in_centre",
    "department": "so_tu_phap",
    "counter": "q05",
    "channel": "kiosk",
    "visit": "v-1",
    "answered_at": "2026-11-23T08:10:00+07:00",
    "language": "vi",
    "answers": {"rating": 5},
}


def read(raw: object) -> Submission:
    return read_submission(raw, SURVEYS, CENTRE, NOW)


def refusal(raw: object) -> Refused:
    with pytest.raises(Refused) as caught:
        read(raw)
    return caught.value


def test_the_contracts_example_is_read() -> None:
    fingerprint = SURVEYS["in_centre"].fingerprint
    read_one = read({**GOOD, "fingerprint": fingerprint, "comment": None})
    assert str(read_one.id) == GOOD["id"]
    assert read_one.answers == {"rating": 5}
    assert read_one.answered_at == datetime(2026, 11, 23, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("name", ["fingerprint", "counter", "visit", "language", "comment"])
def test_what_the_contract_lets_be_absent_may_be_absent_or_null(name: str) -> None:
    assert getattr(read({k: v for k, v in GOOD.items() if k != name}), name) is None
    assert getattr(read({**GOOD, name: None}), name) is None


@pytest.mark.parametrize("code", ["vi", "en", "fr", "hmn"])
def test_an_answer_may_be_in_a_language_that_a_centre_has_added(code: str) -> None:
    assert read({**GOOD, "language": code}).language == code


@pytest.mark.parametrize("name", ["id", "survey", "channel", "answered_at"])
def test_what_must_be_there_is_named_when_it_is_missing(name: str) -> None:
    assert refusal({k: v for k, v in GOOD.items() if k != name}).field == name


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    # name, what is changed, the field named, the key of the reason
    ("unknown field", {"ip": "10.0.0.1"}, "ip", "unknown_field"),
    ("id no uuid", {"id": "1"}, "id", "not_a_uuid"),
    ("id a number", {"id": 7}, "id", "wrong_type"),
    ("id null", {"id": None}, "id", "wrong_type"),
    ("id with a line feed", {"id": GOOD["id"] + "\n"}, "id", "not_a_uuid"),
    ("survey unknown", {"survey": "census"}, "survey", "unknown_survey"),
    ("survey a list", {"survey": []}, "survey", "wrong_type"),
    ("survey huge", {"survey": "x" * 100_000}, "survey", "too_long_value"),
    ("department unknown", {"department": "so_x", "counter": None}, "department", "unknown_d"),
    ("department empty", {"department": "", "counter": None}, "department", "unknown_d"),
    ("counter unknown", {"counter": "q99"}, "counter", "unknown_counter"),
    ("counter of another", {"counter": "q09"}, "counter", "counter_elsewhere"),
    ("counter alone", {"department": None}, "counter", "counter_elsewhere"),
    ("channel unknown", {"channel": "fax"}, "channel", "not_of_this_form"),
    ("visit spaced", {"visit": "a b"}, "visit", "not_of_this_form"),
    ("visit long", {"visit": "a" * 65}, "visit", "not_of_this_form"),
    ("visit ends in a line feed", {"visit": "abc\n"}, "visit", "not_of_this_form"),
    ("language by its name", {"language": "french"}, "language", "not_of_this_form"),
    ("language of a region", {"language": "en-GB"}, "language", "not_of_this_form"),
    ("language in capitals", {"language": "VI"}, "language", "not_of_this_form"),
    ("language ends in a line feed", {"language": "vi\n"}, "language", "not_of_this_form"),
    ("fingerprint unsafe", {"fingerprint": "a\x00"}, "fingerprint", "not_of_this_form"),
    ("fingerprint a formula", {"fingerprint": "=1+1"}, "fingerprint", "not_of_this_form"),
    ("no offset", {"answered_at": "2026-11-23T08:10:00"}, "answered_at", "no_offset"),
    ("date only", {"answered_at": "2026-11-23"}, "answered_at", "no_offset"),
    ("a number", {"answered_at": 1_763_860_200}, "answered_at", "not_a_time"),
    ("a written number", {"answered_at": "1763860200"}, "answered_at", ""),
    ("year 1900", {"answered_at": "1900-01-01T00:00:00+07:00"}, "answered_at", "too_early"),
    ("year 1", {"answered_at": "0001-01-01T00:00:00+07:00"}, "answered_at", ""),
    ("year 9999", {"answered_at": "9999-12-31T23:59:59-07:00"}, "answered_at", ""),
    ("a day ahead", {"answered_at": "2026-11-24T08:15:00+07:00"}, "answered_at", "in_the_future"),
    ("30 February", {"answered_at": "2026-02-30T08:15:00+07:00"}, "answered_at", "not_a_time"),
    ("answers a list", {"answers": [5]}, "answers", "wrong_type"),
    ("answers a number", {"answers": 5}, "answers", "wrong_type"),
    ("answers empty", {"answers": {}}, "answers", "nothing_answered"),
    ("question unknown", {"answers": {"q1": 5}}, "answers", "unknown_question"),
    ("code 6", {"answers": {"rating": 6}}, "answers.rating", "unknown_code"),
    ("code 0", {"answers": {"rating": 0}}, "answers.rating", "unknown_code"),
    ("code huge", {"answers": {"rating": 10**30}}, "answers.rating", "unknown_code"),
    ("code true", {"answers": {"rating": True}}, "answers.rating", "not_a_whole_number"),
    ("code 5.0", {"answers": {"rating": 5.0}}, "answers.rating", "not_a_whole_number"),
    ("code a string", {"answers": {"rating": "5"}}, "answers.rating", "not_a_whole_number"),
    ("code null", {"answers": {"rating": None}}, "answers.rating", "not_a_whole_number"),
    ("code a list", {"answers": {"rating": [5]}}, "answers.rating", "not_a_whole_number"),
    ("code an object", {"answers": {"rating": {}}}, "answers.rating", "not_a_whole_number"),
    ("many a number", {"answers": {"reasons": 1}}, "answers.reasons", "not_a_list"),
    ("many empty", {"answers": {"reasons": []}}, "answers.reasons", "not_a_list"),
    ("many a text", {"answers": {"reasons": "12"}}, "answers.reasons", "not_a_list"),
    ("many twice", {"answers": {"reasons": [1, 1]}}, "answers.reasons", "chosen_twice"),
    ("many nested", {"answers": {"reasons": [[1]]}}, "answers.reasons", "unknown_code"),
    ("many true", {"answers": {"reasons": [True]}}, "answers.reasons", "unknown_code"),
    ("many unknown", {"answers": {"reasons": [1, 9]}}, "answers.reasons", "unknown_code"),
    ("comment huge", {"comment": "x" * 100_000}, "comment", "too_long"),
    ("comment a number", {"comment": 5}, "comment", "wrong_type"),
    (
        "no comment asked",
        {"survey": "paper_ballot_2020", "answers": {}, "comment": "x"},
        "comment",
        "no_comment_asked",
    ),
    *(
        (f"comment with U+{ord(mark):04X}", {"comment": f"tốt{mark}"}, "comment", "unsafe_text")
        for mark in "\x00\x07\x1b\x7f\x85\u200e\u200f\u202e\u2066\u2069\u2028\ud800\udfff\ufeff"
    ),
]


@pytest.mark.parametrize(("changes", "field", "key"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_content_is_refused_by_field(changes: dict[str, Any], field: str, key: str) -> None:
    error = refusal({**GOOD, **changes})
    assert error.field == field
    assert error.key.startswith(key)
    vietnamese, english = error.reason("vi"), error.reason("en")
    assert vietnamese.startswith(f"{field}: ")
    assert english.startswith(f"{field}: ")
    assert vietnamese != english
    assert len(english) < 200, "a hostile value must not fill the log"
    assert not UNSAFE.search(english)


@pytest.mark.parametrize("raw", [None, 5, "text", [], [GOOD], True, 1.5])
def test_what_is_no_object_is_refused(raw: object) -> None:
    assert (refusal(raw).field, refusal(raw).key) == ("submission", "not_an_object")


def test_a_hostile_field_name_is_shown_shortened_and_harmless() -> None:
    error = refusal({**GOOD, "\u202e" + "x" * 5_000: 1})
    assert error.key == "unknown_field"
    assert len(error.reason("en")) < 100
    assert "\u202e" not in error.reason("en")


@pytest.mark.parametrize(
    ("ahead", "taken"),
    [(timedelta(), True), (CLOCK_TOLERANCE, True), (CLOCK_TOLERANCE + timedelta(seconds=1), False)],
)
def test_a_clock_may_run_ahead_a_little(ahead: timedelta, taken: bool) -> None:
    raw = {**GOOD, "answered_at": (NOW + ahead).isoformat()}
    if taken:
        assert read(raw).answered_at == NOW + ahead
    else:
        assert refusal(raw).key == "in_the_future"


def test_markup_and_formulas_are_text_and_stay_as_they_are() -> None:
    for comment in (
        "<script>alert(1)</script>",
        "=1+1",
        "'; DROP TABLE submission; --",
        "👍🏽 tốt",
    ):
        assert read({**GOOD, "comment": comment}).comment == comment


def test_a_comment_may_be_as_long_as_it_says() -> None:
    assert read({**GOOD, "comment": "ắ" * MAX_COMMENT}).comment == "ắ" * MAX_COMMENT
    assert refusal({**GOOD, "comment": "a" * (MAX_COMMENT + 1)}).key == "too_long"


def test_a_comment_alone_is_an_answer() -> None:
    assert read({**GOOD, "answers": {}, "comment": "tốt"}).comment == "tốt"
    assert refusal({**GOOD, "answers": {}, "comment": ""}).key == "nothing_answered"


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "comment", "fingerprint"]), Json))
def test_whatever_comes_is_either_valid_or_refused_by_field(changes: dict[str, Any]) -> None:
    raw = {**GOOD, **changes}
    try:
        answers = read(raw).answers
    except Refused as refused:
        field, answers = refused.field.split(".")[0], {}
    else:
        field = "id"
    assert field in {*GOOD, "comment", "fingerprint"}
    assert set(answers) <= {"rating", "reasons"}
    assert answers.get("rating", 5) in (1, 2, 3, 4, 5)
    assert set(answers.get("reasons", [])) <= {1, 2, 3, 4, 5}


@given(st.text())
def test_cleaned_text_is_always_safe_and_clean(text: str) -> None:
    once = cleaned(text)
    assert not UNSAFE.search(once)
    assert cleaned(once) == once


def test_cleaning_keeps_what_a_citizen_means() -> None:
    assert cleaned("  Tô\u0301t\r\nla\u0300 \u202etốt\x00 ") == "Tốt\nlà tốt"


def test_a_receipt_is_read_from_a_reply_and_an_odd_one_is_not() -> None:
    receipt = read_receipt({"id": "x", "status": "refused", "reason": "survey: no"})
    assert (receipt.id, receipt.status, receipt.reason) == ("x", "refused", "survey: no")
    for odd in ({"id": "x", "status": "lost"}, {"status": "accepted"}, None, "accepted"):
        with pytest.raises(ValueError, match="validation error"):
            read_receipt(odd)


def test_late_answers_of_a_closed_department_and_a_moved_counter_are_taken() -> None:
    merged = acts.merge(CENTRE, "department", "so_tu_phap", "so_tai_chinh", date(2025, 3, 1))
    for department, counter in (("so_tu_phap", "q05"), ("so_tai_chinh", "q05")):
        read_submission(
            {**GOOD, "department": department, "counter": counter}, SURVEYS, merged, NOW
        )
    read_submission({**GOOD, "counter": None}, SURVEYS, merged, NOW)
    with pytest.raises(Refused, match="counter"):
        read_submission({**GOOD, "department": "so_y_te"}, SURVEYS, merged, NOW)
