"""A table as an office makes it, read as rows of text: CSV here, spreadsheets in their own file.

Nothing is understood yet; every cell keeps the name that a spreadsheet gives it, such as B7.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from aggregator.intake.desk.encodings import Unreadable, decoded
from surveys.messages import MessageError

LARGEST = 7 * 1024 * 1024  # bytes of a file; a form of 8 MB passes the proxy
MOST_ROWS = 20_000  # so that a server of 250 MB stays below 300
MOST_COLUMNS = 200
MOST_CELLS = 400_000  # with something in them
LONGEST_CELL = 20_000  # characters
DELIMITERS = (";", "\t", ",")  # the likelier first: an office's CSV has decimal commas
SAMPLE = 60  # records by which the delimiter is found
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
SEPARATOR = re.compile("\ufeff?sep=(.)\r?\n", re.IGNORECASE)  # as Excel writes and reads it


class SheetError(MessageError):
    """Why a file cannot be read as a table, with the cell or line at fault where there is one."""

    section = "sheet."


@dataclass(frozen=True)
class Row:
    """The cells of a row as text, '' where empty; ``number`` is that of the spreadsheet."""

    number: int
    cells: Sequence[str]

    @property
    def is_blank(self) -> bool:
        return not any(self.cells)


@dataclass(frozen=True)
class Sheet:
    """The rows of a table that are not blank.

    ``format`` is CSV, XLSX or ODS, ``encoding`` what its text was in. ``faults`` are cells
    without a value, by row and column, with the key of what is wrong. ``notes`` are what a reader
    should be told, as keys with values.
    """

    format: str
    encoding: str
    rows: Sequence[Row]
    faults: Mapping[tuple[int, int], str] = field(default_factory=dict)
    notes: Sequence[tuple[str, Mapping[str, object]]] = ()


class Bounds:
    """Counts what is taken of a table. Raises SheetError where it is too large."""

    def __init__(self) -> None:
        self._rows = self._cells = 0

    def take(self, number: int, cells: Sequence[str]) -> Row | None:
        """The row without what is empty at its end; None where nothing is left."""
        width = len(cells)
        while width and not cells[width - 1]:
            width -= 1
        if not width:
            return None
        if width > MOST_COLUMNS:
            name = cell_name(number, width - 1)
            raise SheetError("too_many_columns", most=MOST_COLUMNS, cell=name)
        self._rows += 1
        self._cells += sum(map(bool, cells))
        if self._rows > MOST_ROWS:
            raise SheetError("too_many_rows", most=MOST_ROWS)
        if self._cells > MOST_CELLS:
            raise SheetError("too_many_cells", most=MOST_CELLS, row=number)
        for column, cell in enumerate(cells):
            if len(cell) > LONGEST_CELL:
                name = cell_name(number, column)
                raise SheetError("cell_too_long", most=LONGEST_CELL, cell=name)
        return Row(number, cells[:width])


def cell_name(row: int, column: int) -> str:
    """The name of a cell, such as B7; ``column`` counts from 0."""
    letters, rest = "", column + 1
    while rest:
        rest, place = divmod(rest - 1, 26)
        letters = chr(ord("A") + place) + letters
    return f"{letters}{row}"


def read_sheet(data: bytes) -> Sheet:
    """The first table of a CSV, XLSX or ODS file. Raises SheetError."""
    from aggregator.intake.desk.spreadsheets import read_spreadsheet

    if len(data) > LARGEST:
        raise SheetError("too_large", most=LARGEST // 1024 // 1024)
    if data.startswith(ZIP):
        sheet = read_spreadsheet(data)
    elif data.startswith(OLE):
        raise SheetError("password" if ENCRYPTED in data else "old_excel")
    else:
        sheet = _read_text(data)
    if not sheet.rows:
        raise SheetError("empty")
    return sheet


def _read_text(data: bytes) -> Sheet:
    start = data[:1024].lstrip().lower()
    if start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml")):
        raise SheetError("web_page")
    try:
        text, encoding = decoded(data)
    except Unreadable as error:
        if b"\x00" in data[:1024]:
            raise SheetError("no_table") from error
        if error.cut:
            raise SheetError("damaged") from error
        if error.line:
            raise SheetError("mixed_encoding", line=error.line) from error
        raise SheetError("unknown_encoding") from error
    if CONTROL.search(text):
        raise SheetError("no_table")
    told = SEPARATOR.match(text)
    text = text[told.end() :] if told else text
    delimiter = told[1] if told else _delimiter(text)
    bounds, rows, number = Bounds(), [], 1 if told else 0
    for cells in _records(text, delimiter):
        number += 1
        if row := bounds.take(number, [cell.strip() for cell in cells]):
            rows.append(row)
    cut = not text.endswith(("\n", "\r")) and rows and len(rows) > 2
    notes = [("cut_off", {"row": rows[-1].number})] if cut and _is_short(rows, text) else []
    return Sheet("CSV", encoding, rows, notes=notes)


def _is_short(rows: Sequence[Row], text: str) -> bool:
    """Whether the last row has fewer cells than the one before it had."""
    return len(rows[-1].cells) < len(rows[-2].cells) and not text.rstrip(" ").endswith(DELIMITERS)


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begun = 1
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise SheetError("open_quote", line=begun) from error
        yield record
        begun = reader.line_num + 1


def _delimiter(text: str) -> str:
    """The delimiter by which most records have the same number of cells, more than one."""

    def fits(delimiter: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(text[:200_000], newline=""), delimiter=delimiter)
        try:
            widths = Counter(len(record) for record in islice(reader, SAMPLE) if any(record))
        except csv.Error:
            return 0, 0
        several = {width: n for width, n in widths.items() if width > 1}
        return max(((n, width) for width, n in several.items()), default=(0, 0))

    return max(DELIMITERS, key=fits)
