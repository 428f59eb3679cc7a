"""Drafts of unfinished surveys and ratings, in the outbox's file: a crash loses no answer."""

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from kiosk.disk import stamp
from kiosk.outbox import DAMAGED, Added, Outbox
from kiosk.rescue import checksum
from surveys.wire import Submission

Finished = Added | Literal["empty"]  # what became of a draft that was sent
# From a draft's text to its submission, None where nothing was answered, and the reason why a
# human must look at it first, if there is one.
ToSubmission = Callable[[str], tuple[Submission | None, str | None]]


class Drafts:
    """Drafts as texts by id, each with a time at which it is sent as it stands.

    Every method raises OutboxError where the file cannot be read or written.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._disk = outbox.disk

    def open(self, draft_id: str, body: str, expires: datetime) -> bool:
        """Begin a draft; False where there is one of this id already, or it was sent."""
        with self._disk.transaction() as connection:
            if self._outbox.knows(draft_id):
                return False
            sealed = self._outbox.sealing.close(draft_id, body)
            return (
                connection.execute(
                    "INSERT OR IGNORE INTO draft (id, body, expires, checksum) VALUES (?, ?, ?, ?)",
                    (draft_id, sealed, stamp(expires), checksum(draft_id, sealed)),
                ).rowcount
                == 1
            )

    def read(self, draft_id: str) -> str | None:
        """The text of a draft; None where there is none."""
        with self._disk.transaction(write=False) as connection:
            return self._body(connection, draft_id)

    def change(self, draft_id: str, change: Callable[[str], tuple[str, datetime]]) -> str | None:
        """Change a draft in one transaction, so that two taps at once lose no answer.

        ``change`` makes of its text the new one, and when it is to be sent. Returns the new
        text; None where there is no such draft.
        """
        with self._disk.transaction() as connection:
            before = self._body(connection, draft_id)
            if before is None:
                return None
            body, expires = change(before)
            sealed = self._outbox.sealing.close(draft_id, body)
            connection.execute(
                "UPDATE draft SET body = ?, expires = ?, checksum = ? WHERE id = ?",
                (sealed, stamp(expires), checksum(draft_id, sealed), draft_id),
            )
            return body

    def exist(self) -> bool:
        """Whether somebody is answering, or has not finished."""
        with self._disk.transaction(write=False) as connection:
            return connection.execute("SELECT 1 FROM draft LIMIT 1").fetchone() is not None

    def expired(self, longest: timedelta) -> list[str]:
        """The ids of the drafts that are to be sent now.

        Those are the ones whose time has passed, and those that would wait for more than
        ``longest``, the longest wait there is: they were saved while the clock was ahead.
        """
        now = self._outbox.clock()
        with self._disk.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT id FROM draft WHERE expires <= ? OR expires > ?",
                (stamp(now), stamp(now + longest)),
            )
            return [row[0] for row in rows]

    def finish(self, draft_id: str, to_submission: ToSubmission) -> Finished | None:
        """Turn a draft into a submission in the queue, in one transaction.

        Returns what became of it; None where there is no such draft. ``conflict``: the id was
        taken with other content meanwhile, and the draft is kept for a human. One that was damaged,
        or whose key is lost, is kept for a human, too.
        """
        with self._disk.transaction() as connection:
            row = connection.execute(
                "DELETE FROM draft WHERE id = ? RETURNING body, checksum", (draft_id,)
            ).fetchone()
            if row is None:
                return None
            body, problem = self._outbox.unsealed(draft_id, *row)
            if body is None and problem != DAMAGED:
                self._outbox.insert_sealed(connection, draft_id, row[0], str(problem))
                return "empty"
            if body is None:
                own = "" if self._outbox.knows(draft_id) else draft_id
                self._outbox.insert_unread(connection, row[0], DAMAGED, own)
                return "empty"
            submission, refused = to_submission(body)
            if submission is None:
                return "empty"
            added = self._outbox.insert(connection, submission, refused)
            if added == "conflict":
                other = submission.model_copy(update={"id": str(uuid4())})
                self._outbox.insert(connection, other, f"kiosk: another answer of {draft_id}")
            return added

    def set_aside(self, draft_id: str, reason: str) -> None:
        """Move the text of a draft that cannot be read to the refused rows, for a human."""
        with self._disk.transaction() as connection:
            row = connection.execute(
                "DELETE FROM draft WHERE id = ? RETURNING body, checksum", (draft_id,)
            ).fetchone()
            if row is not None:
                body, _ = self._outbox.unsealed(draft_id, *row)
                self._outbox.insert_unread(connection, body or str(row[0]), reason)

    def _body(self, connection: sqlite3.Connection, draft_id: str) -> str | None:
        """The text of a draft; None where there is none, or it cannot be read."""
        query = "SELECT body, checksum FROM draft WHERE id = ?"
        row = connection.execute(query, (draft_id,)).fetchone()
        return None if row is None else self._outbox.unsealed(draft_id, *row)[0]
