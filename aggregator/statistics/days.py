"""Answers of one day are more alike than those of different days: what that does to an interval."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit  # quantiles of the normal and of Student's t

from aggregator.statistics.shares import ALPHA, INTERVALS, Columns, Method, clopper_pearson


@dataclass(frozen=True)
class DaySums:
    """Sums over the respondents of each day, as the store's SUMS; arrays of shape (rows, days).

    ``k`` favourable of ``m`` answers, and the sums of k k, k m and m m over respondents: where
    each gives one answer, kk and km are k and mm is m. Days without answers are 0.
    """

    k: np.ndarray
    m: np.ndarray
    kk: np.ndarray
    km: np.ndarray
    mm: np.ndarray

    @classmethod
    def single(cls, k: np.ndarray, n: np.ndarray) -> "DaySums":
        """Of a question that everybody answers once: k favourable of n."""
        return cls(k, n, k, k, n)

    def grouped(self, groups: Sequence[Hashable]) -> "DaySums":
        """Rows of the same group, each with days of its own, as one row."""
        names = {name: number for number, name in enumerate(dict.fromkeys(groups))}
        at = [names[name] for name in groups]
        times: Counter[int] = Counter()
        order = []
        for own in at:
            order.append(times[own])
            times[own] += 1
        wide = self.m.shape[1]
        places = np.array(order, dtype=int)[:, None] * wide + np.arange(wide)
        shape = len(names), (max(order, default=-1) + 1) * wide

        def together(sums: np.ndarray) -> np.ndarray:
            found = np.zeros(shape, dtype=sums.dtype)
            found[np.array(at, dtype=int)[:, None], places] = sums
            return found

        return DaySums(*(together(getattr(self, one.name)) for one in fields(self)))

    def rows(self, at: Sequence[int] | np.ndarray) -> "DaySums":
        """Some rows, by their numbers."""
        return DaySums(*(getattr(self, one.name)[at] for one in fields(self)))

    @property
    def shares(self) -> np.ndarray:
        """The share of each day; NaN without answers."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.k / self.m)


def day_effects(days: DaySums) -> tuple[np.ndarray, float]:
    """By row, how many times over its variance is what independent respondents would give.

    Also the degrees of freedom of that estimate: days less rows, of rows of several days.

    How alike the answers of one day are is one number for all rows, since a row of its own has
    few days and few dissatisfied: the intraclass correlation by moments, that is what the
    squared residuals of days exceed those of respondents by, at least 0. A row's effect is 1 +
    correlation (size - 1), where size is the mean size of a respondent's day (Kish, Survey
    Sampling, 1965, section 5.4; Rao, Scott, Biometrics 48 (1992) 577-585). Where no row has
    several days nothing is known of it, and the effect is 1: the interval then is of that day.
    """
    correlation, degrees = _correlation(days)
    return 1 + correlation * others_of_day(days), degrees


