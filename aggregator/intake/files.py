"""Reads CSV files from outside: records, cells, and the reasons why one is refused."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from surveys.messages import Language
from surveys.wire import MESSAGES, Refused

T = TypeVar("T")

MAX_COUNT = 1_000_000
MAX_RECORD_LINES = 2_100  # a comment of 2,000 line feeds fits
NUMBER = re.compile(r"-?[0-9]{1,15}([.,][0-9]{1,15})?")


class FileError(ValueError):
    """A file that cannot be read at all; its message names the file and says why."""


@dataclass(frozen=True)
class Record:
    """One record: the number of its first line, and its cells by column or its ``error``."""

    line: int
    cells: Mapping[str, str]
    error: str | None = None


def read_records(
    path: Path, required: Iterable[str], language: Language, known: Sequence[str] = ()
) -> Iterator[Record]:
    """The records of a CSV file; see records_in. Raises FileError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = MESSAGES.get(language, "file.unreadable", reason=error.strerror)
        raise FileError(f"{path}: {reason}") from error
    return records_in(data, str(path), required, language, known)


def records_in(
    data: bytes, path: str, required: Iterable[str], language: Language, known: Sequence[str] = ()
) -> Iterator[Record]:
    """The records of CSV in UTF-8, with or without a BOM; ``required`` are its columns.

    ``known`` are all columns that it may have, where only some may be; ``path`` is what errors
    call it. A quote that is never closed is an error of its own line
    only. Raises FileError.
    """

    def say(key: str, **values: object) -> str:
        return MESSAGES.get(language, f"file.{key}", **values)

    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:200]:
        raise FileError(f"{path}: {say('not_utf8')}")
    # Not str.splitlines, which would also break lines at U+2028 and the like.
    lines = list(io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline=""))
    header: list[str] | None = None
    position = 0
    while position < len(lines):
        first = position
        cells, position = _take_record(lines, position)
        if header is None:
            header = [cell.strip() for cell in cells or ()]
            _check_header(path, header, required, say("header"))
            if known and (odd := [name for name in header if name not in known]):
                names = {"name": odd[0][:40], "known": ", ".join(known)}
                raise FileError(f"{path}: {say('no_such_column', **names)}")
        elif cells is None:
            yield Record(first + 1, {}, say("open_quote"))
        elif cells and len(cells) != len(header):
            counts = {"found": len(cells), "wanted": len(header)}
            yield Record(first + 1, {}, say("columns", **counts))
        elif cells:
            yield Record(first + 1, dict(zip(header, cells, strict=True)))
    if header is None:
        raise FileError(f"{path}: {say('empty')}")


def _take_record(lines: list[str], start: int) -> tuple[list[str] | None, int]:
    """The cells of the record that begins at a line, and the number of the line after it.

    The cells are None where a quote is misplaced or never closed; then the next record begins
    at the next line.
    """
    csv.field_size_limit(2**31 - 1)  # so that a huge cell is refused as such, not as broken CSV
    end = min(len(lines), start + MAX_RECORD_LINES)
    reader = csv.reader((lines[number] for number in range(start, end)), strict=True)
    try:
        return next(reader, []), start + reader.line_num
    except csv.Error:
        return None, start + 1


def _check_header(path: str, header: list[str], required: Iterable[str], reason: str) -> None:
    missing = [name for name in required if name not in header]
    doubled = [name for name, n in Counter(header).items() if n > 1]
    if missing or doubled:
        raise FileError(f"{path}: {reason}: {', '.join(missing or doubled)}")


def read_table(
    path: Path,
    key: str,
    known: Collection[str],
    columns: Sequence[str],
    language: Language,
    row: Callable[[str, Mapping[str, float]], T],
) -> tuple[dict[str, T], list[tuple[int, str]]]:
    """Read a CSV file of numbers: its rows by name, and the errors by line, naming the field.

    Column ``key`` holds the name, one of ``known``, each at most once. ``row`` makes a row from
    its name and its numbers by column, without empty cells; it may raise Refused. Raises
    FileError for a file that cannot be read at all.
    """
    rows: dict[str, T] = {}
    errors: list[tuple[int, str]] = []
    for record in read_records(path, (key, *columns), language):
        try:
            if record.error:
                errors.append((record.line, record.error))
                continue
            name = record.cells[key].strip()
            if name not in known:
                raise Refused(key, "unknown_row", value=name[:40])
            if name in rows:
                raise Refused(key, "given_twice", value=name)
            cells = {column: record.cells[column].strip() for column in columns}
            numbers = {column: _number(column, cell) for column, cell in cells.items() if cell}
            rows[name] = row(name, numbers)
        except Refused as error:
            errors.append((record.line, error.reason(language)))
    return rows, errors


def _number(column: str, cell: str) -> float:
    """A number with a decimal point or comma. Raises Refused."""
    if not NUMBER.fullmatch(cell):
        raise Refused(column, "not_a_number", value=cell[:40])
    return float(cell.replace(",", "."))


def whole(field: str, text: str, low: int) -> int:
    """A whole number from ``low`` to MAX_COUNT. Raises Refused."""
    digits = text.lstrip("0") or "0"
    valid = text.isascii() and text.isdigit() and len(digits) <= len(str(MAX_COUNT))
    if not valid or not low <= int(digits) <= MAX_COUNT:
        raise Refused(field, "out_of_bounds", low=low, high=MAX_COUNT)
    return int(digits)


def local_day(cell: str) -> date:
    """The day that a cell gives as YYYY-MM-DD. Raises Refused."""
    try:
        return date.fromisoformat(cell.strip())
    except ValueError:
        raise Refused("day", "not_a_day") from None
