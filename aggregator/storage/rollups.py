"""Roll-ups: past days and whole past months of a survey's tallies, kept as blocks."""

from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Sequence,
)
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import groupby
from typing import Any, NamedTuple, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

import numpy as np
import orjson
from sqlalchemy import Connection, bindparam, insert, select
from sqlmodel import col

from aggregator.storage.blocks import Block, Key, Keys, merged
from aggregator.storage.definitions import definition_of
from aggregator.storage.newest import Growing, Newest, Tail
from aggregator.storage.submissions import EVERY, STANDING
from aggregator.storage.tables import (
    BlockRow,
    FrozenBlockRow,
    SubmissionRow,
)
from aggregator.storage.tallies import Answered, by_code, by_hour, pooled
from surveys.definition import Survey

ONE_DAY = timedelta(days=1)


class Span(NamedTuple):
    """One day, or all days of a month; both ends included."""

    since: date
    until: date


class Layout(Protocol):
    """What the blocks of one kind hold, and how they are made of answers."""

    @property
    def name(self) -> str:
        """The name that its blocks are stored under, at most 40 letters."""

    @property
    def items(self) -> Sequence[str]:
        """The names of the parts of an item."""

    @property
    def places(self) -> Sequence[str]:
        """The names of the parts of a place; channel and department are the first two."""

    @property
    def sums(self) -> Sequence[str]:
        """The names of the sums."""

    def block(self, connection: Connection, survey: str, span: Span) -> Block:
        """Compute the block of a survey and a span from the answers."""


@runtime_checkable
class Partial(Layout, Protocol):
    """A layout whose blocks can also be made of some of the answers."""

    def block_among(
        self, connection: Connection, survey: str, span: Span, among: Collection[int] | None
    ) -> Block:
        """As block, of the submissions with these numbers; None: of all."""


@dataclass(frozen=True, eq=False)
class Tallies:
    """A layout of what was answered, counted by ``count`` (tallies.py).

    ``part`` names the part of flags.Flagging's items in which the share of flagged submissions
    is; ``has`` tells which items of both are of this layout. ``zone`` is the centre's, where
    answers are counted by the hour.
    """

    name: str
    items: tuple[str, ...]
    sums: tuple[str, ...]
    count: Callable[[Survey | None, Sequence[Answered]], Iterable[tuple[Any, ...]]]
    part: str
    has: Callable[[Key], bool] = lambda item: True
    zone: ZoneInfo | None = None
    places: tuple[str, ...] = ("channel", "department", "counter")

    def block(self, connection: Connection, survey: str, span: Span) -> Block:
        return self._within(connection, survey, span, EVERY, definition_of(connection, survey))

    def growing(self, connection: Connection, survey: str, day: date, numbers: range) -> Growing:
        definition = definition_of(connection, survey)
        block = self._within(connection, survey, Span(day, day), numbers, definition)
        return _Counted(self, survey, day, definition, block)

    def _within(
        self,
        connection: Connection,
        survey: str,
        span: Span,
        numbers: range,
        definition: Survey | None,
    ) -> Block:
        """The block of the submissions with these numbers."""
        values = {"of": survey, **span._asdict(), "first": numbers.start, "last": numbers.stop - 1}
        rows = connection.execute(ANSWERED, values, execution_options={"yield_per": CHUNK})
        parts = [self.of(definition, [*map(self.read, some)]) for some in rows.partitions()]
        return parts[0] if len(parts) == 1 else merged(parts, len(self.sums))

    def of(self, definition: Survey | None, answered: Sequence[Answered]) -> Block:
        """The block of answers by a definition."""
        width = len(self.items)
        kept = [row for row in self.count(definition, answered) if self.has(row[:width])]
        return Block.of_rows(kept, width, len(self.places), len(self.sums))

    def read(self, row: Any) -> Answered:
        """A row of submissions as it is counted."""
        local = row.answered_at.astimezone(self.zone) if self.zone else None
        place = row.channel, row.department or "", row.counter or ""
        return Answered(*place, row.answers, local)


@dataclass
class _Counted:
    """The block of a day in a layout of tallies, to which answers are added."""

    layout: Tallies
    survey: str
    day: date
    definition: Survey | None
    block: Block

    def add(self, connection: Connection, rows: Sequence[Any]) -> bool:
        if own := [row for row in rows if (row.survey, row.day) == (self.survey, self.day)]:
            answered = [self.layout.read(row) for row in own]
            self.block = self.block.plus(self.layout.of(self.definition, answered))
        return True


