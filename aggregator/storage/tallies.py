"""Counts what was answered: integers only, the same whenever they are counted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from surveys.definition import Survey

Row = tuple[Any, ...]


class Answered(NamedTuple):
    """Where and when somebody answered, and what; '' is an unknown department or counter.

    ``at`` is on the centre's clock.
    """

    channel: str
    department: str
    counter: str
    answers: Mapping[str, Any]
    at: datetime | None = None


def by_code(survey: Survey | None, answered: Iterable[Answered]) -> list[Row]:
    """How often each code or number was given: question, code, place, n."""
    counted: Counter[Row] = Counter()
    for channel, department, counter, answers, _ in answered:
        for question, value in answers.items():
            for code in value if isinstance(value, list | tuple) else (value,):
                counted[question, code, channel, department, counter] += 1
    return [(*key, n) for key, n in counted.items()]


def by_hour(survey: Survey | None, answered: Iterable[Answered]) -> list[Row]:
    """How often each code was given to a survey's only measured question: code, weekday (0 is
    Monday), hour, place, n. Of other surveys there are none.
    """
    rating = None if survey is None else survey.rating
    counted: Counter[Row] = Counter()
    for channel, department, counter, answers, at in answered:
        if at is not None and rating is not None and rating in answers:
            code = answers[rating]
            counted[code, at.weekday(), at.hour, channel, department, counter] += 1
    return [(*key, n) for key, n in counted.items()]


def pooled(survey: Survey | None, answered: Sequence[Answered]) -> list[Row]:
    """Sums over respondents for ratios pooled over questions: factor, measure, place, and six sums.

    These are respondents and, of the k favourable of each one's m valid answers, Σk, Σm, Σk²,
    Σkm and Σm²: what the variance of a ratio estimator needs with the respondent as the cluster
    (Cochran, Sampling Techniques, 1977, section 6.5). ``factor`` '' is the whole survey.
    """
    if survey is None or not survey.pooled_measures or not answered:
        return []
    given = np.array(
        [[one.answers.get(q.id, NONE) for q in survey.measured] for one in answered],
        dtype=np.int64,
    )
    places = list(dict.fromkeys(one[:3] for one in answered))
    number = {place: at for at, place in enumerate(places)}
    of_place = np.array([number[one[:3]] for one in answered])
    factors = [factor for factor, _ in survey.measured_by_factor] + [""]
    homes = [factor for factor, questions in survey.measured_by_factor for _ in questions]
    belongs = np.array([[one in ("", home) for one in factors] for home in homes], dtype=np.int64)
    m = (given != NONE) @ belongs
    rows: list[Row] = []
    for measure, codes in survey.pooled_measures.items():
        k = np.isin(given, list(codes)) @ belongs
        parts = np.stack([m > 0, k, m, k * k, k * m, m * m], axis=1)
        sums = np.zeros((len(places), *parts.shape[1:]), dtype=np.int64)
        np.add.at(sums, of_place, parts)
        at = np.nonzero(sums[:, 0])
        found = sums.transpose(0, 2, 1)[at].tolist()
        for place, factor, own in zip(*(one.tolist() for one in at), found, strict=True):
            rows.append((factors[factor], measure, *places[place], *own))
    return rows


NONE = -(2**31)  # stands for a skipped question; no scale has it
