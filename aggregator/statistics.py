"""The figures: pure functions from tallies to shares, intervals and comparisons.

No session, no request, no clock. SciPy and statsmodels supply the distributions.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

ALPHA = 0.05
SHARE_COLUMNS = ["key", "measure", "k", "n", "share", "low", "high", "method"]


@dataclass(frozen=True)
class Published:
    """A published share: with ``n`` ratings behind it, or fixed where ``n`` is None."""

    share: float
    n: int | None = None


def level_counts(
    counts: pd.DataFrame, keys: Sequence[object], codes: Sequence[int]
) -> pd.DataFrame:
    """Counts by level: one row a key, in order, one integer column a code; absent is 0.

    ``counts`` has columns key, code and n, as Store.counts gives them.
    """
    table = counts.pivot_table(index="key", columns="code", values="n", aggfunc="sum", fill_value=0)
    return table.reindex(index=list(keys), columns=list(codes), fill_value=0).astype("int64")


def shares(levels: pd.DataFrame, measures: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """The share of favourable answers by key and measure, with its 95 % Wilson interval.

    ``levels`` is a table of level_counts. Returns SHARE_COLUMNS; a share of no answers is NaN,
    and so is its interval. Wilson, JASA 22 (1927) 209-212.
    """
    n = levels.sum(axis=1)
    frames = []
    for measure, codes in measures.items():
        k = levels[list(codes)].sum(axis=1)
        low, high = wilson(k.to_numpy(float), n.to_numpy(float))
        with np.errstate(invalid="ignore"):
            share = k.to_numpy(float) / n.to_numpy(float)
        columns = {"key": levels.index, "measure": measure, "k": k.to_numpy(), "n": n.to_numpy()}
        frame = pd.DataFrame({**columns, "share": share, "low": low, "high": high})
        frames.append(frame.assign(method="wilson"))
    return pd.concat(frames, ignore_index=True)[SHARE_COLUMNS]


def wilson(k: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % Wilson score interval of k favourable of n, elementwise; NaN where n is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = proportion_confint(k, n, alpha=ALPHA, method="wilson")
    none = n == 0
    # At the extremes the formula ends on the bound exactly; rounding may step past it.
    low = np.where(none, np.nan, np.where(k == 0, 0.0, np.clip(low, 0, 1)))
    high = np.where(none, np.nan, np.where(k == n, 1.0, np.clip(high, 0, 1)))
    return low, high


def pooled_shares(sums: pd.DataFrame, keys: Sequence[object]) -> pd.DataFrame:
    """Shares pooled over several questions, with the respondent as the cluster.

    ``sums`` has columns key, measure and store.SUMS. The variance of the ratio K/M is the
    linearised one, r/(r-1) * sum (k - R m)^2 / M^2 over r respondents (Cochran, Sampling
    Techniques, 1977, section 6.5). It gives an effective number of answers, and with that the
    Wilson interval, which unlike R +- 1.96 SE stays inside 0..1. Where the variance says
    nothing (all or none favourable, one respondent) each respondent counts once: our choice.

    Returns SHARE_COLUMNS (k and n are answers) with respondents, n_effective and
    design_effect (answers over effective answers).
    """
    frame = sums[sums["key"].isin(list(keys))].sort_values("key").reset_index(drop=True)
    respondents, k, m, kk, km, mm = (
        frame[name].to_numpy(float) for name in ("respondents", "k", "m", "kk", "km", "mm")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = k / m
        residuals = np.maximum(kk - 2 * ratio * km + ratio**2 * mm, 0)
        variance = respondents / (respondents - 1) * residuals / m**2
        effective = ratio * (1 - ratio) / variance
    silent = ~np.isfinite(effective) | (effective == 0)
    effective = np.minimum(np.where(silent, respondents, effective), m)
    low, high = wilson(ratio * effective, effective)
    figures = {
        "key": frame["key"],
        "measure": frame["measure"],
        "k": frame["k"],
        "n": frame["m"],
        "share": ratio,
        "low": np.where(k == 0, 0.0, low),
        "high": np.where(k == m, 1.0, high),
        "method": "wilson_effective_n",
        "respondents": frame["respondents"],
        "n_effective": effective,
        "design_effect": m / effective,
    }
    return pd.DataFrame(figures)


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