SUMS = ("respondents", "k", "m", "kk", "km", "mm")
TALLIES = Tallies("tally", ("question", "code"), ("n",), by_code, "tally")
# Most pages need the pool of the whole survey alone: in small blocks of its own it reads fast.
POOL = Tallies("pool", ("factor", "measure"), SUMS, pooled, "pool", lambda item: item[0] == "")
FACTORS = replace(POOL, name="factors", has=lambda item: item[0] != "")


@cache
def hours_in(zone: ZoneInfo) -> Tallies:
    """The layout of ratings by weekday and hour of the clock of a time zone."""
    items = ("code", "weekday", "hour")
    return Tallies(f"hours {zone.key}", items, ("n",), by_hour, "hour", zone=zone)


ANSWERED = select(
    *(col(getattr(SubmissionRow, name)) for name in ("channel", "department", "counter")),
    col(SubmissionRow.answers),
    col(SubmissionRow.answered_at),
).where(
    col(SubmissionRow.survey) == bindparam("of"),
    col(SubmissionRow.day).between(bindparam("since"), bindparam("until")),
    col(SubmissionRow.number).between(bindparam("first"), bindparam("last")),
    STANDING,
)
CHUNK = 1_000  # answers counted at once: a day may have hundreds of thousands


NUMBERS = {width: np.dtype(f"<u{width}") for width in (1, 2, 4, 8)}  # by width in bytes
STORED = [
    BlockRow.__table__.c[name]  # type: ignore[attr-defined]
    for name in ("since", "until", "items", "places", "width", "numbers")
]


WITHIN = select(*STORED).where(
    col(BlockRow.survey) == bindparam("of"),
    col(BlockRow.until).between(bindparam("first"), bindparam("last")),
    col(BlockRow.tallied) == bindparam("layout"),
)
DAYS = WITHIN.where(col(BlockRow.since) == col(BlockRow.until))
MONTHS = WITHIN.where(col(BlockRow.since) < col(BlockRow.until))


FROZEN = (
    select(
        *(
            FrozenBlockRow.__table__.c[name]  # type: ignore[attr-defined]
            for name in ("since", "until", "items", "places", "width", "numbers")
        )
    )
    .where(
        col(FrozenBlockRow.survey) == bindparam("of"),
        col(FrozenBlockRow.until).between(bindparam("first"), bindparam("last")),
        col(FrozenBlockRow.tallied) == bindparam("layout"),
    )
    .order_by(col(FrozenBlockRow.until))
)


