"""Who issues and who signs a document, as the centre's document says."""

import io
from datetime import date
from typing import Any

import pytest
from docx import Document

from aggregator.documents.reports import decree_30_2020, docx
from aggregator.documents.reports.decree_30_2020 import heads
from aggregator.documents.reports.occasion import Issue
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


SENT = Documents(
    abbreviation="TTPVHCC",
    place=Text(vi="Tân Phong", en="Tân Phong"),
    addressees=Text(vi="Ủy ban nhân dân tỉnh Lai Châu", en="People's Committee"),
    copies=Text(vi="- Văn phòng Ủy ban nhân dân tỉnh;\n\nLãnh đạo Trung tâm.", en="Office"),
    filed="VT, TTHC",
)


def head_of(room: Room, documents: Documents | None, **more: Any) -> dict[str, Any]:
    centre = room.context.centre.model_copy(update={"documents": documents})
    return heads(report_of(room, "month", centre=centre, **more))


def test_a_letter_is_for_somebody_and_says_who_gets_it(room: Room) -> None:
    found = head_of(room, SENT)
    assert found["number"].endswith("/BC-TTPVHCC")
    assert found["place_and_day"].startswith("Tân Phong, ngày .....")
    assert found["addressees"] == ["Ủy ban nhân dân tỉnh Lai Châu"]
    assert found["recipients"] == [
        "- Như trên;",
        "- Văn phòng Ủy ban nhân dân tỉnh;",
        "- Lãnh đạo Trung tâm;",
        "- Lưu: VT, TTHC.",
    ]
    several = Text(vi="Sở Nội vụ\nSở Tư pháp", en="A\nB")
    found = head_of(room, SENT.model_copy(update={"addressees": several, "copies": None}))
    assert found["addressees"] == ["- Sở Nội vụ;", "- Sở Tư pháp."]
    assert found["recipients"] == ["- Như trên;", "- Lưu: VT, TTHC."]
    blank = head_of(room, None)
    assert blank["addressees"] == []
    assert blank["recipients"] == ["- ………………………;", "- ………………………;", "- Lưu: VT, ………."]


def test_what_is_issued_has_its_number_and_day(room: Room) -> None:
    issue = Issue(5, date(2027, 1, 4))
    found = head_of(room, SENT, issue=issue)
    assert found["number"] == "Số: 05/BC-TTPVHCC"
    assert found["place_and_day"] == "Tân Phong, ngày 04 tháng 01 năm 2027"
    centre = room.context.centre.model_copy(update={"documents": SENT})
    report = report_of(room, "month", centre=centre, issue=issue)
    for text in (text_of(opened(report)), text_of_docx(docx.render(report))):
        for words in (
            "Số: 05/BC-TTPVHCC",
            "Kính gửi: Ủy ban nhân dân tỉnh Lai Châu",
            "- Như trên;",
            "(Kèm theo Báo cáo số 05/BC-TTPVHCC ngày 04 tháng 01 năm 2027 của Trung tâm",
        ):
            assert words in plain(text)
    assert decree_30_2020.dated(date(2026, 10, 5), date(2026, 10, 5), "en") == "5 October 2026"


def test_the_sheet_of_a_day_is_for_nobody_else(room: Room) -> None:
    centre = room.context.centre.model_copy(update={"documents": SENT})
    found = heads(report_of(room, "day", centre=centre))
    assert (found["addressees"], found["recipients"], found["number"]) == ([], [], "")
