"""Operating figures from the desk to their page, where the report's own 44 of 71 stand."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import SIZES, Hall

pytestmark = pytest.mark.browser
DEPARTMENTS = Path(__file__).parents[1] / "golden" / "departments.csv"
SPAN = "/operations?from=2019-09-03&to=2020-05-12"
WIDER = "document.documentElement.scrollWidth - innerWidth"


def test_from_the_reports_table_to_the_page(hall: Hall) -> None:
    page = hall.page(SIZES[0])
    page.goto(f"{hall.url}/desk")
    page.get_by_label("Tệp", exact=True).set_input_files(DEPARTMENTS)
    page.get_by_label("Loại số liệu").select_option("operations")
    page.get_by_role("button", name="Xem trước").click()
    expect(page.get_by_role("alert")).to_contain_text("không ghi số liệu của kỳ nào")
    group = page.locator("input[type=date]")
    group.nth(0).fill("2019-09-03")
    group.nth(1).fill("2020-05-12")
    page.get_by_role("button", name="Xem lại").click()
    expect(page.get_by_role("status")).to_contain_text("Nhận được 16 dòng")
    assert violations(page) == []
    page.get_by_role("button", name="Nhận", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("thêm 80, rút 0")
    page.goto(f"{hall.url}/operations")
    page.get_by_role("link", name="từ 03/09/2019 đến 12/05/2020").first.click()
    land = page.get_by_role("row", name="Sở Tài nguyên và Môi trường").first
    land.get_by_role("link", name="44").click()
    expect(page.locator("#how")).to_contain_text("44 trên 71 (62,0%)")
    expect(page.locator("#how")).to_contain_text("Bảng của cơ quan")
    assert hall.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_without_fault_at_every_size(hall: Hall, scheme: str) -> None:
    for size in SIZES:
        page = hall.page(size, color_scheme=scheme)
        for path in (SPAN, "/operations"):
            page.goto(hall.url + path)
            assert violations(page) == []
            assert page.evaluate(WIDER) <= 0
