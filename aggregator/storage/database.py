"""The database: an engine with durable commits, its transactions, and one kind of error.

An address of PostgreSQL may name one of its schemas, ``…/hailong?schema=lai_chau``: a store of
its own beside others in the same database, whose connections it shares.
"""

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DisconnectionError, IntegrityError, OperationalError, SQLAlchemyError

from secret_files import only_for_its_user


class StorageError(RuntimeError):
    """The database is gone, locked or full; nothing of the transaction was stored."""


class TakenError(StorageError):
    """A key is taken, by another row or another process; nothing was stored."""


class Lock(IntEnum):
    """What one process at a time may do on a store in PostgreSQL, however many share it.

    SQLite's write lock does as much for all of them.
    """

    WRITER = 0x4861696C  # "Hail": write submissions, tallies and blocks
    MIGRATION = 0x4861696D
    PASSWORDS = 0x4861696E  # check a password and count it
    ALERTS = 0x4861696F  # say which alerts live, and take those that are to be sent
    CODES = 0x48616970  # count a wrong receipt code
    LEDGER = 0x48616971  # say what may be published
    JOURNAL = 0x48616972  # note how rows stand that figures are made of


# Seconds after which PostgreSQL lets go of the locks of a machine that lost power or its network;
# without them it takes the system's two hours. A process that was killed is noticed at once.
GONE = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"


# The schemas that an address may name: none is PostgreSQL's own.
SCHEMA = re.compile(r"(?!pg_|information_schema$)[a-z][a-z0-9_]{0,39}")
OPTION = "hailong_schema"  # of an engine, and so of its connections
# Connections to one PostgreSQL database are shared by all stores that lie in it: each with its
# own would be more than a server takes. By address and patience.
_SHARED: WeakValueDictionary[tuple[str, float], Engine] = WeakValueDictionary()


class Database:
    """One SQLite file, PostgreSQL database or schema in one, and the transactions on it."""

    def __init__(self, url: str, lock_timeout: float = 10.0) -> None:
        """``lock_timeout``: seconds to wait for another process's write."""
        self.engine = _engine(url, lock_timeout)

    @contextmanager
    def begin(self, *, write: bool = False) -> Iterator[Connection]:
        """A transaction; ``write`` takes SQLite's write lock at its start.

        Raises StorageError; TakenError where a row would break a unique constraint.
        """
        try:
            with (
                self.engine.connect().execution_options(hailong_write=write) as connection,
                connection.begin(),
            ):
                yield connection
        except IntegrityError as error:
            raise TakenError(_plain(error)) from error
        except SQLAlchemyError as error:
            raise StorageError(_plain(error)) from error

    @contextmanager
    def locked(self, lock: Lock, *, patient: bool = False) -> Iterator[Connection]:
        """A writing transaction that holds a lock to its end; ``patient`` as for hold.

        Raises StorageError.
        """
        with self.begin(write=True) as connection:
            hold(connection, lock, patient=patient)
            yield connection


def hold(connection: Connection, lock: Lock, *, patient: bool = False) -> None:
    """Hold a lock until the transaction ends, from the moment that no other process does.

    Stores in different schemas do not wait for each other. ``patient`` waits for ever on
    PostgreSQL, others for the database's ``lock_timeout``. Does nothing on SQLite.
    """
    if connection.dialect.name != "postgresql":
        return
    key = _lock_key(schema_of(connection))
    if patient:
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
    connection.execute(select(func.pg_advisory_xact_lock(int(lock), key)))
    if patient:
        connection.exec_driver_sql("SET LOCAL lock_timeout TO DEFAULT")


def mark_of(connection: Connection) -> str:
    """What stands for a parameter in SQL that is handed to the driver as it is."""
    return "?" if connection.dialect.name == "sqlite" else "%s"


def schema_of(where: Connection | Engine) -> str | None:
    """The schema that the address of a store named; None where it named none."""
    schema: str | None = where.get_execution_options().get(OPTION)
    return schema


def _lock_key(schema: str | None) -> int:
    """A number of a schema, the same in every process; that of ``public`` is that of none."""
    if schema in (None, "public"):
        return 0
    return int.from_bytes(hashlib.sha256(schema.encode()).digest()[:4], "big", signed=True)


def place_of(url: str) -> tuple[str, ...]:
    """Where the data of an address lie: equal for two that mean the same. Raises StorageError."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return "sqlite", str(Path(parsed.database or "").resolve())
    port, database = str(parsed.port or 5432), parsed.database or ""
    return "postgresql", parsed.host or "", port, database, _schema(parsed) or "public"


def in_schema(url: str, schema: str) -> str:
    """The address of a schema in the PostgreSQL database of an address. Raises StorageError."""
    named = _parsed(url).update_query_dict({"schema": schema})
    return named.render_as_string(hide_password=False)


def is_missing(engine: Engine) -> bool:
    """Whether the engine's SQLite file does not exist yet; connecting would create it."""
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file or file == ":memory:":
        return False
    return not Path(file).exists()


