"""The merger of two departments, played by a manager whose browser runs no script."""

import pytest
from playwright.sync_api import expect

from tests.aggregator.conftest import ratings
from tests.browser.axe import violations
from tests.browser.conftest import SIZES, Hall

BEFORE = "2026-10-05T08:10:00+07:00"


@pytest.mark.browser
def test_a_merger_from_the_form_to_both_organisations(hall: Hall) -> None:
    planning = {"department": "so_ke_hoach_dau_tu", "counter": "q08", "answered_at": BEFORE}
    finance = {"department": "so_tai_chinh", "counter": "q18", "answered_at": BEFORE}
    hall.take(*ratings((5,) * 40, **planning), *ratings((5,) * 20, **finance))
    page = hall.page(java_script_enabled=False)
    page.get_by_role("link", name="Quản trị").click()
    page.get_by_role("link", name="Tổ chức", exact=True).click()
    page.get_by_role("link", name="Sở Kế hoạch và Đầu tư").click()
    form = page.locator("form", has_text="Sáp nhập cơ quan")
    form.get_by_label("Sáp nhập vào").select_option(label="Sở Tài chính")
    form.get_by_label("Từ ngày").fill("2026-11-02")
    form.get_by_role("button").click()
    expect(page.locator("main")).to_contain_text("40 phiếu trả lời đã lưu")
    page.get_by_label("Vì sao thay đổi").fill("Nghị quyết sáp nhập")
    page.get_by_role("button", name="Lưu phiên bản mới").click()
    expect(page.get_by_role("status")).to_have_text("Đã lưu phiên bản 2.")
    expect(page.locator(".versions li").first).to_contain_text("Nghị quyết sáp nhập")
    page.goto(f"{hall.url}/?period=month&date=2026-10-05")
    rows = page.locator("table.places tbody tr")
    expect(rows.filter(has_text="Sở Kế hoạch và Đầu tư")).to_contain_text("40")
    page.get_by_label("Tổ chức").select_option("now")
    page.get_by_role("button", name="Xem").click()
    expect(rows.filter(has_text="Sở Tài chính")).to_contain_text("60")
    expect(rows.filter(has_text="Sở Kế hoạch và Đầu tư")).to_have_count(0)
    expect(page.locator(".when")).to_contain_text("theo cơ cấu tổ chức hiện nay")


@pytest.mark.browser
def test_the_pages_fit_and_are_accessible(hall: Hall) -> None:
    for size in SIZES:
        page = hall.page(size)
        for path in ("", "/department/so_tai_chinh", "/counter/q18"):
            page.goto(f"{hall.url}/organisation{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
            assert violations(page) == []
