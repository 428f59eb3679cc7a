"""Like with like: which figure is held against which reference, and which not at all."""

from typing import Any

import pytest

from aggregator.figures.figures import Unanswerable, figure_rows
from aggregator.figures.references import why_not_comparable
from aggregator.figures.rows import FigureRow, RowKey
from aggregator.storage.store import Selection
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import EXAMPLE, Intake, Room, ratings, sipas, submission

UNFAIR = {"sipas_2019_lai_chau", "sipas_2019_national"}


def rows_of(room: Room, survey: str, by: RowKey, **selection: Any) -> dict[str, FigureRow]:
    context = room.context
    asked = Selection(survey, **selection)
    found = figure_rows(context.store, context.surveys[survey], context.centre, asked, by)
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
    room.take([sipas((5,) * 22) for _ in range(10)] + [sipas((2,) * 22) for _ in range(30)])
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


def test_29_ratings_are_too_few_and_30_are_enough(room: Room) -> None:
    room.take(ratings([1] * 29) + ratings([1] * 30, department="so_y_te", counter="q09"))
    rows = rows_of(room, "in_centre", "department")
    assert {c.verdict for c in rows["so_tu_phap"].comparisons} == {"too_few"}
    assert {c.verdict for c in rows["so_y_te"].comparisons} == {"below"}


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
