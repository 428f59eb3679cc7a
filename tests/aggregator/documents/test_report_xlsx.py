"""The XLSX: the same figures as numbers, live formulas that give them, names that stay names."""

import io
import math
import re
from collections.abc import Iterator, Mapping
from html import unescape
from itertools import pairwise
from typing import Any
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook
from openpyxl.utils.cell import get_column_letter, range_boundaries
from scipy.stats import norm

from aggregator.documents.reports import xlsx
from aggregator.documents.reports.formulas import spread
from aggregator.documents.reports.model import (
    CellValue,
    Chart,
    Intervals,
    Likert,
    Mark,
    Printed,
    Range,
    Report,
    Table,
    Trend,
)
from aggregator.documents.reports.written import written
from surveys.definition import Text
from surveys.messages import Language
from tests.aggregator.conftest import Room
from tests.aggregator.documents.reporting import fill, report_of, table_of

TOP = 3  # the row of a sheet's heads

A4, A3 = 9, 8
DRAWING = re.compile(r"xl/drawings/drawing\d+\.xml")


@pytest.fixture
def filled(room: Room) -> Room:
    fill(room)
    return room


def opened(report: Report, *, formulas: bool = False) -> Any:
    return load_workbook(io.BytesIO(xlsx.render(report)), data_only=not formulas)


def values(sheet: Any, table: Table, number: int) -> Iterator[tuple[Any, Any]]:
    """The column and the value of each cell of a row, ranges put together again."""
    place = 1
    for column in table.columns:
        found = sheet.cell(TOP + 1 + number, place).value
        place += 1
        if column.unit in ("interval", "points_interval", "number_interval", "ranks"):
            second = sheet.cell(TOP + 1 + number, place).value
            place += 1
            found = Range(found, second) if isinstance(found, int | float) else found
        yield column, found


def test_every_sheet_has_the_figures_of_the_report(filled: Room) -> None:
    report = report_of(filled)
    book = opened(report)
    checked = 0
    for table in report.tables():
        sheet = book[table.name]
        for number, row in enumerate(table.rows):
            if number in table.groups:
                assert sheet.cell(TOP + 1 + number, 1).value == row[0]
                continue
            pairs = zip(values(sheet, table, number), row, strict=True)
            for (column, found), value in pairs:
                assert same(found, value, column.unit), (table.key, row[0], column.key)
                checked += 1
    assert checked > 500


def same(found: Any, value: CellValue, unit: str) -> bool:
    scale = 100 if unit in ("points", "points_interval") else 1
    if value is None:
        return bool(found == "–")
    if isinstance(value, Mark):
        return bool(found == value.value)
    if isinstance(value, Printed):
        return bool(found == (value.text if value.share is None else pytest.approx(value.share)))
    if isinstance(value, Range):
        return all(a == pytest.approx(b * scale) for a, b in zip(found, value, strict=True))
    if isinstance(value, int | float):
        return bool(found == pytest.approx(value * scale))
    return (found or "") == value


def test_the_figures_written_are_those_of_the_other_documents(filled: Room) -> None:
    """A number of the spreadsheet, written as print writes it, is what print has."""
    report = report_of(filled)
    table = table_of(report, "departments")
    sheet = opened(report)[table.name]
    for number, row in enumerate(table.rows):
        for (column, found), value in zip(values(sheet, table, number), row, strict=True):
            if column.unit == "share" and isinstance(found, float):
                assert written(found, column, "vi") == written(value, column, "vi")


def test_formulas_give_the_values_that_are_shown(filled: Room) -> None:
    report = report_of(filled)
    live, shown = opened(report, formulas=True), opened(report)
    assert float(norm.ppf(0.975)) == pytest.approx(1.959964)
    assert live.defined_names["z_95"].attr_text == "NORMSINV(0.975)"
    counted = 0
    for sheet in live.worksheets:
        cells = {cell.coordinate: cell.value for row in shown[sheet.title] for cell in row}
        for row in sheet:
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    assert compute(cell.value, cells) == pytest.approx(cells[cell.coordinate])
                    counted += 1
    assert counted > 100


