"""A share against a published one: difference, interval, p-values, verdict."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from aggregator.statistics.adjustment import verdicts
from aggregator.statistics.exact import binomial_exact, fisher_exact
from aggregator.statistics.shares import newcombe, wilson

# From so many answers on the score test is used: an exact test adds up all possible outcomes.
MOST_OUTCOMES = 10_000


@dataclass(frozen=True)
class PublishedShare:
    """A published share: with ``n`` ratings behind it, or fixed where ``n`` is None."""

    share: float
    n: int | None = None


def compare(figures: pd.DataFrame, published: PublishedShare, minimum: int) -> pd.DataFrame:
    """Each figure's difference from a published share of the same measure.

    ``figures`` are rows of shares or pooled_shares, all of one measure. Columns returned:
    key, difference, low, high (95 % interval of the difference), p, p_adjusted, p_bh, test,
    verdict.

    - A published share with n ratings is itself uncertain: Newcombe's hybrid score interval
      (Statistics in Medicine 17 (1998) 873-890, method 10) and Fisher's exact p-value.
    - A published share alone is a fixed value: the Wilson interval shifted by it, and the
      exact binomial p-value.
    - The score test (Pearson's chi-squared without continuity correction) takes the place of
      the exact ones for pooled figures, whose n is an effective one, and for n too large to
      add up. ``test`` names the one used.
    - p-values of all keys with enough answers are adjusted together: ``p_adjusted`` so that
      among all verdicts one false "below" or "above" has a chance of 5 % at most (Holm,
      Scandinavian Journal of Statistics 6 (1979) 65-70); ``p_bh`` so that 5 % of those called
      different are expected to be false (Benjamini, Hochberg, Journal of the Royal Statistical
      Society B 57 (1995) 289-300). The verdict uses the first, which is stricter, since it names
      departments.
    - verdict: ``too_few`` below ``minimum`` answers (respondents for pooled figures), else
      ``below`` or ``above`` where p_adjusted is under 0.05, else ``indistinct``. A minimum is
      enough of a rule: from 30 answers on some outcome is always significant, and the interval
      shows how small a difference could have been found.
    """
    base = figures["respondents"] if "respondents" in figures else figures["n"]
    enough = (base >= minimum).to_numpy()
    difference = figures["share"].to_numpy(float) - published.share
    low, high = difference_interval(figures, published)
    p, test = _p_values(figures, published)
    return pd.DataFrame(
        {
            "key": figures["key"].to_numpy(),
            "difference": difference,
            "low": low,
            "high": high,
            "test": test,
            **verdicts(p, difference, enough, "below", "above"),
        }
    )


def difference_interval(
    figures: pd.DataFrame, published: PublishedShare
) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % intervals of shares less a published one, as in compare.

    They are made from Wilson's interval of each share, whichever interval the rows show.
    """
    share, n = figures["share"].to_numpy(float), _counted(figures)
    if published.n is None:
        low, high = wilson(share * n, n)
        return low - published.share, high - published.share
    other, m = np.array([published.share]), np.array([float(published.n)])
    return newcombe(share, n, other, m)


def _p_values(figures: pd.DataFrame, published: PublishedShare) -> tuple[np.ndarray, np.ndarray]:
    """Two-sided p-values, NaN for no answers, and the test that gave each."""
    k, n = figures["k"].to_numpy(np.int64), figures["n"].to_numpy(np.int64)
    p = _score(figures, published)
    if "n_effective" in figures:
        return p, np.full(len(p), "score")
    others = published.n
    exact = (n if others is None else np.minimum(n, others)) < MOST_OUTCOMES
    if others is None:
        name, by_test = "binomial_exact", binomial_exact(k[exact], n[exact], published.share)
    else:
        favourable = round(published.share * others)
        name, by_test = "fisher_exact", fisher_exact(k[exact], n[exact], favourable, others)
    p[exact] = by_test
    return np.where(n == 0, np.nan, p), np.where(exact, name, "score")


def _score(figures: pd.DataFrame, published: PublishedShare) -> np.ndarray:
    """Two-sided p-values by the score test: the error is that of equal (pooled) shares."""
    share = figures["share"].to_numpy(float)
    n = _counted(figures)
    weight = 0.0 if published.n is None else n / (n + published.n)
    together = published.share + weight * (share - published.share)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = together * (1 - together) * (1 / n + (1 / published.n if published.n else 0))
        z = np.abs(share - published.share) / np.sqrt(variance)
    # Equal shares of 0 or 1 give 0/0; for any equal shares p is 1.
    return np.where(share == published.share, 1.0, 2 * stats.norm.sf(z))


def _counted(figures: pd.DataFrame) -> np.ndarray:
    return figures["n_effective" if "n_effective" in figures else "n"].to_numpy(float)
