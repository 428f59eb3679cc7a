"""Like with like: which figure is held against which reference, and which not at all."""

from typing import Any

import pytest

from aggregator.figures.figures import Unanswerable, figure_rows
from aggregator.figures.references import why_not_comparable
from aggregator.figures.rows import FigureRow, RowKey
from aggregator.storage.store import Selection
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import (
    EXAMPLE,
    Intake,
    Room,
    over_days,
    ratings,
    sipas,
    submission,
)

UNFAIR = {"sipas_2019_lai_chau", "sipas_2019_national"}


def rows_of(
    room: Room, survey: str, by: RowKey, *, closed: bool = False, **selection: Any
) -> dict[str, FigureRow]:
    context = room.context
    asked = Selection(survey, **selection)
    asked_of, centre = context.surveys[survey], context.centre
    found = figure_rows(context.store, asked_of, centre, asked, by, closed=closed)
    return {row.key: row for row in found}


def test_every_pair_of_survey_and_reference_is_settled(
    surveys: dict[str, Survey], centre: Centre
) -> None:
    comparable = {
        (survey.id, reference.id)
        for survey in surveys.values()
        for reference in centre.references
        if why_not_comparable(survey, reference) is None
    }
    assert (
        comparable
        == {
            ("in_centre", "device_2020"),
            ("in_centre", "device_2020_satisfied"),
            ("sipas_2020", "sipas_2019_lai_chau"),
            ("sipas_2020", "sipas_2019_national"),
        }
        | {("paper_ballot_2020", "paper_2020")} & comparable
    )


def test_a_tap_is_never_compared_with_sipas(room: Room) -> None:
    room.take(ratings(EXAMPLE))
    for row in rows_of(room, "in_centre", "department").values():
        assert {c.reference.id for c in row.comparisons} == {"device_2020", "device_2020_satisfied"}


def test_each_measure_is_held_against_the_reference_of_that_measure(room: Room) -> None:
    room.take(ratings(EXAMPLE))
    row = rows_of(room, "in_centre", "department")["so_tu_phap"]
    found = {c.reference.id: c for c in row.comparisons}
    top, satisfied = found["device_2020"], found["device_2020_satisfied"]
    assert (top.measure, satisfied.measure) == ("very_satisfied", "satisfied_or_better")
    assert top.difference == pytest.approx(100 / 120 - 3355 / 3483)
    assert satisfied.difference == pytest.approx(115 / 120 - 1)


def test_sipas_is_compared_with_sipas_in_satisfied_or_better(room: Room) -> None:
    for day in range(11, 21):
        at = f"2026-11-{day}T08:00:00+07:00"
        room.take([sipas((code,) * 22, answered_at=at) for code in (5, 2, 2, 2)])
    [row] = rows_of(room, "sipas_2020", "centre").values()
    assert row.n == 40
    assert {c.reference.id for c in row.comparisons} == UNFAIR
    assert {c.measure for c in row.comparisons} == {"satisfied_or_better"}
    assert {c.verdict for c in row.comparisons} == {"below"}


def test_one_question_of_sipas_is_not_the_index_and_not_compared(room: Room) -> None:
    room.take([sipas((1,) * 22) for _ in range(40)])
    [row] = rows_of(room, "sipas_2020", "centre", questions=("q10",)).values()
    assert row.measures["satisfied_or_better"].n == 40
    assert row.comparisons == []
    assert all(not r.comparisons for r in rows_of(room, "sipas_2020", "factor").values())


def test_a_factor_pools_its_own_questions_only(room: Room) -> None:
    room.take([sipas((5,) * 4 + (1,) * 18)])
    factors = rows_of(room, "sipas_2020", "factor")
    figures = [row.measures["satisfied_or_better"] for row in factors.values()]
    assert [(each.k, each.n) for each in figures] == [(4, 4), (0, 5), (0, 6), (0, 3), (0, 4)]


def test_skipped_answers_leave_the_denominator(room: Room) -> None:
    room.take([sipas((5, 0, 0, 1) + (0,) * 18), sipas((0,) * 21 + (4,))])
    [row] = rows_of(room, "sipas_2020", "centre").values()
    measure = row.measures["satisfied_or_better"]
    assert (row.n, measure.k, measure.n) == (2, 2, 3)


