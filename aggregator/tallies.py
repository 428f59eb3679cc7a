"""What accepted submissions add to the tallies: integers only, the same on every replay."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from surveys.definition import Survey


class Cell(NamedTuple):
    """Where and when an answer was given; '' stands for an unknown department or counter.

    ``day`` is written as 2026-11-23, which both databases take as a date.
    """

    day: str
    channel: str
    department: str
    counter: str


class Deltas:
    """Adds up what a group of submissions changes, so that each tally row is written once.

    Gathers first and computes at the end, over the whole group: a batch has few cells and
    many answers.
    """

    def __init__(self, surveys: Mapping[str, Survey]) -> None:
        self._surveys = surveys
        # By (survey, cell): how often each (question, code) was given.
        self._codes: dict[tuple[str, Cell], Counter[tuple[str, int]]] = defaultdict(Counter)
        # By survey, of those whose questions pool: each respondent's cell and answers.
        self._respondents: dict[str, list[tuple[Cell, Mapping[str, int]]]] = defaultdict(list)

    def add(self, survey_id: str, cell: Cell, answers: Mapping[str, Any]) -> None:
        """Count one submission's answers: {question: code, number or list of codes}."""
        codes, survey = self._codes[survey_id, cell], self._surveys.get(survey_id)
        if survey is not None and not survey.takes_lists:
            codes.update(answers.items())
        else:
            for question, value in answers.items():
                given = value if isinstance(value, list | tuple) else (value,)
                codes.update((question, code) for code in given)
        if survey is not None and survey.pooled_measures:
            self._respondents[survey_id].append((cell, answers))

    def tally_rows(self) -> Iterator[tuple[object, ...]]:
        """Rows of tables.Tally: the key in its order, then n to add."""
        for (survey, cell), codes in self._codes.items():
            for (question, code), n in codes.items():
                yield (survey, question, *cell, code, n)

    def pooled_rows(self) -> Iterator[tuple[object, ...]]:
        """Rows of tables.PooledTally: the key in its order, then the sums to add."""
        for survey_id, respondents in self._respondents.items():
            yield from _pooled_rows(self._surveys[survey_id], respondents)


def _pooled_rows(
    survey: Survey, respondents: Sequence[tuple[Cell, Mapping[str, int]]]
) -> Iterator[tuple[object, ...]]:
    """Sums by factor, measure and cell of each respondent's k favourable of m valid answers."""
    questions = [question.id for question in survey.measured]
    factors = [factor for factor, _ in survey.measured_by_factor] + [""]
    belongs = np.array(
        [[factor in ("", home) for factor in factors] for home in _homes(survey)], dtype=np.int64
    )
    given = np.array([[a.get(q, NONE) for q in questions] for _, a in respondents])
    cells = list(dict.fromkeys(cell for cell, _ in respondents))
    place = {cell: number for number, cell in enumerate(cells)}
    of_cell = np.array([place[cell] for cell, _ in respondents])
    m = (given != NONE) @ belongs
    for measure, codes in survey.pooled_measures.items():
        k = np.isin(given, list(codes)) @ belongs
        parts = np.stack([m > 0, k, m, k * k, k * m, m * m], axis=1)
        sums = np.zeros((len(cells), *parts.shape[1:]), dtype=np.int64)
        np.add.at(sums, of_cell, parts)
        for number, cell in enumerate(cells):
            for column, factor in enumerate(factors):
                if sums[number, 0, column]:
                    yield (survey.id, factor, measure, *cell, *sums[number, :, column].tolist())


def _homes(survey: Survey) -> list[str]:
    """The factor of each measured question, in order."""
    return [factor for factor, questions in survey.measured_by_factor for _ in questions]


NONE = -(2**31)  # stands for a skipped question; no scale has it
