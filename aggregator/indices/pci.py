"""Business feedback in the style of PCI, to compare with the province's PCI; it is not PCI.

A score needs the lowest and the highest province of a statement, so there are scores only where
a table of these bounds is supplied.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import quantile_test

from aggregator.indices.scores import Interval, composite, min_max
from surveys.definition import Factor, Question, Survey
from surveys.published import Pci, SubIndex

Direction = Literal["better", "worse", "equal"]


@dataclass(frozen=True)
class ProvinceBounds:
    """The lowest and the highest province: in percent for a share, else in the question's unit."""

    minimum: float
    maximum: float


_Measured = tuple[int | None, int, Interval | None, str]  # k, n, figure, method


@dataclass(frozen=True)
class StatementFeedback:
    """One statement with n answers, compared with its published figure.

    ``figure`` is a share as a fraction (k of n favourable) or, where the question asks for a
    number, their median; None for no answers. ``difference`` is figure less published, with the
    sign turned so that positive is better. It is not tested: ``direction`` is its sign, not a
    finding that the two differ. ``score`` is from 1 to 10.
    """

    question: Question
    k: int | None
    n: int
    figure: Interval | None
    method: str
    difference: Interval | None
    direction: Direction | None
    score: Interval | None


@dataclass(frozen=True)
class FactorFeedback:
    """A factor of the survey and the PCI sub-index of the same name.

    ``score`` is the mean score of the statements whose bounds are known, ``scored`` their
    number; None where there are none or one of them has no answers.
    """

    factor: Factor
    published: SubIndex | None
    statements: tuple[StatementFeedback, ...]
    score: Interval | None
    scored: int

    def count(self, direction: Direction) -> int:
        """How many statements are better, or worse, than their published figure."""
        return sum(statement.direction == direction for statement in self.statements)


def business_feedback(
    survey: Survey,
    figures: pd.DataFrame,
    counts: Mapping[str, Mapping[int, int]],
    pci: Pci | None = None,
    bounds: Mapping[str, ProvinceBounds] | None = None,
    effective: Mapping[str, float] | None = None,
) -> tuple[FactorFeedback, ...]:
    """All factors and statements of a business survey, in its order.

    ``figures`` has SHARE_COLUMNS, one row for each question (key) with a scale; ``counts`` are
    answers by question and value, used for questions that ask for a number. ``pci`` gives the
    published sub-indices, ``bounds`` by question make scores possible. ``effective`` are effective
    numbers of answers of questions that ask for a number, where they are less than all.
    """
    known = bounds or {}
    measured = _shares(figures)
    for question in survey.questions.values():
        values = counts.get(question.id, {}) if question.kind == "number" else {}
        if figure := median(question, values, (effective or {}).get(question.id)):
            measured[question.id] = (None, sum(values.values()), figure, "median_order")

    def statement(question: Question) -> StatementFeedback:
        k, n, figure, method = measured.get(question.id, (None, 0, None, ""))
        difference = _difference(question, figure)
        return StatementFeedback(
            question=question,
            k=k,
            n=n,
            figure=figure,
            method=method,
            difference=difference,
            direction=_direction(question, difference),
            score=_score(question, figure, known.get(question.id)),
        )

    def factor(one: Factor) -> FactorFeedback:
        statements = tuple(statement(question) for question in one.questions)
        entering = [s.score for s in statements if s.question.id in known]
        published = pci.sub_indices.get(one.id) if pci else None
        return FactorFeedback(one, published, statements, _mean(entering), len(entering))

    return tuple(factor(one) for one in survey.factors)


def _shares(figures: pd.DataFrame) -> dict[str, _Measured]:
    columns = ("key", "k", "n", "share", "low", "high", "method")
    rows = zip(*(figures[name].tolist() for name in columns), strict=True)
    return {
        key: (int(k), int(n), Interval(share, low, high), method)
        for key, k, n, share, low, high, method in rows
        if n
    }


