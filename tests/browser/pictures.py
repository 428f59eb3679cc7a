"""Small pictures of the main screens, and by how much a screen differs from its picture.

``python -m tests.browser.pictures`` takes them anew, after a change that was meant.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import png
from playwright.sync_api import Browser, Page, expect, sync_playwright

from kiosk.app import create_app
from kiosk.qr_codes import Audience
from kiosk.settings import Settings
from kiosk.staff_access import hash_pin
from tests.conftest import CHROMIUM_FLAGS, Servers, chromium_path
from tests.kiosk.conftest import CENTRE, Clock, poster_code

PIN = hash_pin("482915")
FOLDER = Path(__file__).parent / "pictures"
BLOCK = 3  # pixels a side that become one: letters drawn a little otherwise change nothing
SCALE = 0.5  # of the real screen: less to decode
UNLIKE = 24  # of 255; from here on a block counts as another colour

SIZES = [(1080, 1920), (1920, 1080), (1280, 800), (800, 1280), (768, 1024)]
SCREENS = ["tiles", "faces", "thanks", "step", "farewell"]
ADD_STYLE = """(style) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  document.adoptedStyleSheets = [sheet];
}"""
PHONE = (360, 740)
AUDIENCES: dict[str, Audience] = {"phone-citizen": "citizen", "phone-business": "business"}


@dataclass(frozen=True)
class Picture:
    """One screen at one size."""

    screen: str
    size: tuple[int, int]

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.screen}-{self.size[0]}x{self.size[1]}.png"


PICTURES = [Picture(screen, size) for screen in SCREENS for size in SIZES]
PICTURES += [Picture(screen, PHONE) for screen in AUDIENCES]
# One size for what looks alike at each: the rest, the staff corner, the keyboard and the helps.
LYING = (1280, 800)
MODES = {
    "large": {"text": "large"},
    "low": {"position": "low"},
    "pictures": {"pictures": "only"},
    "contrast": {"contrast": "high"},
}
PICTURES += [Picture(screen, LYING) for screen in ("rest", "staff", "keyboard")]
PICTURES += [Picture(f"thanks-{mode}", LYING) for mode in MODES]
SET_MODES = "modes => { Object.assign(document.documentElement.dataset, modes) }"


def pixels_of(image: bytes) -> np.ndarray:
    """The colours of a PNG: shape (height, width, 3)."""
    width, height, rows, _ = png.Reader(bytes=image).asRGB8()
    return np.array([list(row) for row in rows], dtype=np.uint8).reshape(height, width, 3)


def blocks_of(pixels: np.ndarray) -> np.ndarray:
    """The mean colours of blocks of pixels: shape (rows, columns, 3), whole numbers to 255."""
    rows, columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
    cut = pixels[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, 3)
    return np.asarray(cut.mean(axis=(1, 3)).round(), dtype=np.uint8)


def unlike(one: np.ndarray, other: np.ndarray) -> float:
    """The share of blocks that differ, 1 where the sizes do."""
    if one.shape != other.shape:
        return 1.0
    apart = np.abs(one.astype(int) - other.astype(int)).max(axis=2)
    return float((apart >= UNLIKE).mean())


def saved(picture: Picture) -> np.ndarray:
    """The blocks of a picture that was taken before. Raises OSError where there is none."""
    return pixels_of(picture.path.read_bytes())


def save(picture: Picture, blocks: np.ndarray) -> None:
    rows, columns, _ = blocks.shape
    picture.path.parent.mkdir(exist_ok=True)
    with picture.path.open("wb") as file:
        png.Writer(columns, rows, greyscale=False).write(file, blocks.reshape(rows, -1).tolist())


class Kiosks:
    """A kiosk in the lobby and one at a counter, at a fixed time, and pictures of their screens."""

    def __init__(self, browser: Browser, serve: Servers, var: Path) -> None:
        self._browser = browser
        self._var = var
        apps = [
            create_app(
                Settings(centre=CENTRE, var=var / name, counter=name, staff_pin=PIN), clock=Clock()
            )
            for name in ("", "q05")
        ]
        self._lobby, self._desk = map(serve, apps)
        self._pages: dict[tuple[int, int], Page] = {}

    def take(self, picture: Picture, style: str = "") -> np.ndarray:
        """The blocks of a screen as it stands when nothing moves; ``style`` is CSS on top."""
        page = self._page(picture.size)
        self._go(page, picture.screen)
        page.evaluate("document.fonts.ready.then(() => true)")
        page.evaluate(ADD_STYLE, style)
        return blocks_of(pixels_of(page.screenshot(animations="disabled")))

    def close(self) -> None:
        """Close the pages, which is done before their servers stop."""
        for page in self._pages.values():
            page.context.close()

    def _page(self, size: tuple[int, int]) -> Page:
        if size not in self._pages:
            context = self._browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                device_scale_factor=SCALE,
                locale="vi-VN",
                has_touch=True,
                reduced_motion="reduce",
            )
            self._pages[size] = context.new_page()
        return self._pages[size]

    def _go(self, page: Page, screen: str) -> None:
        if screen in AUDIENCES:
            code = poster_code(self._var / "", "so_tu_phap", "q05", AUDIENCES[screen])
            page.goto(f"{self._lobby}/f/{code}")
            return
        if screen in ("tiles", "farewell"):
            page.goto(self._lobby + ("/" if screen == "tiles" else "/farewell"))
            return
        if screen in ("rest", "staff"):
            page.goto(f"{self._desk}/{screen}")
            return
        page.goto(self._desk)
        screen, _, mode = screen.partition("-")
        if screen in ("thanks", "step", "keyboard"):
            _press(page, ".rating >> nth=1", ".thanks-screen")
        if screen == "step":
            _press(page, "[name=then][value=survey]", ".step-screen")
        if screen == "keyboard":
            page.locator("textarea").tap()
            expect(page.locator(".keys button").first).to_be_visible()
            page.locator("textarea").evaluate("one => { one.style.caretColor = 'transparent' }")
        page.evaluate(SET_MODES, MODES.get(mode, {}))


def _press(page: Page, target: str, screen: str) -> None:
    for shown in ("#screen", screen):
        expect(page.locator(shown)).not_to_have_css("pointer-events", "none")
        if shown == "#screen":
            page.locator(target).tap()


def main() -> None:
    serve = Servers()
    with tempfile.TemporaryDirectory() as var, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        kiosks = Kiosks(browser, serve, Path(var))
        for picture in PICTURES:
            save(picture, kiosks.take(picture))
        kiosks.close()
        browser.close()
        serve.stop_all()


if __name__ == "__main__":
    main()
