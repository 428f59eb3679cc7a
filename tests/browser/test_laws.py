"""A manager enters what came after a law; pages of its days say so, and what is not known."""

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import SIZES, Hall

pytestmark = pytest.mark.browser


def test_a_successor_is_entered_and_named_from_its_day_on(hall: Hall) -> None:
    page = hall.page(SIZES[0])
    page.goto(f"{hall.url}/handling?period=year")
    page.get_by_role("link", name="Căn cứ pháp lý").click()
    page.get_by_role("link", name="Thêm văn bản").click()
    assert violations(page) == []
    called = page.get_by_role("group", name="Tên văn bản")
    called.get_by_label("Tiếng Việt").fill("Nghị định thử 2026")
    called.get_by_label("Tiếng Anh").fill("Trial decree 2026")
    page.get_by_label("Chín chỉ số giải quyết hồ sơ").check()
    page.get_by_label("Có hiệu lực từ ngày").fill("2026-07-01")
    page.get_by_label("Nguồn").fill("Công báo")
    page.get_by_role("button", name="Xem trước").click()
    expect(page.locator("main")).to_contain_text("Nghị định thử 2026 (từ 01/07/2026)")
    assert violations(page) == []
    page.get_by_label("Vì sao thay đổi").fill("Có văn bản mới")
    page.get_by_role("button", name="Lưu phiên bản mới").click()
    expect(page.locator("#laws")).to_contain_text("nội dung chưa có trong phần mềm")
    for size in SIZES:
        page = hall.page(size)
        page.goto(f"{hall.url}/handling?period=year&date=2026-11-20")
        expect(page.locator(".laws")).to_contain_text("Chuỗi số liệu gián đoạn: từ ngày 01/07/2026")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert hall.complaints == []
