"""A report as DOCX: real styles, headings and tables that an office goes on working with."""

import io
from collections.abc import Iterator, Sequence
from datetime import datetime

from docx import Document
from docx.document import Document as Docx
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Mm, Pt
from docx.table import Table as DocxTable
from docx.table import _Cell
from docx.text.paragraph import Paragraph as DocxParagraph

from aggregator.documents.reports import decree_30_2020, word
from aggregator.documents.reports.charts import pictures
from aggregator.documents.reports.model import (
    Block,
    Chart,
    Paragraph,
    Points,
    Report,
    Section,
    Table,
)
from aggregator.documents.reports.written import written
from qr_images import ON_SCREEN, png

WIDTH = 165  # mm between the margins
AGENCY, NATION = 70, 95  # mm, the two columns of the head
AGENCY_RULE, MOTTO_RULE, SUBJECT_RULE = 26, 60, 50  # mm, the lines below them
TOGETHER = 10  # rows: a table with at most as many is kept on one page
LEFT, RIGHT = WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.RIGHT


def render(report: Report) -> bytes:
    """The DOCX file of a report. Raises files.FileError where the charts cannot be drawn."""
    return _Writer(report).write()


class _Writer:
    """Writes one report into a python-docx document, part after part."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.heads = decree_30_2020.heads(report)
        self.document: Docx = Document()
        word.set_styles(self.document, report.language, 10 if report.kind == "day" else 10.5)
        self.cell_style = self.document.styles["Table Text"].style_id
        self.pictures: Iterator[bytes] = iter(pictures(report.charts(), report.language))

    def write(self) -> bytes:
        self._properties()
        self._page()
        self._head()
        if self.report.opening:
            self._text(self.report.opening)
        self._sections(self.report.sections)
        if self.report.closing:
            closing = self._text(self.report.closing).paragraph_format
            closing.keep_with_next, closing.space_before = True, Pt(8)
        self._foot()
        if self.report.annex:
            self._annex_head()
            self._sections(self.report.annex)
        file = io.BytesIO()
        self.document.save(file)
        return file.getvalue()

    def _properties(self) -> None:
        properties, report = self.document.core_properties, self.report
        properties.title = self.heads["title"]
        properties.author = properties.last_modified_by = report.agency
        properties.language, properties.comments = report.language, ""
        moment = datetime(report.day.year, report.day.month, report.day.day)
        properties.created = properties.modified = moment

    def _page(self) -> None:
        section = self.document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin = Mm(22), Mm(20)
        section.left_margin, section.right_margin = Mm(30), Mm(15)
        section.header_distance = section.footer_distance = Mm(9)
        section.different_first_page_header_footer = True
        number = section.header.paragraphs[0]
        number.alignment = word.CENTRE
        word.add_field(number, "PAGE")
        if self.report.demo:
            for footer in (section.footer, section.first_page_footer):
                mark = footer.paragraphs[0]
                mark.alignment = word.CENTRE
                mark.add_run(self.report.words["demo"]).bold = True
                word.border(mark, "top", "left", "bottom", "right")

    # Head and foot

    def _head(self) -> None:
        heads, words = self.heads, self.report.words
        table = self._side_by_side((AGENCY, NATION))
        left, right = table.rows[0].cells
        if heads["parent"]:
            word.line(left, heads["parent"].upper(), 12)
        word.line(left, heads["agency"].upper(), 12, bold=True)
        word.line(right, words["nation"].upper(), 12, bold=True)
        word.line(right, words["motto"], 13, bold=True)
        insets = 2 * word.CELL_INSET
        word.rule(left.add_paragraph(), AGENCY - insets, AGENCY_RULE, after=6)
        word.rule(right.add_paragraph(), NATION - insets, MOTTO_RULE, after=6)
        table = self._side_by_side((AGENCY, NATION))
        left, right = table.rows[0].cells
        word.line(left, heads["number"], 13)
        word.line(right, heads["place_and_day"], 13, italic=True)
        self.document.add_paragraph(heads["name"].upper(), style="Title")
        self.document.add_paragraph(heads["subject"], style="Subtitle")
        word.rule(self.document.add_paragraph(), WIDTH, SUBJECT_RULE, after=10)
        self._addressees(words["to_whom"], heads["addressees"])

    def _addressees(self, to_whom: str, addressees: Sequence[str]) -> None:
        """One on the line of the words, several below them, their dashes under the colon."""
        if not addressees:
            return
        one = len(addressees) == 1
        for text in [f"{to_whom} {addressees[0]}"] if one else [to_whom, *addressees]:
            line = self.document.add_paragraph(text, style="Line")
            line.paragraph_format.space_after = Pt(10 if text.endswith(addressees[-1]) else 2)
            if one:
                line.alignment = word.CENTRE
                continue
            line.paragraph_format.left_indent = Mm(25 if text == to_whom else 45)
            if text != to_whom:
                line.paragraph_format.first_line_indent = Mm(-3)

    def _foot(self) -> None:
        words, day = self.report.words, self.report.kind == "day"
        table = self._side_by_side((WIDTH / 2, WIDTH / 2))
        left, right = table.rows[0].cells
        cells = [left, right] if day else [right]
        if not day:
            word.line(left, words["recipients"], 12, bold=True, italic=True).alignment = LEFT
            for text in self.heads["recipients"]:
                word.line(left, text, 11).alignment = LEFT
        for cell, one in zip(cells, self.heads["signatures"], strict=True):
            for line in one["office"]:
                word.line(cell, line, 13, bold=True)
            word.line(cell, one["hint"], 11, italic=True)
            for _ in range(2 if day else 4):
                word.line(cell, "", 13)
            if one["name"]:
                word.line(cell, one["name"], 13, bold=True)

    def _annex_head(self) -> None:
        words = self.report.words
        first = self.document.add_paragraph(words["annex"], style="Subtitle")
        first.paragraph_format.page_break_before = True
        self.document.add_paragraph(words["annex_title"].upper(), style="Subtitle")
        of = self.document.add_paragraph(style="Line")
        of.alignment = word.CENTRE
        of.add_run(words["annex_of"]).italic = True
        of.paragraph_format.space_after = Pt(10)

    def _side_by_side(self, widths: Sequence[float]) -> DocxTable:
        """A row without lines that stays together on a page; space before it, as tables touch."""
        space = self.document.add_paragraph(style="Line").paragraph_format
        space.line_spacing, space.keep_with_next = Pt(4), True
        table: DocxTable = self.document.add_table(1, len(widths))
        word.fix_widths(table, widths)
        word.flag_row(table, 0, "w:cantSplit")
        return table

    # Sections

    def _sections(self, sections: Sequence[Section]) -> None:
        for section in sections:
            if section.title:
                self.document.add_heading(section.title.upper(), 1)
            before: Block | None = None
            for block in section.blocks:
                if isinstance(block, Paragraph):
                    told = self._text(block.text)
                    if block.code:
                        told.paragraph_format.keep_with_next = True
                        picture = io.BytesIO(png(block.code, 6, ON_SCREEN))
                        shape = self.document.add_picture(picture, width=Mm(22))
                        shape._inline.docPr.set("descr", self.report.words["root_code"])
                    self._after(before, told)
                elif isinstance(block, Points):
                    said = [self._text(f"- {text}") for text in block.texts]
                    for one in said[-2:-1]:  # the last is never alone on a page
                        one.paragraph_format.keep_with_next = True
                    self._after(before, *said[:1])
                elif isinstance(block, Table):
                    self._table(block)
                else:
                    self._chart(block)
                before = block

    def _after(self, before: Block | None, *first: DocxParagraph) -> None:
        """Space before what follows a table, since tables have none after them."""
        for one in first if isinstance(before, Table) else ():
            one.paragraph_format.space_before = Pt(8)

    def _text(self, text: str) -> DocxParagraph:
        paragraph: DocxParagraph = self.document.add_paragraph(text, style="Body Text")
        paragraph.paragraph_format.keep_with_next = text.endswith(":") or None  # as in its style
        return paragraph

    def _table(self, table: Table) -> None:
        self.document.add_paragraph(table.title, style="Caption")
        columns = [table.columns[place] for place in table.printed]
        size = 1 + len(table.rows) + bool(table.notes)
        made = self.document.add_table(size, len(columns), style="Table Grid")
        word.flag_row(made, 0, "w:tblHeader")
        rows = iter(made.rows)
        for cell, column in zip(next(rows).cells, columns, strict=True):
            head = self._fill(cell, column.title, bold=True)
            head.alignment, head.paragraph_format.keep_with_next = word.CENTRE, True
            word.shade(cell)
        last = len(table.rows) - 1
        # Rows that the next one stays with: head and first, the last two, those of a small table.
        small, ends = last < TOGETHER, {0, last - 1}
        for number, (row, added) in enumerate(zip(table.rows, rows, strict=False)):
            word.flag_row(made, 1 + number, "w:cantSplit")
            if number in table.groups:
                across = added.cells[0].merge(added.cells[-1])
                self._fill(across, str(row[0]), bold=True).paragraph_format.keep_with_next = True
                continue
            stays = bool(table.notes) if number == last else small or number in ends
            for cell, place in zip(added.cells, table.printed, strict=True):
                column = table.columns[place]
                text = written(row[place], column, self.report.language)
                filled = self._fill(cell, text, bold=number in table.strong)
                filled.alignment = LEFT if column.unit == "text" else RIGHT
                filled.paragraph_format.keep_with_next = stays
        whole = sum(column.width for column in columns)
        word.fix_widths(made, [WIDTH * column.width / whole for column in columns])
        if table.notes:  # a row without lines, which stays with the one above it
            word.flag_row(made, size - 1, "w:cantSplit")
            below = made.rows[-1].cells[0].merge(made.rows[-1].cells[-1])
            word.bare(below)
            below.paragraphs[0].style = "Note"
            below.paragraphs[0].add_run(table.notes[0])
            for note in table.notes[1:]:
                below.add_paragraph(note, style="Note")

    def _fill(self, cell: _Cell, text: str, *, bold: bool) -> DocxParagraph:
        cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
        paragraph: DocxParagraph = cell.paragraphs[0]
        paragraph._p.style = self.cell_style  # by its id, which is faster than a look-up by name
        run = paragraph.add_run(text)
        run.bold = bold
        return paragraph

    def _chart(self, chart: Chart) -> None:
        picture = self.document.add_paragraph(style="Picture").add_run()
        shape = picture.add_picture(io.BytesIO(next(self.pictures)), width=Mm(WIDTH))
        shape._inline.docPr.set("descr", chart.alt)
        shape._inline.docPr.set("title", chart.title)
        under = self.document.add_paragraph(chart.title, style="Picture Caption")
        under.paragraph_format.keep_with_next = bool(chart.notes)
        notes = [self.document.add_paragraph(note, style="Note") for note in chart.notes]
        for one in notes[:-1]:
            one.paragraph_format.keep_with_next = True
