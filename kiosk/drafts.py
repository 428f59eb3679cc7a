"""Drafts of unfinished walks, in the outbox's file: a crash of any browser loses no answer."""

from collections.abc import Callable
from datetime import datetime

from kiosk.disk import stamp
from kiosk.outbox import Added, Outbox
from surveys.wire import Submission


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

    def expired(self) -> list[str]:
        """Drafts that nobody touched for too long."""
        with self._disk.transaction(write=False) as connection:
            rows = connection.execute(
                "SELECT id FROM draft WHERE expires <= ?", (self._outbox.now(),)
            )
            return [row[0] for row in rows]

    def finish(
        self, key: str, make: Callable[[str], tuple[Submission | None, str | None]]
    ) -> Added | None:
        """Turn a draft into a submission in one transaction.

        ``make`` makes it from the draft's content, with a reason where a human must look at
        it first; no submission means that nothing was answered. None: there is no such draft.
        """
        with self._disk.transaction() as connection:
            row = connection.execute(
                "DELETE FROM draft WHERE id = ? RETURNING body", (key,)
            ).fetchone()
            if row is None:
                return None
            submission, refused = make(row[0])
            return (
                "stored"
                if submission is None
                else self._outbox.insert(connection, submission, refused)
            )
