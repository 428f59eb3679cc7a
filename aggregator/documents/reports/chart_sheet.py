"""A chart's sheet in a workbook: the chart above, and the table below that it is drawn from."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from xlsxwriter.utility import xl_rowcol_to_cell as cell

from aggregator.documents.reports.model import Chart, ColumnUnit
from aggregator.documents.reports.sheets import Sheets, height

LABEL, NUMBER = 42, 12  # widths of columns
ROW = 20  # pixels of a row whose height is not set
FACE = {"name": "Times New Roman", "size": 11}


class Live(NamedTuple):
    """A formula and what it gives."""

    formula: str
    value: float


Value = str | int | float | Live | None


class ChartSheet:
    """The sheet of one chart: title, ``pixels`` for the chart, a table from row ``first`` on."""

    def __init__(
        self, sheets: Sheets, chart: Chart, name: str, *, columns: int, pixels: int
    ) -> None:
        self.sheets, self.chart, self.name = sheets, chart, name
        self.words, self.language = sheets.report.words, sheets.report.language
        width = LABEL + NUMBER * (columns - 1)
        self.sheet = sheets.add(name, landscape=columns > 8, width=width)
        self.sheet.set_column(0, 0, LABEL)
        self.sheet.set_column(1, columns - 1, NUMBER)
        self.across = (columns - 1, width)
        self.size = {"width": 7 * width + 5 * columns, "height": pixels}
        demo = [(self.words["demo"], True)] if sheets.report.demo else []
        above = [(chart.title, True), *demo, (self.words["chart_live"], False)]
        for row, (text, bold) in enumerate(above):
            sheets.across(self.sheet, row, self.across, text, bold=bold, italic=not bold)
        self.top = len(above)
        self.first = self.top + 2 + -(-pixels // ROW)

    def fill(
        self, heads: Sequence[str], units: Sequence[ColumnUnit], rows: Sequence[Sequence[Value]]
    ) -> None:
        """The table below the chart: labels, then columns of these units; None stays empty."""
        sheets, sheet, at = self.sheets, self.sheet, self.first - 1
        heads = [self.words["chart_item"], *heads]
        for column, text in enumerate(heads):
            sheet.write_string(at, column, text, sheets.head())
        sheet.set_row(at, height([(text, NUMBER) for text in heads[1:]]))
        sheet.repeat_rows(at)
        for at, (label, *values) in enumerate(rows, self.first):
            sheet.write_string(at, 0, str(label), sheets.figure("text"))
            sheet.set_row(at, height([(str(label), LABEL)]))
            for column, (unit, value) in enumerate(zip(units, values, strict=True), 1):
                style = sheets.figure(unit)
                if isinstance(value, Live):
                    sheet.write_formula(at, column, value.formula, style, value.value)
                elif value is None:
                    sheet.write_blank(at, column, None, style)
                else:
                    sheet.write_number(at, column, float(value), style)
        self.last = self.first + len(rows) - 1
        for row, note in enumerate(self.chart.notes, self.last + 1):
            sheets.across(sheet, row, self.across, note, italic=True)

    def cells(self, column: int) -> list[str | int]:
        """All of a column of the table, as a chart refers to it."""
        return [self.name, self.first, column, self.last, column]

    def area(self, column: int) -> str:
        """The same as text."""
        ends = (cell(row, column, row_abs=True, col_abs=True) for row in (self.first, self.last))
        return f"='{self.name}'!{':'.join(ends)}"

    def series(self, column: int, name: str, **look: Any) -> dict[str, Any]:
        """A column of the table as a series."""
        places = {"categories": self.cells(0), "values": self.cells(column)}
        return {"name": name, **places, **look}

    def drawn(self, kind: str, series: Sequence[dict[str, Any]], **more: str) -> Any:
        """A new chart of xlsxwriter's with these series."""
        chart = self.sheets.book.add_chart({"type": kind, **more})
        for one in series:
            chart.add_series(one)
        chart.set_title({"none": True})
        chart.set_size(self.size)
        chart.set_legend({"position": "bottom", "font": FACE})
        said = {"description": self.chart.alt, "object_position": 2}
        self.sheet.insert_chart(self.top, 0, chart, said)
        return chart
