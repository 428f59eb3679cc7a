"""What of a table may be read by department, and for which department it counts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.sql.elements import ColumnElement

from aggregator.storage.database import Database


class OfDepartments:
    """Reads and writes tables whose rows are of departments."""

    def __init__(
        self,
        database: Database,
        department: str | None = None,
        heirs: Mapping[str, str] | None = None,
    ) -> None:
        """``department``: the only one that is read, where it is given.

        ``heirs``: by department the one that it counts for when read, if it is another.
        """
        self._database = database
        self._department = department
        self._heirs = heirs or {}

    def _readable(self, department: Any) -> list[ColumnElement[bool]]:
        """The conditions on the column of departments."""
        return [] if self._department is None else [department == self._department]
