"""The SIPAS page: index, factors, criteria, points of PAR INDEX, the published figures."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.aggregator.conftest import Room, ratings, sipas, submission
from tests.aggregator.dashboard.screens import (
    answers_for_its_figures,
    is_a_fragment_to_htmx,
    is_shown_to_a_viewer,
    needs_no_script,
    shown,
)
from tests.aggregator.reading import card, row, words


@pytest.fixture
def answered(room: Room) -> Room:
    """Two forms: 16 favourable answers of 22, and 22 of 22."""
    room.take([sipas([5, 4, 3, 5] * 5 + [5, 2]), sipas([4] * 22, channel="qr")])
    room.take(ratings([1] * 50))
    room.sign_in()
    return room


def test_the_index_pools_the_criteria_and_counts_people(answered: Room) -> None:
    found = shown(answered, "/sipas")
    assert card(found, "Người trả lời").startswith("Người trả lời 2")
    assert card(found, "Chỉ số SIPAS").startswith("Chỉ số SIPAS 86,4% 38 trên 44 câu trả lời")
    assert row(found, "Chỉ số SIPAS").startswith("Chỉ số SIPAS 2 44 86,4%")
    # Its four criteria: 3 of 4 favourable and 4 of 4.
    assert row(found, "1. Tiếp cận dịch vụ 2").startswith("1. Tiếp cận dịch vụ 2 8 87,5%")
    assert "tháng 11/2026" in words(found)


def test_every_criterion_shows_its_levels_beside_the_bar(answered: Room) -> None:
    found = shown(answered, "/sipas")
    last = row(found, "Cơ quan thông báo kết quả xử lý góp ý")
    # One 2 and one 4: from very dissatisfied to very satisfied, share above count.
    assert " 2 0% 0 50% 1 0% 0 50% 1 0% 0 50,0%" in last
    assert found.count('<svg class="likert"') == 22
    assert 'aria-label="Rất không hài lòng 0,0%, Không hài lòng 50,0%,' in found


def test_criteria_whose_wording_was_not_checked_are_marked(answered: Room) -> None:
    found = shown(answered, "/sipas")
    marked = re.findall(r"<tr>(?:(?!</tr>).)*unverified.*?</tr>", found, re.DOTALL)
    assert len(marked) == 2
    assert all("Trang thiết bị phục vụ" in words(each) for each in marked)


def test_the_projection_stands_beside_result_and_target(answered: Room) -> None:
    found = shown(answered, "/sipas")
    assert (
        card(found, "Quy ra điểm PAR INDEX")
        .split("lĩnh vực 8 ")[1]
        .startswith("8,64 điểm trên 10 điểm")
    )
    assert card(found, "SIPAS năm 2019") == "SIPAS năm 2019 của tỉnh 82,33% 8,23 điểm hạng 44"
    assert card(found, "Mục tiêu năm 2020") == "Mục tiêu năm 2020 82,33% 8,23 điểm hạng 42–44"
    assert "do mẫu điều tra của Bộ Nội vụ quyết định, không do phiếu" in words(found)


def test_published_sipas_is_compared_with_both_modes_beside_it(answered: Room) -> None:
    for day in range(14, 24):
        at = f"2026-11-{day}T08:00:00+07:00"
        answered.take([sipas([3] * 22, answered_at=at) for _ in range(6)])
    found = shown(answered, "/sipas")
    compared = row(found, "SIPAS 2019 Lai Châu")
    assert "Thấp hơn" in compared
    assert "Mẫu được chọn, hỏi tại nhà" in compared
    assert "Số ở trang này: người trả lời tự chọn" in compared
    refused = found[found.index('class="refused"') :]
    for other in ("Thiết bị đánh giá 2019-2020: rất hài lòng", "Phiếu giấy 2020"):
        assert other in words(refused)
    assert "không cùng một đại lượng" in words(refused)


def test_few_people_are_not_concluded_from(answered: Room) -> None:
    found = shown(answered, "/sipas")
    assert "Quá ít ngày" in row(found, "SIPAS 2019 Lai Châu")
    assert "dưới 30 người" in card(found, "Người trả lời")


def test_no_line_of_the_national_series_crosses_the_break(answered: Room) -> None:
    found = shown(answered, "/sipas")
    chart = found[found.index('class="timeline national"') :]
    years = re.findall(r">(20\d\d)</text>", chart)
    assert years == [str(year) for year in range(2018, 2025)]
    assert chart.count('<circle class="dot"') == 6
    lines = re.findall(r'<line class="series" x1="([\d.]+)%" x2="([\d.]+)%"', chart)
    [place] = re.findall(r'<line class="break" x1="([\d.]+)%"', chart)
    assert len(lines) == 4
    assert not any(float(a) < float(place) < float(b) for a, b in lines)


def test_a_channel_and_another_period_can_be_chosen(answered: Room) -> None:
    assert "100,0%" in card(shown(answered, "/sipas?channel=qr"), "Chỉ số SIPAS")
    before = shown(answered, "/sipas?date=2026-07-01&period=quarter")
    assert "Chưa có phiếu SIPAS nào" in words(before)
    assert "82,33%" in card(before, "SIPAS năm 2019")
    assert "Quy ra điểm" not in words(before)


def test_the_form_offers_no_other_survey_and_no_measure(answered: Room) -> None:
    found = shown(answered, "/sipas")
    assert 'name="survey"' not in found
    assert 'name="measure"' not in found


def test_every_figure_answers(answered: Room) -> None:
    assert answers_for_its_figures(answered, "/sipas") > 250
    assert answers_for_its_figures(answered, "/sipas?date=2019-01-01") > 10


def test_a_centre_without_published_tables(make_room: Callable[..., Room], bare: Path) -> None:
    room = make_room(centre=bare)
    room.take([sipas([5] * 22)])
    room.sign_in()
    found = shown(room, "/sipas")
    assert "SIPAS năm 2019 của tỉnh" not in words(found)
    assert "timeline national" not in found
    assert "10,00 điểm" in card(found, "Quy ra điểm PAR INDEX")
    answers_for_its_figures(room, "/sipas")


def test_as_a_fragment_without_a_script_and_for_viewers(answered: Room) -> None:
    is_a_fragment_to_htmx(answered, "/sipas")
    needs_no_script(answered, "/sipas")
    is_shown_to_a_viewer(answered, "/sipas")


MARGINS = """
[[margins]]
survey = "sipas_2020"
variable = "gender"
population = { vi = "Người đến giao dịch", en = "Visitors" }
source = "Số liệu thử"
shares = { 1 = 0.25, 2 = 0.75 }

