"""p-values of several comparisons, adjusted for their number."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from statsmodels.stats.multitest import multipletests

from aggregator.statistics.shares import ALPHA


def holm(p: np.ndarray, family: int | None = None) -> np.ndarray:
    """p-values adjusted so that any false finding below 0.05 has a chance of 5 % at most.

    ``family``: of how many comparisons, where the others, with p-values of 1, are not in ``p``.

    Holm, Scandinavian Journal of Statistics 6 (1979) 65-70. Not by statsmodels, whose function
    first collects the garbage of the whole process, which takes longer than a page may.
    """
    order = np.argsort(p)
    count = len(p) if family is None else family
    steps = np.maximum.accumulate(p[order] * (count - np.arange(len(p))))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """p-values adjusted so that 5 % of the findings below 0.05 are expected to be false.

    Benjamini, Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289-300.
    """
    adjusted: np.ndarray = multipletests(p, method="fdr_bh")[1]
    return adjusted


def adjusted(p: np.ndarray, enough: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """p-values adjusted by holm and by benjamini_hochberg, among rows with ``enough``; else NaN."""
    p_holm, p_bh = np.full(len(p), np.nan), np.full(len(p), np.nan)
    if enough.any():
        p_holm[enough], p_bh[enough] = holm(p[enough]), benjamini_hochberg(p[enough])
    return p_holm, p_bh


def concluded(
    found: Mapping[str, Any], enough: np.ndarray, less: str, more: str
) -> dict[str, np.ndarray]:
    """The columns of differences with their verdict, which their interval never contradicts.

    ``found`` are its other columns, among them difference, low, high and p_adjusted. A
    verdict is ``less`` or ``more``, by the sign of the difference, where p_adjusted is under 0.05
    and the interval does not reach 0: ``too_few`` where not ``enough`` (bool by row), else
    ``indistinct``. Of what is indistinct the interval is widened to 0 where it does not reach it.
    Both make a false verdict rarer, and the interval holds the true difference at least as often.
    """
    low, high = found["low"], found["high"]
    significant = found["p_adjusted"] < ALPHA
    verdict = np.select(
        [~enough, significant & (high < 0), significant & (low > 0)],
        ["too_few", less, more],
        default="indistinct",
    )
    open_ = verdict == "indistinct"
    widened = {
        "low": np.where(open_, np.minimum(low, 0), low),
        "high": np.where(open_, np.maximum(high, 0), high),
    }
    return {**found, **widened, "verdict": verdict}
