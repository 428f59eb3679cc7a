"""Circular 01/2018/TT-VPCP: points, means, totals and bands, by hand and by rule."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.indices.circular_01_2018 import (
    BY_DEPARTMENT,
    BY_DOSSIER,
    INDICATORS,
    QUESTIONS,
    Counts,
    Dossier,
    Facts,
    answer_counts,
    band,
    combined,
    dossier_points,
    facts_points,
    mean,
    score_department,
)
from surveys.definition import load_surveys

GOOD = Dossier(Decimal(5), Decimal(4), 2, 0, 0, 0, 0, "none")  # 2 points throughout
FULL = Facts("full", True, True, 0, 0, "full")  # likewise


def tens(count: int, points: int) -> Counts:
    return Counts.of([points] * count)


counts = st.builds(Counts, *[st.integers(0, 400)] * 4)
some_points = st.one_of(st.none(), st.integers(0, 2))
records = st.fixed_dictionaries(dict.fromkeys(BY_DOSSIER, counts))
facts = st.fixed_dictionaries(dict.fromkeys(BY_DEPARTMENT, some_points))


@pytest.mark.parametrize(
    ("changes", "indicator", "points"),
    [
        ({}, 1, 2),
        ({"days_taken": Decimal(5)}, 1, 1),
        ({"days_taken": Decimal("5.5")}, 1, 0),
        ({"days_allowed": Decimal(0), "days_taken": Decimal(0)}, 1, 1),
        ({"days_taken": None}, 1, None),
        ({"days_allowed": None}, 1, None),
        ({}, 2, 2),
        ({"agencies_on_time": 1}, 2, 1),
        ({"agencies_on_time": 1, "agencies_late": 1}, 2, 0),
        ({"agencies_late": 1}, 2, 0),
        ({"agencies_early": 0}, 2, None),  # no agency at all is no answer
        ({"agencies_late": None}, 2, None),
        ({}, 3, 2),
        ({"desk_contacts": 1}, 3, 1),
        ({"desk_contacts": 2}, 3, 0),
        ({"desk_contacts": 1_000_000}, 3, 0),
        ({"desk_contacts": None}, 3, None),
        ({}, 4, 2),
        ({"agencies_contacted": 1}, 4, 1),
        ({"agencies_contacted": 3}, 4, 0),
        ({"agencies_contacted": None}, 4, None),
        ({}, 7, 2),
        ({"days_taken": Decimal(5)}, 7, 1),
        ({"days_taken": Decimal(6)}, 7, 0),
        ({"complaint": "not_upheld"}, 7, 2),
        ({"complaint": "upheld"}, 7, 0),
        ({"complaint": "upheld", "days_taken": None}, 7, 0),
        ({"complaint": None}, 7, None),
        ({"days_taken": None}, 7, None),
    ],
)
def test_points_of_a_dossier(
    changes: dict[str, object], indicator: int, points: int | None
) -> None:
    dossier = replace(GOOD, **changes)  # type: ignore[arg-type]
    assert dossier_points(dossier)[indicator] == points


def test_a_dossier_of_which_nothing_is_known_has_no_points() -> None:
    assert dossier_points(Dossier()) == dict.fromkeys(BY_DOSSIER)


@pytest.mark.parametrize(
    ("changes", "indicator", "points"),
    [
        ({}, 5, 2),
        ({"decided_at_desk": "part"}, 5, 1),
        ({"decided_at_desk": "none"}, 5, 0),
        ({"decided_at_desk": None}, 5, None),
        ({}, 6, 2),
        ({"posted": False}, 6, 1),
        ({"published_online": False}, 6, 1),
        ({"posted": False, "published_online": False}, 6, 0),
        ({"posted": None}, 6, None),
        ({"posted": False, "published_online": None}, 6, None),
        ({}, 8, 2),  # none filed
        ({"feedback": 10, "feedback_on_time": 10}, 8, 2),
        ({"feedback": 10, "feedback_on_time": 9}, 8, 1),
        ({"feedback": 1000, "feedback_on_time": 999}, 8, 1),
        ({"feedback": 1000, "feedback_on_time": 899}, 8, 0),
        ({"feedback": 1, "feedback_on_time": 0}, 8, 0),
        ({"feedback": None, "feedback_on_time": None}, 8, None),
        ({}, 9, 2),
        ({"online": "part"}, 9, 1),
        ({"online": "none"}, 9, 0),
        ({"online": None}, 9, None),
    ],
)
def test_points_of_a_departments_facts(
    changes: dict[str, object], indicator: int, points: int | None
) -> None:
    assert facts_points(replace(FULL, **changes))[indicator] == points  # type: ignore[arg-type]


def test_facts_of_a_period_keep_the_last_state_and_add_feedback_up() -> None:
    months = [
        Facts("none", True, False, 8, 8, None),
        Facts(None, None, None, None, None, None),
        Facts("part", None, True, 2, 1, None),
    ]
    assert combined(months) == Facts("part", True, True, 10, 9, None)
    assert combined([]) == Facts()
    # 9 of 10 over the period: one month alone would have been 2 points, the other 0.
    assert facts_points(combined(months))[8] == 1


def test_a_department_worked_out_by_hand() -> None:
    """Ten dossiers: 1 mean 1.7, 2 mean 1.5, 3 mean 1.6 with one blank, 4 mean 1.9, 7 mean 1.6."""
    recorded = {
        1: Counts(0, 0, 3, 7),
        2: Counts(0, 1, 3, 6),
        3: Counts(1, 0, 2, 7),
        4: Counts(0, 0, 1, 9),
        7: Counts(0, 1, 2, 7),
    }
    score = score_department(recorded, {}, {5: 1, 6: 2, 8: 1, 9: 2})
    points = [one.points for one in score.indicators]
    wanted = ["1.7", "1.5", "1.6", "1.9", "1", "2", "1.6", "1", "2"]
    assert points == [Decimal(each) for each in wanted]
    assert score.total == Decimal("14.3")
    assert score.band == "good"
    # The blank could not have got its 2 points: 18 less 0.2.
    assert score.reachable == Decimal("17.8")
    assert score.dossiers == 10
    assert score.unanswered == 0


def test_a_total_of_exactly_15_is_excellent() -> None:
    """Nine figures whose sum as binary fractions falls short of 15."""
    recorded = {
        1: Counts(0, 0, 10, 0),
        2: Counts(0, 0, 3, 7),
        3: Counts(0, 0, 1, 9),
        4: Counts(0, 0, 2, 8),
        7: Counts(0, 1, 2, 7),
    }
    score = score_department(recorded, {}, {5: 2, 6: 2, 8: 2, 9: 1})
    binary = 0.0
    for one in score.indicators:
        binary += float(one.points or 0)
    assert binary < 15
    assert score.total == 15
    assert score.band == "excellent"


@pytest.mark.parametrize(
    ("total", "name"),
    [
        ("18", "excellent"),
        ("15.0", "excellent"),
        ("14.9", "good"),
        ("12", "good"),
        ("11.9", "fair"),
        ("9", "fair"),
        ("8.9", "average"),
        ("6", "average"),
        ("5.9", "weak"),
        ("0", "weak"),
    ],
)
def test_bands_begin_where_the_circular_says(total: str, name: str) -> None:
    assert band(Decimal(total)) == name


@pytest.mark.parametrize(
    ("points", "n", "rounded"),
    [(1, 20, "0.1"), (1, 21, "0.0"), (3, 20, "0.2"), (37, 20, "1.9"), (2, 3, "0.7"), (5, 3, "1.7")],
)
def test_half_a_tenth_is_rounded_up(points: int, n: int, rounded: str) -> None:
    assert mean(points, n) == Decimal(rounded)


@given(st.integers(1, 10**6), st.integers(0, 2))
def test_equal_dossiers_have_their_points_as_the_mean(n: int, points: int) -> None:
    assert mean(points * n, n) == points


@given(st.integers(1, 10**5), st.data())
def test_the_mean_is_the_nearest_tenth(n: int, data: st.DataObject) -> None:
    points = data.draw(st.integers(0, 2 * n))
    found = mean(points, n)
    assert found == found.quantize(Decimal("0.1"))
    assert abs(Fraction(found) - Fraction(points, n)) <= Fraction(1, 20)


def test_where_nobody_answered_there_are_no_points_and_no_band() -> None:
    blank = dict.fromkeys(BY_DOSSIER, Counts(unanswered=12))
    score = score_department(blank, {}, dict.fromkeys(BY_DEPARTMENT))
    assert [one.points for one in score.indicators] == [None] * 9
    assert [one.unanswered for one in score.indicators] == [12, 12, 12, 12, 1, 1, 12, 1, 1]
    assert (int(score.total), int(score.reachable), score.unanswered) == (0, 0, 9)
    assert score.total == 0
    assert score.band is None
    assert score.dossiers == 12


def test_an_unanswered_indicator_lowers_what_can_be_reached() -> None:
    recorded = dict.fromkeys(BY_DOSSIER, tens(10, 2)) | {4: Counts(unanswered=10)}
    score = score_department(recorded, {}, {5: 2, 6: 2, 8: 2, 9: None})
    assert score.total == score.reachable == 14
    assert score.unanswered == 2
    assert score.band == "good"


def test_leaving_a_dossier_blank_never_helps() -> None:
    """Nine of ten blank: the one that got 2 points does not speak for the others."""
    [one, *_] = score_department({1: Counts(9, 0, 0, 1)}, {}, {}).indicators
    assert (one.points, one.reachable) == (Decimal("0.2"), Decimal("0.2"))


def test_citizens_speak_only_where_the_records_do_not() -> None:
    said = answer_counts({3: {2: 3, 1: 1}, 4: {0: 2}, 7: {2: 4}})
    recorded = {3: Counts(9, 1, 0, 0), 4: Counts(unanswered=10), 7: Counts()}
    by_number = {one.indicator: one for one in score_department(recorded, said, {}).indicators}
    assert {number: by_number[number].source for number in QUESTIONS} == {
        3: "records",
        4: "answers",
        7: "answers",
    }
    assert [by_number[number].points for number in QUESTIONS] == [0, 0, 2]
    # Four people answered another question; two of them left this one out.
    assert (by_number[4].answered, by_number[4].unanswered) == (2, 2)


def test_answers_of_nobody_are_no_source() -> None:
    assert answer_counts({}) == {}
    empty = answer_counts({3: {}, 4: {}, 7: {}})
    assert all(one == Counts() for one in empty.values())
    assert score_department({}, empty, {}).band is None


def test_the_survey_asks_what_the_indicators_want_in_their_points() -> None:
    survey = load_surveys()["circular_01_2018"]
    assert set(QUESTIONS.values()) == set(survey.questions)
    for question in survey.all_questions():
        scale = survey.scale_of(question)
        assert scale is not None
        assert scale.codes == (2, 1, 0)


@given(records, facts)
def test_a_total_is_the_exact_sum_of_what_is_shown(
    recorded: dict[int, Counts], known: dict[int, int | None]
) -> None:
    score = score_department(recorded, {}, known)
    assert [one.indicator for one in score.indicators] == list(INDICATORS)
    shown = [one.points for one in score.indicators if one.points is not None]
    assert sum(int(points * 10) for points in shown) == score.total * 10
    assert score.total == score.total.quantize(Decimal("0.1"))
    assert 0 <= score.total <= score.reachable <= 18
    assert (score.band is None) == (not shown)
    if shown:
        assert (score.band == "excellent") == (score.total * 10 >= 150)


@given(records, facts, st.sampled_from(BY_DOSSIER))
def test_answering_one_more_dossier_never_takes_points_away(
    recorded: dict[int, Counts], known: dict[int, int | None], indicator: int
) -> None:
    before = score_department(recorded, {}, known)
    counts = recorded[indicator]
    if not counts.unanswered:
        return
    more = replace(counts, unanswered=counts.unanswered - 1, zero=counts.zero + 1)
    after = score_department({**recorded, indicator: more}, {}, known)
    assert after.total >= before.total
    assert after.reachable >= before.reachable


@given(st.lists(some_points, max_size=60), st.randoms())
def test_the_order_of_dossiers_says_nothing(points: list[int | None], random: object) -> None:
    shuffled = list(points)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = Counts.of(points)
    assert found == Counts.of(shuffled)
    assert found.answered + found.unanswered == len(points)
    assert found.points == sum(each for each in points if each is not None)
