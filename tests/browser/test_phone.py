"""The form behind a QR code in a real Chromium, with JavaScript and without."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from kiosk.app import create_app
from kiosk.qr_codes import Audience
from kiosk.settings import Settings
from tests.browser.conftest import complaints_of
from tests.browser.test_touch import stored
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE

PHONE: Any = {"width": 360, "height": 740}


@pytest.fixture
def address(serve: Servers, tmp_path: Path) -> str:
    return serve(create_app(Settings(centre=CENTRE, var=tmp_path)))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A phone; whatever its console complains of, except refusals, fails the test."""
    context = browser.new_context(viewport=PHONE, has_touch=True, locale="vi-VN")
    page = context.new_page()
    complaints = complaints_of(page)
    yield page
    context.close()
    assert [one for one in complaints if "status of 4" not in one] == []


@pytest.fixture
def bare(browser: Browser) -> Iterator[Page]:
    """A phone without JavaScript."""
    context = browser.new_context(viewport=PHONE, java_script_enabled=False, locale="vi-VN")
    yield context.new_page()
    context.close()


def form(address: str, audience: Audience = "citizen") -> str:
    """The address on the poster of counter q10, the last one of its department."""
    chosen = {"department": "so_nong_nghiep", "audience": audience}
    posters = httpx2.get(f"{address}/posters", params=chosen, trust_env=False).text
    return f"{address}{re.findall(r'/f/[0-9A-Z]{12}', posters)[-1]}"


@pytest.mark.browser
def test_without_javascript_a_reload_counts_once(bare: Page, address: str, tmp_path: Path) -> None:
    bare.goto(form(address))
    bare.get_by_text("Công chức phục vụ").click()
    bare.get_by_role("textbox").fill("Cán bộ rất nhiệt tình")
    bare.get_by_role("button", name="Gửi đánh giá").click()
    expect(bare.get_by_role("alert")).to_contain_text("Xin chọn một mức đánh giá")
    expect(bare.get_by_role("textbox")).to_have_value("Cán bộ rất nhiệt tình")
    expect(bare.get_by_label("Công chức phục vụ")).to_be_checked()
    bare.get_by_role("link", name="Xin chọn một mức đánh giá").click()
    assert bare.url.endswith("#rating")
    bare.get_by_text("Rất hài lòng").click()
    bare.get_by_role("button", name="Gửi đánh giá").click()
    expect(bare.get_by_text("Ý kiến của Ông/Bà đã được ghi nhận.")).to_be_visible()
    bare.reload()
    rating, reasons = stored(tmp_path)
    assert rating["answers"] == {"rating": 5}
    assert reasons["answers"] == {"reasons": [3]}
    assert reasons["comment"] == "Cán bộ rất nhiệt tình"


@pytest.mark.browser
@pytest.mark.parametrize("script", [True, False], ids=["script", "bare"])
def test_back_and_send_again_counts_once(
    browser: Browser, address: str, tmp_path: Path, script: bool
) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=script, locale="vi-VN")
    phone = context.new_page()
    phone.goto(form(address))
    phone.get_by_text("Rất hài lòng").click()
    phone.get_by_role("button", name="Gửi đánh giá").click()
    expect(phone.get_by_role("heading", name="Xin cảm ơn Ông/Bà!")).to_be_visible()
    phone.go_back()
    if phone.get_by_role("button", name="Gửi đánh giá").is_visible():  # the browser kept it
        phone.get_by_text("Bình thường").click()
        phone.get_by_role("button", name="Gửi đánh giá").click()
    expect(phone.get_by_role("heading", name="đã được ghi nhận trước đó")).to_be_visible()
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 5}]
    phone.get_by_role("link", name="Gửi ý kiến khác").click()
    phone.get_by_text("Bình thường").click()
    phone.get_by_role("button", name="Gửi đánh giá").click()
    expect(phone.get_by_role("heading", name="Xin cảm ơn Ông/Bà!")).to_be_visible()
    context.close()
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 5}, {"rating": 3}]


