"""The province's page in a real browser, and the way into a centre and back."""

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.aggregator.conftest import Clock, ratings
from tests.aggregator.provinces import PLACES, Hall, settings_of
from tests.browser.axe import violations
from tests.conftest import Servers

NAMES = "Trung tâm Phục vụ hành chính công"


def test_from_the_province_into_a_centre_and_back(
    browser: Browser, serve: Servers, tmp_path: Path, sqlite_template: Path
) -> None:
    hall = Hall.of(settings_of(tmp_path, ""), Clock(), sqlite_template)
    hall.context().accounts.add_user("An", "administrator")
    url = serve(hall.app)
    for id, codes in (("lai_chau", [5] * 40 + [4] * 9), ("tan_phong", [5] * 20 + [2] * 20)):
        hall.take(id, ratings(codes, **PLACES[id]))
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(hall.context().accounts.new_link("An", url))
    page.goto(f"{url}/?period=day")
    expect(page.get_by_role("heading", level=1)).to_have_text("So sánh các trung tâm")
    row = page.get_by_role("row", name=re.compile(f"{NAMES} phường Tân Phong"))
    expect(row).to_contain_text("Quá ít ngày")
    row.locator("a.ask").first.click()
    expect(page.locator("#how h2")).to_be_focused()
    assert violations(page) == []
    page.locator("[data-close]").click()
    page.locator("select[name=period]").select_option("month")
    expect(page).to_have_url(re.compile(rf"{url}/\?.*period=month"))

    page.get_by_role("link", name=f"{NAMES} phường Tân Phong").click()
    expect(page).to_have_url(re.compile(rf"{url}/tan_phong/\?.*period=month"))
    page.locator("select[name=period]").select_option("week")
    expect(page).to_have_url(re.compile(rf"{url}/tan_phong/\?.*period=week"))
    page.get_by_role("link", name="Kết quả").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("So sánh các cơ quan")
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("link", name="Toàn tỉnh").click()
    expect(page).to_have_url(f"{url}/")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.locator("#password")).to_be_visible()
    page.goto(f"{url}/tan_phong/trends")
    page.get_by_role("link", name="tài khoản cấp tỉnh").click()
    expect(page).to_have_url(re.compile(rf"{url}/sign-in\?next="))
    context.close()
    assert complaints == []
