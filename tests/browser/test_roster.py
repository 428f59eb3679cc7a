"""A manager hands in a roster, is told what is wrong with it, and asks what was said of whom."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.aggregator.conftest import ratings, submission
from tests.browser.axe import violations
from tests.browser.conftest import SIZES, Hall

pytestmark = pytest.mark.browser
HEAD = "official,counter,day,from,to\n"
GOOD = "CC.012,q05,2026-09-18,07:30,11:30\nCC.013,q05,2026-09-18,13:30,17:00\n"


def test_from_the_roster_to_what_was_said(hall: Hall, tmp_path: Path) -> None:
    for hour, code in (("08:30", 1), ("14:30", 5)):
        at = f"2026-09-18T{hour}:00+07:00"
        given = {"rating": code, "reasons": [3]}
        hall.take(*(submission(answers=given, answered_at=at) for _ in range(40)))
    hall.take(*ratings([5], answered_at="2026-11-23T08:00:00+07:00"))
    page = hall.page(SIZES[0])
    file = tmp_path / "roster.csv"
    file.write_text(f"{HEAD}{GOOD}An,q05,2026-09-18,11:00,12:00\n", "utf-8")

    page.goto(f"{hall.url}/roster")
    page.get_by_label("Tệp CSV").set_input_files(file)
    page.get_by_role("button", name="Nhập tệp").click()
    expect(page.get_by_role("alert")).to_contain_text("Dòng 4: official:")
    assert violations(page) == []
    assert [one for one in hall.complaints if "422" not in one] == []
    hall.complaints.clear()
    file.write_text(HEAD + GOOD, "utf-8")
    page.get_by_label("Tệp CSV").set_input_files(file)
    page.get_by_role("button", name="Nhập tệp").click()
    expect(page.get_by_role("status")).to_contain_text("Đã thêm 2 ca")
    expect(page.get_by_role("row", name="CC.012")).to_be_visible()

    page.goto(f"{hall.url}/attitude?period=quarter&date=2026-09-18")
    expect(page.get_by_text("không đủ căn cứ để xử lý kỷ luật")).to_be_visible()
    row = page.get_by_role("row", name="CC.012")
    row.get_by_role("link", name="Thấp hơn").click()
    expect(page.locator("#how dl")).to_contain_text("không đủ căn cứ để xử lý kỷ luật")
    assert violations(page) == []

    page.goto(f"{hall.url}/hours?period=quarter&date=2026-09-18")
    expect(page.get_by_text("thấp nhất là Thứ Sáu, 8–9 giờ")).to_be_visible()
    page.locator("table.hours .slot a").first.click()
    expect(page.locator("#how dl")).to_contain_text("Bảng không kết luận giờ nào khác giờ nào")
    assert violations(page) == []
