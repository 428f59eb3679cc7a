"""A report's way in a real browser: written, issued, restated by late answers, replaced."""

from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.aggregator.conftest import ratings
from tests.aggregator.documents.reporting import at
from tests.browser.axe import violations
from tests.browser.conftest import SIZES, Hall

DAY = date(2024, 3, 12)  # over, whatever the clock of this machine says
HERE = "/documents/week/2024-03-11"

MAKING = 120_000  # ms: three files are made by a process that shares the machine with other tests

pytestmark = pytest.mark.browser


def narrow(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def checked(page: Page) -> None:
    """Whether a page is accessible, and on a phone as narrow as that."""
    assert violations(page) == []
    for width, height in SIZES[::-1]:
        page.set_viewport_size({"width": width, "height": height})
        assert narrow(page), width


def test_from_the_remarks_to_a_report_that_replaces_another(hall: Hall, tmp_path: Path) -> None:
    hall.take(*ratings((5, 5, 4, 5, 5, 5), answered_at=at(DAY)))
    page = hall.page()
    page.set_default_timeout(MAKING)
    page.goto(f"{hall.url}/settings/documents")
    page.get_by_label("Chữ viết tắt trong ký hiệu văn bản").fill("TTPVHCC")
    page.locator("#addressees_vi").fill("Ủy ban nhân dân tỉnh Lai Châu")
    page.locator("#addressees_en").fill("People's Committee of Lai Châu province")
    page.get_by_role("button", name="Xem trước").click()
    expect(page.get_by_text("Kính gửi: Ủy ban nhân dân tỉnh Lai Châu")).to_be_visible()
    page.get_by_role("button", name="Lưu phiên bản mới").click()

    page.goto(f"{hall.url}/documents")
    checked(page)
    page.get_by_role("link", name="Soạn, phát hành Báo cáo").first.click()
    expect(page.get_by_role("heading", name="Phát hành", exact=True)).to_be_visible()
    page.goto(hall.url + HERE)
    page.get_by_label("Tồn tại, hạn chế").fill("Còn chờ lâu vào sáng thứ Hai.")
    page.get_by_label("Kiến nghị, đề xuất").fill("Bố trí thêm 02 quầy.")
    page.get_by_role("button", name="Lưu phần nhận xét").click()
    expect(page.get_by_role("status")).to_have_text("Đã lưu.")

    page.get_by_label("Số văn bản").fill("5")
    page.get_by_role("button", name="Phát hành").click()
    row = page.get_by_role("row").filter(has_text="05/BC-TTPVHCC")
    expect(row).to_contain_text("Như lúc phát hành")
    files = []
    for name in ("lan-1.pdf", "lan-2.pdf"):
        with page.expect_download() as loading:
            row.get_by_role("link", name="PDF").click()
        loading.value.save_as(tmp_path / name)
        files.append((tmp_path / name).read_bytes())
        hall.take(*ratings((1,), answered_at=at(DAY)))  # late, after the first download
    assert files[0] == files[1]
    assert loading.value.suggested_filename == "05-BC-TTPVHCC.pdf"

    page.reload()
    expect(
        page.get_by_role("heading", name="dữ liệu đã thay đổi sau khi phát hành")
    ).to_be_visible()
    whole = page.locator(".restated tr").filter(has_text="Toàn Trung tâm")
    expect(whole.filter(has_text="Số lượt").first).to_contain_text("6")
    checked(page)

    page.get_by_label("Số văn bản").fill("6")
    page.get_by_role("button", name="Phát hành").click()
    newest = page.get_by_role("row").filter(has_text="06/BC-TTPVHCC")
    expect(newest).to_contain_text("thay thế số 05/BC-TTPVHCC")
    expect(page.locator(".restated")).to_have_count(0)
    checked(page)
