"""A share against a published one: difference, interval, p-value, verdict."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from aggregator.statistics.shares import ALPHA, wilson


@dataclass(frozen=True)
class Published:
    """A published share: with ``n`` ratings behind it, or fixed where ``n`` is None."""

    share: float
    n: int | None = None


def compare(figures: pd.DataFrame, published: Published, minimum: int) -> pd.DataFrame:
    """Each figure's difference from a published share of the same measure.

    ``figures`` are rows of shares or pooled_shares, all of one measure. Columns returned:
    key, difference, low, high (95 % interval of the difference), p, p_adjusted, test, verdict.

    - A published share with n ratings is itself uncertain: Newcombe's hybrid score interval
      (Statistics in Medicine 17 (1998) 873-890, method 10) and Fisher's exact p-value.
    - A published share alone is a fixed value: the Wilson interval shifted by it, and the
      exact binomial p-value (the score test for pooled figures, whose n is an effective one).
    - p-values of all keys with enough answers are adjusted together (Holm, Scandinavian
      Journal of Statistics 6 (1979) 65-70).
    - verdict: ``too_few`` below ``minimum`` answers (respondents for pooled figures), else
      ``below`` or ``above`` where the adjusted p-value is under 0.05, else ``indistinct``.
    """
    base = figures["respondents"] if "respondents" in figures else figures["n"]
    enough = (base >= minimum).to_numpy()
    share = figures["share"].to_numpy(float)
    low, high = figures["low"].to_numpy(float), figures["high"].to_numpy(float)
    difference = share - published.share
    if published.n is None:
        lower, upper = low - published.share, high - published.share
    else:
        size = np.array([float(published.n)])
        reference_low, reference_high = (bound[0] for bound in wilson(size * published.share, size))
        lower = difference - np.hypot(share - low, reference_high - published.share)
        upper = difference + np.hypot(high - share, published.share - reference_low)
    counted = figures["n_effective"] if "n_effective" in figures else figures["n"]
    test, p_value = _test(published, pooled="n_effective" in figures)
    p = np.array(list(map(p_value, figures["k"], figures["n"], counted)), dtype=np.float64)
    adjusted = np.full(len(p), np.nan)
    if enough.any():
        adjusted[enough] = multipletests(p[enough], method="holm")[1]
    significant = adjusted < ALPHA
    verdict = np.select(
        [~enough, significant & (difference < 0), significant & (difference > 0)],
        ["too_few", "below", "above"],
        default="indistinct",
    )
    return pd.DataFrame(
        {
            "key": figures["key"].to_numpy(),
            "difference": difference,
            "low": lower,
            "high": upper,
            "p": p,
            "p_adjusted": adjusted,
            "test": test,
            "verdict": verdict,
        }
    )


def _test(published: Published, *, pooled: bool) -> tuple[str, Callable[[int, int, float], float]]:
    """A test's name and its two-sided p-value of (k, n, effective n); NaN for no answers."""

    def score(k: int, n: int, effective: float) -> float:
        if n == 0:
            return float("nan")
        spread = published.share * (1 - published.share)
        error = math.sqrt(spread / effective + (spread / published.n if published.n else 0))
        distance = abs(k / n - published.share)
        return float(2 * stats.norm.sf(distance / error)) if error else float(distance == 0)

    def binomial(k: int, n: int, _: float) -> float:
        return float(stats.binomtest(k, n, published.share).pvalue) if n else float("nan")

    def fisher(k: int, n: int, _: float) -> float:
        favourable, size = round(published.share * (published.n or 0)), published.n or 0
        table = np.array([[k, n - k], [favourable, size - favourable]])
        return float(stats.fisher_exact(table).pvalue) if n else float("nan")

    if pooled:
        return "score", score
    return ("binomial_exact", binomial) if published.n is None else ("fisher_exact", fisher)
