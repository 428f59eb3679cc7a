"""Shares of favourable answers with their intervals."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import betaincinv, ndtri

from aggregator.wording.numbers import ALPHA as ALPHA

# A table by the names of its columns: a DataFrame, or for a few rows, of which it would take longer
# to make one than to compute with them, a dict of arrays.
Columns = pd.DataFrame | Mapping[Any, Any]
Method = Literal["wilson", "clopper_pearson"]
Z = float(ndtri(1 - ALPHA / 2))
SHARE_COLUMNS = ["key", "measure", "k", "n", "share", "low", "high", "method"]


def level_counts(
    counts: pd.DataFrame, keys: Sequence[object], codes: Sequence[int]
) -> pd.DataFrame:
    """Counts by level: one row a key, in order, one integer column a code; absent is 0.

    ``counts`` has columns key, code and n, as Store.counts gives them.
    """
    index, columns = pd.Index(list(keys)), pd.Index(list(codes))
    at = index.get_indexer(pd.Index(counts["key"])), columns.get_indexer(pd.Index(counts["code"]))
    asked = (at[0] >= 0) & (at[1] >= 0)
    table = np.zeros((len(index), len(columns)), dtype=np.int64)
    np.add.at(table, (at[0][asked], at[1][asked]), counts["n"].to_numpy()[asked])
    return pd.DataFrame(table, index, columns)


def shares(
    levels: pd.DataFrame, measures: Mapping[str, Sequence[int]], method: Method = "wilson"
) -> pd.DataFrame:
    """The share of favourable answers by key and measure, with its 95 % interval.

    ``levels`` is a table of level_counts. Returns SHARE_COLUMNS; a share of no answers is NaN,
    and so is its interval.
    """
    return pd.DataFrame(
        share_columns(levels.to_numpy(), list(levels.index), list(levels.columns), measures, method)
    )


def share_columns(
    numbers: np.ndarray,
    keys: Sequence[object],
    codes: Sequence[object],
    measures: Mapping[str, Sequence[int]],
    method: Method = "wilson",
) -> dict[str, np.ndarray]:
    """The columns of shares, from counts of shape (keys, codes)."""
    places = {code: place for place, code in enumerate(codes)}
    favourable = [[places[code] for code in codes] for codes in measures.values()]
    k = np.concatenate([numbers[:, those].sum(axis=1) for those in favourable])
    n = np.tile(numbers.sum(axis=1), len(measures))
    low, high = INTERVALS[method](k.astype(float), n.astype(float))
    with np.errstate(invalid="ignore"):
        share = k / n
    of_rows = np.array([*keys] * len(measures), dtype=object)
    names, methods = np.repeat(list(measures), len(keys)), np.full(len(k), method)
    columns = (of_rows, names, k, n, share, low, high, methods)
    return dict(zip(SHARE_COLUMNS, columns, strict=True))


def wilson(k: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % score interval of k favourable of n, elementwise; NaN where n is 0.

    On average over shares it covers 95 %, at single ones a little more or less (Wilson, JASA
    22 (1927) 209-212; Brown, Cai, DasGupta, Statistical Science 16 (2001) 101-133).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (k + Z**2 / 2) / (n + Z**2)
        half = Z / (n + Z**2) * np.sqrt(k * (n - k) / n + Z**2 / 4)
    return _within(k, n, middle - half, middle + half)


def clopper_pearson(
    k: np.ndarray, n: np.ndarray, miss: float | np.ndarray = ALPHA
) -> tuple[np.ndarray, np.ndarray]:
    """The exact 95 % interval of k favourable of n, elementwise; NaN where n is 0.

    ``miss`` is the probability with which it may err. It covers at least 95 % at every share, and
    so more than that at most (Clopper, Pearson, Biometrika 26 (1934) 404-413).
    """
    low = betaincinv(k, n - k + 1, np.asarray(miss) / 2)
    return _within(k, n, low, betaincinv(k + 1, n - k, 1 - np.asarray(miss) / 2))


def _within(
    k: np.ndarray, n: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """An interval that ends at the extremes on the bound exactly: rounding may step past it."""
    low = np.where(k <= 0, 0.0, np.clip(low, 0, 1))
    high = np.where(k >= n, 1.0, np.clip(high, 0, 1))
    return np.where(n == 0, np.nan, low), np.where(n == 0, np.nan, high)


INTERVALS: Mapping[Method, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "wilson": wilson,
    "clopper_pearson": clopper_pearson,
}


def newcombe(
    share: np.ndarray, n: np.ndarray, other: np.ndarray, m: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of share - other, of n and m independent answers, elementwise.

    Hybrid score interval of Wilson's (Newcombe, Statistics in Medicine 17 (1998) 873-890,
    method 10); NaN where either has no answers.
    """
    low, high = wilson(share * n, n)
    other_low, other_high = wilson(other * m, m)
    difference = share - other
    lower = difference - np.hypot(share - low, other_high - other)
    return lower, difference + np.hypot(high - share, other - other_low)
