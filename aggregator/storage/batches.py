"""Batches of the data desk: what a file brought in, by whom; files on the desk; known headers.

A batch is its versions. A corrected file is a further version, and so is a withdrawal, which is
one without rows: nothing that was taken is changed or deleted. Submissions of a batch that its
newest version lacks are withdrawn: they stay, and no longer count.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Select, and_, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, col

from aggregator.storage import journal
from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database, Lock
from aggregator.storage.roster import Shift, exchange
from aggregator.storage.tables import (
    FLAGS,
    BatchRow,
    BatchSubmission,
    BlockRow,
    DeskColumns,
    DeskFile,
    HandlingFacts,
    HandlingTally,
    HardData,
    Operation,
    ShiftRow,
    SubmissionRow,
    Transactions,
    Withdrawal,
)

# The tables in which batches of these kinds set rows, values in the table's order.
TABLES: Mapping[str, type[SQLModel]] = {
    "transactions": Transactions,
    "dossiers": HandlingTally,
    "facts": HandlingFacts,
    "operations": Operation,
    "roster": ShiftRow,
    "hard": HardData,
}
ADDED = {"dossiers"}  # kinds whose batches add to one another: a row is one dossier, not a day's
INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
DAYS = ("day", "until")  # columns of these tables that are days
KEPT = timedelta(hours=1)  # that a file stays on the desk
AT_ONCE = 500  # rows of one statement

Cells = Sequence[Sequence[Any]]  # rows of a table, days as text in ISO 8601


@dataclass(frozen=True)
class NewBatch:
    """What a version of a batch is to be; see tables.BatchRow."""

    name: str
    kind: str
    survey: str | None
    file: str
    hash: str
    rows: int
    at: datetime
    actor: str
    sheet: str = ""
    sketch: dict[str, int] | None = None


class BatchChangedError(Exception):
    """Somebody else made a version of the batch in the meantime."""


class Batches:
    """Reads and writes batches. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self, limit: int = 200) -> list[BatchRow]:
        """The newest version of each batch, the last one changed first; without their cells."""
        query = _newest("cells", "sketch").order_by(col(BatchRow.number).desc()).limit(limit)
        with self._database.begin() as connection:
            return [BatchRow(**row._mapping) for row in connection.execute(query)]

    def known(self, kind: str, survey: str | None) -> list[BatchRow]:
        """The newest version of each batch of a kind that is not withdrawn; without its cells."""
        same = col(BatchRow.kind) == kind, col(BatchRow.survey).is_not_distinct_from(survey)
        query = _newest("cells").where(*same, col(BatchRow.hash) != "")
        with self._database.begin() as connection:
            return [BatchRow(**row._mapping) for row in connection.execute(query)]

    def named(self, name: str) -> BatchRow | None:
        """The newest version of a batch."""
        with self._database.begin() as connection:
            return newest_version(connection, name)

    def of_file(self, hash: str, sheet: str, kind: str, survey: str | None) -> str | None:
        """The name of the batch whose newest version is of this sheet, and of this kind."""
        same = (one for one in self.known(kind, survey) if (one.hash, one.sheet) == (hash, sheet))
        return next((one.name for one in same), None)

    def members(self, name: str) -> dict[str, bool]:
        """By its id each submission that a batch ever brought in: whether it was withdrawn."""
        with self._database.begin() as connection:
            return members(connection, name)

    def set_cells(
        self, new: NewBatch, cells: Cells, told: Callable[[int, int], Entry]
    ) -> tuple[int, int]:
        """Make a version of a batch of a table: set its rows, and unset those that it lacks.

        A row that something else has set otherwise since is left as it is. Batches of a kind of
        ADDED set the sum of what each of them has. Returns how many rows are new or another, and
        how many went; where there are none there is no version, either. Raises roster.Overlap.
        """
        with self._database.locked(Lock.WRITER) as connection:
            before = newest_version(connection, new.name)
            old = before.cells or [] if before else []
            others = _others(connection, new) if new.kind in ADDED else ()
            added, gone = _exchange(connection, new.kind, old, cells, others)
            if added or gone or before is None or (before.hash == "") != (new.hash == ""):
                add_version(connection, new, [list(row) for row in cells])
                record(connection, told(added, gone))
        return added, gone

    # Files on the desk, and headers that are known

    def put_file(self, new: Mapping[str, object], now: datetime) -> str:
        """Put a file on the desk; returns its id. Files that lay there too long go."""
        id = str(uuid4())
        with self._database.begin(write=True) as connection:
            connection.execute(delete(DeskFile).where(col(DeskFile.at) < now - KEPT))
            connection.execute(insert(DeskFile).values(**new, id=id, at=now))
        return id

    def waiting(self, actor: str, now: datetime) -> list[DeskFile]:
        """The files that an actor put on the desk, the last first; without what is in them."""
        columns = [c for c in DeskFile.__table__.c if c.name != "data"]  # type: ignore[attr-defined]
        mine = and_(col(DeskFile.actor) == actor, col(DeskFile.at) >= now - KEPT)
        query = select(*columns).where(mine).order_by(col(DeskFile.at).desc())
        with self._database.begin() as connection:
            return [DeskFile(**row._mapping) for row in connection.execute(query)]

    def file(self, id: str, actor: str, now: datetime) -> DeskFile | None:
        """A file on the desk, if it is the actor's and has not lain there too long."""
        mine = and_(col(DeskFile.id) == id, col(DeskFile.actor) == actor)
        query = select(DeskFile.__table__).where(mine, col(DeskFile.at) >= now - KEPT)  # type: ignore[attr-defined]
        with self._database.begin() as connection:
            row = connection.execute(query).one_or_none()
        return DeskFile(**row._mapping) if row else None

    def drop_file(self, id: str, actor: str) -> None:
        mine = and_(col(DeskFile.id) == id, col(DeskFile.actor) == actor)
        with self._database.begin(write=True) as connection:
            connection.execute(delete(DeskFile).where(mine))

    def columns(self, header: str, kind: str) -> dict[str, Any] | None:
        """What was agreed for a header, by its hash."""
        query = select(col(DeskColumns.columns)).where(
            col(DeskColumns.header) == header, col(DeskColumns.kind) == kind
        )
        with self._database.begin() as connection:
            return connection.execute(query).scalar_one_or_none()

    def remember(self, header: str, kind: str, columns: Mapping[str, Any]) -> None:
        with self._database.begin(write=True) as connection:
            statement = INSERT[connection.dialect.name](DeskColumns)
            statement = statement.values(header=header, kind=kind, columns=dict(columns))
            same = ["header", "kind"]
            new = {"columns": statement.excluded.columns}
            connection.execute(statement.on_conflict_do_update(index_elements=same, set_=new))


