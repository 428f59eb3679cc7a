"""The durable queue: keeps submissions on disk until the aggregator has receipted them."""

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import ValidationError

from kiosk.disk import Disk, stamp
from kiosk.disk import OutboxError as OutboxError
from kiosk.numbering import Chain, chain_of, numbered, uptime
from kiosk.rescue import DAMAGED as DAMAGED
from kiosk.rescue import checksum, is_whole
from kiosk.sealing import LostKeyError, Sealing
from surveys.wire import Receipt, Submission

Added = Literal["stored", "duplicate", "conflict"]
Also = Callable[[sqlite3.Connection], None]  # done in the transaction of what is stored
# A transaction in which a form is stored, and whether its network has sent many; see floods.
Taking = Callable[[], contextlib.AbstractContextManager[bool]]

RECEIPTS_AT_ONCE = 25  # in one transaction: a tap waits for a short one, not for a whole batch
REMEMBERED = timedelta(days=90)  # how long a delivered id is recognised when it is sent again


@dataclass(frozen=True)
class Row:
    """A row of the queue. ``body`` is JSON, ``refused`` why a human must decide.

    ``boot`` and ``up`` are numbering.uptime when it was added, ``checksum`` tells whether it was
    damaged since; None of older releases.
    """

    seq: int
    id: str
    body: str
    added: str
    refused: str | None
    boot: str | None = None
    up: float | None = None
    checksum: int | None = None


@dataclass(frozen=True)
class OutboxStatus:
    """How many rows wait for delivery and since when, and how many were refused."""

    pending: int
    oldest_pending: str | None
    refused: int
    last_delivery: str | None


def nothing(connection: sqlite3.Connection) -> None:
    """Done besides what is stored, where nothing else is."""


