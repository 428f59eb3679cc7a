"""A report as XLSX: a sheet a table, numbers as numbers, shares and intervals as live formulas.

Labels are written as strings only: a name that begins with "=" stays a name.
"""

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from aggregator.documents.reports import decree_30_2020
from aggregator.documents.reports.charts import PPI, pictures
from aggregator.documents.reports.formulas import Z_FORMULA, Z, formula, spread
from aggregator.documents.reports.model import (
    CellValue,
    Chart,
    Column,
    ColumnUnit,
    Paragraph,
    Points,
    Printed,
    Range,
    Report,
    Table,
)
from aggregator.documents.reports.written import written

A4, A3 = 9, 8
LINE, LETTERS = 15.5, 1.25  # points a line of 11 pt, and letters a unit of a column's width
PAGE_WIDTH, LABEL_WIDTH, TEXT_WIDTH, NUMBER_WIDTH = 80, 42, 30, 12
WIDEST = 200  # a printed A4 page can hardly be read when more is squeezed onto it
NUMBER_FORMATS: Mapping[ColumnUnit, str] = {
    "integer": "#,##0",
    "share": "0.0%",
    "points": "+0.0;−0.0;0.0",
    "score": "0.0",
    "number": "#,##0.00",
    "p": "[<0.0001]0.0E+00;[<0.05]0.0000##;0.0000",  # digits that show on which side of 0.05
    "interval": "0.0%",
    "points_interval": "+0.0;−0.0;0.0",
    "number_interval": "#,##0.00",
    "ranks": "0",
}


