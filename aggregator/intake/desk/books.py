"""The parts of a spreadsheet file, XML in a ZIP, and the table that is made of them.

Each part is read piece by piece and given up where it grows past what an office's table has; a
document type, which such a file never has, is refused.
"""

import io
from collections.abc import Mapping
from xml.etree.ElementTree import XMLParser
from zipfile import ZipFile

from aggregator.intake.desk.sheets import (
    MOST_COLUMNS,
    MOST_ROWS,
    Bounds,
    Row,
    SheetError,
    cell_name,
)

UNPACKED = 96 * 1024 * 1024  # bytes of all parts that are read
PIECE = 64 * 1024
MOST_PARTS = 2_000
MACROS = ("vbaproject.bin", "basic/", "scripts/")


class Listener:
    """Is told of a part's elements, by their names without a namespace."""

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        pass

    def end(self, name: str) -> None:
        pass

    def text(self, text: str) -> None:
        pass


class _Refusing:
    """Hands elements on to a listener, and refuses a document type."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.data = listener.text

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._listener.begin(tag.rpartition("}")[2], attributes)

    def end(self, tag: str) -> None:
        self._listener.end(tag.rpartition("}")[2])

    def doctype(self, *_: object) -> None:
        raise SheetError("damaged")

    def close(self) -> None:
        pass


class Book:
    """The parts of a file; together they may not grow past UNPACKED."""

    def __init__(self, data: bytes) -> None:
        self._zip = ZipFile(io.BytesIO(data))
        self._left = UNPACKED
        parts = self._zip.infolist()
        if len(parts) > MOST_PARTS:
            raise SheetError("damaged")
        if any(part.flag_bits & 1 for part in parts):
            raise SheetError("password")
        self.names = {part.filename for part in parts}

    @property
    def has_macros(self) -> bool:
        return any(macro in name.lower() for name in self.names for macro in MACROS)

    def read(self, name: str, listener: Listener) -> None:
        """Stream a part, if the book has it."""
        if name not in self.names:
            return
        if self._zip.getinfo(name).file_size > self._left:
            raise SheetError("unpacks_too_large", most=UNPACKED // 1024 // 1024)
        # A document type is refused, so there is no entity to expand.
        parser = XMLParser(target=_Refusing(listener))  # noqa: S314
        with self._zip.open(name) as part:
            while piece := part.read(PIECE):
                self._left -= len(piece)
                if self._left < 0:
                    raise SheetError("unpacks_too_large", most=UNPACKED // 1024 // 1024)
                parser.feed(piece)
        parser.close()


class Table:
    """A table while it is read: rows with something in them, cells at fault, merged cells."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[Row] = []
        self.faults: dict[tuple[int, int], str] = {}
        self.notes: list[tuple[str, Mapping[str, object]]] = []
        self.merged: list[tuple[int, int, int]] = []  # column, first and last row
        self._bounds = Bounds()

    def take(self, number: int, cells: Mapping[int, str]) -> None:
        if not cells:
            return
        width = max(cells) + 1
        if width > MOST_COLUMNS:
            cell = cell_name(number, width - 1)
            raise SheetError("too_many_columns", most=MOST_COLUMNS, cell=cell)
        row = self._bounds.take(number, [cells.get(column, "") for column in range(width)])
        if row:
            self.rows.append(row)

    def fault(self, row: int, column: int, key: str) -> None:
        if column < MOST_COLUMNS and len(self.faults) < MOST_ROWS:
            self.faults[row, column] = key

    def merge(self, column: int, first: int, last: int) -> None:
        if first < last and column < MOST_COLUMNS and len(self.merged) < MOST_ROWS:
            self.merged.append((column, first, last))

    def fill_merged(self) -> None:
        """Say in every row what a cell says that was merged over several rows."""
        place = {row.number: at for at, row in enumerate(self.rows)}
        for column, first, last in self.merged:
            at = place.get(first)
            if at is None or column >= len(self.rows[at].cells):
                continue
            value = self.rows[at].cells[column]
            for number in range(first + 1, min(last, self.rows[-1].number) + 1):
                if (below := place.get(number)) is not None:
                    cells = [*self.rows[below].cells]
                    cells += [""] * (column + 1 - len(cells))
                    if not cells[column]:
                        cells[column] = value
                        self.rows[below] = Row(number, cells)


def number_text(written: str) -> str:
    """A number without the digits that a computer's fractions add to it."""
    try:
        value = float(written)
    except ValueError:
        return written
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.15g}"