def compute(formula: str, cells: Mapping[str, Any]) -> float:
    """What a spreadsheet makes of a formula: arithmetic, SQRT, MIN, MAX, cells and z_95.

    And SUM over cells of one row.
    """
    known = {"SQRT": math.sqrt, "MIN": min, "MAX": max, "z_95": float(norm.ppf(0.975))}
    formula = re.sub(r"SUM\((\w+):(\w+)\)", added, formula)
    code = re.sub(r"\b([A-Z]{1,2}\d+)\b", r"cells['\1']", formula[1:]).replace("^", "**")
    result: float = eval(code, {"__builtins__": {}}, {**known, "cells": cells})
    return result


def added(area: re.Match[str]) -> str:
    first, row, last, _ = range_boundaries(area[0].removeprefix("SUM(").removesuffix(")"))
    return "(" + "+".join(f"{get_column_letter(at)}{row}" for at in range(first, last + 1)) + ")"


def test_shares_and_wilson_intervals_are_live(filled: Room) -> None:
    report = report_of(filled)
    table = table_of(report, "departments")
    sheet = opened(report, formulas=True)[table.name]
    last = TOP + len(table.rows)
    heads = [cell.value for cell in sheet[TOP]]
    share = heads.index("Rất hài lòng", heads.index("Rất hài lòng: số câu trả lời"))
    assert re.fullmatch(r"=[A-Z]+\d+/[A-Z]+\d+", sheet.cell(last, share + 1).value)
    assert "SQRT" in sheet.cell(last, share + 2).value
    assert sheet.cell(last, share + 2).number_format == "0.0%"


def test_a_withheld_row_has_no_number_and_no_formula(filled: Room) -> None:
    report = report_of(filled)
    book = opened(report, formulas=True)
    for key in ("departments", "participation"):
        table = table_of(report, key)
        for number, row in enumerate(table.rows):
            for (column, found), value in zip(
                values(book[table.name], table, number), row, strict=True
            ):
                if isinstance(value, Mark):
                    assert found == "(*)", (key, row[0], column.key)


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "{="])
def test_a_name_that_begins_like_a_formula_stays_a_name(room: Room, begin: str) -> None:
    nasty = f'{begin}HYPERLINK("http://x","y")'
    first, *others = room.context.centre.departments
    named = first.model_copy(update={"name": Text(vi=nasty, en=nasty)})
    centre = room.context.centre.model_copy(update={"departments": (named, *others)})
    centre.__dict__.pop("department", None)
    fill(room)
    report = report_of(room, "day", centre=centre)
    sheet = opened(report, formulas=True)[table_of(report, "daily").name]
    cell = sheet.cell(TOP + 1, 1)
    assert (cell.value, cell.data_type) == (nasty, "s")
    assert cell.hyperlink is None


def test_sheets_are_set_up_for_reading_and_one_page_wide(filled: Room) -> None:
    report = report_of(filled, demo=True)
    book = opened(report)
    assert book.properties.creator == "Trung tâm Phục vụ hành chính công tỉnh Lai Châu"
    for sheet in book.worksheets:
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        pages = sheet.page_setup  # across 1, which is the default and not written; down any
        assert (pages.fitToWidth or 1, pages.fitToHeight) == (1, 0)
        assert pages.paperSize in (A4, A3)
        assert "MÔ PHỎNG" in sheet.oddHeader.center.text
    assert book["Cơ quan"].page_setup.paperSize == A3  # A4 would make it too small to read
    assert book["Kết quả chung"].page_setup.paperSize == A4
    for table in report.tables():
        assert book[table.name].freeze_panes == "B4"
        assert book[table.name].print_title_rows == "$3:$3"
    assert book.sheetnames[0] == "Tóm tắt"
    assert "Định nghĩa" in book.sheetnames
    assert book.sheetnames[-3:] == ["Biểu đồ 1", "Biểu đồ 2", "Biểu đồ 3"]


def test_charts_are_the_spreadsheet_s_own_with_words_for_those_who_cannot_see_them(
    filled: Room,
) -> None:
    report = report_of(filled)
    with ZipFile(io.BytesIO(xlsx.render(report))) as archive:
        names = archive.namelist()
        drawings = [archive.read(one).decode() for one in sorted(names) if DRAWING.fullmatch(one)]
    told = [unescape(text) for one in drawings for text in re.findall(r'descr="([^"]*)"', one)]
    assert told == [chart.alt for chart in report.charts()]
    assert sum(name.startswith("xl/charts/chart") for name in names) == len(told) == 3
    assert not [name for name in names if name.startswith("xl/media/")]


