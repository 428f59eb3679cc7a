"""What accepted submissions add to the tallies: integers only, the same on every replay."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import chain
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


Row = tuple[object, ...]
Respondent = tuple[Cell, Mapping[str, int]]  # where and when, and the answers to measured questions

FEW = 64  # respondents; up to here plain loops take less time than NumPy's calls alone


class Deltas:
    """Adds up what a group of submissions changes, so that each tally row is written once.

    ``add`` only collects; ``rows`` counts over the whole group, which has many answers in few
    cells.
    """

    def __init__(self, surveys: Mapping[str, Survey]) -> None:
        self._surveys = surveys
        # By (survey, cell): how often each (question, code) was given.
        self._codes: dict[tuple[str, Cell], Counter[tuple[str, int]]] = defaultdict(Counter)
        self._respondents: dict[str, list[Respondent]] = defaultdict(list)  # by survey that pools
        # How often (survey, cell, hour, code) was given to the only measured question.
        self._hours: Counter[tuple[str, Cell, int, int]] = Counter()

    def add(self, survey_id: str, cell: Cell, answers: Mapping[str, Any], hour: int) -> None:
        """Count one submission's answers: {question: code, number or list of codes}.

        ``hour`` is that of the centre's clock at which they were given, 0 to 23.
        """
        survey = self._surveys.get(survey_id)
        rating = None if survey is None else survey.rating
        if rating is not None and rating in answers:
            self._hours[survey_id, cell, hour, answers[rating]] += 1
        if survey is not None and survey.pooled_measures:
            measured = survey.measured_ids
            if answers.keys() <= measured:
                self._respondents[survey_id].append((cell, answers))
                return
            pooling = {q: code for q, code in answers.items() if q in measured}
            self._respondents[survey_id].append((cell, pooling))
            answers = {q: value for q, value in answers.items() if q not in measured}
        codes = self._codes[survey_id, cell]
        for question, value in answers.items():
            given = value if isinstance(value, list | tuple) else (value,)
            codes.update((question, code) for code in given)

    @property
    def surveys(self) -> set[str]:
        """The ids of the surveys that are known."""
        return set(self._surveys)

    @property
    def days(self) -> set[tuple[str, str]]:
        """Every survey and day that the group adds to."""
        days = {(survey, cell.day) for survey, cell in self._codes}
        for survey, respondents in self._respondents.items():
            days |= {(survey, cell.day) for cell, _ in respondents}
        return days

    def rows(self) -> tuple[list[Row], list[Row], list[Row]]:
        """Rows of tables.Tally, PooledTally and HourTally: the key in its order, what to add."""
        tallies: list[Row] = [
            (survey, *cell, question, code, n)
            for (survey, cell), codes in self._codes.items()
            for (question, code), n in codes.items()
        ]
        pooled: list[Row] = []
        for survey_id, respondents in self._respondents.items():
            count = by_loops if len(respondents) <= FEW else by_matrix
            counted, summed = count(self._surveys[survey_id], respondents)
            tallies += counted
            pooled += summed
        return tallies, pooled, self._by_hour()

    def _by_hour(self) -> list[Row]:
        hours: Counter[Row] = Counter()
        for (survey, (day, *place), hour, code), n in self._hours.items():
            month, weekday = _month_and_weekday(day)
            hours[survey, month, *place, weekday, hour, code] += n
        return [(*key, n) for key, n in hours.items()]


@lru_cache(maxsize=64)  # a group is of a few days
def _month_and_weekday(day: str) -> tuple[str, int]:
    """The first day of a day's month, and its weekday from 0, Monday, to 6."""
    return f"{day[:8]}01", date.fromisoformat(day).weekday()


