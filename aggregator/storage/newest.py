"""Blocks of the newest day: none is stored, each is kept in memory and follows what comes in."""

from collections.abc import Mapping, Sequence
from datetime import date
from threading import Lock
from typing import Any, NamedTuple, Protocol, runtime_checkable

from sqlalchemy import Connection, Row, Select, bindparam, func, select
from sqlmodel import col

from aggregator.storage.blocks import Block
from aggregator.storage.tables import JournalRow, SubmissionRow

FURTHER = 1_000  # answers after which a block is made anew: an import may have millions
MOST = 100  # blocks that are kept of a store

# Statements are made once: a province asks a hundred stores.
_OF = SubmissionRow.__table__  # type: ignore[attr-defined]
# What else figures are made of changes with an entry: dossiers, shifts, the centre's document.
ENTRY = select(func.coalesce(func.max(col(JournalRow.number)), 0)).scalar_subquery()
AFTER: Select[Any] = (
    select(
        *(_OF.c[name] for name in ("number", "id", "survey", "day", "channel", "department")),
        *(_OF.c[name] for name in ("counter", "answers", "answered_at", "visit", "device")),
        _OF.c.crowded,
        ENTRY.label("entry"),
    )
    .where(_OF.c.number >= bindparam("last"))
    .order_by(_OF.c.number)
    .limit(FURTHER + 2)
)
NOW = select(_OF.c.number, _OF.c.id, ENTRY).where(
    _OF.c.number == select(func.max(_OF.c.number)).scalar_subquery()
)
# The first and the last day of a survey, by one look-up in the key each.
FIRST, LAST = (
    select(end(_OF.c.day)).where(_OF.c.survey == bindparam("of")).scalar_subquery()
    for end in (func.min, func.max)
)
ENDS = select(FIRST, LAST)


Ends = tuple[date, date]  # the oldest and the newest day with answers


class Mark(NamedTuple):
    """How much had come in: the newest answer, by number and id, and the newest journal entry."""

    number: int
    id: str
    entry: int


class Growing(Protocol):
    """A block of a day to which answers are added."""

    @property
    def block(self) -> Block:
        """The block of all answers so far."""

    def add(self, connection: Connection, rows: Sequence[Row[Any]]) -> bool:
        """Add answers of any survey and day, with the columns of AFTER.

        False where the block has to be made anew.
        """


@runtime_checkable
class Grows(Protocol):
    """A rollups.Layout whose blocks of a day can follow what comes in."""

    def growing(self, connection: Connection, survey: str, day: date, numbers: range) -> Growing:
        """The block of a day, made of the submissions with these numbers."""


class Tail:
    """The end of what came in, as one transaction sees it; each thing is read once."""

    def __init__(
        self, connection: Connection, known: Mapping[str, Ends | None] | None = None
    ) -> None:
        """``known``: ends that were found before; what came since is added to them by ``after``."""
        self.connection = connection
        self.known = dict(known or {})  # the oldest and the newest day of surveys
        self._after: dict[int, Sequence[Row[Any]]] = {}

    def after(self, mark: Mark) -> Sequence[Row[Any]] | None:
        """The answers that came after a mark; None where they are too many.

        None, too, where anything else changed, such as another database in the place of this one.
        """
        if mark.number not in self._after:
            rows = self.connection.execute(AFTER, {"last": mark.number}).all()
            self._after[mark.number] = rows
        rows = self._after[mark.number]
        if not rows or Mark(rows[0].number, rows[0].id, rows[0].entry) != mark:
            return None
        if len(rows) > FURTHER + 1:
            return None
        for row in rows[1:]:
            if ends := self.known.get(row.survey):
                self.known[row.survey] = min(ends[0], row.day), max(ends[1], row.day)
        return rows[1:]

    def mark(self) -> Mark:
        """How much has come in; there is an answer."""
        return Mark(*self.connection.execute(NOW).one())

    def ends(self, survey: str) -> Ends | None:
        """The oldest and the newest day with answers."""
        if self.known.get(survey) is None:
            oldest, newest = self.connection.execute(ENDS, {"of": survey}).one()
            none = oldest is None or newest is None
            self.known[survey] = None if none else (oldest, newest)
        return self.known[survey]


class _Kept(NamedTuple):
    day: date
    mark: Mark
    made: Growing | Block


class Newest:
    """The blocks of newest days of one store, for all of its copies."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[tuple[str, str], _Kept] = {}  # by layout's name and survey

    def clear(self) -> None:
        self._kept.clear()

    def block(self, tail: Tail, layout: Any, survey: str, day: date) -> Block:
        """The block of a survey's newest day in a rollups.Layout, as the transaction sees it."""
        key = layout.name, survey
        with self._lock:
            kept = self._followed(tail, self._kept.pop(key, None), day)
            if kept is None:
                kept = self._made(tail, layout, survey, day)
            if len(self._kept) >= MOST:
                self._kept.clear()  # those of settings of before would stay for ever
            self._kept[key] = kept
        return kept.made if isinstance(kept.made, Block) else kept.made.block

    def _followed(self, tail: Tail, kept: _Kept | None, day: date) -> _Kept | None:
        """What is kept with all that came since; None where it is to be made anew."""
        if kept is None or kept.day != day:
            return None
        rows = tail.after(kept.mark)
        if not rows:
            return kept if rows is not None else None
        if isinstance(kept.made, Block) or not kept.made.add(tail.connection, rows):
            return None
        return kept._replace(mark=kept.mark._replace(number=rows[-1].number, id=rows[-1].id))

    def _made(self, tail: Tail, layout: Any, survey: str, day: date) -> _Kept:
        mark = tail.mark()
        if isinstance(layout, Grows):
            numbers = range(1, mark.number + 1)
            return _Kept(day, mark, layout.growing(tail.connection, survey, day, numbers))
        return _Kept(day, mark, layout.block(tail.connection, survey, (day, day)))
