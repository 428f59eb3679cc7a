"""Pictograms: one for whatever the shipped surveys ask, in one style; a centre's own, or none."""

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiosk.pictogram_files import (
    LARGEST,
    OURS,
    SCREEN,
    Pictograms,
    drawing,
    finder,
    load_pictograms,
)
from surveys.centre import load_definitions
from surveys.files import UnusableError
from surveys.pictures import check_picture
from tests.kiosk.conftest import CENTRE, Kiosk

LOADED, SURVEYS = load_definitions(CENTRE)
SAMPLE = CENTRE.parent / "pictograms"
NOTHING = Path(__file__).parent / "no such folder"
FILES = sorted([*OURS.rglob("*.svg"), *SAMPLE.rglob("*.svg")])
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'
GOOD = SVG.format('<path d="M0 0h9v9z" fill="currentColor"/>')
Make = Callable[..., Kiosk]


def loaded(folder: Path, **options: bool) -> Pictograms:
    return load_pictograms(folder, SURVEYS, LOADED, **options)


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_every_factor_reason_and_area_has_a_pictogram_and_so_has_every_button(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ours = loaded(NOTHING)
    wanted = {
        f"{survey.id}/{factor.id}" for survey in SURVEYS.values() for factor in survey.factors
    }
    wanted |= {f"{survey.id}/about" for survey in SURVEYS.values() if survey.profile}
    wanted |= {f"in_centre/reasons-{code}" for code in SURVEYS["in_centre"].scales["reasons"].codes}
    wanted |= {f"screen/{button}" for button in SCREEN} | {"departments/all"}
    assert wanted - ours.keys() == set()
    with_departments = loaded(SAMPLE)
    assert {f"departments/{one.id}" for one in LOADED.departments} <= with_departments.keys()
    assert with_departments.keys() == {name_of(path) for path in FILES}
    assert caplog.records == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_pictogram_is_of_the_one_style(path: Path) -> None:
    data = path.read_bytes()
    check_picture(data, "svg")
    root = ElementTree.fromstring(data)
    style = {"viewBox": "0 0 48 48", "fill": "none", "stroke": "currentColor"}
    style |= {"stroke-width": "2.5", "stroke-linecap": "round", "stroke-linejoin": "round"}
    assert root.attrib == style
    for shape in root:  # lines and dots of the one colour, and one fainter tone of it
        own = {key: shape.get(key) for key in ("fill", "fill-opacity", "stroke", "stroke-width")}
        assert own in (
            {"fill": None, "fill-opacity": None, "stroke": None, "stroke-width": None},
            {"fill": "currentColor", "fill-opacity": ".2", "stroke": None, "stroke-width": None},
            {"fill": "currentColor", "fill-opacity": None, "stroke": "none", "stroke-width": None},
            {"fill": "currentColor", "fill-opacity": None, "stroke": None, "stroke-width": None},
        )
    assert len(drawing(data)) < 1_000


def test_a_reason_has_the_pictogram_of_its_factor() -> None:
    drawn = loaded(NOTHING)
    factors = [factor.id for factor in SURVEYS["sipas_2020"].factors]
    for code, factor in enumerate(factors, 1):
        assert drawn[f"in_centre/reasons-{code}"] == drawn[f"sipas_2020/{factor}"]


def test_no_two_things_that_are_asked_together_look_the_same() -> None:
    drawn = loaded(SAMPLE)
    for group in {name.partition("/")[0] for name in drawn}:
        looks = [one for name, one in drawn.items() if name.startswith(f"{group}/")]
        assert len(set(looks)) == len(looks)


def test_a_centres_own_takes_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "in_centre").mkdir()
    (tmp_path / "in_centre" / "reasons-1.svg").write_text(GOOD, "utf-8")
    own = loaded(tmp_path)
    assert 'd="M0 0h9v9z"' in own["in_centre/reasons-1"]
    assert own["in_centre/reasons-2"] == loaded(NOTHING)["in_centre/reasons-2"]
    find = finder(own)
    assert find("in_centre", "reasons-1") == own["in_centre/reasons-1"]
    assert find("in_centre", "absent") == ""


HOSTILE = [
    (SVG.format("<script>alert(1)</script>"), "has <script>"),
    (SVG.format('<path d="M0 0" onload="alert(1)"/>'), "has onload="),
    (SVG.format('<a href="https://example.com"><path d="M0 0"/></a>'), "has <a>"),
    (SVG.format("<style>path { fill: red }</style>"), "has <style>"),
    (SVG.format('<use href="#a"/>'), "has <use>"),
    (SVG.format("<text>Hi</text>"), "has <text>"),
    (SVG.format('<path d="M0 0" style="fill:red"/>'), "has style="),
    (SVG.format('<path d="M0 0" class="rating"/>'), "has class="),
    (SVG.format('<path d="M0 0" fill="#c00"/>'), "only none or currentColor"),
    (SVG.format('<path d="M0 0&quot;&gt;&lt;b"/>'), "has d="),
    (SVG.format("<g/>" * 101), "has 101 shapes"),
    (SVG.format(""), "has 0 shapes"),
    (GOOD.replace("0 0 9 9", "0 0 9 5"), "viewBox"),
    (GOOD.replace('viewBox="0 0 9 9"', ""), "viewBox"),
    ("<!DOCTYPE svg [<!ENTITY a 'b'>]>" + GOOD, "has a document type"),
    ('<x:svg xmlns:x="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>', "begins with <x:svg>"),
    (GOOD[:-3], "not an SVG file"),
    ("", "not an SVG file"),
    (SVG.format(" " * LARGEST), f"larger than {LARGEST} bytes"),
]


