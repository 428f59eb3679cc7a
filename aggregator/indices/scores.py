"""Scores from 1 to 10 and their weighted composite."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LOWEST, HIGHEST = 1.0, 10.0


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def min_max(
    value: ArrayLike, minimum: ArrayLike, maximum: ArrayLike, *, lower_is_better: bool = False
) -> NDArray[np.float64]:
    """1 + 9 (x - min) / (max - min), elementwise; where a high value is bad, 11 less that.

    This is the standardisation of PCI (VCCI). Our choices: a value beyond the bounds scores 1 or
    10, and where min and max are equal all values score 5.5, the middle. NaN stays NaN.
    """
    x, low, high = (np.asarray(part, dtype=np.float64) for part in (value, minimum, maximum))
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.where(high == low, np.where(np.isnan(x), np.nan, 0.5), (x - low) / (high - low))
    score = LOWEST + (HIGHEST - LOWEST) * np.clip(place, 0, 1)
    return LOWEST + HIGHEST - score if lower_is_better else score


def composite(scores: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The composite in points of 100: the sum of weight × score / 10.

    ``scores`` are up to 10 and ``weights`` in percent, by the same keys. Raises ValueError where
    a score or a weight is missing or the weights do not add up to 100.
    """
    if odd := set(scores) ^ set(weights):
        raise ValueError(f"a score or a weight is missing: {', '.join(sorted(odd))}")
    if not math.isclose(sum(weights.values()), 100):
        raise ValueError(f"weights: {sum(weights.values()):g} together, not 100")
    return math.fsum(weights[key] * score for key, score in scores.items()) / 10
