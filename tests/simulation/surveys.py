"""Forms of many questions whose days are alike: intervals of single questions and of factors.

A respondent's answers are of one day, and more alike than those of two people of that day.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from aggregator.statistics import DaySums, allowing_for_days, pooled_shares, wilson
from tests.simulation.coverage import Measured
from tests.simulation.daily import ALIKE

FACTORS = (4, 5, 6, 3, 4)  # criteria of each factor of SIPAS
ENDS = np.cumsum(FACTORS)
DAYS, A_DAY = 22, 10
SHARES = (0.82, 0.93)
OF_ONE_PERSON = 0.3  # the correlation of a respondent's answers


def answers(rng: np.random.Generator, share: float, alike: float) -> np.ndarray:
    """Whether each answer is favourable, of shape (days, respondents, questions)."""
    of_day = _beta(rng, np.full((DAYS, 1), share), alike)
    of_person = _beta(rng, np.repeat(of_day, A_DAY, axis=1), OF_ONE_PERSON)
    return np.asarray(rng.random((DAYS, A_DAY, ENDS[-1])) < of_person[..., None])


def _beta(rng: np.random.Generator, share: np.ndarray, correlation: float) -> np.ndarray:
    if correlation == 0:
        return share
    size = 1 / correlation - 1
    return rng.beta(*(np.maximum(part * size, 1e-9) for part in (share, 1 - share)))


def questions(given: np.ndarray) -> tuple[pd.DataFrame, DaySums]:
    """The share of each question as if days did not matter, and the sums of days."""
    k = given.sum(axis=1).T
    n = np.full_like(k, A_DAY)
    of_all, by_all = k.sum(axis=1), n.sum(axis=1)
    low, high = wilson(of_all.astype(float), by_all.astype(float))
    share = of_all / by_all
    columns = {"key": range(len(k)), "measure": "", "k": of_all, "n": by_all, "share": share}
    return pd.DataFrame({**columns, "low": low, "high": high}), DaySums.single(k, n)


def factors(given: np.ndarray) -> tuple[pd.DataFrame, DaySums]:
    """The same of each factor, whose questions are pooled by respondent."""
    k = np.stack([part.sum(axis=2) for part in np.split(given, ENDS[:-1], axis=2)])
    m = np.broadcast_to(np.array(FACTORS)[:, None, None], k.shape)
    parts = {"k": k, "m": m, "kk": k * k, "km": k * m, "mm": m * m}
    sums = pd.DataFrame({name: part.sum(axis=(1, 2)) for name, part in parts.items()})
    sums = sums.assign(key=range(len(k)), measure="", respondents=DAYS * A_DAY)
    by_day = DaySums(**{name: part.sum(axis=2) for name, part in parts.items()})
    return pooled_shares(sums, list(range(len(k)))), by_day


def of_forms(
    repeats: int, seed: int, shares: Sequence[float] = SHARES, likeness: Sequence[float] = ALIKE
) -> Iterator[Measured]:
    """How often intervals of questions and factors hold the true share of a month."""
    rng = np.random.default_rng(seed)
    for share in shares:
        for alike in likeness:
            held: dict[str, list[bool]] = {}
            for _ in range(repeats):
                given = answers(rng, share, alike)
                for name, (plain, days) in (
                    ("question", questions(given)),
                    ("factor", factors(given)),
                ):
                    allowing = allowing_for_days(plain, {"": days}, "wilson")
                    for found, kind in ((allowing, name), (plain, f"{name}, no days")):
                        inside = (found["low"] <= share) & (share <= found["high"])
                        held.setdefault(kind, []).extend(inside)
            for name, one in held.items():
                coverage = float(np.mean(one))
                # Rows of one form are of the same people: forms are what is independent.
                error = float(np.sqrt(coverage * (1 - coverage) / repeats))
                n, promised = DAYS * A_DAY, "no days" not in name
                kind = f"days alike {alike}"
                yield Measured(name, kind, n, share, coverage, error, promised)
