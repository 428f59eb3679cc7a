"""The store: the one place with queries, on SQLite and PostgreSQL alike."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import orjson
import pandas as pd
from sqlalchemy import (
    Connection,
    Engine,
    Executable,
    Row,
    create_engine,
    delete,
    event,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import SQLModel, col

from aggregator.tables import PooledTally, SubmissionRow, Tally, Token, Transactions, User
from aggregator.tallies import Deltas

Grouping = Literal["centre", "department", "counter", "channel", "day", "question", "factor"]
TokenKind = Literal["device", "reader", "link", "session"]

CHUNK = 500  # rows read or ids asked for at once: below SQLite's limit on parameters
WRITER_LOCK = 0x4861696C  # PostgreSQL advisory lock "Hail": one writer of tallies at a time
SUMS = ("respondents", "k", "m", "kk", "km", "mm")


class StorageError(RuntimeError):
    """The database is gone, locked or full; nothing of the transaction was stored."""


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
        """``lock_timeout``: seconds to wait for another process's write."""
        self.engine = _engine(url, lock_timeout)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _begin(self, *, write: bool = False) -> Iterator[Connection]:
        try:
            with (
                self.engine.connect().execution_options(hailong_write=write) as connection,
                connection.begin(),
            ):
                yield connection
        except SQLAlchemyError as error:
            raise StorageError(_plain(error)) from error

    # Submissions and tallies

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """One transaction that holds the write lock from its start to its commit.

        With the lock held, looking an id up and inserting it cannot race with another
        writer; the unique constraint stays as the last word. Raises StorageError.
        """
        with self._begin(write=True) as connection:
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
            with self._begin() as connection:
                rows = _chunk(connection, last, within)
            yield from rows
            if len(rows) < CHUNK:
                return
            last = rows[-1].number

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
        with self._begin() as connection:
            result = connection.execute(query)
            frame = pd.DataFrame(result.all(), columns=list(result.keys()))
        # PostgreSQL sums integers to decimals.
        return frame.astype(dict.fromkeys(integers, "int64"))

    # Dossiers settled, the denominator of participation

    def put_transactions(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Set the dossiers of days and departments: keys day, department ('': all), dossiers."""
        with self.writing() as writer:
            writer.upsert(Transactions, list(rows), ["day", "department"], {"dossiers": "set"})

    def transactions(self, since: date, until: date) -> pd.DataFrame:
        """Dossiers by department within the days: columns key, days (with a figure), dossiers."""
        key = col(Transactions.department)
        days, dossiers = func.count(), func.sum(col(Transactions.dossiers))
        query: Any = select(key.label("key"), days.label("days"), dossiers.label("dossiers"))
        within = col(Transactions.day).between(since, until)
        return self._frame(query.where(within).group_by(key), ["days", "dossiers"])

    # Accounts and bearer secrets

    def add_token(
        self, kind: TokenKind, name: str, digest: str, now: datetime, expires: datetime | None
    ) -> None:
        """Keep a secret's hash, and forget those that have expired."""
        with self._begin(write=True) as connection:
            connection.execute(delete(Token).where(col(Token.expires_at) < now))
            row = {"hash": digest, "kind": kind, "name": name}
            connection.execute(insert(Token).values(**row, created_at=now, expires_at=expires))

    def token(self, kind: TokenKind, digest: str) -> Token | None:
        """The secret of this kind with this hash, expired or not."""
        query = select(Token.__table__).where(col(Token.hash) == digest, col(Token.kind) == kind)  # type: ignore[attr-defined]
        with self._begin() as connection:
            row = connection.execute(query).one_or_none()
        return Token(**row._mapping) if row else None

    def tokens(self, kind: TokenKind) -> Sequence[Row[str, datetime]]:
        query = select(col(Token.name), col(Token.created_at)).where(col(Token.kind) == kind)
        with self._begin() as connection:
            return connection.execute(query.order_by(col(Token.created_at))).all()

    def remove_tokens(self, kinds: Collection[TokenKind], *where: ColumnElement[bool]) -> int:
        """Delete secrets; returns how many there were."""
        query = delete(Token).where(col(Token.kind).in_(kinds), *where)
        with self._begin(write=True) as connection:
            return connection.execute(query).rowcount

    def remove_token(self, kind: TokenKind, digest: str) -> bool:
        """Delete one secret. True for exactly one caller: what makes a link work once."""
        return self.remove_tokens([kind], col(Token.hash) == digest) == 1

    def remove_tokens_of(self, name: str, *kinds: TokenKind) -> int:
        return self.remove_tokens(kinds, col(Token.name) == name)

    def user(self, name: str) -> User | None:
        query = select(User.__table__).where(col(User.name) == name)  # type: ignore[attr-defined]
        with self._begin() as connection:
            row = connection.execute(query).one_or_none()
        return User(**row._mapping) if row else None

    def users(self) -> Sequence[Row[str, str, datetime]]:
        query = select(col(User.name), col(User.role), col(User.created_at))
        with self._begin() as connection:
            return connection.execute(query.order_by(col(User.name))).all()

    def add_user(self, user: User) -> None:
        with self._begin(write=True) as connection:
            connection.execute(insert(User).values(**user.model_dump()))

    def set_password(self, name: str, password_hash: str) -> None:
        with self._begin(write=True) as connection:
            query = update(User).where(col(User.name) == name)
            connection.execute(query.values(password_hash=password_hash))

    def remove_user(self, name: str) -> bool:
        """Delete an account with its sessions and links."""
        self.remove_tokens_of(name, "session", "link")
        with self._begin(write=True) as connection:
            return connection.execute(delete(User).where(col(User.name) == name)).rowcount == 1


class Writer:
    """What may be done inside the transaction that ``Store.writing`` holds open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def digests(self, ids: Collection[str]) -> dict[str, str]:
        """The content digests of those ids that are stored already."""
        wanted, found = list(ids), dict[str, str]()
        for start in range(0, len(wanted), CHUNK):
            some = col(SubmissionRow.id).in_(wanted[start : start + CHUNK])
            query = select(col(SubmissionRow.id), col(SubmissionRow.digest)).where(some)
            found.update(self._connection.execute(query).tuples().all())
        return found

    def add_submissions(self, rows: Sequence[Mapping[str, object]]) -> None:
        self._connection.execute(insert(SubmissionRow), rows)

    def add_tallies(self, deltas: Deltas) -> None:
        tallies = [{**key._asdict(), "n": n} for key, n in deltas.tallies.items()]
        self.upsert(Tally, tallies, list(TALLY_KEY), {"n": "add"})
        pooled = [
            {**key._asdict(), **dict(zip(SUMS, sums, strict=True))}
            for key, sums in deltas.pooled.items()
        ]
        self.upsert(PooledTally, pooled, list(POOLED_KEY), dict.fromkeys(SUMS, "add"))

    def clear_tallies(self) -> None:
        self._connection.execute(delete(Tally))
        self._connection.execute(delete(PooledTally))

    def submissions(self) -> Iterator[Sequence[Row[Any]]]:
        """All stored submissions in chunks, as this transaction sees them."""
        last = 0
        while rows := _chunk(self._connection, last, []):
            yield rows
            last = rows[-1].number

    def upsert(
        self,
        table: type[SQLModel],
        rows: Sequence[Mapping[str, object]],
        key: Sequence[str],
        columns: Mapping[str, Literal["add", "set"]],
    ) -> None:
        """Insert rows; where the key exists, add to its columns or set them."""
        if not rows:
            return
        dialect = {"sqlite": sqlite, "postgresql": postgresql}[self._connection.dialect.name]
        statement = dialect.insert(table)
        new = {
            name: getattr(table, name) + statement.excluded[name]
            if how == "add"
            else statement.excluded[name]
            for name, how in columns.items()
        }
        upsert = statement.on_conflict_do_update(index_elements=list(key), set_=new)
        self._connection.execute(upsert, rows)


TALLY_KEY = ("survey", "question", "day", "channel", "department", "counter", "code")
POOLED_KEY = ("survey", "factor", "measure", "day", "channel", "department", "counter")


def _engine(url: str, lock_timeout: float) -> Engine:
    """An engine with durable commits. Raises StorageError for an address it cannot use."""
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise StorageError("HAILONG_DATABASE_URL is not a database address") from error
    kind = parsed.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise StorageError(f"HAILONG_DATABASE_URL: {kind} is neither sqlite nor postgresql")
    options: dict[str, Any] = {
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
    }
    if kind == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
        seconds = int(lock_timeout * 1000)
        options["connect_args"] = {
            "connect_timeout": 10,
            "options": f"-c lock_timeout={seconds} -c timezone=UTC -c synchronous_commit=on",
        }
        return create_engine(parsed, pool_pre_ping=True, **options)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": lock_timeout}, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver's own transactions begin too late and never as IMMEDIATE; ours begin below.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A write that begins as a read can fail half-way with SQLITE_BUSY, without waiting.
    write = connection.get_execution_options().get("hailong_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _chunk(
    connection: Connection, last: int, where: list[ColumnElement[bool]]
) -> Sequence[Row[Any]]:
    number = col(SubmissionRow.number)
    query = select(SubmissionRow.__table__).where(number > last, *where)  # type: ignore[attr-defined]
    return connection.execute(query.order_by(number).limit(CHUNK)).all()


def _key(table: type[Tally] | type[PooledTally], by: Grouping) -> ColumnElement[Any]:
    key: ColumnElement[Any] = literal_column("'centre'") if by == "centre" else getattr(table, by)
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


def _plain(error: SQLAlchemyError) -> str:
    """The driver's own words: SQLAlchemy's would repeat the statement with people's answers."""
    return str(getattr(error, "orig", None) or type(error).__name__).strip()
