"""How figures are written in both languages."""

import re
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.wording import numbers
from surveys.definition import Survey
from surveys.messages import Language


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [(0, "0", "0"), (999, "999", "999"), (3483, "3.483", "3,483"), (1234567, "1.234.567", None)],
)
def test_thousands_are_grouped(value: int, vi: str, en: str | None) -> None:
    assert numbers.integer(value, "vi") == vi
    assert numbers.integer(value, "en") == (en or "1,234,567")


@pytest.mark.parametrize(
    ("share", "vi", "en"),
    [
        (3355 / 3483, "96,3%", "96.3%"),
        (1.0, "100,0%", "100.0%"),
        (0.0, "0,0%", "0.0%"),
        (None, "–", "–"),
    ],
)
def test_a_share_is_a_percentage_and_none_is_a_dash(share: float | None, vi: str, en: str) -> None:
    assert numbers.percent(share, "vi") == vi
    assert numbers.percent(share, "en") == en


@pytest.mark.parametrize(
    ("difference", "vi"),
    [(-0.1299, "−13,0"), (0.0213, "+2,1"), (0.0004, "0,0"), (-0.0004, "0,0"), (None, "–")],
)
def test_a_difference_has_its_sign_unless_it_rounds_to_nothing(
    difference: float | None, vi: str
) -> None:
    assert numbers.points(difference, "vi") == vi


def test_a_published_figure_has_its_unit(surveys: dict[str, Survey]) -> None:
    units = {
        question.published.unit: numbers.published_result(question, "vi")
        for question in surveys["business"].all_questions()
        if question.published is not None
    }
    assert set(units) == {"percent", "days", "percent_of_costs"}
    assert re.fullmatch(r"[0-9,]+%", units["percent"])
    assert units["days"].endswith("\u00a0ngày")
    assert numbers.published_result(surveys["in_centre"].questions["rating"], "vi") == ""


@given(st.floats(0, 1))
def test_a_p_value_is_never_written_on_the_other_side_of_its_verdict(p: float) -> None:
    written = numbers.p_value(p, "en").removeprefix("<")
    assert (float(written) < numbers.ALPHA) == (p < numbers.ALPHA)
    assert numbers.p_value(0.04996, "vi") == "0,04996"
    assert numbers.p_value(1e-12, "vi") == "<0,0001"


@pytest.mark.parametrize(
    ("day", "vi", "en"),
    [
        (date(2026, 11, 23), "ngày 23 tháng 11 năm 2026", "23 November 2026"),
        (date(2026, 2, 3), "ngày 03 tháng 02 năm 2026", "3 February 2026"),
        (date(2026, 9, 9), "ngày 09 tháng 9 năm 2026", "9 September 2026"),
    ],
)
def test_a_day_above_a_signature(day: date, vi: str, en: str) -> None:
    assert (numbers.long_day(day, "vi"), numbers.long_day(day, "en")) == (vi, en)


@pytest.mark.parametrize(("language", "written"), [("vi", "23/11/2026"), ("en", "2026-11-23")])
def test_days_and_clock(language: Language, written: str) -> None:
    assert numbers.day(date(2026, 11, 23), language) == written
    assert numbers.clock(datetime(2026, 11, 23, 8, 5)) == "08:05"
