"""The PDF: the same figures, the decree's form, and no way for a name to become markup."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from aggregator.documents.reports import pdf, typesetting
from aggregator.documents.reports.model import Report, ReportKind
from aggregator.intake.files import FileError
from surveys.definition import Text
from tests.aggregator.conftest import ROOT, Room
from tests.aggregator.documents.reporting import fill, plain, printed_rows, report_of

MM = 72 / 25.4  # points


@pytest.fixture
def filled(room: Room) -> Room:
    fill(room)
    return room


def opened(report: Report) -> PdfReader:
    return PdfReader(io.BytesIO(pdf.render(report)))


def text_of(reader: PdfReader) -> str:
    return plain(" ".join(page.extract_text() for page in reader.pages))


def test_every_printed_cell_stands_in_the_pdf_in_its_row(filled: Room) -> None:
    report = report_of(filled)
    text = text_of(opened(report)).replace(" ", "")
    checked = 0
    for table, rows in printed_rows(report):
        for row in rows:
            wanted = re.sub(r"\s", "", "".join(row))
            assert wanted in text, (table.key, row)
            checked += len(row)
    assert checked > 300


def test_every_sentence_stands_in_the_pdf(filled: Room) -> None:
    report = report_of(filled)
    text = text_of(opened(report)).replace(" ", "")
    for section in report.sections:
        assert re.sub(r"\s", "", section.title.upper()) in text
        for block in section.blocks:
            for said in (getattr(block, "text", ""), *getattr(block, "texts", ())):
                assert re.sub(r"\s", "", said) in text


def test_the_form_is_the_decree_s(filled: Room) -> None:
    reader = opened(report_of(filled))
    first, second = (plain(page.extract_text()) for page in reader.pages[:2])
    for page in reader.pages:
        size = float(page.mediabox.width) / MM, float(page.mediabox.height) / MM
        assert size == pytest.approx((210, 297), abs=0.1)
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in first
    assert "Độc lập - Tự do - Hạnh phúc" in first
    assert "TRUNG TÂM PHỤC VỤ HÀNH CHÍNH CÔNG TỈNH LAI CHÂU" in first
    assert "Lai Châu, ngày ..... tháng ..... năm 2026" in first
    assert "BÁO CÁO" in first
    assert second.startswith("2 ")  # the page's number is above the text
    assert not first.startswith("1 ")
    text = text_of(reader)
    assert "Nơi nhận:" in text
    assert "GIÁM ĐỐC (Ký, ghi rõ họ tên)" in text
    assert "Trung tâm./." in text


def test_the_text_keeps_the_decree_s_margins(filled: Room) -> None:
    reader = opened(report_of(filled))
    places: list[tuple[float, float]] = []

    def visit(text: str, page: list[float], at: list[float], *_: object) -> None:
        if text.strip():
            x = at[4] * page[0] + at[5] * page[2] + page[4]
            y = at[4] * page[1] + at[5] * page[3] + page[5]
            places.append((x / MM, y / MM))

    for page in reader.pages:
        page.extract_text(visitor_text=visit)
    assert min(x for x, _ in places) >= 29.9
    assert max(x for x, _ in places) <= 210 - 15
    assert min(y for _, y in places) >= 19


def test_the_typeface_is_inside_and_has_every_vietnamese_letter(filled: Room) -> None:
    reader = opened(report_of(filled))
    fonts = {
        font.get_object()["/BaseFont"]
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    assert fonts
    assert all("Tinos" in font for font in fonts)


@pytest.mark.parametrize("kind", ["day", "quarter"])
def test_it_is_a_document_for_the_archive(filled: Room, kind: ReportKind) -> None:
    """PDF/A-2a and PDF/UA-1: its colours defined, tagged, with title and language, no script."""
    reader = opened(report_of(filled, kind))
    root: Any = reader.root_object
    told = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in told
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in told
    assert "<pdfuaid:part>1</pdfuaid:part>" in told
    [intent] = root["/OutputIntents"]
    assert intent["/S"] == "/GTS_PDFA1"
    assert intent["/DestOutputProfile"].get_object().get_data()
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert root["/Lang"] == "vi-VN"
    assert reader.metadata is not None
    assert reader.metadata.title
    assert reader.metadata.title in told
    assert reader.metadata.author == "Trung tâm Phục vụ hành chính công tỉnh Lai Châu"
    tags = [one.get("/S") for one in structure(root["/StructTreeRoot"])]
    assert {"/Table", "/THead", "/TH", "/TD"} <= {*tags}
    assert kind == "day" or tags.count("/H1") == len(report_of(filled, kind).sections) + 3
    assert not {"/JavaScript", "/EmbeddedFiles"} & {*root.get("/Names", {})}
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
            [inner] = font["/DescendantFonts"]
            assert "/FontFile2" in inner.get_object()["/FontDescriptor"].get_object()


def test_pictures_have_words_for_those_who_cannot_see_them(filled: Room) -> None:
    report = report_of(filled)
    root: Any = opened(report).root_object
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"].startswith("vi")
    found = {str(one["/Alt"]) for one in structure(root["/StructTreeRoot"]) if "/Alt" in one}
    assert {chart.alt for chart in report.charts()} <= found


def structure(element: Any) -> Iterator[dict[str, Any]]:
    """Every element below one in the tree that tells readers what is what."""
    element = element.get_object()
    if isinstance(element, list):
        for each in element:
            yield from structure(each)
    elif isinstance(element, dict):
        yield element
        if "/K" in element:
            yield from structure(element["/K"])


def test_the_sheet_of_a_day_is_one_page_with_two_signatures(filled: Room) -> None:
    reader = opened(report_of(filled, "day"))
    assert len(reader.pages) == 1
    text = text_of(reader)
    assert text.count("(Ký, ghi rõ họ tên)") == 2
    assert "PHIẾU TỔNG HỢP" in text
    assert "Nơi nhận" not in text


def test_a_demonstration_is_marked_on_each_page(filled: Room) -> None:
    for page in opened(report_of(filled, "week", demo=True)).pages:
        text = plain(page.extract_text())
        assert "MÔ PHỎNG" in text
        assert "không có thật" in text
    assert "MÔ PHỎNG" not in text_of(opened(report_of(filled, "week")))


NASTY = '#panic("x") *đậm* _nghiêng_ $x^2$ [a] <b> \\ "c" {d} @e = f'


def test_a_name_is_text_and_never_markup(filled: Room) -> None:
    centre = filled.context.centre
    first, *others = centre.departments
    named = first.model_copy(update={"name": Text(vi=NASTY, en=NASTY)})
    changed = centre.model_copy(update={"departments": (named, *others)})
    changed.__dict__.pop("department", None)
    text = text_of(opened(report_of(filled, "day", centre=changed))).replace(" ", "")
    assert NASTY.replace(" ", "") in text


@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_empty_report_is_a_document_too(room: Room, language: str) -> None:
    for kind in ("day", "quarter"):
        report = report_of(room, kind, language)  # type: ignore[arg-type]
        assert len(opened(report).pages) >= 1


def test_a_missing_typeface_is_named_with_what_to_do(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "package.json").write_bytes((ROOT / "package.json").read_bytes())
    monkeypatch.setattr(typesetting, "ROOT", tmp_path)
    with pytest.raises(FileError, match="make setup"):
        pdf.render(report_of(room, "day"))
