"""Verdicts looked at on every day of a quarter: false alarms, days until a fall, intervals.

Ratings of a day are as alike as a beta-binomial's with the intraclass correlation given.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binom

from aggregator.statistics import DaySums, PublishedShare, allowing_for_days, wilson
from aggregator.statistics.anytime import e_process
from aggregator.statistics.comparison import MISS, compare
from aggregator.statistics.days import bounds
from aggregator.statistics.shares import ALPHA
from tests.simulation.coverage import Measured

UNITS, DAYS, MONTH, A_DAY = 16, 65, 22, 10
K, N = 3_355, 3_483  # the published share of devices
MEASURE = "very_satisfied"
TRUE = K / N
ALIKE = (0.0, 0.02, 0.05)
FALLS = (0.9, 0.8, 0.7)


@dataclass(frozen=True)
class Noticed:
    """A rule, looked at daily: how often it errs in a quarter, and when it notices falls.

    ``days`` is the median day by each of FALLS, infinite where it is after the quarter.
    """

    rule: str
    alike: float
    false: float
    days: tuple[float, ...]


def counts(
    rng: np.random.Generator, share: float, alike: float, shape: tuple[int, ...]
) -> np.ndarray:
    """Favourable ratings of A_DAY on each of days."""
    if alike == 0:
        return np.asarray(rng.binomial(A_DAY, share, shape))
    size = 1 / alike - 1
    return np.asarray(rng.binomial(A_DAY, rng.beta(share * size, (1 - share) * size, shape)))


def _ends() -> tuple[float, float]:
    low, high = bounds(np.array([TRUE]), np.array([float(N)]), MISS)
    return float(low[0]), float(high[0])


def bets(k: np.ndarray) -> np.ndarray:
    """By unit, the first day on which it is called below or above among UNITS; else infinite.

    The smallest p of the family decides when one of it is called at all, so each unit is held
    against the whole family.
    """
    low, high = _ends()
    days = k / A_DAY
    rows = len(days)
    below = e_process(1 - days, np.full(rows, 1 - low))
    above = e_process(days, np.full(rows, high))
    return _first(np.maximum(below, above) >= 2 * UNITS / (ALPHA - MISS))


def cusum(k: np.ndarray, threshold: float) -> np.ndarray:
    """The first day of a Bernoulli CUSUM from TRUE to 0.9 over a threshold; else infinite."""
    odds = np.log((1 - 0.9) / (1 - TRUE)), np.log(0.9 / TRUE)
    step = (A_DAY - k) * odds[0] + k * odds[1]
    total, over = np.zeros(len(k)), np.zeros(k.shape, dtype=bool)
    for day in range(k.shape[1]):
        total = np.maximum(0, total + step[:, day])
        over[:, day] = total >= threshold
    return _first(over)


def fixed(k: np.ndarray) -> np.ndarray:
    """The first day on which the exact test of one look, by Holm among UNITS, finds below."""
    sums = k.cumsum(axis=1)
    n = A_DAY * np.arange(1, k.shape[1] + 1)
    return _first(np.asarray(2 * binom.cdf(sums, n, TRUE) < ALPHA / UNITS))


def _first(found: np.ndarray) -> np.ndarray:
    return np.where(found.any(axis=1), found.argmax(axis=1) + 1.0, np.inf)


def threshold_of_cusum(rng: np.random.Generator, quarters: int) -> float:
    """The threshold over which 5 % of quarters of UNITS units go, if ratings are independent."""
    k = counts(rng, TRUE, 0, (quarters * UNITS, DAYS))
    low, high = 0.0, 60.0
    for _ in range(20):
        middle = (low + high) / 2
        rate = np.isfinite(cusum(k, middle)).reshape(quarters, UNITS).any(axis=1).mean()
        low, high = (middle, high) if rate > ALPHA else (low, middle)
    return high


def of_daily_looks(quarters: int, seed: int) -> Iterator[Noticed]:
    """Each rule at each likeness: false alarms of UNITS units in a quarter, days until a fall."""
    rng = np.random.default_rng(seed)
    threshold = threshold_of_cusum(rng, quarters)
    rules = {"bets by day": bets, "CUSUM": lambda k: cusum(k, threshold), "fixed test": fixed}
    for alike in ALIKE:
        quiet = counts(rng, TRUE, alike, (quarters * UNITS, DAYS))
        fallen = [counts(rng, share, alike, (quarters, DAYS)) for share in FALLS]
        for rule, first in rules.items():
            alarms = np.isfinite(first(quiet)).reshape(quarters, UNITS).any(axis=1)
            days = tuple(float(np.median(first(k))) for k in fallen)
            yield Noticed(rule, alike, float(alarms.mean()), days)


def of_months(months: int, seed: int) -> Iterator[Measured]:
    """How often the intervals of UNITS units hold the true share of a month."""
    rng = np.random.default_rng(seed)
    for alike in ALIKE:
        held: dict[str, list[bool]] = {"allowing for days": [], "wilson": []}
        for _ in range(months):
            k = counts(rng, TRUE, alike, (UNITS, MONTH))
            n = np.full(k.shape, A_DAY)
            plain = _figures(k, n)
            for name, found in (
                ("allowing for days", _allowing_for_days(plain, k, n)),
                ("wilson", plain),
            ):
                held[name] += list((found["low"] <= TRUE) & (found["high"] >= TRUE))
        for name, one in held.items():
            coverage = float(np.mean(one))
            error = float(np.sqrt(coverage * (1 - coverage) / len(one)))
            promised = name != "wilson"
            kind = f"days alike {alike}"
            yield Measured(name, kind, MONTH * A_DAY, round(TRUE, 3), coverage, error, promised)


def false_of_a_closed_month(months: int, alike: float, seed: int) -> float:
    """How often the fixed test, looked at once, calls any of UNITS units below or above."""
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(months):
        k = counts(rng, TRUE, alike, (UNITS, MONTH))
        n = np.full(k.shape, A_DAY)
        figures = _allowing_for_days(_figures(k, n), k, n)
        found = compare(figures, PublishedShare(TRUE, N), 30)
        wrong += bool(found["verdict"].isin(["below", "above"]).any())
    return wrong / months


def _allowing_for_days(figures: pd.DataFrame, k: np.ndarray, n: np.ndarray) -> pd.DataFrame:
    return allowing_for_days(figures, {MEASURE: DaySums.single(k, n)}, "wilson")


def _figures(k: np.ndarray, n: np.ndarray) -> pd.DataFrame:
    favourable, answers = k.sum(axis=1), n.sum(axis=1)
    low, high = wilson(favourable.astype(float), answers.astype(float))
    return pd.DataFrame(
        {
            "key": range(len(k)),
            "measure": MEASURE,
            "k": favourable,
            "n": answers,
            "share": favourable / answers,
            "low": low,
            "high": high,
        }
    )