def test_a_kiosk_starts_without_what_it_cannot_use_and_names_it(
    make_kiosk: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "own"
    for group in ("in_centre", "business", "departments", "nowhere", ".hidden"):
        (folder / group).mkdir(parents=True)
    outside = tmp_path / "outside.svg"
    outside.write_text(GOOD, "utf-8")
    (folder / "in_centre" / "reasons-2.svg").symlink_to(outside)
    (folder / "in_centre" / "reasons-3.svg").mkdir()
    os.mkfifo(folder / "in_centre" / "reasons-4.svg")
    (folder / "in_centre" / "reasons-9.svg").write_text(GOOD, "utf-8")
    (folder / "departments" / "so_tu_phap.png").write_bytes(b"\x89PNG")
    (folder / "departments" / "so_tu_phap.svg").write_text(GOOD, "utf-8")
    (folder / "business" / "Thumbs.db").write_bytes(b"\0")
    (folder / "sipas_2020").write_text("no folder", "utf-8")
    caplog.set_level(logging.WARNING, "kiosk")
    kiosk = make_kiosk(pictograms=folder)
    named = [
        (Path(re.search(r"'(.*?)'", message)[1]).relative_to(folder).as_posix(), message)  # type: ignore[index]
        for message in caplog.messages
    ]
    told = {name: message.partition("left out: ")[2] for name, message in named}
    assert told == {
        "in_centre/reasons-2.svg": "leads out of its folder",
        "in_centre/reasons-3.svg": "is no file",
        "in_centre/reasons-4.svg": "is no file",
        "in_centre/reasons-9.svg": "nothing that is asked has this name",
        "departments/so_tu_phap.png": "nothing that is asked has this name",
        "business/Thumbs.db": "nothing that is asked has this name",
        "nowhere": "no survey has this name",
        "sipas_2020": "no survey has this name",
    }
    assert kiosk.client.get("/").status_code == 200
    assert loaded(folder)["in_centre/reasons-2"] == loaded(NOTHING)["in_centre/reasons-2"]


@pytest.mark.parametrize(("content", "reason"), HOSTILE)
def test_a_hostile_drawing_is_left_out_by_file_and_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str, reason: str
) -> None:
    file = tmp_path / "in_centre" / "reasons-1.svg"
    file.parent.mkdir()
    file.write_text(content, "utf-8")
    assert loaded(tmp_path) == loaded(NOTHING)
    [message] = caplog.messages
    assert str(file) in message
    assert reason in message


def test_a_folder_that_was_asked_for_is_missed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loaded(tmp_path / "absent")
    assert caplog.messages == []
    loaded(tmp_path / "absent", expected=True)
    assert f"{str(tmp_path / 'absent')!r} is no folder" in caplog.text


def test_what_drawing_programs_add_is_not_written_into_the_page() -> None:
    made = (
        '<?xml version="1.0"?><!-- Inkscape --><svg xmlns="http://www.w3.org/2000/svg" width="9mm"'
        ' xmlns:i="http://www.inkscape.org" id="svg1" viewBox="0 0 9 9" i:version="1">'
        "<title>&lt;b&gt;</title><i:view><path d='M1 1'/></i:view><defs><g id='x'/></defs>"
        '<g i:label="x" stroke="currentColor"><path d="M0 0"/></g></svg>'
    )
    assert drawing(made.encode()) == (
        '<svg viewBox="0 0 9 9" class="pictogram" aria-hidden="true">'
        '<g stroke="currentColor"><path d="M0 0"></path></g></svg>'
    )


@given(
    st.text(max_size=30).filter(lambda key: key[:1] != "{"),  # ElementTree reads a namespace there
    st.text(max_size=30),
)
@example('"><script>', "d")
@example("d", '"><script>')
def test_whatever_stands_in_a_drawing_nothing_of_it_leaves_its_tag(key: str, value: str) -> None:
    shape = ElementTree.Element("path", {key or "d": value})
    try:
        made = drawing(
            SVG.format(ElementTree.tostring(shape, "unicode")).encode("utf-8", "replace")
        )
    except UnusableError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        assert re.fullmatch(r"(<[a-z/][A-Za-z0-9 =\".,()+\s-]*>)*", made)
