"""Versions of the centre's document in the database, and the places answers are stored under."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, insert, null, select
from sqlmodel import col

from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database, TakenError
from aggregator.storage.definitions import Definitions
from aggregator.storage.tables import (
    CentreVersion,
    DeviceRow,
    HandlingFacts,
    HandlingTally,
    SubmissionRow,
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


class Centres:
    """Reads and appends to tables.CentreVersion. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.definitions = Definitions(database)  # which a document must not contradict

    def newest_number(self) -> int:
        """The number of the version in force; 0 where there is none yet."""
        with self._database.begin() as connection:
            return connection.execute(select(func.max(col(CentreVersion.number)))).scalar() or 0

    def versions(self, after: int = 0) -> Sequence[Version]:
        """The versions with higher numbers than ``after``, the oldest first."""
        number = col(CentreVersion.number)
        query = select(CentreVersion.__table__).where(number > after).order_by(number)  # type: ignore[attr-defined]
        with self._database.begin() as connection:
            return [Version(**row._mapping) for row in connection.execute(query)]

    def add(self, version: Version, *told: Entry) -> bool:
        """Append a version, and what is ``told`` of it to the audit log, in one transaction.

        False, and nothing stored, where its number is not the next one.
        """
        number = col(CentreVersion.number)
        try:
            with self._database.begin(write=True) as connection:
                newest = connection.execute(select(func.max(number))).scalar() or 0
                if version.number != newest + 1:
                    return False
                connection.execute(insert(CentreVersion).values(**vars(version)))
                for one in told:
                    record(connection, one)
        except TakenError:
            # On PostgreSQL another process may have saved between the look and the insert.
            return False
        return True

    def counted(self) -> Counter[Place]:
        """How many rows of submissions, dossiers and facts are stored under each place."""
        queries: list[Any] = [_submissions(None)]
        for table in (Transactions, HandlingTally, HandlingFacts):
            own = col(table.department)
            queries.append(select(own, null(), func.count()).group_by(own))
        found = Counter[Place]()
        with self._database.begin() as connection:
            for query in queries:
                for at, within, n in connection.execute(query):
                    found[at or "", within or ""] += n
        return found

    def devices(self) -> Sequence[Row[str, str | None, str | None]]:
        """Name, department and counter of each device that is bound and not revoked."""
        place = col(DeviceRow.department), col(DeviceRow.counter)
        bound = col(DeviceRow.department).is_not(None) | col(DeviceRow.counter).is_not(None)
        query = select(col(DeviceRow.name), *place).where(
            col(DeviceRow.revoked_at).is_(None), bound
        )
        with self._database.begin() as connection:
            return connection.execute(query.order_by(col(DeviceRow.name))).all()

    def submissions(self, since: date | None) -> Counter[Place]:
        """How many submissions are stored under each place, of the days from ``since`` on."""
        with self._database.begin() as connection:
            rows = connection.execute(_submissions(since)).all()
        return Counter({(at or "", within or ""): n for at, within, n in rows})


def _submissions(since: date | None) -> Any:
    department, counter = col(SubmissionRow.department), col(SubmissionRow.counter)
    query = select(department, counter, func.count()).group_by(department, counter)
    return query if since is None else query.where(col(SubmissionRow.day) >= since)
