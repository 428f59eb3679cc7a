"""Paper ballots: their batches, and each time that somebody typed one.

What was typed is never changed. A ballot stands as its newest entry of a kind in STANDING says;
the others were typed to compare with, and count nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select, update
from sqlmodel import col

from aggregator.storage import journal
from aggregator.storage.audit import Entry, record
from aggregator.storage.batches import NewBatch, add_version, newest_version
from aggregator.storage.database import Database, Lock
from aggregator.storage.definitions import keep
from aggregator.storage.tables import BallotBatch, BallotEntry, SubmissionRow
from surveys.definition import Survey

# Typed first; typed again since it was drawn for that; typed again without; put right; decided
# with a third look at the paper where two entries differ.
EntryKind = Literal["first", "second", "again", "correction", "resolution"]
STANDING: tuple[EntryKind, ...] = ("first", "correction", "resolution")
# What a ballot is: with an answer at least, without any mark, or not to be counted.
Outcome = Literal["valid", "blank", "invalid"]
KIND = "typed"  # of the batch that ballots are, among those of the data desk


@dataclass(frozen=True)
class NewBallots:
    """What a batch of ballots is to be; see tables.BallotBatch."""

    name: str
    survey: Survey
    department: str | None
    counter: str | None
    places: Sequence[str]
    day: date
    printed: int
    seed: str
    at: datetime
    actor: str


@dataclass(frozen=True)
class Held:
    """A batch of ballots, and whether it was withdrawn."""

    batch: BallotBatch
    withdrawn: bool


class Ballots:
    """Reads and writes batches of ballots, and reads entries. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, new: NewBallots, told: Entry) -> int | None:
        """The number of a new batch; None where there is a batch of that name."""
        fingerprint = new.survey.fingerprint
        with self._database.locked(Lock.WRITER) as connection:
            if newest_version(connection, new.name) is not None:
                return None
            about = ("", fingerprint, new.printed, new.at, new.actor)
            first = NewBatch(new.name, KIND, new.survey.id, *about)
            number = add_version(connection, first, None, 0)
            # From now on it is on paper: what its answers mean must be known whatever follows.
            keep(connection, [fingerprint], lambda _: new.survey, new.at)
            row = {
                "number": number,
                "name": new.name,
                "survey": new.survey.id,
                "fingerprint": fingerprint,
                "department": new.department,
                "counter": new.counter,
                "places": list(new.places),
                "day": new.day,
                "printed": new.printed,
                "seed": new.seed,
            }
            connection.execute(insert(BallotBatch).values(**row))
            journal.note(connection, "ballot_batch", [number])
            record(connection, told)
        return number

    def count(self, number: int, handed_out: int | None, returned: int | None, told: Entry) -> None:
        """Note how many ballots of a batch were handed out, and came back."""
        with self._database.begin(write=True) as connection:
            change = update(BallotBatch).where(col(BallotBatch.number) == number)
            connection.execute(change.values(handed_out=handed_out, returned=returned))
            journal.note(connection, "ballot_batch", [number])
            record(connection, told)

    def newest(self, limit: int = 200) -> list[Held]:
        """The batches, the last one made first."""
        query = select(BallotBatch.__table__)  # type: ignore[attr-defined]
        query = query.order_by(col(BallotBatch.number).desc()).limit(limit)
        with self._database.begin() as connection:
            return [_held(connection, row) for row in connection.execute(query).all()]

    def numbered(self, number: int) -> Held | None:
        """The batch of a number."""
        with self._database.begin() as connection:
            return held(connection, number)

    def named(self, name: str) -> Held | None:
        """The batch of ballots of a name."""
        query = select(col(BallotBatch.number)).where(col(BallotBatch.name) == name)
        with self._database.begin() as connection:
            number = connection.execute(query).scalar_one_or_none()
            return None if number is None else held(connection, number)

    def entries(self, number: int) -> list[BallotEntry]:
        """Everything that was typed of a batch, in the order in which it came."""
        with self._database.begin() as connection:
            return entries(connection, number)

    def typed(self) -> dict[int, int]:
        """By the number of its batch how many ballots were typed."""
        query = select(
            col(BallotEntry.batch), func.count(col(BallotEntry.serial).distinct())
        ).group_by(col(BallotEntry.batch))
        with self._database.begin() as connection:
            return dict(connection.execute(query).all())

    def comment(self, submission: str | None) -> str | None:
        """The comment of a stored submission, where it has one that was not deleted."""
        query = select(col(SubmissionRow.comment)).where(col(SubmissionRow.id) == submission)
        with self._database.begin() as connection:
            return connection.execute(query).scalar_one_or_none()


def held(connection: Connection, number: int) -> Held | None:
    query = select(BallotBatch.__table__).where(col(BallotBatch.number) == number)  # type: ignore[attr-defined]
    row = connection.execute(query).one_or_none()
    return None if row is None else _held(connection, row)


def _held(connection: Connection, row: Any) -> Held:
    last = newest_version(connection, row.name)
    return Held(BallotBatch(**row._mapping), last is not None and last.hash == "")


def entries(connection: Connection, number: int, serial: int | None = None) -> list[BallotEntry]:
    """Entries of a batch, or of one of its ballots, in the order in which they came."""
    query = select(BallotEntry.__table__).where(col(BallotEntry.batch) == number)  # type: ignore[attr-defined]
    if serial is not None:
        query = query.where(col(BallotEntry.serial) == serial)
    rows = connection.execute(query.order_by(col(BallotEntry.number)))
    return [BallotEntry(**row._mapping) for row in rows]


def of_id(connection: Connection, id: str) -> BallotEntry | None:
    """The entry of an id."""
    query = select(BallotEntry.__table__).where(col(BallotEntry.id) == id)  # type: ignore[attr-defined]
    row = connection.execute(query).one_or_none()
    return None if row is None else BallotEntry(**row._mapping)


def add(connection: Connection, new: BallotEntry) -> None:
    connection.execute(insert(BallotEntry).values(**new.model_dump(exclude={"number"})))


def standing(entries: Sequence[BallotEntry]) -> BallotEntry | None:
    """The entry as which a ballot stands, of all of it; None of none."""
    return next((one for one in reversed(entries) if one.kind in STANDING), None)
