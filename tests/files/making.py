"""Makes the files: text in the encodings of offices, spreadsheets cell by cell, and bad ones."""

import io
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter

from aggregator.intake.desk import encodings

Table = Sequence[Sequence[Any]]
SMALL = {letter: chr(byte) for byte, letter in encodings._TCVN3.items()}
MARKED = {letter: written for written, letter in reversed(encodings._VNI.items())}
TONES = "\u0300\u0301\u0303\u0309\u0323"


def tcvn3(text: str) -> str:
    """Text as .VnTime has it: capitals with a mark are small ones in a font of capitals."""
    return "".join(SMALL.get(one, SMALL.get(one.lower(), one)) for one in text)


def vni(text: str) -> str:
    return "".join(MARKED.get(one, one) for one in text)


def windows_1258(text: str) -> bytes:
    written = b""
    for one in text:
        apart = unicodedata.normalize("NFD", one)
        tone = "".join(mark for mark in apart if mark in TONES)
        letter = unicodedata.normalize("NFC", "".join(m for m in apart if m not in TONES))
        try:
            written += one.encode("cp1258")
        except UnicodeEncodeError:
            written += (letter + tone).encode("cp1258")
    return written


def csv(table: Table, delimiter: str = ",") -> str:
    """Cells with quotes where they need them, lines as Windows ends them."""

    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        return '"' + text.replace('"', '""') + '"' if set(text) & {delimiter, '"', "\n"} else text

    return "".join(delimiter.join(map(cell, row)) + "\r\n" for row in table)


def xlsx(table: Table, change: Callable[[Any, Any], None] = lambda book, sheet: None) -> bytes:
    """A workbook of one sheet; ``change`` gets both before it is closed."""
    return workbook({"Số liệu": table}, change)


def workbook(
    tables: Mapping[str, Table], change: Callable[[Any, Any], None] = lambda book, sheet: None
) -> bytes:
    """A workbook of sheets by their names; ``change`` gets it and its last one."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    days = book.add_format({"num_format": "dd/mm/yyyy"})
    both = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
    hours = book.add_format({"num_format": "hh:mm"})
    for name, table in tables.items():
        sheet = book.add_worksheet(name)
        for row, cells in enumerate(table):
            for column, value in enumerate(cells):
                if isinstance(value, datetime):
                    sheet.write_datetime(row, column, value, both)
                elif isinstance(value, date):
                    sheet.write_datetime(row, column, datetime.combine(value, time()), days)
                elif isinstance(value, time):
                    sheet.write_datetime(row, column, value, hours)
                elif value is not None:
                    sheet.write(row, column, value)
    change(book, sheet)
    book.close()
    return file.getvalue()


def ods(
    table: Table, attributes: dict[tuple[int, int], str] | None = None, before: str = ""
) -> bytes:
    """A document of one sheet, with the million blank rows that LibreOffice writes below.

    ``attributes`` are further ones of a cell, by row and column from 0, ``before`` what comes
    before the sheet.
    """
    more = attributes or {}
    rows = ""
    for at, cells in enumerate(table):
        rows += "<table:table-row>"
        for column, value in enumerate(cells):
            rows += _ods_cell(value, more.get((at, column), ""))
        rows += '<table:table-cell table:number-columns-repeated="1000"/></table:table-row>'
    blank = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
    blank += 'table:number-columns-repeated="1024"/></table:table-row>'
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{spaces}><office:body>'
        f'<office:spreadsheet>{before}<table:table table:name="Trang 1">{rows}{blank}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return packed({"mimetype": kind, "content.xml": content})


def _ods_cell(value: Any, more: str) -> str:
    if value is None:
        return f"<table:table-cell {more}/>"
    if isinstance(value, date):
        kind = f'office:value-type="date" office:date-value="{value.isoformat()}"'
        shown = value.strftime("%d/%m/%Y")
    elif isinstance(value, int | float):
        kind, shown = f'office:value-type="float" office:value="{value}"', str(value)
    else:
        kind, shown = 'office:value-type="string"', str(value)
    return f"<table:table-cell {kind} {more}><text:p>{escape(shown)}</text:p></table:table-cell>"


def packed(parts: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def bomb(name: str, megabytes: int) -> bytes:
    """A packed file with a part of that many zeros: one piece of them, told again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    data = piece * megabytes + packer.flush()
    size, told = megabytes << 20, name.encode()
    about = struct.pack("<5H3L2H", 20, 0, 8, 0, 0, 0, len(data), size, len(told), 0)
    head = b"PK\x03\x04" + about + told + data
    entry = b"PK\x01\x02" + struct.pack("<H", 20) + about
    entry += struct.pack("<3H2L", 0, 0, 0, 0, 0) + told
    return (
        head + entry + b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, len(entry), len(head), 0)
    )


def with_parts(book: bytes, parts: dict[str, str | bytes]) -> bytes:
    """A workbook with some of its parts replaced, or further ones."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        every: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    return packed(every | parts)


def sheet_of(rows: str) -> str:
    """A part of XLSX with a sheet of these rows."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'