def _correlation(days: DaySums) -> tuple[float, float]:
    """The intraclass correlation of rows of several days, and its degrees of freedom."""
    k, m = days.k.sum(axis=1), days.m.sum(axis=1)
    count = (days.m > 0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (k / m)[:, None]
        of_days = ((days.k - share * days.m) ** 2).sum(axis=1) * count / (count - 1)
        of_people = (days.kk - 2 * share * days.km + share**2 * days.mm).sum(axis=1)
    several = count > 1
    weight = (of_people * others_of_day(days))[several].sum()
    excess = (of_days - of_people)[several].sum()
    correlation = float(np.clip(excess / weight, 0, 1)) if weight > 0 else 0.0
    return correlation, float((count - 1)[several].sum())


def others_of_day(days: DaySums) -> np.ndarray:
    """By row, the mean number of others on a respondent's day; 0 without answers."""
    with np.errstate(invalid="ignore", divide="ignore"):
        size = (days.m.astype(float) ** 2).sum(axis=1) / days.mm.sum(axis=1) - 1
    return np.asarray(np.nan_to_num(size))


def usual_effects(days: DaySums, groups: Sequence[Hashable]) -> np.ndarray:
    """By row of one day each, how many times over its variance is by how days usually differ.

    ``groups`` is the week of each row. How alike a day's answers are is learned within weeks, so
    that a slow change is no likeness, and from all days but the day itself, so that one that is
    far out does not excuse itself. The effect is that of day_effects.
    """
    found = np.ones(len(groups))
    for number in range(len(groups)):
        kept = (np.arange(len(groups)) != number)[:, None]
        rest = DaySums(*(getattr(days, one.name) * kept for one in fields(DaySums)))
        correlation, _ = _correlation(rest.grouped(groups))
        found[number] += correlation * others_of_day(days.rows([number]))[0]
    return found


def allowing_for_days(
    figures: pd.DataFrame, days: Mapping[str, DaySums], method: Method
) -> pd.DataFrame:
    """Shares with intervals that allow for days.

    ``figures`` are rows of shares or pooled_shares; ``days`` the sums of each of their measures,
    in the order of its rows. ``low`` and ``high`` are those of ``method`` (pooled shares:
    Wilson's) on an effective n: n over the day's effect, less for few degrees of freedom as the
    effect is an estimate (Korn, Graubard, Survey Methodology 24 (1998) 193-201). Adds columns
    n_effective and ``day_effect``, NaN where it is 1.
    """
    return figures.assign(**day_columns(figures, days, method))


def day_columns(
    figures: Columns, days: Mapping[str, DaySums], method: Method
) -> dict[str, np.ndarray]:
    """The columns that allowing_for_days changes or adds."""
    measures = np.asarray(figures["measure"])
    effect, inflation = np.ones(len(measures)), np.ones(len(measures))
    for measure, sums in days.items():
        rows = measures == measure
        effect[rows], degrees = day_effects(sums)
        inflation[rows] = _inflation(degrees, ALPHA)
    return _allowing(figures, effect, inflation, method)


def allowing_for_alike(
    figures: pd.DataFrame, others: np.ndarray, alike: DaySums, method: Method
) -> pd.DataFrame:
    """As allowing_for_days, where how alike days are is learned from other rows, ``alike``.

    ``figures`` are rows of one measure, ``others`` by row the mean number of others on a
    respondent's day.
    """
    correlation, degrees = _correlation(alike)
    inflation = np.full(len(figures), _inflation(degrees, ALPHA))
    effect = 1 + correlation * np.maximum(others, 0)
    return figures.assign(**_allowing(figures, effect, inflation, method))


def _allowing(
    figures: Columns, effect: np.ndarray, inflation: np.ndarray, method: Method
) -> dict[str, np.ndarray]:
    before = np.asarray(figures["n_effective" if "n_effective" in figures else "n"], float)
    alike = effect > 1
    effective = before / (effect * np.where(alike, inflation, 1.0))
    k, n, share, own_low, own_high = (
        np.asarray(figures[name]) for name in ("k", "n", "share", "low", "high")
    )
    low, high = INTERVALS[method](share.astype(float) * effective, effective)
    return {
        "low": np.where(alike, np.where(k == 0, 0.0, low), own_low),
        "high": np.where(alike, np.where(k == n, 1.0, high), own_high),
        "n_effective": effective,
        "day_effect": np.where(alike, effect, np.nan),
    }


def _inflation(degrees: float, alpha: float) -> float:
    """(t/z)^2: by how much an estimated variance has to be taken larger."""
    return float((stdtrit(max(degrees, 1.0), 1 - alpha / 2) / ndtri(1 - alpha / 2)) ** 2)


def bounds(
    share: np.ndarray, n: np.ndarray, miss: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The Clopper-Pearson interval of shares of n answers, which errs with probability ``miss``.

    ``n`` may be an effective one, as Korn and Graubard have it (Survey Methodology 24 (1998)
    193-201). 0 and 1 where n is 0.
    """
    low, high = clopper_pearson(np.nan_to_num(share) * n, n, miss)
    return np.where(n == 0, 0.0, low), np.where(n == 0, 1.0, high)