def _engine(url: str, lock_timeout: float) -> Engine:
    """An engine with durable commits. Raises StorageError for an address it cannot use."""
    parsed = _parsed(url)
    options: dict[str, Any] = {
        "hide_parameters": True,  # keeps people's answers out of error texts
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
    }
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed, lock_timeout, options)
    if parsed.database and parsed.database != ":memory:":
        folder = Path(parsed.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{folder}: {error.strerror}") from error
    engine = create_engine(parsed, connect_args={"timeout": lock_timeout}, **options)
    event.listen(engine, "connect", _prepare_sqlite)
    if parsed.database and parsed.database != ":memory:":
        file = _File(parsed.database)
        event.listen(engine, "handle_error", file.note_damage)
        event.listen(engine, "begin", file.must_be_whole)
        event.listen(engine, "do_connect", file.must_exist)
        event.listen(engine, "connect", file.note)
        event.listen(engine, "checkout", file.must_be_same)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise StorageError("HAILONG_DATABASE_URL is not a database address") from error
    kind = parsed.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise StorageError(f"HAILONG_DATABASE_URL: {kind} is neither sqlite nor postgresql")
    return parsed


def _schema(url: URL) -> str | None:
    """The schema that an address names. Raises StorageError for one that cannot be."""
    schema = url.query.get("schema")
    if schema is not None and not (isinstance(schema, str) and SCHEMA.fullmatch(schema)):
        raise StorageError(f"HAILONG_DATABASE_URL: {schema!r} cannot be a schema")
    return schema


def _postgresql(url: URL, lock_timeout: float, options: dict[str, Any]) -> Engine:
    schema = _schema(url)
    url = url.difference_update_query(["schema"]).set(drivername="postgresql+psycopg")
    milliseconds = int(lock_timeout * 1000)
    options["connect_args"] = {
        "connect_timeout": 10,
        "options": f"-c lock_timeout={milliseconds} -c timezone=UTC "
        f"-c synchronous_commit=on {GONE}",
    }
    if schema is None:
        return create_engine(url, pool_pre_ping=True, **options)
    key = (url.render_as_string(hide_password=False), lock_timeout)
    shared = _SHARED.get(key)
    if shared is None:
        shared = create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20, **options)
        _SHARED[key] = shared
    engine = shared.execution_options(**{OPTION: schema})
    # With each transaction: a connection has served another schema before.
    event.listen(engine, "begin", _look_in_schema)
    return engine


def _look_in_schema(connection: Connection) -> None:
    connection.exec_driver_sql(f'SET LOCAL search_path TO "{schema_of(connection)}"')


class _File:
    """Checks that connections still use the file at a path: commits to a deleted one are lost.

    A connection whose file was replaced is replaced too. A file that was there once is never
    created again: where it is gone, sqlalchemy.exc.OperationalError is raised. One that SQLite
    found damaged takes no write any more until another one is in its place: what was stored in it
    might be lost with it, and devices keep what has no receipt.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen = False
        self._damaged: tuple[int, int] | None = None

    def must_exist(self, *_: object) -> None:
        if self._seen:
            self._identity()
            return
        for end in ("", "-wal", "-shm"):
            file = Path(self._path + end)
            with suppress(OSError):  # SQLite says what is wrong with it
                if not end:
                    file.touch(0o600)
                only_for_its_user(file)

    def note(self, _: object, record: Any) -> None:
        record.info["file"] = self._identity()
        self._seen = True

    def must_be_same(self, _: object, record: Any, __: object) -> None:
        if record.info["file"] != self._identity():
            raise DisconnectionError  # the pool opens another connection

    def note_damage(self, context: ExceptionContext) -> None:
        code = getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            self._damaged = self._identity()

    def must_be_whole(self, connection: Connection) -> None:
        writes = connection.get_execution_options().get("hailong_write")
        if writes and self._damaged is not None and self._damaged == self._identity():
            why = OSError(f"{self._path} is damaged: put a copy in its place (deploy/restore.py)")
            raise OperationalError(None, None, why)

    def _identity(self) -> tuple[int, int]:
        try:
            status = os.stat(self._path)  # noqa: PTH116 - half the time of Path.stat, each time
        except OSError as error:
            raise OperationalError(None, None, error) from error
        return status.st_dev, status.st_ino


def _prepare_sqlite(connection: Any, _: object) -> None:
    # No transactions of the driver's own: they begin late and never as IMMEDIATE (_begin_sqlite).
    connection.isolation_level = None
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-8000")
    # Random ids change random pages of their index. The log is copied into the file rarely, so
    # that each page is written once for many rows; it grows to 32 MB, 8,000 pages of 4 KB. The
    # limit is for all files of the process together: a province has a hundred.
    limits = ("wal_autocheckpoint=8000", f"soft_heap_limit={64 * 2**20}")
    for pragma in (*pragmas, *limits):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A write that begins as a read can fail half-way with SQLITE_BUSY, without waiting.
    write = connection.get_execution_options().get("hailong_write")
    begin = "BEGIN IMMEDIATE" if write else "BEGIN"
    try:  # by the driver's own connection: SQLAlchemy's way takes longer than many a query
        connection.connection.driver_connection.execute(begin)  # type: ignore[union-attr]
    except sqlite3.Error as error:
        raise OperationalError(begin, None, error) from error


def _plain(error: SQLAlchemyError) -> str:
    """The driver's own words: SQLAlchemy's would repeat the statement with people's answers."""
    return str(getattr(error, "orig", None) or type(error).__name__).strip()
