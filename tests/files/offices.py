"""The corpus: what each file must give, or the words by which it is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from tests.files.making import (
    bomb,
    csv,
    ods,
    packed,
    sheet_of,
    tcvn3,
    vni,
    windows_1258,
    with_parts,
    workbook,
    xlsx,
)

Said = tuple[str, str, str, int]  # day, department, counter and code of a rating
HEAD = ("Ngày", "Cơ quan", "Quầy", "Mức độ hài lòng")
DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)
ROWS = (
    (DAY, "Sở Y tế", "Quầy 09", "Rất hài lòng"),
    (DAY, "Sở Tư pháp", "Quầy 05", "Hài lòng"),
    (NEXT, "Sở Tư pháp", "Quầy 06", "Không hài lòng"),
)
SAID: Mapping[Said, int] = {
    ("2026-11-20", "so_y_te", "q09", 5): 1,
    ("2026-11-20", "so_tu_phap", "q05", 4): 1,
    ("2026-11-21", "so_tu_phap", "q06", 2): 1,
}
TITLE = [
    ("UBND TỈNH LAI CHÂU",),
    ("BÁO CÁO KẾT QUẢ ĐÁNH GIÁ MỨC ĐỘ HÀI LÒNG",),
    ("Tháng 11 năm 2026",),
    (),
]
FOOT = [("Tổng cộng", None, None, 3), (None, None, "Lai Châu, ngày 23 tháng 11 năm 2026"),
        (None, None, "NGƯỜI LẬP BIỂU")]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A file and what it must give.

    ``said`` are ratings with their numbers, ``cells`` rows of the table of another kind, ``bad``
    the cells with a problem, each with a part of its words. ``refused`` is the key of why the
    whole file is. ``encoding`` and ``notes`` are what must be told.
    """

    name: str
    data: bytes
    kind: str = "ratings"
    said: Mapping[Said, int] | None = None
    cells: Sequence[Sequence[Any]] | None = None
    bad: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    encoding: str = "UTF-8"
    notes: Sequence[str] = ()
    survey: str = "in_centre"


def written(form: str = "%d/%m/%Y", rows: Sequence[Sequence[Any]] = ROWS) -> list[tuple[Any, ...]]:
    """The table with its days as text."""
    table: list[tuple[Any, ...]] = [HEAD]
    return table + [(row[0].strftime(form), *row[1:]) for row in rows]


def changed(row: int, column: int, value: Any) -> list[tuple[Any, ...]]:
    """The table with a cell, from 0 below the header, that says something else."""
    table = [list(cells) for cells in written()]
    table[row + 1][column] = value
    return [tuple(cells) for cells in table]


def without(*gone: int) -> dict[Said, int]:
    """What is said by the rows that are not gone."""
    return {said: n for at, (said, n) in enumerate(SAID.items()) if at not in gone}


def _formula(book: Any, sheet: Any) -> None:
    sheet.write_formula(1, 3, '=IF(1=1,"Rất hài lòng","")', None, "Rất hài lòng")


def _merged(book: Any, sheet: Any) -> None:
    middle = book.add_format({"align": "center"})
    sheet.merge_range(0, 0, 0, 6, "BÁO CÁO ĐÁNH GIÁ MỨC ĐỘ HÀI LÒNG", middle)
    for column, text in enumerate(("STT", "Ngày", "Cơ quan")):
        sheet.merge_range(2, column, 3, column, text, middle)
    sheet.merge_range(2, 3, 2, 7, "Mức độ hài lòng", middle)
    sheet.merge_range(5, 1, 6, 1, None, middle)
    sheet.write_datetime(5, 1, datetime(2026, 11, 20), book.add_format({"num_format": "d/m/yy"}))


WIDE_HEAD = (None, None, None, "Rất hài lòng", "Hài lòng", "Bình thường", "Không hài lòng",
             "Rất không hài lòng", "Tổng số")  # fmt: skip
