"""The store: the one place with queries, on SQLite and PostgreSQL alike."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson
import pandas as pd
from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    Executable,
    Insert,
    Row,
    String,
    and_,
    cast,
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
from surveys.wire import Submission

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


class NewRow(NamedTuple):
    """A submission as both drivers take it, columns in the table's order, times in UTC.

    ``digest`` is the SHA-256 of all that its sender said, in one form for each content: the
    same id with another digest is a conflict. The order of questions, and of chosen codes,
    says nothing.
    """

    id: str
    survey: str
    fingerprint: str | None
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

    @classmethod
    def of(cls, submission: Submission, day: str, received_at: str) -> "NewRow":
        answers = submission.answers
        if list in map(type, answers.values()):
            answers = {q: sorted(v) if type(v) is list else v for q, v in answers.items()}
        said = (
            submission.id.lower(),
            submission.survey,
            submission.fingerprint,
            submission.department,
            submission.counter,
            submission.channel,
            submission.visit,
            written(submission.answered_at),
            submission.language,
            orjson.dumps(answers, option=orjson.OPT_SORT_KEYS).decode(),
            submission.comment,
        )
        digest = hashlib.sha256(orjson.dumps(said)).hexdigest()
        return cls(*said, day, received_at, digest)


def written(moment: datetime) -> str:
    """A moment in UTC, with its offset, as both databases and UtcDateTime read it."""
    return str(moment)


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

    def has_submissions(self) -> bool:
        with self._begin() as connection:
            return bool(_chunk(connection, 0, [], limit=1))

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
        asked = list(ids)
        if self._connection.dialect.name == "sqlite":
            within, parameters = "IN (SELECT value FROM json_each(?))", (orjson.dumps(asked),)
        else:
            within, parameters = "= ANY(%s)", (asked,)  # type: ignore[assignment]
        # One parameter for all ids: a parameter each would be another statement every time.
        query = f"SELECT id, digest FROM submission WHERE id {within}"  # noqa: S608 - constants
        return dict(map(tuple, self._connection.exec_driver_sql(query, parameters)))

    def add_submissions(self, rows: Sequence[NewRow]) -> bool:
        """Store rows; False, and none is stored, where one of the ids is stored already."""
        statement = _insert(self._connection.dialect, NewRow._fields)
        with self._connection.begin_nested() as attempt:
            stored = self._connection.exec_driver_sql(statement, list(rows)).rowcount
            if stored != len(rows):
                attempt.rollback()
        return stored == len(rows)

    def add_tallies(self, deltas: Deltas) -> None:
        self._add(Tally, list(deltas.tally_rows()))
        self._add(PooledTally, list(deltas.pooled_rows()))

    def _add(self, table: type[Tally] | type[PooledTally], rows: list[tuple[Any, ...]]) -> None:
        """Add rows of a key and sums to a table of tallies.

        Handed to the driver as they are: SQLAlchemy's way through a dict a row costs more
        than the database does.
        """
        if rows:
            self._connection.exec_driver_sql(_adding(table, self._connection.dialect), rows)

    def clear_tallies(self) -> None:
        self._connection.execute(delete(Tally))
        self._connection.execute(delete(PooledTally))

    def submissions(self) -> Iterator[Sequence[Row[Any]]]:
        """All stored submissions in chunks, as this transaction sees them."""
        last = 0
        while rows := _chunk(self._connection, last, []):
            yield rows
            last = rows[-1].number

    def set_transactions(self, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            statement = _INSERT[self._connection.dialect.name](Transactions)
            new = {"dossiers": statement.excluded.dossiers}
            upsert = statement.on_conflict_do_update(index_elements=_key_of(Transactions), set_=new)
            self._connection.execute(upsert, rows)


_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def _key_of(table: type[SQLModel]) -> list[str]:
    return [column.name for column in table.__table__.primary_key]  # type: ignore[attr-defined]


@cache
def _adding(table: type[Tally] | type[PooledTally], dialect: Dialect) -> str:
    """The statement that adds a row's sums to the row of the same key, values in order."""
    statement = _INSERT[dialect.name](table)
    key = _key_of(table)
    sums = [name for name in table.model_fields if name not in key]
    added = {name: getattr(table, name) + statement.excluded[name] for name in sums}
    upsert = statement.on_conflict_do_update(index_elements=key, set_=added)
    return _positional(upsert, dialect, [*key, *sums])


@cache
def _insert(dialect: Dialect, columns: tuple[str, ...]) -> str:
    statement = _INSERT[dialect.name](SubmissionRow).on_conflict_do_nothing(index_elements=["id"])
    return _positional(statement, dialect, list(columns))


def _positional(statement: Insert, dialect: Dialect, columns: list[str]) -> str:
    kind: Any = type(dialect)
    style = kind(paramstyle="qmark" if dialect.name == "sqlite" else "format")
    return str(statement.compile(dialect=style, column_keys=columns))


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
        "hide_parameters": True,  # an error's text would repeat people's answers
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
        folder = Path(parsed.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{folder}: {error.strerror}") from error
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
    connection: Connection, last: int, where: list[ColumnElement[bool]], limit: int = CHUNK
) -> Sequence[Row[Any]]:
    number = col(SubmissionRow.number)
    query = select(SubmissionRow.__table__).where(number > last, *where)  # type: ignore[attr-defined]
    return connection.execute(query.order_by(number).limit(limit)).all()


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


def _plain(error: SQLAlchemyError) -> str:
    """The driver's own words: SQLAlchemy's would repeat the statement with people's answers."""
    return str(getattr(error, "orig", None) or type(error).__name__).strip()
