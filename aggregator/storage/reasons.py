"""Reasons crossed with the level that the same visit gave: praise or blame."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import Connection, Row, String, cast, or_, select
from sqlmodel import col

from aggregator.storage.blocks import Block
from aggregator.storage.rollups import Span
from aggregator.storage.submissions import STANDING
from aggregator.storage.tables import SubmissionRow
from surveys.definition import Survey

AT_ONCE = 500  # visits looked up by one statement
ANY = ("", 0)  # stands for a visit that named any reason at all


@dataclass(frozen=True)
class Reasons:
    """A rollups.Layout of how many visits chose a code of ``reasons`` with a level of ``rating``.

    Both are ids of questions of one survey; a visit's answers may be in several submissions of
    a day, and its place is that of the reasons. A visit without a level is left out. The item
    ANY counts each visit that named reasons once.
    """

    rating: str
    reasons: tuple[str, ...]

    items = ("question", "code", "level")
    places = ("channel", "department", "counter")
    sums = ("n",)

    @staticmethod
    def are_asked(survey: Survey) -> bool:
        """Whether a survey has one rating, and questions with several answers beside it."""
        return len(survey.measured) == 1 and any(
            one.kind == "many" and one.scale for one in survey.all_questions()
        )

    @classmethod
    def of(cls, survey: Survey) -> "Reasons":
        several = [one.id for one in survey.all_questions() if one.kind == "many" and one.scale]
        return cls(survey.measured[0].id, tuple(several))

    @cached_property
    def name(self) -> str:
        parts = (self.rating, *self.reasons)
        return f"reasons {hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]}"

    def block(self, connection: Connection, survey: str, span: Span) -> Block:
        """The counts of the days of a span, each visit's within its day."""
        return self.block_among(connection, survey, span, None)

    def block_among(
        self, connection: Connection, survey: str, span: Span, among: Collection[int] | None
    ) -> Block:
        counted: Counter[tuple[Any, ...]] = Counter()
        chosen = [
            row
            for row in self._rows(connection, survey, span, self.reasons)
            if among is None or row.number in among
        ]
        # From a touch screen both come at once; a phone sends reasons after the rating.
        apart = sorted({row.visit for row in chosen if self.rating not in row.answers} - {None})
        levels = {
            (row.day, row.visit): row.answers[self.rating]
            for start in range(0, len(apart), AT_ONCE)
            for row in self._rows(
                connection, survey, span, (self.rating,), apart[start : start + AT_ONCE]
            )
        }
        for row in chosen:
            level = row.answers.get(self.rating, levels.get((row.day, row.visit)))
            if level is not None:
                place = (row.channel, row.department or "", row.counter or "")
                counted.update((*item, level, *place) for item in self._items(row.answers))
        rows = [(*key, n) for key, n in counted.items()]
        return Block.of_rows(rows, len(self.items), len(self.places), len(self.sums))

    def _items(self, answers: dict[str, Any]) -> Iterator[tuple[str, int]]:
        yield ANY
        for question in self.reasons:
            for code in answers.get(question) or ():
                yield question, code

    def _rows(
        self,
        connection: Connection,
        survey: str,
        span: Span,
        questions: Sequence[str],
        visits: Sequence[str] | None = None,
    ) -> list[Row[Any]]:
        """The submissions of a span that answer one of the questions, in the order of arrival.

        ``visits`` are the only ones that are wanted, None is any.
        """
        of, told = SubmissionRow, cast(col(SubmissionRow.answers), String)
        place = (col(of.channel), col(of.department), col(of.counter))
        query = select(col(of.number), col(of.day), col(of.visit), *place, col(of.answers)).where(
            col(of.day).between(*span),
            col(of.survey) == survey,
            STANDING,
            # To read the answers of all others would take longer than all else.
            or_(*(told.contains(f'"{one}"') for one in questions)),
        )
        if visits is not None:
            query = query.where(col(of.visit).in_(visits))
        rows = connection.execute(query.order_by(col(of.number)))
        # A level may be 0.
        return [r for r in rows if any(r.answers.get(one) not in (None, []) for one in questions)]
