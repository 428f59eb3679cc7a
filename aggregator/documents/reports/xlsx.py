"""A report as XLSX: a sheet a table, numbers as numbers, shares and intervals as live formulas.

Labels are written as strings only: a name that begins with "=" stays a name.
"""

import io
from collections.abc import Sequence
from datetime import datetime

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from aggregator.documents.reports import decree_30_2020
from aggregator.documents.reports.formulas import Z_FORMULA, Z, formula, spread
from aggregator.documents.reports.model import (
    CellValue,
    Column,
    Paragraph,
    Points,
    Printed,
    Range,
    Report,
    Table,
)
from aggregator.documents.reports.sheets import Sheets, height
from aggregator.documents.reports.written import written
from aggregator.documents.reports.xlsx_charts import write_chart

PAGE_WIDTH, LABEL_WIDTH, TEXT_WIDTH, NUMBER_WIDTH = 80, 42, 30, 12


def render(report: Report) -> bytes:
    """The XLSX file of a report."""
    file = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(file, options) as book:
        _Book(book, report).write()
    return file.getvalue()


class _Book:
    """Writes one report into a workbook: a summary, then a sheet a table, then one a chart."""

    def __init__(self, book: xlsxwriter.Workbook, report: Report) -> None:
        self.book = book
        self.report = report
        self.sheets = Sheets(book, report)

    def write(self) -> None:
        heads, report = decree_30_2020.heads(self.report), self.report
        moment = datetime(report.day.year, report.day.month, report.day.day)
        self.book.set_properties(
            {"title": heads["title"], "author": report.agency, "created": moment}
        )
        self.book.define_name(Z, Z_FORMULA)
        self._summary(heads["title"])
        for table in report.tables():
            self._table(table)
        for number, chart in enumerate(report.charts(), 1):
            write_chart(self.sheets, chart, f"{report.words['chart_sheet']} {number}")

    def _summary(self, title: str) -> None:
        """The sentences of the report, without its tables."""
        words, report = self.report.words, self.report
        sheet = self.sheets.add(words["summary_sheet"], landscape=False)
        sheet.set_column(0, 0, PAGE_WIDTH)
        lines = [(report.agency, True), (title, True)]
        lines += [(words["demo"], True)] if report.demo else []
        lines += [(report.opening, False)] if report.opening else []
        for section in report.sections:
            blocks = [b for b in section.blocks if isinstance(b, Paragraph | Points)]
            lines += [("", False), (section.title, True)] if blocks and section.title else []
            for block in blocks:
                texts = (block.text,) if isinstance(block, Paragraph) else block.texts
                lines += [(text, False) for text in texts]
        lines += [("", False), (words["decimal_note"], False), (words["formula_note"], False)]
        for row, (text, bold) in enumerate(lines):
            self.sheets.across(sheet, row, (0, PAGE_WIDTH), text, bold=bold)

    def _table(self, table: Table) -> None:
        sheets, columns = self.sheets, spread(table)
        top, widths = 2, [_width(column, place) for place, (column, _) in enumerate(columns)]
        sheet = sheets.add(table.name, landscape=len(columns) > 7, width=sum(widths))
        titles = []
        across = (len(columns) - 1, sum(widths))
        sheets.across(sheet, 0, across, table.title, bold=True)
        if self.report.demo:
            sheets.across(sheet, 1, across, self.report.words["demo"], bold=True)
        for place, (column, end) in enumerate(columns):
            title = column.title
            if end is not None:
                title = f"{title}: {self.report.words[('from', 'to')[end]]}"
            titles.append(title)
            sheet.write_string(top, place, title, sheets.head())
            sheet.set_column(place, place, widths[place])
        sheet.set_row(top, height(zip(titles, widths, strict=True)))
        for number, row in enumerate(table.rows):
            if number in table.groups:
                for place in range(len(columns)):
                    text = str(row[0]) if place == 0 else ""
                    sheet.write_string(top + 1 + number, place, text, sheets.group())
                continue
            self._row(sheet, top + 1 + number, table, row, bold=number in table.strong)
            texts = [
                (str(value), _width(column, place))
                for place, (column, value) in enumerate(zip(table.columns, row, strict=True))
                if column.unit == "text"
            ]
            sheet.set_row(top + 1 + number, height(texts))
        for number, note in enumerate(table.notes):
            sheets.across(sheet, top + 1 + len(table.rows) + number, across, note, italic=True)
        sheet.freeze_panes(top + 1, 1)
        sheet.repeat_rows(top)

    def _row(
        self, sheet: Worksheet, at: int, table: Table, row: Sequence[CellValue], *, bold: bool
    ) -> None:
        values = {column.key: value for column, value in zip(table.columns, row, strict=True)}
        columns = spread(table)
        cells = {
            column.key: xl_rowcol_to_cell(at, place)
            for place, (column, end) in enumerate(columns)
            if end in (None, 0)
        }
        for place, (column, end) in enumerate(columns):
            style = self.sheets.figure(column.unit, bold=bold)
            value = values[column.key]
            if isinstance(value, Printed) and value.share is not None:
                style = self.sheets.share(value.digits, bold=bold)
                value = value.share
            if isinstance(value, Range) and end is not None:
                value = value[end]
            if not isinstance(value, int | float):
                # The note of a printed figure has a column of its own here.
                shown = value.text if isinstance(value, Printed) else value
                text = written(shown, column, self.report.language)
                sheet.write_string(at, place, text, style)
                continue
            number = value * 100 if column.unit in ("points", "points_interval") else value
            live = formula(column, end, number, values, cells)
            if live is None:
                sheet.write_number(at, place, number, style)
            else:
                sheet.write_formula(at, place, live, style, number)


def _width(column: Column, place: int) -> int:
    if column.unit != "text":
        return NUMBER_WIDTH
    return round((LABEL_WIDTH if place == 0 else TEXT_WIDTH) * max(1.0, column.width / 3))
