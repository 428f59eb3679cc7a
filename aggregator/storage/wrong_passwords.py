"""Wrong passwords and receipt codes in the database, where several processes count together."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from aggregator.storage.database import Database, Lock
from aggregator.storage.tables import WrongPassword

State = tuple[float, float]  # how many wrong passwords, and the time of the last in seconds


class WrongPasswords:
    """Reads and writes tables.WrongPassword. Every method raises StorageError."""

    def __init__(self, database: Database, lock: Lock) -> None:
        """``lock`` is held during a turn: passwords take long, and codes need not wait for them."""
        self._database = database
        self._lock = lock

    @property
    def shared(self) -> bool:
        """Whether other processes may check passwords too: SQLite is one process's own."""
        return self._database.engine.dialect.name == "postgresql"

    def turn(self) -> AbstractContextManager[object]:
        """While it is held, no other process has a turn.

        So passwords given to several processes at one moment are not checked all at once, and of
        wrong codes that are counted at one moment none is lost.
        """
        return self._database.locked(self._lock)

    def get(self, buckets: Sequence[str]) -> dict[str, State]:
        """The states of those buckets that have wrong passwords."""
        own = col(WrongPassword.bucket)
        query = select(own, col(WrongPassword.wrong), col(WrongPassword.since))
        with self._database.begin() as connection:
            rows = connection.execute(query.where(own.in_(buckets))).all()
        return {bucket: (wrong, since) for bucket, wrong, since in rows}

    def put(self, states: Mapping[str, tuple[float, float, float]], now: float) -> None:
        """Set wrong, since and until of buckets, and delete those that are forgotten ``now``."""
        rows = [
            {"bucket": bucket, "wrong": wrong, "since": since, "until": until}
            for bucket, (wrong, since, until) in sorted(states.items())
        ]
        new = insert(WrongPassword)
        changed = {name: new.excluded[name] for name in ("wrong", "since", "until")}
        upsert = new.on_conflict_do_update(index_elements=["bucket"], set_=changed)
        with self._database.begin(write=True) as connection:
            connection.execute(delete(WrongPassword).where(col(WrongPassword.until) < now))
            connection.execute(upsert, rows)
