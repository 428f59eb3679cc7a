"""The five faces: whole, equal and near at every size of screen, in whatever state it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from kiosk.app import create_app
from kiosk.settings import Settings
from tests.browser.conftest import lapse, settled
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE

IDLE_SECONDS = 120  # of which the last twenty show a countdown
SIZES = [
    (600, 960),
    (600, 1024),
    (768, 1024),
    (800, 1280),
    (1080, 1920),
    (1200, 1920),
    (960, 600),
    (1024, 600),
    (1024, 768),
    (1280, 720),
    (1280, 800),
    (1920, 1080),
]
# The longest names that the sample centre has are the hardest to place.
PLACES = {
    "lobby": ("", "/rate/so_van_hoa_the_thao_du_lich"),
    "counter": ("q07", "/"),
}
STATES = ["at rest", "countdown", "notice", "chosen before", "demo"]
CASES = [
    (where, language, state) for where in PLACES for language in ("vi", "en") for state in STATES
]
# Nothing counts down on the start in Vietnamese. A server that is away is said in the head alone.
CASES.remove(("counter", "vi", "countdown"))
CASES += [("counter", "vi", "away"), ("lobby", "en", "away")]
# Attributes of <html> that change how much room the faces have.
MODES = {"normal": {}, "large": {"text": "large"}, "pictures": {"pictures": "only"}}

# What is wrong with the faces that are shown: nothing, or a sentence for each fault.
FAULTS = """() => {
  const faults = [];
  const inside = (part, whole) => part.left >= whole.left - 1 && part.top >= whole.top - 1
    && part.right <= whole.right + 1 && part.bottom <= whole.bottom + 1;
  const screen = new DOMRect(0, 0, innerWidth, innerHeight);
  const ratings = [...document.querySelectorAll(".rating")];
  const rects = ratings.map((one) => one.getBoundingClientRect());
  const faces = ratings.map((one) => one.querySelector(".face").getBoundingClientRect());
  if (ratings.length !== 5) faults.push(`${ratings.length} faces`);
  if (document.documentElement.scrollHeight > innerHeight) faults.push("it scrolls");
  if (document.documentElement.scrollWidth > innerWidth) faults.push("it scrolls sideways");
  for (const kind of [rects, faces]) {
    const areas = kind.map((one) => one.width * one.height);
    if (Math.max(...areas) > 1.02 * Math.min(...areas)) faults.push(`unequal: ${areas}`);
  }
  const upright = rects[1].top > rects[0].top;
  const along = rects.map((one) => upright ? one.top : one.left);
  const steps = along.slice(1).map((start, i) => start - along[i]);
  if (Math.max(...steps) - Math.min(...steps) > 1) faults.push(`unevenly apart: ${steps}`);
  if (Math.min(...faces.map((one) => Math.min(one.width, one.height))) < 48) faults.push("small");
  ratings.forEach((rating, i) => {
    const rect = rects[i];
    const words = document.createRange();
    words.selectNodeContents(rating.querySelector("span"));
    if (!inside(rect, screen)) faults.push(`${i} is cut by the screen's edge`);
    if (!inside(faces[i], rect)) faults.push(`${i}: its face sticks out`);
    const hidden = getComputedStyle(rating.querySelector("span")).clipPath !== "none";
    const lines = hidden ? [] : [...words.getClientRects()];
    if (!lines.every((line) => inside(line, rect))) faults.push(`${i}: its words stick out`);
    if (rating.scrollWidth > rating.clientWidth + 1) faults.push(`${i}: cut`);
    for (const x of [0.05, 0.5, 0.95]) for (const y of [0.1, 0.5, 0.9]) {
      const hit = document.elementFromPoint(rect.left + x * rect.width, rect.top + y * rect.height);
      if (!rating.contains(hit)) faults.push(`${i} is under ${hit?.outerHTML.slice(0, 60)}`);
    }
  });
  return faults;
}"""

SET_MODE = "data => { Object.assign(document.documentElement.dataset, data) }"

# After a change of size every target rests for a moment (steady.js): end that moment at once.
RESTED = """async ([width, height]) => {
  const frame = () => new Promise(requestAnimationFrame);
  while (innerWidth !== width || innerHeight !== height) await frame();
  await frame();
  await frame();
  for (const one of document.getAnimations()) {
    if (one.effect.getKeyframes().some((frame) => frame.pointerEvents)) one.finish();
  }
}"""


@pytest.fixture
def page(browser: Browser, serve: Servers) -> Iterator[Page]:
    # With ``serve``, so that its servers outlive the page, which asks whether they are there.
    context = browser.new_context(has_touch=True, locale="vi-VN")
    yield context.new_page()
    context.close()


def enter(page: Page, state: str) -> None:
    """Bring the faces on the page into a state of STATES."""
    if state == "countdown":
        lapse(page, IDLE_SECONDS * 1000 - 19_000)
        expect(page.locator(".countdown")).to_be_visible()
    elif state == "chosen before":
        page.locator(".rating").first.tap()
        expect(page.locator(".thanks-screen")).to_be_visible()
        lapse(page, 2_000)
        settled(page)
        page.locator("[value=again]").tap()
        expect(page.locator(".faces-screen")).to_be_visible()
        lapse(page, 2_000)
        page.keyboard.press("Shift")  # a touch: else the screen goes back after eight seconds
        settled(page)
    elif state == "away":
        page.context.set_offline(True)
        lapse(page, 10_000)
        expect(page.locator(".connection")).to_be_visible()
    elif state == "notice":
        page.evaluate("document.querySelector('main [name=fingerprint]').value = '0'.repeat(16)")
        page.locator(".rating").first.tap()
        expect(page.locator(".notice")).to_be_visible()
        lapse(page, 2_000)
        settled(page)


@pytest.mark.browser
@pytest.mark.parametrize(("where", "language", "state"), CASES)
def test_every_face_is_whole_as_large_and_as_near_as_the_others(
    page: Page, serve: Servers, tmp_path: Path, where: str, language: str, state: str
) -> None:
    counter, path = PLACES[where]
    settings: dict[str, Any] = {"counter": counter, "demo": state == "demo"}
    app = create_app(Settings(centre=CENTRE, var=tmp_path, idle_seconds=IDLE_SECONDS, **settings))
    page.clock.install()
    page.goto(f"{serve(app)}{path}?lang={language}")
    settled(page)
    enter(page, state)
    found = {}
    for mode, data in MODES.items():
        if language != "vi" and mode != "large":
            continue  # the longest words are the hardest, and pictures the same in each language
        page.evaluate(SET_MODE, {"text": "normal", "pictures": "no", **data})
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate("document.fonts.ready.then(() => true)")
            page.evaluate(RESTED, [width, height])
            faults = page.evaluate(FAULTS)
            if faults:  # frames are of the clock here: a busy browser may rest its targets later
                page.evaluate(RESTED, [width, height])
                faults = page.evaluate(FAULTS)
            if faults:
                found[f"{width}x{height} {mode}"] = faults
    assert found == {}
