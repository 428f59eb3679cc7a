"""Intervals allow for answers of one day being alike, whatever a row is of."""

from datetime import date, timedelta

import pytest

from aggregator.figures.figures import figure_rows
from aggregator.figures.rows import RowKey
from aggregator.figures.trends import ChartedPoint, Grain, buckets, charted, trend
from aggregator.storage.store import Selection
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import Intake, sipas, submission

TODAY = date(2026, 11, 23)
GOOD, BAD = (5,) * 22, (1,) * 22


def days_alike(intake: Intake, days: int = 10) -> None:
    """Four people a day; all of them satisfied with everything, or, every third day, nobody."""
    for back in range(days):
        at = f"{TODAY - timedelta(back)}T08:00:00+07:00"
        intake([sipas(BAD if back % 3 == 0 else GOOD, answered_at=at) for _ in range(4)])


@pytest.mark.parametrize("by", ["centre", "factor", "question"])
def test_days_that_come_whole_widen_every_interval(
    intake: Intake, surveys: dict[str, Survey], centre: Centre, by: RowKey
) -> None:
    days_alike(intake)
    survey = surveys["sipas_2020"]
    for row in figure_rows(intake.store, survey, centre, Selection(survey.id), by):
        if not row.measures:
            continue
        found = row.measures["satisfied_or_better"].not_widened()
        # Ten days of one mind each are ten answers, and fewer for what is not known of them.
        assert found.day_effect == pytest.approx(4, rel=0.02)
        assert found.n_effective <= 10 * 1.01
        assert (found.high or 0) - (found.low or 0) > 0.4
        assert "days" in row.share("satisfied_or_better").methods


def test_a_single_day_has_its_own_interval(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    days_alike(intake, 1)
    survey = surveys["sipas_2020"]
    for by in ("factor", "question"):
        for row in figure_rows(intake.store, survey, centre, Selection(survey.id), by):
            assert {found.day_effect for found in row.measures.values()} <= {None}


def test_nobody_who_answered_is_no_fault(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    days_alike(intake, 2)
    survey = surveys["sipas_2020"]
    asked = Selection(survey.id, channel="paper")
    for by in ("centre", "factor", "question", "day"):
        for row in figure_rows(intake.store, survey, centre, asked, by):
            assert {found.share for found in row.measures.values()} <= {None}


def test_a_question_has_the_interval_of_the_survey_that_asks_no_other(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    for back in range(8):
        at = f"{TODAY - timedelta(back)}T08:00:00+07:00"
        codes = (1, 2, 1) if back % 4 == 0 else (5, 5, 4)
        intake([submission(answers={"rating": code}, answered_at=at) for code in codes])
    survey, asked = surveys["in_centre"], Selection("in_centre")
    [whole] = figure_rows(intake.store, survey, centre, asked, "centre")
    rows = {r.key: r for r in figure_rows(intake.store, survey, centre, asked, "question")}
    alone = {name: found.not_widened() for name, found in whole.measures.items()}
    assert rows["rating"].measures == alone


def test_the_median_of_numbers_of_days_alike_is_known_less_well(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    survey = surveys["business"]
    question = next(one for one in survey.all_questions() if one.kind == "number")
    for back in range(12):
        at = f"{TODAY - timedelta(back)}T08:00:00+07:00"
        given = {question.id: 3 if back % 2 else 9}
        intake([submission(survey="business", answers=given, answered_at=at) for _ in range(5)])
    rows = figure_rows(intake.store, survey, centre, Selection("business"), "question")
    [found] = [row for row in rows if row.key == question.id]
    assert found.n == 60
    assert found.n_effective is not None
    assert found.n_effective < 12


def test_points_of_a_chart_allow_for_days(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    """Weeks by an effective n; a day has its own interval, and limits by how days differ."""
    days_alike(intake, 28)
    survey = surveys["sipas_2020"]
    asked, measure = Selection(survey.id), "satisfied_or_better"

    def points(grain: Grain, length: int) -> list[ChartedPoint]:
        parts = buckets(grain, TODAY, length)
        return charted(trend(intake.store, survey, centre, asked, measure, grain, parts))

    weeks, days = points("week", 5), points("day", 28)
    whole = [point for point in weeks if point.n][1]
    assert whole.day_effect == pytest.approx(4, rel=0.05)
    assert whole.n_effective < 8
    assert "days" in whole.figure(survey, measure).methods
    assert {point.day_effect for point in days} == {None}
    assert max(point.n_effective for point in days) < 2
    assert {point.signal for point in days} == {""}
