"""Counts of handled dossiers and departments' facts (Circular 01/2018) in the database."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, col

from aggregator.indices.circular_01_2018 import BY_DOSSIER, EXTENT, Counts, Extent, Facts
from aggregator.storage import journal
from aggregator.storage.readable import OfDepartments
from aggregator.storage.tables import HandlingFacts, HandlingTally

COUNTS = tuple(Counts.__dataclass_fields__)
STEPS: Mapping[int, Extent] = {points: extent for extent, points in EXTENT.items()}
INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
DayDepartment = tuple[date, str]  # a day and a department


class Handling(OfDepartments):
    """Reads and writes tables.HandlingTally and tables.HandlingFacts.

    Writing replaces all that is stored of a day and department. So importing a file twice
    changes nothing, and a file must be complete for each day and department that it names.
    """

    def set_dossiers(self, cells: Mapping[DayDepartment, Mapping[int, Counts]]) -> None:
        """Replace the counts of days and departments; each has all indicators of BY_DOSSIER."""
        names = HandlingTally.model_fields
        rows = [dict(zip(names, row, strict=True)) for row in dossier_rows(cells)]
        self._set(HandlingTally, rows)

    def set_facts(self, cells: Mapping[DayDepartment, Facts]) -> None:
        """Replace the facts of days and departments."""
        names = HandlingFacts.model_fields
        rows = [dict(zip(names, row, strict=True)) for row in facts_rows(cells)]
        self._set(HandlingFacts, rows)

    def _set(self, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert or replace rows, given in key order so that two writers cannot deadlock."""
        if not rows:
            return
        key = [column.name for column in table.__table__.primary_key]  # type: ignore[attr-defined]
        with self._database.begin(write=True) as connection:
            statement = INSERT[connection.dialect.name](table)
            new = {name: statement.excluded[name] for name in rows[0] if name not in key}
            upsert = statement.on_conflict_do_update(index_elements=key, set_=new)
            connection.execute(upsert, rows)
            journal.note(connection, str(table.__tablename__), {row["day"] for row in rows})

    def dossiers(
        self, departments: Iterable[str], since: date, until: date
    ) -> dict[str, dict[int, Counts]]:
        """Counts by department and indicator, from ``since`` to ``until``, both included."""
        department, indicator = col(HandlingTally.department), col(HandlingTally.indicator)
        wanted = set(departments)
        stored = wanted | {one for one, heir in self._heirs.items() if heir in wanted}
        sums: list[Any] = [func.sum(getattr(HandlingTally, name)) for name in COUNTS]
        # Departments and indicators begin the key: only short ranges of the table are read.
        query = (
            select(department, indicator, *sums)
            .where(department.in_(sorted(stored)), indicator.in_(BY_DOSSIER))
            .where(col(HandlingTally.day).between(since, until), *self._readable(department))
            .group_by(department, indicator)
        )
        by_department: dict[str, dict[int, Counts]] = defaultdict(lambda: defaultdict(Counts))
        with self._database.begin() as connection:
            for name, number, *counts in connection.execute(query):
                # PostgreSQL sums integers to decimals.
                of = by_department[self._heirs.get(name, name)]
                found = map(int, counts)
                of[number] = Counts(*map(sum, zip(vars(of[number]).values(), found, strict=True)))
        return by_department

    def facts(self, since: date, until: date) -> dict[str, list[Facts]]:
        """Each department's facts in the order of their days, both ends included.

        Of one day, those of the department itself come after those of what was merged into it.
        """
        day, department = col(HandlingFacts.day), col(HandlingFacts.department)
        query = select(HandlingFacts.__table__).where(  # type: ignore[attr-defined]
            day.between(since, until), *self._readable(department)
        )
        by_department: dict[str, list[Facts]] = defaultdict(list)
        with self._database.begin() as connection:
            rows = connection.execute(query.order_by(day, department)).all()
        for row in sorted(rows, key=lambda row: (row.day, row.department not in self._heirs)):
            by_department[self._heirs.get(row.department, row.department)].append(_read(row))
        return by_department


def dossier_rows(cells: Mapping[DayDepartment, Mapping[int, Counts]]) -> list[list[Any]]:
    """Rows of tables.HandlingTally, values in the table's order."""
    return [
        [department, number, day, *vars(counts[number]).values()]
        for (day, department), counts in sorted(cells.items(), key=lambda item: item[0])
        for number in BY_DOSSIER
    ]


def facts_rows(cells: Mapping[DayDepartment, Facts]) -> list[list[Any]]:
    """Rows of tables.HandlingFacts, values in the table's order."""
    return [
        [day, department, *_written(facts).values()]
        for (day, department), facts in sorted(cells.items(), key=lambda item: item[0])
    ]


def _written(facts: Facts) -> dict[str, int | None]:
    """Facts as they are stored: integers, an extent as its points, None where unanswered."""
    return {
        name: None if value is None else int(EXTENT.get(value, value))
        for name, value in vars(facts).items()
    }


def _read(row: Any) -> Facts:
    def extent(points: int | None) -> Extent | None:
        return None if points is None else STEPS[points]

    def yes(value: int | None) -> bool | None:
        return None if value is None else bool(value)

    return Facts(
        extent(row.decided_at_desk),
        yes(row.posted),
        yes(row.published_online),
        row.feedback,
        row.feedback_on_time,
        extent(row.online),
    )
