"""The values of an ODS file (OpenDocument): no formula is computed, no macro is run."""

import re
from collections.abc import Mapping

from aggregator.intake.desk.books import LOCAL, Book, Listener, Text, number_text
from aggregator.intake.desk.sheets import MOST_COLUMNS, Sheet, SheetError, Table

DURATION = re.compile(r"PT([0-9]+)H([0-9]+)M([0-9]+)")
OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"


class _Content(Listener):
    """The tables of ODS that have something in them."""

    def __init__(self) -> None:
        self.found: list[Sheet] = []
        self.table: Table | None = None
        self._row = self._column = 0
        self._cells: dict[int, str] = {}
        self._cell: Mapping[str, str] = {}
        self._text = Text()
        self._reading = 0
        self._begun = False
        self._aside = 0
        self._rows = 1

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        name = LOCAL[name]
        if name == "table":
            self.table = Table(attributes.get(f"{TABLE}name", ""))
            self._row = 0
        elif name == "table-row":
            self._rows = _repeated(attributes, "number-rows-repeated")
            self._column, self._cells = 0, {}
        elif name in ("table-cell", "covered-table-cell"):
            self._cell, self._text, self._begun = attributes, Text(), False
        elif name == "annotation":
            self._aside += 1
        elif name == "p" and not self._aside:
            self._reading += 1
            if self._begun:
                self._text.add("\n")
            self._begun = True
        elif name == "s" and self._reading:
            self.text(" ")
        elif name == "line-break" and self._reading:
            self.text("\n")

    def end(self, name: str) -> None:
        name = LOCAL[name]
        if name == "table":
            if self.table and self.table.count:
                self.found.append(self.table.sheet("ODS"))
            self.table = None
        elif name == "annotation":
            self._aside -= 1
        elif name == "p" and not self._aside:
            self._reading -= 1
        elif name in ("table-cell", "covered-table-cell"):
            self._end_cell()
        elif name == "table-row":
            self._end_row()

    def text(self, text: str) -> None:
        if self._reading and not self._aside:
            self._text.add(text)

    def _end_cell(self) -> None:
        cell, times = self._cell, _repeated(self._cell, "number-columns-repeated")
        row, value = self._row + 1, _value(self._cell, str(self._text))
        if self.table is not None:
            if cell.get(f"{CALC}value-type") == "error" or value.startswith(("Err:", "#N/A")):
                self.table.fault(row, self._column, "cell_error")
            elif f"{TABLE}formula" in cell and not value and f"{OFFICE}value-type" not in cell:
                self.table.fault(row, self._column, "formula_without_value")
                value = "="
            spanned = _repeated(cell, "number-rows-spanned")
            self.table.merge(self._column, row, row + spanned - 1)
        if value:
            last = min(self._column + times, MOST_COLUMNS + 1)
            self._cells |= dict.fromkeys(range(self._column, last), value)
        self._column += times

    def _end_row(self) -> None:
        if self.table is not None:
            self.table.take_at(self._row + 1, self._cells, self._rows)
        self._row += self._rows


def _repeated(attributes: Mapping[str, str], name: str) -> int:
    given = attributes.get(TABLE + name, "1")
    return max(1, int(given)) if given.isdigit() and len(given) < 8 else 1


def _value(cell: Mapping[str, str], shown: str) -> str:
    """The value of a cell of ODS as text; days and hours in ISO 8601."""
    kind = cell.get(f"{OFFICE}value-type")
    if kind in ("float", "percentage", "currency"):
        return number_text(cell.get(f"{OFFICE}value", shown))
    if kind == "date":
        return cell.get(f"{OFFICE}date-value", shown).replace("T", " ")
    if kind == "time" and (found := DURATION.match(cell.get(f"{OFFICE}time-value", ""))):
        return ":".join(part.zfill(2) for part in found.groups())
    return shown


class _Manifest(Listener):
    """Whether a part is encrypted."""

    encrypted = False

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        name = LOCAL[name]
        self.encrypted |= name == "encryption-data"


def read_ods(book: Book) -> list[Sheet]:
    """The sheets that have something in them. Raises SheetError."""
    manifest, content = _Manifest(), _Content()
    book.read("META-INF/manifest.xml", manifest)
    if manifest.encrypted:
        raise SheetError("password")
    try:
        book.read("content.xml", content)
    except SheetError as error:
        # The sheets before it were read; those after it stand in the same part.
        if not error.of_sheet or content.table is None:
            raise
        content.found.append(content.table.sheet("ODS", error=error))
    return content.found
