"""Text with delimiters, as offices save it: encoding and delimiter are found in the text itself."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from aggregator.intake.desk.encodings import Unreadable, decoded
from aggregator.intake.desk.sheets import (
    LONGEST_CELL,
    MOST_COLUMNS,
    MOST_ROWS,
    Sheet,
    SheetError,
    Table,
    cell_name,
)

DELIMITERS = (";", "\t", ",")  # the likelier first: an office's CSV has decimal commas
LONGEST_END = 100  # characters of a last line's end
MOST_LINES = 1_048_576  # with those that are blank: what a spreadsheet has
SAMPLE = 60  # records by which the delimiter is found
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
SEPARATOR = re.compile("\ufeff?sep=(.)\r?\n", re.IGNORECASE)  # as Excel writes and reads it


def read_csv(data: bytes) -> Sheet:
    """The table of a text file. Raises SheetError."""
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
    begins = told.end() if told else 0
    delimiter = told[1] if told else _delimiter(text)
    table, number = Table(), 1 if told else 0
    for cells in _records(text, begins, delimiter):
        number += 1
        if number > MOST_LINES:
            raise SheetError("too_many_rows", most=MOST_ROWS)
        table.take(number, [cell.strip() for cell in cells])
    if not text.endswith(("\n", "\r")) and _is_short(table, text):
        table.notes.append(("cut_off", {"row": number}))
    return table.sheet("CSV", encoding)


def _is_short(table: Table, text: str) -> bool:
    """Whether the last row has fewer cells than the one before it had."""
    if table.count < 3 or table.last is None or table.before is None:
        return False
    ends = text[-LONGEST_END:].rstrip(" ").endswith(DELIMITERS)
    return len(table.last.cells) < len(table.before.cells) and not ends


def _lines(text: str, start: int, delimiter: str) -> Iterator[str]:
    """The lines with what ends them; not str.splitlines, which breaks at U+2028 and the like."""
    for number, found in enumerate(LINE.finditer(text, start), 1):
        line = found[0]
        if len(line) > LONGEST_CELL and line.count(delimiter) > 2 * LONGEST_CELL:
            cell = cell_name(number, MOST_COLUMNS)
            raise SheetError("too_many_columns", most=MOST_COLUMNS, cell=cell)
        if line:
            yield line


def _records(text: str, start: int, delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader(_lines(text, start, delimiter), delimiter=delimiter, strict=True)
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
        reader = csv.reader(_lines(text, 0, delimiter), delimiter=delimiter)
        try:
            widths = Counter(len(record) for record in islice(reader, SAMPLE) if any(record))
        except (csv.Error, SheetError):
            return 0, 0
        several = {width: n for width, n in widths.items() if width > 1}
        return max(((n, width) for width, n in several.items()), default=(0, 0))

    return max(DELIMITERS, key=fits)
