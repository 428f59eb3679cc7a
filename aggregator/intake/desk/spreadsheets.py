"""Reads the first table of a spreadsheet file, whichever of the two formats it has."""

from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile
from zlib import error as DeflateError

from aggregator.intake.desk.books import Book
from aggregator.intake.desk.encodings import mended
from aggregator.intake.desk.ods import read_ods
from aggregator.intake.desk.sheets import Row, Sheet, SheetError
from aggregator.intake.desk.xlsx import read_xlsx

# What a damaged file raises: of ZIP, of sizes that lie, of a packing nobody uses, of XML.
DAMAGE = (BadZipFile, DeflateError, ParseError, EOFError, OSError, NotImplementedError, ValueError)


def read_spreadsheet(data: bytes) -> Sheet:
    """The first table of a file that has something in it. Raises SheetError."""
    try:
        book = Book(data)
        if "xl/workbook.xml" in book.names:
            table, format = read_xlsx(book), "XLSX"
        elif "content.xml" in book.names:
            table, format = read_ods(book), "ODS"
        else:
            raise SheetError("xlsb" if "xl/workbook.bin" in book.names else "no_table")
    except SheetError:
        raise
    except DAMAGE as error:
        raise SheetError("damaged") from error
    if book.has_macros:
        table.notes.append(("macros", {}))
    table.fill_merged()
    mend, encoding = mended(cell for row in table.rows for cell in row.cells)
    rows = [Row(row.number, [mend(cell) for cell in row.cells]) for row in table.rows]
    return Sheet(format, encoding, rows, table.faults, table.notes)
