"""Whatever is posted, the answer is never a defect, and nothing invalid is ever stored."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.forms import BadFormError, parse_id, read_answers, single_value, whole_number
from surveys.definition import Survey, load_surveys
from surveys.wire import read_submission
from tests.kiosk.conftest import Kiosk

SURVEYS = load_surveys()
RATING, BUSINESS = SURVEYS["in_centre"], SURVEYS["business"]


def errors(survey: Survey, **fields: list[str]) -> dict[str, str]:
    form = read_answers(survey, list(survey.all_questions()), fields)
    return {name: refused.key for name, refused in form.errors.items()}


def test_a_form_becomes_answers() -> None:
    fields = {"rating": ["4"], "reasons": ["5", "1", "1"], "comment": [" Tốt "]}
    form = read_answers(RATING, list(RATING.all_questions()), fields)
    assert form.answers == {"rating": 4, "reasons": [1, 5]}
    assert form.comment == "Tốt"
    assert form.errors == {}


def test_what_is_skipped_is_absent() -> None:
    fields = {"rating": [""], "reasons": [], "comment": [" \n "]}
    assert read_answers(RATING, list(RATING.all_questions()), fields).empty


def test_what_is_wrong_is_named_by_field() -> None:
    assert errors(RATING, rating=["9"]) == {"rating": "unknown_code"}
    assert errors(RATING, rating=["five"]) == {"rating": "unknown_code"}
    assert errors(RATING, rating=["5", "4"]) == {"rating": "chosen_twice"}
    assert errors(RATING, reasons=["1", "77"]) == {"reasons": "unknown_code"}
    assert errors(RATING, comment=["x" * 2001]) == {"comment": "too_long"}
    assert errors(BUSINESS, b1_2=["-1"]) == {"b1_2": "out_of_bounds"}
    assert errors(BUSINESS, b1_2=["1.5"]) == {"b1_2": "not_a_whole_number"}


@pytest.mark.parametrize("text", ["٣", "1e3", "0x5", "9" * 5000, "", " 5"])
def test_a_number_is_a_short_row_of_digits(text: str) -> None:
    assert whole_number(text) is None


def test_a_hidden_field_comes_once() -> None:
    with pytest.raises(BadFormError):
        single_value({"visit": ["a", "b"]}, "visit")
    with pytest.raises(BadFormError):
        single_value({}, "visit")


@given(st.text())
def test_a_visit_is_a_uuid_or_refused(text: str) -> None:
    try:
        visit = parse_id(text)
    except BadFormError:
        return
    assert visit == UUID(text)


NAMES = st.sampled_from(
    [
        *["visit", "fingerprint", "rating", "reasons", "comment", "then", "idle", "department"],
        *["to", "b1_1", "b1_2", "q1", "q22", "gender", "extra", ""],
    ]
)
FORM = {"content-type": "application/x-www-form-urlencoded"}
LONG = "(very long)"  # written out only when it is sent: a failure must stay readable
VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["1", "5", "0", "-1", "so_y_te", "full", "survey", "done", "next", "finish"]),
    st.sampled_from([RATING.fingerprint, BUSINESS.fingerprint, SURVEYS["sipas_2020"].fingerprint]),
    st.uuids().map(str),
    st.sampled_from([LONG, "\x00", "\u202e", "<script>"]),
)


@pytest.fixture
def hall(make_kiosk: Callable[..., Kiosk]) -> Kiosk:
    return make_kiosk()


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    target=st.integers(0, 5),
    sound=st.booleans(),
    noise=st.dictionaries(NAMES, st.lists(VALUES, max_size=3), max_size=6),
)
def test_no_form_is_a_defect_or_stores_what_is_invalid(
    hall: Kiosk, target: int, sound: bool, noise: dict[str, list[str]]
) -> None:
    rated, new = hall.rated(), str(uuid4())
    step = hall.client.post(f"/f/{hall.code()}/survey", data={"visit": rated}).headers["location"]
    path, survey, good = [
        ("/rate", RATING, {"visit": [new], "rating": ["5"], "department": [""]}),
        ("/follow-up", RATING, {"visit": [rated], "department": ["so_y_te"]}),
        (f"/f/{hall.code()}", RATING, {"visit": [new], "rating": ["3"]}),
        (f"/f/{hall.code('business')}", BUSINESS, {"visit": [new], "b1_1": ["2"]}),
        (step, SURVEYS["sipas_2020"], {}),
        (f"/f/{hall.code()}/survey", RATING, {"visit": [rated]}),
    ][target]  # fmt: skip
    start: dict[str, Any] = {"fingerprint": [survey.fingerprint], **good} if sound else {}
    before = len(hall.stored())
    # Lone surrogates cannot travel in a form; a browser sends a replacement.
    fields = {
        name: [
            "x" * 3000 if value == LONG else value.encode("utf-8", "replace").decode()
            for value in values
        ]
        for name, values in (start | noise).items()
    }
    answer = hall.client.post(path, content=urlencode(fields, doseq=True), headers=FORM)
    assert answer.status_code in (200, 303, 404, 409, 422)
    for body in hall.stored()[before:]:
        read_submission(body, hall.context.surveys, hall.context.centre, hall.context.now())
