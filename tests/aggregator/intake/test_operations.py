"""Operating figures at the desk: which days they are of, whose they are, and what is refused."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aggregator.indices.operations import Span
from aggregator.intake.desk.kinds import kind_of
from aggregator.intake.desk.reading import Reading
from aggregator.intake.desk.sheets import SheetError
from aggregator.intake.desk.spans import cell_span, told_span
from aggregator.intake.desk.taking import Change, Desk, Taken
from aggregator.intake.desk.workbooks import read_workbook
from aggregator.intake.ingest import Ingest
from aggregator.storage.batches import NewBatch
from aggregator.storage.operations import Stated
from aggregator.storage.store import Store
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.wire import Refused
from tests.aggregator.conftest import NOW
from tests.files.making import csv, ods, xlsx

KIND = kind_of("operations")
DEPARTMENTS = Path(__file__).parents[2] / "golden" / "departments.csv"
FIRST, LAST = date(2019, 9, 3), date(2020, 5, 12)
MARCH = (date(2026, 3, 1), date(2026, 3, 31))
TABLE = [
    ("TỔNG HỢP KẾT QUẢ TIẾP NHẬN, GIẢI QUYẾT HỒ SƠ",),
    ("(Từ ngày 01/3/2026 đến ngày 31/3/2026)",),
    ("TT", "Cơ quan", "Lượt khách", "Tiếp nhận", "Đã giải quyết", "Đúng hạn", "Quá hạn"),
    ("1", "Sở Y tế", "420", "300", "290", "288", "2"),
    ("2", "Sở Tư pháp", "1.180", "900", "880", "880", "0"),
    ("Tổng cộng", None, "1.600", "1.200", "1.170", "1.168", "2"),
]


@pytest.fixture
def desk(store: Store, surveys: dict[str, Survey], centre: Centre) -> Desk:
    return Desk(store, Ingest(store, surveys, centre), centre, "vi", NOW)


def read(desk: Desk, data: bytes, span: Span | None = None) -> tuple[Taken, Reading]:
    [sheet] = read_workbook(data).sheets
    columns = desk.columns(sheet, KIND)
    if span:
        columns = type(columns)(columns.header, columns.columns, span=span)
    return desk.read(sheet, KIND, columns)


def take(desk: Desk, data: bytes, name: str = "Tháng 3", span: Span | None = None) -> Change:
    taken, reading = read(desk, data, span)
    assert not reading.problems, reading.problems
    about = ("bang.csv", read_workbook(data).hash, taken.rows, NOW, "lan")
    return desk.take(NewBatch(name, "operations", None, *about), taken)


def stored(desk: Desk, span: Span = MARCH) -> dict[tuple[str, str], int]:
    return {
        (one.department, one.figure): one.value for one in desk.store.operations.touching(*span)
    }


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("Từ ngày 03/9/2019 đến ngày 12/5/2020", (FIRST, LAST)),
        ("(01.03.2026 – 31.03.2026)", MARCH),
        ("Báo cáo tháng 3 năm 2026", MARCH),
        ("Quý II/2026", (date(2026, 4, 1), date(2026, 6, 30))),
        ("quý 4 năm 2026", (date(2026, 10, 1), date(2026, 12, 31))),
        ("6 tháng đầu năm 2026", (date(2026, 1, 1), date(2026, 6, 30))),
        ("6 tháng cuối năm 2026", (date(2026, 7, 1), date(2026, 12, 31))),
        ("Năm 2025", (date(2025, 1, 1), date(2025, 12, 31))),
        ("từ ngày 30/02/2026 đến ngày 31/3/2026", None),
        ("Sở Y tế 2026", None),
    ],
)
def test_titles_tell_the_days(text: str, span: Span | None) -> None:
    assert told_span(["UBND TỈNH LAI CHÂU", text]) == span


@pytest.mark.parametrize("text", ["3/2026", "03-2026", "2026-03", "2026-03-01", "Tháng 3/2026"])
def test_cells_tell_a_month(text: str) -> None:
    assert cell_span("span", text) == MARCH


@pytest.mark.parametrize("text", ["13/2026", "2026-03-15", "tháng ba", ""])
def test_what_is_no_span_is_refused_by_its_cell(text: str) -> None:
    with pytest.raises(Refused, match="span"):
        cell_span("span", text)


@pytest.mark.parametrize("make", [lambda table: csv(table, ";").encode(), xlsx, ods])
def test_an_office_table_is_taken_in_every_format_and_again_changes_nothing(
    desk: Desk, make: Any
) -> None:
    data = make(TABLE)
    assert take(desk, data) == Change("Tháng 3", 10, 0)
    found = stored(desk)
    assert found["so_tu_phap", "visits"] == 1180
    assert found["so_y_te", "overdue"] == 2
    assert ("", "overdue") not in found, "a total row is no data"
    assert take(desk, data) == Change("Tháng 3", 0, 0)


def test_a_corrected_table_replaces_and_a_withdrawal_unsets(desk: Desk) -> None:
    take(desk, csv(TABLE).encode())
    corrected = [*TABLE[:3], ("1", "Sở Y tế", "420", "300", "290", "285", "5")]
    assert take(desk, csv(corrected).encode()) == Change("Tháng 3", 2, 5)
    assert stored(desk)["so_y_te", "overdue"] == 5
    assert desk.withdraw("Tháng 3", "lan") == Change("Tháng 3", 0, 5)
    assert stored(desk) == {}


def test_the_reports_own_table_needs_its_days_and_has_44_of_71(desk: Desk) -> None:
    data = DEPARTMENTS.read_bytes()
    with pytest.raises(SheetError, match="no_span"):
        read(desk, data)
    take(desk, data, span=(FIRST, LAST))
    found = stored(desk, (FIRST, LAST))
    overdue = {place: n for (place, figure), n in found.items() if figure == "overdue"}
    assert overdue["so_tai_nguyen_moi_truong"] == 44
    assert sum(overdue.values()) == 71
    assert found["so_cong_thuong", "online_level_4"] == 596
    assert found["so_cong_thuong", "postal"] == 907


def test_rows_may_say_their_own_month_and_the_whole_centre(desk: Desk) -> None:
    table = [
        ("Tháng", "Đơn vị", "Số lượt khách", "Phí, lệ phí"),
        ("02/2026", "Toàn Trung tâm", "2.000", "120.500.000"),
        ("03/2026", "", "2100", "1414812973"),
    ]
    take(desk, csv(table).encode())
    assert stored(desk)["", "fees"] == 1_414_812_973
    february = desk.store.operations.touching(date(2026, 2, 3), date(2026, 2, 3))
    assert Stated("", "visits", (date(2026, 2, 1), date(2026, 2, 28)), 2000) in february
    assert desk.store.operations.spans(9)[0] == MARCH


@pytest.mark.parametrize(
    ("row", "cell", "reason"),
    [
        (("31/3/2026", "01/3/2026", "Sở Y tế", "1"), "B2", "ngày cuối trước ngày đầu"),
        (("01/3/2027", "31/3/2027", "Sở Y tế", "1"), "A2", "kỳ chưa bắt đầu"),
        (("30/02/2026", "31/3/2026", "Sở Y tế", "1"), "A2", "không có ngày"),
        (("01/3/2026", "31/3/2026", "Sở Y tế", "một"), "D2", "không phải số"),
        (("01/3/2026", "31/3/2026", "Sở Y tế", "9" * 17), "D2", "quá lớn"),
        (("01/3/2026", "31/3/2026", "Sở Mây", "1"), "C2", "Sở Mây"),
        (("01/3/2026", "31/3/2026", "Sở Y tế", ""), "C2", "không có số nào"),
        (("01/3/2026", "", "Sở Y tế", "1"), "B2", "thiếu"),
    ],
)
def test_a_bad_cell_is_named(desk: Desk, row: tuple[str, ...], cell: str, reason: str) -> None:
    table = [("Từ ngày", "Đến ngày", "Cơ quan", "Quá hạn"), row]
    _, reading = read(desk, csv(table, ";").encode())
    [problem] = reading.problems
    assert problem.cell == cell
    assert reason in problem.reason


def test_a_row_twice_is_told(desk: Desk) -> None:
    table = [*TABLE[:4], TABLE[3]]
    taken, reading = read(desk, csv(table).encode())
    assert taken.rows == 1
    assert "hai dòng" in reading.problems[0].reason


def test_a_department_that_was_counted_cannot_vanish(desk: Desk) -> None:
    take(desk, csv(TABLE).encode())
    assert desk.store.centres.stored(NOW).counted["so_y_te", ""] == 5


def test_a_head_reads_the_own_department_and_heirs_add_up(desk: Desk) -> None:
    take(desk, csv(TABLE).encode())
    store = desk.store
    own = store.of_department("so_y_te").operations.touching(*MARCH)
    assert {one.department for one in own} == {"so_y_te"}
    merged = store.following({"department": {"so_tu_phap": "so_y_te"}}).operations.touching(*MARCH)
    visits = [one.value for one in merged if one.figure == "visits"]
    assert visits == [1600]
