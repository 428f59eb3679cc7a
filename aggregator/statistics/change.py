"""Changes over time: one period against another, and a control chart of many periods."""

import numpy as np
import pandas as pd
from scipy import stats

from aggregator.statistics.adjustment import adjusted, concluded
from aggregator.statistics.comparison import MISS, MOST_OUTCOMES, by_bets, whole_counts
from aggregator.statistics.days import bounds
from aggregator.statistics.exact import fisher_exact
from aggregator.statistics.shares import newcombe

TAIL = float(stats.norm.sf(3))  # beyond three sigma, on each side: 0.00135
RUN = 8  # points in a row on one side of the centre


def changes(now: pd.DataFrame, before: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Each figure of ``now`` less that of ``before`` with the same key: for periods that are over.

    Both are rows of shares, pooled_shares or allowing_for_days of one measure, of different
    answers. Columns returned, a row for each of ``now``: key, difference, low, high (95 %
    interval), p, p_adjusted, p_bh, test, verdict. All NaN where either side has no answers or no
    row.

    - Newcombe's hybrid score interval (Statistics in Medicine 17 (1998) 873-890, method 10).
    - p-value and adjustment as in compare: Fisher's exact test, or the score test of pooled
      figures and of very large n; Holm for the verdict, Benjamini-Hochberg beside it.
    - verdict: ``too_few`` where either side has less than ``minimum`` answers (respondents for
      pooled figures), else ``up`` or ``down`` where p_adjusted is under 0.05 and the interval
      does not reach 0, else ``indistinct``, and the interval is widened to 0.
    """
    then = before.set_index("key").reindex(now["key"]).reset_index()
    found, n, m = _differences(now, then)
    pooled = "respondents" in now
    base = "respondents" if pooled else "n"
    p = _score(now["share"].to_numpy(float), n, then["share"].to_numpy(float), m)
    known = (n > 0) & (m > 0)
    exact = known & (np.minimum(n, m) < MOST_OUTCOMES) & (not pooled)
    counts = [count[exact] for side in (now, then) for count in whole_counts(side)]
    p[exact] = fisher_exact(*counts)
    fewest = np.minimum(now[base].to_numpy(float), then[base].to_numpy(float))
    enough = known & (fewest >= minimum)
    p_holm, p_bh = adjusted(p, enough)
    test = np.where(exact, "fisher_exact", "score")
    tests = {"test": test, "p": p, "p_adjusted": p_holm, "p_bh": p_bh}
    return pd.DataFrame(concluded({**found, **tests}, enough, "down", "up"))


def changes_daily(now: pd.DataFrame, before: pd.DataFrame, days: np.ndarray) -> pd.DataFrame:
    """As changes, where ``now`` may be looked at on any day; ``days`` are its shares by day.

    ``days`` as in anytime.e_process. The past is over, but itself an estimate: what it estimates
    lies in its Clopper-Pearson interval on the effective n (Korn, Graubard, Survey Methodology 24
    (1998) 193-201), which allows for days. These intervals err in 1 % of all rows together
    (Bonferroni), and days of now are held against their ends as in compare_daily, with 4 % left.
    """
    then = before.set_index("key").reindex(now["key"]).reset_index()
    found, _, m = _differences(now, then)
    low, high = bounds(then["share"].to_numpy(float), m, MISS / max(1, len(now)))
    known = (m > 0)[:, None]
    bets = by_bets(found, np.where(known, days, np.nan), low, high, MISS, ("down", "up"))
    return pd.DataFrame(bets)


def _differences(
    now: pd.DataFrame, then: pd.DataFrame
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Differences with their intervals, and the number of answers, or effective ones, of both."""
    n, m = (
        side["n_effective" if "n_effective" in side else "n"].fillna(0).to_numpy(float)
        for side in (now, then)
    )
    share, earlier = now["share"].to_numpy(float), then["share"].to_numpy(float)
    low, high = newcombe(share, n, earlier, m)
    key = now["key"].to_numpy()
    return {"key": key, "difference": share - earlier, "low": low, "high": high}, n, m


def _score(share: np.ndarray, n: np.ndarray, other: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Two-sided p of the difference, by the pooled two-sample score test; NaN for no answers."""
    with np.errstate(divide="ignore", invalid="ignore"):
        together = (n * share + m * other) / (n + m)
        z = np.abs(share - other) / np.sqrt(together * (1 - together) * (1 / n + 1 / m))
    return np.where(share == other, 1.0, 2 * stats.norm.sf(z))


def control_chart(points: pd.DataFrame) -> pd.DataFrame:
    """A p-chart: which points differ more from their series than chance explains.

    ``points`` has columns key, k, n in the order of time, and may have break_before (bool),
    true where a new series begins; series have nothing to do with each other. Columns returned:
    key, k, n, share, series (0, 1, …), centre, lower, upper (fractions), signal ("" | "above" |
    "below" | "run"). A point without answers has no share, limits or signal. n is an effective
    number of answers, which may be a fraction: limits allow for answers of one day being alike,
    and for people who answer several questions, by it.

    - The centre line is the share of all answers of the series and the limits follow each
      point's n (Montgomery, Introduction to Statistical Quality Control, section 7.2).
    - The limits are binomial ones, not centre +- 3 sigma, which do not suit 96 %: with 15
      answers a point and 96.3 % satisfied, 1.6 % of points would lie below by chance alone. A
      point is out where a count as far out or further has a probability under 0.00135, the tail
      beyond three sigma of a normal share; ``lower`` and ``upper`` are the last counts inside,
      over n.
    - From the eighth point in a row on one side of the centre, points are signals of a shift
      (Western Electric, Statistical Quality Control Handbook, 1956), provided that such a run
      has at most the chance of eight equal tosses of a coin, 0.5^8. The condition is ours: with
      few answers most points of a good service are at 100 %, above the centre, by chance.
    - By an effective n the limits are as wide as days usually differ, so that with thousands of
      answers a point not every day is out; Laney's p' chart is made for the same (Quality
      Engineering 14 (2002) 531-537).
    """
    frame = points.reset_index(drop=True)
    breaks = frame["break_before"] if "break_before" in frame else pd.Series(False, frame.index)
    series = breaks.astype(int).cumsum() - int(breaks.iloc[:1].sum())
    k, n = frame["k"].to_numpy(float), frame["n"].to_numpy(float)
    none, trials = n == 0, np.maximum(np.round(n), 1)
    sums = frame[["k", "n"]].astype(float).groupby(series).transform("sum")
    with np.errstate(invalid="ignore"):
        share, centre = k / n, (sums["k"] / sums["n"]).to_numpy()
    centre = np.where(none, np.nan, centre)
    lower, upper = (stats.binom.ppf(q, trials, centre) / trials for q in (TAIL, 1 - TAIL))
    signal = np.select(
        [share < lower, share > upper, _runs(share, trials, centre, series.to_numpy())],
        ["below", "above", "run"],
        default="",
    )
    return pd.DataFrame(
        {
            "key": frame["key"],
            "k": frame["k"],
            "n": frame["n"],
            "share": share,
            "series": series,
            "centre": centre,
            "lower": lower,
            "upper": upper,
            "signal": signal,
        }
    )


def _runs(
    share: np.ndarray, trials: np.ndarray, centre: np.ndarray, series: np.ndarray
) -> np.ndarray:
    """Whether each point is at least the eighth of a run whose chance is 0.5^8 or less."""
    side = np.sign(np.round(share - centre, 9))
    expected = np.round(trials * centre, 9)
    above = stats.binom.sf(np.floor(expected), trials, centre)
    chance = np.where(side > 0, above, stats.binom.cdf(np.ceil(expected) - 1, trials, centre))
    signals = np.zeros(len(share), dtype=bool)
    length, likelihood, last = 0, 1.0, (0.0, -1)
    for i in np.flatnonzero(~np.isnan(side)):
        if (side[i], series[i]) != last:
            length, likelihood, last = 0, 1.0, (side[i], series[i])
        length += 1
        likelihood *= chance[i]
        signals[i] = side[i] != 0 and length >= RUN and likelihood <= 0.5**RUN
    return signals
