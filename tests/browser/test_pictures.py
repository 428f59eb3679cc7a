"""The main screens look as they did when somebody last looked at them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.pictures import PICTURES, Kiosks, Picture, saved, unlike
from tests.conftest import CHROMIUM_FLAGS, Servers, chromium_path

ALIKE = 0.004  # of the blocks may differ: another version of Chromium draws edges otherwise
SPOILT = [
    ".rating:last-child { visibility: hidden }",
    ".rating .face-5 { transform: scale(1.3) }",
    ".screen h1 { display: none }",
    ":root { --blue: #800 }",
]


@pytest.fixture(scope="module")
def windowed(browser: Browser) -> Iterator[Browser]:
    """The Chromium that kiosks have; without windows it draws letters otherwise."""
    launched = browser.browser_type.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
    with launched as windowed:
        yield windowed


@pytest.fixture
def kiosks(windowed: Browser, serve: Servers, tmp_path: Path) -> Iterator[Kiosks]:
    kiosks = Kiosks(windowed, serve, tmp_path)
    yield kiosks
    kiosks.close()


@pytest.mark.browser
@pytest.mark.parametrize("size", dict.fromkeys(one.size for one in PICTURES), ids=str)
def test_every_screen_of_a_size_looks_as_in_its_picture(
    kiosks: Kiosks, size: tuple[int, int]
) -> None:
    pictures = [picture for picture in PICTURES if picture.size == size]
    shares = {one.path.stem: unlike(kiosks.take(one), saved(one)) for one in pictures}
    unlike_theirs = {name: f"{share:.1%} of it" for name, share in shares.items() if share > ALIKE}
    assert unlike_theirs == {}, "see tests/browser/pictures.py"


@pytest.mark.browser
def test_a_screen_that_lost_something_differs(kiosks: Kiosks) -> None:
    picture = Picture("faces", (1280, 800))
    shares = {style: unlike(kiosks.take(picture, style), saved(picture)) for style in SPOILT}
    assert {style for style, share in shares.items() if share <= ALIKE} == set()
