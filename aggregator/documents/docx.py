"""A report as DOCX: real styles, headings and tables that an office goes on working with."""

import io
from collections.abc import Iterator, Sequence
from datetime import datetime

from docx import Document
from docx.document import Document as Docx
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table as DocxTable
from docx.table import _Cell
from docx.text.paragraph import Paragraph as DocxParagraph

from aggregator.documents import form
from aggregator.documents.charts import pictures
from aggregator.documents.model import Chart, Paragraph, Points, Report, Section, Table
from aggregator.documents.written import written

FACE = "Times New Roman"
WIDTH = 165  # mm between the margins
AGENCY, NATION = 68, 97  # mm, the two columns of the head
CENTRE, LEFT, RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.RIGHT


def render(report: Report) -> bytes:
    """Raises files.FileError where the charts cannot be drawn."""
    return _Writer(report).write()


class _Writer:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.heads = form.heads(report)
        self.document: Docx = Document()
        self.pictures: Iterator[bytes] = iter(pictures(report.charts(), report.language))
        self.cell_size = Pt(11 if report.kind == "day" else 10.5)

    def write(self) -> bytes:
        self._properties()
        self._page()
        _styles(self.document, self.report)
        self._head()
        if self.report.opening:
            self._text(self.report.opening)
        self._sections(self.report.sections)
        if self.report.closing:
            self._text(self.report.closing).paragraph_format.keep_with_next = True
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
        properties.language = report.language
        properties.comments = ""
        moment = datetime(report.day.year, report.day.month, report.day.day)  # noqa: DTZ001
        properties.created = properties.modified = moment

    def _page(self) -> None:
        section = self.document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin = Mm(22), Mm(20)
        section.left_margin, section.right_margin = Mm(30), Mm(15)
        section.header_distance = section.footer_distance = Mm(9)
        section.different_first_page_header_footer = True
        number = section.header.paragraphs[0]
        number.alignment = CENTRE
        _field(number, "PAGE")
        if self.report.demo:
            for footer in (section.footer, section.first_page_footer):
                mark = footer.paragraphs[0]
                mark.alignment = CENTRE
                mark.add_run(self.report.words["demo"]).bold = True
                _border(mark, "top", "left", "bottom", "right")

    # Head and foot

    def _head(self) -> None:
        heads, words = self.heads, self.report.words
        table = self._layout((AGENCY, NATION))
        left, right = table.rows[0].cells
        if heads["parent"]:
            _line(left, heads["parent"].upper(), Pt(12))
        _line(left, heads["agency"].upper(), Pt(12), bold=True)
        _rule(left, AGENCY, 26)
        _line(right, words["nation"].upper(), Pt(12), bold=True)
        _line(right, words["motto"], Pt(13), bold=True)
        _rule(right, NATION, 60)
        left, right = table.add_row().cells
        _line(left, words["number"], Pt(13))
        _line(right, heads["place_and_day"], Pt(13), italic=True)
        self._title(heads["name"], "Title")
        self._title(heads["subject"], "Subtitle")
        rule = self.document.add_paragraph(style="Line")
        _border(rule, "bottom")
        rule.paragraph_format.left_indent = rule.paragraph_format.right_indent = Mm(58)
        rule.paragraph_format.space_after = Pt(10)

    def _title(self, text: str, style: str) -> None:
        self.document.add_paragraph(text.upper() if style == "Title" else text, style=style)

    def _foot(self) -> None:
        words, day = self.report.words, self.report.kind == "day"
        self.document.add_paragraph(style="Line")
        table = self._layout((WIDTH / 2, WIDTH / 2))
        cells = table.rows[0].cells
        signatures: list[tuple[_Cell, str]] = []
        if day:
            signatures = list(zip(cells, self.heads["signatures"], strict=True))
        else:
            head = _line(cells[0], words["recipients"], Pt(12), bold=True, italic=True)
            head.alignment = LEFT
            for text in self.heads["recipients"]:
                _line(cells[0], text, Pt(11)).alignment = LEFT
            signatures = [(cells[1], self.heads["signatures"][0].upper())]
        for cell, who in signatures:
            _line(cell, who, Pt(13), bold=True)
            _line(cell, words["sign"], Pt(11), italic=True)
            for _ in range(2 if day else 4):
                _line(cell, "", Pt(13))

    def _annex_head(self) -> None:
        words = self.report.words
        first = self.document.add_paragraph(words["annex"], style="Subtitle")
        first.paragraph_format.page_break_before = True
        self.document.add_paragraph(words["annex_title"].upper(), style="Subtitle")
        of = self.document.add_paragraph(style="Line")
        of.alignment = CENTRE
        of.add_run(words["annex_of"]).italic = True
        of.paragraph_format.space_after = Pt(10)

    def _layout(self, widths: Sequence[float]) -> DocxTable:
        """A table without lines that only puts things side by side; its row stays together."""
        table = self.document.add_table(1, len(widths))
        _fixed(table, [Mm(width) for width in widths])
        _keep_together(table)
        return table

    # Sections

    def _sections(self, sections: Sequence[Section]) -> None:
        for section in sections:
            if section.title:
                self.document.add_heading(section.title.upper(), 1)
            for block in section.blocks:
                if isinstance(block, Paragraph):
                    self._text(block.text)
                elif isinstance(block, Points):
                    for text in block.texts:
                        self._text(f"- {text}")
                elif isinstance(block, Table):
                    self._table(block)
                else:
                    self._chart(block)

    def _text(self, text: str) -> DocxParagraph:
        return self.document.add_paragraph(text, style="Body Text")

    def _table(self, table: Table) -> None:
        self.document.add_paragraph(table.title, style="Caption")
        columns = [table.columns[place] for place in table.printed]
        whole = sum(column.width for column in columns)
        made = self.document.add_table(1, len(columns), style="Table Grid")
        widths = [Mm(WIDTH * column.width / whole) for column in columns]
        head = made.rows[0]
        _flag(head._tr.get_or_add_trPr(), "w:tblHeader")
        for cell, column in zip(head.cells, columns, strict=True):
            self._fill(cell, column.title, bold=True).alignment = CENTRE
            _shade(cell)
        for number, row in enumerate(table.rows):
            added = made.add_row()
            _flag(added._tr.get_or_add_trPr(), "w:cantSplit")
            for cell, place in zip(added.cells, table.printed, strict=True):
                column = table.columns[place]
                text = written(row[place], column, self.report.language)
                filled = self._fill(cell, text, bold=number in table.strong)
                filled.alignment = LEFT if column.unit == "text" else RIGHT
        _fixed(made, widths)
        self._notes(table.notes)

    def _fill(self, cell: _Cell, text: str, *, bold: bool) -> DocxParagraph:
        cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
        paragraph = cell.paragraphs[0]
        paragraph.style = "Table Text"
        run = paragraph.add_run(text)
        run.bold, run.font.size = bold, self.cell_size
        return paragraph

    def _chart(self, chart: Chart) -> None:
        self.document.add_paragraph(chart.title, style="Caption")
        paragraph = self.document.add_paragraph(style="Picture")
        shape = paragraph.add_run().add_picture(io.BytesIO(next(self.pictures)), width=Mm(WIDTH))
        shape._inline.docPr.set("descr", chart.alt)
        shape._inline.docPr.set("title", chart.title)
        self._notes(chart.notes)

    def _notes(self, notes: Sequence[str]) -> None:
        for note in notes:
            self.document.add_paragraph(note, style="Note")


