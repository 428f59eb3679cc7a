"""The DOCX: the same figures in real tables and styles, in the decree's form, to be edited."""

import io
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm

from aggregator.documents.reports import docx
from aggregator.documents.reports.model import Report
from surveys.definition import Text
from tests.aggregator.conftest import Room
from tests.aggregator.documents.reporting import fill, plain, printed_rows, report_of


@pytest.fixture
def filled(room: Room) -> Room:
    fill(room)
    return room


def opened(report: Report) -> Any:
    return Document(io.BytesIO(docx.render(report)))


def figures(document: Any) -> list[Any]:
    """The tables with lines; those without put heads and signatures side by side."""
    return [table for table in document.tables if table.style.name == "Table Grid"]


def test_every_printed_cell_stands_in_its_table(filled: Room) -> None:
    report = report_of(filled)
    tables = figures(opened(report))
    wanted = list(printed_rows(report))
    assert len(tables) == len(wanted)
    for made, (table, rows) in zip(tables, wanted, strict=True):
        # A merged row gives its one cell for each of its columns.
        found = [[cell.text for cell in row.cells] for row in made.rows]
        if table.notes:
            assert found.pop()[0] == "\n".join(table.notes)
        assert [row[: len(want)] for row, want in zip(found, rows, strict=True)] == rows, table.key


def test_every_sentence_is_a_paragraph(filled: Room) -> None:
    report = report_of(filled)
    texts = {plain(paragraph.text) for paragraph in opened(report).paragraphs}
    for section in report.sections:
        assert plain(section.title.upper()) in texts
        for block in section.blocks:
            for said in getattr(block, "texts", ()):
                assert plain(f"- {said}") in texts


def test_the_form_is_the_decree_s(filled: Room) -> None:
    document = opened(report_of(filled))
    page = document.sections[0]
    size = (round(page.page_width.mm), round(page.page_height.mm))
    assert size == (210, 297)
    margins = (page.top_margin, page.bottom_margin, page.left_margin, page.right_margin)
    assert [round(margin.mm) for margin in margins] == [22, 20, 30, 15]
    head = "\n".join(cell.text for table in document.tables[:2] for cell in table.rows[0].cells)
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in head
    assert "Lai Châu, ngày ..... tháng ..... năm 2026" in head
    assert page.different_first_page_header_footer
    assert page.first_page_header.paragraphs[0].text == ""
    fields = page.header._element.findall(f".//{qn('w:instrText')}")
    assert [field.text for field in fields] == ["PAGE"]


def test_the_typeface_is_times_new_roman_in_every_script(filled: Room) -> None:
    document = opened(report_of(filled))
    used = {paragraph.style.name for paragraph in document.paragraphs}
    assert {"Heading 1", "Body Text", "Caption", "Title", "Picture"} <= used
    for name in used:
        fonts = document.styles[name].element.find(f".//{qn('w:rFonts')}")
        scripts = ("ascii", "hAnsi", "eastAsia", "cs")
        assert {fonts.get(qn(f"w:{script}")) for script in scripts} == {"Times New Roman"}, name
        assert not [key for key in fonts.attrib if "heme" in key]
    body = document.styles["Body Text"]
    assert 13 <= body.font.size.pt <= 14


def test_heads_of_tables_repeat_and_rows_stay_whole(filled: Room) -> None:
    for table in figures(opened(report_of(filled))):
        flags = [[one.tag for one in row._tr.get_or_add_trPr()] for row in table.rows]
        assert qn("w:tblHeader") in flags[0]
        assert all(qn("w:cantSplit") in row for row in flags[1:])


def test_what_belongs_together_stays_on_a_page(filled: Room) -> None:
    """Heads, the last two rows and the notes of a table; a picture, its title and its notes."""
    report = report_of(filled)
    document = opened(report)

    def stays(row: Any) -> bool:
        return all(cell.paragraphs[0].paragraph_format.keep_with_next for cell in row.cells)

    for made, table in zip(figures(document), report.tables(), strict=True):
        *_, last_but_one, last = made.rows[: 1 + len(table.rows)]
        assert stays(made.rows[0])
        assert len(table.rows) == 1 or stays(last_but_one)
        assert stays(last) == bool(table.notes)
    for paragraph in document.paragraphs:
        shape, style = paragraph.paragraph_format, paragraph.style
        assert style.paragraph_format.widow_control
        if style.name in ("Caption", "Heading 1", "Picture"):
            assert style.paragraph_format.keep_with_next
        if paragraph.text.endswith(":"):
            assert shape.keep_with_next, paragraph.text
    noted = {chart.title for chart in report.charts() if chart.notes}
    under = [one for one in document.paragraphs if one.style.name == "Picture Caption"]
    assert {one.text for one in under if one.paragraph_format.keep_with_next} == noted


def test_pictures_have_words_for_those_who_cannot_see_them(filled: Room) -> None:
    report = report_of(filled)
    shapes = opened(report).inline_shapes
    told = [shape._inline.docPr.get("descr") for shape in shapes]
    assert told == [chart.alt for chart in report.charts()]
    assert all(shape.width <= Mm(165) for shape in shapes)


def test_a_name_is_text_and_an_empty_report_is_a_document_too(room: Room) -> None:
    nasty = "<w:p/> & \"Sở\" {x} 'y'"
    first, *others = room.context.centre.departments
    named = first.model_copy(update={"name": Text(vi=nasty, en=nasty)})
    centre = room.context.centre.model_copy(update={"departments": (named, *others)})
    centre.__dict__.pop("department", None)
    fill(room)
    [table] = figures(opened(report_of(room, "day", centre=centre)))
    assert nasty in [cell.text for cell in table.columns[0].cells] or len(table.rows) == 2
    empty = opened(report_of(room, "month", "en", day=report_of(room).day.replace(year=2020)))
    assert any("no ratings" in paragraph.text for paragraph in empty.paragraphs)


def test_a_demonstration_is_marked_on_each_page(filled: Room) -> None:
    page = opened(report_of(filled, "week", demo=True)).sections[0]
    for footer in (page.footer, page.first_page_footer):
        assert "MÔ PHỎNG" in footer.paragraphs[0].text
