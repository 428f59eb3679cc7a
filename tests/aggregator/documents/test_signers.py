"""Who issues and who signs a document, as the centre's document says."""

import io
from typing import Any

import pytest
from docx import Document

from aggregator.documents.reports import docx
from aggregator.documents.reports.decree_30_2020 import heads
from surveys.centre import Documents
from surveys.definition import Text
from tests.aggregator.conftest import Room
from tests.aggregator.documents.reporting import fill, plain, report_of
from tests.aggregator.documents.test_report_pdf import opened, text_of

SIGNED = Documents(
    agency=Text(vi="Văn phòng Ủy ban nhân dân tỉnh Lai Châu", en="Office of the Committee"),
    on_behalf=Text(vi="KT. Giám đốc", en="For the Director"),
    title=Text(vi="Phó Giám đốc", en="Deputy Director"),
    signer="Họ Và Tên",
)


def text_of_docx(data: bytes) -> str:
    document = Document(io.BytesIO(data))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return plain("\n".join([*cells, *(one.text for one in document.paragraphs)]))


@pytest.mark.parametrize("kind", ["week", "day"])
def test_agency_and_signer_stand_in_every_document(room: Room, kind: Any) -> None:
    fill(room)
    blank = report_of(room, kind)
    assert [one["name"] for one in heads(blank)["signatures"]][-1] == ""
    centre = room.context.centre.model_copy(update={"documents": SIGNED})
    report = report_of(room, kind, centre=centre)
    *_, last = heads(report)["signatures"]
    offices = ["KT. Giám đốc", "Phó Giám đốc"]
    said = offices if kind == "day" else [one.upper() for one in offices]
    assert last == {"office": said, "hint": "", "name": "Họ Và Tên"}
    pages = opened(report)
    assert kind == "week" or len(pages.pages) == 1
    for text in (text_of(pages), text_of_docx(docx.render(report))):
        for words in (*said, "Họ Và Tên"):
            assert words in text
        assert "VĂN PHÒNG ỦY BAN NHÂN DÂN TỈNH LAI CHÂU" in " ".join(text.split())
        assert text.count("(Ký, ghi rõ họ tên)") == (1 if kind == "day" else 0)