def by_loops(survey: Survey, respondents: Sequence[Respondent]) -> tuple[list[Row], list[Row]]:
    """The rows of Deltas.rows for respondents of one survey, counted cell by cell."""
    cells: dict[Cell, list[Mapping[str, int]]] = defaultdict(list)
    for cell, answers in respondents:
        cells[cell].append(answers)
    tallies: list[Row] = []
    pooled: list[Row] = []
    for cell, answered in cells.items():
        counts = Counter(chain.from_iterable(answers.items() for answers in answered))
        tallies += [(survey.id, *cell, q, code, n) for (q, code), n in counts.items()]
        # The codes that each respondent gave to a factor's questions, and to all of them.
        by_factor = [
            (factor, [[given[q] for q in questions if q in given] for given in answered])
            for factor, questions in survey.measured_by_factor
        ]
        by_factor.append(("", [list(given.values()) for given in answered]))
        for factor, codes in by_factor:
            if not any(codes):
                continue
            for measure, favourable in survey.pooled_measures.items():
                answering, k, m, kk, km, mm = 0, 0, 0, 0, 0, 0
                for given in codes:
                    if given:
                        favour, valid = sum(map(favourable.__contains__, given)), len(given)
                        answering += 1
                        k += favour
                        m += valid
                        kk += favour * favour
                        km += favour * valid
                        mm += valid * valid
                key = (survey.id, *cell, factor, measure)
                pooled.append((*key, answering, k, m, kk, km, mm))
    return tallies, pooled


def by_matrix(survey: Survey, respondents: Sequence[Respondent]) -> tuple[list[Row], list[Row]]:
    """The same rows as by_loops, by NumPy over all respondents at once."""
    matrix = _Matrix(survey, respondents)
    return list(matrix.tallies()), list(matrix.pooled())


class _Matrix:
    """A survey's measured answers: a row a respondent, a column a question, NONE if skipped."""

    def __init__(self, survey: Survey, respondents: Sequence[Respondent]) -> None:
        self._survey = survey
        self._questions = [question.id for question in survey.measured]
        cells = list(dict.fromkeys(cell for cell, _ in respondents))
        self._keys = [(survey.id, *cell) for cell in cells]
        place = {cell: number for number, cell in enumerate(cells)}
        self._of_cell = np.array([place[cell] for cell, _ in respondents])
        self._given = np.array(
            [[answers.get(q, NONE) for q in self._questions] for _, answers in respondents]
        )

    def tallies(self) -> Iterator[Row]:
        """How often each code was given, by question and cell."""
        answered = self._given != NONE
        if not answered.any():
            return
        codes = self._given[answered]
        low, width = int(codes.min()), int(codes.max()) - int(codes.min()) + 1
        columns = len(self._questions)
        places = self._of_cell[:, None] * columns + np.arange(columns)
        counts = np.bincount(places[answered] * width + codes - low)
        slots = np.flatnonzero(counts)
        found, codes = np.divmod(slots, width)
        numbers = (*np.divmod(found, columns), codes + low, counts[slots])
        for cell, column, code, n in zip(*(one.tolist() for one in numbers), strict=True):
            yield (*self._keys[cell], self._questions[column], code, n)

    def pooled(self) -> Iterator[Row]:
        """Sums by factor, measure and cell of each respondent's k favourable of m valid answers."""
        survey = self._survey
        factors = [factor for factor, _ in survey.measured_by_factor] + [""]
        belongs = np.array(
            [[factor in ("", home) for factor in factors] for home in _homes(survey)],
            dtype=np.int64,
        )
        m = (self._given != NONE) @ belongs
        for measure, codes in survey.pooled_measures.items():
            k = np.isin(self._given, list(codes)) @ belongs
            parts = np.stack([m > 0, k, m, k * k, k * m, m * m], axis=1)
            sums = np.zeros((len(self._keys), *parts.shape[1:]), dtype=np.int64)
            np.add.at(sums, self._of_cell, parts)
            at = np.nonzero(sums[:, 0])
            found = sums.transpose(0, 2, 1)[at].tolist()
            for cell, column, row in zip(*(one.tolist() for one in at), found, strict=True):
                yield (*self._keys[cell], factors[column], measure, *row)


def _homes(survey: Survey) -> list[str]:
    """The factor of each measured question, in order."""
    return [factor for factor, questions in survey.measured_by_factor for _ in questions]


NONE = -(2**31)  # stands for a skipped question; no scale has it
