"""A comment's way in real browsers: phone, receipt code, case, answer read, reopened."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr

from kiosk.app import create_app
from kiosk.settings import Settings
from tests.browser.axe import violations
from tests.browser.conftest import NOW, SIZES, Hall, complaints_of
from tests.browser.test_phone import PHONE, form
from tests.browser.test_touch import tap
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE

CODE = re.compile(r"^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$")

pytestmark = pytest.mark.browser


@pytest.fixture
def kiosk(hall: Hall, serve: Servers, tmp_path: Path) -> str:
    """A kiosk that delivers to the hall's aggregator."""
    token = hall.context.accounts.new_token("device", "phones")
    settings = Settings(
        centre=CENTRE,
        var=tmp_path / "kiosk",
        aggregator_url=hall.url,
        device_token=SecretStr(token),
    )
    return serve(create_app(settings, clock=lambda: NOW))


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, has_touch=True, locale="vi-VN")
    page = context.new_page()
    complaints = complaints_of(page)
    yield page
    context.close()
    offline = ("ERR_INTERNET_DISCONNECTED", "status of 404")
    assert [one for one in complaints if not any(each in one for each in offline)] == []


def narrow(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_from_a_phone_without_a_network_to_an_answer_that_is_not_enough(
    hall: Hall, kiosk: str, phone: Page
) -> None:
    phone.goto(form(kiosk))
    phone.get_by_text("Không hài lòng", exact=True).tap()
    phone.get_by_role("textbox").fill("Phải đi lại bốn lần")
    phone.context.set_offline(True)
    phone.get_by_role("button", name="Gửi đánh giá").tap()
    code = phone.locator("#waiting b").inner_text()  # made on the phone: shown without a network
    assert CODE.match(code)
    phone.context.set_offline(False)
    expect(phone.locator(".receipt-code")).to_have_text(code)
    assert violations(phone) == []
    phone.goto(f"{kiosk}/c")
    phone.get_by_label("Mã biên nhận").fill(code.lower().replace("-", ""))
    phone.get_by_role("button", name="Xem").tap()
    # The kiosk delivers by itself; until it has, the code is not known yet.
    state = phone.get_by_text("Đã nhận, chưa được xử lý.")
    for _ in range(50):
        if state.or_(phone.get_by_text("Không tìm thấy")).first.inner_text().startswith("Đã nhận"):
            break
        phone.reload()
    expect(state).to_be_visible()
    assert violations(phone) == []

    manager = hall.page()
    [submission] = [row for row in hall.context.store.submissions(None, None) if row.comment]
    number = hall.context.store.cases.open(
        hall.context.clock(), hall.context.clock(), "giam_doc", "comment", submission=submission.id
    )
    for size in SIZES:
        manager.set_viewport_size({"width": size[0], "height": size[1]})
        manager.goto(f"{hall.url}/cases")
        assert violations(manager) == []
        assert narrow(manager)
    manager.get_by_role("link", name=f"Vụ việc số {number}").click()
    expect(manager.locator(".said").first).to_have_text("Phải đi lại bốn lần")
    manager.get_by_label("Cơ quan trả lời").select_option("so_nong_nghiep")
    manager.get_by_role("button", name="Giao cho cơ quan").click()
    manager.get_by_label("Câu trả lời cho người dân").fill("Đã có phiếu hướng dẫn một lần.")
    manager.get_by_role("button", name="Trả lời").click()
    expect(manager.locator(".case-facts")).to_contain_text("Đã trả lời")
    assert violations(manager) == []
    assert narrow(manager)

    phone.reload()
    expect(phone.get_by_text("Đã có phiếu hướng dẫn một lần.")).to_be_visible()
    phone.get_by_text("Câu trả lời chưa thỏa đáng?").tap()
    phone.get_by_text("Muốn được gọi lại?").tap()
    assert violations(phone) == []
    assert narrow(phone)
    phone.get_by_label("Số điện thoại").fill("0912 345 678")
    phone.get_by_role("button", name="Đồng ý và gửi").tap()
    expect(phone.get_by_text("Đã lưu thông tin liên hệ.")).to_be_visible()
    phone.get_by_text("Câu trả lời chưa thỏa đáng?").tap()
    phone.get_by_label("Điều gì chưa được giải quyết?").fill("Hôm qua vẫn thiếu.")
    phone.get_by_role("button", name="Mở lại").tap()
    expect(phone.get_by_text("Đang được xử lý.")).to_be_visible()
    expect(phone.get_by_text("đã được mở lại một lần")).to_be_visible()
    manager.reload()
    expect(manager.get_by_text("Hôm qua vẫn thiếu.")).to_be_visible()
    manager.get_by_role("button", name="Xem thông tin liên hệ").click()
    expect(manager.get_by_text("0912 345 678")).to_be_visible()


SCREENS = [(600, 960), (1280, 800), (1080, 1920)]


def test_the_touch_screen_gives_a_code_that_is_whole_at_every_size(
    kiosk: str, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 600, "height": 960}, has_touch=True)
    page = context.new_page()
    page.goto(f"{kiosk}/rate/so_tu_phap")
    tap(page, "Hài lòng")
    page.get_by_label("Ông/Bà muốn nói thêm điều gì?").fill("Cảm ơn")
    tap(page, "Gửi góp ý")
    expect(page.locator(".receipt-code")).to_have_text(CODE)
    assert violations(page) == []
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        for part in (".receipt-code", ".receipt-address", ".farewell-screen .button.big"):
            expect(page.locator(part).last).to_be_in_viewport(ratio=1)
    context.close()