WIDE = [
    (),
    (),
    ("STT", "Ngày", "Cơ quan", "Mức độ hài lòng"),
    WIDE_HEAD,
    ("(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)", "(8)", "(9)=(4)+…"),
    (1, None, "Sở Y tế", 10, 3, 0, 1, 0, 14),
    (2, None, "Sở Tư pháp", 1200, None, None, None, None, 1200),
    ("Tổng cộng", None, None, 1210, 3, 0, 1, 0, 1214),
]
WIDE_SAID = {
    ("2026-11-20", "so_y_te", "", 5): 10,
    ("2026-11-20", "so_y_te", "", 4): 3,
    ("2026-11-20", "so_y_te", "", 2): 1,
    ("2026-11-20", "so_tu_phap", "", 5): 1200,
}
SETTLED = [
    ("Ngày giải quyết", "Đơn vị", "Số hồ sơ đã giải quyết", "Mã hồ sơ đầu"),
    ("20/11/2026", "1. Sở Y tế", "1.204", "H35.12"),
    ("20/11/2026", "SO TU PHAP", "0", ""),
    ("20/11/2026", "", "17", ""),
]
SETTLED_CELLS = [
    ["2026-11-20", "so_y_te", 1204],
    ["2026-11-20", "so_tu_phap", 0],
    ["2026-11-20", "", 17],
]
CIRCULAR = [
    ("Ngày", "Cơ quan", "Thời hạn giải quyết", "Số ngày giải quyết", "Số lần liên hệ",
     "Phản ánh, kiến nghị"),
    ("20/11/2026", "Sở Y tế", "5,5", "2,5", "1", "Không"),
    ("20/11/2026", "Sở Y tế", "3", "4", "0", "Có"),
]  # fmt: skip
ROSTER = [
    ("STT", "Số hiệu công chức", "Quầy", "Ngày", "Từ giờ", "Đến giờ"),
    (1, "CC.012", "9", "20/11/2026", "7h30", "11 giờ 30"),
    (2, "CC.013", "Quầy 05", "20/11/2026", "13:30", "17:00"),
]
SIPAS = [
    ("Ngày", "Sở", *(f"Câu {number}" for number in range(1, 23)), "Ý kiến khác"),
    ("20/11/2026", "Sở Y tế", *["5"] * 21, "Bình thường", ""),
    ("20/11/2026", "Sở Y tế", *["Hài lòng"] * 22, ""),
]
BOOK = xlsx([HEAD, *ROWS])
UTF_8_LINES = csv(written()).encode()
# What a spreadsheet that was locked by a password begins with, and holds somewhere.
LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
SHEET = "xl/worksheets/sheet1.xml"


def _many_rows() -> bytes:
    row = "<row><c><v>1</v></c></row>"
    return with_parts(BOOK, {SHEET: sheet_of(row * 1_000_000)})


def _grouped(*departments: str) -> list[Sequence[Any]]:
    """Ratings under the names of their departments, one row a heading, with sums between."""
    table: list[Sequence[Any]] = [*TITLE, ("STT", "Ngày", "Quầy", "Mức độ hài lòng")]
    for number, (department, row) in enumerate(zip(departments, ROWS[:2], strict=True)):
        table += [("I" * (number + 1), department), (1, row[0].strftime("%d/%m/%Y"), *row[2:])]
        table += [(None, f"Cộng {department}", None, 1)]
    return [*table, *FOOT]


def _merged_departments(book: Any, sheet: Any) -> None:
    sheet.merge_range(2, 1, 3, 1, "Sở Tư pháp", book.add_format())


