"""A manager puts a table on the desk, sees every bad cell, takes the rest and takes it back."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import SIZES, Hall
from tests.files.making import xlsx
from tests.files.offices import DAY, FOOT, HEAD, ROWS, TITLE

pytestmark = pytest.mark.browser


def test_from_the_file_to_the_batch_and_back(hall: Hall, tmp_path: Path) -> None:
    page = hall.page(SIZES[0])
    file = tmp_path / "Tháng 11.xlsx"
    bad = (DAY, "Sở Y tế", "Quầy 09", "Tạm được")
    file.write_bytes(xlsx([*TITLE, HEAD, *ROWS, bad, *FOOT]))
    page.goto(f"{hall.url}/desk")
    assert violations(page) == []
    page.get_by_label("Tệp", exact=True).set_input_files(file)
    page.get_by_role("button", name="Xem trước").click()
    expect(page.get_by_role("status")).to_contain_text("Nhận được 3 dòng; 1 ô có vấn đề")
    expect(page.get_by_text("Ô D9: không có mức “Tạm được”")).to_be_visible()
    expect(page.get_by_role("cell", name="Tạm được")).to_have_class("bad")
    assert violations(page) == []
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    page.get_by_label("Bỏ các dòng có vấn đề").check()
    page.get_by_role("button", name="Nhận", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Lô “Tháng 11”: thêm 3, rút 0")
    page.get_by_text("Rút lô Tháng 11").click()
    page.get_by_role("button", name="Đúng, rút").click()
    expect(page.get_by_role("status")).to_contain_text("thêm 0, rút 3")
    assert hall.complaints == []
