"""What the public may read of closed cases: a pair of texts that a manager wrote for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select
from sqlmodel import col

from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database
from aggregator.storage.tables import CaseRow, PublicAnswerRow


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
        """What is told of cases that are closed, the newest first."""
        told = (col(CaseRow.state) == "closed", col(PublicAnswerRow.said) != "")
        query = _newest().where(*told).order_by(col(PublicAnswerRow.number).desc()).limit(limit)
        with self._database.begin() as connection:
            return [_told(row) for row in connection.execute(query)]

    def tell(self, case: int, said: str, done: str, new: Entry) -> None:
        """Tell the public of a case, or with two empty texts take back what was told."""
        row = {"case_number": case, "at": new.at, "actor": new.actor, "said": said, "done": done}
        with self._database.begin(write=True) as connection:
            connection.execute(insert(PublicAnswerRow), row)
            record(connection, new)


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
