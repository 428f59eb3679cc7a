"""Shares, intervals and comparisons, against published and hand-computed figures."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aggregator.statistics import SHARE_COLUMNS, Published, compare, level_counts, shares, wilson

CODES = (5, 4, 3, 2, 1)
MEASURES = {"very_satisfied": (5,), "satisfied_or_better": (4, 5)}
DEVICE = Published(3355 / 3483, 3483)


def figures(*pairs: tuple[int, int], keys: Sequence[str] | None = None) -> pd.DataFrame:
    """Rows as shares gives them, of k favourable among n."""
    names = list(keys or (f"d{number}" for number in range(len(pairs))))
    levels = pd.DataFrame([[k, n - k] for k, n in pairs], index=names, columns=[5, 1])
    return shares(levels, {"very_satisfied": (5,)})


def interval(k: int, n: int) -> tuple[float, float]:
    low, high = wilson(np.array([float(k)]), np.array([float(n)]))
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


def test_at_the_extremes_the_interval_ends_on_the_bound_and_stays_open_inside() -> None:
    z2 = stats.norm.ppf(0.975) ** 2
    for n in (1, 10, 3483):
        none, most = interval(0, n)
        least, every = interval(n, n)
        assert (none, every) == (0.0, 1.0)
        assert most == pytest.approx(z2 / (n + z2))
        assert least == pytest.approx(n / (n + z2))


def test_a_share_of_no_answers_is_unknown_and_not_nothing() -> None:
    row = figures((0, 0)).iloc[0]
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


@given(pairs)
def test_the_interval_contains_the_share_and_stays_inside_0_and_1(pair: tuple[int, int]) -> None:
    k, n = pair
    low, high = interval(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert low < high


@given(pairs, st.integers(2, 10))
def test_the_interval_narrows_as_answers_come_in(pair: tuple[int, int], times: int) -> None:
    k, n = pair
    low, high = interval(k, n)
    narrower_low, narrower_high = interval(k * times, n * times)
    assert narrower_high - narrower_low < high - low


tables = st.lists(st.lists(st.integers(0, 400), min_size=5, max_size=5), min_size=1, max_size=16)


@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows: list[list[int]], random: object) -> None:
    levels = pd.DataFrame(rows, columns=list(CODES))
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]

    def by_key(table: pd.DataFrame) -> pd.DataFrame:
        found = shares(table, {"very_satisfied": (5,)})
        verdicts = compare(found, DEVICE, 30)
        return found.merge(verdicts, on="key", suffixes=("", "_d")).set_index("key").sort_index()

    pd.testing.assert_frame_equal(by_key(levels), by_key(levels.iloc[order]))


@given(tables, st.lists(st.integers(0, 400), min_size=5, max_size=5))
def test_another_department_never_moves_a_share(rows: list[list[int]], more: list[int]) -> None:
    before = shares(pd.DataFrame(rows, columns=list(CODES)), MEASURES)
    after = shares(pd.DataFrame([*rows, more], columns=list(CODES)), MEASURES)
    kept = after[after["key"] < len(rows)].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0000),
        # the contract's example
        ((100, 120), (3355, 3483), -0.2069, -0.0734),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    found = compare(figures(one), Published(other[0] / other[1], other[1]), 1).iloc[0]
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=0.00006)
    assert found["difference"] == pytest.approx(one[0] / one[1] - other[0] / other[1])


def test_the_p_value_is_fishers_where_the_reference_has_counts() -> None:
    found = compare(figures((100, 120)), DEVICE, 30).iloc[0]
    expected = stats.fisher_exact(np.array([[100, 20], [3355, 128]])).pvalue
    assert found["test"] == "fisher_exact"
    assert found["p"] == pytest.approx(expected, rel=1e-12)
    assert found["verdict"] == "below"


def test_a_reference_without_counts_is_a_fixed_value() -> None:
    [row] = figures((100, 120)).to_dict("records")
    found = compare(figures((100, 120)), Published(0.8233), 30).iloc[0]
    assert found["test"] == "binomial_exact"
    assert found["p"] == pytest.approx(stats.binomtest(100, 120, 0.8233).pvalue, rel=1e-12)
    assert found["low"] == pytest.approx(row["low"] - 0.8233)
    assert found["high"] == pytest.approx(row["high"] - 0.8233)
    assert found["verdict"] == "indistinct"
    # The same share with ratings behind it is uncertain, so the difference is more so.
    uncertain = compare(figures((100, 120)), Published(0.8233, 1000), 30).iloc[0]
    assert uncertain["high"] - uncertain["low"] > found["high"] - found["low"]


def test_below_the_minimum_nothing_is_concluded_however_far_the_share() -> None:
    found = compare(figures((0, 29), (0, 30)), DEVICE, 30)
    assert found["verdict"].tolist() == ["too_few", "below"]
    assert math.isnan(found["p_adjusted"][0])


def test_no_answers_are_too_few_and_have_no_p_value() -> None:
    found = compare(figures((0, 0), (40, 40)), DEVICE, 30)
    assert found["verdict"].tolist() == ["too_few", "indistinct"]
    assert found.loc[0, ["difference", "low", "high", "p", "p_adjusted"]].isna().all()


def test_a_difference_upwards_is_above() -> None:
    assert compare(figures((99, 100)), Published(0.8233), 30)["verdict"].tolist() == ["above"]


def test_holm_makes_a_borderline_verdict_indistinct() -> None:
    alone = compare(figures((91, 100)), DEVICE, 30).iloc[0]
    assert 0.05 / 16 < alone["p"] < 0.05
    assert alone["verdict"] == "below"
    among = compare(figures((91, 100), *[(97, 100)] * 15), DEVICE, 30)
    assert among["p"][0] == alone["p"]
    assert among["p_adjusted"][0] == pytest.approx(16 * alone["p"])
    assert among["verdict"][0] == "indistinct"


def test_departments_with_too_few_ratings_do_not_weigh_in_the_adjustment() -> None:
    among = compare(figures((91, 100), *[(1, 2)] * 15), DEVICE, 30)
    assert among["p_adjusted"][0] == among["p"][0]
    assert among["verdict"][0] == "below"


def test_holms_steps_are_those_of_the_hand() -> None:
    found = compare(figures((60, 100), (88, 100), (92, 100)), DEVICE, 30)
    first, second, third = sorted(found["p"])
    by_hand = [3 * first, max(3 * first, 2 * second), max(3 * first, 2 * second, third)]
    assert sorted(found["p_adjusted"]) == pytest.approx(by_hand)


def test_a_reference_of_all_favourable_compares_without_dividing_by_nothing() -> None:
    all_of_them = Published(1.0, 3483)
    found = compare(figures((40, 40), (30, 40)), all_of_them, 30)
    assert found["verdict"].tolist() == ["indistinct", "below"]
    assert found["p"][0] == 1.0
