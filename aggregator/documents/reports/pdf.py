"""A report as PDF: its words and figures, written, for templates/report.typ."""

import json
from typing import Any

from aggregator.documents.reports import decree_30_2020, typesetting
from aggregator.documents.reports.charts import drawing
from aggregator.documents.reports.model import Block, Paragraph, Points, Report, Section, Table
from aggregator.documents.reports.written import written
from qr_images import ON_SCREEN, svg
from surveys.messages import Language


def render(report: Report) -> bytes:
    """The PDF file of a report. Raises files.FileError where the font is missing."""
    data = {
        **decree_30_2020.heads(report),
        "kind": report.kind,
        "language": report.language,
        "demo": report.demo,
        "words": report.words,
        "opening": report.opening,
        "closing": report.closing,
        "sections": [_section(section, report.language) for section in report.sections],
        "annex": [_section(section, report.language) for section in report.annex],
    }
    return typesetting.pdf("report.typ", {"report": json.dumps(data)})


def _section(section: Section, language: Language) -> dict[str, Any]:
    blocks = [_block(block, language) for block in section.blocks]
    return {"title": section.title.upper(), "blocks": blocks}


def _block(block: Block, language: Language) -> dict[str, Any]:
    if isinstance(block, Paragraph):
        code = svg(block.code, ON_SCREEN) if block.code else ""
        return {"kind": "paragraph", "text": block.text, "code": code}
    if isinstance(block, Points):
        return {"kind": "points", "texts": list(block.texts)}
    if isinstance(block, Table):
        return _table(block, language)
    return drawing(block, language)


def _table(table: Table, language: Language) -> dict[str, Any]:
    columns = [table.columns[place] for place in table.printed]
    return {
        "kind": "table",
        "title": table.title,
        "columns": [
            {"title": column.title, "text": column.unit == "text", "width": column.width}
            for column in columns
        ],
        "rows": [
            [written(row[place], table.columns[place], language) for place in table.printed]
            for row in table.rows
        ],
        "strong": sorted(table.strong),
        "groups": sorted(table.groups),
        "notes": list(table.notes),
    }
