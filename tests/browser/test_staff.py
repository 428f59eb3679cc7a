"""The staff corner on a touch screen: the hidden gesture, the PIN by touch, what it shows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from kiosk.app import create_app
from kiosk.settings import Settings
from kiosk.staff_access import hash_pin
from tests.browser.axe import violations
from tests.browser.conftest import lapse, settled
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE
from tests.programs import free_port

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


def start(page: Page, serve: Servers, var: Path, **more: Any) -> None:
    settings = Settings(
        centre=CENTRE,
        var=var,
        counter="q05",
        staff_pin=hash_pin(PIN),
        **more,
    )
    page.goto(serve(create_app(settings)))
    settled(page)


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
    page.get_by_role("button", name="Thoát").tap()
    expect(page.locator(".rating").first).to_be_visible()
    expect(page.locator("html")).to_have_css("filter", "brightness(0.7)")
    page.goto(page.url.rstrip("/") + "/staff")
    expect(page.get_by_label("Mã PIN")).to_be_visible()


def test_a_test_visit_is_walked_by_touch_as_a_citizen_would(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    start(page, serve, tmp_path)
    page.goto(f"{page.url}staff")
    page.get_by_label("Mã PIN").fill(PIN)
    page.get_by_label("Mã PIN").press("Enter")
    page.get_by_role("link", name="Chạm thử").tap()
    expect(page.get_by_text("KHÔNG GHI NHẬN")).to_be_visible()
    settled(page)
    page.locator(".rating").first.tap()
    expect(page.locator(".follow-up")).to_be_visible()
    expect(page.get_by_text("KHÔNG GHI NHẬN")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="22 câu").tap()
    expect(page.locator('#step[data-step="1"]')).to_be_visible()
    expect(page.get_by_text("KHÔNG GHI NHẬN")).to_be_visible()
    settled(page)
    page.locator(".answer:visible").first.tap()
    page.get_by_role("button", name="Tiếp").tap()
    expect(page.locator('#step[data-step="2"]')).to_be_visible()
    settled(page)
    page.locator(".actions [value=leave]").tap()
    expect(page.get_by_text("Chạm thử xong")).to_be_visible()


def test_a_code_to_enrol_by_is_typed_by_touch_and_a_refusal_is_read(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    start(page, serve, tmp_path, aggregator_url=nowhere)
    enter(page)
    page.get_by_role("link", name="Ghi danh thiết bị").tap()
    heading = page.get_by_role("heading", name="Ghi danh thiết bị")
    expect(heading).to_be_focused()
    expect(page.get_by_label("Địa chỉ của bảng tổng hợp")).to_have_value(nowhere)
    assert violations(page) == []
    settled(page)
    code = page.get_by_label("Mã ghi danh")
    code.tap()
    for _ in range(8):
        page.locator('.keys button[data-skbtn="7"]').tap()
    expect(code).to_be_in_viewport()  # the keys are not over it
    page.locator('.keys button[data-skbtn="{hide}"]').tap()
    page.get_by_role("button", name="Ghi danh", exact=True).tap()
    refusal = page.get_by_role("alert").filter(has_text=f"Không liên lạc được với {nowhere}")
    expect(refusal).to_be_visible()
    expect(code).to_have_attribute("aria-invalid", "true")
    assert violations(page) == []
    settled(page)
    page.get_by_role("link", name="Về góc nhân viên").tap()
    expect(page.locator(".staff-facts")).to_contain_text("chưa ghi danh")


def test_without_a_pin_five_touches_ask_for_nothing(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.goto(serve(create_app(Settings(centre=CENTRE, var=tmp_path, counter="q05"))))
    settled(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(5):
        page.touchscreen.tap(40, 40)
    page.locator(".rating").first.tap()
    expect(page.locator(".follow-up")).to_be_visible()
    assert [one for one in asked if one.endswith("/staff")] == []


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
    lapse(page, 1000)
    assert [one for one in asked if one.endswith("/staff")] == []
