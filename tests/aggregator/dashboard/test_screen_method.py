"""The method page: every definition, method and choice of ours is on it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.wording.messages import MESSAGES
from tests.aggregator.conftest import CENTRE, Room
from tests.aggregator.dashboard.screens import (
    answers_for_its_figures,
    is_a_fragment_to_htmx,
    is_shown_to_a_viewer,
    needs_no_script,
    shown,
)
from tests.aggregator.reading import words


@pytest.fixture
def reader(room: Room) -> Room:
    room.sign_in()
    return room


def test_every_method_that_a_figure_can_name_is_explained(reader: Room) -> None:
    page = shown(reader, "/method")
    for key, text in MESSAGES.texts["vi"].items():
        if key.startswith("how_method."):
            assert f'id="method-{key.removeprefix("how_method.")}"' in page
            assert words(text) in words(page)


def test_every_measure_of_every_survey_is_defined_by_its_levels(reader: Room) -> None:
    page = words(shown(reader, "/method"))
    for survey in reader.context.surveys.values():
        assert survey.title.vi in page
        assert survey.source in page
        for question in survey.measured:
            scale = survey.scale_of(question)
            assert scale is not None
            assert "; ".join(level.vi for level in scale.levels) in page
    top = "“Rất hài lòng” là số câu trả lời ở mức Rất hài lòng chia cho"
    assert top in page
    assert "“Hài lòng trở lên” là số câu trả lời ở mức Rất hài lòng, Hài lòng chia cho" in page


def test_the_contents_lead_to_every_part_and_our_choices_to_theirs(reader: Room) -> None:
    page = shown(reader, "/method")
    targets = set(re.findall(r' id="([^"]+)"', page))
    links = re.findall(r'href="#([^"]+)"', page)
    assert len(links) > 20
    assert set(links) <= targets
    choices = page[page.index('<section id="ours">') :]
    named = re.findall(r'href="#([^"]+)"', choices)
    assert len(named) == page.count('class="ours"') > 5


def test_what_is_never_mixed_is_said_with_the_published_figures(reader: Room) -> None:
    page = words(shown(reader, "/method"))
    part = page[page.index("3. Những số liệu không bao giờ gộp chung") :]
    assert part.index("96,3%") < part.index("100,0%") < part.index("82,33%")
    assert "3.355 / 3.483" in part
    assert "2018-2020 và của các năm 2022-2024 là hai chuỗi" in part


def test_the_thresholds_are_those_of_the_centre_file(
    make_room: Callable[..., Room], tmp_path: Path
) -> None:
    path = tmp_path / "centre.toml"
    text = CENTRE.read_text("utf-8").replace(
        "lai_chau_published", str(CENTRE.parent / "lai_chau_published")
    )
    path.write_text(
        text.replace(
            'id = "lai_chau"', 'id = "lai_chau"\nminimum_ratings = 41\nminimum_cell = 7', 1
        )
    )
    room = make_room(centre=path)
    room.sign_in()
    page = words(shown(room, "/method"))
    assert "tối thiểu để kết luận: 41 ." in page
    assert "nhóm được công bố: 7 ." in page


def test_in_english_too(reader: Room) -> None:
    page = words(shown(reader, "/method?lang=en"))
    assert "Figures that are never combined" in page
    assert "the software's choice" in page


def test_every_figure_answers(reader: Room) -> None:
    assert answers_for_its_figures(reader, "/method") >= 7


def test_as_a_fragment_without_a_script_and_for_viewers(reader: Room) -> None:
    is_a_fragment_to_htmx(reader, "/method")
    needs_no_script(reader, "/method")
    is_shown_to_a_viewer(reader, "/method")
