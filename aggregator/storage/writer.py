"""Writes submissions in one transaction, with SQL handed to the driver for speed."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Dialect, Insert, Row, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, col

from aggregator.storage import ballots, journal
from aggregator.storage.audit import Entry, record
from aggregator.storage.batches import NewBatch, add_version, enrol, withdraw
from aggregator.storage.chains import Handed, note_numbers, note_unnumbered
from aggregator.storage.comments import index_all, index_new, remove
from aggregator.storage.database import mark_of
from aggregator.storage.definitions import keep, refuse_undefined
from aggregator.storage.judging import USUAL_DAYS
from aggregator.storage.submissions import read_chunk
from aggregator.storage.tables import (
    FLAGS,
    BallotEntry,
    BlockRow,
    ReceiptRow,
    SubmissionRow,
    Transactions,
)
from surveys.chain import Said, digest_of, new_salt, said_of, sealed
from surveys.definition import Survey
from surveys.text import composed
from surveys.wire import Submission


class NewRow(NamedTuple):
    """A submission as both drivers take it, columns in the table's order, times in UTC.

    ``digest`` is of what the sender said (surveys.chain), with the time that it said; the order of
    questions and of chosen codes does not change it. The same id with another digest is a
    conflict. ``fingerprint`` is the definition's, which counts as said where the sender said none.
    ``device`` and what comes after it are not of what is said: sent again through another device
    it is a duplicate.
    """

    id: str
    survey: str
    fingerprint: str
    department: str | None
    counter: str | None
    channel: str
    visit: str | None
    answered_at: str
    language: str | None
    answers: str
    comment: str | None
    day: str
    received_at: str
    digest: str
    device: int | None = None
    clock_offset: int | None = None
    told_at: str | None = None
    chain: int | None = None
    device_seq: int | None = None
    device_mac: str | None = None
    comment_salt: str | None = None
    comment_seal: str | None = None
    crowded: bool | None = None

    @classmethod
    def of(
        cls,
        submission: Submission,
        day: str,
        received_at: str,
        fingerprint: str,
        device: int | None = None,
        *,
        chain: int | None = None,
        clock_offset: int | None = None,
        answered_at: datetime | None = None,
    ) -> "NewRow":
        """The row of a submission, which is read by the definition of ``fingerprint``.

        ``answered_at`` is when it was answered, where its sender's clock was wrong.
        """
        said = said_of(submission, fingerprint)
        comment, salt, told_at = submission.comment, None, None
        if comment is None:
            digest = digest_of(said)
        else:
            salt = submission.comment_salt or new_salt()
            digest = digest_of(said, sealed(comment, salt))
        if answered_at is not None:
            told_at = said[7]
            said = (*said[:7], utc_text(answered_at), *said[8:])
        own = (device, clock_offset, told_at, chain, submission.device_seq, submission.device_mac)
        return cls(*said, day, received_at, digest, *own, salt, None, submission.crowded)  # type: ignore[arg-type, call-arg]

    @property
    def said(self) -> Said:
        """What the sender said, with the time that it said."""
        return self[:11] if self.told_at is None else (*self[:7], self.told_at, *self[8:11])

    def is_content_of(self, stored: "StoredContent | NewRow") -> bool:
        """Whether another submission of the same id, stored or new, has the same content.

        Older releases stored what was said without a fingerprint as it was, and comments without
        composing them (surveys/text.py) and without a salt. Sending one again is a duplicate, not
        a conflict; so is one whose comment is gone, where all else is the same.
        """
        if stored.digest == self.digest:
            return True
        said, salt = self.said, stored.comment_salt
        comments = {self.comment}
        if stored.comment is not None and composed(stored.comment) == self.comment:
            comments.add(stored.comment)

        def seal(comment: str | None) -> str | None:
            return sealed(comment, salt) if salt and comment is not None else stored.comment_seal

        return any(
            digest_of((*said[:2], fingerprint, *said[3:10], one), seal(one)) == stored.digest
            for fingerprint in (self.fingerprint, None)
            for one in comments
        )


class StoredContent(NamedTuple):
    """What NewRow.is_content_of needs of a stored submission."""

    digest: str
    comment: str | None
    comment_salt: str | None
    comment_seal: str | None


def utc_text(moment: datetime) -> str:
    """The text of a moment in UTC, with its offset, as both databases and UtcDateTime read it."""
    return str(moment)


class Writer:
    """What may be done inside the transaction that ``Store.writing`` holds open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo what is written inside; the commit still writes the changed pages to the disk."""
        with self._connection.begin_nested() as attempt:
            yield
            attempt.rollback()

    def stored(self, ids: Collection[str]) -> dict[str, StoredContent]:
        """The contents of those ids that are stored already."""
        asked = list(ids)
        if self._connection.dialect.name == "sqlite":
            within, parameters = "IN (SELECT value FROM json_each(?))", (orjson.dumps(asked),)
        else:
            within, parameters = "= ANY(%s)", (asked,)  # type: ignore[assignment]
        # One parameter for all ids, so that the statement's text is always the same.
        columns = "id, digest, comment, comment_salt, comment_seal"
        query = f"SELECT {columns} FROM submission WHERE id {within}"  # noqa: S608 - constants
        rows = self._connection.exec_driver_sql(query, parameters)
        return {row[0]: StoredContent(*row[1:]) for row in rows}

    def keep(
        self, fingerprints: Iterable[str], definition: Callable[[str], Survey], at: datetime
    ) -> None:
        """Store those definitions that are not stored yet; see definitions.keep."""
        keep(self._connection, fingerprints, definition, at)

    def refuse_undefined(self) -> None:
        """Raise UndefinedAnswersError where stored answers have no definition."""
        refuse_undefined(self._connection)

    def add_submissions(self, rows: Sequence[NewRow]) -> bool:
        """Store rows and return True; store none and return False if one of the ids exists."""
        run = self._connection.exec_driver_sql
        run("SAVEPOINT attempt")
        stored = self._insert(rows)
        if stored != len(rows):
            run("ROLLBACK TO SAVEPOINT attempt")
        run("RELEASE SAVEPOINT attempt")
        return stored == len(rows)

    def add_receipts(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Store the receipt codes' hashes of submissions; one that is there already stays."""
        if rows:
            statement = _INSERT[self._connection.dialect.name](ReceiptRow)
            self._connection.execute(statement.on_conflict_do_nothing(), rows)

    def note_numbers(self, handed: Iterable[Handed], now: datetime) -> None:
        """Note what came of the chains of devices; see chains.note_numbers."""
        note_numbers(self._connection, handed, now)

    def note_unnumbered(self, devices: Mapping[int, int]) -> None:
        """Count submissions without a number, by device; see chains.note_unnumbered."""
        note_unnumbered(self._connection, devices)

    def add_version(self, new: NewBatch, expected: int) -> int:
        """Make a version of a batch after the ``expected`` one; returns its number.

        Raises batches.BatchChangedError.
        """
        return add_version(self._connection, new, None, expected)

    def exchange(self, number: int, ids: Collection[str], gone: Collection[str]) -> list[Row[Any]]:
        """Note what a version of a batch changes: ``ids`` of submissions that it brought in, and
        those that it withdraws, whose rows are returned."""
        enrol(self._connection, ids, number)
        rows = withdraw(self._connection, gone, number)
        remove(self._connection, [row.number for row in rows if row.comment])
        return rows

    def ballots(self, number: int) -> ballots.Held | None:
        """A batch of ballots."""
        return ballots.held(self._connection, number)

    def ballot(self, number: int, serial: int) -> list[BallotEntry]:
        """What was typed of a ballot so far, in the order in which it came."""
        return ballots.entries(self._connection, number, serial)

    def ballot_entries(self, number: int) -> list[BallotEntry]:
        """What was typed of a batch of ballots so far."""
        return ballots.entries(self._connection, number)

    def ballot_entry(self, id: str) -> BallotEntry | None:
        """The entry of an id, where there is one."""
        return ballots.of_id(self._connection, id)

    def add_ballot_entry(self, new: BallotEntry) -> None:
        ballots.add(self._connection, new)

    def record(self, new: Entry) -> None:
        """Record in the audit log what this transaction does."""
        record(self._connection, new)

    def index_comments(self, rows: Iterable[NewRow]) -> None:
        """Index the comments of rows that were stored in this transaction."""
        commented = [row.id for row in rows if row.comment]
        if commented:
            index_new(self._connection, commented)

    def index_all_comments(self) -> None:
        """Make the index of comments again; see comments.index_all."""
        index_all(self._connection)

    def drop_blocks_of(self, answered: Collection[tuple[str, str]]) -> None:
        """Delete the blocks that include a survey's day, written as 2026-11-23; mostly there are
        none. Those of flags of whatever survey also where it is among the days before.
        """
        if not answered:
            return
        mark = mark_of(self._connection)
        usual = timedelta(days=USUAL_DAYS)
        within = [
            (day, survey, day, f"{FLAGS} ", f"{FLAGS}!", str(date.fromisoformat(day) + usual))
            for survey, day in answered
        ]
        self._connection.exec_driver_sql(DROPPING.replace("?", mark), within)

    def drop_blocks(self, kind: str, days: Collection[object]) -> None:
        """Delete the blocks of layouts whose names begin with ``kind`` that include one of days."""
        for day in days:
            within = col(BlockRow.until) >= day, col(BlockRow.since) <= day
            named = col(BlockRow.tallied).startswith(kind)
            self._connection.execute(delete(BlockRow).where(named, *within))

    def _insert(self, rows: Sequence[NewRow]) -> int:
        """Insert rows, values in the table's order; returns how many were not stored already.

        Rows go to the driver as they are: SQLAlchemy's conversion costs more than the database.
        A statement has many rows, since SQLite's driver lets other threads run after each and
        waits for its turn; their number is a power of two, so that few statements are compiled.
        """
        stored, start, size = 0, 0, MOST_ROWS
        while start < len(rows):
            while size > len(rows) - start:
                size //= 2
            values = tuple(chain.from_iterable(rows[start : start + size]))
            text = _inserting(self._connection.dialect, size)
            stored += self._connection.exec_driver_sql(text, values).rowcount
            start += size
        return stored

    def clear_blocks(self) -> None:
        self._connection.execute(delete(BlockRow))

    def submissions(self) -> Iterator[Sequence[Row[Any]]]:
        """All stored submissions in chunks, as this transaction sees them."""
        last = 0
        while rows := read_chunk(self._connection, last, []):
            yield rows
            last = rows[-1].number

    def set_transactions(self, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            statement = _INSERT[self._connection.dialect.name](Transactions)
            new = {"dossiers": statement.excluded.dossiers}
            upsert = statement.on_conflict_do_update(index_elements=_key_of(Transactions), set_=new)
            self._connection.execute(upsert, rows)
            journal.note(self._connection, "transactions", {row["day"] for row in rows})


# Of all surveys that have answers, so that the key of blocks finds them.
DROPPING = (
    "DELETE FROM block WHERE survey IN (SELECT survey FROM definition) AND until >= ?"
    " AND (survey = ? AND since <= ? OR tallied >= ? AND tallied < ? AND since <= ?)"
)

MOST_ROWS = 128  # in one statement; more save no time

_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def _key_of(table: type[SQLModel]) -> list[str]:
    return [column.name for column in table.__table__.primary_key]  # type: ignore[attr-defined]


@cache
def _inserting(dialect: Dialect, size: int) -> str:
    """The SQL that inserts ``size`` submissions, except those whose id is stored already."""
    statement = _INSERT[dialect.name](SubmissionRow).values([dict.fromkeys(NewRow._fields)] * size)
    return _positional(statement.on_conflict_do_nothing(index_elements=["id"]), dialect)


def _positional(statement: Insert, dialect: Dialect) -> str:
    """The SQL of a statement with the driver's positional parameters."""
    kind: Any = type(dialect)
    style = kind(paramstyle="qmark" if dialect.name == "sqlite" else "format")
    return str(statement.compile(dialect=style))
