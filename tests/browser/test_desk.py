"""A manager puts a table on the desk, sees every bad cell, takes the rest and takes it back."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import SIZES, Hall
from tests.files.making import csv, xlsx
from tests.files.offices import DAY, FOOT, HEAD, ROWS, TITLE, written

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
    mended = tmp_path / "Sửa lại.csv"
    mended.write_bytes(csv([*written(), ("21/11/2026", *ROWS[0][1:])], ";").encode())
    page.get_by_label("Tệp", exact=True).set_input_files(mended)
    page.get_by_role("button", name="Xem trước").click()
    expect(page.get_by_text("Có phải bản sửa của một lô đã nhận?")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("Thay lô “Tháng 11”").check()
    page.get_by_role("button", name="Nhận", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Lô “Tháng 11”: thêm 1, rút 0")
    page.get_by_text("Rút lô Tháng 11").click()
    page.get_by_role("button", name="Đúng, rút").click()
    expect(page.get_by_role("status")).to_contain_text("thêm 0, rút 4")
    assert hall.complaints == []