def median(
    question: Question, counts: Mapping[int, int], effective: float | None = None
) -> Interval | None:
    """The median of numbers counted by value, with its 95 % interval; None for no numbers.

    The interval's ends are order statistics (Conover, Practical Nonparametric Statistics, 1999,
    section 3.2), of as many of the numbers, evenly spaced in their order, as are ``effective``
    (None: all). Below six there is none of 95 %: it is then the question's whole range.
    """
    values = np.repeat(sorted(counts), [counts[value] for value in sorted(counts)])
    if not values.size:
        return None
    few = values.size if effective is None else max(1, min(values.size, int(effective + 1e-9)))
    evenly = values[np.round((np.arange(few) + 0.5) * values.size / few - 0.5).astype(int)]
    test: Any = quantile_test(evenly, q=0, p=0.5)
    low, high = test.confidence_interval(0.95)
    if math.isnan(low) or math.isnan(high):
        low, high = extremes(question)
    return Interval(float(np.median(values)), float(low), float(high))


def _difference(question: Question, figure: Interval | None) -> Interval | None:
    """The centre's figure less the published one, positive where the centre is better.

    None where the two cannot be compared: a published share of costs does not say whether it is
    a mean or a median.
    """
    published = question.published
    if published is None or figure is None or published.unit == "percent_of_costs":
        return None
    against = published.value / 100 if published.unit == "percent" else published.value
    turn = 1 if question.direction == "higher_is_better" else -1
    return _ordered([turn * (part - against) for part in _parts(figure)])


def _direction(question: Question, difference: Interval | None) -> Direction | None:
    """The sign of a difference; equal where it is 0 as shown, to one decimal (of a percent)."""
    if difference is None:
        return None
    shown = round(difference.value, 1 if question.kind == "number" else 3)
    return "equal" if shown == 0 else "better" if shown > 0 else "worse"


def _score(
    question: Question, figure: Interval | None, bounds: ProvinceBounds | None
) -> Interval | None:
    """The score from 1 to 10 of a figure; its interval has the scores of the figure's ends."""
    if figure is None or bounds is None:
        return None
    unit = 1 if question.kind == "number" else 100
    worse = question.direction == "lower_is_better"
    parts = [unit * part for part in _parts(figure)]
    return _ordered(min_max(parts, bounds.minimum, bounds.maximum, lower_is_better=worse).tolist())


def _parts(figure: Interval) -> tuple[float, float, float]:
    return figure.value, figure.low, figure.high


def _ordered(parts: list[float]) -> Interval:
    return Interval(parts[0], min(parts), max(parts))


def _mean(scores: list[Interval | None]) -> Interval | None:
    """The mean score with the mean of the lower and of the upper ends.

    None where there are no scores or one is missing. A firm answers several statements, so
    their errors are correlated, and how much is unknown. The standard error of a mean is at
    most the mean of the standard errors, so the interval is wide enough for any correlation
    (our choice).
    """
    known = [score for score in scores if score is not None]
    if not known or len(known) < len(scores):
        return None
    return Interval(*np.mean([_parts(score) for score in known], axis=0).tolist())


def feedback_composite(factors: Iterable[FactorFeedback]) -> Interval | None:
    """The factors' scores by the weights of PCI, in points of 100; None where one has no score."""
    parts: dict[str, tuple[float, float, float]] = {}
    weights: dict[str, float] = {}
    for one in factors:
        if one.score is None or one.published is None:
            return None
        parts[one.factor.id], weights[one.factor.id] = _parts(one.score), one.published.weight
    return Interval(
        *(composite({key: part[end] for key, part in parts.items()}, weights) for end in range(3))
    )


def extremes(question: Question) -> tuple[int, int]:
    """The least and the greatest value of a question's figure: 0 and 100 percent for a share."""
    if question.minimum is None or question.maximum is None:
        return 0, 100
    return question.minimum, question.maximum
