"""Rows that leave the manager's room: small groups without figures, the rest untouched."""

from datetime import UTC, datetime
from typing import Any

import pytest

from aggregator.figures.publishing import published_form, shown
from aggregator.figures.rows import FigureRow, Measure
from aggregator.statistics.comparison import MISS
from surveys.definition import Text, load_surveys
from tests.aggregator.conftest import Room, over_days, ratings, sipas, submission

SATISFACTION = "/api/v1/satisfaction"
NOVEMBER = datetime(2026, 11, 23, 2, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 5, 2, tzinfo=UTC)
SURVEY = load_surveys()["in_centre"]


def row(key: str, n: int) -> FigureRow:
    """A row of n answers, all favourable."""
    measure = Measure(n, n, 1.0 if n else None, None, None, "wilson", n)
    counts = {5: n, 1: 0}
    return FigureRow(key, Text(vi=key, en=key), SURVEY, n, counts, {"very_satisfied": measure})


def withheld(rows: list[FigureRow]) -> str:
    return "".join(one.key for one in rows if one.withheld)


def test_a_withheld_row_has_no_figure_at_all() -> None:
    small = shown(row("a", 4), withheld=True)
    assert (small.n, small.counts, small.measures, small.comparisons) == (0, {}, {}, [])
    assert (small.withheld, small.label.vi) == (True, "a")
    assert shown(row("b", 0), withheld=True) == row("b", 0), "nobody is in it: nothing to withhold"
    assert shown(row("c", 9), withheld=False) == row("c", 9)


def test_a_factor_of_few_takes_another_and_both_their_questions_along() -> None:
    factors = [
        (row("access", 40), [row("q1", 40), row("q2", 30)]),
        (row("officials", 38), [row("q3", 38), row("q4", 2)]),
        (row("feedback", 3), [row("q5", 3)]),
    ]
    total, found = published_form(row("T", 40), factors, 5)
    assert not total.withheld
    assert withheld([factor for factor, _ in found]) == "officialsfeedback"
    assert [withheld(questions) for _, questions in found] == ["", "q3q4", "q5"]
    total, found = published_form(row("T", 4), [(row("access", 4), [row("q1", 4)])], 5)
    assert total.withheld
    assert found[0][0].withheld


def rows_of(room: Room, **parameters: str) -> dict[str, Any]:
    """The rows that are published once November is over."""
    room.clock.moment = DECEMBER
    answer = room.get(SATISFACTION, publish="true", **parameters)
    assert answer.status_code == 200, answer.text
    return {one["key"]: one for one in answer.json()["rows"]}


def test_the_json_api_withholds_where_it_is_asked_to_publish(room: Room) -> None:
    room.take(
        ratings([5] * 40)
        + ratings([1] * 3, department="so_y_te", counter="q09")
        + ratings([4] * 12, department="so_noi_vu", counter="q12", channel="qr")
    )
    departments = rows_of(room, by="department")
    hidden = {key for key, one in departments.items() if one["withheld"]}
    assert {"so_y_te", "so_noi_vu", "so_tai_chinh"} <= hidden, "nobody looks like a few"
    for key in hidden:
        one = departments[key]
        assert one["n"] is None
        assert (one["counts"], one["measures"], one["comparisons"]) == ({}, {}, [])
    assert departments["so_tu_phap"]["n"] == 40
    counters = rows_of(room, by="counter")
    assert {key for key, one in counters.items() if not one["withheld"]} == {"q05"}
    assert rows_of(room)["centre"]["n"] == 55
    channels = rows_of(room, by="channel")
    assert all(one["withheld"] for one in channels.values()), "less the department: three people"
    private = room.get(SATISFACTION, by="department").json()["rows"]
    assert {one["key"]: one["n"] for one in private if one["n"] and one["key"] in hidden} == {
        "so_y_te": 3,
        "so_noi_vu": 12,
    }
    assert not any("withheld" in one for one in private)


def test_five_departments_of_one_and_a_total_do_not_tell_how_the_five_answered(
    room: Room,
) -> None:
    """Else each prints (*), and the centre five very dissatisfied people that no other has."""
    departments = [one for one in room.context.centre.departments if one.counters][:7]
    for department in departments[:5]:
        where = {"department": department.id, "counter": department.counters[0].id}
        room.take(ratings([1], **where))
    many = ([5] * 56 + [4] * 2, [5] * 57 + [3] * 2)
    for department, codes in zip(departments[5:], many, strict=True):
        where = {"department": department.id, "counter": department.counters[0].id}
        room.take(ratings(codes, **where))
    centre = rows_of(room, by="centre")["centre"]
    assert (centre["n"], centre["counts"]["1"]) == (122, 5)
    shown = [one for one in rows_of(room, by="department").values() if not one["withheld"]]
    hidden = 122 - sum(one["n"] for one in shown)
    assert hidden >= 5 + 4, "one may have the minimum, and somebody is in each of the others"


