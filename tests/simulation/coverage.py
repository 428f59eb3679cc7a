"""How often each 95 % interval holds the true share: added up exactly, or simulated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from aggregator.statistics import PublishedShare, clopper_pearson, pooled_shares, wilson
from aggregator.statistics.comparison import difference_interval

SIZES = (20, 100, 1_000)
SHARES = (0.5, 0.9, 0.963)
CORRELATIONS = (0.1, 0.3, 0.6)
BAND = (0.93, 0.97)
QUESTIONS = 22  # as in SIPAS
BREAK_OFF = 0.3  # share of respondents who stop before the last question
Interval = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Measured:
    """The coverage of an interval; ``error`` is the simulation's standard error, 0 if exact.

    ``promised`` tells whether the coverage has to be within BAND.
    """

    method: str
    answers: str
    n: int
    share: float
    coverage: float
    error: float = 0.0
    promised: bool = True

    @property
    def outside(self) -> bool:
        return not BAND[0] <= self.coverage <= BAND[1]


def of_a_share(interval: Interval, n: int, share: float) -> float:
    """Exact coverage of a share of n independent answers: the binomial added up."""
    k = np.arange(n + 1, dtype=float)
    low, high = interval(k, np.full(n + 1, float(n)))
    return float(stats.binom.pmf(k, n, share)[(low <= share) & (share <= high)].sum())


def of_a_difference(n: int, published_n: int, share: float) -> float:
    """Exact coverage of Newcombe's interval where both shares are truly the same."""
    k = np.arange(n + 1)
    figures = pd.DataFrame({"n": n, "share": k / n})
    chance = stats.binom.pmf(k, n, share)
    covered = 0.0
    for theirs in range(published_n + 1):
        weight = float(stats.binom.pmf(theirs, published_n, share))
        if weight > 1e-9:
            low, high = difference_interval(
                figures, PublishedShare(theirs / published_n, published_n)
            )
            covered += weight * float(chance[(low <= 0) & (high >= 0)].sum())
    return covered


@dataclass(frozen=True)
class Population:
    """Respondents by m valid and k favourable answers, and the probability of each kind."""

    k: np.ndarray
    m: np.ndarray
    probability: np.ndarray

    @classmethod
    def of(cls, favourable: Callable[[np.ndarray, int], np.ndarray]) -> "Population":
        """From the distribution of k among m; some break off, all numbers being equally likely."""
        kinds = [(k, m) for m in range(1, QUESTIONS + 1) for k in range(m + 1)]
        stay = np.full(QUESTIONS + 1, BREAK_OFF / QUESTIONS)
        stay[QUESTIONS] += 1 - BREAK_OFF
        chances = [stay[m] * favourable(np.arange(m + 1), m) for m in range(1, QUESTIONS + 1)]
        k, m = np.array(kinds).T
        probability = np.concatenate(chances)
        return cls(k, m, probability / probability.sum())

    def coverage(self, respondents: int, repeats: int, rng: np.random.Generator) -> float:
        """The fraction of ``repeats`` surveys whose pooled interval holds the true share."""
        drawn = rng.multinomial(respondents, self.probability, size=repeats)
        k, m = self.k, self.m
        parts = {"k": k, "m": m, "kk": k * k, "km": k * m, "mm": m * m}
        sums = pd.DataFrame({name: drawn @ part for name, part in parts.items()})
        sums = sums.assign(key=range(repeats), measure="", respondents=respondents)
        found = pooled_shares(sums, range(repeats))
        share = float(self.probability @ k / (self.probability @ m))
        return float(((found["low"] <= share) & (share <= found["high"])).mean())


def correlated(share: float, correlation: float) -> Population:
    """Respondents whose own share is beta distributed: their answers correlate as given."""
    if correlation == 0:
        return Population.of(lambda k, m: np.asarray(stats.binom.pmf(k, m, share)))
    size = 1 / correlation - 1
    a, b = share * size, (1 - share) * size
    return Population.of(lambda k, m: np.asarray(stats.betabinom.pmf(k, m, a, b)))


def two_kinds(share: float) -> Population:
    """A few who are dissatisfied with everything among others of 99 % satisfied answers."""
    few = 1 - share / 0.99
    return Population.of(lambda k, m: few * (k == 0) + (1 - few) * stats.binom.pmf(k, m, 0.99))


def of_single_answers() -> Iterator[Measured]:
    """One answer a person: shares and differences, exactly."""
    for n in SIZES:
        for share in SHARES:
            yield Measured("wilson", "one a person", n, share, of_a_share(wilson, n, share))
            exact = of_a_share(clopper_pearson, n, share)
            yield Measured("clopper_pearson", "one a person", n, share, exact, promised=False)
            for others in (n, 3483):
                name, found = f"newcombe, {others} others", of_a_difference(n, others, share)
                yield Measured(name, "one a person", n, share, found, promised=others > 20)


def of_pooled_answers(repeats: int, seed: int) -> Iterator[Measured]:
    """Twenty-two answers a person, by how much they correlate, simulated."""
    rng = np.random.default_rng(seed)
    for n in SIZES:
        for share in SHARES:
            populations = [
                (f"22, correlation {c}", correlated(share, c), c > 0) for c in (0, *CORRELATIONS)
            ]
            for name, population, promised in [
                *populations,
                ("22, a few of all bad", two_kinds(share), False),
            ]:
                found = population.coverage(n, repeats, rng)
                error = float(np.sqrt(found * (1 - found) / repeats))
                yield Measured("wilson_effective_n", name, n, share, found, error, promised)
