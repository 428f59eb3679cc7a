"""The durable queue: what was answered lies on disk here until the aggregator has a receipt."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import uuid4

from kiosk.disk import Disk, stamp
from kiosk.disk import OutboxError as OutboxError
from surveys.wire import Receipt, Submission

Added = Literal["stored", "duplicate", "conflict"]

PIECE = 25  # receipts acted on in one transaction
REMEMBERED = timedelta(days=90)  # how long a delivered id is recognised when posted again


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
    """What waits for delivery, what was refused, and which ids were taken already."""

    def __init__(
        self,
        path: Path,
        *,
        busy_seconds: float = 2.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.disk = Disk(path, busy_seconds)
        self.clock = clock

    @property
    def path(self) -> Path:
        return self.disk.path

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self.disk.close()

    # -- adding -----------------------------------------------------------------------------

    def add(self, submission: Submission) -> Added:
        """Put one submission on disk; the first content of an id wins."""
        return self.add_all([submission])[0]

    def add_all(self, submissions: Iterable[Submission]) -> list[Added]:
        """Put several on disk in one transaction: either every new one is there, or none."""
        with self.disk.transaction() as connection:
            return [self.insert(connection, one, None) for one in submissions]

    def insert(
        self, connection: sqlite3.Connection, submission: Submission, refused: str | None
    ) -> Added:
        """Put one in the queue inside a transaction, with a reason where it waits for a human."""
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
            (key, digest, submission.model_dump_json(), self.now(), refused),
        )
        return "stored"

    def insert_unread(self, connection: sqlite3.Connection, text: str, reason: str) -> None:
        """Keep a text that is no submission with the refused ones, under an id of its own."""
        key = str(uuid4())
        body = {"id": key, "survey": "?", "department": None, "unread": text}
        connection.execute(
            "INSERT INTO queue (id, digest, body, added, refused) VALUES (?, ?, ?, ?, ?)",
            (key, "", json.dumps(body), self.now(), reason),
        )

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
        items, settled = list(receipts.items()), 0
        # A tap waits at most for one small piece, not for a whole batch.
        for start in range(0, len(items), PIECE):
            settled += self._settle_piece(items[start : start + PIECE])
        with self.disk.transaction() as connection:
            # The newest stays whatever its age: it tells /status when the last delivery was.
            connection.execute(
                "DELETE FROM delivered WHERE at < ? AND at < (SELECT max(at) FROM delivered)",
                (stamp(self.clock() - REMEMBERED),),
            )
        return settled

    def _settle_piece(self, items: list[tuple[str, Receipt]]) -> int:
        taken = [key for key, one in items if one.status in ("accepted", "duplicate")]
        kept = [
            (f"{one.status}: {one.reason or '?'}", key)
            for key, one in items
            if one.status not in ("accepted", "duplicate")
        ]
        keys = json.dumps(taken)
        with self.disk.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO delivered (id, digest, at) SELECT id, digest, ? FROM queue"
                " WHERE id IN (SELECT value FROM json_each(?))",
                (self.now(), keys),
            )
            settled = connection.execute(
                "DELETE FROM queue WHERE id IN (SELECT value FROM json_each(?))", (keys,)
            ).rowcount
            for reason, key in kept:
                settled += connection.execute(
                    "UPDATE queue SET refused = ? WHERE id = ? AND refused IS NULL", (reason, key)
                ).rowcount
        return settled

    def retry(self, key: str | None = None) -> int:
        """Let refused rows wait again: one, or all of them. Returns how many."""
        with self.disk.transaction() as connection:
            return connection.execute(
                "UPDATE queue SET refused = NULL"
                " WHERE refused IS NOT NULL AND id = coalesce(?, id)",
                (key,),
            ).rowcount

    def standing(self) -> Standing:
        """Counts and times for /status."""
        with self.disk.transaction(write=False) as connection:
            row = connection.execute(
                "SELECT count(*) FILTER (WHERE refused IS NULL),"
                " min(added) FILTER (WHERE refused IS NULL),"
                " count(*) FILTER (WHERE refused IS NOT NULL),"
                " (SELECT max(at) FROM delivered) FROM queue"
            ).fetchone()
        return Standing(*row)

    def note_problem(self, reason: str | None) -> None:
        """Keep why the last delivery failed, for whoever looks; None: it did not."""
        with self.disk.transaction() as connection:
            connection.execute("DELETE FROM problem")
            if reason is not None:
                connection.execute("INSERT INTO problem VALUES (1, ?, ?)", (self.now(), reason))

    def problem(self) -> tuple[str, str] | None:
        """Since when delivery fails, and why."""
        with self.disk.transaction(write=False) as connection:
            row = connection.execute("SELECT at, reason FROM problem").fetchone()
        return None if row is None else (row[0], row[1])

    def knows(self, key: str) -> bool:
        """Whether an id is on its way or already delivered."""
        with self.disk.transaction(write=False) as connection:
            found = connection.execute(
                "SELECT 1 FROM queue WHERE id = ? UNION ALL SELECT 1 FROM delivered WHERE id = ?",
                (key, key),
            ).fetchone()
        return found is not None

    def _rows(self, where: str, values: tuple[object, ...]) -> list[Row]:
        with self.disk.transaction(write=False) as connection:
            rows = connection.execute(
                f"SELECT seq, id, body, added, refused FROM queue WHERE {where}",  # noqa: S608
                values,
            )
            return [Row(*row) for row in rows]

    def now(self) -> str:
        """The moment as it is stored."""
        return stamp(self.clock())


def content_digest(submission: Submission) -> str:
    """The digest of what was answered, whenever it arrived: a reload comes a second later."""
    content = {**dict(submission), "answered_at": None}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def body_of(row: Row) -> dict[str, object]:
    """A row's submission as plain data."""
    body: dict[str, object] = json.loads(row.body)
    return body
