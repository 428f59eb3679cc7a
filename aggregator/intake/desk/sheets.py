"""A table as it lies on the desk: rows of text, packed, read again row by row.

Nothing is understood yet; every cell keeps the name that a spreadsheet gives it, such as B7. Rows
are packed while a file is read, so that no more than a few of them are in memory at once.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, NamedTuple

import orjson

from aggregator.intake.desk.encodings import BYTES, UTF_8, encoding_of
from aggregator.wording.numbers import integer
from surveys.messages import MessageError, Messages
from surveys.text import composed

LARGEST = 7 * 1024 * 1024  # bytes of a file; a form of 8 MB passes the proxy
MOST_ROWS = 200_000  # of a sheet: a year's dossiers of a province are some 100 000
MOST_COLUMNS = 200
MOST_CELLS = 3_000_000  # of a sheet, with something in them
MOST_KEPT = 20_000  # cells at fault, and cells that are merged
LONGEST_CELL = 20_000  # characters
HEAD = 60  # rows by which a sheet is understood
SAMPLE = 200_000  # characters beyond ASCII by which an encoding is known
PIECE = 64 * 1024
OF_SHEET = {"too_many_columns", "too_many_rows", "too_many_cells", "cell_too_long", "text_too_long"}


class SheetError(MessageError):
    """Why a file cannot be read as a table, with the cell or line at fault where there is one."""

    section = "sheet."

    def text(self, messages: Messages, language: str) -> str:
        most = self.values.get("most")
        if not isinstance(most, int):
            return super().text(messages, language)
        values = {**self.values, "most": integer(most, "vi" if language == "vi" else "en")}
        return messages.get(language, self.message, **values)

    @property
    def of_sheet(self) -> bool:
        """Whether the fault is one of a sheet, so that others of the file can be read."""
        return self.key in OF_SHEET


class Row(NamedTuple):
    """The cells of a row as text, '' where empty; ``number`` is that of the spreadsheet."""

    number: int
    cells: Sequence[str]


class Merged(NamedTuple):
    """Cells of a column that are one; rows as numbers of the spreadsheet, both included."""

    column: int
    first: int
    last: int


@dataclass(frozen=True)
class Sheet:
    """The rows of a table that are not blank, ``count`` of them, packed.

    ``format`` is CSV, XLSX or ODS, ``encoding`` what its text was in. ``faults`` are cells
    without a value, by row and column, with the key of what is wrong. ``notes`` are what a reader
    should be told, as keys with values. ``error`` is why the sheet cannot be read, its key and
    values, where others of the file can be.
    """

    name: str
    format: str
    encoding: str
    count: int
    packed: bytes
    merged: Sequence[Merged] = ()
    faults: Mapping[tuple[int, int], str] = field(default_factory=dict)
    notes: Sequence[tuple[str, Mapping[str, Any]]] = ()
    error: tuple[str, Mapping[str, Any]] | None = None

    def rows(self, start: int = 0) -> Iterator[Row]:
        """The rows from a place on, each with what merged cells above say of it."""
        return islice(self._filled(), start, None)

    @cached_property
    def head(self) -> Sequence[Row]:
        """The first rows."""
        return list(islice(self.rows(), HEAD))

    def _filled(self) -> Iterator[Row]:
        beginning: dict[int, list[Merged]] = defaultdict(list)
        for one in self.merged:
            beginning[one.first].append(one)
        open_ones: dict[int, tuple[int, str]] = {}  # by column the last row, and what it says
        mend = lru_cache(8_192)(BYTES[self.encoding]) if self._is_mended else None
        for number, cells in _unpacked(self.packed):
            if mend is not None:
                cells = [mend(cell) if cell else cell for cell in cells]
            for one in beginning.get(number, ()):
                if one.column < len(cells) and cells[one.column]:
                    open_ones[one.column] = one.last, cells[one.column]
            for column, (last, said) in list(open_ones.items()):
                if number > last:
                    del open_ones[column]
                    continue
                cells += [""] * (column + 1 - len(cells))
                cells[column] = cells[column] or said
            yield Row(number, cells)

    @property
    def _is_mended(self) -> bool:
        """Whether the cells are the bytes of an old encoding; the text of CSV no longer is."""
        return self.format != "CSV" and self.encoding != UTF_8


@dataclass(frozen=True)
class Workbook:
    """The sheets of a file that have something in them; ``hash`` is the file's SHA-256."""

    hash: str
    sheets: Sequence[Sheet]

    def packed(self) -> bytes:
        """All of it as bytes; see unpacked."""
        about = [
            {
                **{name: getattr(one, name) for name in ("name", "format", "encoding", "count")},
                "size": len(one.packed),
                "merged": one.merged,
                "faults": [(*place, key) for place, key in one.faults.items()],
                "notes": one.notes,
                "error": one.error,
            }
            for one in self.sheets
        ]
        first = orjson.dumps({"hash": self.hash, "sheets": about})
        return b"".join((first, b"\n", *(one.packed for one in self.sheets)))

    @classmethod
    def unpacked(cls, data: bytes) -> "Workbook":
        """Raises ValueError where the bytes are no workbook."""
        first, _, rest = data.partition(b"\n")
        about, start, sheets = orjson.loads(first), 0, []
        for one in about["sheets"]:
            size = one.pop("size")
            one |= {
                "packed": rest[start : start + size],
                "merged": [Merged(*given) for given in one["merged"]],
                "faults": {(row, column): key for row, column, key in one["faults"]},
            }
            sheets.append(Sheet(**one))
            start += size
        return cls(about["hash"], sheets)


