"""Roll-ups: past days and whole past months of a survey's tallies, kept as blocks."""

from collections.abc import (
    Callable,
    Collection,
    Hashable,
    Iterable,
    MutableMapping,
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
from sqlalchemy import Connection, Select, bindparam, func, insert, select
from sqlmodel import col

from aggregator.storage.blocks import Block, Key, Keys, merged
from aggregator.storage.definitions import definition_of
from aggregator.storage.submissions import STANDING
from aggregator.storage.tables import (
    BatchRow,
    BlockRow,
    FrozenBlockRow,
    ShiftRow,
    SubmissionRow,
    Transactions,
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
        return self.block_within(connection, survey, span, ANY)

    def block_within(
        self, connection: Connection, survey: str, span: Span, numbers: range
    ) -> Block:
        """As block, of the submissions with these numbers."""
        values = {"of": survey, **span._asdict(), "first": numbers.start, "last": numbers.stop - 1}
        definition = definition_of(connection, survey)
        rows = connection.execute(ANSWERED, values, execution_options={"yield_per": CHUNK})
        parts = [
            self.of(definition, [self._read(row) for row in some]) for some in rows.partitions()
        ]
        return parts[0] if len(parts) == 1 else merged(parts, len(self.sums))

    def _read(self, row: Any) -> Answered:
        channel, department, counter, answers, at = row
        local = at.astimezone(self.zone) if self.zone else None
        return Answered(channel, department or "", counter or "", answers, local)

    def of(self, survey: Survey | None, answered: Sequence[Answered]) -> Block:
        """The block of answers by a definition."""
        width = len(self.items)
        kept = [row for row in self.count(survey, answered) if self.has(row[:width])]
        return Block.of_rows(kept, width, len(self.places), len(self.sums))


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
ANY = range(1, 2**63)
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


# The first and the last day of a survey.
FIRST, LAST = (
    select(end(col(SubmissionRow.day)))
    .where(col(SubmissionRow.survey) == bindparam("of"))
    .scalar_subquery()
    for end in (func.min, func.max)
)
ENDS = select(FIRST, LAST)


# All that blocks are made of: the newest answer, by number and id, the newest version of a batch,
# which may have withdrawn some, and the dossiers and shifts of a day.
ANSWER = select(func.max(col(SubmissionRow.number))).scalar_subquery()
ID_OF = select(col(SubmissionRow.id)).where(col(SubmissionRow.number) == bindparam("number"))
NEWEST = select(
    ANSWER,
    select(col(SubmissionRow.id)).where(col(SubmissionRow.number) == ANSWER).scalar_subquery(),
    select(func.max(col(BatchRow.number))).scalar_subquery(),
)
OF_DAY: Sequence[Select[Any]] = [
    select(table.__table__).where(col(table.day) == bindparam("day"))  # type: ignore[union-attr]
    for table in (Transactions, ShiftRow)
]
# By layout's name and survey, the block of the newest day, and what it was made of: besides the
# answers, and up to which of them, by number and id.
Newest = MutableMapping[tuple[str, str], tuple[Hashable, tuple[int, str], Block]]
MOST_NEWEST = 100


class RollUps:
    """The blocks of one survey in one layout.

    No block is stored of the newest day or its month, since answers still come in. The day's is
    kept in ``newest`` until it would be another; what was answered since is added to a tally. An
    object remembers the blocks that it has read, so that all figures made of them are of one
    moment.
    """

    def __init__(self, layout: Layout, survey: str, newest: Newest | None = None) -> None:
        self._layout = layout
        self._survey = survey
        self._newest = {} if newest is None else newest
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
        self._ends = self._ends or self._ends_now(connection)
        if self._ends is None:
            return []
        spans = _spans(since, until, *self._ends, daily=daily)
        newest = Span(self._ends[1], self._ends[1])
        known = {*self.known, newest}
        self.known |= self._stored(connection, [span for span in spans if span not in known])
        if newest in spans and newest not in self.known:
            self.known[newest] = self._of_newest(connection, newest)
        return [(span, self.known.get(span)) for span in spans]

    def _of_newest(self, connection: Connection, day: Span) -> Block:
        """The block of the newest day, made anew unless it would be the same."""
        number, id, batch = connection.execute(NEWEST).one()
        others = () if isinstance(self._layout, Tallies) else OF_DAY
        rows = [tuple(map(tuple, connection.execute(one, {"day": day.since}))) for one in others]
        key, made_of = (self._layout.name, self._survey), (day, batch, *rows)
        before, last, block = self._newest.get(key, (None, (0, ""), None))
        if before != made_of:
            last, block = (0, ""), None
        if block is not None and last == (number, id):
            return block
        if isinstance(self._layout, Tallies):
            since = range(1, number + 1)
            if block is not None and self._is_there(connection, *last):
                since = range(last[0] + 1, number + 1)
            else:
                block = None  # of another database, put in the place of this one
            later = self._layout.block_within(connection, self._survey, day, since)
            block = merged([block, later], len(self._layout.sums)) if block else later
        else:
            block = self._layout.block(connection, self._survey, day)
        if len(self._newest) >= MOST_NEWEST:
            self._newest.clear()  # those of settings of before would stay for ever
        self._newest[key] = made_of, (number, id), block
        return block

    def _is_there(self, connection: Connection, number: int, id: str) -> bool:
        return bool(connection.execute(ID_OF, {"number": number}).scalar_one_or_none() == id)

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

    def _ends_now(self, connection: Connection) -> tuple[date, date] | None:
        """The oldest and the newest day with answers, by one look-up in the key each."""
        oldest, newest = connection.execute(ENDS, {"of": self._survey}).one()
        return None if oldest is None or newest is None else (oldest, newest)

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
