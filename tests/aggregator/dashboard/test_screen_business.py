"""The business page: statements beside the province's PCI, scores only where bounds are known."""

import re
from collections.abc import Callable, Sequence
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from aggregator.intake.desk.kinds import kind_of
from aggregator.intake.desk.taking import Desk
from aggregator.intake.desk.workbooks import read_workbook
from aggregator.intake.ingest import Ingest
from aggregator.storage.batches import NewBatch
from tests.aggregator.conftest import CENTRE, Room, submission
from tests.aggregator.dashboard.screens import (
    answers_for_its_figures,
    is_a_fragment_to_htmx,
    is_shown_to_a_viewer,
    needs_no_script,
    shown,
)
from tests.aggregator.reading import card, row, words
from tests.files.making import csv


def firms(*answers: dict[str, int]) -> list[dict[str, object]]:
    return [submission(survey="business", channel="qr", answers=one) for one in answers]


@pytest.fixture
def answered(room: Room) -> Room:
    """Ten firms: eight find land compensation adequate, six need connections; three waited."""
    room.take(firms(*[{"b2_4": 3, "b3_3": 3}] * 6, *[{"b2_4": 4, "b3_3": 1}] * 2))
    room.take(firms(*[{"b2_4": 1, "b3_3": 2, "b3_4": days} for days in (2, 30)]))
    room.take(firms({"b3_4": 4}))
    room.sign_in()
    return room


def test_a_share_stands_beside_the_province_s_published_one(answered: Room) -> None:
    found = row(shown(answered, "/business"), "Việc bồi thường đất")
    # 8 of 10 against 44 %: 36 points on the better side.
    assert " 10 80,0%" in found
    assert "44% hạng 3/63 +36,0" in found
    assert found.endswith("tốt hơn")


def test_where_fewer_is_better_the_sign_is_turned(answered: Room) -> None:
    found = row(shown(answered, "/business"), "Cần có mối quan hệ")
    # 6 of 10 need connections against 65 %: five points better.
    assert "càng thấp càng tốt 10 60,0%" in found
    assert "65% +5,0" in found
    assert found.endswith("tốt hơn")


def test_days_are_given_by_their_median(answered: Room) -> None:
    found = row(shown(answered, "/business"), "Số ngày từ khi doanh nghiệp đề nghị")
    assert " 3 4,0 ngày" in found
    assert "6\u00a0ngày trung vị; hạng 57/63 +2,0" in found
    assert found.endswith("tốt hơn")


def test_a_statement_without_a_published_figure_or_without_answers(answered: Room) -> None:
    page = shown(answered, "/business")
    assert row(page, "Cán bộ làm thủ tục đăng ký").endswith("0 – – –")
    assert "hạng 62/63" in row(page, "Thay đổi khung giá đất")


def put_in(room: Room, table: Sequence[Sequence[Any]]) -> None:
    """Numbers from records, as the desk takes them."""
    context = room.context
    desk = Desk(
        context.store,
        Ingest(context.store, context.surveys, context.centre),
        context.centre,
        "vi",
        room.clock(),
    )
    kind = kind_of("hard", None, context.surveys["business"], context.ddci)
    [sheet] = read_workbook(csv(table, ";").encode()).sheets
    taken, reading = desk.read(sheet, kind, desk.columns(sheet, kind))
    assert not reading.problems
    new = NewBatch("PCI", "hard", None, "pci.csv", "x", taken.rows, desk.now, "lan")
    desk.take(new, taken)


HARD = [
    ("Năm", "Chỉ số thành phần", "Chỉ tiêu", "Đơn vị", "Giá trị", "Đơn vị tính", "Nguồn"),
    ("2024", "2", "Hồ sơ đất đai đúng hạn", "", "95", "%", "Báo cáo 12/BC-STNMT"),
    ("2025", "2", "Hồ sơ đất đai đúng hạn", "", "96,34", "%", ""),
    ("2025", "Chi phí thời gian", "Số cuộc thanh tra", "Sở Y tế", "1.204", "", ""),
    ("2026", "Chi phí thời gian", "Số cuộc thanh tra", "Sở Y tế", "1.100", "", ""),
]


def test_numbers_from_records_stand_beside_what_businesses_say(answered: Room) -> None:
    assert "Số liệu quản lý" not in shown(answered, "/business")
    put_in(answered, HARD)
    page = shown(answered, "/business")
    land = "Hồ sơ đất đai đúng hạn (%) Toàn tỉnh 95% 96,34% – Báo cáo 12/BC-STNMT"
    assert row(page, "Hồ sơ đất đai") == land
    assert row(page, "Số cuộc thanh tra") == "Số cuộc thanh tra Sở Y tế – 1.204 1.100 –"
    how = unescape(re.findall(r'href="([^"]*how=hard[^"]*)"', page)[0])
    assert "Báo cáo 12/BC-STNMT" in shown(answered, how)
    before = shown(answered, "/business?period=year&date=2024-06-01")
    assert "96,34" not in before