def test_a_department_that_nobody_rated_has_no_share(room: Room) -> None:
    room.take(ratings(EXAMPLE))
    silent = rows_of(room, "in_centre", "department")["so_y_te"]
    assert silent.n == 0
    assert silent.measures["very_satisfied"].share is None
    assert {c.verdict for c in silent.comparisons} == {"too_few"}


def test_ratings_of_two_days_are_too_few_and_nine_of_27_on_nine_are_enough(room: Room) -> None:
    """Days count, not ratings: no floor of thirty where the evidence is there."""
    room.take(
        over_days([1] * 100, 2) + over_days([5, 5, 1], 9, department="so_y_te", counter="q09")
    )
    rows = rows_of(room, "in_centre", "department")
    of_two, of_nine = (rows[key].comparisons[0] for key in ("so_tu_phap", "so_y_te"))
    assert (of_two.reference.id, of_two.verdict) == ("device_2020", "too_few")
    assert (of_nine.reference.id, of_nine.verdict) == ("device_2020", "below")
    assert {c.test for c in rows["so_y_te"].comparisons} == {"day_bets"}


def test_a_period_that_is_over_has_the_fixed_test_and_its_floor_in_documents(room: Room) -> None:
    room.take(over_days([5, 5, 1], 9) + over_days([5, 5, 1], department="so_y_te", counter="q09"))
    rows = rows_of(room, "in_centre", "department", closed=True)
    assert {c.verdict for c in rows["so_tu_phap"].comparisons} == {"too_few"}
    assert {c.verdict for c in rows["so_y_te"].comparisons} == {"below"}
    assert {c.test for c in rows["so_y_te"].comparisons} == {"fisher_exact"}


def test_a_rating_without_a_department_counts_for_the_centre_alone(room: Room) -> None:
    room.take([*ratings([5, 5]), submission(department=None, counter=None)])
    assert rows_of(room, "in_centre", "centre")["centre"].n == 3
    assert sum(row.n for row in rows_of(room, "in_centre", "department").values()) == 2


@pytest.mark.parametrize("by", ["centre", "department", "counter", "channel", "day", "factor"])
def test_business_statements_do_not_pool(room: Room, by: RowKey) -> None:
    room.take([submission(survey="business", answers={"b1_1": 4, "b3_3": 1})])
    with pytest.raises(Unanswerable, match="does_not_pool"):
        rows_of(room, "business", by)


def test_business_has_a_share_for_each_statement(room: Room) -> None:
    room.take([submission(survey="business", answers={"b1_1": code}) for code in (4, 4, 1)])
    row = rows_of(room, "business", "question")["b1_1"]
    [measure] = row.measures.values()
    assert (measure.k, measure.n) == (2, 3)
    assert row.comparisons == []


def test_an_unknown_question_is_named(room: Room) -> None:
    with pytest.raises(Unanswerable, match="question: unknown_question"):
        rows_of(room, "in_centre", "centre", questions=("q99",))


def test_the_median_of_numbers_is_that_of_the_answers(room: Room) -> None:
    numeric = next(
        q for q in room.context.surveys["business"].all_questions() if q.kind == "number"
    )
    days = (1, 2, 2, 9)
    room.take([submission(survey="business", answers={numeric.id: n}) for n in days])
    rows = rows_of(room, "business", "question")
    assert rows[numeric.id].median == 2.0
    assert rows["b1_1"].n == 0
    assert rows["b1_1"].median is None


def test_both_databases_give_the_same_figures(intake: Intake, centre: Centre) -> None:
    intake([*ratings(EXAMPLE), *ratings([5, 1], channel="qr", department="so_y_te", counter="q09")])
    survey = intake.ingest._surveys["in_centre"]
    by_day = figure_rows(intake.store, survey, centre, Selection("in_centre"), "day")
    assert [(row.key, row.label.vi, row.n) for row in by_day] == [("2026-11-23", "23/11/2026", 122)]
    by_channel = figure_rows(intake.store, survey, centre, Selection("in_centre"), "channel")
    assert [(row.key, row.n) for row in by_channel] == [("kiosk", 120), ("qr", 2)]
