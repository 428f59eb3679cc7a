"""Versions of the centre's document in the database, and the places answers are stored under."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, null, or_, select
from sqlmodel import col

from aggregator.storage import journal
from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database, Lock
from aggregator.storage.definitions import Definitions, Kept, read_definitions
from aggregator.storage.tables import (
    CentreVersion,
    DeviceRow,
    HandlingFacts,
    HandlingTally,
    Operation,
    SubmissionRow,
    Token,
    Transactions,
)

Place = tuple[str, str]  # ids of a department and a counter, '' where there is none


@dataclass(frozen=True)
class Version:
    """A version of the document, as JSON. ``saved_by`` is an account, '' the command line."""

    number: int
    saved_at: datetime
    saved_by: str
    reason: str
    document: str


class AtWork(NamedTuple):
    """A device that is not revoked, or may come back, and the department or counter where it is.

    That is where it is bound to; one that is not bound is where it says (``says_so``). One that
    is ``awaited`` was revoked, and has a code by which it can enrol again.
    """

    name: str
    department: str | None
    counter: str | None
    says_so: bool
    awaited: bool


@dataclass(frozen=True)
class Stored:
    """What the database holds at one moment, and a document must not contradict.

    ``counted`` is how many rows of submissions, dossiers and facts lie under each place;
    ``definitions`` are those that have answers, by their fingerprints.
    """

    counted: Mapping[Place, int]
    devices: Sequence[AtWork]
    definitions: Mapping[str, Kept]


class OlderVersionError(RuntimeError):
    """What was to be written goes by a version that is not the newest; nothing was stored."""


def newest_number(connection: Connection) -> int:
    """The number of the version in force; 0 where there is none yet."""
    return connection.execute(select(func.max(col(CentreVersion.number)))).scalar() or 0


class Centres:
    """Reads and appends to tables.CentreVersion. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.definitions = Definitions(database)  # which a document must not contradict

    def newest_number(self) -> int:
        """The number of the version in force; 0 where there is none yet."""
        with self._database.begin() as connection:
            return newest_number(connection)

    def versions(self, after: int = 0) -> Sequence[Version]:
        """The versions with higher numbers than ``after``, the oldest first."""
        number = col(CentreVersion.number)
        query = select(CentreVersion.__table__).where(number > after).order_by(number)  # type: ignore[attr-defined]
        with self._database.begin() as connection:
            return [Version(**row._mapping) for row in connection.execute(query)]

    def add(self, version: Version, check: Callable[[Stored], Sequence[Entry]]) -> None:
        """Append a version, and what ``check`` tells of it to the audit log, in one transaction.

        ``check`` raises what refuses the version. It is asked under the writer's lock: no answer,
        binding of a device or other version comes between what it is shown and the commit.
        Raises OlderVersionError, unasked, where the version's number is not the next one.
        """
        with self._database.locked(Lock.WRITER) as connection:
            if version.number != newest_number(connection) + 1:
                raise OlderVersionError
            told = check(_stored(connection, version.saved_at))
            connection.execute(insert(CentreVersion).values(**vars(version)))
            journal.note(connection, "centre_version", [version.number])
            for one in told:
                record(connection, one)

    def stored(self, now: datetime) -> Stored:
        """What the database holds now. Raises DefinitionError where it cannot be read."""
        with self._database.begin() as connection:
            return _stored(connection, now)

    def submissions(self, since: date | None) -> Counter[Place]:
        """How many submissions are stored under each place, of the days from ``since`` on."""
        with self._database.begin() as connection:
            rows = connection.execute(_submissions(since)).all()
        return Counter({(at or "", within or ""): n for at, within, n in rows})


def _submissions(since: date | None) -> Any:
    department, counter = col(SubmissionRow.department), col(SubmissionRow.counter)
    query = select(department, counter, func.count()).group_by(department, counter)
    return query if since is None else query.where(col(SubmissionRow.day) >= since)


def _stored(connection: Connection, now: datetime) -> Stored:
    return Stored(_counted(connection), _at_work(connection, now), read_definitions(connection))


def _counted(connection: Connection) -> Counter[Place]:
    queries: list[Any] = [_submissions(None)]
    for table in (Transactions, HandlingTally, HandlingFacts, Operation):
        own = col(table.department)
        queries.append(select(own, null(), func.count()).group_by(own))
    found = Counter[Place]()
    for query in queries:
        for at, within, n in connection.execute(query):
            found[at or "", within or ""] += n
    return found


def _at_work(connection: Connection, now: datetime) -> list[AtWork]:
    """The devices that are, or may come back, anywhere else than in the whole centre, by name."""
    columns = (DeviceRow.department, DeviceRow.counter, DeviceRow.revoked_at)
    told_columns = (DeviceRow.told_department, DeviceRow.told_counter)
    awaited = select(col(Token.name)).where(
        col(Token.kind) == "enrolment", col(Token.expires_at) > now
    )
    query = select(*map(col, (DeviceRow.name, *columns, *told_columns))).where(
        or_(col(DeviceRow.revoked_at).is_(None), col(DeviceRow.name).in_(awaited))
    )
    found = []
    for row in connection.execute(query.order_by(col(DeviceRow.name))):
        bound, told = (row.department, row.counter), (row.told_department, row.told_counter)
        if any(bound) or any(told):
            place = bound if any(bound) else told
            says_so, back = not any(bound), row.revoked_at is not None
            found.append(AtWork(row.name, *place, says_so=says_so, awaited=back))
    return found
