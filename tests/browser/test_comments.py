"""A manager reads what people wrote: finds, tags, hides, unmasks, and makes a case of it."""

import re

import pytest
from playwright.sync_api import expect

from tests.aggregator.conftest import submission
from tests.browser.axe import violations
from tests.browser.conftest import SIZES, Hall

HOSTILE = '<img src=x onerror="document.title=1"> ' + "w" * 300


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_manager_finds_a_comment_and_acts_on_it(hall: Hall, size: tuple[int, int]) -> None:
    hall.take(
        submission(answers={"rating": 1, "reasons": [2]}, comment="Chờ lâu, gọi 0912 000 000"),
        submission(answers={"rating": 5, "reasons": [3]}, visit="b", comment="Hướng dẫn tận tình"),
        submission(answers={"rating": 4}, visit="c", comment=HOSTILE),
    )
    page = hall.page(size)
    page.get_by_role("link", name="Góp ý", exact=True).click()
    expect(page.locator(".comments > li")).to_have_count(3)
    assert violations(page) == []
    # The longest word widens no page, and what looks like a tag is text.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("main img")).to_have_count(0)
    search = page.get_by_label("Tìm trong góp ý")
    if not search.is_visible():
        page.get_by_text("Tìm và lọc").click()
    search.fill("CHO lau")
    search.press("Enter")
    comment = page.locator(".comments > li")
    expect(comment).to_have_count(1)
    expect(comment.locator("blockquote")).to_have_text("Chờ lâu, gọi ●●●")

    def acts() -> None:
        comment.locator("summary").click()

    acts()
    assert violations(page) == []
    comment.get_by_label("Gắn nhãn").fill("Thời gian chờ")
    comment.get_by_role("button", name="Thêm nhãn").click()
    expect(comment.get_by_role("link", name="thời gian chờ")).to_be_visible()
    acts()
    comment.get_by_role("button", name="Ẩn với công chúng").click()
    expect(comment).to_contain_text("Đã ẩn với công chúng (giam_doc")
    acts()
    comment.get_by_label("Lý do xem nguyên văn").fill("Gọi lại để xin lỗi")
    comment.get_by_role("button", name="Hiện nguyên văn").click()
    expect(comment.locator("blockquote")).to_have_text("Chờ lâu, gọi 0912 000 000")
    expect(comment.get_by_role("status")).to_contain_text("nhật ký")
    assert violations(page) == []
    page.get_by_role("link", name="Lý do đánh giá").click()
    expect(page.locator("#figures tbody tr")).to_have_count(6)
    assert violations(page) == []
    page.get_by_role("link", name="Công chức phục vụ").click()
    expect(comment.locator("blockquote")).to_have_text("Hướng dẫn tận tình")
    acts()
    comment.get_by_role("button", name="Chuyển thành vụ việc").click()
    expect(page).to_have_url(re.compile(r"/cases/\d+$"))
    expect(page.locator("main")).to_contain_text("Hướng dẫn tận tình")
