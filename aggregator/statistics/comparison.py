"""A share against a published one: difference, interval, p-values, verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from aggregator.statistics.adjustment import adjusted, concluded, holm
from aggregator.statistics.anytime import strongest, two_sided
from aggregator.statistics.days import bounds
from aggregator.statistics.exact import binomial_exact, fisher_exact
from aggregator.statistics.shares import ALPHA, Columns, newcombe, wilson

# From so many answers on the score test is used: an exact test adds up all possible outcomes.
MOST_OUTCOMES = 10_000
# The part of the 5 % that is spent on not knowing exactly what an estimated share estimates.
MISS = 0.01


@dataclass(frozen=True)
class PublishedShare:
    """A published share: with ``n`` ratings behind it, or fixed where ``n`` is None."""

    share: float
    n: int | None = None


def compare(figures: pd.DataFrame, published: PublishedShare, minimum: int) -> pd.DataFrame:
    """Each figure's difference from a published share, for a period that is over: looked at once.

    ``figures`` are rows of shares, pooled_shares or allowing_for_days, all of one measure.
    Columns returned: key, difference, low, high (95 % interval of the difference), p,
    p_adjusted, p_bh, test, verdict.

    - A published share with n ratings is itself uncertain: Newcombe's hybrid score interval
      (Statistics in Medicine 17 (1998) 873-890, method 10) and Fisher's exact p-value.
    - A published share alone is a fixed value: the Wilson interval shifted by it, and the
      exact binomial p-value.
    - The score test (Pearson's chi-squared without continuity correction) takes the place of
      the exact ones for pooled figures, and for n too large to add up; else an effective n is
      taken as the nearest whole number. ``test`` names the one used.
    - p-values of all keys with enough answers are adjusted together: ``p_adjusted`` so that
      among all verdicts one false "below" or "above" has a chance of 5 % at most (Holm,
      Scandinavian Journal of Statistics 6 (1979) 65-70), if nobody looks before the period is
      over; ``p_bh`` so that 5 % of those called different are expected to be false (Benjamini,
      Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289-300). The verdict uses
      the first, which is stricter, since it names departments.
    - verdict: ``too_few`` below ``minimum`` answers (respondents for pooled figures), else
      ``below`` or ``above`` where p_adjusted is under 0.05 and the interval does not reach 0,
      else ``indistinct``, and the interval is widened to 0 (adjustment.concluded).
    """
    base = figures["respondents"] if "respondents" in figures else figures["n"]
    enough = (base >= minimum).to_numpy()
    p, test = _p_values(figures, published)
    p_holm, p_bh = adjusted(p, enough)
    tests = {"test": test, "p": p, "p_adjusted": p_holm, "p_bh": p_bh}
    found = {**_differences(figures, published), **tests}
    return pd.DataFrame(concluded(found, enough, "below", "above"))


def compare_daily(
    figures: pd.DataFrame, days: np.ndarray, published: PublishedShare, family: int | None = None
) -> pd.DataFrame:
    """Each figure's difference from a published share, to be looked at on any day.

    ``figures`` as in compare; ``days`` are their shares by day, as in anytime.e_process; ``family``
    as in adjustment.holm, so that it does not grow with the days. Columns as in compare; p_bh is
    NaN. ``p`` is that of anytime.two_sided.

    - A published share with n ratings is itself uncertain: days are held against the ends of its
      99 % Clopper-Pearson interval, and 0.01 is added to p (Berger, Boos, Journal of the American
      Statistical Association 89 (1994) 1012-1016). ``p_adjusted`` is Holm's over the family,
      rows without answers included, and the 0.01 once, since all are held against one share.
      So, whatever day one looks at, one false "below" or "above" among all rows and days has a
      chance of 5 % at most, if each day's expected share is that of the published one.
    - verdict: ``too_few`` where the days are so few that no answers could decide among so many
      rows, else as in compare. No number of answers is asked for.
    """
    return pd.DataFrame(daily_columns(figures, days, published, family))


def daily_columns(
    figures: Columns, days: np.ndarray, published: PublishedShare, family: int | None = None
) -> dict[str, np.ndarray]:
    """The columns of compare_daily."""
    count, share = len(days), np.array([published.share])
    miss = 0.0 if published.n is None else MISS
    n = np.array([float(published.n or 0)])
    ends = (share, share) if published.n is None else bounds(share, n, miss)
    low, high = (np.broadcast_to(end, count) for end in ends)
    found = _differences(figures, published)
    return by_bets(found, days, low, high, miss, ("below", "above"), family)


def by_bets(
    found: Mapping[str, Any],
    days: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    miss: float,
    words: tuple[str, str],
    family: int | None = None,
) -> dict[str, np.ndarray]:
    """The columns of differences with test, p, p_adjusted, p_bh and verdict by anytime.two_sided.

    ``found`` are its columns key, difference, low and high.
    ``low`` and ``high`` hold, of all rows together but with a probability of ``miss``, the share
    that each row is held against. ``words`` are the verdicts of less and of more.
    """
    p = two_sided(days, low, high)
    count = len(days) if family is None else family
    enough = count * strongest(days, low, high) < ALPHA - miss
    tests = {
        "test": np.full(len(days), "day_bets"),
        "p": np.where(np.isnan(days).all(axis=1), np.nan, np.minimum(p + miss, 1)),
        "p_adjusted": np.where(enough, np.minimum(holm(p, count) + miss, 1), np.nan),
        "p_bh": np.full(len(days), np.nan),
    }
    return concluded({**found, **tests}, enough, *words)


def _differences(figures: Columns, published: PublishedShare) -> dict[str, np.ndarray]:
    low, high = difference_interval(figures, published)
    difference = np.asarray(figures["share"], float) - published.share
    key = np.asarray(figures["key"])
    return {"key": key, "difference": difference, "low": low, "high": high}


def difference_interval(
    figures: Columns, published: PublishedShare
) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % intervals of shares less a published one, as in compare.

    They are made from Wilson's interval of each share, whichever interval the rows show.
    """
    share, n = np.asarray(figures["share"], float), _counted(figures)
    if published.n is None:
        low, high = wilson(share * n, n)
        return low - published.share, high - published.share
    other, m = np.array([published.share]), np.array([float(published.n)])
    return newcombe(share, n, other, m)


def _p_values(figures: pd.DataFrame, published: PublishedShare) -> tuple[np.ndarray, np.ndarray]:
    """Two-sided p-values, NaN for no answers, and the test that gave each."""
    k, n = whole_counts(figures)
    p, others = _score(figures, published), published.n
    small = (n if others is None else np.minimum(n, others)) < MOST_OUTCOMES
    exact = small & ("respondents" not in figures)
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


def whole_counts(figures: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """k and n as whole numbers, where n is an effective one the nearest."""
    n = np.nan_to_num(_counted(figures))
    k = np.nan_to_num(figures["share"].to_numpy(float)) * n
    return np.rint(k).astype(np.int64), np.rint(n).astype(np.int64)


def _counted(figures: Columns) -> np.ndarray:
    return np.asarray(figures["n_effective" if "n_effective" in figures else "n"], float)
