"""Shares and their intervals, against published and hand-computed figures."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aggregator.statistics import (
    SHARE_COLUMNS,
    Method,
    clopper_pearson,
    level_counts,
    shares,
    wilson,
)

CODES = (5, 4, 3, 2, 1)
MEASURES = {"very_satisfied": (5,), "satisfied_or_better": (4, 5)}
Interval = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
BOTH = pytest.mark.parametrize("method", [wilson, clopper_pearson])


def interval(k: int, n: int, method: Interval = wilson) -> tuple[float, float]:
    low, high = method(np.array([float(k)]), np.array([float(n)]))
    return float(low[0]), float(high[0])


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # the contract's example
        (100, 120, 0.7565, 0.8894),
        # the device's published counts
        (3355, 3483, 0.9565, 0.9690),
    ],
)
def test_the_wilson_interval_is_the_published_one(k: int, n: int, low: float, high: float) -> None:
    assert interval(k, n) == pytest.approx((low, high), abs=0.00006)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # the same table, method 5
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0000, 0.1684),
        (1, 29, 0.0009, 0.1776),
        # R: binom.test(3355, 3483)$conf.int
        (3355, 3483, 0.956457, 0.969250),
    ],
)
def test_the_exact_interval_is_the_published_one(k: int, n: int, low: float, high: float) -> None:
    assert interval(k, n, clopper_pearson) == pytest.approx((low, high), abs=0.00006)


def test_the_exact_interval_leaves_a_fortieth_on_either_side() -> None:
    low, high = interval(100, 120, clopper_pearson)
    assert stats.binom.sf(99, 120, low) == pytest.approx(0.025)
    assert stats.binom.cdf(100, 120, high) == pytest.approx(0.025)
    none, most = interval(0, 40, clopper_pearson)
    assert none == 0
    assert most == pytest.approx(1 - 0.025 ** (1 / 40))


def test_at_the_extremes_the_interval_ends_on_the_bound_and_stays_open_inside() -> None:
    z2 = stats.norm.ppf(0.975) ** 2
    for n in (1, 10, 3483):
        none, most = interval(0, n)
        least, every = interval(n, n)
        assert (none, every) == (0.0, 1.0)
        assert most == pytest.approx(z2 / (n + z2))
        assert least == pytest.approx(n / (n + z2))


@pytest.mark.parametrize("method", ["wilson", "clopper_pearson"])
def test_a_share_of_no_answers_is_unknown_and_not_nothing(method: Method) -> None:
    levels = pd.DataFrame([[0, 0]], index=["so_y_te"], columns=[5, 1])
    row = shares(levels, {"very_satisfied": (5,)}, method).iloc[0]
    assert row["method"] == method
    assert (row["k"], row["n"]) == (0, 0)
    assert all(math.isnan(row[name]) for name in ("share", "low", "high"))


def test_the_measures_count_what_they_are_defined_to_count() -> None:
    levels = pd.DataFrame([[100, 15, 3, 1, 1]], index=["so_tu_phap"], columns=list(CODES))
    found = shares(levels, MEASURES)
    assert list(found.columns) == SHARE_COLUMNS
    assert found[["key", "measure", "k", "n"]].to_numpy().tolist() == [
        ["so_tu_phap", "very_satisfied", 100, 120],
        ["so_tu_phap", "satisfied_or_better", 115, 120],
    ]


def test_level_counts_lists_every_key_and_code_and_no_other() -> None:
    counts = pd.DataFrame({"key": ["b", "b", "x"], "code": [5, 4, 5], "n": [7, 2, 9]})
    table = level_counts(counts, ["a", "b"], CODES)
    assert table.to_numpy().tolist() == [[0, 0, 0, 0, 0], [7, 2, 0, 0, 0]]
    assert list(table.index) == ["a", "b"]
    empty = level_counts(counts.iloc[:0], ["a"], CODES)
    assert empty.to_numpy().tolist() == [[0, 0, 0, 0, 0]]


sizes = st.integers(1, 5_000)
pairs = sizes.flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@BOTH
@given(pair=pairs)
def test_the_interval_contains_the_share_and_stays_inside_0_and_1(
    method: Interval, pair: tuple[int, int]
) -> None:
    k, n = pair
    low, high = interval(k, n, method)
    assert 0 <= low <= k / n <= high <= 1
    assert low < high


@BOTH
@given(pair=pairs, times=st.integers(2, 10))
def test_the_interval_widens_as_n_falls(
    method: Interval, pair: tuple[int, int], times: int
) -> None:
    k, n = pair
    low, high = interval(k, n, method)
    narrower_low, narrower_high = interval(k * times, n * times, method)
    assert narrower_high - narrower_low < high - low


tables = st.lists(st.lists(st.integers(0, 400), min_size=5, max_size=5), min_size=1, max_size=16)


@given(tables, st.permutations(range(16)))
def test_the_order_of_rows_changes_nothing(rows: list[list[int]], order: list[int]) -> None:
    levels = pd.DataFrame(rows, columns=list(CODES))
    shuffled = levels.iloc[[place for place in order if place < len(rows)]]
    by_key = shares(levels, MEASURES).set_index(["key", "measure"])
    again = shares(shuffled, MEASURES).set_index(["key", "measure"])
    pd.testing.assert_frame_equal(again.loc[by_key.index], by_key)


@given(tables, st.lists(st.integers(0, 400), min_size=5, max_size=5))
def test_another_department_never_moves_a_share(rows: list[list[int]], more: list[int]) -> None:
    before = shares(pd.DataFrame(rows, columns=list(CODES)), MEASURES)
    after = shares(pd.DataFrame([*rows, more], columns=list(CODES)), MEASURES)
    kept = after[after["key"] < len(rows)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before)