def _newest(*without: str) -> Select[Any]:
    """The newest version of each batch, but for some columns."""
    last = select(func.max(col(BatchRow.number))).group_by(col(BatchRow.name))
    columns = [c for c in BatchRow.__table__.c if c.name not in without]  # type: ignore[attr-defined]
    return select(*columns).where(col(BatchRow.number).in_(last))


def newest_version(connection: Connection, name: str) -> BatchRow | None:
    """The newest version of a batch."""
    query = select(BatchRow.__table__).where(col(BatchRow.name) == name)  # type: ignore[attr-defined]
    row = connection.execute(query.order_by(col(BatchRow.version).desc()).limit(1)).one_or_none()
    return BatchRow(**row._mapping) if row else None


def members(connection: Connection, name: str) -> dict[str, bool]:
    query = (
        select(col(SubmissionRow.id), col(Withdrawal.submission))
        .join(BatchSubmission, col(BatchSubmission.submission) == col(SubmissionRow.number))
        .join(BatchRow, col(BatchRow.number) == col(BatchSubmission.batch))
        .outerjoin(Withdrawal, col(Withdrawal.submission) == col(SubmissionRow.number))
        .where(col(BatchRow.name) == name)
    )
    return {id: withdrawn is not None for id, withdrawn in connection.execute(query)}


def add_version(
    connection: Connection,
    new: NewBatch,
    cells: list[list[Any]] | None,
    expected: int | None = None,
) -> int:
    """The number of a new version. Raises BatchChangedError where ``expected`` is not the last."""
    before = newest_version(connection, new.name)
    version = before.version if before else 0
    if expected is not None and version != expected:
        raise BatchChangedError
    row = {**vars(new), "version": version + 1, "cells": cells}
    query = insert(BatchRow).values(**row).returning(col(BatchRow.number))
    number = connection.execute(query).scalar_one()
    assert number is not None  # noqa: S101 - the database gave it
    return number


