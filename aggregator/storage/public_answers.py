"""What the public may read of closed cases: a pair of texts that a manager wrote for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, or_, select
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database
from aggregator.storage.tables import CaseRow, CommentEventRow, PublicAnswerRow, SubmissionRow


@dataclass(frozen=True)
class PublicAnswer:
    """What citizens said of something, and what was done about it, as told to everybody."""

    case: int
    at: datetime
    said: str
    done: str


class PublicAnswers:
    """Reads and writes tables.PublicAnswerRow; raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, case: int) -> PublicAnswer | None:
        """What is told of a case; None where nothing is, or it was taken back."""
        with self._database.begin() as connection:
            row = connection.execute(_newest().where(col(CaseRow.number) == case)).one_or_none()
        return _told(row) if row is not None and row.said else None

    def newest(self, limit: int) -> list[PublicAnswer]:
        """What is told of cases that may be told of, the newest first."""
        query = _newest().where(*_tellable(), col(PublicAnswerRow.said) != "")
        with self._database.begin() as connection:
            newest = query.order_by(col(PublicAnswerRow.number).desc()).limit(limit)
            return [_told(row) for row in connection.execute(newest)]

    def may_tell(self, case: int) -> bool:
        """Whether the public may be told of a case: it is closed, and of no hidden comment."""
        with self._database.begin() as connection:
            return _may_tell(connection, case)

    def tell(self, case: int, said: str, done: str, new: Entry) -> bool:
        """Tell the public of a case, or with two empty texts take back what was told.

        False, and nothing is written, where the public may not be told of it.
        """
        row = {"case_number": case, "at": new.at, "actor": new.actor, "said": said, "done": done}
        with self._database.begin(write=True) as connection:
            if said and not _may_tell(connection, case):
                return False
            connection.execute(insert(PublicAnswerRow), row)
            record(connection, new)
        return True


def _may_tell(connection: Connection, case: int) -> bool:
    query = select(col(CaseRow.number)).where(col(CaseRow.number) == case, *_tellable())
    return connection.execute(query).one_or_none() is not None


def _tellable() -> tuple[ColumnElement[bool], ...]:
    """Cases that are closed, but for those of comments that are hidden from the public."""
    event = CommentEventRow
    last = (
        select(func.max(col(event.number)))
        .where(col(event.kind).in_(("hide", "show")))
        .group_by(col(event.comment))
    )
    hidden = (
        select(col(SubmissionRow.id))
        .join(event, col(event.comment) == col(SubmissionRow.number))
        .where(col(event.number).in_(last), col(event.kind) == "hide")
    )
    of = col(CaseRow.submission)
    return col(CaseRow.state) == "closed", or_(of.is_(None), of.not_in(hidden))


def _newest() -> Select[Any]:
    """The newest row of each case, with the case."""
    row = PublicAnswerRow
    last = select(func.max(col(row.number))).group_by(col(row.case_number))
    names = ("case_number", "at", "said", "done")
    return (
        select(*(col(getattr(row, name)) for name in names))
        .join(CaseRow, col(CaseRow.number) == col(row.case_number))
        .where(col(row.number).in_(last))
    )


def _told(row: Row[Any]) -> PublicAnswer:
    return PublicAnswer(row.case_number, row.at, row.said, row.done)
