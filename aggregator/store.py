"""The store: reading answers and tallies, on SQLite and PostgreSQL alike."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pandas as pd
from sqlalchemy import (
    Engine,
    Executable,
    Row,
    String,
    and_,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from aggregator.credentials import Credentials
from aggregator.database import Database
from aggregator.handling_store import Handling
from aggregator.tables import PooledTally, SubmissionRow, Tally, Transactions
from aggregator.writer import CHUNK, Writer, read_chunk

Grouping = Literal["centre", "department", "counter", "channel", "day", "question", "factor"]

WRITER_LOCK = 0x4861696C  # PostgreSQL advisory lock "Hail": one writer of tallies at a time
SUMS = ("respondents", "k", "m", "kk", "km", "mm")


@dataclass(frozen=True)
class Selection:
    """Which answers a figure is made of. ``since`` and ``until`` are local days, both included."""

    survey: str
    questions: tuple[str, ...] | None = None
    since: date | None = None
    until: date | None = None
    channel: str | None = None
    department: str | None = None


class Store:
    """All reading and writing of one database."""

    def __init__(self, url: str, *, lock_timeout: float = 10.0) -> None:
        """See database.Database."""
        self.database = Database(url, lock_timeout)
        self.credentials = Credentials(self.database)
        self.handling = Handling(self.database)

    @property
    def engine(self) -> Engine:
        return self.database.engine

    def close(self) -> None:
        self.engine.dispose()

    # Submissions and tallies

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """One transaction that holds the write lock from its start to its commit.

        With the lock held, looking an id up and inserting it cannot race with another
        writer; the unique constraint stays as the last word. Raises StorageError.
        """
        with self.database.begin(write=True) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(WRITER_LOCK)))
            yield Writer(connection)

    def submissions(self, since: date | None, until: date | None) -> Iterator[Row[Any]]:
        """Stored submissions in the order of arrival, read in chunks: constant memory."""
        within = [
            *([col(SubmissionRow.day) >= since] if since else []),
            *([col(SubmissionRow.day) <= until] if until else []),
        ]
        last = 0
        while True:
            with self.database.begin() as connection:
                rows = read_chunk(connection, last, within)
            yield from rows
            if len(rows) < CHUNK:
                return
            last = rows[-1].number

    def has_submissions(self) -> bool:
        with self.database.begin() as connection:
            return bool(read_chunk(connection, 0, [], limit=1))

    def counts(self, selection: Selection, by: Grouping) -> pd.DataFrame:
        """Answers by key and code: columns key (str or date), code (int), n (int)."""
        key = _key(Tally, by)
        where = [*_within(Tally, selection)]
        if selection.questions is not None:
            where.append(col(Tally.question).in_(selection.questions))
        n = func.sum(col(Tally.n)).label("n")
        query = select(key.label("key"), col(Tally.code), n)
        return self._frame(query.where(*where).group_by(key, col(Tally.code)), ["code", "n"])

    def pooled(self, selection: Selection, by: Grouping, factor: str = "") -> pd.DataFrame:
        """Sums over respondents by key and measure: columns key, measure and SUMS (int).

        ``factor`` '' pools the whole survey; grouping by factor takes each of them.
        """
        key = _key(PooledTally, by)
        factors = col(PooledTally.factor)
        where = [
            *_within(PooledTally, selection),
            factors != "" if by == "factor" else factors == factor,
        ]
        sums: list[ColumnElement[Any]] = [
            func.sum(getattr(PooledTally, name)).label(name) for name in SUMS
        ]
        measure = col(PooledTally.measure)
        columns: list[Any] = [key.label("key"), measure.label("measure"), *sums]
        return self._frame(select(*columns).where(*where).group_by(key, measure), list(SUMS))

    def _frame(self, query: Executable, integers: list[str]) -> pd.DataFrame:
        with self.database.begin() as connection:
            result = connection.execute(query)
            frame = pd.DataFrame(result.all(), columns=list(result.keys()))
        # PostgreSQL sums integers to decimals.
        return frame.astype(dict.fromkeys(integers, "int64"))

    # Dossiers settled, the denominator of participation

    def put_transactions(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Set the dossiers of days and departments: keys day, department ('': all), dossiers."""
        with self.writing() as writer:
            writer.set_transactions(list(rows))

    def transactions(self, since: date, until: date) -> pd.DataFrame:
        """Dossiers settled within the days: columns day, department ('': all), dossiers."""
        columns: list[Any] = [
            col(Transactions.day),
            col(Transactions.department),
            col(Transactions.dossiers),
        ]
        within = col(Transactions.day).between(since, until)
        return self._frame(select(*columns).where(within), ["dossiers"])

    def respondents(self, selection: Selection) -> pd.DataFrame:
        """Who answered the selection's question, or the pool: columns day, department, n."""
        if selection.questions is not None:
            table: type[Tally] | type[PooledTally] = Tally
            n = col(Tally.n)
            where: ColumnElement[bool] = col(Tally.question).in_(selection.questions)
        else:
            # Every measure of the pool has the same respondents: any one of them will do.
            table, n = PooledTally, col(PooledTally.respondents)
            one = select(func.min(col(PooledTally.measure)))
            measure = one.where(col(PooledTally.survey) == selection.survey).scalar_subquery()
            where = and_(col(PooledTally.factor) == "", col(PooledTally.measure) == measure)
        key: list[Any] = [col(table.day), col(table.department)]
        query = select(*key, func.sum(n).label("n")).where(where, *_within(table, selection))
        return self._frame(query.group_by(*key), ["n"])


def _key(table: type[Tally] | type[PooledTally], by: Grouping) -> ColumnElement[Any]:
    if by == "centre":
        # PostgreSQL groups by an expression, not by a bare constant.
        return cast(literal_column("'centre'"), String)
    key: ColumnElement[Any] = getattr(table, by)
    return key


def _within(
    table: type[Tally] | type[PooledTally], selection: Selection
) -> Iterator[ColumnElement[bool]]:
    yield col(table.survey) == selection.survey
    if selection.since is not None:
        yield col(table.day) >= selection.since
    if selection.until is not None:
        yield col(table.day) <= selection.until
    if selection.channel is not None:
        yield col(table.channel) == selection.channel
    if selection.department is not None:
        yield col(table.department) == selection.department
