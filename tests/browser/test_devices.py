"""A device's life: added on the manager's page, enrolled by touch, at work, revoked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zxingcpp
from playwright.sync_api import Browser, Page, expect

from kiosk.staff_access import hash_pin
from tests.browser.axe import violations
from tests.browser.conftest import SIZES, Hall, open_hall, settled
from tests.browser.pictures import pixels_of
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE
from tests.programs import Program, free_port

pytestmark = pytest.mark.browser
PIN = "482915"


@pytest.fixture
def hall(browser: Browser, serve: Servers, tmp_path: Path, sqlite_template: Path) -> Iterator[Hall]:
    """With the present time, which the kiosk's process has, too."""
    yield from open_hall(browser, serve, tmp_path, sqlite_template, lambda: datetime.now(UTC))


@pytest.fixture
def blank(tmp_path: Path) -> Iterator["Blank"]:
    kiosk = Blank(tmp_path / "kiosk")
    yield kiosk
    kiosk.program.end()


class Blank:
    """A kiosk as it is delivered: it knows no address, no place and no token."""

    def __init__(self, var: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._settings = {
            "centre": CENTRE,
            "var": var,
            "port": port,
            "staff_pin": hash_pin(PIN),
            "aggregator_url": "http://127.0.0.1:1",
        }
        self.start()

    def start(self) -> None:
        self.program = Program("-m", "kiosk", "serve", **self._settings)
        self.program.until("^http://127")


def press(page: Page, text: str) -> None:
    """Type on the screen's own keyboard."""
    for letter in text.lower():
        page.locator(f'.keys button[data-skbtn="{letter}"]').tap()


def into_the_corner(page: Page) -> None:
    settled(page)
    for _ in range(5):
        page.touchscreen.tap(40, 40)
    page.get_by_label("Mã PIN").fill(PIN)
    page.get_by_role("button", name="Vào", exact=True).tap()


def test_from_a_code_on_the_page_to_a_revoked_token(hall: Hall, blank: Blank) -> None:
    manager = hall.page()
    manager.get_by_role("link", name="Quản trị").click()
    manager.get_by_role("link", name="Thiết bị", exact=True).click()
    manager.get_by_label("Tên thiết bị").fill("quầy 5")
    manager.get_by_label("Nơi đặt").select_option("counter:q05")
    manager.get_by_role("button", name="Tạo mã ghi danh", exact=True).click()
    code = manager.get_by_label("Mã ghi danh của thiết bị quầy 5").input_value()
    assert violations(manager) == []
    picture = manager.locator("svg.qr").screenshot()
    [qr] = zxingcpp.read_barcodes(pixels_of(picture))
    assert qr.text == f"{hall.url}/devices#{code}"
    manager.set_viewport_size({"width": SIZES[1][0], "height": SIZES[1][1]})
    assert manager.evaluate("document.documentElement.scrollWidth") <= SIZES[1][0]

    context = hall.browser.new_context(
        viewport={"width": 800, "height": 1280}, has_touch=True, locale="vi-VN"
    )
    hall.opened.append(context)
    kiosk = context.new_page()
    kiosk.goto(blank.url)
    into_the_corner(kiosk)
    kiosk.get_by_role("link", name="Ghi danh thiết bị").tap()
    kiosk.get_by_label("Mã ghi danh").fill(code)
    kiosk.get_by_role("button", name="Ghi danh", exact=True).tap()
    expect(kiosk.get_by_role("alert")).to_contain_text("Không liên lạc được")
    assert violations(kiosk) == []
    kiosk.get_by_label("Địa chỉ").fill(hall.url.removesuffix(hall.url[-2:]))
    kiosk.get_by_label("Địa chỉ").tap()
    press(kiosk, hall.url[-2:])
    expect(kiosk.get_by_label("Địa chỉ")).to_have_value(hall.url)
    kiosk.get_by_label("Mã ghi danh").tap()
    press(kiosk, code)
    kiosk.locator('.keys button[data-skbtn="{hide}"]').tap()
    kiosk.get_by_role("button", name="Ghi danh", exact=True).tap()
    expect(kiosk.get_by_role("status").first).to_contain_text("Đã ghi danh thiết bị quầy 5")
    kiosk.goto("about:blank")
    blank.program.interrupt()
    blank.start()
    kiosk.goto(blank.url)
    expect(kiosk.locator("#screen")).not_to_have_css("pointer-events", "none")
    expect(kiosk.locator(".top-place")).to_contain_text("Sở Tư pháp")
    rate(kiosk)
    wait_until(manager, hall.url, "đang liên lạc")
    [stored] = hall.context.store.submissions(None, None)
    assert stored.device == hall.context.store.devices.rows()[0].number

    manager.locator("summary", has_text="Thay đổi").click()
    manager.get_by_role("button", name="Thu hồi mã").click()
    expect(manager.get_by_role("row", name="quầy 5")).to_contain_text("đã thu hồi")
    rate(kiosk)
    into_the_corner(kiosk)
    expect(kiosk.get_by_role("button", name="Kiểm tra kết nối")).to_be_visible()
    refused = kiosk.get_by_text("máy tổng hợp không nhận mã thiết bị")
    for _ in range(100):
        if refused.is_visible():
            break
        kiosk.goto(f"{blank.url}/staff")
    expect(refused).to_be_visible()
    expect(kiosk.locator(".staff-facts")).to_contain_text("quầy 5")


def rate(page: Page) -> None:
    page.locator(".rating").first.tap()
    page.get_by_role("button", name="Người tiếp theo").tap()
    expect(page.locator("#screen[data-start]")).to_be_visible()
    settled(page)


def wait_until(page: Page, url: str, state: str) -> None:
    row = page.get_by_role("row", name="quầy 5")
    for _ in range(100):
        page.goto(f"{url}/devices")
        if state in row.inner_text():
            return
    expect(row).to_contain_text(state)
