"""The parts of a spreadsheet file, XML in a ZIP.

Each part is read piece by piece and given up where it grows past what an office's table has; a
document type, which such a file never has, is refused.
"""

import io
import math
from collections.abc import Mapping
from xml.parsers.expat import ParserCreate
from zipfile import ZipFile

from aggregator.intake.desk.sheets import LONGEST_CELL, PIECE, SheetError

UNPACKED = 256 * 1024 * 1024  # bytes of all parts that are read: 200 000 rows of ODS
MOST_PARTS = 2_000
LONGEST_TAG = 1024 * 1024  # bytes that are kept until it is whole
BETWEEN = "}"  # a namespace and a name
MACROS = ("vbaproject.bin", "basic/", "scripts/")


class _Local(dict[str, str]):
    """By an element's name with its namespace the name without."""

    def __missing__(self, name: str) -> str:
        local = name.rpartition(BETWEEN)[2]
        if len(self) < MOST_PARTS:
            self[name] = local
        return local


LOCAL = _Local()


class Listener:
    """Is told of a part's elements, by their names with a namespace; see LOCAL."""

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        pass

    def end(self, name: str) -> None:
        pass

    def text(self, text: str) -> None:
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
        parser = ParserCreate(namespace_separator=BETWEEN)
        parser.StartDoctypeDeclHandler = _refuse  # so there is no entity to expand
        parser.StartElementHandler, parser.EndElementHandler = listener.begin, listener.end
        parser.CharacterDataHandler = listener.text
        fed = 0
        with self._zip.open(name) as part:
            while piece := part.read(PIECE):
                self._left -= len(piece)
                if self._left < 0:
                    raise SheetError("unpacks_too_large", most=UNPACKED // 1024 // 1024)
                parser.Parse(piece)
                fed += len(piece)
                if fed - parser.CurrentByteIndex > LONGEST_TAG:
                    raise SheetError("damaged")
        parser.Parse(b"", True)


def _refuse(*_: object) -> None:
    raise SheetError("damaged")


class Text:
    """The text of a cell while it is read, no longer than one may be."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0

    def clear(self) -> None:
        if self._length:
            self._parts, self._length = [], 0

    def add(self, text: str) -> None:
        """Raises SheetError."""
        self._length += len(text)
        if self._length > 2 * LONGEST_CELL:  # with white space that is left out
            raise SheetError("text_too_long", most=LONGEST_CELL)
        self._parts.append(text)

    def __str__(self) -> str:
        return "".join(self._parts).strip()


def number_text(written: str) -> str:
    """A number without the digits that a computer's fractions add to it, with a decimal comma.

    So it is no number with points between thousands, as 1.204 in a text is.
    """
    try:
        value = float(written)
    except ValueError:
        return written
    if not math.isfinite(value):
        return written
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.15g}".replace(".", ",")
