"""Where the published figures disagree, and how each is defined."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.aggregator.conftest import Room
from tests.aggregator.dashboard.screens import (
    answers_for_its_figures,
    is_a_fragment_to_htmx,
    is_shown_to_a_viewer,
    needs_no_script,
    shown,
)
from tests.aggregator.reading import card, row, words


@pytest.fixture
def reader(room: Room) -> Room:
    room.sign_in()
    return room


@pytest.mark.parametrize(
    ("statement", "printed", "recomputed", "parts", "verdict"),
    [
        ("PAR INDEX năm 2017", "71,94", "71,92", "45,05 + 26,87", "Mâu thuẫn"),
        ("PAR INDEX năm 2019", "79,51", "79,09", "52,83 + 26,26", "Mâu thuẫn"),
        ("Hồ sơ tiếp nhận", "10.529", "10.586", "9.974 + 583 + 29", "Mâu thuẫn"),
        ("Tỷ lệ hồ sơ quá hạn", "0,8", "0,712", "71 / 9.974", "Mâu thuẫn"),
        ("Tỷ lệ thủ tục thực hiện", "7,5", "7,551", "127 / 1.682", "Bỏ bớt chữ số"),
        ("PCI, Chi phí thời gian", "−0,7", "−0,07", "5,66 − 5,73", "Mâu thuẫn"),
        ("Cải cách thủ tục hành chính", "92", "92,643", "(12,22 + 0,75) / 14", "Bỏ bớt chữ số"),
    ],
)
def test_the_source_s_contradictions_are_listed_with_their_parts(
    reader: Room, statement: str, printed: str, recomputed: str, parts: str, verdict: str
) -> None:
    page = shown(reader, "/published")
    disagreeing = page[: page.index("<details")]
    found = row(disagreeing, statement)
    assert f" {printed} {recomputed} {parts} {verdict}" in found


def test_those_that_agree_are_counted_and_can_be_opened(reader: Room) -> None:
    page = shown(reader, "/published")
    counted = [
        int(words(card(page, title)).removeprefix(title).split()[0])
        for title in ("Khớp trong phạm vi làm tròn", "Bỏ bớt chữ số, không làm tròn", "Mâu thuẫn")
    ]
    total = int(re.findall(r"trên (\d+) số đã tính lại", words(page))[0])
    exact = int(re.findall(r"Khớp (\d+)", words(page))[0])
    agreeing = page[page.index("<details") : page.index("</details>")]
    assert exact + sum(counted) == total
    assert agreeing.count("<tr>") - 1 == exact + counted[0]
    # 53,46 printed, 53,450 recomputed: the rounding of the ten scores explains it.
    assert row(agreeing, "PCI năm 2016").endswith("Khớp trong phạm vi làm tròn")


def test_each_reference_has_its_whole_definition(reader: Room) -> None:
    page = words(shown(reader, "/published"))
    for reference in reader.context.centre.references:
        for text in (reference.label, reference.mode, reference.population, reference.scale):
            assert text.vi in page
        assert reference.source in page
    assert "3.355 / 3.483" in page
    assert "từ 03/09/2019 đến 12/05/2020" in page
    assert "nguồn chỉ in tỷ lệ" in page


def test_a_published_figure_is_asked_without_filter_and_as_printed(reader: Room) -> None:
    panel = words(shown(reader, "/published?how=reference.sipas_2019_lai_chau"))
    panel = panel[panel.index("Con số này được tính thế nào?") :]
    assert "82,33%" in panel
    assert "Phạm vi" not in panel


def test_a_centre_without_tables_still_shows_its_references(
    make_room: Callable[..., Room], bare: Path
) -> None:
    room = make_room(centre=bare)
    room.sign_in()
    page = shown(room, "/published")
    assert "Chưa có bảng số công bố" in words(page)
    assert "96,3%" in words(page)
    assert answers_for_its_figures(room, "/published") > 4


def test_every_figure_answers(reader: Room) -> None:
    assert answers_for_its_figures(reader, "/published") > 240


def test_as_a_fragment_without_a_script_and_for_viewers(reader: Room) -> None:
    is_a_fragment_to_htmx(reader, "/published")
    needs_no_script(reader, "/published")
    is_shown_to_a_viewer(reader, "/published")