[[margins]]
survey = "sipas_2020"
variable = "channel"
population = { vi = "Hồ sơ", en = "Dossiers" }
source = "Số liệu thử"
shares = { kiosk = 0.5, qr = 0.5 }
"""


@pytest.fixture
def weighted(make_room: Callable[..., Room], bare: Path) -> Room:
    """Forty men who are satisfied, ten women who are not, one of whom nothing is told."""
    bare.write_text(bare.read_text() + MARGINS)
    room = make_room(centre=bare)
    for gender, level, number in ((1, 5, 40), (2, 2, 10)):
        for channel in ("kiosk", "qr"):
            form = sipas([level] * 22)["answers"] | {"gender": gender}
            one = {"survey": "sipas_2020", "answers": form, "channel": channel}
            room.take([submission(**one) for _ in range(number // 2)])
    room.take([sipas([1] * 22)])
    room.sign_in()
    return room


def test_weights_bring_the_respondents_to_the_known_mix(weighted: Room) -> None:
    assert 'href="/sipas/weighted?period=year"' in shown(weighted, "/sipas?period=year")
    page = shown(weighted, "/sipas/weighted")
    # 40 of 51 as they came; a quarter once men are a quarter.
    assert row(page, "Hài lòng trở lên").startswith("Hài lòng trở lên 78,4%")
    assert "25,0%" in row(page, "Hài lòng trở lên")
    # Each man counts 0.25/0.8, each woman 0.75/0.2.
    assert row(page, "Nam") == "Nam 25,0% 80,0% 40 0,31"
    assert row(page, "Nữ") == "Nữ 75,0% 20,0% 10 3,75"
    assert row(page, "Mã QR") == "Mã QR 50,0% 50,0% 25 1,00"
    assert "có ghi đủ đặc điểm: 50 / 51" in words(page)
    assert "Đây không phải là số SIPAS của Bộ Nội vụ" in words(page)
    assert answers_for_its_figures(weighted, "/sipas/weighted") > 15


def test_what_cannot_be_weighted_is_refused_with_the_reason(weighted: Room) -> None:
    page = words(shown(weighted, "/sipas/weighted?channel=qr"))
    assert "Cơ cấu có “Màn hình cảm ứng” nhưng trong phạm vi này không có ai" in page
    weighted.take(
        [submission(survey="sipas_2020", channel="paper", answers={"q1": 5, "gender": 1})]
    )
    page = words(shown(weighted, "/sipas/weighted"))
    assert "thuộc “Phiếu giấy”, mà cơ cấu không ghi" in page
    assert "Chưa có phiếu SIPAS" in words(shown(weighted, "/sipas/weighted?date=2020-01-01"))


def test_without_a_known_mix_there_is_nothing_to_weight_by(answered: Room) -> None:
    assert "/sipas/weighted" not in shown(answered, "/sipas")
    assert "chưa ghi cơ cấu nào" in words(shown(answered, "/sipas/weighted"))
    is_a_fragment_to_htmx(answered, "/sipas/weighted")


def test_a_centre_whose_citizens_answer_another_form_has_no_index(
    make_room: Callable[..., Room], bare: Path
) -> None:
    asked = '[instruments]\ncitizens = "in_centre"\n\n[[departments]]'
    bare.write_text(bare.read_text().replace("[[departments]]", asked, 1))
    room = make_room(centre=bare)
    room.take(ratings([5]))
    room.sign_in()
    assert "không có chỉ số SIPAS" in words(shown(room, "/sipas"))
    assert "chưa ghi cơ cấu nào" in words(shown(room, "/sipas/weighted"))
