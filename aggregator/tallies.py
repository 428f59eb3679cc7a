"""What one accepted submission adds to the tallies: integers only, the same on every replay."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from surveys.definition import Survey


class Cell(NamedTuple):
    """Where and when an answer was given; '' stands for an unknown department or counter."""

    day: date
    channel: str
    department: str
    counter: str


class TallyKey(NamedTuple):
    survey: str
    question: str
    day: date
    channel: str
    department: str
    counter: str
    code: int


class PooledKey(NamedTuple):
    survey: str
    factor: str
    measure: str
    day: date
    channel: str
    department: str
    counter: str


# respondents, k, m, kk, km, mm: see tables.PooledTally
Sums = list[int]


class Deltas:
    """Adds up what a group of submissions changes, so that each tally row is written once."""

    def __init__(self, surveys: Mapping[str, Survey]) -> None:
        self._surveys = surveys
        self.tallies: dict[TallyKey, int] = defaultdict(int)
        self.pooled: dict[PooledKey, Sums] = {}

    def add(self, survey_id: str, cell: Cell, answers: Mapping[str, Any]) -> None:
        """Count one submission's answers: {question: code, number or list of codes}."""
        for question, value in answers.items():
            for code in value if isinstance(value, list | tuple) else (value,):
                self.tallies[TallyKey(survey_id, question, *cell, code)] += 1
        survey = self._surveys.get(survey_id)
        if survey is not None and survey.pooled_measures:
            self._add_pooled(survey, cell, answers)

    def _add_pooled(self, survey: Survey, cell: Cell, answers: Mapping[str, Any]) -> None:
        groups = [
            (factor.id, given)
            for factor in survey.factors
            if (given := [answers[q.id] for q in factor.questions if q.id in answers])
        ]
        if not groups:
            return
        groups.append(("", [code for _, given in groups for code in given]))
        for factor, given in groups:
            m = len(given)
            for measure, favourable in survey.pooled_measures.items():
                k = sum(code in favourable for code in given)
                key = PooledKey(survey.id, factor, measure, *cell)
                sums = self.pooled.setdefault(key, [0, 0, 0, 0, 0, 0])
                for position, value in enumerate((1, k, m, k * k, k * m, m * m)):
                    sums[position] += value
