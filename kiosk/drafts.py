"""Drafts of unfinished walks, in the outbox's file: a crash of any browser loses no answer."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from kiosk.disk import stamp
from kiosk.outbox import Added, Outbox
from surveys.wire import Submission

Finished = Added | Literal["empty"]  # what became of a draft
Make = Callable[[str], tuple[Submission | None, str | None]]


class Drafts:
    """Texts by id, each with a moment after which it is finished without its author."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._disk = outbox.disk

    def open(self, key: str, body: str, expires: datetime) -> bool:
        """Begin a draft; False where this id is a draft already, or was finished."""
        with self._disk.transaction() as connection:
            if self._outbox.knows(key):
                return False
            return (
                connection.execute(
                    "INSERT OR IGNORE INTO draft (id, body, expires) VALUES (?, ?, ?)",
                    (key, body, stamp(expires)),
                ).rowcount
                == 1
            )

    def read(self, key: str) -> str | None:
        """A draft's content."""
        with self._disk.transaction(write=False) as connection:
            row = connection.execute("SELECT body FROM draft WHERE id = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def change(self, key: str, change: Callable[[str], str], expires: datetime) -> str | None:
        """Change a draft in one transaction, so that two taps at once lose no answer."""
        with self._disk.transaction() as connection:
            row = connection.execute("SELECT body FROM draft WHERE id = ?", (key,)).fetchone()
            if row is None:
                return None
            body = change(row[0])
            connection.execute(
                "UPDATE draft SET body = ?, expires = ? WHERE id = ?",
                (body, stamp(expires), key),
            )
            return body

    def expired(self, longest: timedelta) -> list[str]:
        """Drafts that nobody touched for too long.

        One that would wait for more than ``longest`` was saved while the clock ran ahead.
        """
        now = self._outbox.clock()
        with self._disk.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT id FROM draft WHERE expires <= ? OR expires > ?",
                (stamp(now), stamp(now + longest)),
            )
            return [row[0] for row in rows]

    def finish(self, key: str, make: Make) -> Finished | None:
        """Turn a draft into a submission in one transaction.

        ``make`` makes it from the draft's content, with a reason where a human must look at
        it first; no submission means that nothing was answered. None: there is no such draft.
        Where the id was taken with other content meanwhile, the draft is kept for a human.
        """
        with self._disk.transaction() as connection:
            row = connection.execute(
                "DELETE FROM draft WHERE id = ? RETURNING body", (key,)
            ).fetchone()
            if row is None:
                return None
            submission, refused = make(row[0])
            if submission is None:
                return "empty"
            added = self._outbox.insert(connection, submission, refused)
            if added == "conflict":
                other = submission.model_copy(update={"id": str(uuid4())})
                self._outbox.insert(connection, other, f"kiosk: another answer of {key}")
            return added

    def set_aside(self, key: str, reason: str) -> None:
        """Keep a draft that nothing can be made of for a human, as it stands."""
        with self._disk.transaction() as connection:
            row = connection.execute(
                "DELETE FROM draft WHERE id = ? RETURNING body", (key,)
            ).fetchone()
            if row is not None:
                self._outbox.insert_unread(connection, str(row[0]), reason)
