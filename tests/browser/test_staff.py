"""The staff corner on a touch screen: the hidden gesture, the PIN by touch, what it shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kiosk.app import create_app
from kiosk.settings import Settings
from kiosk.staff_access import hash_pin
from tests.browser.axe import violations
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE

pytestmark = pytest.mark.browser
PIN = "482915"


@pytest.fixture
def page(browser: Browser, serve: Servers) -> Iterator[Page]:
    # With ``serve``, so that its servers outlive the page, which asks whether they are there.
    context = browser.new_context(
        viewport={"width": 800, "height": 1280}, has_touch=True, locale="vi-VN"
    )
    yield context.new_page()
    context.close()


def start(page: Page, serve: Servers, var: Path) -> None:
    settings = Settings(
        centre=CENTRE,
        var=var,
        counter="q05",
        staff_pin=hash_pin(PIN),
    )
    page.goto(serve(create_app(settings)))
    expect(page.locator("#screen")).not_to_have_css("pointer-events", "none")


def enter(page: Page) -> None:
    for _ in range(5):
        page.touchscreen.tap(40, 40)
    page.get_by_label("Mã PIN").tap()
    for digit in PIN:
        page.locator(f'.keys button[data-skbtn="{digit}"]').tap()
    page.locator('.keys button[data-skbtn="{hide}"]').tap()
    page.get_by_role("button", name="Vào", exact=True).tap()
    expect(page.get_by_role("button", name="Kiểm tra kết nối")).to_be_visible()


def test_five_touches_and_a_pin_open_it(page: Page, serve: Servers, tmp_path: Path) -> None:
    start(page, serve, tmp_path)
    for _ in range(4):
        page.touchscreen.tap(40, 40)
    page.touchscreen.tap(400, 40)  # elsewhere: counted from nothing again
    page.touchscreen.tap(40, 40)
    expect(page.locator(".faces-screen")).to_be_visible()
    enter(page)
    assert violations(page) == []
    page.get_by_role("button", name="70%").tap()
    expect(page.locator("html")).to_have_css("filter", "brightness(0.7)")
    page.get_by_role("link", name="Chạm thử").tap()
    expect(page.get_by_text("KHÔNG GHI NHẬN")).to_be_visible()
    expect(page.locator("#screen")).not_to_have_css("pointer-events", "none")
    page.locator(".rating").first.tap()
    expect(page.locator(".follow-up")).to_be_visible()
    expect(page.get_by_text("KHÔNG GHI NHẬN")).to_be_visible()
    expect(page.locator("#screen")).not_to_have_css("pointer-events", "none")
    page.get_by_text("Công chức phục vụ", exact=True).tap()
    page.get_by_role("button", name="Gửi góp ý").last.tap()
    expect(page.get_by_text("Chạm thử xong")).to_be_visible()
    page.get_by_role("button", name="Thoát").tap()
    expect(page.locator(".rating").first).to_be_visible()
    expect(page.locator("html")).to_have_css("filter", "brightness(0.7)")
    page.goto(page.url.rstrip("/") + "/staff")
    expect(page.get_by_label("Mã PIN")).to_be_visible()


def test_five_slow_touches_open_nothing(page: Page, serve: Servers, tmp_path: Path) -> None:
    page.clock.install()
    start(page, serve, tmp_path)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(
        """() => {
            for (let at = 0; at < 5; at += 1) {
                const touch = new PointerEvent("pointerdown", { clientX: 9, clientY: 9 });
                Object.defineProperty(touch, "timeStamp", { value: at * 2000 });
                document.body.dispatchEvent(touch);
            }
        }"""
    )
    page.clock.run_for(1000)
    assert [one for one in asked if one.endswith("/staff")] == []
