"""The ledger: every group of people of which figures were published, or found too small for it.

It is written and read, never changed: a group that was shown stays shown, and one that was
withheld stays withheld. Counts are those of the day on which a month was frozen, so that all
that was ever published adds up, whatever answers came in later.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Row, func, insert, select
from sqlmodel import col

from aggregator.storage import journal
from aggregator.storage.blocks import Block, Keys
from aggregator.storage.database import Database, Lock
from aggregator.storage.rollups import FACTORS, POOL, TALLIES, Frozen, Span, packed
from aggregator.storage.tables import FrozenBlockRow, PublishedGroupRow, SubmissionRow

MONTH = "month"  # of the marks that say which months are frozen
FORM = "*"  # stands for all questions of a form, and its factors


@dataclass(frozen=True)
class Group:
    """The people who answered a question of a survey, '' its pool, within days and places.

    ``channel`` '' is any. ``places`` are pairs of a department and a counter as answers are
    stored under them; None: every place.
    """

    survey: str
    question: str
    since: date
    until: date
    channel: str = ""
    places: tuple[tuple[str, str], ...] | None = None

    @property
    def written_places(self) -> str:
        return "" if self.places is None else orjson.dumps(self.places).decode()

    @cached_property
    def key(self) -> str:
        """A hash, equal for equal groups."""
        parts = (self.survey, self.question, str(self.since), str(self.until), self.channel)
        return hashlib.sha256("\n".join((*parts, self.written_places)).encode()).hexdigest()


@dataclass(frozen=True)
class Decision:
    """Whether a group may be published.

    ``kind``, ``department`` and ``figures`` are of the public board's own periods; '' and empty
    for groups that others asked for.
    """

    group: Group
    shown: bool
    kind: str = ""
    department: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


class Ledger:
    """Reads and writes tables.PublishedGroupRow and FrozenBlockRow; raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Frozen months

    def first_day(self, survey: str) -> date | None:
        """The first day on which somebody answered a survey."""
        query = select(func.min(col(SubmissionRow.day))).where(col(SubmissionRow.survey) == survey)
        with self._database.begin() as connection:
            return connection.execute(query).scalar_one()

    def months(self, survey: str) -> list[Span]:
        """The months of a survey that are frozen, in their order."""
        row = FrozenBlockRow
        query = select(col(row.since), col(row.until)).where(
            col(row.survey) == survey, col(row.tallied) == MONTH
        )
        with self._database.begin() as connection:
            return [Span(*one) for one in connection.execute(query.order_by(col(row.until)))]

    def freeze(self, survey: str, month: Span) -> None:
        """Freeze the answers of a month as they are; does nothing where they are frozen."""
        if month in self.months(survey):
            return
        with self._database.locked(Lock.WRITER) as connection:
            row = FrozenBlockRow
            there = select(func.count()).where(
                col(row.survey) == survey,
                col(row.since) == month.since,
                col(row.tallied) == MONTH,
            )
            if connection.execute(there).scalar_one():
                return
            for layout in (TALLIES, POOL, FACTORS):
                Frozen(layout, survey).freeze(connection, month)
            nothing = Block(Keys(), Keys(), np.zeros((0, 0, 0), dtype=np.int64))
            connection.execute(insert(row), packed(survey, MONTH, month, nothing))
            within = select(col(row.until)).where(col(row.until).between(*month)).distinct()
            journal.note(connection, "frozen_block", connection.execute(within).scalars().all())

    # Groups

    def decided(self, survey: str) -> tuple[list[Decision], int]:
        """What was decided about groups of a survey, in its order; the last number of all."""
        row = PublishedGroupRow
        query = select(row.__table__).where(col(row.survey) == survey)  # type: ignore[attr-defined]
        last = select(func.coalesce(func.max(col(row.number)), 0))
        with self._database.begin() as connection:
            rows = connection.execute(query.order_by(col(row.number))).all()
            return [_decision(one) for one in rows], connection.execute(last).scalar_one() or 0

    def add(self, decisions: Sequence[Decision], at: datetime, actor: str, last: int) -> bool:
        """Write decisions made on what was known up to the number ``last``.

        False, and nothing is written, where somebody has decided something since.
        """
        row = PublishedGroupRow
        with self._database.locked(Lock.LEDGER) as connection:
            newest = select(func.coalesce(func.max(col(row.number)), 0))
            if connection.execute(newest).scalar_one() != last:
                return False
            if decisions:
                rows = [_row(one, at, actor) for one in decisions]
                connection.execute(insert(row), rows)
        return True

    def board(self, survey: str, kinds: Sequence[str], since: date | None = None) -> list[Decision]:
        """What was decided about the board's own periods, the newest first; the centre first."""
        row = PublishedGroupRow
        query = select(row.__table__).where(  # type: ignore[attr-defined]
            col(row.survey) == survey, col(row.question) == "", col(row.kind).in_(kinds)
        )
        if since is not None:
            query = query.where(col(row.until) >= since)
        order = (col(row.until).desc(), col(row.since), col(row.number))
        with self._database.begin() as connection:
            return [_decision(one) for one in connection.execute(query.order_by(*order))]


def _row(one: Decision, at: datetime, actor: str) -> dict[str, Any]:
    group = one.group
    return {
        "at": at,
        "actor": actor,
        "survey": group.survey,
        "question": group.question,
        "since": group.since,
        "until": group.until,
        "channel": group.channel,
        "places": group.written_places,
        "key": group.key,
        "kind": one.kind,
        "department": one.department,
        "shown": one.shown,
        "figures": dict(one.figures),
    }


def _decision(row: Row[Any]) -> Decision:
    places = tuple(map(tuple, orjson.loads(row.places))) if row.places else None
    group = Group(row.survey, row.question, row.since, row.until, row.channel, places)
    return Decision(group, row.shown, row.kind, row.department, row.figures)
