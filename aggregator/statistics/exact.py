"""Two-sided exact tests of many shares at once; SciPy's test one at a time, in 2 ms each."""

from collections.abc import Callable

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy
from scipy.stats import binom

TIE = 1 + 1e-7  # probabilities within this factor count as equal, since they are rounded


def fisher_exact(
    k: np.ndarray, n: np.ndarray, other_k: np.ndarray | int, other_n: np.ndarray | int
) -> np.ndarray:
    """p-values of k favourable of n, whole numbers, each against ``other_k`` of the others.

    Each is the probability of all outcomes that are no likelier than the observed one, given
    how many are favourable in both samples together (Fisher, Statistical Methods for Research
    Workers, 5th edition 1934, section 21.02). 1 where n is 0.
    """
    favourable = k + other_k
    others = np.broadcast_to(other_n, n.shape)

    def logarithm(x: np.ndarray, row: np.ndarray) -> np.ndarray:
        theirs = favourable[row] - x
        ours, rest = _log_orders(x, n[row] - x), _log_orders(theirs, others[row] - theirs)
        return np.asarray(-ours - rest)

    lowest = np.maximum(favourable - others, 0)
    return _no_likelier(k, lowest, np.minimum(n, favourable), logarithm)


def binomial_exact(k: np.ndarray, n: np.ndarray, share: float) -> np.ndarray:
    """p-values of k favourable of n, whole numbers, each against a fixed share.

    Each is the probability of all outcomes that are no likelier than k, as in R's binom.test
    and SciPy's binomtest. 1 where n is 0.
    """

    def logarithm(x: np.ndarray, row: np.ndarray) -> np.ndarray:
        others = n[row] - x
        return np.asarray(xlogy(x, share) + xlog1py(others, -share) - _log_orders(x, others))

    return _no_likelier(k, np.zeros_like(n), n, logarithm)


def _log_orders(x: np.ndarray, others: np.ndarray) -> np.ndarray:
    """log(x! others!), elementwise."""
    return np.asarray(_log_factorial(x) + _log_factorial(others))


def _log_factorial(x: np.ndarray) -> np.ndarray:
    largest = int(x.max(initial=0))
    if largest > x.size:
        return np.asarray(gammaln(x + 1))
    # Many rows have the same numbers: each is computed once.
    return np.asarray(gammaln(np.arange(1, largest + 2))[x])


def _no_likelier(
    observed: np.ndarray,
    lowest: np.ndarray,
    highest: np.ndarray,
    logarithm: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """By row, the probability of all outcomes that are no likelier than the observed one.

    A row's outcomes are the whole numbers from ``lowest`` to ``highest``. ``logarithm`` takes
    the outcomes of all rows in one array, and the row of each, and returns their logarithms of
    probability but for a constant a row.
    """
    if len(observed) == 0:
        return np.zeros(0)
    width = highest - lowest + 1
    start = np.cumsum(width) - width
    row = np.repeat(np.arange(len(width)), width)
    log = logarithm(np.arange(width.sum()) - start[row] + lowest[row], row)
    mass = np.exp(log - np.maximum.reduceat(log, start)[row])
    bar = mass[start + observed - lowest] * TIE
    kept = np.where(mass <= bar[row], mass, 0)
    return np.asarray(np.add.reduceat(kept, start) / np.add.reduceat(mass, start))


def at_least(k: int, n: int, share: float) -> float:
    """The probability of ``k`` or more favourable of ``n``, where each is so with a fixed share."""
    return float(binom.sf(k - 1, n, share))
