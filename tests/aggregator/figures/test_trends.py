"""What changed: periods that are computed together have the figures that each has alone."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from aggregator.figures.figures import figure_rows
from aggregator.figures.rows import Measure
from aggregator.figures.trends import buckets, changed, charted, versions, whole_trend
from aggregator.intake.ingest import Ingest
from aggregator.storage.store import Selection
from surveys.centre import Centre
from surveys.definition import Follows, Survey, Text
from tests.aggregator.conftest import Clock, Intake, ratings, sipas

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
            # How alike days are is learned from all periods; the page's is widened to references.
            assert (figure.k, figure.n) == (alone.measures[measure].k, alone.measures[measure].n)
            assert figure.share == alone.measures[measure].share


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


def remade(survey: Survey, **changes: object) -> Survey:
    fields = {name: getattr(survey, name) for name in Survey.model_fields}
    return Survey.model_validate(fields | changes)


def test_a_new_version_shows_the_one_that_it_follows_up_to_a_break(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    """No line and no test crosses the day, also where the older one is asked no more."""
    old, day = surveys["in_centre"], TODAY - timedelta(days=3)
    reason = Text(vi="Câu chữ mới", en="Other words")
    follows = Follows(survey=old.id, day=day, reason=reason)
    new = remade(old, id="hall", follows=follows)
    asked = {id: one for id, one in surveys.items() if id != old.id} | {new.id: new}
    for back in range(7):
        moment = f"{TODAY - timedelta(days=back)}T08:00:00+07:00"
        intake(ratings([5, 5, 1] if back > 3 else [1], answered_at=moment))
    again = Intake(intake.store, Ingest(intake.store, asked, centre, Clock()))
    for back in range(4):
        moment = f"{TODAY - timedelta(days=back)}T08:00:00+07:00"
        again(ratings([5, 1, 1, 1], survey="hall", answered_at=moment))
    known = versions(intake.store, new, asked)
    assert known == [new, old]
    parts = buckets("day", TODAY, 10)
    selection = Selection(new.id)
    points = whole_trend(intake.store, known, centre, selection, "very_satisfied", "day", parts)
    assert [point.n for point in points] == [0, 0, 0, 3, 3, 3, 4, 4, 4, 4]
    assert [point.break_before for point in points] == [False] * 6 + [True] + [False] * 3
    series = [point.series for point in charted(points)]
    assert series == [0] * 6 + [1] * 4
    compared = changed(intake.store, new, centre, selection, "very_satisfied", TODAY)
    assert all(change.then.since >= day or change.now.until < day for change in compared)
    unlike = remade(old, factors=surveys["business"].factors, scales=surveys["business"].scales)
    only = whole_trend(
        intake.store, [new, unlike], centre, selection, "very_satisfied", "day", parts
    )
    assert [point.n for point in only] == [0] * 6 + [4] * 4
