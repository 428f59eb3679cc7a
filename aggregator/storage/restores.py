"""Restores of a backup that an administrator answers for, with the numbers that went with them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, insert, select
from sqlmodel import col

from aggregator.storage.audit import entry, record
from aggregator.storage.database import Database
from aggregator.storage.findings import Finding, Numbers
from aggregator.storage.tables import RestoreRow
from aggregator.storage.verify_chains import numbers

MOST_REASON = 500  # characters


@dataclass(frozen=True)
class Restore:
    """That a copy was put back on a day: who answers for it, why, and which numbers it lacks.

    It is about these numbers alone; what else does not fit is told as before.
    """

    number: int
    restored: date
    at: datetime
    actor: str
    reason: str
    missing: Sequence[Numbers]

    @property
    def n(self) -> int:
        """How many numbers of devices went with it."""
        return sum(one.last - one.first + 1 for one in self.missing)


class Restores:
    """Reads and appends to tables.RestoreRow. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Restore]:
        """The oldest first."""
        query = select(RestoreRow.__table__).order_by(col(RestoreRow.number))  # type: ignore[attr-defined]
        with self._database.begin() as connection:
            rows = connection.execute(query).all()
        return [
            Restore(
                row.number, row.restored, row.at, row.actor, row.reason,
                [Numbers(*one) for one in row.missing],
            )
            for row in rows
        ]  # fmt: skip

    def lacking(self) -> list[Numbers]:
        """The numbers of devices that are missing, and that nobody has answered for."""
        known = self.all()
        with self._database.begin() as connection:
            left, _ = parted(numbers(connection), known)
        return [one.missing for one in left if one.missing is not None]

    def add(
        self, restored: date, at: datetime, actor: str, reason: str, missing: Iterable[Numbers]
    ) -> None:
        """Append one, and tell of it in the audit log."""
        lost = [list(one) for one in missing]
        with self._database.begin(write=True) as connection:
            query = select(func.coalesce(func.max(col(RestoreRow.number)), 0))
            number = connection.execute(query).scalar_one() + 1
            row = {"number": number, "restored": restored, "at": at, "actor": actor}
            row |= {"reason": reason, "missing": lost}
            connection.execute(insert(RestoreRow), row)
            n = sum(last - first + 1 for _, first, last in lost)
            told = entry(at, actor, "data.restored", day=f"{restored}", n=n, reason=reason)
            record(connection, told)


def parted(
    findings: Iterable[Finding], restores: Sequence[Restore]
) -> tuple[list[Finding], list[Restore]]:
    """What does not fit though restores are answered for, and the restores that explain some."""
    known = [part for one in restores for part in one.missing]
    left, explained = [], list[Numbers]()
    for one in findings:
        if one.missing is not None and _are_among(one.missing, known):
            explained.append(one.missing)
        else:
            left.append(one)
    return left, [
        one
        for one in restores
        if any(_meet(part, other) for part in one.missing for other in explained)
    ]


def _are_among(numbers: Numbers, known: Iterable[Numbers]) -> bool:
    """Whether each of the numbers is in one of the spans; there may be 2**53, so none is listed."""
    at = numbers.first
    for _, first, last in sorted(one for one in known if one.chain == numbers.chain):
        if first > at:
            break
        at = max(at, last + 1)
    return at > numbers.last


def _meet(one: Numbers, other: Numbers) -> bool:
    return one.chain == other.chain and one.first <= other.last and other.first <= one.last
