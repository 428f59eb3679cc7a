"""Pages of a PDF: charts stay in their sections, tables keep their heads, notes and last rows."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pypdf import PdfReader

from aggregator.documents.reports import pdf
from aggregator.documents.reports.model import (
    Block,
    Column,
    Intervals,
    Mean,
    Paragraph,
    Points,
    Report,
    Section,
    Table,
)
from tests.aggregator.conftest import Room
from tests.aggregator.documents.reporting import plain, report_of

CHART = Intervals(
    title="Biểu đồ thử",
    alt="mười dòng",
    means=tuple(Mean(f"Cơ quan {number}", 0.9, 0.8, 0.95) for number in range(10)),
    legend="khoảng",
    notes=("Ghi chú của biểu đồ",),
)
NOTE = "Ghi chú của bảng"


def table(rows: int, groups: tuple[int, ...] = ()) -> Table:
    columns = (Column("a", "Cột đầu", "text", 2.0), Column("b", "Cột sau", "integer"))
    lines = tuple((f"dòng {number};", 7000 + number) for number in range(rows))
    return Table("t", "t", "Bảng thử", columns, lines, groups=frozenset(groups), notes=(NOTE,))


def filling(lines: int) -> Points:
    return Points(tuple(f"dòng văn bản {number}" for number in range(lines)))


def pages(report: Report, *sections: Section) -> list[str]:
    made = replace(report, sections=sections, annex=())
    reader = PdfReader(io.BytesIO(pdf.render(made)))
    return [plain(page.extract_text()) for page in reader.pages]


@pytest.fixture
def report(room: Room) -> Report:
    return report_of(room, "week")


@pytest.mark.parametrize("lines", [10, 16, 22, 28])
def test_a_chart_stays_in_its_section(report: Report, lines: int) -> None:
    """It may go to the next page; what follows in its section goes before it, no other one."""
    own: tuple[Block, ...] = (filling(lines), CHART, Paragraph("Câu sau biểu đồ."))
    text = pages(report, Section("MỘT", own), Section("HAI", (filling(3),)))
    [drawn] = [number for number, page in enumerate(text) if CHART.title in page]
    [other] = [number for number, page in enumerate(text) if "HAI" in page]
    assert CHART.notes[0] in text[drawn]
    assert drawn <= other
    if drawn == other:
        assert text[drawn].index(CHART.title) < text[drawn].index("HAI")


@pytest.mark.parametrize("grouped", [False, True])
def test_a_table_keeps_its_head_its_notes_and_its_last_rows(report: Report, grouped: bool) -> None:
    for rows in (5, *range(61, 67)):
        groups = (0, rows - 3) if grouped else ()
        text = pages(report, Section("MỘT", (filling(12), table(rows, groups))))
        found = list(_rows_on(text, rows))
        assert sum(len(numbers) for _, numbers in found) == rows
        for page, numbers in found:
            assert page.count("Cột đầu") == 1, "the head is repeated"
            assert page.index("Cột đầu") < page.index(f"dòng {numbers[0]};")
            assert len(numbers) >= 2
            assert numbers[-1] not in groups, "no heading of rows is the last line of a page"
        assert NOTE in found[-1][0]
        if rows < 10:
            assert len(found) == 1, "a small table is whole"


def _rows_on(text: list[str], rows: int) -> Iterator[tuple[str, list[int]]]:
    """Each page with rows of the table, and their numbers."""
    for page in text:
        if numbers := [number for number in range(rows) if f"dòng {number};" in page]:
            yield page, numbers


def test_no_page_ends_in_one_line(report: Report) -> None:
    """Of several points the last is never alone on a page."""
    for lines in range(20, 34):
        *_, before, last = pages(report, Section("MỘT", (filling(lines),)))
        if "dòng văn bản" in last:
            assert last.count("dòng văn bản") >= 2, (lines, before)