# Styles


def _styles(document: Docx, report: Report) -> None:
    """The template's styles in the decree's type, and a few of our own."""
    styles = document.styles
    normal = styles["Normal"]
    assert isinstance(normal, ParagraphStyle)  # noqa: S101 - python-docx's own template
    _face(normal, Pt(13))
    normal.paragraph_format.space_after = Pt(0)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "vi-VN" if report.language == "vi" else "en-GB")
    normal.element.get_or_add_rPr().append(language)
    body = _style(document, "Body Text", Pt(13))
    body.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    body.paragraph_format.first_line_indent = Mm(10)
    body.paragraph_format.space_after = Pt(6)
    body.paragraph_format.line_spacing = 1.15
    for name, size in (("Title", Pt(14)), ("Subtitle", Pt(14)), ("Caption", Pt(11.5))):
        style = _style(document, name, size, bold=True)
        style.paragraph_format.alignment = CENTRE
        style.paragraph_format.keep_with_next = True
    styles["Title"].paragraph_format.space_before = Pt(14)
    styles["Caption"].paragraph_format.space_before = Pt(8)
    styles["Caption"].paragraph_format.space_after = Pt(4)
    heading = _style(document, "Heading 1", Pt(13), bold=True)
    heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(12), Pt(6)
    heading.paragraph_format.keep_with_next = True
    _style(document, "Line", Pt(13), made=True)
    _style(document, "Table Text", Pt(10.5), made=True)
    picture = _style(document, "Picture", Pt(10.5), made=True)
    picture.paragraph_format.alignment = CENTRE
    note = _style(document, "Note", Pt(10), made=True)
    note.font.italic = True
    note.paragraph_format.space_before, note.paragraph_format.space_after = Pt(2), Pt(6)


