"""Every screen at a counter's sizes: legible, apart, whole, and nothing lies over anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kiosk.staff_access import hash_pin
from tests.browser.test_faces import RESTED
from tests.browser.test_modes import HIGH_UP
from tests.browser.test_touch import kiosk
from tests.conftest import Servers

LYING, UPRIGHT = (1280, 800), (800, 1280)
SIZES = [(600, 960), (768, 1024), UPRIGHT, (1024, 600), LYING, (1080, 1920), (1920, 1080)]
# Helps that change how much room there is, alone and together.
MODES = {
    "plain": {},
    "large": {"text": "large"},
    "low": {"position": "low"},
    "large and low": {"text": "large", "position": "low"},
    "left": {"hand": "left"},
    "pictures": {"pictures": "only"},
    "contrast": {"contrast": "high"},
}
SURVEY = "[name=then][value=survey]"
# The counter, if any, and the buttons that lead to each screen.
SCREENS: dict[str, tuple[str, list[str]]] = {
    "tiles": ("", []),
    "faces": ("", [".tile"]),
    "thanks": ("q05", [".rating"]),
    "step": ("q05", [".rating", SURVEY]),
}
SET_MODES = """modes => {
  const { dataset } = document.documentElement;
  for (const one of ["text", "position", "hand", "pictures", "contrast"]) delete dataset[one];
  Object.assign(dataset, modes);
}"""

# What is wrong with the screen that is shown: nothing, or a sentence for each fault. 18 pixels of a
# panel of 10.1 inches and 1280 × 800 are 16 arc minutes at 60 cm.
FAULTS = """() => {
  const faults = [];
  const doc = document.documentElement;
  const hidden = doc.scrollHeight - doc.clientHeight;
  if (hidden > 0) faults.push(`scrolls by ${hidden}`);
  if (doc.scrollWidth > doc.clientWidth) faults.push("scrolls sideways");
  const name = (one) => one?.textContent.trim().slice(0, 30) || one?.outerHTML.slice(0, 60);
  const seen = (one) => one.checkVisibility({ visibilityProperty: true })
    && !one.closest(".visually-hidden") && getComputedStyle(one).clipPath === "none";
  const inside = (part, whole) => part.left >= whole.left - 1 && part.top >= whole.top - 1
    && part.right <= whole.right + 1 && part.bottom <= whole.bottom + 1;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const around = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !seen(around)) continue;
    const size = parseFloat(getComputedStyle(around).fontSize);
    if (size < 17.99) faults.push(`${size} px: ${name(around)}`);
    const words = document.createRange();
    words.selectNodeContents(texts.currentNode);
    const target = around.closest("a, button, .answer");
    if (!target) continue;
    const box = target.getBoundingClientRect();
    if (![...words.getClientRects()].every((line) => inside(line, box))) {
      faults.push(`sticks out: ${name(around)}`);
    }
  }
  const screen = new DOMRect(0, 0, innerWidth, innerHeight);
  const fields = "textarea, .question input:not([type=radio], [type=checkbox])";
  const targets = [...document.querySelectorAll(`a[href]:not(.wake), button, .answer, ${fields}`)]
    .filter((one) => seen(one) && !one.closest(".countdown"))
    .map((one) => [one, one.getBoundingClientRect()]);
  for (const [one, box] of targets) {
    if (!inside(box, screen)) faults.push(`out of sight: ${name(one)}`);
    if (box.height < 50 || box.width < 60) faults.push(`small: ${name(one)}`);
    for (const x of [0.06, 0.5, 0.94]) for (const y of [0.15, 0.5, 0.85]) {
      const hit = document.elementFromPoint(box.left + x * box.width, box.top + y * box.height);
      if (!one.contains(hit)) faults.push(`${name(one)} is under ${name(hit)}`);
    }
    for (const [other, below] of targets) {
      if (other === one || below.right <= box.left || below.left >= box.right) continue;
      const gap = below.top - box.bottom;
      if (below.top >= box.top && gap < 11.9) {
        faults.push(`${gap} px between ${name(one)} and ${name(other)}`);
      }
    }
  }
  return faults;
}"""
# Faces of one question are as large as each other, wherever their words break.
UNEQUAL_FACES = """() => [...document.querySelectorAll(".faced:not([hidden])")].filter((one) => {
  const faces = [...one.querySelectorAll(".face")].map((face) => face.getBoundingClientRect());
  const heights = faces.map((face) => face.height);
  return Math.min(...heights) < 28 || Math.max(...heights) > 1.02 * Math.min(...heights);
}).map((one) => one.id)"""
# Shows the screen of a server that is away, which the service worker brings.
AWAY = """async () => {
  const kept = await (await fetch("/screens.json")).json();
  document.getElementById("screen").outerHTML = kept.screens[document.documentElement.lang].away;
}"""
PLAIN = [
    "/",
    "/rate/so_nong_nghiep",
    "/farewell",
    "/farewell?again=1",
    "/farewell?receipt=7K4M-P2QR-9XWT",
    "/nowhere",
    "/staff",
]


@pytest.fixture
def page(browser: Browser, serve: Servers) -> Iterator[Page]:
    # With ``serve``, so that its servers outlive the page, which asks whether they are there.
    context = browser.new_context(has_touch=True, locale="vi-VN", reduced_motion="reduce")
    yield context.new_page()
    context.close()


def resize(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})


def faults(page: Page) -> list[str]:
    page.evaluate("document.fonts.ready.then(() => true)")
    size = page.viewport_size
    assert size is not None
    page.evaluate(RESTED, [size["width"], size["height"]])
    found: list[str] = page.evaluate(FAULTS)
    return found


def press(page: Page, button: str) -> None:
    """Press a button at once, and wait for the screen that follows."""
    before = page.locator("#screen").element_handle()
    assert before is not None
    page.locator(button).first.evaluate("one => one.click()")
    before.evaluate("""one => new Promise((gone) => {
      const look = () => { if (one.isConnected) requestAnimationFrame(look); else gone(); };
      look();
    })""")


@pytest.mark.browser
def test_no_page_of_the_full_survey_scrolls_or_is_covered(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    """In both languages, with large text, and low; and all of it is asked, in its order."""
    address = serve(kiosk(tmp_path, counter="q05"))
    walks: list[tuple[tuple[int, int], str, dict[str, str]]] = [
        *((size, language, {}) for size in (LYING, UPRIGHT) for language in ("vi", "en")),
        (LYING, "vi", {"text": "large"}),
        (UPRIGHT, "en", {"position": "low"}),
    ]
    found: dict[str, list[str]] = {}
    for size, language, mode in walks:
        resize(page, size)
        page.goto(f"{address}/?lang={language}")
        page.evaluate("modes => Object.assign(document.documentElement.dataset, modes)", mode)
        press(page, ".rating")
        press(page, "[name=then][value=survey]")
        asked: list[str] = []
        progress = [0.0]
        while True:
            where = f"{size} {language} {mode} {page.title().partition(' · ')[0]}"
            found[where] = faults(page) + page.evaluate(UNEQUAL_FACES)
            asked += page.locator(".questions > :not([hidden])").evaluate_all(
                "all => all.map(one => one.id)"
            )
            progress.append(page.locator(".step progress").evaluate("one => one.value"))
            if page.locator(".actions [value=finish]:visible").count():
                break
            press(page, ".actions [value=next]:visible")
        assert asked[:22] == [f"q{number}" for number in range(1, 23)]
        assert len(asked) == 22 + 7  # six about the respondent, and the comment
        assert progress == sorted(set(progress))
        assert progress[-1] == 6
    wrong = {where: what for where, what in found.items() if what}
    assert wrong == {}


@pytest.mark.browser
@pytest.mark.parametrize("screen", SCREENS)
def test_no_help_makes_a_screen_scroll_at_any_size(
    page: Page, serve: Servers, tmp_path: Path, screen: str
) -> None:
    """Nothing is cut or covered, and low everything can be touched; what has no room has pages."""
    counter, buttons = SCREENS[screen]
    page.goto(serve(kiosk(tmp_path, counter=counter, thanks_seconds=120)) + "/?lang=vi")
    for button in buttons:
        press(page, button)
    found: dict[str, list[str]] = {}
    for size in SIZES:
        resize(page, size)
        for mode, data in MODES.items():
            page.evaluate(SET_MODES, data)
            wrong = faults(page)
            found[f"{size} {mode}"] = wrong + (page.evaluate(HIGH_UP) if "low" in mode else [])
    assert {where: what for where, what in found.items() if what} == {}


@pytest.mark.browser
def test_tiles_and_questions_without_room_are_on_further_pages(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    """Every department can be reached with large text, and so can the comment."""
    resize(page, (1024, 600))
    page.goto(serve(kiosk(tmp_path)) + "/?lang=vi")
    total = page.locator(".tile[href]").count()
    page.evaluate("document.documentElement.dataset.text = 'large'")
    seen: list[str] = []
    more = page.locator("[data-turn='1']")
    while True:
        assert faults(page) == []
        shown = page.locator(".tile[href]:not(.everywhere)").filter(visible=True)
        seen += shown.all_inner_texts()
        if not more.is_visible():
            break
        more.evaluate("one => one.click()")
        expect(page.locator("h1")).to_be_focused()
    assert len(seen) == len(set(seen)) == total - 1
    page.locator("[data-turn='-1']").evaluate("one => one.click()")
    expect(more).to_be_visible()
    press(page, ".tile[href]")
    press(page, ".rating")
    expect(page.locator("textarea")).to_be_hidden()
    more.evaluate("one => one.click()")
    expect(page.locator("textarea")).to_be_visible()
    expect(page.locator(".answer").first).to_be_hidden()
    assert faults(page) == []


@pytest.mark.browser
def test_no_other_screen_scrolls_or_is_covered(page: Page, serve: Servers, tmp_path: Path) -> None:
    """The lobby's tiles and faces, and all that a counter's kiosk shows besides the survey."""
    pin = hash_pin("482915")
    lobby = serve(kiosk(tmp_path / "lobby", staff_pin=pin))
    desk = serve(kiosk(tmp_path / "desk", counter="q05", rest_seconds=120))
    found: dict[str, list[str]] = {}

    def look(where: str) -> None:
        found[f"{page.viewport_size} {language} {where}"] = faults(page)

    for size in (LYING, UPRIGHT):
        resize(page, size)
        for language in ("vi", "en"):
            for path in PLAIN:
                page.goto(f"{lobby}{path}{'&' if '?' in path else '?'}lang={language}")
                look(path)
            page.goto(f"{lobby}/?lang={language}")
            page.evaluate(AWAY)
            look("away")
            page.goto(f"{desk}/?lang={language}")
            press(page, ".rating")
            look("thanks")
            press(page, "[name=then][value=again]")
            look("choose again")
            page.goto(f"{desk}/rest")
            look("rest")
    wrong = {where: what for where, what in found.items() if what}
    assert wrong == {}
