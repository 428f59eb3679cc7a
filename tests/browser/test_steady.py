"""What was under a finger is that or nothing; each screen begins as if nobody had been there."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from tests.browser.conftest import settled
from tests.browser.test_touch import LYING, kiosk, page, tap
from tests.conftest import Servers

__all__ = ["page"]

TOKENS = Path(__file__).parents[2] / "static" / "css" / "base.css"

# What colleagues' and browsers' changes amount to, each done in one task of the page.
CHANGES = {
    "a notice above": """() => {
      const notice = document.createElement("p");
      notice.className = "notice";
      notice.textContent = "x ".repeat(300);
      document.querySelector("main").prepend(notice);
    }""",
    "the notice goes": "() => document.querySelector('main .notice')?.remove()",
    "the faces turn round": """() => {
      const form = document.querySelector("form.faces");
      form.append(...[...form.querySelectorAll("button")].reverse());
    }""",
    "the countdown": """() => {
      const countdown = document.querySelector(".countdown");
      countdown.hidden = !countdown.hidden;
    }""",
    "the veil": "() => { const e = document.querySelector('#offline'); e.hidden = !e.hidden; }",
    "large text": "() => { document.documentElement.style.fontSize = '26px'; }",
    "usual text": "() => { document.documentElement.style.fontSize = ''; }",
    "a button over all": """() => {
      const button = document.createElement("button");
      button.style.cssText = "position: fixed; inset: 20% 0; z-index: 9";
      document.querySelector("main").append(button);
    }""",
}
# Once nothing rests any more: the faces that can be pressed, and a point in the middle of each.
FACES = """() => new Promise((resolve) => {
  const look = () => {
    const faces = [...document.querySelectorAll("button[name=rating]")];
    const things = [...document.querySelectorAll("button, a[href]")];
    if (things.some((e) => getComputedStyle(e).pointerEvents === "none")) {
      requestAnimationFrame(look);
      return;
    }
    resolve(faces.map((e) => {
      const box = e.getBoundingClientRect();
      return [e.value, box.x + box.width / 2, box.y + box.height / 2];
    }).filter(([value, x, y]) =>
      document.elementFromPoint(x, y)?.closest("button")?.value === value));
  };
  look();
})"""
TURNED = """(points) => {
  window.wrong = new Promise((resolve) => window.addEventListener("resize", () => resolve(
    points.filter(([value, x, y]) => {
      const hit = document.elementFromPoint(x, y)?.closest("a, button");
      return hit && hit.value !== value;
    }))));
}"""
# The first look is in the task after the change, the last one 300 ms later.
UNTIL = """(points) => new Promise((resolve) => {
  const found = [];
  const began = performance.now();
  const look = () => {
    if (performance.now() - began >= 300) { resolve(found); return; }
    for (const [value, x, y] of points) {
      const hit = document.elementFromPoint(x, y)?.closest("a, button, label, textarea");
      if (hit && hit.value !== value) found.push([value, hit.value || hit.textContent]);
    }
    requestAnimationFrame(look);
  };
  change();
  Promise.resolve().then(look);
})"""


@pytest.fixture(params=["motion", "reduced motion"])
def faces(request: pytest.FixtureRequest, page: Page, serve: Servers, tmp_path: Path) -> Page:
    if request.param == "reduced motion":
        page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size(LYING)  # type: ignore[arg-type]
    page.goto(serve(kiosk(tmp_path, counter="q05")))
    settled(page)
    return page


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=4))
def test_a_point_that_was_a_face_is_that_face_or_nothing(faces: Page, changes: list[str]) -> None:
    faces.reload()
    settled(faces)
    for change in changes:
        points: list[Any] = faces.evaluate(FACES)
        # The change stands in the text itself: the page's policy allows no other code.
        wrong = faces.evaluate(UNTIL.replace("change()", f"({CHANGES[change]})()"), points)
        assert wrong == [], change


def test_a_page_that_turns_shields_what_has_moved(faces: Page) -> None:
    points = faces.evaluate(FACES)
    assert len(points) == 5
    faces.evaluate(TURNED, points)
    faces.set_viewport_size({"width": 800, "height": 1280})
    assert faces.evaluate("window.wrong") == []


def test_after_a_moment_what_has_moved_can_be_pressed(faces: Page) -> None:
    faces.evaluate(CHANGES["the faces turn round"])
    expect(faces.locator("button[name=rating]").first).not_to_have_css("pointer-events", "none")
    faces.locator("button[name=rating]").first.tap()
    expect(faces.locator(".thanks-screen")).to_be_visible()


def test_each_screen_has_its_title_and_the_focus_on_its_heading(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    titles: list[str] = []

    def arrived(screen: str) -> None:
        expect(page.locator(screen)).to_be_visible()
        expect(page.locator("h1")).to_be_focused()
        # A region that waits for a later change, as a lost connection, is empty or hidden now.
        regions = page.locator("#screen [role=status], #screen [role=alert]")
        expect(regions.filter(visible=True)).to_have_count(0)
        titles.append(page.title())

    address = serve(kiosk(tmp_path))
    page.goto(address)
    arrived(".tiles-screen")
    tap(page, "Sở Tư pháp")
    arrived(".faces-screen")
    assert "Sở Tư pháp" in titles[-1]
    tap(page, "Hài lòng")
    arrived(".thanks-screen")
    tap(page, "Trả lời phiếu đầy đủ")
    arrived(".step-screen")
    page.goto(f"{address}/farewell")
    arrived(".farewell-screen")
    assert all("Trung tâm" in title for title in titles)
    assert len({title.partition(" · ")[0] for title in titles[:4]}) == 4


def test_a_zoom_and_a_scroll_end_with_their_visitor(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.goto(serve(kiosk(tmp_path)))
    tap(page, "Sở Tư pháp")
    expect(page.locator(".faces-screen")).to_be_visible()
    page.evaluate("document.querySelector('main').style.minHeight = '4000px'")
    page.evaluate("window.scrollTo(0, 900)")
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setPageScaleFactor", {"pageScaleFactor": 2})
    assert page.evaluate("visualViewport.scale") == 2
    settled(page)
    with page.expect_navigation():  # the page begins anew
        page.locator("a.button", has_text="Chọn cơ quan khác").dispatch_event("click")
    expect(page.locator(".tiles-screen")).to_be_visible()
    page.evaluate("""() => new Promise((resolve) => {
      const look = () => (visualViewport.scale === 1 && scrollY === 0
        ? resolve() : requestAnimationFrame(look));
      look();
    })""")


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_a_focus_ring_stands_out_on_every_ground() -> None:
    tokens = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", TOKENS.read_text("utf-8")))
    assert len(tokens) > 15
    ring = (tokens["blue-deep"], tokens["paper"])  # touch-press.css: two tones
    for name, ground in tokens.items():
        assert max(_contrast(tone, ground) for tone in ring) >= 3, name