def test_a_chart_is_drawn_from_the_table_below_it(filled: Room) -> None:
    """Its series are cells, which hold the figures of the report; what is withheld is empty."""
    report = report_of(filled)
    book, live = opened(report), opened(report, formulas=True)
    for number, chart in enumerate(report.charts(), 1):
        sheet = book[f"Biểu đồ {number}"]
        [drawn] = live[sheet.title]._charts
        assert sheet.print_title_rows
        top = int(sheet.print_title_rows.split("$")[-1]) + 1
        series = [columns_of(one) for one in drawn.series]
        assert all(title == sheet.title for title, *_ in series)
        assert {(first, last) for _, _, first, last in series} == {(top, top + lines(chart) - 1)}
        if isinstance(chart, Intervals):
            for at, mean in enumerate(chart.means, top):
                found = [sheet.cell(at, column).value for column in (2, 3, 4, 5, 6)]
                if mean.share is None:
                    assert found == [None] * 5
                    assert sheet.cell(at, 1).value.endswith("(*)") == mean.withheld
                    continue
                low, high = mean.low or 0.0, mean.high or 0.0
                wanted = [mean.share, low, high, mean.share - low, high - mean.share]
                assert found == pytest.approx(wanted)
            assert drawn.series[0].errBars.minus.numRef.f.endswith(f"$E${top + lines(chart) - 1}")
        elif isinstance(chart, Likert):
            for at, bar in enumerate(chart.bars, top):
                counts = [sheet.cell(at, column).value for column in range(2, 7)]
                assert counts == [(bar.counts or {}).get(level.code) for level in chart.levels]
                stacked = [sheet.cell(at, column).value for column in range(7, 13)]
                del stacked[2]  # the gap before the level that stands apart
                assert sum(map(abs, stacked)) == pytest.approx(1)
                assert stacked[-1] <= 0 <= stacked[0]
        else:
            shares = [sheet.cell(at, 2).value for at in range(top, top + len(chart.points))]
            assert shares == pytest.approx([one.share for one in chart.points])


def columns_of(series: Any) -> tuple[str, int, int, int]:
    """The sheet, column, first and last row of a series' values."""
    sheet, area = series.val.numRef.f.replace("'", "").split("!")
    low, first, high, last = range_boundaries(area)
    assert low == high
    return sheet, low, first, last


def lines(chart: Chart) -> int:
    """How many rows a chart's table has."""
    if isinstance(chart, Trend):
        breaks = sum(a.series != b.series for a, b in pairwise(chart.points))
        return len(chart.points) + breaks
    return len(chart.means if isinstance(chart, Intervals) else chart.bars)


@pytest.mark.parametrize(("language", "least"), [("vi", "<0,0001"), ("en", "<0.0001")])
def test_a_small_p_says_less_than(filled: Room, language: Language, least: str) -> None:
    report = report_of(filled, language=language)
    book = opened(report)
    formats = {
        sheet.cell(TOP + 1 + number, place).number_format
        for table in report.tables()
        for sheet in [book[table.name]]
        for place, (column, _) in enumerate(spread(table), 1)
        for number in range(len(table.rows))
        if column.unit == "p" and isinstance(sheet.cell(TOP + 1 + number, place).value, float)
    }
    assert {one.split(";")[0] for one in formats} == {f'[<0.0001]"{least}"'}


def test_rows_are_high_enough_for_their_texts(filled: Room) -> None:
    """Programs do not compute heights of rows that were given one."""
    sheet = opened(report_of(filled))["Tóm tắt"]
    for cell in sheet["A"]:
        if isinstance(cell.value, str) and len(cell.value) > 100:
            room = sheet.row_dimensions[cell.row].height / 15 * sheet.column_dimensions["A"].width
            assert room * 1.2 > len(cell.value)


def test_an_empty_report_is_a_workbook_too(room: Room) -> None:
    book = opened(report_of(room, "month", day=report_of(room).day.replace(year=2020)))
    told = [cell.value for cell in book["Tóm tắt"]["A"]]
    assert any("không có lượt đánh giá" in str(value) for value in told)