ONCE = [
    CIRCULAR[0],
    ("20/11/2026", "Sở Y tế", "5,5", "2,5", "1", "Không"),
    ("", "", "3", "4", "0", "Có"),
    ("", "Sở Tư pháp", "3", "3", "0", "Không"),
    ("Tổng cộng", "", "11,5", "9,5", "1", ""),
]
ONCE_CELLS = [
    ["so_tu_phap", 1, "2026-11-20", 0, 0, 1, 0], ["so_tu_phap", 2, "2026-11-20", 1, 0, 0, 0],
    ["so_tu_phap", 3, "2026-11-20", 0, 0, 0, 1], ["so_tu_phap", 4, "2026-11-20", 1, 0, 0, 0],
    ["so_tu_phap", 7, "2026-11-20", 0, 0, 1, 0],
    ["so_y_te", 1, "2026-11-20", 0, 1, 0, 1], ["so_y_te", 2, "2026-11-20", 2, 0, 0, 0],
    ["so_y_te", 3, "2026-11-20", 0, 0, 1, 1], ["so_y_te", 4, "2026-11-20", 2, 0, 0, 0],
    ["so_y_te", 7, "2026-11-20", 0, 1, 0, 1],
]  # fmt: skip
GUIDE = [("Hướng dẫn",), ("Ghi mỗi phiếu một dòng, ngày dạng dd/mm/yyyy",)]
PCI = [
    ("PHỤ LỤC SỐ LIỆU PCI",),
    ("STT", "Chỉ số thành phần", "Chỉ tiêu", "Năm", "Giá trị", "Đơn vị tính", "Nguồn"),
    (1, "2. Tiếp cận đất đai", "Tỷ lệ hồ sơ đất đai đúng hạn", 2025, 96.3, "%", "Báo cáo 12/BC"),
    (2, "Chi phí thời gian", "Số cuộc thanh tra một năm", 2025, 1204, "cuộc", None),
    (3, "Sao hỏa", "Số cuộc đối thoại", 2025, 4, "cuộc", None),
    (4, "3", "Số cuộc đối thoại", 2031, 4, "cuộc", None),
]
PCI_CELLS = [
    [2025, "", "Số cuộc thanh tra một năm", "time_costs", 1204.0, "cuộc", ""],
    [2025, "", "Tỷ lệ hồ sơ đất đai đúng hạn", "land_access", 96.3, "%", "Báo cáo 12/BC"],
]
DDCI = [
    ("Đơn vị", "Năm", "Tỷ lệ hồ sơ đúng và trước hạn (%)", "Tỷ lệ hồ sơ nộp trực tuyến (%)"),
    ("Sở Y tế", "2026", "96,3", "1.204,5"),
    ("Sở Tư pháp", "2026", "100%", ""),
]
DDCI_CELLS = [
    [2026, "so_tu_phap", "on_time_percent", "", 100.0, "", ""],
    [2026, "so_y_te", "on_time_percent", "", 96.3, "", ""],
    [2026, "so_y_te", "online_percent", "", 1204.5, "", ""],
]