class Table:
    """A sheet while it is read: rows are packed as they come. Raises SheetError if too large."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.count = 0
        self.notes: list[tuple[str, Mapping[str, Any]]] = []
        self.last: Row | None = None
        self.before: Row | None = None  # the row before the last
        self._faults: dict[tuple[int, int], str] = {}
        self._merged: list[Merged] = []
        self._cells = self._sampled = 0
        self._sample: list[str] = []
        self._packer = zlib.compressobj(1)
        self._packed: list[bytes] = []

    def take_at(self, number: int, given: Mapping[int, str], times: int = 1) -> None:
        """Take a row, or several alike that follow one another, of cells by their columns."""
        if not given:
            return
        if (last := max(given)) >= MOST_COLUMNS:
            raise SheetError("too_many_columns", most=MOST_COLUMNS, cell=cell_name(number, last))
        cells = [given.get(column, "") for column in range(last + 1)]
        for row in range(number, number + times):
            self.take(row, cells)

    def take(self, number: int, cells: list[str]) -> None:
        """Pack a row without what is empty at its end, unless nothing is left."""
        width = len(cells)
        while width and not cells[width - 1]:
            width -= 1
        if not width:
            return
        if width > MOST_COLUMNS:
            name = cell_name(number, width - 1)
            raise SheetError("too_many_columns", most=MOST_COLUMNS, cell=name)
        cells = cells[:width]
        self.count += 1
        self._cells += width - cells.count("")
        if self.count > MOST_ROWS:
            raise SheetError("too_many_rows", most=MOST_ROWS)
        if self._cells > MOST_CELLS:
            raise SheetError("too_many_cells", most=MOST_CELLS, row=number)
        for column, cell in enumerate(cells):
            if not cell.isascii():
                cells[column] = cell = composed(cell)
                if self._sampled < SAMPLE:
                    self._sample.append(cell)
                    self._sampled += len(cell)
            if len(cell) > LONGEST_CELL:
                name = cell_name(number, column)
                raise SheetError("cell_too_long", most=LONGEST_CELL, cell=name)
        self.before, self.last = self.last, Row(number, cells)
        if piece := self._packer.compress(orjson.dumps((number, cells)) + b"\n"):
            self._packed.append(piece)

    def fault(self, row: int, column: int, key: str) -> None:
        if column < MOST_COLUMNS and len(self._faults) < MOST_KEPT:
            self._faults[row, column] = key

    def merge(self, column: int, first: int, last: int) -> None:
        if first < last and column < MOST_COLUMNS and len(self._merged) < MOST_KEPT:
            self._merged.append(Merged(column, first, last))

    def sheet(
        self, format: str, encoding: str | None = None, error: SheetError | None = None
    ) -> Sheet:
        """The sheet; ``encoding`` is found in its cells where it is not given."""
        packed = b"".join((*self._packed, self._packer.flush()))
        found = encoding_of(self._sample) if encoding is None else encoding
        why = (error.key, error.values) if error else None
        about = (self.name, format, found, self.count, packed)
        return Sheet(*about, self._merged, self._faults, self.notes, why)


def _unpacked(packed: bytes) -> Iterator[tuple[int, list[str]]]:
    unpacker, rest, waiting = zlib.decompressobj(), b"", packed
    while waiting:
        piece = unpacker.decompress(waiting, PIECE)
        waiting = unpacker.unconsumed_tail
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield orjson.loads(line)


def cell_name(row: int, column: int) -> str:
    """The name of a cell, such as B7; ``column`` counts from 0."""
    letters, rest = "", column + 1
    while rest:
        rest, place = divmod(rest - 1, 26)
        letters = chr(ord("A") + place) + letters
    return f"{letters}{row}"
