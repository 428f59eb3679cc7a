"""Operating figures in the database: what was counted of a centre's work in spans of days."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlmodel import col

from aggregator.indices.operations import Span
from aggregator.storage.readable import OfDepartments
from aggregator.storage.tables import Operation


@dataclass(frozen=True)
class Stated:
    """A figure that somebody stated of a place ('': the whole centre) and a span of days."""

    department: str
    figure: str
    span: Span
    value: int


class Operations(OfDepartments):
    """Reads tables.Operation. Every method raises StorageError."""

    def touching(self, since: date, until: date) -> list[Stated]:
        """The figures whose spans have a day from ``since`` to ``until``, both included.

        Those of merged departments and of one span are added up.
        """
        query = select(Operation.__table__).where(  # type: ignore[attr-defined]
            col(Operation.day) <= until,
            col(Operation.until) >= since,
            *self._readable(col(Operation.department)),
        )
        with self._database.begin() as connection:
            rows = connection.execute(query).all()
        return self.readable(
            Stated(row.department, row.figure, (row.day, row.until), row.value) for row in rows
        )

    def readable(self, stated: Iterable[Stated]) -> list[Stated]:
        """Of some figures those of the departments that are read, each under its heir, added up."""
        sums: dict[tuple[str, str, Span], int] = defaultdict(int)
        for one in stated:
            if self._department in (None, one.department):
                place = self._heirs.get(one.department, one.department)
                sums[place, one.figure, one.span] += one.value
        return [Stated(*key, value) for key, value in sorted(sums.items())]

    def spans(self, limit: int) -> list[Span]:
        """The spans of which anything is stated, the newest first."""
        query = select(col(Operation.day), col(Operation.until)).distinct()
        own = query.where(*self._readable(col(Operation.department)))
        newest = own.order_by(col(Operation.until).desc(), col(Operation.day).desc())
        with self._database.begin() as connection:
            return [(since, until) for since, until in connection.execute(newest.limit(limit))]
