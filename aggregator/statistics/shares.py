"""Shares of favourable answers with their intervals."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

ALPHA = 0.05
Method = Literal["wilson", "clopper_pearson"]
SHARE_COLUMNS = ["key", "measure", "k", "n", "share", "low", "high", "method"]


def level_counts(
    counts: pd.DataFrame, keys: Sequence[object], codes: Sequence[int]
) -> pd.DataFrame:
    """Counts by level: one row a key, in order, one integer column a code; absent is 0.

    ``counts`` has columns key, code and n, as Store.counts gives them.
    """
    table = counts.pivot_table(index="key", columns="code", values="n", aggfunc="sum", fill_value=0)
    return table.reindex(index=list(keys), columns=list(codes), fill_value=0).astype("int64")


def shares(
    levels: pd.DataFrame, measures: Mapping[str, Sequence[int]], method: Method = "wilson"
) -> pd.DataFrame:
    """The share of favourable answers by key and measure, with its 95 % interval.

    ``levels`` is a table of level_counts. Returns SHARE_COLUMNS; a share of no answers is NaN,
    and so is its interval.
    """
    n = levels.sum(axis=1)
    frames = []
    for measure, codes in measures.items():
        k = levels[list(codes)].sum(axis=1)
        low, high = INTERVALS[method](k.to_numpy(float), n.to_numpy(float))
        with np.errstate(invalid="ignore"):
            share = k.to_numpy(float) / n.to_numpy(float)
        columns = {"key": levels.index, "measure": measure, "k": k.to_numpy(), "n": n.to_numpy()}
        frame = pd.DataFrame({**columns, "share": share, "low": low, "high": high})
        frames.append(frame.assign(method=method))
    return pd.concat(frames, ignore_index=True)[SHARE_COLUMNS]


def wilson(k: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % score interval of k favourable of n, elementwise; NaN where n is 0.

    On average over shares it covers 95 %, at single ones a little more or less (Wilson, JASA
    22 (1927) 209-212; Brown, Cai, DasGupta, Statistical Science 16 (2001) 101-133).
    """
    return _interval("wilson", k, n)


def clopper_pearson(k: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The exact 95 % interval of k favourable of n, elementwise; NaN where n is 0.

    It covers at least 95 % at every share, and so more than that at most (Clopper, Pearson,
    Biometrika 26 (1934) 404-413).
    """
    return _interval("beta", k, n)


def _interval(method: str, k: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    none = n == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = proportion_confint(k, n, alpha=ALPHA, method=method)
    # At the extremes the formula ends on the bound exactly; rounding may step past it.
    low = np.where(none, np.nan, np.where(k == 0, 0.0, np.clip(low, 0, 1)))
    high = np.where(none, np.nan, np.where(k == n, 1.0, np.clip(high, 0, 1)))
    return low, high


INTERVALS: Mapping[Method, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "wilson": wilson,
    "clopper_pearson": clopper_pearson,
}
