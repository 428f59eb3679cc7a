"""p-values of several comparisons, adjusted for their number."""

import numpy as np
from statsmodels.stats.multitest import multipletests


def holm(p: np.ndarray) -> np.ndarray:
    """Adjusted so that one false finding among all has a chance of 5 % at most.

    Holm, Scandinavian Journal of Statistics 6 (1979) 65-70. Written out, since statsmodels
    collects the garbage of the whole process first, longer than a page may take.
    """
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted so that 5 % of the findings are expected to be false.

    Benjamini, Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289-300.
    """
    adjusted: np.ndarray = multipletests(p, method="fdr_bh")[1]
    return adjusted
