"""Reads a file as a workbook, whichever of the formats of an office it has."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile
from zlib import error as DeflateError

from aggregator.intake.desk.books import Book
from aggregator.intake.desk.csv_files import read_csv
from aggregator.intake.desk.ods import read_ods
from aggregator.intake.desk.sheets import LARGEST, Sheet, SheetError, Workbook
from aggregator.intake.desk.xlsx import read_xlsx

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# What a damaged file raises: of ZIP, of sizes that lie, of a packing nobody uses, of XML.
DAMAGE = (
    BadZipFile,
    DeflateError,
    ExpatError,
    EOFError,
    LookupError,
    OSError,
    NotImplementedError,
    ValueError,
)


def read_workbook(data: bytes) -> Workbook:
    """The sheets of a CSV, XLSX or ODS file that have something in them. Raises SheetError."""
    if len(data) > LARGEST:
        raise SheetError("too_large", most=LARGEST // 1024 // 1024)
    if data.startswith(ZIP):
        sheets = _spreadsheet(data)
    elif data.startswith(OLE):
        raise SheetError("password" if ENCRYPTED in data else "old_excel")
    else:
        sheets = [one for one in (read_csv(data),) if one.count]
    if not sheets:
        raise SheetError("empty")
    if all(one.error for one in sheets):
        key, values = sheets[0].error or ("empty", {})
        raise SheetError(key, **values)
    return Workbook(hashlib.sha256(data).hexdigest(), sheets)


def _spreadsheet(data: bytes) -> Sequence[Sheet]:
    try:
        book = Book(data)
        if "xl/workbook.xml" in book.names:
            sheets = list(read_xlsx(book))
        elif "content.xml" in book.names:
            sheets = read_ods(book)
        else:
            raise SheetError("xlsb" if "xl/workbook.bin" in book.names else "no_table")
    except SheetError:
        raise
    except DAMAGE as error:
        raise SheetError("damaged") from error
    macros: list[tuple[str, dict[str, Any]]] = [("macros", {})] if book.has_macros else []
    return [replace(one, notes=[*one.notes, *macros]) for one in sheets]
