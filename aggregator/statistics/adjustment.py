"""p-values of several comparisons, adjusted for their number."""

import numpy as np
from statsmodels.stats.multitest import multipletests

from aggregator.statistics.shares import ALPHA


def holm(p: np.ndarray) -> np.ndarray:
    """p-values adjusted so that any false finding below 0.05 has a chance of 5 % at most.

    Holm, Scandinavian Journal of Statistics 6 (1979) 65-70. Not by statsmodels, whose function
    first collects the garbage of the whole process, which takes longer than a page may.
    """
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """p-values adjusted so that 5 % of the findings below 0.05 are expected to be false.

    Benjamini, Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289-300.
    """
    adjusted: np.ndarray = multipletests(p, method="fdr_bh")[1]
    return adjusted


def verdicts(
    p: np.ndarray, difference: np.ndarray, enough: np.ndarray, less: str, more: str
) -> dict[str, np.ndarray]:
    """Columns p, p_adjusted (holm), p_bh (benjamini_hochberg) and verdict of differences.

    ``p``, ``difference`` and ``enough`` (bool) have an element a row. Only rows with enough
    answers are adjusted, together; the others get NaN and ``too_few``. A verdict is ``less`` or
    ``more``, by the sign of the difference, where p_adjusted is under 0.05, else ``indistinct``.
    """
    p_holm, p_bh = np.full(len(p), np.nan), np.full(len(p), np.nan)
    if enough.any():
        p_holm[enough], p_bh[enough] = holm(p[enough]), benjamini_hochberg(p[enough])
    significant = p_holm < ALPHA
    verdict = np.select(
        [~enough, significant & (difference < 0), significant & (difference > 0)],
        ["too_few", less, more],
        default="indistinct",
    )
    return {"p": p, "p_adjusted": p_holm, "p_bh": p_bh, "verdict": verdict}
