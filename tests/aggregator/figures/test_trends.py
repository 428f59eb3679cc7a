"""What changed: periods that are computed together have the figures that each has alone."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from aggregator.figures.figures import figure_rows
from aggregator.figures.rows import Measure
from aggregator.figures.trends import changed
from aggregator.storage.store import Selection
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import Intake, ratings, sipas

TODAY = date(2026, 11, 23)
BACK = (0, 1, 5, 8, 40, 100, 364, 366)


@pytest.mark.parametrize("measure", ["very_satisfied", "satisfied_or_better"])
@pytest.mark.parametrize("name", ["in_centre", "sipas_2020"])
def test_each_period_has_the_figure_of_its_own_page(
    intake: Intake, surveys: dict[str, Survey], centre: Centre, name: str, measure: str
) -> None:
    for number, back in enumerate(BACK):
        answered = f"{TODAY - timedelta(days=back)}T08:00:00+07:00"
        intake(ratings([5, 4, 3, 1][: 1 + number % 4], answered_at=answered))
        intake([sipas([5, 4, 2] * (number + 1), answered_at=answered), sipas([3, 4, 5])])
    survey, selection = surveys[name], Selection(name)
    found = changed(intake.store, survey, centre, selection, measure, TODAY)
    assert len(found) == 6
    for change in found:
        for period, figure in ((change.now, change.now_figure), (change.then, change.then_figure)):
            asked = replace(selection, since=period.since, until=period.until)
            [alone] = figure_rows(intake.store, survey, centre, asked, "centre")
            assert figure.n
            assert figure == alone.measures[measure]


def test_a_period_without_answers_has_no_figure(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    for name in ("in_centre", "sipas_2020"):
        found = changed(
            intake.store, surveys[name], centre, Selection(name), "very_satisfied", TODAY
        )
        assert {change.verdict for change in found} == {"too_few"}
        nothing: set[Measure] = {change.now_figure for change in found}
        assert {(one.n, one.share) for one in nothing} == {(0, None)}