def _style(
    document: Docx, name: str, size: Length, *, bold: bool = False, made: bool = False
) -> ParagraphStyle:
    style = document.styles.add_style(name, 1) if made else document.styles[name]
    assert isinstance(style, ParagraphStyle)  # noqa: S101 - 1 is a paragraph style
    if name in ("Title", "Subtitle", "Caption"):
        for border in style.element.xpath("./w:pPr/w:pBdr"):
            border.getparent().remove(border)
    _face(style, size)
    style.font.bold, style.font.italic = bold, False
    if made:
        style.base_style = document.styles["Normal"]
    style.paragraph_format.space_before = style.paragraph_format.space_after = Pt(0)
    return style


def _face(style: ParagraphStyle, size: Length) -> None:
    """One typeface for all scripts: without the East Asian one, Vietnamese letters may differ."""
    style.font.name, style.font.size = FACE, size
    style.font.color.rgb = RGBColor(0, 0, 0)
    properties = style.element.get_or_add_rPr()
    for spacing in properties.xpath("./w:spacing | ./w:kern"):
        properties.remove(spacing)
    fonts = properties.get_or_add_rFonts()
    for name in [name for name in fonts.attrib if "Theme" in str(name)]:
        del fonts.attrib[name]
    for script in ("ascii", "hAnsi", "cs", "eastAsia"):
        fonts.set(qn(f"w:{script}"), FACE)


# What python-docx has no words for


def _line(
    cell: _Cell, text: str, size: Length, *, bold: bool = False, italic: bool = False
) -> DocxParagraph:
    """A centred line at the end of a cell, whose first paragraph is empty to begin with."""
    first = cell.paragraphs[0]
    paragraph = cell.add_paragraph() if first.runs or len(cell.paragraphs) > 1 else first
    paragraph.style, paragraph.alignment = "Line", CENTRE
    run = paragraph.add_run(text)
    run.bold, run.italic, run.font.size = bold, italic, size
    return paragraph


def _rule(cell: _Cell, width: float, length: float) -> None:
    """A line of a length, in the middle of a cell of a width, in mm."""
    paragraph = cell.add_paragraph(style="Line")
    paragraph.paragraph_format.line_spacing = Pt(3)
    # Word insets a cell's text by 1.9 mm on each side.
    indent = Mm((width - 3.8 - length) / 2)
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = indent
    paragraph.paragraph_format.space_after = Pt(6)
    _border(paragraph, "bottom")


def _border(paragraph: DocxParagraph, *sides: str) -> None:
    borders = OxmlElement("w:pBdr")
    for side in sides:
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    properties = paragraph._p.get_or_add_pPr()
    # The schema has an order: borders come before shading, spacing, indents and alignment.
    properties.insert_element_before(
        borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )


def _shade(cell: _Cell) -> None:
    shade = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", "EDEDED")):
        shade.set(qn(f"w:{name}"), value)
    properties = cell._tc.get_or_add_tcPr()
    properties.insert_element_before(shade, "w:noWrap", "w:tcMar", "w:vAlign")


def _flag(properties: object, name: str) -> None:
    properties.append(OxmlElement(name))  # type: ignore[attr-defined]


def _keep_together(table: DocxTable) -> None:
    for row in table.rows:
        _flag(row._tr.get_or_add_trPr(), "w:cantSplit")


def _fixed(table: DocxTable, widths: Sequence[Length]) -> None:
    """Column widths that Word and LibreOffice keep."""
    table.autofit = False
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
        for cell in column.cells:
            cell.width = width


def _field(paragraph: DocxParagraph, instruction: str) -> None:
    """A field that the reader's program fills in, such as the page's number."""
    for kind, text in (("begin", ""), ("", instruction), ("end", "")):
        run = paragraph.add_run()
        if kind:
            part = OxmlElement("w:fldChar")
            part.set(qn("w:fldCharType"), kind)
        else:
            part = OxmlElement("w:instrText")
            part.set(qn("xml:space"), "preserve")
            part.text = text
        run._r.append(part)
