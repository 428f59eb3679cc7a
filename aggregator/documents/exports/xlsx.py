"""The joined table as a spreadsheet (XLSX) with its codebook on a sheet of its own."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from aggregator.documents.exports.columns import ExportColumn
from aggregator.documents.exports.office import headings
from surveys.messages import Language

SHEET_ROWS = 1_048_575  # below the heading; what Excel and LibreOffice open
WIDTHS = {"moment": 19, "day": 11, "text": 24}  # in characters; of other kinds 16


def write_xlsx(
    path: Path,
    rows: Iterable[Sequence[Any]],
    columns: Sequence[ExportColumn],
    language: Language,
    titles: tuple[str, str],
    book: Iterable[Sequence[str]],
) -> None:
    """Write rows of ``in_words``, and their codebook on a sheet behind them, in constant memory.

    ``titles`` are the names of both sheets. What the first has no room for goes on in another.
    """
    name, codes = titles
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as workbook:
        head = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        moment = workbook.add_format({"num_format": "dd/mm/yyyy hh:mm:ss"})

        def opened(title: str) -> Worksheet:
            sheet = workbook.add_worksheet(title)
            sheet.freeze_panes(1, 0)
            return sheet

        def data(number: int) -> Worksheet:
            sheet = opened(name if number == 1 else f"{name} {number}")
            for place, column in enumerate(columns):
                sheet.set_column(place, place, WIDTHS.get(column.kind, 16))
            sheet.write_row(0, 0, headings(columns, language), head)
            return sheet

        number, line, sheet = 1, 0, data(1)
        for row in rows:
            if line == SHEET_ROWS:
                number, line = number + 1, 0
                sheet = data(number)
            line += 1
            for place, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(line, place, value)  # never a formula
                elif isinstance(value, date):
                    shown = moment if isinstance(value, datetime) else day
                    sheet.write_datetime(line, place, value, shown)
                elif value is not None:
                    sheet.write_number(line, place, value)
        told = opened(codes)
        told.set_column(0, len(columns), 24)
        for line, texts in enumerate(book):
            for place, text in enumerate(texts):
                told.write_string(line, place, text, None if line else head)
