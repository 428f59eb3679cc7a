"""The durable queue: what was answered lies on disk here until the aggregator has a receipt."""

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from surveys.wire import Receipt, Submission

Added = Literal["stored", "duplicate", "conflict"]

VERSION = 1
REMEMBERED = timedelta(days=90)  # how long a delivered id is recognised when posted again

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


class OutboxError(Exception):
    """The outbox cannot be written or read now: full, locked, gone or damaged."""


@dataclass(frozen=True)
class Row:
    """One waiting submission; ``refused`` is the reason where the aggregator said no."""

    seq: int
    id: str
    body: str
    added: str
    refused: str | None


@dataclass(frozen=True)
class Standing:
    """What /status tells."""

    pending: int
    oldest_pending: str | None
    refused: int
    last_delivery: str | None


class Outbox:
    """One SQLite file behind one connection and one lock; handlers call it from a thread."""

    def __init__(
        self,
        path: Path,
        *,
        busy_seconds: float = 2.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._clock = clock
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError as error:
            raise OutboxError(f"{path}: {error.strerror}") from error
        with self._transaction():
            pass

    # -- adding -----------------------------------------------------------------------------

    def add(self, submission: Submission) -> Added:
        """Put one submission on disk; the first content of an id wins."""
        return self.add_all([submission])[0]

    def add_all(self, submissions: Iterable[Submission]) -> list[Added]:
        """Put several on disk in one transaction: either every new one is there, or none."""
        with self._transaction() as connection:
            return [self._insert(connection, one, None) for one in submissions]

    def _insert(
        self, connection: sqlite3.Connection, submission: Submission, refused: str | None
    ) -> Added:
        key, digest = str(submission.id), content_digest(submission)
        known = connection.execute(
            "SELECT digest FROM queue WHERE id = ? UNION ALL SELECT digest FROM delivered"
            " WHERE id = ?",
            (key, key),
        ).fetchone()
        if known is not None:
            return "duplicate" if known[0] == digest else "conflict"
        connection.execute(
            "INSERT INTO queue (id, digest, body, added, refused) VALUES (?, ?, ?, ?, ?)",
            (key, digest, body_text(submission), self._now(), refused),
        )
        return "stored"

    # -- delivering -------------------------------------------------------------------------

    def pending(self, limit: int, after: int = 0) -> list[Row]:
        """The oldest rows that wait for delivery, past a sequence number."""
        return self._rows("refused IS NULL AND seq > ? ORDER BY seq LIMIT ?", (after, limit))

    def refused(self) -> list[Row]:
        """The rows kept for a human."""
        return self._rows("refused IS NOT NULL ORDER BY seq", ())

    def settle(self, receipts: Mapping[str, Receipt]) -> int:
        """Act on receipts by id: taken ones leave, the others stay with their reason.

        Returns how many rows no longer wait.
        """
        settled = 0
        with self._transaction() as connection:
            for key, receipt in receipts.items():
                taken = receipt.status in ("accepted", "duplicate")
                if taken:
                    row = connection.execute(
                        "DELETE FROM queue WHERE id = ? RETURNING digest", (key,)
                    ).fetchone()
                    if row is None:
                        continue
                    connection.execute(
                        "INSERT OR REPLACE INTO delivered (id, digest, at) VALUES (?, ?, ?)",
                        (key, row[0], self._now()),
                    )
                    settled += 1
                else:
                    reason = f"{receipt.status}: {receipt.reason or '?'}"
                    settled += connection.execute(
                        "UPDATE queue SET refused = ? WHERE id = ? AND refused IS NULL",
                        (reason, key),
                    ).rowcount
            forgotten = _stamp(self._clock() - REMEMBERED)
            # The newest stays whatever its age: it tells /status when the last delivery was.
            connection.execute(
                "DELETE FROM delivered WHERE at < ? AND at < (SELECT max(at) FROM delivered)",
                (forgotten,),
            )
        return settled

    def retry(self, key: str | None = None) -> int:
        """Let refused rows wait again: one, or all of them. Returns how many."""
        with self._transaction() as connection:
            return connection.execute(
                "UPDATE queue SET refused = NULL"
                " WHERE refused IS NOT NULL AND id = coalesce(?, id)",
                (key,),
            ).rowcount

    def standing(self) -> Standing:
        """Counts and times for /status."""
        with self._transaction(write=False) as connection:
            row = connection.execute(
                "SELECT count(*) FILTER (WHERE refused IS NULL),"
                " min(added) FILTER (WHERE refused IS NULL),"
                " count(*) FILTER (WHERE refused IS NOT NULL),"
                " (SELECT max(at) FROM delivered) FROM queue"
            ).fetchone()
        return Standing(*row)

    def knows(self, key: str) -> bool:
        """Whether an id is on its way or already delivered."""
        with self._transaction(write=False) as connection:
            found = connection.execute(
                "SELECT 1 FROM queue WHERE id = ? UNION ALL SELECT 1 FROM delivered WHERE id = ?",
                (key, key),
            ).fetchone()
        return found is not None

    # -- drafts -----------------------------------------------------------------------------

    def open_draft(self, key: str, body: str, expires: datetime) -> bool:
        """Begin a draft; False where this id is a draft already, or was finished."""
        with self._transaction() as connection:
            if self.knows(key):
                return False
            return (
                connection.execute(
                    "INSERT OR IGNORE INTO draft (id, body, expires) VALUES (?, ?, ?)",
                    (key, body, _stamp(expires)),
                ).rowcount
                == 1
            )

    def draft(self, key: str) -> str | None:
        """A draft's content."""
        with self._transaction(write=False) as connection:
            row = connection.execute("SELECT body FROM draft WHERE id = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def change_draft(self, key: str, change: Callable[[str], str], expires: datetime) -> str | None:
        """Change a draft in one transaction, so that two taps at once lose no answer."""
        with self._transaction() as connection:
            row = connection.execute("SELECT body FROM draft WHERE id = ?", (key,)).fetchone()
            if row is None:
                return None
            body = change(row[0])
            connection.execute(
                "UPDATE draft SET body = ?, expires = ? WHERE id = ?",
                (body, _stamp(expires), key),
            )
            return body

    def expired_drafts(self) -> list[str]:
        """Drafts that nobody touched for too long."""
        with self._transaction(write=False) as connection:
            rows = connection.execute("SELECT id FROM draft WHERE expires <= ?", (self._now(),))
            return [row[0] for row in rows]

    def finish_draft(
        self, key: str, finish: Callable[[str], tuple[Submission | None, str | None]]
    ) -> Added | None:
        """Turn a draft into a submission in one transaction.

        ``finish`` makes it from the draft's content, with a reason where a human must look at
        it first; no submission means that nothing was answered. None: there is no such draft.
        """
        with self._transaction() as connection:
            row = connection.execute(
                "DELETE FROM draft WHERE id = ? RETURNING body", (key,)
            ).fetchone()
            if row is None:
                return None
            submission, refused = finish(row[0])
            return "stored" if submission is None else self._insert(connection, submission, refused)

    # -- the file ---------------------------------------------------------------------------

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _rows(self, where: str, values: tuple[object, ...]) -> list[Row]:
        with self._transaction(write=False) as connection:
            rows = connection.execute(
                f"SELECT seq, id, body, added, refused FROM queue WHERE {where}",  # noqa: S608
                values,
            )
            return [Row(*row) for row in rows]

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        """Everything inside happens, or nothing. Raises OutboxError."""
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
            except sqlite3.Error as error:
                raise OutboxError(f"{self.path}: {error}") from error
            except OSError as error:
                self.close()
                raise OutboxError(f"{self.path}: {error.strerror}") from error

    def _open(self) -> sqlite3.Connection:
        # An unlinked file takes writes without complaint and loses them all: look each time.
        stat = os.stat(self.path)  # noqa: PTH116 - half the time of Path.stat, once a tap
        inode = (stat.st_dev, stat.st_ino)
        if self._connection is not None and inode == self._inode:
            return self._connection
        self.close()
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self._busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._inode = connection, inode
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 4194304")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise OutboxError(f"{self.path}: made by a newer version of this program")
        if version == 0:
            connection.executescript(f"BEGIN;{SCHEMA}PRAGMA user_version = {VERSION};COMMIT;")

    def _now(self) -> str:
        return _stamp(self._clock())


def content_digest(submission: Submission) -> str:
    """The digest of what was answered, whenever it arrived: a reload comes a second later."""
    content = {**dict(submission), "answered_at": None}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def body_text(submission: Submission) -> str:
    """A submission as JSON, as it will travel."""
    content = {**dict(submission), "answered_at": submission.answered_at.isoformat()}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def body_of(row: Row) -> dict[str, object]:
    """A row's submission as plain data."""
    body: dict[str, object] = json.loads(row.body)
    return body


def _stamp(moment: datetime) -> str:
    """A moment as it is stored: in UTC and of one length, so that text compares as time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
