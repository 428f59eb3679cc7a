"""The centre's share by the mix of dossiers."""

import math
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from aggregator.statistics import direct_standardised, wilson

Row = tuple[str, int, int]


def frame(*rows: Row) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["key", "k", "n"])


def wilson_of(k: float, n: float) -> tuple[float, float]:
    low, high = wilson(np.array([float(k)]), np.array([float(n)]))
    return float(low[0]), float(high[0])


TWO = frame(("crowded", 180, 200), ("quiet", 10, 20))


def test_departments_weigh_what_their_dossiers_weigh() -> None:
    """Raw 190/220 = 86.4 %; with a quarter of the dossiers in the quiet one 80 %."""
    found = direct_standardised(TWO, {"crowded": 300, "quiet": 100})
    assert found.share == pytest.approx(0.75 * 0.9 + 0.25 * 0.5)
    assert (found.k, found.n, found.method) == (190, 220, "direct")
    assert (found.covered, found.missing, found.unweighted) == (1, (), ())


def test_the_interval_solves_the_score_equation() -> None:
    """At its ends the distance is 1.96 standard errors at the likeliest shares with that sum."""
    found = direct_standardised(TWO, {"crowded": 3, "quiet": 1})
    assert found.share is not None

    def distance(total: float) -> float:
        def unlikely(crowded: float) -> float:
            quiet = (total - 0.75 * crowded) / 0.25
            return -float(np.sum(stats.binom.logpmf([180, 10], [200, 20], [crowded, quiet])))

        bounds = (max(1e-9, (total - 0.25) / 0.75), min(1 - 1e-9, total / 0.75))
        best = optimize.minimize_scalar(
            unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-10}
        )
        crowded, quiet = best.x, (total - 0.75 * best.x) / 0.25
        variance = 0.75**2 * crowded * (1 - crowded) / 200 + 0.25**2 * quiet * (1 - quiet) / 20
        return float(abs(total - (found.share or 0)) / math.sqrt(variance))

    assert distance(found.low or 0) == pytest.approx(1.959964, abs=1e-4)
    assert distance(found.high or 0) == pytest.approx(1.959964, abs=1e-4)


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (4, 4), (300, 305), (1, 1), (96, 100)])
def test_one_department_with_all_the_weight_has_wilsons_interval(k: int, n: int) -> None:
    found = direct_standardised(frame(("one", k, n), ("other", 3, 9)), {"one": 7})
    assert (found.low, found.high) == pytest.approx(wilson_of(k, n))
    assert (found.share, found.k, found.n) == (k / n, k, n)
    assert found.unweighted == ("other",)


def test_a_department_without_answers_is_named_and_its_part_told() -> None:
    rows = frame(("crowded", 180, 200), ("quiet", 10, 20), ("silent", 0, 0))
    found = direct_standardised(rows, {"crowded": 300, "quiet": 100, "silent": 80, "unheard": 20})
    assert found.missing == ("silent", "unheard")
    assert found.covered == 0.8
    assert found.share == pytest.approx(0.8)


def test_nobody_counts() -> None:
    found = direct_standardised(frame(("silent", 0, 0)), {"silent": 9})
    assert (found.share, found.low, found.high) == (None, None, None)
    assert (found.covered, found.missing) == (0, ("silent",))
    assert direct_standardised(TWO, {}).covered == 0


def test_a_negative_weight_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        direct_standardised(TWO, {"crowded": 1, "quiet": -1})


def test_pooled_figures_count_with_their_effective_n() -> None:
    """Half as many effective answers: the interval of half the answers, the same share."""
    rows = frame(("one", 180, 200), ("other", 50, 60))
    halved = frame(("one", 90, 100), ("other", 25, 30))
    weights = {"one": 2.0, "other": 1.0}
    found = direct_standardised(rows.assign(n_effective=rows["n"] / 2), weights)
    expected = direct_standardised(halved, weights)
    assert (found.share, found.low, found.high) == (expected.share, expected.low, expected.high)
    assert (found.k, found.n) == (230, 260)


rated = st.lists(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=1,
    max_size=17,
)


def named(counts: list[tuple[int, int]]) -> pd.DataFrame:
    return frame(*((f"d{number:02}", k, n) for number, (k, n) in enumerate(counts)))


@given(rated)
def test_weights_like_the_answers_give_back_the_raw_share(counts: list[tuple[int, int]]) -> None:
    rows = named(counts)
    found = direct_standardised(rows, dict(zip(rows["key"], rows["n"].astype(float), strict=True)))
    assert found.share == pytest.approx(rows["k"].sum() / rows["n"].sum())


@given(rated, st.randoms(use_true_random=False), st.floats(0.1, 1000))
def test_neither_the_order_nor_the_unit_of_the_weights_matters(
    counts: list[tuple[int, int]], random: Random, unit: float
) -> None:
    rows = named(counts)
    weights = {key: 1.0 + number for number, key in enumerate(rows["key"])}
    shuffled = list(rows.index)
    random.shuffle(shuffled)
    scaled = {key: unit * weights[key] for key in rows.loc[shuffled, "key"]}
    one, other = direct_standardised(rows, weights), direct_standardised(rows.loc[shuffled], scaled)
    assert (one.low, one.share, one.high) == pytest.approx((other.low, other.share, other.high))


@given(rated)
def test_the_interval_contains_the_share_and_stays_a_share(counts: list[tuple[int, int]]) -> None:
    rows = named(counts)
    found = direct_standardised(rows, {key: 1.0 + n % 5 for n, key in enumerate(rows["key"])})
    assert found.low is not None
    assert found.share is not None
    assert found.high is not None
    assert 0 <= found.low <= found.share + 1e-9
    assert found.share - 1e-9 <= found.high <= 1
    doubled = rows.assign(k=2 * rows["k"], n=2 * rows["n"])
    twice = direct_standardised(doubled, {key: 1.0 + n % 5 for n, key in enumerate(rows["key"])})
    assert (twice.high or 0) - (twice.low or 0) <= found.high - found.low + 1e-9


@pytest.mark.parametrize(("share", "answers"), [(0.5, 500), (0.9, 500), (0.963, 1500)])
def test_the_interval_holds_the_true_share_in_95_percent(share: float, answers: int) -> None:
    """Seventeen departments that differ, rated more or less often than they have dossiers."""
    generator = np.random.default_rng(2020)
    dossiers = np.geomspace(1, 30, 17)
    n = np.maximum(
        generator.multinomial(answers, generator.permutation(dossiers) / dossiers.sum()), 3
    )
    true = generator.beta(40 * share, 40 * (1 - share), 17)
    keys = [f"d{number:02}" for number in range(17)]
    weights = dict(zip(keys, dossiers, strict=True))
    target = float(dossiers @ true / dossiers.sum())
    held = 0
    for k in generator.binomial(n, true, (500, 17)):
        found = direct_standardised(pd.DataFrame({"key": keys, "k": k, "n": n}), weights)
        held += (found.low or 0) <= target <= (found.high or 0)
    assert 0.93 <= held / 500 <= 0.97
