"""Verdicts that may be looked at on any day: what they promise, and intervals beside them."""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.statistics import (
    DaySums,
    PublishedShare,
    allowing_for_days,
    changes,
    changes_daily,
    compare,
    compare_daily,
    control_chart,
    pooled_shares,
    shares,
)
from aggregator.statistics.anytime import anytime_p, e_process, strongest, two_sided
from aggregator.statistics.days import bounds, day_effects, usual_effects

DEVICE = PublishedShare(3355 / 3483, 3483)
REFERENCES = (DEVICE, PublishedShare(0.8233), PublishedShare(1.0), PublishedShare(1.0, 3483))
day = st.integers(0, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
units = st.lists(st.lists(day, min_size=8, max_size=8), min_size=1, max_size=6)


def figures_of(days: DaySums) -> pd.DataFrame:
    k, n = days.k.sum(axis=1), days.m.sum(axis=1)
    levels = pd.DataFrame({1: k, 0: n - k})
    return allowing_for_days(shares(levels, {"liked": [1]}), {"liked": days}, "wilson")


def sums_of(rows: list[list[tuple[int, int]]]) -> DaySums:
    table = np.array(rows)
    return DaySums.single(table[..., 0], table[..., 1])


def test_a_stake_grows_as_the_formula_says() -> None:
    days = np.array([[0.5, np.nan, 0.0]])
    bound = np.array([0.05])
    stakes = np.geomspace(0.2, 0.9 / 0.05, 20)
    first = np.mean(1 + stakes * 0.45)
    both = np.mean((1 + stakes * 0.45) * (1 - stakes * 0.05))
    assert e_process(days, bound)[0] == pytest.approx([first, first, both])
    assert anytime_p(e_process(days, bound))[0] == pytest.approx(1 / max(first, both))


def test_no_bet_gains_on_average_however_alike_the_answers_of_a_day_are() -> None:
    """Days that are wholly of one kind are the worst of what the bound allows."""
    bound = 0.04
    bad, good = (e_process(np.array([[share]]), np.array([bound]))[0, 0] for share in (1.0, 0.0))
    assert bound * bad + (1 - bound) * good == pytest.approx(1)


def test_19_of_27_over_nine_days_decide_and_on_one_day_do_not() -> None:
    """An exact test called it too few: 70.4 %, p 5e-6."""
    low, high = np.array([0.9542]), np.array([0.9710])
    k = np.array([[2, 2, 3, 2, 2, 2, 2, 2, 2]])
    assert k.sum() == 19
    assert two_sided(k / 3, low, high)[0] < 0.04
    assert strongest(np.array([[19 / 27]]), low, high)[0] > 0.05


@settings(max_examples=50)
@given(units, st.sampled_from(REFERENCES))
def test_an_interval_never_contradicts_the_verdict_beside_it(
    rows: list[list[tuple[int, int]]], published: PublishedShare
) -> None:
    days = sums_of(rows)
    figures = figures_of(days)
    daily = compare_daily(figures, days.shares, published)
    for found in (daily, compare(figures, published, 30)):
        for one in found.to_dict("records"):
            if one["verdict"] == "below":
                assert one["high"] < 0
                assert one["p_adjusted"] < 0.05
            elif one["verdict"] == "above":
                assert one["low"] > 0
                assert one["p_adjusted"] < 0.05
            elif one["verdict"] == "indistinct":
                assert one["low"] <= 0 <= one["high"]


@settings(max_examples=30)
@given(units, units)
def test_nor_does_that_of_a_change(
    now: list[list[tuple[int, int]]], before: list[list[tuple[int, int]]]
) -> None:
    rows = min(len(now), len(before))
    days = sums_of(now[:rows])
    own, past = figures_of(days), figures_of(sums_of(before[:rows]))
    for found in (changes_daily(own, past, days.shares), changes(own, past, 30)):
        for one in found.to_dict("records"):
            reached = one["low"] <= 0 <= one["high"]
            assert one["verdict"] == "too_few" or reached == (one["verdict"] == "indistinct")


people = st.integers(0, 4).flatmap(lambda m: st.tuples(st.integers(0, m), st.just(m)))
forms = st.lists(
    st.lists(st.lists(people, max_size=4), min_size=6, max_size=6), min_size=1, max_size=4
)


@settings(max_examples=50)
@given(forms, st.sampled_from(REFERENCES))
def test_nor_does_one_of_pooled_questions(
    rows: list[list[list[tuple[int, int]]]], published: PublishedShare
) -> None:
    """Rows of days of respondents, each with k favourable of m answers."""

    def sums(part: Callable[[int, int], int]) -> np.ndarray:
        return np.array([[sum(part(k, m) for k, m in day) for day in row] for row in rows])

    parts = {"k": lambda k, m: k, "m": lambda k, m: m, "kk": lambda k, m: k * k}
    parts |= {"km": lambda k, m: k * m, "mm": lambda k, m: m * m}
    days = DaySums(**{name: sums(part) for name, part in parts.items()})
    whole = {name: getattr(days, name).sum(axis=1) for name in parts}
    frame = pd.DataFrame({"key": range(len(rows)), "measure": "", **whole})
    frame = frame.assign(respondents=sums(lambda k, m: int(m > 0)).sum(axis=1))
    answered = np.flatnonzero(frame["m"])
    days = days.rows(answered)
    figures = allowing_for_days(pooled_shares(frame, answered.tolist()), {"": days}, "wilson")
    assert (figures["n_effective"] <= figures["n"] * (1 + 1e-9)).all()
    for one in compare_daily(figures, days.shares, published).to_dict("records"):
        reached = one["low"] <= 0 <= one["high"]
        assert one["verdict"] == "too_few" or reached == (one["verdict"] == "indistinct")


@settings(max_examples=50)
@given(units)
def test_nor_does_that_of_a_point_of_a_control_chart_that_is_out(
    rows: list[list[tuple[int, int]]],
) -> None:
    figures = figures_of(sums_of(rows))
    n = figures["n_effective"]
    drawn = control_chart(figures.assign(k=figures["share"].fillna(0) * n, n=n))
    below, above = (drawn["signal"] == side for side in ("below", "above"))
    assert (figures["high"] < drawn["centre"])[below].all()
    assert (figures["low"] > drawn["centre"])[above].all()


@settings(max_examples=40)
@given(units)
def test_a_p_value_never_rises_as_days_go_by(rows: list[list[tuple[int, int]]]) -> None:
    low, high = (np.full(len(rows), end) for end in (0.9542, 0.9710))
    shown = sums_of(rows).shares
    p = [two_sided(shown[:, :days], low, high) for days in range(shown.shape[1] + 1)]
    assert all((later <= earlier).all() for earlier, later in itertools.pairwise(p))
    assert (p[-1] >= strongest(shown, low, high) * (1 - 1e-9)).all()


@settings(max_examples=40)
@given(units)
def test_an_effective_n_is_at_most_n_and_one_day_leaves_it_as_it_is(
    rows: list[list[tuple[int, int]]],
) -> None:
    days = sums_of(rows)
    figures = figures_of(days)
    assert (figures["n_effective"] <= figures["n"] * (1 + 1e-9)).all()
    assert (day_effects(days)[0] >= 1).all()
    first = DaySums.single(days.k[:, :1], days.m[:, :1])
    alone = figures_of(first)
    assert (alone["n_effective"] == alone["n"]).all()
    assert alone["day_effect"].isna().all()


@given(units)
def test_measures_of_one_table_allow_for_their_own_days(rows: list[list[tuple[int, int]]]) -> None:
    days = sums_of(rows)
    opposite = DaySums.single(days.m - days.k, days.m)
    k, n = days.k.sum(axis=1), days.m.sum(axis=1)
    levels = pd.DataFrame({1: k, 0: n - k})
    both = shares(levels, {"liked": [1], "disliked": [0]})
    found = allowing_for_days(both, {"liked": days, "disliked": opposite}, "wilson")
    alone = [
        allowing_for_days(both[both["measure"] == measure], {measure: own}, "wilson")
        for measure, own in (("liked", days), ("disliked", opposite))
    ]
    pd.testing.assert_frame_equal(found, pd.concat(alone), check_exact=True)


def test_days_that_come_whole_count_as_one_answer_each() -> None:
    """Ten days of ten like answers, half of them bad, tell as much as ten answers."""
    k = np.array([[10, 0] * 5])
    effect, degrees = day_effects(DaySums.single(k, np.full_like(k, 10)))
    assert effect[0] == pytest.approx(10)
    assert degrees == 9


def test_how_days_usually_differ_is_learned_within_weeks_and_from_the_other_days() -> None:
    """A level that changes between weeks is no likeness, nor is the one day that is far out."""
    n = np.full((15, 1), 20)
    weeks = [day // 5 for day in range(15)]
    k = np.repeat([[19], [15], [11]], 5, axis=0)
    assert (usual_effects(DaySums.single(k, n), weeks) == 1).all()
    k[7] = 0
    effects = usual_effects(DaySums.single(k, n), weeks)
    assert effects[7] == 1
    assert (np.delete(effects, 7) > 2).all()


def test_what_was_published_is_held_at_the_ends_of_its_interval() -> None:
    low, high = bounds(np.array([DEVICE.share]), np.array([3483.0]), 0.01)
    assert (low[0], high[0]) == pytest.approx((0.95424, 0.97097), abs=1e-5)
    nothing = bounds(np.array([np.nan]), np.array([0.0]), 0.01)
    assert [float(end[0]) for end in nothing] == [0, 1]


def test_a_past_of_few_days_alike_is_no_firm_ground() -> None:
    """A fall against a hundred days is found; against five unlike days it is not."""
    now = sums_of([[(6, 10)] * 8])
    firm, loose = sums_of([[(9, 10), (10, 10)] * 50]), sums_of([[(10, 10), (2, 10)] * 2])
    own = figures_of(now)
    verdicts = [
        changes_daily(own, figures_of(past), now.shares)["verdict"][0] for past in (firm, loose)
    ]
    assert verdicts == ["down", "too_few"]
