"""What the phone form looks like: dark, with forced colours, in a centre's own, in large text."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from kiosk.app import create_app
from kiosk.settings import Settings
from tests.browser.axe import violations
from tests.browser.test_in_app import send_now
from tests.browser.test_phone import PHONE, form
from tests.browser.test_phone_network import cut
from tests.conftest import Servers
from tests.kiosk.test_posters import centre_with

pytestmark = pytest.mark.browser

LOOKS = '[looks]\nemblem = "emblem.svg"\ncolour = "#1d5c38"\naccent = "#8a3b12"\n'
EMBLEM = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'

# Words that are not wholly on the screen's width, or not wholly within what cuts them off.
CUT_OFF = """(size) => {
  document.documentElement.style.fontSize = size;
  const faults = [];
  const walker = document.createTreeWalker(document.querySelector("#screen"), 4);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !parent.checkVisibility()) continue;
    if (parent.closest(".visually-hidden")) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const box = range.getBoundingClientRect();
    if (box.left < 0 || box.right > innerWidth + 0.5) faults.push(walker.currentNode.data);
    for (let around = parent; around.id !== "screen"; around = around.parentElement) {
      const its = around.getBoundingClientRect();
      const clips = getComputedStyle(around).overflow !== "visible";
      if (clips && (box.bottom > its.bottom + 1 || box.right > its.right + 1)) {
        faults.push(walker.currentNode.data);
      }
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push("scrolls sideways");
  document.documentElement.style.fontSize = "";
  return faults;
}"""


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"color_scheme": "dark"}, ""),
        ({"color_scheme": "dark"}, LOOKS),
        ({"color_scheme": "light"}, LOOKS),
        ({"forced_colors": "active", "color_scheme": "dark"}, LOOKS),
    ],
    ids=["dark", "dark, own looks", "own looks", "forced colours"],
)
def test_every_screen_is_legible_and_whole_also_at_twice_the_text(
    browser: Browser, serve: Servers, tmp_path: Path, options: Any, part: str
) -> None:
    (tmp_path / "emblem.svg").write_text(EMBLEM, "utf-8")
    address = serve(create_app(Settings(centre=centre_with(tmp_path, part), var=tmp_path)))
    context = browser.new_context(viewport=PHONE, has_touch=True, locale="vi-VN", **options)
    page = context.new_page()
    page.goto(form(address))
    if part:
        expect(page.locator(".emblem")).to_be_visible()
        dark = options["color_scheme"] == "dark"
        head = page.locator(".top")
        if "forced_colors" not in options:
            expect(head).to_have_css(
                "background-color", f"rgb{(19, 59, 36) if dark else (29, 92, 56)}"
            )
    look(page, "form")
    page.get_by_role("button", name="Gửi đánh giá").tap()
    expect(page.locator(".problem.summary")).to_be_visible()
    look(page, "problems")
    page.get_by_text("Rất hài lòng").tap()
    page.route("**/f/*", cut)
    page.get_by_role("button", name="Gửi đánh giá").tap()
    expect(page.locator("#waiting")).to_contain_text("Chưa gửi được", use_inner_text=True)
    look(page, "waiting")
    page.unroute("**/f/*")
    send_now(page)
    expect(page.locator(".received-screen")).to_be_visible()
    look(page, "received")
    page.get_by_role("button", name="Bắt đầu").tap()
    expect(page.locator(".step-screen")).to_be_visible()
    look(page, "step")
    page.goto(form(address, "business"))
    page.locator("summary").tap()
    page.get_by_role("button", name="English").tap()
    expect(page.get_by_role("heading", name="Business opinion")).to_be_visible()
    look(page, "business")
    context.close()


def look(page: Page, name: str) -> None:
    assert violations(page) == [], name
    for size in ("100%", "200%"):
        assert page.evaluate(CUT_OFF, size) == [], (name, size)
