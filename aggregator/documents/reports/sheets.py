"""The sheets of a report's workbook: how they print, how their cells look, how high rows are."""

import math
import textwrap
from collections.abc import Iterable, Mapping

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from aggregator.documents.reports.model import ColumnUnit, Report
from aggregator.wording import numbers

A4, A3 = 9, 8
LINE, LETTERS = 15.5, 1.1  # points a line of 11 pt, and letters a unit of a column's width
WIDEST = 200  # a printed A4 page can hardly be read when more is squeezed onto it
NUMBER_FORMATS: Mapping[ColumnUnit, str] = {
    "integer": "#,##0",
    "share": "0.0%",
    "points": "+0.0;−0.0;0.0",
    "score": "0.0",
    "number": "#,##0.00",
    "p": '[<0.0001]"{least}";[<0.05]0.0000##;0.0000',  # digits that show on which side of 0.05
    "interval": "0.0%",
    "points_interval": "+0.0;−0.0;0.0",
    "number_interval": "#,##0.00",
    "ranks": "0",
}


class Sheets:
    """Adds sheets to a workbook, set up for print, and makes the formats of its cells."""

    def __init__(self, book: xlsxwriter.Workbook, report: Report) -> None:
        self.book = book
        self.report = report
        self._formats: dict[tuple[str, bool], Format] = {}

    def add(self, name: str, *, landscape: bool, width: float = 0) -> Worksheet:
        """A new sheet, one page wide in print; A3 where its columns are too wide for A4."""
        sheet: Worksheet = self.book.add_worksheet(name)
        sheet.set_paper(A4 if width <= WIDEST else A3)
        if landscape:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.8, right=0.6, top=0.8, bottom=0.8)
        demo = self.report.words["demo"].replace("&", "&&")
        sheet.set_header(f"&C&B{demo}" if self.report.demo else "")
        sheet.set_footer("&C&P/&N")
        return sheet

    def across(
        self,
        sheet: Worksheet,
        at: int,
        columns: tuple[int, float],
        text: str,
        *,
        bold: bool = False,
        italic: bool = False,
    ) -> None:
        """A text in row ``at`` over all columns, so that it neither widens the page nor is cut.

        ``columns`` are the last one's number and the width of all.
        """
        last, width = columns
        style = self.text(bold=bold, italic=italic)
        if last:
            sheet.merge_range(at, 0, at, last, "", style)
        sheet.write_string(at, 0, text, style)
        sheet.set_row(at, height([(text, width)]))

    def text(self, *, bold: bool = False, italic: bool = False) -> Format:
        return self._format(f"text {italic}", bold=bold, italic=italic, text_wrap=True)

    def head(self) -> Format:
        look = {"text_wrap": True, "align": "center", "border": 1, "bg_color": "#EDEDED"}
        return self._format("head", bold=True, **look)

    def group(self) -> Format:
        return self._format("group", bold=True, border=1, indent=1, bg_color="#EDEDED")

    def figure(self, unit: ColumnUnit, *, bold: bool = False) -> Format:
        """The format of a cell of a column's unit."""
        if unit == "text":
            return self._format(unit, bold=bold, text_wrap=True, border=1, indent=1)
        number = NUMBER_FORMATS[unit]
        if unit == "p":
            number = number.format(least=numbers.p_value(0.0, self.report.language))
        return self._format(unit, bold=bold, num_format=number, align="right", border=1)

    def share(self, digits: int, *, bold: bool) -> Format:
        """A published share in its source's digits."""
        number = NUMBER_FORMATS["share"].replace(".0", f".{'0' * digits}" if digits else "")
        look = {"num_format": number, "align": "right", "border": 1}
        return self._format(f"share {digits}", bold=bold, **look)

    def _format(self, name: str, *, bold: bool, **more: object) -> Format:
        if (name, bold) not in self._formats:
            base = {"font_name": "Times New Roman", "font_size": 11, "valign": "vcenter"}
            self._formats[name, bold] = self.book.add_format({**base, "bold": bold, **more})
        return self._formats[name, bold]


def height(texts: Iterable[tuple[str, float]]) -> float:
    """The height, in points, of a row of texts with the widths of their columns.

    Programs do not compute it when they open a file.
    """
    return LINE * max((_lines(text, width) for text, width in texts), default=1) + 1


def _lines(text: str, width: float) -> int:
    """How many lines a text takes, at least one, as words are broken between them."""
    letters = max(1, math.floor(width * LETTERS))
    return sum(max(1, len(textwrap.wrap(part, letters))) for part in text.split("\n"))
