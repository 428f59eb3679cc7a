"""Alerts: what should be looked at, who has, and the outbox of those that are sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlmodel import col

from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database, Lock
from aggregator.storage.submissions import STANDING
from aggregator.storage.tables import AlertPost, AlertRow, SubmissionRow

AGAIN = timedelta(hours=1)  # within which one that comes back is the same alert, not sent again
LEASE = timedelta(minutes=10)  # how long who is sending one has for it
LONGEST_WAIT = timedelta(hours=1)  # between two tries to send one
GIVEN_UP = timedelta(days=30)  # after which one that could not be sent is not tried any more
LONGEST_ERROR = 300  # characters

Details = Mapping[str, str | int | float]
_UNSEEN = (col(AlertRow.live).is_(None), col(AlertRow.seen_at).is_(None))  # and ended


@dataclass(frozen=True)
class Finding:
    """That a rule finds something now; ``details`` fill the places of its sentence."""

    rule: str
    subject: str
    details: Details


@dataclass(frozen=True)
class Alert:
    """An alert as it is kept; ``ended_at`` is None while what it tells of lasts."""

    number: int
    rule: str
    subject: str
    details: Details
    begun_at: datetime
    ended_at: datetime | None
    seen_at: datetime | None
    seen_by: str | None
    note: str | None

    @property
    def live(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True)
class Due:
    """An alert that is to be sent to a channel, by whoever has it until ``LEASE`` is over."""

    number: int
    channel: str
    tries: int
    alert: Alert


class Post(NamedTuple):
    """A channel that an alert is or was sent to, with how often it was tried in vain."""

    channel: str
    due_at: datetime
    tries: int
    sent_at: datetime | None
    error: str | None


class Rated(NamedTuple):
    """A rating and where it was given."""

    department: str | None
    counter: str | None
    code: int


class AlertLog:
    """Reads and writes alerts. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def update(self, findings: Iterable[Finding], now: datetime, channels: Sequence[str]) -> int:
        """Let the live alerts be what was found now; returns how many are new.

        A new one goes into the outbox of each channel. One that ended less than AGAIN ago
        lives on. All in one transaction.
        """
        found = {(one.rule, one.subject): one for one in findings}
        ended = (col(AlertRow.live).is_(None), col(AlertRow.ended_at) > now - AGAIN)
        new = 0
        with self._database.locked(Lock.ALERTS) as connection:
            live = _keyed(connection, col(AlertRow.live) == 1)
            recent = _keyed(connection, *ended)
            for key, row in live.items():
                if key not in found:
                    _change(connection, row.number, live=None, ended_at=now)
                elif row.details != found[key].details:
                    _change(connection, row.number, details=dict(found[key].details))
            for key, one in found.items():
                if key in live:
                    continue
                if key in recent:
                    details = dict(one.details)
                    _change(connection, recent[key].number, live=1, ended_at=None, details=details)
                    continue
                _add(connection, one, now, channels)
                new += 1
        return new

    def see(self, number: int, note: str, new: Entry) -> bool:
        """Note that somebody has looked at an alert; False where somebody had before."""
        query = update(AlertRow).where(
            col(AlertRow.number) == number, col(AlertRow.seen_at).is_(None)
        )
        with self._database.begin(write=True) as connection:
            seen = {"seen_at": new.at, "seen_by": new.actor, "note": note or None}
            if not connection.execute(query.values(**seen)).rowcount:
                return False
            record(connection, new)
        return True

    def live(self) -> list[Alert]:
        """Those that last, the newest first."""
        return self._alerts(col(AlertRow.live) == 1)

    def open(self, unseen: int | None = None) -> list[Alert]:
        """Those that last, and of those that have ended the newest ``unseen`` (None: all) that
        nobody has looked at; the newest first."""
        found = [*self.live(), *self._alerts(*_UNSEEN, limit=unseen)]
        return sorted(found, key=lambda one: (one.begun_at, one.number), reverse=True)

    def unseen(self) -> int:
        """How many have ended that nobody has looked at."""
        with self._database.begin() as connection:
            n: int = connection.execute(select(func.count()).where(*_UNSEEN)).scalar_one()
        return n

    def past(self, limit: int) -> list[Alert]:
        """The newest of those that have ended and were looked at."""
        ended = (col(AlertRow.live).is_(None), col(AlertRow.seen_at).is_not(None))
        return self._alerts(*ended, limit=limit)

    def alert(self, number: int) -> Alert | None:
        return next(iter(self._alerts(col(AlertRow.number) == number)), None)

    def _alerts(self, *conditions: Any, limit: int | None = None) -> list[Alert]:
        query = select(*_COLUMNS).where(*conditions)
        query = query.order_by(col(AlertRow.begun_at).desc(), col(AlertRow.number).desc())
        with self._database.begin() as connection:
            return [_alert(row) for row in connection.execute(query.limit(limit))]

    # The outbox

    def take(self, now: datetime) -> list[Due]:
        """What is to be sent by now, which nobody else gets for LEASE."""
        due = (
            col(AlertPost.sent_at).is_(None),
            col(AlertPost.due_at) <= now,
            col(AlertRow.begun_at) > now - GIVEN_UP,
        )
        post = AlertPost
        query = select(
            col(post.number).label("post"), col(post.channel), col(post.tries), *_COLUMNS
        ).join(AlertRow, col(post.alert) == col(AlertRow.number))
        with self._database.locked(Lock.ALERTS) as connection:
            rows = connection.execute(query.where(*due).order_by(col(AlertPost.number))).all()
            if rows:
                taken = update(post).where(col(post.number).in_([row.post for row in rows]))
                connection.execute(taken.values(due_at=now + LEASE))
        return [Due(row.post, row.channel, row.tries, _alert(row)) for row in rows]

    def sent(self, due: Iterable[Due], now: datetime) -> None:
        numbers = [one.number for one in due]
        query = update(AlertPost).where(col(AlertPost.number).in_(numbers))
        with self._database.begin(write=True) as connection:
            connection.execute(query.values(sent_at=now, error=None))

    def failed(self, due: Iterable[Due], now: datetime, error: str) -> None:
        """Try again later, after twice the time of the last wait, at most LONGEST_WAIT."""
        with self._database.begin(write=True) as connection:
            for one in due:
                wait = min(timedelta(minutes=2 ** min(one.tries, 6)), LONGEST_WAIT)
                query = update(AlertPost).where(col(AlertPost.number) == one.number)
                again = {"due_at": now + wait, "tries": one.tries + 1}
                connection.execute(query.values(**again, error=error[:LONGEST_ERROR]))

    def posts(self, numbers: Sequence[int]) -> dict[int, list[Post]]:
        """Where each of these alerts is or was sent."""
        columns = [col(getattr(AlertPost, name)) for name in ("alert", *Post._fields)]
        query = select(*columns).where(col(AlertPost.alert).in_(numbers))
        found: dict[int, list[Post]] = {}
        with self._database.begin() as connection:
            for alert, *post in connection.execute(query.order_by(col(AlertPost.channel))):
                found.setdefault(alert, []).append(Post(*post))
        return found

    # What a rule looks at and no other room reads

    def rated(self, survey: str, question: str, since: date, until: datetime) -> list[Rated]:
        """The answers to a question from a local day to a moment, the newest first."""
        row = SubmissionRow
        query = select(col(row.department), col(row.counter), col(row.answers)).where(
            col(row.day) >= since,
            col(row.survey) == survey,
            col(row.answered_at) <= until,
            STANDING,
        )
        query = query.order_by(col(row.answered_at).desc(), col(row.number).desc())
        with self._database.begin() as connection:
            return [
                Rated(department, counter, code)
                for department, counter, answers in connection.execute(query)
                if isinstance(code := answers.get(question), int)
            ]


_COLUMNS = [col(getattr(AlertRow, name)) for name in Alert.__dataclass_fields__]


def _keyed(connection: Connection, *conditions: Any) -> dict[tuple[str, str], Alert]:
    """By rule and subject the newest alert."""
    query = select(*_COLUMNS).where(*conditions).order_by(col(AlertRow.number))
    return {(row.rule, row.subject): _alert(row) for row in connection.execute(query)}


def _change(connection: Connection, number: int, **values: object) -> None:
    connection.execute(update(AlertRow).where(col(AlertRow.number) == number).values(**values))


def _add(connection: Connection, new: Finding, now: datetime, channels: Sequence[str]) -> None:
    row = {"rule": new.rule, "subject": new.subject, "details": dict(new.details)}
    query = insert(AlertRow).values(**row, begun_at=now, live=1).returning(col(AlertRow.number))
    number = connection.execute(query).scalar_one()
    for channel in channels:
        connection.execute(
            insert(AlertPost).values(alert=number, channel=channel, due_at=now, tries=0)
        )


def _alert(row: Row[Any]) -> Alert:
    names = Alert.__dataclass_fields__
    return Alert(**{name: row._mapping[name] for name in names})
