"""The roster: which official sat at which counter, from when until when."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, time
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, or_, select
from sqlmodel import col

from aggregator.storage import journal
from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database, Lock
from aggregator.storage.tables import FLAGS, BlockRow, ShiftRow

LAYOUT = "shifts"  # with which the names of blocks begin that were made by the roster


class Shift(NamedTuple):
    """An official, by number, at a counter; ``begins`` and ``ends`` are minutes of a local day."""

    day: date
    counter: str
    begins: int
    ends: int
    official: str

    @property
    def hours(self) -> tuple[str, str]:
        """From when until when, such as 07:30 and 11:30; the end of the day is 24:00."""
        return clock(self.begins), clock(self.ends)


def clock(minutes: int) -> str:
    return "24:00" if minutes == 24 * 60 else time(*divmod(minutes, 60)).strftime("%H:%M")


class Seat(NamedTuple):
    """How often an official sat at a counter in a period, and how long, in minutes."""

    official: str
    counter: str
    shifts: int
    minutes: int


class Overlap(Exception):
    """A shift that begins before another one of the same counter or official has ended."""

    def __init__(self, shift: Shift, other: Shift) -> None:
        super().__init__(shift, other)
        self.shift, self.other = shift, other

    @property
    def field(self) -> str:
        return "counter" if self.shift.counter == self.other.counter else "official"


class Roster:
    """Reads and writes tables.ShiftRow."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self,
        shifts: Collection[Shift],
        told: Callable[[int, int], Entry],
        *,
        whole_days: bool = True,
    ) -> tuple[int, int]:
        """Store shifts; returns how many are new, and how many stored ones went.

        With ``whole_days`` they are all shifts of the days and counters that they name: others
        go. All or none are stored, with the entry that ``told`` makes of both numbers; where
        there is nothing new there is none. Raises Overlap and StorageError.
        """
        with self._database.locked(Lock.WRITER) as connection:
            added, gone = exchange(connection, set(shifts), whole_days=whole_days)
            if added or gone:
                record(connection, told(added, gone))
        return added, gone

    def remove(self, shift: Shift, told: Entry) -> bool:
        """Take a shift out; False where there is none such."""
        with self._database.locked(Lock.WRITER) as connection:
            if shift not in _shifts(connection, {shift.day}):
                return False
            _take_out(connection, [shift])
            _forget(connection, [shift])
            record(connection, told)
        return True

    def shifts(self, since: date, until: date) -> list[Shift]:
        """The shifts of some days, in the order of days, counters and hours."""
        with self._database.begin() as connection:
            return shifts_of(connection, since, until)

    def seats(self, since: date, until: date) -> list[Seat]:
        """Who sat where in a period."""
        key = col(ShiftRow.official), col(ShiftRow.counter)
        length = func.sum(col(ShiftRow.ends) - col(ShiftRow.begins))
        query = select(*key, func.count(), length).group_by(*key).order_by(*key)
        with self._database.begin() as connection:
            rows = connection.execute(query.where(col(ShiftRow.day).between(since, until)))
            return [Seat(official, counter, int(n), int(m)) for official, counter, n, m in rows]


def exchange(
    connection: Connection,
    new: set[Shift],
    *,
    whole_days: bool = True,
    instead_of: Collection[Shift] = (),
) -> tuple[int, int]:
    """Store shifts as Roster.put does, in a transaction; those of ``instead_of`` go, too.

    Raises Overlap.
    """
    former = set(instead_of)
    stored = set(_shifts(connection, {one.day for one in new | former}))
    named = {(one.day, one.counter) for one in new}
    gone = {one for one in stored - new if whole_days and (one.day, one.counter) in named}
    gone |= stored & former - new
    added = new - stored
    refuse_overlaps((stored - gone) | new, first=added)
    if added or gone:
        _take_out(connection, gone)
        if added:
            connection.execute(insert(ShiftRow), [one._asdict() for one in sorted(added)])
        _forget(connection, added | gone)
        journal.note(connection, "shift", {one.day for one in added | gone})
    return len(added), len(gone)


def shifts_of(connection: Connection, since: date, until: date) -> list[Shift]:
    columns = [getattr(ShiftRow, name) for name in Shift._fields]
    query = select(*columns).where(col(ShiftRow.day).between(since, until))
    query = query.order_by(col(ShiftRow.day), col(ShiftRow.counter), col(ShiftRow.begins))
    return [Shift(*row) for row in connection.execute(query)]


def refuse_overlaps(shifts: Iterable[Shift], first: Collection[Shift] = ()) -> None:
    """Raise Overlap where two shifts of a counter or of an official share a minute.

    The one that is blamed is among ``first``, where one of the two is.
    """
    every = list(shifts)
    for who in ("counter", "official"):
        placed = sorted(every, key=lambda one: (one.day, getattr(one, who), one.begins, one.ends))
        for one, other in pairwise(placed):
            same = one.day == other.day and getattr(one, who) == getattr(other, who)
            if same and other.begins < one.ends:
                blamed = (other, one) if other in first or one not in first else (one, other)
                raise Overlap(*blamed)


def _shifts(connection: Connection, days: Collection[date]) -> list[Shift]:
    if not days:
        return []
    found = shifts_of(connection, min(days), max(days))
    return [one for one in found if one.day in days]


def _take_out(connection: Connection, shifts: Iterable[Shift]) -> None:
    for one in shifts:
        key: Sequence[Any] = (
            col(ShiftRow.day) == one.day,
            col(ShiftRow.counter) == one.counter,
            col(ShiftRow.begins) == one.begins,
        )
        connection.execute(delete(ShiftRow).where(*key))


def _forget(connection: Connection, shifts: Collection[Shift]) -> None:
    """Drop the blocks that were made by the roster of before."""
    days = [one.day for one in shifts]
    connection.execute(
        delete(BlockRow).where(
            or_(*(col(BlockRow.tallied).startswith(one) for one in (LAYOUT, f"{FLAGS} {LAYOUT}"))),
            col(BlockRow.until) >= min(days),
            col(BlockRow.since) <= max(days),
        )
    )