CASES = [
    Case("codes.csv", csv([("day", "department", "counter", "rating"),
         ("2026-11-20", "so_y_te", "q09", 5), ("2026-11-20", "so_tu_phap", "q05", 4),
         ("2026-11-21", "so_tu_phap", "q06", 2)]).encode(), said=SAID),
    Case("excel-viet.csv", b"\xef\xbb\xbf" + csv(written(), ";").encode(), said=SAID),
    Case("dan-tu-bang.txt", csv(written(), "\t").encode(), said=SAID),
    Case("unicode-text.txt", csv(written(), "\t").encode("utf-16"), said=SAID, encoding="UTF-16"),
    Case("khong-bom.csv", csv(written(), ";").encode("utf-16-be"), said=SAID, encoding="UTF-16"),
    Case("may-cu-1258.csv", windows_1258(csv(written(), ";")), said=SAID, encoding="windows-1258"),
    Case("vntime.csv", tcvn3(csv(written(), ";")).encode("latin-1"), said=SAID, encoding="TCVN3"),
    Case("vni-times.csv", vni(csv(written(), ";")).encode("latin-1"), said=SAID, encoding="VNI"),
    Case("khong-dau.csv", csv([("NGAY", "CO QUAN", "QUAY", "MUC DO"),
         ("20/11/2026", "so y te", "9", "RAT HAI LONG"), ("20/11/2026", "SO TU PHAP", "05", "hl"),
         ("21/11/2026", "So Tu Phap", "q06", "khong hai long")]).encode(), said=SAID),
    Case("ngay-ngan.csv", csv(written("%-d/%-m/%y"), ";").encode(), said=SAID),
    Case("ngay-gach.csv", csv(written("%d-%m-%Y"), ";").encode(), said=SAID),
    Case("ngay-noi.csv", csv(written("ngày %d tháng %m năm %Y"), ";").encode(), said=SAID),
    Case("so-serial.csv", csv([HEAD, *((46346 + (day - DAY).days, *row) for day, *row in ROWS)])
         .encode(), said=SAID),
    Case("ngay-gio.csv", csv(written("%Y-%m-%d 08:15:00")).encode(), said=SAID),
    Case("gio-truoc.csv", csv(written("08h15 %d/%m/%Y")).encode(), said=SAID),
    Case("co-tieu-de.csv", csv([*TITLE, *written(), *FOOT], ";").encode(), said=SAID),
    Case("sep.csv", b"sep=;\r\n" + csv(written(), ";").encode(), said=SAID),
    Case("dau-cham.csv", csv(changed(1, 3, "Hài lòng.")).encode(), said=SAID),
    Case("excel.xlsx", BOOK, said=SAID),
    Case("excel-tieu-de.xlsx", xlsx([*TITLE, HEAD, *ROWS, *FOOT]), said=SAID),
    Case("excel-vntime.xlsx", xlsx([[tcvn3(cell) if isinstance(cell, str) else cell for cell in row]
         for row in (HEAD, *ROWS)]), said=SAID, encoding="TCVN3"),
    Case("excel-vni.xlsx", xlsx([[vni(cell) if isinstance(cell, str) else cell for cell in row]
         for row in (HEAD, *ROWS)]), said=SAID, encoding="VNI"),
    Case("excel-gio.xlsx", xlsx([(*HEAD, "Giờ"), *((*row, time(8, 15)) for row in ROWS)]),
         said=SAID),
    Case("bang-ngang.xlsx", xlsx(WIDE, _merged), said=WIDE_SAID),
    Case("cong-thuc.xlsx", xlsx([HEAD, *ROWS], _formula), said=SAID),
    Case("cong-thuc-rong.xlsx", with_parts(BOOK, {SHEET: sheet_of(
         '<row r="1"><c t="inlineStr"><is><t>Ngày</t></is></c>'
         '<c t="inlineStr"><is><t>Mức độ</t></is></c></row>'
         '<row r="2"><c t="inlineStr"><is><t>20/11/2026</t></is></c><c><f>A1+1</f></c></row>'
         '<row r="3"><c t="inlineStr"><is><t>20/11/2026</t></is></c><c t="e"><v>#N/A</v></c></row>'
         '<row r="4"><c t="inlineStr"><is><t>20/11/2026</t></is></c><c><v>5</v></c></row>')}),
         said={("2026-11-20", "", "", 5): 1}, bad={"B2": "công thức", "B3": "lỗi"}),
    Case("macro.xlsm", with_parts(BOOK, {"xl/vbaProject.bin": b"\x00"}), said=SAID,
         notes=["macros"]),
    Case("libreoffice.ods", ods([HEAD, *ROWS]), said=SAID),
    Case("ods-gop-o.ods", ods([*TITLE, HEAD, *ROWS[:2], (None, *ROWS[2][1:])],
         {(5, 0): 'table:number-rows-spanned="1"', (6, 0): 'table:number-rows-spanned="2"'}),
         said=without(2) | {("2026-11-20", "so_tu_phap", "q06", 2): 1}),
    Case("30-thang-2.csv", csv(changed(0, 0, "30/02/2026")).encode(), said=without(0),
         bad={"A2": "30/02/2026"}),
    Case("1899.xlsx", xlsx([HEAD, (1, *ROWS[0][1:]), *ROWS[1:]],
         lambda book, sheet: sheet.write(1, 0, 1, book.add_format({"num_format": "dd/mm/yyyy"}))),
         said=without(0), bad={"A2": "trước ngày"}),
    Case("ten-la.csv", csv(changed(1, 1, "Sở Tư phap tỉnh")).encode(), said=without(1),
         bad={"B3": "không nhận ra cơ quan"}),
    Case("muc-la.csv", csv(changed(1, 3, "Tạm được")).encode(), said=without(1),
         bad={"D3": "không có mức"}),
    Case("mai-sau.csv", csv(changed(2, 0, "21/11/2027")).encode(), said=without(2),
         bad={"A4": "tương lai"}),
    Case("quay-khac.csv", csv(changed(1, 2, "Quầy 09")).encode(), said=without(1),
         bad={"C3": "không có quầy"}),
    Case("dut-giua-dong.csv", UTF_8_LINES.rpartition("ầy".encode())[0], said=without(2),
         bad={"C4": "không có quầy"}, notes=["cut_off"]),
    Case("dut-giua-chu.csv", UTF_8_LINES.rpartition("ng hài".encode())[0][:-1], refused="damaged"),
    Case("ho-so.csv", csv(SETTLED, ";").encode(), "transactions", cells=SETTLED_CELLS),
    Case("thong-tu-01.csv", csv(CIRCULAR, ";").encode(), "dossiers", cells=[
         ["so_y_te", 1, "2026-11-20", 0, 1, 0, 1], ["so_y_te", 2, "2026-11-20", 2, 0, 0, 0],
         ["so_y_te", 3, "2026-11-20", 0, 0, 1, 1], ["so_y_te", 4, "2026-11-20", 2, 0, 0, 0],
         ["so_y_te", 7, "2026-11-20", 0, 1, 0, 1]]),
    Case("phan-cong.csv", csv(ROSTER).encode(), "roster", cells=[
         ["2026-11-20", "q05", 810, 1020, "CC.013"], ["2026-11-20", "q09", 450, 690, "CC.012"]]),
    Case("phieu-sipas.csv", csv(SIPAS, ";").encode(), "ballots", survey="sipas_2020",
         said={("2026-11-20", "so_y_te", "", 3): 1, ("2026-11-20", "so_y_te", "", 4): 1}),
    Case("nhom-co-quan.csv", csv(_grouped("SỞ Y TẾ", "II. Sở Tư pháp")).encode(),
         said=without(2)),
    Case("nhom-co-quan.xlsx", xlsx(_grouped("Sở Y tế", "Sở Tư pháp")), said=without(2)),
    Case("nhom-la.csv", csv(_grouped("Sở Y tế", "Sở Tư phap tỉnh")).encode(), said=without(1, 2),
         bad={"B9": "không nhận ra cơ quan"}),
    Case("nhom-gop-o.xlsx", xlsx([HEAD, ROWS[0], (DAY, None, *ROWS[1][2:]),
         (NEXT, None, *ROWS[2][2:])], _merged_departments), said=SAID),
    Case("ghi-mot-lan.csv", csv(ONCE, ";").encode(), "dossiers", cells=ONCE_CELLS),
    Case("nhieu-trang.xlsx", workbook({"Hướng dẫn": GUIDE, "Tháng 11": [HEAD, *ROWS],
         "Tháng 10": [HEAD, ROWS[0]]}), said=SAID),
    Case("mot-trang-rong.xlsx", workbook({"Phụ lục": [range(300)], "Tháng 11": [HEAD, *ROWS]}),
         said=SAID),
    Case("hai-trang.ods", ods([HEAD, *ROWS], before="<table:table table:name='Bìa'>"
         "<table:table-row><table:table-cell><text:p>Bìa</text:p></table:table-cell></table:table-row>"
         "</table:table>"), said=SAID),
    Case("so-lieu-pci.xlsx", xlsx(PCI), "hard", cells=PCI_CELLS,
         bad={"B5": "không có chỉ số thành phần", "D6": "tương lai"}),
    Case("so-lieu-ddci.csv", csv(DDCI, ";").encode(), "hard", cells=DDCI_CELLS),
    Case("chu-dai.xlsx", with_parts(BOOK, {SHEET: sheet_of(
         f"<row><c t='inlineStr'><is><t>{'x' * 3_000_000}</t></is></c></row>")}),
         refused="text_too_long"),
    Case("the-dai.xlsx", with_parts(BOOK, {SHEET: sheet_of(
         f"<row><c r='{'x' * 3_000_000}'><v>1</v></c></row>")}), refused="damaged"),
    Case("so-vo-han.xlsx", with_parts(BOOK, {SHEET: sheet_of(
         "<row><c t='inlineStr'><is><t>Ngày</t></is></c><c t='inlineStr'><is><t>Mức độ</t></is></c>"
         "</row><row><c t='inlineStr'><is><t>20/11/2026</t></is></c><c><v>INF</v></c></row>")}),
         said={}, bad={"B2": "không có mức"}),
    Case("so-khong-lo.csv", csv([(*HEAD, "Số phiếu"), (*written()[1], "9" * 5_000),
         (*changed(1, 3, "9" * 5_000)[2], "1"), (*written()[3], "1")]).encode(),
         said=without(0, 1), bad={"E2": "không phải số", "D3": "không có mức"}),
    Case("mot-dong.csv", b"a;" * 3_000_000, refused="too_many_columns"),
    Case("tron-bang-ma.csv", UTF_8_LINES + tcvn3("20/11/2026,Sở Y tế,,Hài lòng").encode("latin-1"),
         refused="mixed_encoding"),
    Case("nua-tep.xlsx", BOOK[: len(BOOK) // 2], refused="damaged"),
    Case("ngoac-kep.csv", b'Ng\xc3\xa0y,M\xe1\xbb\xa9c \xc4\x91\xe1\xbb\x99\n"20/11/2026,5\n',
         refused="open_quote"),
    Case("mat-khau.xlsx", LOCKED, refused="password"),
    Case("excel-cu.xls", LOCKED[:600], refused="old_excel"),
    Case("trang-web.xls", b"<html><table><tr><td>5</td></tr></table></html>", refused="web_page"),
    Case("anh.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, refused="no_table"),
    Case("van-ban.docx", packed({"word/document.xml": "<x/>"}), refused="no_table"),
    Case("bom.xlsx", bomb("xl/workbook.xml", 300),
         refused="unpacks_too_large"),
    Case("thuc-the.xlsx", with_parts(BOOK, {SHEET: '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}),
         refused="damaged"),
    Case("trieu-dong.xlsx", _many_rows(), refused="too_many_rows"),
    Case("trieu-dong.csv", b"Ng\xc3\xa0y,M\xe1\xbb\xa9c\n" + b"1,2\n" * 1_000_000,
         refused="too_many_rows"),
    Case("300-cot.xlsx", xlsx([["Ngày", *range(299)]]), refused="too_many_columns"),
    Case("xa-tit.xlsx", with_parts(BOOK, {SHEET: sheet_of(
         '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')}), refused="too_many_columns"),
    Case("trong.csv", b"\r\n\r\n", refused="empty"),
    Case("khong-cot-ngay.csv", b"C\xc6\xa1 quan,M\xe1\xbb\xa9c \xc4\x91\xe1\xbb\x99\nS,5\n",
         refused="no_column"),
]  # fmt: skip
