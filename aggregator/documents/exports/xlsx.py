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
A4, A3, WIDEST = 9, 8, 250  # papers; characters beside one another that can be read on A3
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

        def opened(title: str, width: int) -> Worksheet:
            """A sheet with a heading that stays in sight and is printed on each page."""
            sheet = workbook.add_worksheet(title)
            sheet.freeze_panes(1, 0)
            sheet.repeat_rows(0)
            sheet.set_landscape()
            sheet.set_paper(A4 if width <= WIDEST / 2 else A3)
            sheet.set_footer("&C&P/&N")
            if width <= WIDEST:
                sheet.fit_to_pages(1, 0)
            return sheet

        def data(number: int) -> Worksheet:
            widths = [WIDTHS.get(column.kind, 16) for column in columns]
            sheet = opened(name if number == 1 else f"{name} {number}", sum(widths))
            for place, width in enumerate(widths):
                sheet.set_column(place, place, width)
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
        told = opened(codes, WIDEST)
        told.set_column(0, len(columns), 24)
        for line, texts in enumerate(book):
            for place, text in enumerate(texts):
                told.write_string(line, place, text, None if line else head)