def test_answers_to_pooled_questions_are_guarded_like_those_to_one(room: Room) -> None:
    """Two departments of four, all very dissatisfied with everything, beside one of no such."""
    departments = [one for one in room.context.centre.departments if one.counters][:4]
    codes = [[1] * 22, [1] * 22, [5] * 20 + [4] * 2, [5] * 21 + [1]]
    for department, given_codes, people in zip(departments, codes, (4, 4, 40, 60), strict=True):
        where = {"department": department.id, "counter": department.counters[0].id}
        room.take([sipas(given_codes, **where) for _ in range(people)])
    found = rows_of(room, survey="sipas_2020", by="department")
    centre = rows_of(room, survey="sipas_2020", by="centre")["centre"]
    shown = [one for one in found.values() if not one["withheld"] and one["n"]]
    hidden = {
        code: n - sum(one["counts"][code] for one in shown) for code, n in centre["counts"].items()
    }
    assert sum(n > 0 for n in hidden.values()) > 1, "else all of the small ones gave that answer"


def test_questions_of_few_are_withheld_from_publication(room: Room) -> None:
    skipping = [sipas([5, 4, 5]) for _ in range(6)]
    room.take(skipping + [sipas([5] * 18) for _ in range(9)] + [sipas([4] * 22) for _ in range(3)])
    factors = rows_of(room, survey="sipas_2020", by="factor")
    assert {key for key, one in factors.items() if one["withheld"]} == {"feedback", "officials"}
    questions = rows_of(room, survey="sipas_2020", by="question")
    hidden = {key for key, one in questions.items() if one["withheld"]}
    assert hidden == {f"q{number}" for number in range(10, 16)} | {"q19", "q20", "q21", "q22"}
    one = rows_of(room, survey="sipas_2020", by="question", question="q19")
    assert [(key, found["withheld"]) for key, found in one.items()] == [("q19", True)]
    room.clock.moment = NOVEMBER
    firms = [submission(survey="business", answers={"b1_1": 4}) for _ in range(4)]
    firms += [submission(survey="business", answers={"b1_2": 4}) for _ in range(5)]
    room.take(firms)
    statements = rows_of(room, survey="business", by="question")
    assert [key for key, found in statements.items() if not found["withheld"]] == ["b1_2"]


def test_a_question_of_few_among_those_that_all_answered_leaves_the_index_alone(
    room: Room,
) -> None:
    """184 answers of 60 people in a factor, 60 each to two questions, told of 60 and 4."""
    room.take([sipas([5, 4, 5, 0, *[4] * 18]) for _ in range(56)])
    room.take([sipas([5] * 22) for _ in range(4)])
    factors = rows_of(room, survey="sipas_2020", by="factor")
    questions = rows_of(room, survey="sipas_2020", by="question")
    assert all(one["withheld"] for one in [*factors.values(), *questions.values()])
    assert rows_of(room, survey="sipas_2020")["centre"]["n"] == 60


def test_a_published_adjustment_tells_nothing_of_who_is_withheld(room: Room) -> None:
    """Adjusted among all, Benjamini-Hochberg's p of a shown row can be a withheld one's own."""
    places = {"so_noi_vu": "q12", "so_y_te": "q09", "so_xay_dung": "q16"}
    for department, codes in (
        ("so_noi_vu", [1] * 3),
        ("so_y_te", [5] * 32 + [4] * 3),
        ("so_xay_dung", [5] * 93 + [4] * 7),
    ):
        room.take(ratings(codes, department=department, counter=places[department]))
    room.take(over_days([5, 5, 5, 1], department="so_xay_dung", counter="q16"))
    for by in ("department", "counter"):
        rows = [*rows_of(room, by=by).values()]
        shown = [one for one in rows if not one["withheld"] and one["n"]]
        assert len(shown) == 1
        compared = shown[0]["comparisons"]
        assert compared
        family = len(rows)
        for one in compared:
            raw = one["p"] - MISS
            assert one["p_adjusted"] == pytest.approx(min(1, family * raw + MISS))
            assert one["p_bh"] is None


def test_ticks_of_one_person_are_not_published_as_a_group(room: Room) -> None:
    place = {"department": "so_noi_vu", "counter": "q12"}
    ticks = {"answers": {"reasons": [1, 2, 3, 4, 5]}, **place}
    room.take([submission(answered_at="2026-10-05T08:10:00+07:00", **ticks)])
    room.take([submission(**ticks) for _ in range(5)])
    for by in ("question", "department"):
        rows = rows_of(room, by=by, question="reasons", to="2026-10-31").values()
        assert all(one["withheld"] for one in rows)
    # Five levels: 25 ticks are of at least five people.
    [asked] = rows_of(room, by="question", question="reasons", from_="2026-11-01").values()
    assert asked["n"] == 25
