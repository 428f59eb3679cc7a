"""The values of an XLSX file: no formula is computed, no macro is run."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from aggregator.intake.desk.books import LOCAL, UNPACKED, Book, Listener, Text, number_text
from aggregator.intake.desk.sheets import Sheet, SheetError, Table

MOST_TEXT = 48 * 1024 * 1024  # bytes in memory of the texts that cells share
EACH = 60  # of them for a text of its own
MOST_FORMATS = 10_000
BEGINNING, BEGINNING_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
LAST_SERIAL = 2_958_466  # the day after 31/12/9999
# The numbers of ready-made formats that are of days or hours (ECMA-376, 18.8.30).
DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
NOT_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.')  # what stands for itself in a format
DIGITS = "0123456789"
REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


class _Workbook(Listener):
    """The names of visible sheets with the ids of their parts, and where days are counted from."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str]] = []
        self.since = BEGINNING

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        name = LOCAL[name]
        if name == "sheet" and attributes.get("state", "visible") == "visible":
            id = next((v for key, v in attributes.items() if key.endswith("}id")), "")
            self.sheets.append((attributes.get("name", ""), id))
        elif name == "workbookPr" and attributes.get("date1904") in ("1", "true"):
            self.since = BEGINNING_1904


class _Relations(Listener):
    """The part of each id."""

    def __init__(self) -> None:
        self.parts: dict[str, str] = {}

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        name = LOCAL[name]
        if name == "Relationship":
            target = attributes.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            self.parts[attributes.get("Id", "")] = path


class _Styles(Listener):
    """Which styles of cells show a number as a day or an hour."""

    def __init__(self) -> None:
        self.dates: set[int] = set()
        self._formats: dict[str, str] = {}
        self._inside = False
        self._number = 0

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        name = LOCAL[name]
        if name == "numFmt" and len(self._formats) < MOST_FORMATS:
            self._formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside:
            id = attributes.get("numFmtId", "0")
            if _is_date(id, self._formats.get(id, "")):
                self.dates.add(self._number)
            self._number += 1

    def end(self, name: str) -> None:
        name = LOCAL[name]
        if name == "cellXfs":
            self._inside = False


def _is_date(id: str, code: str) -> bool:
    if id.isdigit() and int(id) in DATE_FORMATS:
        return True
    bare = NOT_FORMAT.sub("", code.partition(";")[0]).lower()
    return "general" not in bare and any(letter in bare for letter in "dmyhs")


class _Texts(Listener):
    """The texts that cells share, by number; how they are to be pronounced is left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._text = Text()
        self._in_text = self._spoken = False
        self._size = 0

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        name = LOCAL[name]
        if name == "si":
            self._text = Text()
        elif name == "rPh":
            self._spoken = True
        self._in_text = name == "t" and not self._spoken

    def end(self, name: str) -> None:
        name = LOCAL[name]
        self._in_text = False
        if name == "rPh":
            self._spoken = False
        elif name == "si":
            self.found.append(text := str(self._text))
            self._size += EACH + 2 * len(text)
            if self._size > MOST_TEXT:
                raise SheetError("unpacks_too_large", most=UNPACKED // 1024 // 1024)

    def text(self, text: str) -> None:
        if self._in_text:
            self._text.add(text)


class _Cells(Listener):
    """The cells of a sheet of XLSX."""

    def __init__(self, table: Table, texts: list[str], dates: set[int], since: datetime) -> None:
        self._table = table
        self._texts, self._dates, self._since = texts, dates, since
        self._row = 0
        self._column = -1
        self._cells: dict[int, str] = {}
        self._kind = self._style = ""
        self._value = Text()
        self._reading = self._formula = self._valued = False

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        name = LOCAL[name]
        if name == "c":
            given = attributes.get("r", "")
            place = _column(given.rstrip(DIGITS))
            self._column = self._column + 1 if place is None else place
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
            self._value.clear()
            self._formula = self._valued = False
        elif name in ("v", "t"):
            self._reading = self._valued = True
        elif name == "row":
            given = attributes.get("r", "")
            self._row = int(given) if given.isdigit() and len(given) < 8 else self._row + 1
            self._column, self._cells = -1, {}
        elif name == "f":
            self._formula = True
        elif name == "mergeCell":
            first, _, last = attributes.get("ref", "").partition(":")
            begins, ends = REFERENCE.fullmatch(first), REFERENCE.fullmatch(last)
            if begins and ends and (place := _column(begins[1])) is not None:
                self._table.merge(place, int(begins[2]), int(ends[2]))

    def end(self, name: str) -> None:
        name = LOCAL[name]
        if name in ("v", "t"):
            self._reading = False
        elif name == "c":
            self._take(str(self._value))
        elif name == "row":
            self._table.take_at(self._row, self._cells)

    def text(self, text: str) -> None:
        if self._reading:
            self._value.add(text)

    def _take(self, value: str) -> None:
        if self._kind == "e":
            self._table.fault(self._row, self._column, "cell_error")
            value = value or "#"
        elif self._formula and (not self._valued or (not value and self._kind == "n")):
            self._table.fault(self._row, self._column, "formula_without_value")
            value = "="
        elif self._kind == "s":
            number = int(value) if value.isdigit() else -1
            if value and not 0 <= number < len(self._texts):
                raise SheetError("damaged")
            value = self._texts[number] if value else ""
        elif self._kind == "n" and value:
            is_date = self._style.isdigit() and int(self._style) in self._dates
            value = _moment(value, self._since) if is_date else number_text(value)
        if value:
            self._cells[self._column] = value


@lru_cache(1_024)
def _column(letters: str) -> int | None:
    """The column, from 0, that letters name: A, B, … ZZ, AAA, …; None where they name none."""
    if not 0 < len(letters) < 4 or not letters.isascii() or not letters.isupper():
        return None
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _moment(written: str, since: datetime) -> str:
    """The day, the hour or both that a number stands for, in ISO 8601."""
    try:
        serial = float(written)
    except ValueError:
        return written
    if not 0 <= serial < LAST_SERIAL:
        return number_text(written)
    moment = since + timedelta(seconds=round(serial * 86_400))
    if 0 < serial < 1:
        return moment.strftime("%H:%M:%S")
    return moment.isoformat(" ") if serial % 1 else moment.date().isoformat()


def read_xlsx(book: Book) -> Iterator[Sheet]:
    """The sheets that can be seen and have something in them. Raises SheetError."""
    workbook, relations, styles, texts = _Workbook(), _Relations(), _Styles(), _Texts()
    book.read("xl/workbook.xml", workbook)
    book.read("xl/_rels/workbook.xml.rels", relations)
    book.read("xl/styles.xml", styles)
    book.read("xl/sharedStrings.xml", texts)
    for name, id in workbook.sheets:
        table, error = Table(name), None
        cells = _Cells(table, texts.found, styles.dates, workbook.since)
        try:
            book.read(relations.parts.get(id, ""), cells)
        except SheetError as found:
            if not found.of_sheet:
                raise
            error = found
        if table.count or error:
            yield table.sheet("XLSX", error=error)
