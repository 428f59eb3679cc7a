"""Rows that stand for more than themselves: totals, headings of groups, cells that are filled in.

Offices write a department once, as a heading over its rows or in the first of them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aggregator.intake.desk.fields import Field, Kind, folded
from aggregator.intake.desk.sheets import Row, cell_name
from aggregator.intake.desk.values import Places

TOTALS = ("tong cong", "cong", "tong", "tong so", "total", "cong tong", "tong cong toan trung tam")
SUMS = ("tong cong ", "tong so ", "cong so ")
SUM = ("cộng ", "tổng ")  # as written: without marks the first begins names of departments
FOOT = ("nguoi lap bieu", "nguoi lap", "thu truong", "giam doc", "ghi chu", "nguoi tong hop")
NUMBERING = re.compile(r"\(\d+\)(=.*)?|[A-Z]|\[\d+\]")
ORDINAL = re.compile(r"\(?(?:[0-9][0-9.,]*|[IVXLC]+|[A-ZĐ])[.)]?")
# What names of departments begin with, folded.
UNITS = ("so ", "ban ", "chi cuc ", "cuc ", "van phong ", "phong ", "ubnd ", "uy ban ", "kho bac ",
         "cong an ", "bao hiem ", "thanh tra ", "trung tam ", "dien luc ")  # fmt: skip
FILLED = (
    "day",
    "department",
    "counter",
    "year",
    "sub_index",
)  # fields that a clerk writes once for several rows


def is_total(row: Row) -> bool:
    for cell in row.cells[:4]:
        if cell and (
            (said := folded(cell)) in TOTALS
            or said.startswith(SUMS)
            or cell.casefold().startswith(SUM)
        ):
            return True
    return False


def is_foot(row: Row) -> bool:
    return any(folded(cell).startswith(FOOT) for cell in row.cells if cell)


def is_numbering(row: Row) -> bool:
    """Whether a row only numbers the columns: (1), (2), (3)=(1)+(2)."""
    given = 0
    for cell in row.cells:
        if cell:
            if not NUMBERING.fullmatch(cell):
                return False
            given += 1
    return given > 1


@dataclass
class Counted:
    """Rows by their numbers: how many, and the first of them."""

    n: int = 0
    first: list[int] = field(default_factory=list)
    most = 100

    def add(self, row: int) -> None:
        self.n += 1
        if len(self.first) < self.most:
            self.first.append(row)


class Groups:
    """What rows above say for those below, while a sheet is read from its first row on."""

    def __init__(
        self, places: Places, kind: Kind, columns: Mapping[str, int], filled: Sequence[str]
    ) -> None:
        self.headings = Counted()
        self._places = places
        self._columns = columns
        self._filled = [name for name in filled if name in columns and name in FILLED]
        self._headed = any(one.name == "department" for one in kind.fields)
        needed = (columns[one.name] for one in kind.fields if one.required and one.name in columns)
        self._needed = {*needed} - {columns.get("department")}
        self._heading: tuple[int, int, str] | None = None  # row, column and text
        self._is_used = False
        self._above: dict[str, tuple[str, str]] = {}  # by field the text and its cell

    def is_heading(self, row: Row, given: Mapping[str, str], after_total: bool) -> bool:
        """Whether a row names the department of those below, and says nothing else."""
        if not self._headed:
            return False
        texts = [(at, one) for at, one in enumerate(row.cells) if one and not _is_ordinal(one)]
        if len(texts) != 1 or is_foot(row):
            return False
        [(column, text)] = texts
        others = [name for name in given if self._columns[name] != column]
        known = self._places.knows(text)
        if others and ("department" in self._columns or not known):
            return False
        likely = known or (not after_total and _begins_a_unit(text))
        likely = likely or self._places.near(text) is not None
        # Once there are headings, another one may be a department that nobody knows.
        if not likely and (after_total or self._heading is None or column in self._needed):
            return False
        self._heading, self._is_used = (row.number, column, text), False
        return True

    def fills(self, required: Sequence[Field]) -> bool:
        """Whether a row may be without all of these, since those above say them."""
        return all(one.name in self._filled for one in required)

    def fill(self, given: dict[str, str], row: int) -> dict[str, str]:
        """Put in what rows above say; by field the cell that says it."""
        cells: dict[str, str] = {}
        for name in self._filled:
            if name in given:
                self._above[name] = given[name], cell_name(row, self._columns[name])
            elif name in self._above:
                given[name], cells[name] = self._above[name]
        if self._heading is not None and "department" not in given:
            number, column, given["department"] = self._heading
            cells["department"] = cell_name(number, column)
            if not self._is_used:
                self.headings.add(number)
                self._is_used = True
        return cells


def _is_ordinal(text: str) -> bool:
    return ORDINAL.fullmatch(text) is not None


def _begins_a_unit(text: str) -> bool:
    return re.sub(r"^(?:[0-9]+|[ivx]+|[a-z]) ", "", folded(text)).startswith(UNITS)
