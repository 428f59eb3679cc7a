"""Handled dossiers and departments' facts in the database: the cells of a file, set as a whole."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select
from sqlmodel import SQLModel, col

from aggregator.database import Database
from aggregator.indices.circular_01_2018 import EXTENT, Counts, Extent, Facts
from aggregator.tables import HandlingFacts, HandlingTally

LOCK = 0x48616E64  # PostgreSQL advisory lock "Hand": one import at a time
COUNTS = tuple(Counts.__dataclass_fields__)
STEPS: Mapping[int, Extent] = {points: extent for extent, points in EXTENT.items()}
Cell = tuple[date, str]  # a day and a department


class Handling:
    """Rows of tables.HandlingTally and tables.HandlingFacts.

    A cell is a day and a department. Setting it replaces all that it held, so the same file
    twice changes nothing; a file is therefore whole for the cells that it names.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_dossiers(self, cells: Mapping[Cell, Mapping[int, Counts]]) -> None:
        """Replace the cells' counts, given by indicator."""
        rows = [
            {"day": day, "department": department, "indicator": indicator, **vars(counts)}
            for (day, department), by_indicator in cells.items()
            for indicator, counts in by_indicator.items()
        ]
        self._replace(HandlingTally, cells, rows)

    def set_facts(self, cells: Mapping[Cell, Facts]) -> None:
        """Replace the cells' facts."""
        rows = [
            {"day": day, "department": department, **_written(facts)}
            for (day, department), facts in cells.items()
        ]
        self._replace(HandlingFacts, cells, rows)

    def _replace(
        self, table: type[SQLModel], cells: Mapping[Cell, object], rows: list[dict[str, Any]]
    ) -> None:
        if not cells:
            return
        columns = table.__table__.c  # type: ignore[attr-defined]
        gone = delete(table).where(
            columns.day == bindparam("its_day"), columns.department == bindparam("its_department")
        )
        places = [{"its_day": day, "its_department": department} for day, department in cells]
        with self._database.begin(write=True) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
            connection.execute(gone, places)
            connection.execute(insert(table), rows)

    def dossiers(self, since: date, until: date) -> dict[str, dict[int, Counts]]:
        """Counts by department and indicator, over days of which both ends belong to it."""
        key: list[Any] = [col(HandlingTally.department), col(HandlingTally.indicator)]
        sums: list[Any] = [func.sum(getattr(HandlingTally, name)) for name in COUNTS]
        query = select(*key, *sums).where(col(HandlingTally.day).between(since, until))
        found: dict[str, dict[int, Counts]] = defaultdict(dict)
        with self._database.begin() as connection:
            for department, indicator, *counts in connection.execute(query.group_by(*key)):
                # PostgreSQL sums integers to decimals.
                found[department][indicator] = Counts(*map(int, counts))
        return found

    def facts(self, since: date, until: date) -> dict[str, list[Facts]]:
        """Each department's facts in the order of their days, both ends included."""
        day, department = col(HandlingFacts.day), col(HandlingFacts.department)
        query = select(HandlingFacts.__table__).where(day.between(since, until))  # type: ignore[attr-defined]
        found: dict[str, list[Facts]] = defaultdict(list)
        with self._database.begin() as connection:
            for row in connection.execute(query.order_by(day, department)):
                found[row.department].append(_read(row))
        return found


def _written(facts: Facts) -> dict[str, int | None]:
    """Facts as integers; an extent as its points."""
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
