"""The centre's share as it would be with another mix of departments."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, stats

from aggregator.statistics.shares import ALPHA

Z2 = float(stats.norm.isf(ALPHA / 2) ** 2)


@dataclass(frozen=True)
class Standardised:
    """A share weighted by department, with its 95 % interval, and which departments it lacks.

    Departments with answers and weight count: ``k`` and ``n`` are theirs, ``covered`` is their
    part of all weight (a fraction). ``missing`` have weight but no answers, ``unweighted``
    answers but no weight. ``share``, ``low`` and ``high`` are None where no department counts.
    """

    share: float | None
    low: float | None
    high: float | None
    method: str
    k: float
    n: float
    covered: float
    missing: tuple[str, ...]
    unweighted: tuple[str, ...]


def direct_standardised(figures: pd.DataFrame, weights: Mapping[str, float]) -> Standardised:
    """The mean of the departments' shares, weighted by ``weights``, such as dossiers settled.

    ``figures`` has columns key, k, n; pooled ones also n_effective. Weights are relative, and
    those of departments without answers are spread over the others in proportion, as if they
    were like the rest on average: ``covered`` tells how much that is.

    The 95 % interval is the score interval of a weighted sum of independent shares, Wilson's
    where one department has all the weight. Of eight intervals that Martin Andres, Herranz
    Tejedor and Alvarez Hernandez compared (Journal of Statistical Computation and Simulation 82
    (2012), doi:10.1080/00949655.2010.530601) a score interval covered best. In our simulations
    (make coverage) it covers 93 to 97 % from about 20 answers a department on, and 91 to 98 %
    with six. Near 96 % with 20 answers each, share +- 1.96 SE with the variance
    sum w^2 p(1-p)/n covers 69 %, since it takes unanimous departments for certain.

    Raises ValueError for a negative weight.
    """
    if any(weight < 0 for weight in weights.values()):
        raise ValueError("a weight is negative")
    rows = figures.assign(key=figures["key"].astype(str)).sort_values("key")
    rows = rows.assign(weight=rows["key"].map(dict(weights)).fillna(0.0).astype(float))
    answered = rows[rows["n"] > 0]
    counted = answered[answered["weight"] > 0]
    with_weight = {key for key, weight in weights.items() if weight > 0}
    total = sum(weights.values())
    share = low = high = None
    if not counted.empty:
        n = counted["n_effective" if "n_effective" in counted else "n"].to_numpy(float)
        k = n * (counted["k"] / counted["n"]).to_numpy(float)
        w = counted["weight"].to_numpy(float) / counted["weight"].sum()
        share = float(w @ (k / n))
        low, high = _lower_limit(k, n, w), 1 - _lower_limit(n - k, n, w)
    return Standardised(
        share=share,
        low=low,
        high=high,
        method="direct",
        k=float(counted["k"].sum()),
        n=float(counted["n"].sum()),
        covered=float(counted["weight"].sum() / total) if total else 0.0,
        missing=tuple(sorted(with_weight - set(counted["key"]))),
        unweighted=tuple(answered.loc[answered["weight"] == 0, "key"]),
    )


def _lower_limit(k: np.ndarray, n: np.ndarray, w: np.ndarray) -> float:
    """The lower limit of the score interval of sum w p, from k of n; weights add up to 1.

    It is the sum T for which (share - T)^2 = z^2 V(T), where V is the variance at the shares p
    that are likeliest among those with sum w p = T. By Lagrange these solve, for a multiplier m,
    n (k/n - p) = m w p (1 - p), so that share - T = m V, and the limit is where
    m (share - T) = z^2: one increasing function of m.
    """
    share = float(w @ (k / n))
    if share <= 0:
        return 0.0

    def total(m: float) -> float:
        b = n + m * w
        return float(w @ (2 * k / (b + np.sqrt(np.maximum(b * b - 4 * m * w * k, 0)))))

    def excess(m: float) -> float:
        return m * (share - total(m)) - Z2

    upper = 2 * Z2 / share
    while excess(upper) < 0:
        upper *= 2
    return total(float(optimize.brentq(excess, 0.0, upper, rtol=1e-12)))
