"""Changes over time: one period against another, and a control chart of many periods."""

import numpy as np
import pandas as pd
from scipy import stats

from aggregator.statistics.adjustment import verdicts
from aggregator.statistics.comparison import MOST_OUTCOMES
from aggregator.statistics.exact import fisher_exact
from aggregator.statistics.shares import newcombe

TAIL = float(stats.norm.sf(3))  # beyond three sigma, on each side: 0.00135
RUN = 8  # points in a row on one side of the centre


def changes(now: pd.DataFrame, before: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Each figure of ``now`` less the figure of ``before`` with the same key.

    Both are rows of shares or pooled_shares of one measure, of different answers. Columns
    returned, a row for each of ``now``: key, difference, low, high (95 % interval), p,
    p_adjusted, p_bh, test, verdict. All NaN where either side has no answers or no row.

    - Newcombe's hybrid score interval (Statistics in Medicine 17 (1998) 873-890, method 10).
    - p-value and adjustment as in compare: Fisher's exact test, or the score test of pooled
      figures and of very large n; Holm for the verdict, Benjamini-Hochberg beside it.
    - verdict: ``too_few`` where either side has less than ``minimum`` answers (respondents for
      pooled figures), else ``up`` or ``down`` where p_adjusted is under 0.05, else
      ``indistinct``.
    """
    then = before.set_index("key").reindex(now["key"]).reset_index()
    pooled = "n_effective" in now
    counted, base = ("n_effective", "respondents") if pooled else ("n", "n")
    share, earlier = now["share"].to_numpy(float), then["share"].to_numpy(float)
    n, m = (side[counted].fillna(0).to_numpy(float) for side in (now, then))
    low, high = newcombe(share, n, earlier, m)
    p = _score(share, n, earlier, m)
    known = (n > 0) & (m > 0)
    exact = known & (np.minimum(n, m) < MOST_OUTCOMES) & (not pooled)
    counts = [side[name][exact].to_numpy(np.int64) for side in (now, then) for name in ("k", "n")]
    p[exact] = fisher_exact(*counts)
    fewest = np.minimum(now[base].to_numpy(float), then[base].to_numpy(float))
    enough = known & (fewest >= minimum)
    difference = share - earlier
    return pd.DataFrame(
        {
            "key": now["key"].to_numpy(),
            "difference": difference,
            "low": low,
            "high": high,
            "test": np.where(exact, "fisher_exact", "score"),
            **verdicts(p, difference, enough, "down", "up"),
        }
    )


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
    "below" | "run"). A point without answers has no share, limits or signal. For pooled figures
    n is the effective number of answers, which may be a fraction.

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
    - With thousands of answers a point, every difference between days shows and many points are
      out. The limits are not widened for that, as in Laney's p' chart (Quality Engineering 14
      (2002) 531-537), since it is a finding that days differ.
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
