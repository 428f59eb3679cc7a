"""The audit log: who did what, and when. It is written and read, never changed.

The database itself refuses to change or delete an entry; see migrations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, func, insert, or_, select
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from aggregator.storage.database import Database
from aggregator.storage.tables import AuditRow
from aggregator.wording.messages import MESSAGES
from surveys.messages import LANGUAGES, Language
from surveys.text import cleaned, without_marks

Kind = Literal[
    "sign_in",
    "account",
    "organisation",
    "device",
    "survey",
    "roster",
    "batch",
    "attitude",
    "reference",
    "settings",
    "export",
    "report",
    "comment",
    "unmasking",
    "case",
    "alert",
    "data",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
COMMAND_LINE = ""  # the actor where a command did it, or somebody who is not signed in

# Values that are words of ours: their texts are in the catalogue under this and the value.
WORDS = {"role": "role.", "former": "role.", "what": "audit.what."}


@dataclass(frozen=True)
class Entry:
    """What is to be recorded: ``actor`` did ``event`` at a moment.

    ``actor`` is the account's name, or COMMAND_LINE. ``event`` is a kind and what happened, such
    as ``device.revoked``; the sentence for it is in the catalogue under ``audit.EVENT``, and
    ``values`` fill its places. A secret, or what a citizen wrote, is never among them.
    """

    at: datetime
    actor: str
    event: str
    values: Mapping[str, str | int]


def entry(at: datetime, actor: str, event: str, /, **values: str | int) -> Entry:
    return Entry(at, actor, event, values)


def record(connection: Connection, new: Entry) -> None:
    """Write an entry in the transaction of the change that it tells of: both stay, or neither.

    Raises KeyError for an event without a sentence, or a sentence with a place and no value.
    """
    kind = new.event.partition(".")[0]
    if kind not in KINDS:
        raise KeyError(new.event)
    # What is searched: the sentences as they are today, in both languages.
    words = " ".join([new.actor, *(sentence(new.event, new.values, one) for one in LANGUAGES)])
    words = cleaned(words).lower()
    connection.execute(
        insert(AuditRow).values(
            at=new.at,
            kind=kind,
            event=new.event,
            actor=new.actor,
            details=dict(new.values),
            words=words,
            unmarked=without_marks(words),
        )
    )


def sentence(event: str, values: Mapping[str, str | int], language: Language) -> str:
    """What happened, as a sentence without who did it. Raises KeyError as record does."""
    written = {
        name: MESSAGES.get(language, f"{WORDS[name]}{value}") if name in WORDS else value
        for name, value in values.items()
    }
    return MESSAGES.get(language, f"audit.{event}").format(**written)


@dataclass(frozen=True)
class Search:
    """Which entries are wanted; None and '' leave a condition out.

    Every word of ``words`` must be in an entry: one with marks exactly, one without them in
    any spelling; or one of the ids that ``named`` has for it, since entries have ids where people
    read names. ``since`` and ``until`` are moments, the latter not included.
    """

    words: str = ""
    kind: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    named: Mapping[str, Sequence[str]] = field(default_factory=dict)


def words_of(text: str) -> list[str]:
    """The words of a search, as they are compared."""
    return cleaned(text).lower().split()


class AuditLog:
    """Reads the log, newest first, and writes entries of what changes nothing in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, new: Entry) -> None:
        """Record what is no change of the database, such as an export, in its own transaction."""
        with self._database.begin(write=True) as connection:
            record(connection, new)

    def count(self, search: Search) -> int:
        query = select(func.count()).select_from(AuditRow).where(*_conditions(search))
        with self._database.begin() as connection:
            return connection.execute(query).scalar_one()

    def entries(
        self, search: Search, limit: int, before: int | None = None
    ) -> Sequence[Row[int, datetime, str, str, str, dict[str, Any]]]:
        """At most ``limit`` entries older than the one with the number ``before``.

        Columns: number, at, kind, event, actor, details.
        """
        names = ("number", "at", "kind", "event", "actor", "details")
        query = select(*(col(getattr(AuditRow, name)) for name in names))
        query = query.where(*_conditions(search)).order_by(col(AuditRow.number).desc())
        if before is not None:
            query = query.where(col(AuditRow.number) < before)
        with self._database.begin() as connection:
            return connection.execute(query.limit(limit)).all()

    def actors(self) -> list[str]:
        """Everybody who is in the log, in the order of their names."""
        query = select(col(AuditRow.actor)).distinct().order_by(col(AuditRow.actor))
        with self._database.begin() as connection:
            return list(connection.execute(query).scalars())


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    conditions = []
    for word in words_of(search.words):
        bare = without_marks(word)
        column = col(AuditRow.unmarked) if bare == word else col(AuditRow.words)
        ids = search.named.get(word, ())
        named = (col(AuditRow.words).contains(id, autoescape=True) for id in ids)
        conditions.append(or_(column.contains(word, autoescape=True), *named))
    if search.kind is not None:
        conditions.append(col(AuditRow.kind) == search.kind)
    if search.actor is not None:
        conditions.append(col(AuditRow.actor) == search.actor)
    if search.since is not None:
        conditions.append(col(AuditRow.at) >= search.since)
    if search.until is not None:
        conditions.append(col(AuditRow.at) < search.until)
    return conditions
