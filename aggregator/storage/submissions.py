"""Reading what people answered: stored submissions in the order of arrival, in constant memory."""

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from aggregator.storage.database import Database
from aggregator.storage.tables import SubmissionRow, Withdrawal

CHUNK = 1_000  # rows read at once
EVERY = range(1, 2**63)  # all numbers that a submission may have

# Of submissions that count: of all but those that a batch has withdrawn.
STANDING: ColumnElement[bool] = col(SubmissionRow.number).not_in(select(col(Withdrawal.submission)))

Advance = Callable[[int], None]  # called with how many more rows are read


@dataclass(frozen=True)
class Filters:
    """Which submissions; None is any. ``since`` and ``until`` are local days, both included.

    ``last`` is the highest ``number`` of a row that is wanted. ``merged`` are departments whose
    answers count as those of ``department``.
    """

    since: date | None = None
    until: date | None = None
    survey: str | None = None
    channel: str | None = None
    department: str | None = None
    last: int | None = None
    merged: tuple[str, ...] = ()

    def written(self, organisation: str = "then") -> str:
        """The conditions on one line, for the audit log; "*" where there is none."""
        days = f"{self.since or '…'} – {self.until or '…'}" if self.since or self.until else None
        under = None if organisation == "then" else f"organisation={organisation}"
        named = (days, self.survey, self.channel, self.department, under)
        return ", ".join(value for value in named if value) or "*"

    def where(self) -> list[ColumnElement[bool]]:
        equal = {
            SubmissionRow.survey: self.survey,
            SubmissionRow.channel: self.channel,
        }
        departments = (self.department, *self.merged) if self.department is not None else ()
        return [
            *([col(SubmissionRow.day) >= self.since] if self.since else []),
            *([col(SubmissionRow.day) <= self.until] if self.until else []),
            *([col(SubmissionRow.number) <= self.last] if self.last is not None else []),
            *([col(SubmissionRow.department).in_(departments)] if departments else []),
            *(col(column) == value for column, value in equal.items() if value is not None),
        ]


ALL = Filters()


def read_submissions(
    database: Database, filters: Filters, advance: Advance = lambda more: None
) -> Iterator[Row[Any]]:
    """The submissions, rows of tables.SubmissionRow. Raises StorageError.

    Each chunk is read in a transaction of its own, so that a slow reader blocks nobody.
    """
    where, last = filters.where(), 0
    while True:
        with database.begin() as connection:
            rows = read_chunk(connection, last, where)
        yield from rows
        advance(len(rows))
        if len(rows) < CHUNK:
            return
        last = rows[-1].number


def read_by_visit(
    database: Database, filters: Filters, advance: Advance = lambda more: None
) -> Iterator[Row[Any]]:
    """As read_submissions, but those of a visit one after another, in the order visits began.

    Only their numbers are kept, 8 bytes each. Raises StorageError.
    """
    number = col(SubmissionRow.number)
    visit = func.coalesce(col(SubmissionRow.visit), col(SubmissionRow.id))
    began = func.min(number).over(partition_by=visit)
    order = select(number).where(*filters.where(), STANDING).order_by(began, number)
    with database.begin() as connection:
        numbers = array("q", connection.execution_options(yield_per=CHUNK).scalars(order))
    for start in range(0, len(numbers), CHUNK):
        wanted = numbers[start : start + CHUNK]
        with database.begin() as connection:
            read = read_chunk(connection, 0, [number.in_(wanted)])
        rows = {row.number: row for row in read}
        # One may have been withdrawn in between.
        yield from (rows[one] for one in wanted if one in rows)
        advance(len(wanted))


def bounded(database: Database, filters: Filters) -> tuple[Filters, int]:
    """The filters limited to what is stored now, and the number of submissions that meet them.

    Stored rows never change, so reading twice gives the same rows, where none is withdrawn
    in between. Raises StorageError.
    """
    number = col(SubmissionRow.number)
    query = select(func.count(), func.coalesce(func.max(number), 0)).where(
        *filters.where(), STANDING
    )
    with database.begin() as connection:
        count, last = connection.execute(query).one()
    return replace(filters, last=last), count


def read_days(
    connection: Connection, filters: Filters, among: Collection[int] | None = None
) -> Iterator[Row[Any]]:
    """The submissions of some days in the order of arrival, by the index of days.

    With ``among`` those of these numbers alone. For few days of many: read_chunk would go through
    all submissions, by their numbers.
    """
    if among is not None and not among:
        return
    query = select(SubmissionRow.__table__).where(STANDING, *filters.where())  # type: ignore[attr-defined]
    chunks = {"yield_per": CHUNK}
    rows = connection.execute(query.order_by(col(SubmissionRow.number)), execution_options=chunks)
    yield from (row for row in rows if among is None or row.number in among)


def read_chunk(
    connection: Connection, last: int, where: list[ColumnElement[bool]], limit: int = CHUNK
) -> Sequence[Row[Any]]:
    """Up to ``limit`` submissions numbered above ``last`` that meet all conditions, in order.

    What was withdrawn is not among them.
    """
    number = col(SubmissionRow.number)
    query = select(SubmissionRow.__table__).where(number > last, STANDING, *where)  # type: ignore[attr-defined]
    return connection.execute(query.order_by(number).limit(limit)).all()
