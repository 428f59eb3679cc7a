"""No touch leads away from the touch screen: no zoom, menu, drag, selection, swipe or link."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import settled
from tests.browser.fingers import Fingers
from tests.browser.test_touch import UPRIGHT, kiosk, tap
from tests.conftest import Servers

ROOT = Path(__file__).parents[2]
# Whether the page takes an event's usual end away.
STOPPED = """([name, kind]) => !document.querySelector(name).dispatchEvent(
  new Event(kind, {bubbles: true, cancelable: true}))"""


@pytest.fixture
def page(browser: Browser, serve: Servers) -> Iterator[Page]:
    # With ``serve``, so that its servers outlive the page, which asks whether they are there.
    context = browser.new_context(viewport=UPRIGHT, has_touch=True)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


@pytest.mark.browser
def test_no_gesture_zooms_selects_or_leaves(page: Page, serve: Servers, tmp_path: Path) -> None:
    address = serve(kiosk(tmp_path, counter="q05"))
    page.goto(f"{address}/farewell")
    page.goto(address)
    settled(page)
    fingers = Fingers(page)
    fingers.down(0, 500, 300)  # a pinch, apart from any face
    fingers.down(1, 560, 300)
    for step in range(1, 12):
        fingers.move(0, 500 - 30 * step, 300)
        fingers.move(1, 560 + 30 * step, 300)
    fingers.up(0)
    fingers.up(1)
    assert page.evaluate("visualViewport.scale") == 1
    fingers.down(0, 2, 250)  # a swipe from the edge, as for Back
    for step in range(1, 12):
        fingers.move(0, 2 + 80 * step, 250)
    fingers.up(0)
    for _ in range(2):
        fingers.tap(400, 150)  # a double tap on the question
    assert page.evaluate("visualViewport.scale") == 1
    assert page.evaluate("getSelection().toString()") == ""
    assert page.url == f"{address}/"
    expect(page.locator(".faces-screen")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).userSelect") == "none"


@pytest.mark.browser
def test_no_screen_has_a_menu_a_drag_or_a_link_to_elsewhere(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    address = serve(kiosk(tmp_path, public_url="https://gopy.laichau.gov.vn"))
    for path in ("/", "/rate/so_y_te", "/farewell", "/rest", "/nowhere"):
        page.goto(address + path)
        _closed(page, address)
    page.goto(f"{address}/rate/so_y_te")
    tap(page, "Hài lòng")
    expect(page.locator(".thanks-screen")).to_be_visible()
    _closed(page, address)
    tap(page, "Trả lời phiếu đầy đủ")
    expect(page.locator(".step-screen")).to_be_visible()
    _closed(page, address)


def _closed(page: Page, address: str) -> None:
    for name in ("#screen", "main"):
        for kind in ("contextmenu", "dragstart", "dragover", "drop"):
            assert page.evaluate(STOPPED, [name, kind]), f"{page.url}: {kind} on {name}"
    leads = page.evaluate("""() => [...document.querySelectorAll("a, area, form, button")]
      .flatMap((one) => [one.href, one.action, one.formAction].filter(Boolean))""")
    assert [one for one in leads if not one.startswith(f"{address}/")] == []
    assert page.locator("[target], input[type=file], iframe, a[download]").count() == 0


def test_the_browser_opens_nothing_but_the_kiosk() -> None:
    policy = json.loads((ROOT / "deploy" / "chromium-policy.json").read_text("utf-8"))
    assert policy["URLBlocklist"] == ["*"]
    assert all(re.match(r"http://127\.0\.0\.1:8001", one) for one in policy["URLAllowlist"])
    shut = ("PrintingEnabled", "AllowFileSelectionDialogs", "DefaultSearchProviderEnabled")
    assert [policy[name] for name in shut] == [False, False, False]
    assert policy["DownloadRestrictions"] == 3
    assert policy["DeveloperToolsAvailability"] == 2
    script = (ROOT / "deploy" / "kiosk-browser.sh").read_text("utf-8")
    for flag in ("kiosk", "disable-pinch", "overscroll-history-navigation=0", "noerrdialogs"):
        assert f"--{flag} " in script