class Outbox:
    """What waits for delivery, what was refused, and which ids were delivered already.

    Every method raises OutboxError where the file cannot be read or written.
    """

    def __init__(
        self,
        path: Path,
        *,
        busy_seconds: float = 2.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        uptime: Callable[[], tuple[str, float]] = uptime,
        sealing: Sealing | None = None,
    ) -> None:
        """``sealing`` encrypts what was said; by default nothing is."""
        self.sealing = sealing or Sealing()
        self.disk = Disk(path, busy_seconds, self._digest, self._number_anew)
        self.clock = clock
        self._uptime = uptime

    @property
    def path(self) -> Path:
        return self.disk.path

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self.disk.close()

    # -- adding -----------------------------------------------------------------------------

    def add(self, submission: Submission) -> Added:
        """Put one submission on disk; the first content of an id wins.

        ``duplicate``: the id is known with this content, ``conflict``: with another one.
        """
        return self.add_all([submission])[0]

    def add_all(
        self,
        submissions: Iterable[Submission],
        also: Also = nothing,
    ) -> list[Added]:
        """Put the parts of a visit on disk in one transaction: all that are new, or none.

        The first is the whole that the others belong to: where another content of it is known,
        the others are not looked at. Returns what became of each that was. ``also`` is done in
        the same transaction where the first is new; if it fails, nothing is put on disk.
        """
        added: list[Added] = []
        with self.disk.transaction() as connection:
            for submission in submissions:
                added.append(self.insert(connection, submission, None))
                if added[0] == "conflict":
                    break
            if added[:1] == ["stored"]:
                also(connection)
        return added

    @contextlib.contextmanager
    def taking(self) -> Iterator[bool]:
        """A transaction in which a form is stored that is not counted; it is of no crowd."""
        with self.disk.transaction():
            yield False

    def insert(
        self, connection: sqlite3.Connection, submission: Submission, refused: str | None
    ) -> Added:
        """Put one in the queue inside a transaction; ``refused``: why it waits for a human.

        What is to be delivered gets its number with it; see numbering.
        """
        submission_id, digest = str(submission.id), content_digest(submission)
        known = connection.execute(
            "SELECT digest FROM queue WHERE id = ? UNION ALL SELECT digest FROM delivered"
            " WHERE id = ?",
            (submission_id, submission_id),
        ).fetchone()
        if known is not None:
            return "duplicate" if known[0] == digest else "conflict"
        if refused is None:
            submission = numbered(connection, submission)
        body = self.sealing.close(submission_id, submission.model_dump_json())
        row = (submission_id, digest, body, self.now(), refused, checksum(submission_id, body))
        connection.execute(
            "INSERT INTO queue (id, digest, body, added, refused, checksum, boot, up)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, *self._uptime()),
        )
        return "stored"

    def insert_unread(
        self, connection: sqlite3.Connection, text: str, reason: str, own_id: str = ""
    ) -> None:
        """Keep a text that cannot be read with the refused ones, for a human.

        Under an id of its own, where nothing else has that, or a new one.
        """
        submission_id = own_id or str(uuid4())
        body = self.sealing.close(submission_id, _unread(submission_id, text))
        connection.execute(
            "INSERT INTO queue (id, digest, body, added, refused, checksum)"
            " VALUES (?, '', ?, ?, ?, ?)",
            (submission_id, body, self.now(), reason, checksum(submission_id, body)),
        )

    def insert_sealed(
        self, connection: sqlite3.Connection, id: str, stored: str, reason: str
    ) -> None:
        """Keep a draft whose key is lost with the refused ones, as it is: see retry."""
        if self.knows(id):
            self.insert_unread(connection, stored, reason)
            return
        connection.execute(
            "INSERT INTO queue (id, digest, body, added, refused, checksum)"
            " VALUES (?, '', ?, ?, ?, ?)",
            (id, stored, self.now(), reason, checksum(id, stored)),
        )

    def try_out(self, submission: Submission) -> None:
        """Write a submission to the disk and take it back, in one transaction.

        The same pages are written as for a submission that stays, so where this succeeds one
        would be stored. Raises OutboxError.
        """
        with self.disk.transaction() as connection:
            before = chain_of(connection)
            self.insert(connection, submission, None)
            connection.execute("DELETE FROM queue WHERE id = ?", (str(submission.id),))
            connection.execute("DELETE FROM chain")
            if before is not None:
                connection.execute("INSERT INTO chain VALUES (1, ?, ?, ?, ?)", astuple(before))

    # -- delivering -------------------------------------------------------------------------

    def pending(self, limit: int, after: int = 0) -> list[Row]:
        """The oldest rows that wait for delivery, those past the sequence number ``after``."""
        rows = self._rows("refused IS NULL AND seq > ? ORDER BY seq LIMIT ?", (after, limit))
        if any(row.refused is not None for row in rows):
            self.disk.distrust("an index does not have what its table has")
        read = [(row, *self.unsealed(row.id, row.body, row.checksum)) for row in rows]
        unread = [(problem, row.seq) for row, text, problem in read if text is None]
        if unread:
            with self.disk.transaction() as connection:
                connection.executemany("UPDATE queue SET refused = ? WHERE seq = ?", unread)
        found = [replace(row, body=text) for row, text, _ in read if text is not None]
        return found or (self.pending(limit, rows[-1].seq) if rows else [])

    def unsealed(self, id: str, stored: str, check: int | None) -> tuple[str | None, str | None]:
        """What a row or draft says; else None, and why a human must look at it.

        SQLite notices no change of a byte within a text: what was said is not known any more.
        """
        if not is_whole(id, stored, check):
            return None, DAMAGED
        try:
            return self.sealing.open(id, stored), None
        except LostKeyError as error:
            return None, f"kiosk: {error}"
        except ValueError:
            return None, DAMAGED

    def seal_anew(self) -> int:
        """Encrypt with the newest key whatever is not; returns how many rows and drafts it was.

        What cannot be read stays as it is.
        """
        changed = 0
        for table in ("queue", "draft"):
            with self.disk.transaction() as connection:
                query = f"SELECT id, body, checksum FROM {table}"  # noqa: S608
                for id, stored, check in connection.execute(query).fetchall():
                    if self.sealing.is_newest(stored):
                        continue
                    text, _ = self.unsealed(id, stored, check)
                    if text is not None:
                        body = self.sealing.close(id, text)
                        connection.execute(
                            f"UPDATE {table} SET body = ?, checksum = ? WHERE id = ?",  # noqa: S608
                            (body, checksum(id, body), id),
                        )
                        changed += 1
        if changed:
            self.disk.checkpoint(empty=True)  # its log would still hold what was said
        return changed

    def refused(self) -> list[Row]:
        """The rows kept for a human, oldest first; of one whose key is lost what is stored."""
        rows = []
        for row in self._rows("refused IS NOT NULL ORDER BY seq", ()):
            try:
                body = self.sealing.open(row.id, row.body)
            except (LostKeyError, ValueError):
                body = _unread(row.id, row.body)
            rows.append(replace(row, body=body))
        return rows

    def settle(self, receipts: Mapping[str, Receipt]) -> int:
        """Apply receipts, by id: accepted rows and duplicates leave, others stay with their reason.

        Returns how many rows no longer wait.
        """
        items, settled = list(receipts.items()), 0
        for start in range(0, len(items), RECEIPTS_AT_ONCE):
            settled += self._settle_some(items[start : start + RECEIPTS_AT_ONCE])
        with self.disk.transaction() as connection:
            # The newest stays whatever its age: status() reads from it when the last delivery was.
            connection.execute(
                "DELETE FROM delivered WHERE at < ? AND at < (SELECT max(at) FROM delivered)",
                (stamp(self.clock() - REMEMBERED),),
            )
        return settled

    def _settle_some(self, receipts: list[tuple[str, Receipt]]) -> int:
        taken, refused = [], []
        for submission_id, receipt in receipts:
            if receipt.status in ("accepted", "duplicate"):
                taken.append(submission_id)
            else:
                refused.append((f"{receipt.status}: {receipt.reason or '?'}", submission_id))
        ids = json.dumps(taken)
        with self.disk.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO delivered (id, digest, at) SELECT id, digest, ? FROM queue"
                " WHERE id IN (SELECT value FROM json_each(?))",
                (self.now(), ids),
            )
            settled = connection.execute(
                "DELETE FROM queue WHERE id IN (SELECT value FROM json_each(?))", (ids,)
            ).rowcount
            for reason_and_id in refused:
                settled += connection.execute(
                    "UPDATE queue SET refused = ? WHERE id = ? AND refused IS NULL", reason_and_id
                ).rowcount
        return settled

    def retry(self, submission_id: str | None = None) -> int:
        """Let refused rows wait again: one, or all of them. Returns how many.

        One that was never to be delivered before gets its number now. One that was damaged, or
        whose key is lost, stays.
        """
        with self.disk.transaction() as connection:
            found = connection.execute(
                "SELECT id, body, checksum, seq FROM queue WHERE refused IS NOT NULL"
                " AND id = coalesce(?, id) ORDER BY seq",
                (submission_id,),
            ).fetchall()
            read = [(id, self.unsealed(id, body, check)[0], seq) for id, body, check, seq in found]
            rows = [(id, body, seq) for id, body, seq in read if body is not None]
            for id, body, seq in rows:
                with contextlib.suppress(ValidationError):  # of another version, or unread
                    body = numbered(
                        connection, Submission.model_validate_json(body)
                    ).model_dump_json()
                self._rewrite(connection, id, body)
                connection.execute("UPDATE queue SET refused = NULL WHERE seq = ?", (seq,))
            return len(rows)

    def _number_anew(self, connection: sqlite3.Connection) -> None:
        """Begin another chain with what waits for delivery, after a rescue.

        What the aggregator has by a number of the former chain is a duplicate for it. What was
        refused gets its number where it is tried again.
        """
        found = connection.execute(
            "SELECT id, body, checksum, refused FROM queue ORDER BY seq"
        ).fetchall()
        for id, stored, check, refused in found:
            text, _ = self.unsealed(id, stored, check)
            with contextlib.suppress(ValidationError):  # of another version, or unread
                submission = Submission.model_validate_json(text or "")
                submission = submission.model_copy(update={"device_seq": None, "device_mac": None})
                if refused is None:
                    submission = numbered(connection, submission)
                self._rewrite(connection, id, submission.model_dump_json())

    def _rewrite(self, connection: sqlite3.Connection, id: str, body: str) -> None:
        """Put another text in a row of the queue."""
        sealed = self.sealing.close(id, body)
        connection.execute(
            "UPDATE queue SET body = ?, checksum = ? WHERE id = ?",
            (sealed, checksum(id, sealed), id),
        )

    def chain(self) -> Chain | None:
        """The chain of what was put in the queue; None before the first."""
        with self.disk.transaction(write=False) as connection:
            return chain_of(connection)

    def clock_steps(self, rows: Sequence[Row]) -> tuple[datetime, list[int | None]]:
        """This clock's time now, and by how many seconds it has been set back since each row.

        That is 0 where nobody has set it, and None where the machine was started since: by how
        much the clock was wrong before that nobody knows.
        """
        now, (boot, up) = self.clock(), self._uptime()
        steps: list[int | None] = []
        for row in rows:
            if row.boot != boot or row.up is None:
                steps.append(None)
            else:
                passed = (now - datetime.fromisoformat(row.added)).total_seconds()
                steps.append(round(up - row.up - passed))
        return now, steps

    def status(self) -> OutboxStatus:
        """How much waits, how much was refused, and when the last delivery was."""
        with self.disk.transaction(write=False) as connection:
            row = connection.execute(
                "SELECT count(*) FILTER (WHERE refused IS NULL),"
                " min(added) FILTER (WHERE refused IS NULL),"
                " count(*) FILTER (WHERE refused IS NOT NULL),"
                " (SELECT max(at) FROM delivered) FROM queue"
            ).fetchone()
        return OutboxStatus(*row)

    def note_problem(self, reason: str | None) -> None:
        """Keep why the last delivery failed, for the command line; None: it did not fail."""
        with self.disk.transaction() as connection:
            connection.execute("DELETE FROM problem")
            if reason is not None:
                connection.execute("INSERT INTO problem VALUES (1, ?, ?)", (self.now(), reason))

    def problem(self) -> tuple[str, str] | None:
        """Since when delivery fails, and why; None where it does not."""
        with self.disk.transaction(write=False) as connection:
            row = connection.execute("SELECT at, reason FROM problem").fetchone()
        return None if row is None else (row[0], row[1])

    def knows(self, submission_id: str) -> bool:
        """Whether a submission is in the queue, or was delivered in the last 90 days."""
        with self.disk.transaction(write=False) as connection:
            row = connection.execute(
                "SELECT 1 FROM queue WHERE id = ? UNION ALL SELECT 1 FROM delivered WHERE id = ?",
                (submission_id, submission_id),
            ).fetchone()
        return row is not None

    def _rows(self, where: str, values: tuple[object, ...]) -> list[Row]:
        with self.disk.transaction(write=False) as connection:
            columns = "seq, id, body, added, refused, boot, up, checksum"
            rows = connection.execute(f"SELECT {columns} FROM queue WHERE {where}", values)  # noqa: S608
            return [Row(*row) for row in rows]

    def _digest(self, id: str, stored: str) -> str:
        """The digest of a submission or draft as it is stored.

        Raises ValueError for what is none, or has another id, and LostKeyError.
        """
        submission = Submission.model_validate_json(self.sealing.open(id, stored))
        if str(submission.id) != id:
            raise ValueError(id)
        return content_digest(submission)

    def now(self) -> str:
        """The present time as it is stored."""
        return stamp(self.clock())


def content_digest(submission: Submission) -> str:
    """The digest of a submission without its time: sent again a second later, it is the same.

    Its receipt code, its number, its salt and its network are no part of what was said, either.
    """
    content = {**dict(submission), "answered_at": None}
    for name in ("receipt", "crowded", "device_seq", "device_mac", "comment_salt"):
        del content[name]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _unread(id: str, text: str) -> str:
    """A row of the queue that holds a text which is no submission."""
    return json.dumps({"id": id, "survey": "?", "department": None, "unread": text})


def body_of(row: Row) -> dict[str, object]:
    """The submission of a row as plain data."""
    body: dict[str, object] = json.loads(row.body)
    return body
