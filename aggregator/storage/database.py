"""The database: an engine with durable commits, its transactions, and one kind of error."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, OperationalError, SQLAlchemyError


class StorageError(RuntimeError):
    """The database is gone, locked or full; nothing of the transaction was stored."""


class Database:
    """One SQLite file or PostgreSQL database, and the transactions on it."""

    def __init__(self, url: str, lock_timeout: float = 10.0) -> None:
        """``lock_timeout``: seconds to wait for another process's write."""
        self.engine = _engine(url, lock_timeout)

    @contextmanager
    def begin(self, *, write: bool = False) -> Iterator[Connection]:
        """A transaction; one that writes waits for its turn first. Raises StorageError."""
        try:
            with (
                self.engine.connect().execution_options(hailong_write=write) as connection,
                connection.begin(),
            ):
                yield connection
        except SQLAlchemyError as error:
            raise StorageError(_plain(error)) from error


def is_missing(engine: Engine) -> bool:
    """Whether it is of a SQLite file that is not there: the first to connect would make it."""
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file or file == ":memory:":
        return False
    return not Path(file).exists()


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
    if parsed.database and parsed.database != ":memory:":
        file = _File(parsed.database)
        event.listen(engine, "do_connect", file.must_exist)
        event.listen(engine, "connect", file.note)
        event.listen(engine, "checkout", file.must_be_same)
    return engine


class _File:
    """A SQLite file. What is committed to one that was deleted or replaced meanwhile is lost.

    So each use of a connection looks whether its file is still the one of that name, and a file
    that was there once is not made anew. Raises sqlalchemy.exc.OperationalError.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen = False

    def must_exist(self, *_: object) -> None:
        if self._seen:
            self._identity()

    def note(self, _: object, record: Any) -> None:
        record.info["file"] = self._identity()
        self._seen = True

    def must_be_same(self, _: object, record: Any, __: object) -> None:
        if record.info["file"] != self._identity():
            raise DisconnectionError  # the pool opens another connection

    def _identity(self) -> tuple[int, int]:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - half the time of Path.stat, each time
        except OSError as error:
            raise OperationalError(None, None, error) from error
        return found.st_dev, found.st_ino


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver's own transactions begin too late and never as IMMEDIATE; ours begin below.
    connection.isolation_level = None
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-8000")
    # Ids are random, and so are the pages of their index: copied back rarely, each is written
    # once for many rows. The log then grows to 32 MB.
    for pragma in (*pragmas, "wal_autocheckpoint=8000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A write that begins as a read can fail half-way with SQLITE_BUSY, without waiting.
    write = connection.get_execution_options().get("hailong_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _plain(error: SQLAlchemyError) -> str:
    """The driver's own words: SQLAlchemy's would repeat the statement with people's answers."""
    return str(getattr(error, "orig", None) or type(error).__name__).strip()
