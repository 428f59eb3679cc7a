"""The main screens look as they did when somebody last looked at them."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.pictures import PICTURES, Kiosks, Picture, saved, unlike
from tests.conftest import Servers

ALIKE = 0.004  # of the blocks may differ: another version of Chromium draws edges otherwise


@pytest.mark.browser
@pytest.mark.parametrize("picture", PICTURES, ids=lambda one: one.path.stem)
def test_a_screen_looks_as_in_its_picture(
    browser: Browser, serve: Servers, tmp_path: Path, picture: Picture
) -> None:
    taken = Kiosks(browser, serve, tmp_path).take(picture)
    share = unlike(taken, saved(picture))
    assert share <= ALIKE, f"{share:.1%} of it differ; see tests/browser/pictures.py"


@pytest.mark.browser
@pytest.mark.parametrize(
    "style",
    [
        ".rating:last-child { visibility: hidden }",
        ".rating .face-5 { transform: scale(1.3) }",
        ".screen h1 { display: none }",
        ":root { --blue: #800 }",
    ],
)
def test_a_screen_that_lost_something_differs(
    browser: Browser, serve: Servers, tmp_path: Path, style: str
) -> None:
    picture = Picture("faces", (1280, 800))
    share = unlike(Kiosks(browser, serve, tmp_path).take(picture, style), saved(picture))
    assert share > ALIKE
