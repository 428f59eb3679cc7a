"""Parts of a DOCX that python-docx cannot make: typefaces by script, lines, shading, fields."""

from collections.abc import Sequence
from typing import Any

from docx.document import Document as Docx
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from surveys.messages import Language

FACE = "Times New Roman"
CELL_INSET = 1.3  # mm on each side of a cell's text
TWIPS = 56.7  # a millimetre
CENTRE = WD_ALIGN_PARAGRAPH.CENTER


def set_styles(document: Docx, language: Language, table_size: float) -> None:
    """Set the template's styles in the typeface of decree 30/2020, and add our own.

    ``table_size`` is that of tables' letters, in points.
    """
    normal = _style(document, "Normal", Pt(13))
    spelling = OxmlElement("w:lang")
    spelling.set(qn("w:val"), "vi-VN" if language == "vi" else "en-GB")
    normal.element.get_or_add_rPr().append(spelling)
    body = _style(document, "Body Text", Pt(13), after=6).paragraph_format
    body.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    body.first_line_indent = Mm(10)
    body.line_spacing = 1.15
    for name, size, before, after in (
        ("Title", 14, 14, 0),
        ("Subtitle", 14, 0, 0),
        ("Caption", 11.5, 8, 4),
    ):
        style = _style(document, name, Pt(size), bold=True, before=before, after=after)
        style.paragraph_format.alignment = CENTRE
        style.paragraph_format.keep_with_next = True
    _style(document, "Heading 1", Pt(13), bold=True, before=12, after=6)
    _style(document, "Line", Pt(13), own=True)
    _style(document, "Table Text", Pt(table_size), own=True)
    picture = _style(document, "Picture", Pt(10.5), before=8, own=True).paragraph_format
    picture.alignment, picture.keep_with_next = CENTRE, True
    under = _style(document, "Picture Caption", Pt(11.5), bold=True, before=2, after=8, own=True)
    under.paragraph_format.alignment = CENTRE
    _style(document, "Note", Pt(10), before=2, after=2, own=True).font.italic = True


def _style(
    document: Docx,
    name: str,
    size: Length,
    *,
    bold: bool = False,
    before: float = 0,
    after: float = 0,
    own: bool = False,
) -> ParagraphStyle:
    styles = document.styles
    style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH) if own else styles[name]
    assert isinstance(style, ParagraphStyle)  # noqa: S101 - so are all that we name
    if own:
        style.base_style = styles["Normal"]
    for border in style.element.xpath("./w:pPr/w:pBdr"):
        border.getparent().remove(border)
    style.font.size, style.font.bold, style.font.italic = size, bold, False
    style.font.color.rgb = RGBColor(0, 0, 0)
    style.paragraph_format.space_before = Pt(before)
    style.paragraph_format.space_after = Pt(after)
    style.paragraph_format.widow_control = True
    _face(style)
    return style


def _face(style: ParagraphStyle) -> None:
    """One typeface for all scripts: without the East Asian one, Vietnamese letters may differ."""
    properties = style.element.get_or_add_rPr()
    for spacing in properties.xpath("./w:spacing | ./w:kern"):
        properties.remove(spacing)
    style.font.name = FACE
    fonts = properties.rFonts
    for name in [name for name in fonts.attrib if "theme" in str(name).lower()]:
        del fonts.attrib[name]
    for script in ("ascii", "hAnsi", "cs", "eastAsia"):
        fonts.set(qn(f"w:{script}"), FACE)


def line(
    cell: _Cell, text: str, size: float, *, bold: bool = False, italic: bool = False
) -> Paragraph:
    """A centred line at the end of a cell, whose first paragraph is empty to begin with."""
    first = cell.paragraphs[0]
    used = len(cell.paragraphs) > 1 or bool(first.runs)
    paragraph: Paragraph = cell.add_paragraph() if used else first
    paragraph.style, paragraph.alignment = "Line", CENTRE
    run = paragraph.add_run(text)
    run.bold, run.italic, run.font.size = bold, italic, Pt(size)
    return paragraph


def rule(paragraph: Paragraph, room: float, length: float, after: float) -> None:
    """Draw a centred line in an empty paragraph; its length and the width around it are in mm."""
    paragraph.style = "Line"
    shape = paragraph.paragraph_format
    shape.line_spacing, shape.space_after = Pt(3), Pt(after)
    shape.left_indent = shape.right_indent = Mm((room - length) / 2)
    border(paragraph, "bottom")


def border(paragraph: Paragraph, *sides: str) -> None:
    borders = OxmlElement("w:pBdr")
    for side in sides:
        drawn = OxmlElement(f"w:{side}")
        _attributes(drawn, val="single", sz="6", space="1", color="000000")
        borders.append(drawn)
    # The schema prescribes the order of the sides.
    after = ("w:shd", "w:tabs", "w:spacing", "w:ind", "w:contextualSpacing", "w:jc", "w:rPr")
    _insert(paragraph._p.get_or_add_pPr(), borders, after)


def shade(cell: _Cell) -> None:
    fill = OxmlElement("w:shd")
    _attributes(fill, val="clear", color="auto", fill="EDEDED")
    _insert(cell._tc.get_or_add_tcPr(), fill, ("w:noWrap", "w:tcMar", "w:vAlign"))


def bare(cell: _Cell) -> None:
    """Take the lines around a cell away, but for the one above it."""
    borders = OxmlElement("w:tcBorders")
    for side in ("left", "bottom", "right"):
        drawn = OxmlElement(f"w:{side}")
        _attributes(drawn, val="nil")
        borders.append(drawn)
    before = ("w:shd", "w:noWrap", "w:tcMar", "w:textDirection", "w:tcFitText", "w:vAlign")
    _insert(cell._tc.get_or_add_tcPr(), borders, before)


def flag_row(table: Table, number: int, name: str) -> None:
    """Set an option of a row: ``w:tblHeader`` repeats it on each page,
    ``w:cantSplit`` keeps it whole.
    """
    table.rows[number]._tr.get_or_add_trPr().append(OxmlElement(name))


def fix_widths(table: Table, widths: Sequence[float]) -> None:
    """Column widths, in mm, that Word and LibreOffice keep."""
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        _attributes(margin, w=str(round(CELL_INSET * TWIPS)), type="dxa")
        margins.append(margin)
    _insert(table._tbl.tblPr, margins, ("w:tblLook",))
    table.autofit = False
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
    for row in table.rows:
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = Mm(width)


def add_field(paragraph: Paragraph, instruction: str) -> None:
    """A field that the reader's program fills in, such as the page's number."""
    for kind in ("begin", "", "end"):
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            _attributes(part, fldCharType=kind)
        else:
            part.text = instruction
        paragraph.add_run()._r.append(part)


def _attributes(element: Any, **values: str) -> None:
    for name, value in values.items():
        element.set(qn(f"w:{name}"), value)


def _insert(into: Any, element: Any, before: Sequence[str]) -> None:
    into.insert_element_before(element, *before)