def test_in_english_remarks_and_lead_agencies_are_english(answered: Room) -> None:
    page = shown(answered, "/business?lang=en")
    assert "44% rank 3 of 63" in row(page, "Land compensation")
    assert "6 days median; rank 57 of 63" in row(page, "Days from the firm").replace("\u00a0", " ")
    assert "Department of Planning and Investment" in words(page)
    assert "hạng" not in page
    assert "Sở " not in page


def test_sides_are_counted_and_called_no_test(answered: Room) -> None:
    page = shown(answered, "/business")
    assert card(page, "Nghiêng về phía tốt hơn PCI").split()[6] == "3"
    assert card(page, "Nghiêng về phía kém hơn PCI").split()[6] == "0"
    assert card(page, "Phiếu trả lời").startswith("Phiếu trả lời ít nhất 10")
    assert "Đây không phải là khảo sát PCI" in words(page)
    assert "chưa kiểm định" in words(page)


def test_the_composite_is_printed_beside_recomputed(answered: Room) -> None:
    page = shown(answered, "/business")
    printed, recomputed = row(page, "Điểm tổng hợp đã in"), row(page, "Tính lại từ các chỉ số")
    for figure in ("53,46", "58,82", "58,33", "59,95"):
        assert figure in printed
    for figure in ("53,450", "58,820", "58,325", "59,965"):
        assert figure in recomputed
    assert "Mâu thuẫn" not in recomputed
    assert row(page, "4. Chi phí thời gian 5%").count("hạng") == 4


def test_without_bounds_it_says_why_there_is_no_score(answered: Room) -> None:
    page = words(shown(answered, "/business"))
    assert "Chưa tính điểm nhóm" in page
    assert "Điểm nhóm:" not in page


@pytest.fixture
def bounded(tmp_path: Path) -> Path:
    """A centre file whose tables name a file of bounds, one line of it wrong."""
    tables = (CENTRE.parent / "lai_chau_published.toml").read_text("utf-8")
    centre = CENTRE.read_text("utf-8").replace("lai_chau_published", "tables")
    (tmp_path / "centre.toml").write_text(centre)
    (tmp_path / "tables.toml").write_text(
        tables.replace("[pci.total]", '[pci]\nbounds = "b.csv"\n[pci.total]')
    )
    (tmp_path / "b.csv").write_text("statement,min,max\nb2_4,20,100\nb3_3,90,50\nb3_4,1,11\n")
    return tmp_path / "centre.toml"


def test_with_bounds_statements_and_groups_have_scores(
    make_room: Callable[..., Room], bounded: Path
) -> None:
    room = make_room(centre=bounded)
    room.take(firms(*[{"b2_4": 3, "b3_4": 1}] * 3, {"b2_4": 1, "b3_4": 6}))
    room.sign_in()
    page = shown(room, "/business")
    # 75 % between 20 % and 100 %: 1 + 9 * 55/80.
    assert re.search(r"7,19 từ \d", row(page, "Việc bồi thường đất"))
    assert "Điểm nhóm: 7,19" in row(page, "2. Tiếp cận đất đai Điểm")
    # A median of 1 day, the fewest: the best score, since fewer is better.
    assert "10,00" in row(page, "Số ngày từ khi doanh nghiệp đề nghị")
    assert "dòng 3" in words(page)
    assert "Chưa tính điểm nhóm" not in words(page)
    answers_for_its_figures(room, "/business")


def test_an_empty_period_still_shows_the_published_pci(answered: Room) -> None:
    page = shown(answered, "/business?date=2020-01-01")
    assert "Chưa có phiếu doanh nghiệp nào" in words(page)
    assert "59,95" in row(page, "Điểm tổng hợp đã in")
    assert "Từng nhận định" not in words(page)


def test_a_centre_without_published_tables(make_room: Callable[..., Room], bare: Path) -> None:
    room = make_room(centre=bare)
    room.take(firms({"b2_4": 3}))
    room.sign_in()
    page = shown(room, "/business")
    assert "PCI của tỉnh đã công bố" not in words(page)
    answers_for_its_figures(room, "/business")


def test_every_figure_answers(answered: Room) -> None:
    assert answers_for_its_figures(answered, "/business") > 100
    assert answers_for_its_figures(answered, "/business?date=2020-01-01") > 40


def test_as_a_fragment_without_a_script_and_for_viewers(answered: Room) -> None:
    is_a_fragment_to_htmx(answered, "/business")
    needs_no_script(answered, "/business")
    is_shown_to_a_viewer(answered, "/business")
