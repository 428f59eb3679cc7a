"""The kiosk's one SQLite file: opened, prepared, and written to in durable transactions."""

import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from kiosk import rescue
from kiosk.rescue import look_over
from secret_files import only_for_its_user

log = logging.getLogger("kiosk")

VERSION = 1

SCHEMA = """
CREATE TABLE queue (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    added TEXT NOT NULL,
    refused TEXT
);
CREATE INDEX queue_pending ON queue (seq) WHERE refused IS NULL;
CREATE TABLE delivered (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX delivered_at ON delivered (at);
CREATE TABLE draft (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    expires TEXT NOT NULL
) WITHOUT ROWID;
"""

# Added later, and made where it is missing: older files keep their version and stay readable.
LATER = (
    """
CREATE TABLE IF NOT EXISTS problem (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at TEXT NOT NULL,
    reason TEXT NOT NULL
)
""",
    """
CREATE TABLE IF NOT EXISTS one_time (
    hash TEXT PRIMARY KEY,
    form TEXT NOT NULL,
    until TEXT NOT NULL,
    burnt INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS chain (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    mac TEXT NOT NULL
)
""",
    """
CREATE TABLE IF NOT EXISTS sent (
    code TEXT PRIMARY KEY,
    n REAL NOT NULL,
    at TEXT NOT NULL
) WITHOUT ROWID
""",
)
# Columns that were added later. Since which start of the machine, and how many seconds after it,
# a row was put in the queue; and by what it is known whether a row was damaged.
ADDED = (
    ("queue", "boot TEXT"),
    ("queue", "up REAL"),
    ("queue", "checksum INTEGER"),
    ("draft", "checksum INTEGER"),
    ("one_time", "checksum TEXT"),
)


class OutboxError(Exception):
    """The outbox cannot be written or read now: full, locked, gone or damaged."""


class Disk:
    """One SQLite file behind one connection, which one thread at a time may use.

    A transaction waits for ``busy_seconds`` at most while another process writes. A file that is
    damaged is set aside, and what can be read of it taken over into a new one (rescue.py);
    ``digest`` is that of a queued body, ``afterwards`` what is done then.
    """

    def __init__(
        self,
        path: Path,
        busy_seconds: float,
        digest: rescue.Digest,
        afterwards: rescue.Afterwards,
    ) -> None:
        self.path = path
        self.busy_seconds = busy_seconds
        self._digest = digest
        self._afterwards = afterwards
        self.connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()
        self._inode: tuple[int, int] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not rescue.is_under_way(path):
                path.touch(0o600)
                only_for_its_user(path)
        except OSError as error:
            raise OutboxError(f"{path}: {error.strerror}") from error
        self._damage = "it was being rescued" if rescue.is_under_way(path) else look_over(path)
        with self.transaction():
            pass

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self.connection is not None:
                self.connection.close()
                self.connection = None

    def distrust(self, damage: str) -> NoReturn:
        """Say that what was read cannot be: the next transaction has another file.

        Raises OutboxError.
        """
        self._damage = damage
        raise OutboxError(f"{self.path}: {damage}")

    def checkpoint(self, *, empty: bool = False) -> None:
        """Move what was written from SQLite's log into the file, without making a tap wait.

        ``empty``: leave no byte in the log; a tap may wait. Raises OutboxError.
        """
        try:
            with contextlib.closing(self._connect()) as connection:
                connection.execute(f"PRAGMA wal_checkpoint({'TRUNCATE' if empty else 'PASSIVE'})")
        except (sqlite3.Error, OSError) as error:
            raise OutboxError(f"{self.path}: {error}") from error

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction: all that is done inside is on disk at its end, or nothing is.

        Inside another one it is a part of that. With ``write=False`` the connection is only
        read. Raises OutboxError.
        """
        with self._lock:
            try:
                connection = self._open()
                if connection.in_transaction or not write:
                    yield connection
                    return
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            except rescue.BROKEN as error:
                if rescue.is_damage(error) and rescue.is_ours(self.path):
                    self._damage = str(error)  # the next transaction has another file
                raise OutboxError(f"{self.path}: {error}") from error
            except OSError as error:
                self.close()
                raise OutboxError(f"{self.path}: {error.strerror}") from error

    def _open(self) -> sqlite3.Connection:
        if self._damage:
            self._rescue(self._damage)
            self._damage = None
        # A file that was deleted while open still takes writes, and all are lost: look each time.
        stat = os.stat(self.path)  # noqa: PTH116 - half the time of Path.stat, once a tap
        inode = (stat.st_dev, stat.st_ino)
        if self.connection is not None and inode == self._inode:
            return self.connection
        self.close()
        connection = self._connect()
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self.connection, self._inode = connection, inode
        return connection

    def _rescue(self, damage: str) -> None:
        """Go on with a new file, and all that can be read of the damaged one."""
        self.close()
        if self.path.exists() and rescue.is_in_use(self.path):  # the kiosk itself will rescue it
            raise OutboxError(f"{self.path}: {damage}")
        now = datetime.now(UTC)
        aside = rescue.set_aside(self.path, now.strftime("%Y%m%dT%H%M%SZ"))
        fresh = self.path.with_name(f"{self.path.name}.fresh")
        for left in (fresh, *(fresh.with_name(fresh.name + end) for end in ("-wal", "-shm"))):
            left.unlink(missing_ok=True)
        fresh.touch(0o600)
        with contextlib.closing(self._connect(fresh)) as connection:
            self._prepare(connection)
            connection.execute("BEGIN IMMEDIATE")
            rescue.salvage(aside, connection, self._digest, stamp(now))
            self._afterwards(connection)
            connection.execute("COMMIT")
        rescue.settle(self.path, fresh)
        log.error("%s was damaged (%s): kept as %s", self.path, damage, aside.name)

    def _connect(self, path: Path | None = None) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{(path or self.path).absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self.busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.text_factory = rescue.lenient
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        # checkpoint() empties the log; a tap has to only where that has failed for long.
        connection.execute("PRAGMA wal_autocheckpoint = 10000")
        connection.execute("PRAGMA synchronous = FULL")
        # What was delivered or taken back leaves no bytes that a rescue could take for an answer.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise OutboxError(f"{self.path}: made by a newer version of this program")
        if version == 0:
            connection.executescript(f"BEGIN;{SCHEMA}PRAGMA user_version = {VERSION};COMMIT;")
        for table in LATER:
            connection.execute(table)
        for table, column in ADDED:
            _add_column(connection, table, column)


def _add_column(connection: sqlite3.Connection, table: str, column: str) -> None:
    """Add a column that older releases did not have; another process may do the same now."""

    def is_there() -> bool:
        columns = connection.execute(f"PRAGMA table_info({table})")
        return any(one[1] == column.partition(" ")[0] for one in columns)

    if not is_there():
        connection.execute("BEGIN IMMEDIATE")
        if not is_there():
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
        connection.execute("COMMIT")


def stamp(moment: datetime) -> str:
    """A moment as text, as it is stored: in UTC and of one length, so that texts sort by time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
