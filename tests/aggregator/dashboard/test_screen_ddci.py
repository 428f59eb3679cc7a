"""The DDCI page: ranks with their ranges, who has none and why, and how to set it up."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.aggregator.conftest import CENTRE, Room, submission
from tests.aggregator.dashboard.screens import (
    answers_for_its_figures,
    is_a_fragment_to_htmx,
    is_shown_to_a_viewer,
    needs_no_script,
    shown,
)
from tests.aggregator.dashboard.test_screen_business import put_in
from tests.aggregator.reading import row, words

SAMPLE = CENTRE.parent / "ddci.toml"
STATEMENTS = ("b3_2", "b3_3", "b4_1", "b4_2", "b4_3", "b4_4", "b5_1", "b6_1", "b7_1", "b7_2")


def firms(room: Room, department: str, share: float, number: int) -> list[dict[str, object]]:
    """Firms of which a share answers favourably, statement by statement."""
    survey = room.context.surveys["business"]
    draw = random.Random(department)

    def answer(name: str) -> int:
        question = survey.questions[name]
        [agree] = survey.measures_of(question).values()
        good = draw.random() < share
        if question.direction == "lower_is_better":
            good = not good
        scale = survey.scale_of(question)
        assert scale is not None
        return next(code for code in scale.codes if (code in agree) == good)

    counter = room.context.centre.department[department].counters[0].id
    place = {"survey": "business", "department": department, "counter": counter, "channel": "qr"}
    return [
        submission(answers={name: answer(name) for name in STATEMENTS}, **place)
        for _ in range(number)
    ]


@pytest.fixture
def ranked(make_room: Callable[..., Room]) -> Room:
    """Two departments with enough answers, one with too few."""
    room = make_room(ddci=SAMPLE)
    room.take(firms(room, "so_noi_vu", 0.9, 60))
    room.take(firms(room, "so_tu_phap", 0.3, 60))
    room.take(firms(room, "so_y_te", 0.9, 7))
    room.sign_in()
    return room


def test_departments_are_ranked_with_the_range_of_their_rank(ranked: Room) -> None:
    page = shown(ranked, "/ddci")
    assert row(page, "Sở Nội vụ").startswith("Sở Nội vụ 1 từ 1 đến 1 100,0")
    assert row(page, "Sở Tư pháp").startswith("Sở Tư pháp 2 từ 2 đến 2 10,0")
    assert page.index("Sở Nội vụ") < page.index("Sở Tư pháp")
    assert "tháng 11/2026" in words(page)


def test_numbers_from_records_of_the_last_year_count(ranked: Room) -> None:
    """Of the same answers the department with more dialogues is before the other."""
    ranked.take(firms(ranked, "so_y_te", 0.9, 53))
    years = {"2024": (9, 1, 1), "2025": (1, 5, 9)}
    put_in(
        ranked,
        [
            ("Đơn vị", "Năm", "Số cuộc đối thoại, tập huấn cho doanh nghiệp trong năm"),
            *(
                (unit, year, value)
                for year, values in years.items()
                for unit, value in zip(("Sở Nội vụ", "Sở Tư pháp", "Sở Y tế"), values, strict=True)
            ),
        ],
    )
    page = shown(ranked, "/ddci")
    assert row(page, "Sở Y tế").startswith("Sở Y tế 1 ")
    assert row(page, "Sở Nội vụ").startswith("Sở Nội vụ 2 ")
    table = page[page.index("Số liệu quản lý bên cạnh") :]
    assert "Sở Nội vụ 9 1 – " in words(table)


def test_who_is_not_ranked_is_told_why(ranked: Room) -> None:
    page = shown(ranked, "/ddci")
    left = page[page.index("Chưa xếp hạng") :]
    assert row(left, "Sở Y tế").endswith("7 / 30")
    assert "chưa đủ câu trả lời ở câu “" in row(left, "Sở Y tế")
    assert row(left, "Sở Công Thương").endswith("0 / 30")


def test_components_without_data_are_left_out_and_the_weights_scaled(ranked: Room) -> None:
    page = shown(ranked, "/ddci")
    # 56 of 100 points are left: 12/56.
    assert "21,4% 12,0%" in row(page, "Chi phí thời gian")
    assert "– 11,0%" in row(page, "Tiếp cận đất đai")
    assert "Không tính thành phần Hỗ trợ doanh nghiệp; Thiết chế pháp lý" in words(page)


def test_a_component_answers_with_the_counts_behind_it(ranked: Room) -> None:
    panel = words(shown(ranked, "/ddci?how=so_tu_phap.informal_charges"))
    paid = "Doanh nghiệp phải trả các khoản chi phí không chính thức"
    assert f"{paid} " in panel[panel.index("Cách tính") :]
    assert "/ 60 = " in panel


def test_hard_data_enters_and_its_errors_are_shown(
    make_room: Callable[..., Room], tmp_path: Path
) -> None:
    text = SAMPLE.read_text("utf-8").replace("# hard_data", "hard_data")
    (tmp_path / "ddci.toml").write_text(text)
    (tmp_path / "ddci_hard_data.csv").write_text(
        "department,on_time_percent,dialogues,upheld_complaints,online_percent\n"
        "so_noi_vu,,,,99.1\nso_tu_phap,,,,97.0\nso_nao_do,,,,90\n"
    )
    room = make_room(ddci=tmp_path / "ddci.toml")
    room.take(firms(room, "so_noi_vu", 0.9, 40))
    room.take(firms(room, "so_tu_phap", 0.3, 40))
    room.sign_in()
    page = shown(room, "/ddci")
    # 67 of 100 points are used now.
    assert "16,4% 11,0%" in row(page, "Ứng dụng công nghệ thông tin")
    assert "dòng 4" in words(page)
    panel = words(shown(room, "/ddci?how=so_noi_vu.information_technology"))
    assert "99,10" in panel


def test_a_file_that_is_not_there_is_said(make_room: Callable[..., Room], tmp_path: Path) -> None:
    (tmp_path / "ddci.toml").write_text(
        SAMPLE.read_text("utf-8").replace("# hard_data", "hard_data")
    )
    room = make_room(ddci=tmp_path / "ddci.toml")
    room.sign_in()
    assert "ddci_hard_data.csv" in words(shown(room, "/ddci"))


def test_nobody_ranked_yet(make_room: Callable[..., Room]) -> None:
    room = make_room(ddci=SAMPLE)
    room.sign_in()
    page = shown(room, "/ddci")
    assert "Chưa có cơ quan nào được xếp hạng" in words(page)
    assert answers_for_its_figures(room, "/ddci") > 20


def test_without_a_configuration_the_page_says_how_to_make_one(room: Room) -> None:
    room.sign_in()
    page = shown(room, "/ddci")
    assert "HAILONG_DDCI" in words(page)
    assert "deploy/ddci.toml" in words(page)
    is_a_fragment_to_htmx(room, "/ddci")


def test_every_figure_answers(ranked: Room) -> None:
    assert answers_for_its_figures(ranked, "/ddci") > 30


def test_as_a_fragment_without_a_script_and_for_viewers(ranked: Room) -> None:
    is_a_fragment_to_htmx(ranked, "/ddci")
    needs_no_script(ranked, "/ddci")
    is_shown_to_a_viewer(ranked, "/ddci")