class RollUps:
    """The blocks of one survey in one layout.

    No block is stored of the newest day or its month, since answers still come in; the day's is
    kept in ``newest``. An object remembers the blocks that it has read, so that all figures made
    of them are of one moment.
    """

    def __init__(self, layout: Layout, survey: str, newest: Newest | None = None) -> None:
        self._layout = layout
        self._survey = survey
        self._newest = newest or Newest()
        self._ends: tuple[date, date] | None = None  # the oldest and the newest day
        self.known: dict[Span, Block] = {}
        self.whole: dict[tuple[date | None, date | None], Block] = {}  # sums since and until

    def at_hand(
        self, since: date | None, until: date | None, *, daily: bool
    ) -> Sequence[tuple[Span, Block | None]] | None:
        """As read, where all of it is remembered; else None."""
        if self._ends is None:
            return None
        spans = _spans(since, until, *self._ends, daily=daily)
        if not self.known.keys() >= set(spans):
            return None
        return [(span, self.known[span]) for span in spans]

    def read(
        self, connection: Connection, since: date | None, until: date | None, *, daily: bool
    ) -> Sequence[tuple[Span, Block | None]]:
        """The spans from ``since`` to ``until`` in order, with their blocks, None if not made yet.

        With ``daily`` each span is a day, otherwise a whole past month is one span. Days before
        the first and after the last answer are left out.
        """
        tail = Tail(connection)
        self._ends = self._ends or tail.ends(self._survey)
        if self._ends is None:
            return []
        spans = _spans(since, until, *self._ends, daily=daily)
        newest = Span(self._ends[1], self._ends[1])
        known = {*self.known, newest}
        self.known |= self._stored(connection, [span for span in spans if span not in known])
        if newest in spans and newest not in self.known:
            self.known[newest] = self._newest.block(tail, self._layout, self._survey, newest.since)
        return [(span, self.known.get(span)) for span in spans]

    def of_day(self, tail: Tail, day: date) -> Block:
        """The block of a day as it now is, whatever is stored."""
        if (ends := tail.ends(self._survey)) and day == ends[1]:
            return self._newest.block(tail, self._layout, self._survey, day)
        return self._layout.block(tail.connection, self._survey, Span(day, day))

    def fill(self, connection: Connection, spans: Iterable[Span]) -> None:
        """Compute the blocks of spans and remember them, without storing them."""
        for span in spans:
            self.known[span] = self._layout.block(connection, self._survey, span)

    def stored(self, connection: Connection, span: Span) -> Block:
        """The block of a span as it is stored. Raises KeyError where it is not."""
        return self._stored(connection, [span])[span]

    def make(self, connection: Connection, span: Span) -> Block:
        """The block of a span, stored first if it is missing. The caller holds the write lock."""
        stored = self._stored(connection, [span]).get(span)
        if stored is not None:
            return stored
        if span.since == span.until:
            made = self._layout.block(connection, self._survey, span)
        else:
            parts = [self.make(connection, day) for day in self._days(connection, span)]
            made = merged(parts, len(self._layout.sums))
        self._store(connection, span, made)
        return made

    def _days(self, connection: Connection, span: Span) -> list[Span]:
        """The days of a span that have answers, each as a span."""
        day, survey = col(SubmissionRow.day), col(SubmissionRow.survey)
        query = select(day).distinct().where(survey == self._survey, day.between(*span))
        return [
            Span(answered, answered)
            for answered in connection.execute(query.order_by(day)).scalars()
        ]

    def _stored(self, connection: Connection, spans: Sequence[Span]) -> dict[Span, Block]:
        """The stored blocks among spans: one query for each run of days or of months."""
        stored = {}
        for monthly, run in groupby(spans, lambda span: span.since != span.until):
            stretch = list(run)
            values = {
                "of": self._survey,
                "first": stretch[0].until,
                "last": stretch[-1].until,
                "layout": self._layout.name,
            }
            query = MONTHS if monthly else DAYS
            for first, last, *packed in connection.execute(query, values).all():
                stored[Span(first, last)] = self._unpacked(*packed)
        return stored

    def _unpacked(self, items: str, places: str, width: int, numbers: bytes) -> Block:
        keys = _keys(items), _keys(places)
        shape = (len(self._layout.sums), len(keys[0]), len(keys[1]))
        return Block(*keys, np.frombuffer(numbers, NUMBERS[width]).reshape(shape))

    def _store(self, connection: Connection, span: Span, block: Block) -> None:
        row = packed(self._survey, self._layout.name, span, block)
        connection.execute(insert(BlockRow), row)


class Frozen(RollUps):
    """The blocks of days as they were frozen, whatever came in later; none of other days."""

    def read(
        self, connection: Connection, since: date | None, until: date | None, *, daily: bool
    ) -> list[tuple[Span, Block | None]]:
        """The frozen days from ``since`` to ``until`` in order, with their blocks."""
        values = {
            "of": self._survey,
            "first": since or date.min,
            "last": until or date.max,
            "layout": self._layout.name,
        }
        rows = connection.execute(FROZEN, values).all()
        return [(Span(first, last), self._unpacked(*block)) for first, last, *block in rows]

    def freeze(self, connection: Connection, month: Span) -> None:
        """Keep the days of a month as they are now."""
        for day in self._days(connection, month):
            block = self._layout.block(connection, self._survey, day)
            row = packed(self._survey, self._layout.name, day, block)
            connection.execute(insert(FrozenBlockRow), row)


def packed(survey: str, layout: str, span: Span, block: Block) -> dict[str, object]:
    """A block as a row of tables.BlockRow or FrozenBlockRow."""
    kind = np.min_scalar_type(block.values.max(initial=0)).newbyteorder("<")
    return {
        "survey": survey,
        "since": span.since,
        "until": span.until,
        "tallied": layout,
        "items": orjson.dumps(tuple(block.items)).decode(),
        "places": orjson.dumps(tuple(block.places)).decode(),
        "width": kind.itemsize,
        "numbers": block.values.astype(kind).tobytes(),
    }


@lru_cache(64)  # a page asks for the same days again and again
def _spans(
    since: date | None, until: date | None, oldest: date, newest: date, *, daily: bool
) -> Sequence[Span]:
    """The days and, unless ``daily``, whole past months that make up a period, in order."""
    first = oldest if daily else oldest.replace(day=1)
    day, last = max(since or first, first), min(until or newest, newest)
    spans = []
    while day <= last:
        ends = day
        if day.day == 1 and not daily and (month := last_of_month(day)) <= last:
            ends = month if month < newest else day
        spans.append(Span(day, ends))
        day = ends + ONE_DAY
    return spans


def last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - ONE_DAY


@lru_cache(2_048)  # most blocks of a survey have the same items and places, of each centre
def _keys(written: str) -> Keys:
    return Keys(map(tuple, orjson.loads(written)))
