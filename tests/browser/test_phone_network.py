"""The phone form on a network that is away, dies, hangs or lies: all is sent, and counts once."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.axe import violations
from tests.browser.test_phone import PHONE, address, form
from tests.browser.test_touch import stored
from tests.kiosk.conftest import NOW

__all__ = ["address"]  # the fixture

pytestmark = pytest.mark.browser

KEPT = "Chưa gửi được"
DAY = timedelta(days=1)


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=PHONE, has_touch=True, locale="vi-VN")
    yield context
    context.close()


def cut(route: Route) -> None:
    route.abort("internetdisconnected")


def rate(page: Page) -> None:
    page.get_by_text("Rất hài lòng").tap()
    page.get_by_role("button", name="Gửi đánh giá").tap()


def kept(page: Page) -> list[Any]:
    """What the phone keeps of answers that wait."""
    found: list[str] = page.evaluate(
        "() => Object.entries(localStorage).filter(([key]) => key.includes('waiting'))"
        ".map(([, value]) => value)"
    )
    return [json.loads(one) for one in found]


def says(page: Page, words: str) -> None:
    """Waits until the phone says some words where they can be seen."""
    expect(page.get_by_role("alert")).to_contain_text(words, use_inner_text=True)


def thanks(page: Page) -> None:
    expect(page.get_by_role("heading", name="Xin cảm ơn Ông/Bà!")).to_be_visible()


def test_an_answer_without_a_network_waits_and_is_sent_by_itself(
    phone: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = phone.new_page()
    page.goto(form(address))
    phone.set_offline(True)
    page.get_by_role("textbox").fill("Cán bộ rất nhiệt tình")
    rate(page)
    panel = page.get_by_role("alert")
    says(page, KEPT)
    expect(panel).to_be_focused()
    expect(panel).to_be_in_viewport()
    assert violations(page) == []
    [answer] = kept(page)
    assert set(answer) == {"id", "action", "body", "at"}
    page.get_by_text("Công chức phục vụ").tap()  # what waits is what is on the screen
    assert "reasons=3" in kept(page)[0]["body"]
    assert stored(tmp_path) == []
    phone.set_offline(False)  # the browser tells the page
    thanks(page)
    assert kept(page) == []
    assert page.evaluate("sessionStorage.length") == 0
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 5}, {"reasons": [3]}]


def test_an_answer_that_arrived_unanswered_counts_once(
    phone: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = phone.new_page()
    page.goto(form(address))

    def die(route: Route) -> None:
        route.fetch(max_redirects=0)  # it arrives, the answer to it does not
        cut(route)

    page.route("**/f/*", die)
    rate(page)
    says(page, KEPT)
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 5}]
    page.unroute("**/f/*")
    page.get_by_role("button", name="Gửi lại ngay").tap()
    thanks(page)
    expect(page.get_by_text("đã được ghi nhận trước đó")).to_have_count(0)
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 5}]


def test_without_any_event_it_tries_again_with_growing_pauses(
    phone: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = phone.new_page()
    page.clock.install(time=NOW)
    page.goto(form(address))
    tried: list[float] = []

    def note(route: Route) -> None:
        tried.append(page.evaluate("Date.now()") / 1000)
        cut(route)

    page.route("**/f/*", note)
    rate(page)
    says(page, KEPT)
    for pause in (2, 4, 8, 16, 32, 60, 60):
        before = len(tried)
        page.clock.run_for((pause - 1) * 1000)
        assert len(tried) == before
        page.clock.run_for(1000)
        expect(page.locator("#screen")).not_to_have_attribute("aria-busy", "true")
        assert len(tried) == before + 1
    page.unroute("**/f/*")
    page.clock.run_for(60_000)
    thanks(page)
    assert len(stored(tmp_path)) == 1


def test_a_request_that_hangs_shows_that_it_works_and_is_given_up(
    phone: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = phone.new_page()
    page.clock.install(time=NOW)
    page.goto(form(address))
    hanging: list[Route] = []
    page.route("**/f/*", lambda route: hanging.append(route))
    rate(page)
    button = page.get_by_role("button", name="Đang gửi…")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#screen")).to_have_attribute("aria-busy", "true")
    button.tap(force=True)
    expect(page.get_by_role("alert")).to_be_hidden()
    page.clock.run_for(15_000)
    says(page, KEPT)
    expect(page.get_by_role("button", name="Gửi đánh giá")).not_to_have_attribute(
        "aria-disabled", "true"
    )
    assert len(hanging) == 1
    page.unroute("**/f/*")
    page.get_by_role("button", name="Gửi đánh giá").tap()
    thanks(page)
    assert len(stored(tmp_path)) == 1


@pytest.mark.parametrize("forget_visit", [False, True], ids=["same visit", "cookie gone"])
def test_after_the_page_was_closed_the_same_form_sends_it(
    phone: BrowserContext, address: str, tmp_path: Path, forget_visit: bool
) -> None:
    page = phone.new_page()
    page.goto(form(address))
    page.route("**/f/*", cut)
    page.get_by_role("textbox").fill("Chờ lâu")
    rate(page)
    says(page, KEPT)
    page.close()
    if forget_visit:
        phone.clear_cookies()
    page = phone.new_page()
    page.goto(form(address))
    thanks(page)
    assert kept(page) == []
    rating, comment = stored(tmp_path)
    assert rating["answers"] == {"rating": 5}
    assert comment["comment"] == "Chờ lâu"


def test_it_waits_in_the_reopened_form_until_the_network_is_back(
    phone: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = phone.new_page()
    page.goto(form(address))

    def block(route: Route) -> None:
        sent = route.request.post_data or ""
        if "rating=" in sent and "lang=" not in sent:
            cut(route)
        else:
            route.continue_()

    phone.route("**/f/*", block)
    page.get_by_role("textbox").fill("Chờ lâu")
    rate(page)
    says(page, KEPT)
    page.close()
    page = phone.new_page()
    page.goto(form(address))
    says(page, KEPT)
    expect(page.get_by_role("textbox")).to_have_value("Chờ lâu")
    page.get_by_role("button", name="English").tap()
    says(page, "The phone has no connection")
    expect(page.get_by_role("textbox")).to_have_value("Chờ lâu")
    phone.unroute("**/f/*")
    page.get_by_role("button", name="Send now").tap()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert len(stored(tmp_path)) == 2


def test_an_answer_waits_a_day_and_no_longer(
    phone: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = phone.new_page()
    page.clock.set_fixed_time(NOW)
    page.goto(form(address))
    page.route("**/f/*", cut)
    rate(page)
    says(page, KEPT)
    page.close()
    page = phone.new_page()
    page.clock.set_fixed_time(NOW + DAY)
    page.goto(form(address))
    expect(page.get_by_role("button", name="Gửi đánh giá")).to_be_visible()
    page.wait_for_function("localStorage.length === 0")
    expect(page.get_by_role("alert")).to_be_hidden()
    assert stored(tmp_path) == []


def test_it_can_be_thrown_away(phone: BrowserContext, address: str, tmp_path: Path) -> None:
    page = phone.new_page()
    page.goto(form(address))
    page.route("**/f/*", cut)
    rate(page)
    page.get_by_role("button", name="Xóa, không gửi").tap()
    says(page, "Đã xóa")
    assert kept(page) == []
    page.unroute("**/f/*")
    page.goto(form(address))
    expect(page.get_by_role("button", name="Gửi đánh giá")).to_be_visible()
    assert stored(tmp_path) == []


def test_without_a_rating_it_asks_for_one_at_once(phone: BrowserContext, address: str) -> None:
    page = phone.new_page()
    page.goto(form(address))
    phone.set_offline(True)
    page.get_by_role("button", name="Gửi đánh giá").tap()
    says(page, "Xin chọn một mức đánh giá")
    assert kept(page) == []


@pytest.mark.parametrize("status", [200, 502])
def test_a_page_that_is_not_ours_is_no_receipt(
    phone: BrowserContext, address: str, tmp_path: Path, status: int
) -> None:
    """The sign-in page of a Wi-Fi, or a proxy before a server that is away."""
    page = phone.new_page()
    page.goto(form(address))
    page.route("**/f/*", lambda route: route.fulfill(status=status, body="<h1>Wi-Fi</h1>"))
    rate(page)
    says(page, KEPT)
    assert len(kept(page)) == 1
    page.unroute("**/f/*")
    page.get_by_role("button", name="Gửi lại ngay").tap()
    thanks(page)
    assert len(stored(tmp_path)) == 1


def test_another_forms_answer_is_sent_beside_this_one(
    phone: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = phone.new_page()
    page.goto(form(address))
    page.route("**/f/*", cut)
    rate(page)
    says(page, KEPT)
    page.unroute("**/f/*")
    page.goto(form(address, "business"))
    says(page, "đã được gửi")
    expect(page.get_by_role("button", name="Gửi ý kiến", exact=True)).to_be_visible()
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 5}]


def test_a_step_of_the_full_survey_waits_too(
    phone: BrowserContext, address: str, tmp_path: Path
) -> None:
    page = phone.new_page()
    page.goto(form(address))
    rate(page)
    page.get_by_role("button", name="Bắt đầu").tap()
    expect(page.get_by_text("Phần 1/6")).to_be_visible()
    page.locator("#q1 .answer").nth(1).tap()
    phone.set_offline(True)
    page.get_by_role("button", name="Tiếp tục").last.tap()
    says(page, KEPT)
    expect(page.locator("#q1 input").nth(1)).to_be_checked()
    phone.set_offline(False)
    expect(page.get_by_text("Phần 2/6")).to_be_visible()
    page.locator("#q5 .answer").nth(0).tap()
    page.route("**/survey/**", cut)
    page.get_by_role("button", name="Dừng và gửi").tap()
    says(page, KEPT)
    page.unroute("**/survey/**")
    page.reload()  # what waits is the step with the button that was pressed
    thanks(page)
    expect(page).to_have_url(re.compile("/finished"))
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 5}, {"q1": 4, "q5": 5}]


WITHOUT = {
    "storage that throws": """for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, { get() { throw new Error("SecurityError"); } });
    }""",
    "no storage": """for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, { value: null });
    }""",
    "full storage": """Storage.prototype.setItem = () => {
        throw new DOMException("full", "QuotaExceededError");
    };""",
}


@pytest.mark.parametrize("without", WITHOUT.values(), ids=list(WITHOUT))
def test_a_browser_that_keeps_nothing_asks_to_leave_the_page_open(
    phone: BrowserContext, address: str, tmp_path: Path, without: str
) -> None:
    phone.add_init_script(without)
    page = phone.new_page()
    page.goto(form(address))
    page.route("**/f/*", cut)
    rate(page)
    says(page, "Xin để trang này mở")
    assert "có thể đóng trang" not in page.get_by_role("alert").inner_text()
    page.unroute("**/f/*")
    page.get_by_role("button", name="Gửi lại ngay").tap()
    thanks(page)
    assert len(stored(tmp_path)) == 1


def test_without_javascript_back_keeps_the_form(
    browser: Browser, address: str, tmp_path: Path
) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False, locale="vi-VN")
    page = context.new_page()
    page.goto(form(address))
    page.get_by_text("Bình thường").click()
    page.get_by_role("textbox").fill("Chờ lâu")
    context.set_offline(True)
    page.get_by_role("button", name="Gửi đánh giá").click(no_wait_after=True)
    expect(page.get_by_role("textbox")).to_have_count(0)  # the browser's own page
    page.go_back()  # still without a network
    expect(page.get_by_role("textbox")).to_have_value("Chờ lâu")
    expect(page.get_by_label("Bình thường")).to_be_checked()
    context.set_offline(False)
    page.get_by_role("button", name="Gửi đánh giá").click()
    thanks(page)
    context.close()
    assert stored(tmp_path)[0]["answers"] == {"rating": 3}