def enrol(connection: Connection, ids: Collection[str], number: int) -> None:
    """Note that a version of a batch brought submissions in."""
    for some in _parts(ids):
        of = select(col(SubmissionRow.number)).where(col(SubmissionRow.id).in_(some))
        rows = [{"submission": one, "batch": number} for one in connection.execute(of).scalars()]
        connection.execute(insert(BatchSubmission), rows)


def withdraw(connection: Connection, ids: Collection[str], number: int) -> list[Any]:
    """Note that a version of a batch withdraws submissions; returns their rows."""
    found: list[Any] = []
    for some in _parts(ids):
        of = select(SubmissionRow.__table__).where(col(SubmissionRow.id).in_(some))  # type: ignore[attr-defined]
        rows = connection.execute(of).all()
        new = [{"submission": row.number, "batch": number} for row in rows]
        connection.execute(insert(Withdrawal), new)
        found += rows
    if found:
        journal.note(connection, "withdrawal", [number])
    return found


def _others(connection: Connection, new: NewBatch) -> list[Cells]:
    """The rows of the other batches of a kind."""
    last = select(func.max(col(BatchRow.number))).group_by(col(BatchRow.name))
    same = col(BatchRow.kind) == new.kind, col(BatchRow.name) != new.name
    query = select(col(BatchRow.cells)).where(col(BatchRow.number).in_(last), *same)
    return [cells or [] for cells in connection.execute(query).scalars()]


def _exchange(
    connection: Connection, kind: str, old: Cells, new: Cells, others: Sequence[Cells]
) -> tuple[int, int]:
    table = TABLES[kind]
    if table is ShiftRow:
        return exchange(connection, {*map(_shift, new)}, instead_of={*map(_shift, old)})
    columns = [column.name for column in table.__table__.c]  # type: ignore[attr-defined]
    key = [column.name for column in table.__table__.primary_key]  # type: ignore[attr-defined]
    before = {_key(row, key): row for row in _rows(old, columns)}
    after = {_key(row, key): row for row in _rows(new, columns)}
    places = before.keys() | after.keys()
    for some in others:
        for row in _rows(some, columns):
            if (place := _key(row, key)) in places:
                for rows in (before, after):
                    rows[place] = _added(rows.get(place), row, key)
    changed = [row for one, row in after.items() if before.get(one) != row]
    if changed:
        statement = INSERT[connection.dialect.name](table)
        values = {name: statement.excluded[name] for name in columns if name not in key}
        statement = statement.on_conflict_do_update(index_elements=key, set_=values)
        connection.execute(statement, changed)
    gone = [row for one, row in before.items() if one not in after]
    for row in gone:
        same = [getattr(table, name).is_not_distinct_from(value) for name, value in row.items()]
        connection.execute(delete(table).where(*same))
    own = str(table.__tablename__)
    touched = {row[journal.KEYS[own]] for row in (*changed, *gone)}
    journal.note(connection, own, touched)
    if table is Transactions:  # flags are made by them, too
        for day in touched:
            within = col(BlockRow.until) >= day, col(BlockRow.since) <= day
            named = col(BlockRow.tallied).startswith(FLAGS)
            connection.execute(delete(BlockRow).where(named, *within))
    return len(changed), len(gone)


def _rows(cells: Cells, columns: Sequence[str]) -> list[dict[str, Any]]:
    rows = [dict(zip(columns, row, strict=True)) for row in cells]
    days = [name for name in DAYS if name in columns]
    return [{**row, **{name: date.fromisoformat(row[name]) for name in days}} for row in rows]


def _added(one: dict[str, Any] | None, other: dict[str, Any], key: Sequence[str]) -> dict[str, Any]:
    """Two rows of counts as one."""
    if one is None:
        return other
    return {name: value if name in key else value + other[name] for name, value in one.items()}


def _key(row: Mapping[str, Any], key: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in key)


def _shift(row: Sequence[Any]) -> Shift:
    day, *others = row
    return Shift(date.fromisoformat(day), *others)


def _parts(ids: Collection[str]) -> list[list[str]]:
    every = sorted(ids)
    return [every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE)]
