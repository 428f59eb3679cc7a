"""Sums of answers by respondents' profile or hour, read from the answers: tallies have neither."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import orjson
import pandas as pd
from sqlalchemy import Connection

from aggregator.figures.figures import Unanswerable
from aggregator.storage.blocks import Block
from aggregator.storage.rollups import SUMS, Span
from aggregator.storage.store import Selection, Store
from aggregator.storage.submissions import Filters, read_days
from surveys.centre import Centre
from surveys.definition import Survey

UNTOLD = ""  # the level of respondents who skipped the question


def respondent_cells(
    store: Store, survey: Survey, selection: Selection, variables: Sequence[str]
) -> pd.DataFrame:
    """Sums over respondents by variables and measure, as statistics.rake takes them.

    A variable is ``channel`` or a question of the profile. Columns: one a variable, its level
    as text, UNTOLD where it was skipped; measure; SUMS (int). By channel alone they come from
    tallies, otherwise from the answers, those of a past day once for all who ask. Raises
    figures.Unanswerable for another variable and for questions that do not pool, and
    database.StorageError.
    """
    unknown = set(variables) - {"channel"} - {question.id for question in survey.profile}
    if unknown:
        raise Unanswerable("variable", "unknown_question")
    asked, measures = _asked(survey, selection)
    asked_of = tuple(name for name in variables if name != "channel")
    if asked_of:
        layout = Profile(survey, asked_of, asked, measures)
        frame = pd.DataFrame(store.sums(layout, selection, ("channel", *asked_of, "measure"), SUMS))
    elif len(asked) > 1:
        frame = store.pooled(selection, ("channel",))
    else:
        counts = store.counts(replace(selection, questions=tuple(asked)), ("channel",))
        frame = pd.concat([_of_one(counts, *measure) for measure in measures.items()])
    return frame.groupby([*variables, "measure"], as_index=False)[list(SUMS)].sum()


def _of_one(counts: pd.DataFrame, measure: str, favourable: Collection[int]) -> pd.DataFrame:
    """The sums of one measure where each respondent gave one answer: m is 1, k is 0 or 1."""
    n = counts["n"]
    k = n.where(counts["code"].isin(list(favourable)), 0)
    return counts.assign(measure=measure, respondents=n, k=k, m=n, kk=k, km=k, mm=n)


def _asked(
    survey: Survey, selection: Selection
) -> tuple[frozenset[str], Mapping[str, Collection[int]]]:
    """The questions whose answers count, and the favourable codes of each measure."""
    if selection.questions is None and survey.pooled_measures:
        return survey.measured_ids, survey.pooled_measures
    questions = selection.questions or tuple(survey.measured_ids)
    if len(questions) != 1:
        raise Unanswerable("question", "does_not_pool")
    return frozenset(questions), survey.measures_of(survey.questions[questions[0]])


@dataclass(frozen=True, eq=False)
class Profile:
    """A rollups.Layout of what respondents of each profile said, ``variables`` being the profile.

    A level is the code as text, UNTOLD where the question was skipped.
    """

    survey: Survey
    variables: tuple[str, ...]
    asked: frozenset[str]
    measures: Mapping[str, Collection[int]]

    items = ("factor", "measure")  # as in the pool of the whole survey: factor is ''
    sums = SUMS

    @property
    def places(self) -> tuple[str, ...]:
        return ("channel", "department", *self.variables)

    @cached_property
    def name(self) -> str:
        """A name of its own for these variables and questions, and this version of the survey."""
        parts = (self.survey.fingerprint, self.places, sorted(self.asked))
        return f"profile {hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]}"

    def block(self, connection: Connection, survey: str, span: Span) -> Block:
        return self.block_among(connection, survey, span, None)

    def block_among(
        self, connection: Connection, survey: str, span: Span, among: Collection[int] | None
    ) -> Block:
        where = Filters(*span, survey=survey)
        summed = sums_of_respondents(
            connection, where, self.asked, self.measures, self._place, among
        )
        return Block.of_rows(summed, len(self.items), len(self.places), len(SUMS))

    def _place(self, row: Any) -> tuple[str, ...]:
        levels = (str(row.answers.get(name, UNTOLD)) for name in self.variables)
        return row.channel, row.department or "", *levels


@dataclass(frozen=True, eq=False)
class OfHours:
    """A rollups.Layout of a survey's pooled questions by weekday and hour of the centre's clock.

    Blocks of a past day are made of its answers once, when somebody asks: forms of many questions
    are few, and taking them costs no more for it.
    """

    survey: Survey
    centre: Centre

    items = ("factor", "measure")  # as in the pool of the whole survey: factor is ''
    places = ("channel", "department", "weekday", "hour")
    sums = SUMS

    @cached_property
    def name(self) -> str:
        """A name of its own for this version of the survey."""
        parts = (self.survey.fingerprint, self.centre.time_zone)
        return f"form hours {hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]}"

    def block(self, connection: Connection, survey: str, span: Span) -> Block:
        return self.block_among(connection, survey, span, None)

    def block_among(
        self, connection: Connection, survey: str, span: Span, among: Collection[int] | None
    ) -> Block:
        summed = sums_of_respondents(
            connection,
            Filters(*span, survey=survey),
            self.survey.measured_ids,
            self.survey.pooled_measures,
            self._place,
            among,
        )
        return Block.of_rows(summed, len(self.items), len(self.places), len(SUMS))

    def _place(self, row: Any) -> tuple[str, ...]:
        at = row.answered_at.astimezone(self.centre.zone)
        return row.channel, row.department or "", str(at.weekday()), str(at.hour)


def sums_of_respondents(
    connection: Connection,
    filters: Filters,
    asked: Collection[str],
    measures: Mapping[str, Collection[int]],
    place_of: Callable[[Any], tuple[str, ...]],
    among: Collection[int] | None = None,
) -> list[tuple[Any, ...]]:
    """Rows of the answers that ``filters`` let through: '', measure, the place of each, SUMS.

    Counted are the questions ``asked``; ``measures`` have the favourable codes, ``among`` are the
    numbers of the only submissions that count, if not all do.
    """
    sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * len(SUMS))
    for row in read_days(connection, filters, among):
        codes = [code for question, code in row.answers.items() if question in asked]
        place, m = place_of(row), len(codes)
        for measure, favourable in measures.items() if codes else ():
            k = sum(code in favourable for code in codes)
            into = sums["", measure, *place]
            for number, value in enumerate((1, k, m, k * k, k * m, m * m)):
                into[number] += value
    return [(*key, *values) for key, values in sums.items()]