@pytest.mark.browser
def test_with_javascript_in_place_and_back_counts_once(
    page: Page, address: str, tmp_path: Path
) -> None:
    page.goto(form(address))
    page.get_by_role("button", name="Gửi đánh giá").click()
    expect(page.locator(".summary")).to_be_focused()
    page.get_by_text("Bình thường").click()
    page.get_by_role("button", name="Gửi đánh giá").dblclick()
    expect(page.get_by_role("heading", name="Xin cảm ơn Ông/Bà!")).to_be_visible()
    assert "/thanks?visit=" in page.url
    page.reload()
    expect(page.get_by_role("heading", name="Xin cảm ơn Ông/Bà!")).to_be_visible()
    # Had the second tap met this link, nobody would have seen that the first one counted.
    page.get_by_role("link", name="Gửi ý kiến khác").dispatch_event("click", {"detail": 2})
    expect(page.get_by_role("heading", name="Xin cảm ơn Ông/Bà!")).to_be_visible()
    page.get_by_role("button", name="Bắt đầu").click()
    expect(page.get_by_text("Phần 1/6")).to_be_visible()
    page.locator("#q1 .answer").nth(1).click()
    page.get_by_role("button", name="Tiếp tục").last.click()
    expect(page.get_by_text("Phần 2/6")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Phần 1/6")).to_be_visible()
    expect(page.locator("#q1 input").nth(1)).to_be_checked()
    page.get_by_role("button", name="Dừng và gửi").click()
    expect(page.get_by_role("heading", name="Xin cảm ơn Ông/Bà!")).to_be_visible()
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 3}, {"q1": 4}]


@pytest.mark.browser
def test_a_text_field_pulled_larger_breaks_no_policy(page: Page, address: str) -> None:
    page.goto(form(address))
    page.evaluate("document.querySelector('textarea').style.height = '300px'")
    page.get_by_role("button", name="Gửi đánh giá").click()
    expect(page.locator(".summary")).to_be_focused()


@pytest.mark.browser
@pytest.mark.parametrize("script", [True, False], ids=["script", "bare"])
def test_the_language_switch_keeps_what_a_step_has(
    browser: Browser, address: str, script: bool
) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=script, locale="vi-VN")
    phone = context.new_page()
    phone.goto(form(address))
    phone.get_by_text("Rất hài lòng").click()
    phone.get_by_role("button", name="Gửi đánh giá").click()
    phone.get_by_role("button", name="Bắt đầu").click()
    phone.locator("#q1 .answer").nth(1).click()
    phone.get_by_role("button", name="English").click()
    expect(phone.get_by_text("Part 1 of 6")).to_be_visible()
    expect(phone.locator("#q1 input").nth(1)).to_be_checked()
    expect(phone).to_have_title(re.compile("^Your opinion"))
    phone.get_by_role("button", name="Continue").last.click()
    expect(phone.get_by_text("Part 2 of 6")).to_be_visible()
    context.close()


@pytest.mark.browser
def test_a_business_jumps_between_areas_and_loses_nothing(
    bare: Page, address: str, tmp_path: Path
) -> None:
    bare.goto(form(address, "business"))
    bare.locator("#b1_1 .answer").nth(0).click()
    bare.get_by_role("button", name="Trả lời đầy đủ").click()
    expect(bare.locator("#b1_1 input").nth(0)).to_be_checked()
    bare.get_by_label("Số ngày từ khi nộp hồ sơ đến khi hoàn tất đăng ký").fill("900")
    bare.get_by_text("Chọn phần khác").click()
    bare.get_by_role("button", name="Tính minh bạch").click()
    expect(bare.get_by_text("Xin nhập số từ 0 đến 365.")).to_be_visible()
    bare.get_by_label("Số ngày từ khi nộp hồ sơ đến khi hoàn tất đăng ký").fill("5")
    bare.get_by_text("Chọn phần khác").click()
    bare.get_by_role("button", name="Tính minh bạch").click()
    expect(bare.get_by_role("heading", name="Tính minh bạch")).to_be_visible()
    bare.locator("#b3_1 .skip").click()
    bare.get_by_role("button", name="Dừng và gửi").click()
    expect(bare.get_by_role("heading", name="Xin cảm ơn Ông/Bà!")).to_be_visible()
    assert [one["answers"] for one in stored(tmp_path)] == [{"b1_1": 4, "b1_2": 5}]


@pytest.mark.browser
@pytest.mark.parametrize("size", ["100%", "200%"])
def test_nothing_scrolls_sideways_whatever_the_text_size(
    page: Page, address: str, size: str
) -> None:
    for url in (
        form(address),
        f"{form(address)}?lang=en",
        f"{form(address, 'business')}?lang=vi",
        f"{address}/f/unknown",
    ):
        page.goto(url)
        page.evaluate("size => { document.documentElement.style.fontSize = size }", size)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url


@pytest.mark.browser
def test_a_phone_fetches_no_font_and_nothing_from_elsewhere(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(form(address))
    page.wait_for_load_state("networkidle")
    assert all(url.startswith(address) for url in asked if not url.startswith("data:"))
    assert not [url for url in asked if ".woff" in url]
