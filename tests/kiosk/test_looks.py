"""A centre's own emblem and colours: shown on the touch screen, or refused by name."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kiosk.app import create_app
from kiosk.settings import Settings
from surveys.definition import DefinitionError
from surveys.looks import data_address, tint
from tests.kiosk.conftest import CENTRE
from tests.surveys.pictures import GOOD, SVG, png


def centre_with(folder: Path, looks: str) -> Path:
    text = CENTRE.read_text("utf-8").replace('published = "lai_chau_published.toml"', "#")
    first, table, rest = text.partition("\n[[departments]]")
    file = folder / "own.toml"
    file.write_text(f"{first}\n[looks]\n{looks}\n{table}{rest}", "utf-8")
    return file


def client_of(folder: Path, looks: str) -> TestClient:
    return TestClient(create_app(Settings(centre=centre_with(folder, looks), var=folder)))


def refused(folder: Path, looks: str) -> str:
    with pytest.raises(DefinitionError) as told:
        create_app(Settings(centre=centre_with(folder, looks), var=folder))
    return str(told.value)


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [("own.svg", GOOD.encode(), "image/svg+xml"), ("own.png", png(), "image/png")],
)
def test_an_emblem_is_on_the_touch_screen_and_served_as_a_picture(
    tmp_path: Path, name: str, content: bytes, media_type: str
) -> None:
    (tmp_path / name).write_bytes(content)
    client = client_of(tmp_path, f'emblem = "{name}"')
    page = client.get("/").text
    address = page.partition('class="emblem" src="')[2].partition('"')[0]
    assert address.startswith("/centre/emblem?v=")
    answer = client.get(address)
    assert answer.content == content
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "immutable" in answer.headers["cache-control"]


def test_colours_are_a_stylesheet_of_their_own(tmp_path: Path) -> None:
    client = client_of(tmp_path, 'colour = "#6b1d1d"\naccent = "#0a5c4a"')
    page = client.get("/").text
    address = page.partition('href="/centre/colours')[2].partition('"')[0]
    answer = client.get(f"/centre/colours{address}")
    assert answer.headers["content-type"].startswith("text/css")
    assert "--blue: #6b1d1d;" in answer.text
    assert f"--blue-tint: {tint('#6b1d1d')}" in answer.text
    assert "--accent: #0a5c4a;" in answer.text


def test_without_its_own_a_centre_has_ours(tmp_path: Path) -> None:
    client = client_of(tmp_path, "")
    page = client.get("/").text
    assert "/centre/" not in page
    assert 'class="lotus"' in page
    assert client.get("/centre/emblem").status_code == 404
    assert client.get("/centre/colours.css").status_code == 404


@pytest.mark.parametrize(
    ("looks", "reason"),
    [
        ('colour = "#8090a0"', "looks: Value error, colour #8090a0 has a contrast of 2.9:1"),
        ('accent = "#ff5500"', "looks: Value error, accent #ff5500 has a contrast of 2.8:1"),
        ('colour = "blue"', "looks.colour: "),
        ('colour = "#0b4a73; } body { display: none"', "looks.colour: "),
        ('emblem = "../own.svg"', "looks.emblem: "),
        ('emblem = "/etc/passwd.png"', "looks.emblem: "),
        ('emblem = "own.gif"', "looks.emblem: "),
        ('emblem = "absent.svg"', "looks.emblem: absent.svg: cannot be read: No such file"),
        ('font = "Arial"', "looks.font: Extra inputs"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, looks: str, reason: str) -> None:
    message = refused(tmp_path, looks)
    assert message.startswith("own.toml: ")
    assert reason in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (SVG.format("<script>alert(1)</script>"), "has <script>"),
        (SVG.format("<SCRIPT/>"), "has <script>"),
        (SVG.format('<x:script xmlns:x="http://www.w3.org/2000/svg"/>'), "has <script>"),
        (SVG.format('<g onload="alert(1)"/>'), "has onload="),
        (SVG.format('<a href="https://example.com"><path/></a>'), "has <a>"),
        (SVG.format("<foreignObject><b/></foreignObject>"), "has <foreignobject>"),
        (SVG.format('<use href="https://example.com/a.svg#b"/>'), "leads elsewhere: href="),
        (SVG.format('<use xlink:href="data:image/svg+xml,x"/>'), "leads elsewhere: href="),
        (SVG.format('<g fill="url(https://example.com/a)"/>'), "leads elsewhere: fill="),
        (SVG.format("<style>@im<!-- -->port 'a.css'</style>"), "leads elsewhere in its text"),
        (SVG.format("<style>a{fill:u\\72l(//x)}</style>"), "leads elsewhere in its text"),
        (SVG.format('<set attributeName="href" to="x"/>'), "has <set>"),
        ("<!DOCTYPE svg [<!ENTITY a 'b'>]>" + SVG.format("&a;"), "has a document type"),
        ('<?xml-stylesheet href="a.css"?>' + GOOD, "a processing instruction"),
        ("<html/>", "not an SVG file"),
        (GOOD[:-3], "not an SVG file"),
        ("", "not an SVG file"),
        (SVG.format(" " * 200_000), "larger than 200 KB"),
    ],
)
def test_a_hostile_emblem_is_refused_with_file_key_and_reason(
    tmp_path: Path, content: str, reason: str
) -> None:
    (tmp_path / "own.svg").write_text(content, "utf-8")
    message = refused(tmp_path, 'emblem = "own.svg"')
    assert message.startswith("own.toml: looks.emblem: own.svg: ")
    assert reason in message


def test_an_emblem_within_the_document_is_shown_and_waits_are_those_of_the_document(
    tmp_path: Path,
) -> None:
    looks = f'emblem = "{data_address(GOOD.encode(), "svg")}"\n[touch_screen]\nidle_seconds = 90'
    page = client_of(tmp_path, looks).get("/").text
    address = page.partition('class="emblem" src="')[2].partition('"')[0]
    assert client_of(tmp_path, looks).get(address).text == GOOD
    assert 'data-idle="90"' in page
    assert 'data-rest="120"' in page
    own = Settings(centre=tmp_path / "own.toml", var=tmp_path, idle_seconds=30, rest_seconds=0)
    page = TestClient(create_app(own)).get("/").text
    assert 'data-idle="30"' in page
    assert 'data-rest="0"' in page
