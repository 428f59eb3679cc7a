"""Departments in order, with what chance alone could have done to it."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aggregator.statistics import shrunk_ranking


def frame(counts: list[tuple[float, float]]) -> pd.DataFrame:
    rows = [(f"d{number:02}", k, n) for number, (k, n) in enumerate(counts)]
    return pd.DataFrame(rows, columns=["key", "k", "n"])


def order(counts: list[tuple[float, float]]) -> list[str]:
    return shrunk_ranking(frame(counts))["key"].tolist()


counted = st.integers(1, 600).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
departments = st.lists(counted, min_size=1, max_size=17)


def test_a_few_good_ratings_do_not_lead() -> None:
    """4 of 4 stand in the middle, not before 300 of 305 nor after 230 of 300."""
    found = shrunk_ranking(
        frame([(4, 4), (300, 305), (190, 200), (280, 300), (230, 300), (88, 100)])
    ).set_index("key")
    assert found.index.tolist() == ["d01", "d02", "d03", "d00", "d05", "d04"]
    assert found["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert found.loc["d00", "share"] == 1
    ranks = found[["rank_low", "rank_high"]].T
    assert ranks["d00"].tolist() == [1, 6]
    assert ranks["d01"].tolist() == [1, 2]


@given(
    st.integers(1, 4),
    st.integers(100, 2000).flatmap(
        lambda n: st.tuples(st.integers(-(-98 * n // 100), n), st.just(n))
    ),
    st.lists(counted, max_size=15),
)
def test_four_of_four_never_top_a_table_with_a_large_good_department(
    few: int, large: tuple[int, int], others: list[tuple[int, int]]
) -> None:
    assert order([(few, few), large, *others])[0] != "d00"


@pytest.mark.parametrize("like", [(300, 305), (1, 1), (3, 3), (29, 30), (5, 10), (0, 2), (60, 60)])
@pytest.mark.parametrize("number", [0, 1, 2, 15])
def test_four_of_four_never_top_300_of_305_whatever_the_rest(
    like: tuple[int, int], number: int
) -> None:
    assert order([(4, 4), (300, 305), *[like] * number])[0] != "d00"


@given(departments, st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(counts: list[tuple[float, float]], seed: int) -> None:
    rows = frame(counts)
    shuffled = rows.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(shrunk_ranking(rows), shrunk_ranking(shuffled))


@given(departments)
def test_shares_are_drawn_together_and_intervals_hold_what_they_are_of(
    counts: list[tuple[float, float]],
) -> None:
    found = shrunk_ranking(frame(counts))
    assert len(found) == len(counts)
    shrunk = found["shrunk"]
    assert shrunk.is_monotonic_decreasing
    # Of equal shares the smaller n is drawn further to the common level, so of equal n alone:
    alike = found.groupby("n")[["share", "shrunk"]]
    spread = alike.max() - alike.min()
    assert (spread["shrunk"] <= spread["share"] + 1e-12).all()
    assert ((found["low"] <= shrunk) & (shrunk <= found["high"])).all()
    assert (found["low"] >= 0).all()
    assert (found["high"] <= 1).all()
    assert (found["rank_low"] <= found["rank"]).all()
    assert (found["rank"] <= found["rank_high"]).all()
    assert found["rank_low"].min() == 1
    assert found["rank_high"].max() <= len(counts)


@given(departments, counted)
def test_another_department_moves_no_raw_share(
    counts: list[tuple[float, float]], another: tuple[int, int]
) -> None:
    before = shrunk_ranking(frame(counts)).set_index("key")["share"]
    after = shrunk_ranking(frame([*counts, another])).set_index("key")["share"]
    assert after[before.index].tolist() == before.tolist()


def test_departments_without_answers_come_last_without_a_rank() -> None:
    found = shrunk_ranking(frame([(0, 0), (9, 10), (0, 0), (5, 10)]))
    assert found["key"].tolist() == ["d01", "d03", "d00", "d02"]
    assert found["rank"].tolist()[:2] == [1, 2]
    silent = found.iloc[2:][["share", "shrunk", "low", "high", "rank", "rank_low", "rank_high"]]
    assert silent.isna().all(axis=None)


def test_nobody_has_answers() -> None:
    assert shrunk_ranking(frame([(0, 0), (0, 0)]))["rank"].isna().all()
    assert shrunk_ranking(frame([])).empty


@pytest.mark.parametrize("counts", [(1, 1), (10, 10), (0, 10), (96, 100), (1_000_000, 1_000_000)])
def test_equal_departments_share_a_rank_that_could_be_any(counts: tuple[int, int]) -> None:
    found = shrunk_ranking(frame([counts] * 8))
    assert set(found["rank"]) == {1}
    assert found["shrunk"].nunique() == 1
    assert found[["low", "high"]].nunique().tolist() == [1, 1]
    assert found["low"][0] < found["shrunk"][0] < found["high"][0]
    assert set(found["rank_low"]) == {1}
    assert set(found["rank_high"]) == {8}


def test_answers_that_leave_no_doubt_are_left_alone() -> None:
    """With thousands of answers nothing is drawn anywhere and the ranks are certain."""
    found = shrunk_ranking(frame([(9000, 10_000), (9500, 10_000), (8000, 10_000)]))
    assert found["shrunk"].tolist() == pytest.approx([0.95, 0.9, 0.8], abs=0.0005)
    assert found["rank_low"].tolist() == found["rank_high"].tolist() == [1, 2, 3]


def test_the_posterior_mean_is_what_adding_up_all_priors_gives() -> None:
    """The same integral over a grid of our own, ten times as fine."""
    k, n = np.array([4.0, 290, 45, 170, 20]), np.array([4.0, 300, 50, 180, 25])
    shrinkage = (np.arange(100) + 0.5) / 100
    size = np.median(n) * shrinkage / (1 - shrinkage)
    means = (np.arange(400) + 0.5) / 400
    total, weights = np.zeros(5), 0.0
    for mean, s in product(means, size):
        each = stats.betabinom.logpmf(k, n, mean * s, (1 - mean) * s)
        likelihood = float(np.exp(np.sum(each)))
        weights += likelihood
        total += likelihood * (k + mean * s) / (n + s)
    found = shrunk_ranking(frame(list(zip(k, n, strict=True)))).sort_values("key")
    assert found["shrunk"].to_numpy() == pytest.approx(total / weights, abs=0.0005)


@pytest.mark.parametrize("size", [20, 90, 500])
def test_intervals_hold_true_shares_and_shrinking_brings_them_nearer(size: int) -> None:
    """Departments near 96 %, with 4 to 700 answers; ``size`` is how little they truly differ."""
    generator = np.random.default_rng(1983)
    n = np.array([4, 8, 12, 20, 25, 30, 40, 55, 70, 90, 120, 150, 200, 300, 450, 550, 700])
    held, better, within, ranks_held = [], [], [], []
    for _ in range(60):
        true = generator.beta(0.96 * size, 0.04 * size, 17)
        k = generator.binomial(n, true)
        found = shrunk_ranking(frame(list(zip(k, n, strict=True)))).sort_values("key")
        shrunk, low, high = (found[name].to_numpy() for name in ("shrunk", "low", "high"))
        held.append((low <= true) & (true <= high))
        better.append(np.sum((k / n - true) ** 2) - np.sum((shrunk - true) ** 2))
        rank = 1 + np.argsort(np.argsort(-true))
        bounds = found[["rank_low", "rank_high"]].to_numpy(int).T
        ranks_held.append((bounds[0] <= rank) & (rank <= bounds[1]))
        within.append(high - low)
    assert 0.92 <= np.mean(held) <= 1
    assert 0.93 <= np.mean(ranks_held) <= 1
    assert np.mean(better) > 0
    assert np.mean(within) < 0.15


def test_fractional_effective_answers_rank_like_whole_ones_nearby() -> None:
    whole = shrunk_ranking(frame([(90, 100), (45, 60), (30, 31)]))
    fractions = shrunk_ranking(frame([(90.02, 100.02), (45.01, 60.01), (30.01, 31.01)]))
    assert whole["key"].tolist() == fractions["key"].tolist()
    assert fractions["shrunk"].to_numpy() == pytest.approx(whole["shrunk"].to_numpy(), abs=0.001)