def render(report: Report) -> bytes:
    """The XLSX file of a report. Raises files.FileError where the charts cannot be drawn."""
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
    """Writes one report into a workbook: a summary, then a sheet a table, then the charts."""

    def __init__(self, book: xlsxwriter.Workbook, report: Report) -> None:
        self.book = book
        self.report = report
        self.formats: dict[tuple[str, bool], Format] = {}

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
        charts = list(report.charts())
        if charts:
            self._charts(charts)

    def _summary(self, title: str) -> None:
        """The sentences of the report, without its tables."""
        words, report = self.report.words, self.report
        sheet = self._sheet(words["summary_sheet"], landscape=False)
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
            sheet.write_string(row, 0, text, self._text(bold=bold))
            sheet.set_row(row, _height([(text, PAGE_WIDTH)]))

    def _sheet(self, name: str, *, landscape: bool) -> Worksheet:
        sheet: Worksheet = self.book.add_worksheet(name)
        sheet.set_paper(A4)
        if landscape:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.8, right=0.6, top=0.8, bottom=0.8)
        demo = self.report.words["demo"].replace("&", "&&")
        sheet.set_header(f"&C&B{demo}" if self.report.demo else "")
        sheet.set_footer("&C&P/&N")
        return sheet

    # Tables

    def _table(self, table: Table) -> None:
        columns = spread(table)
        sheet = self._sheet(table.name, landscape=len(columns) > 7)
        top, widths = 2, [_width(column, place) for place, (column, _) in enumerate(columns)]
        titles = []
        across = (len(columns) - 1, sum(widths))
        sheet.set_paper(A4 if sum(widths) <= WIDEST else A3)
        self._across(sheet, 0, across, table.title, bold=True)
        if self.report.demo:
            self._across(sheet, 1, across, self.report.words["demo"], bold=True)
        for place, (column, end) in enumerate(columns):
            title = column.title
            if end is not None:
                title = f"{title}: {self.report.words[('from', 'to')[end]]}"
            titles.append(title)
            sheet.write_string(top, place, title, self._head())
            sheet.set_column(place, place, widths[place])
        sheet.set_row(top, _height(zip(titles, widths, strict=True)))
        for number, row in enumerate(table.rows):
            if number in table.groups:
                for place in range(len(columns)):
                    text = str(row[0]) if place == 0 else ""
                    sheet.write_string(top + 1 + number, place, text, self._group())
                continue
            self._row(sheet, top + 1 + number, table, row, bold=number in table.strong)
            texts = [
                (str(value), _width(column, place))
                for place, (column, value) in enumerate(zip(table.columns, row, strict=True))
                if column.unit == "text"
            ]
            sheet.set_row(top + 1 + number, _height(texts))
        for number, note in enumerate(table.notes):
            self._across(sheet, top + 1 + len(table.rows) + number, across, note, italic=True)
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
            style = self._figure(column.unit, bold=bold)
            value = values[column.key]
            if isinstance(value, Printed) and value.share is not None:
                style = self._share(value.digits, bold=bold)
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

    def _across(
        self,
        sheet: Worksheet,
        at: int,
        across: tuple[int, int],
        text: str,
        *,
        bold: bool = False,
        italic: bool = False,
    ) -> None:
        """A text over all columns, so that it neither widens the page nor is cut off."""
        last, width = across
        sheet.merge_range(at, 0, at, last, "", self._text(bold=bold, italic=italic))
        sheet.write_string(at, 0, text, self._text(bold=bold, italic=italic))
        sheet.set_row(at, _height([(text, width)]))

    # Charts

    def _charts(self, charts: Sequence[Chart]) -> None:
        sheet = self._sheet(self.report.words["chart_sheet"], landscape=False)
        sheet.set_column(0, 0, PAGE_WIDTH)
        row, breaks = 0, []
        for chart, image in zip(charts, pictures(charts, self.report.language), strict=True):
            breaks += [row] if row else []
            sheet.write_string(row, 0, chart.title, self._text(bold=True))
            scale = 96 / PPI
            options = {
                "image_data": io.BytesIO(image),
                "x_scale": scale,
                "y_scale": scale,
                "description": chart.alt,
                "object_position": 2,
            }
            sheet.insert_image(row + 1, 0, "chart.png", options)
            high = int.from_bytes(image[20:24], "big") * scale  # pixels: the PNG's own height
            row += 3 + round(high / 20)
            for note in chart.notes:
                sheet.write_string(row - 1, 0, note, self._text(italic=True))
                sheet.set_row(row - 1, _height([(note, PAGE_WIDTH)]))
                row += 1
        sheet.set_h_pagebreaks(breaks)

    # Formats

    def _format(self, name: str, *, bold: bool, **more: object) -> Format:
        if (name, bold) not in self.formats:
            base = {"font_name": "Times New Roman", "font_size": 11, "valign": "vcenter"}
            self.formats[name, bold] = self.book.add_format({**base, "bold": bold, **more})
        return self.formats[name, bold]

    def _text(self, *, bold: bool = False, italic: bool = False) -> Format:
        return self._format(f"text {italic}", bold=bold, italic=italic, text_wrap=True)

    def _head(self) -> Format:
        look = {"text_wrap": True, "align": "center", "border": 1, "bg_color": "#EDEDED"}
        return self._format("head", bold=True, **look)

    def _group(self) -> Format:
        return self._format("group", bold=True, border=1, indent=1, bg_color="#EDEDED")

    def _figure(self, unit: ColumnUnit, *, bold: bool) -> Format:
        if unit == "text":
            return self._format(unit, bold=bold, text_wrap=True, border=1, indent=1)
        look = {"num_format": NUMBER_FORMATS[unit], "align": "right", "border": 1}
        return self._format(unit, bold=bold, **look)

    def _share(self, digits: int, *, bold: bool) -> Format:
        """A published share in its source's digits."""
        number = NUMBER_FORMATS["share"].replace(".0", f".{'0' * digits}" if digits else "")
        look = {"num_format": number, "align": "right", "border": 1}
        return self._format(f"share {digits}", bold=bold, **look)


def _width(column: Column, place: int) -> int:
    if column.unit != "text":
        return NUMBER_WIDTH
    return round((LABEL_WIDTH if place == 0 else TEXT_WIDTH) * max(1.0, column.width / 3))


def _height(texts: Iterable[tuple[str, int]]) -> float:
    """The height, in points, of a row of texts with the widths of their columns.

    Programs do not compute it when they open a file.
    """
    return (
        LINE * max((math.ceil(len(text) / (width * LETTERS)) for text, width in texts), default=1)
        + 1
    )
