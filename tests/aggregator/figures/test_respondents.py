"""Cells of respondents are a plain recount of the answers, by channel and by profile."""

from collections import defaultdict
from datetime import date
from typing import Any

import pytest

from aggregator.figures.figures import Unanswerable
from aggregator.figures.respondents import UNTOLD, respondent_cells
from aggregator.statistics import rake
from aggregator.storage.rollups import SUMS
from aggregator.storage.store import Selection
from surveys.definition import Survey
from tests.aggregator.conftest import Intake, ratings, sipas, submission

CENTRE_SUMS = ["measure", *SUMS]


def told(codes: list[int], channel: str = "kiosk", **profile: int) -> dict[str, Any]:
    """A SIPAS answer with a profile."""
    one = sipas(codes, channel=channel)
    return {**one, "answers": {**one["answers"], **profile}}


ANSWERS = [
    told([5, 4, 3], gender=1, age=2),
    told([5] * 22, "qr", gender=1),
    told([1, 2], "qr", gender=2, age=2),
    told([4], gender=2, age=2),
    submission(survey="sipas_2020", answers={"gender": 1}),  # told who, and nothing else
]


def rows(cells: Any) -> set[tuple[object, ...]]:
    return set(cells.itertuples(index=False, name=None))


def test_by_profile_each_respondent_counts_in_one_cell(
    intake: Intake, surveys: dict[str, Survey]
) -> None:
    intake(ANSWERS)
    asked = Selection("sipas_2020")
    cells = respondent_cells(intake.store, surveys["sipas_2020"], asked, ["gender", "age"])
    assert list(cells.columns) == ["gender", "age", *CENTRE_SUMS]
    favourable = cells[cells["measure"] == "satisfied_or_better"].drop(columns="measure")
    assert rows(favourable) == {
        ("1", "2", 1, 2, 3, 4, 6, 9),
        ("1", UNTOLD, 1, 22, 22, 484, 484, 484),
        ("2", "2", 2, 1, 3, 1, 1, 5),
    }


@pytest.mark.parametrize("by", [["channel"], ["channel", "gender"], ["age"], []])
def test_the_cells_add_up_to_the_pool(
    intake: Intake, surveys: dict[str, Survey], by: list[str]
) -> None:
    intake(ANSWERS)
    asked = Selection("sipas_2020", since=date(2026, 11, 1), until=date(2026, 11, 30))
    cells = respondent_cells(intake.store, surveys["sipas_2020"], asked, by)
    whole = cells.groupby("measure", as_index=False)[list(SUMS)].sum()
    assert rows(whole) == rows(intake.store.pooled(asked, "centre")[CENTRE_SUMS])


def test_a_selection_leaves_out_what_it_does_not_name(
    intake: Intake, surveys: dict[str, Survey]
) -> None:
    intake([*ANSWERS, sipas([5], department="so_y_te", counter="q09")])
    for parts in ({"channel": "qr"}, {"department": "so_y_te"}, {"until": date(2026, 11, 1)}):
        asked = Selection("sipas_2020", **parts)
        cells = respondent_cells(intake.store, surveys["sipas_2020"], asked, ["gender"])
        whole = cells.groupby("measure", as_index=False)[list(SUMS)].sum()
        assert rows(whole) == rows(intake.store.pooled(asked, "centre")[CENTRE_SUMS])


def test_a_single_question_has_one_answer_a_respondent(
    intake: Intake, surveys: dict[str, Survey]
) -> None:
    intake([*ratings([5, 5, 4]), *ratings([1, 5], channel="qr")])
    survey, asked = surveys["in_centre"], Selection("in_centre")
    cells = respondent_cells(intake.store, survey, asked, ["channel"])
    top = cells[cells["measure"] == "very_satisfied"].drop(columns="measure")
    assert rows(top) == {("kiosk", 3, 2, 3, 2, 2, 3), ("qr", 2, 1, 2, 1, 1, 2)}
    found = rake(
        cells[cells["measure"] == "very_satisfied"], {"channel": {"kiosk": 0.5, "qr": 0.5}}
    )
    assert found.share == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_what_cannot_be_crossed_is_refused(intake: Intake, surveys: dict[str, Survey]) -> None:
    for survey, variables in (("sipas_2020", ["q1"]), ("in_centre", ["gender"]), ("business", [])):
        with pytest.raises(Unanswerable):
            respondent_cells(intake.store, surveys[survey], Selection(survey), variables)


def by_hand(answers: list[dict[str, Any]]) -> dict[str, int]:
    """Respondents by gender, of those who answered a criterion."""
    found: dict[str, int] = defaultdict(int)
    for one in answers:
        if any(question.startswith("q") for question in one["answers"]):
            found[str(one["answers"].get("gender", UNTOLD))] += 1
    return found


def test_more_answers_than_a_chunk_are_all_counted(
    intake: Intake, surveys: dict[str, Survey]
) -> None:
    many = [told([5], gender=1 + n % 2) if n % 3 else told([4]) for n in range(1_205)]
    intake(many)
    cells = respondent_cells(
        intake.store, surveys["sipas_2020"], Selection("sipas_2020"), ["gender"]
    )
    one = cells[cells["measure"] == "very_satisfied"]
    assert dict(zip(one["gender"], one["respondents"], strict=True)) == by_hand(many)


def test_profiles_are_rolled_up_and_late_answers_count(
    intake: Intake, surveys: dict[str, Survey]
) -> None:
    """Cells are those of the answers: read, then read again after answers to past days came."""
    survey, asked = surveys["sipas_2020"], Selection("sipas_2020")
    days = ("2026-09-03", "2026-09-30", "2026-10-05", "2026-11-02", "2026-11-23")
    taken: list[dict[str, Any]] = []
    for times in range(3):
        for number, day in enumerate(days[: len(days) - times]):
            one = told([5, 4, 1][: 1 + number % 3], gender=1 + (number + times) % 2)
            taken.append(one | {"answered_at": f"{day}T08:00:00+07:00"})
            intake(taken[-1:])
        for _ in ("made", "kept"):
            cells = respondent_cells(intake.store, survey, asked, ["gender"])
            top = cells[cells["measure"] == "very_satisfied"]
            assert dict(zip(top["gender"], top["respondents"], strict=True)) == by_hand(taken)
    with intake.store.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT DISTINCT tallied FROM block").scalars().all()
    assert [name for name in kept if name.startswith("profile ")]
