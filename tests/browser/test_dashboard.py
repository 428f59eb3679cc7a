"""The manager's page in a real browser: filter, Back, live figures, without JavaScript."""

import re

from playwright.sync_api import expect

from tests.aggregator.conftest import ratings
from tests.browser.conftest import Hall, busy_day, rated


def test_a_filter_swaps_the_figures_without_loading_the_page_again(hall: Hall) -> None:
    hall.take(*ratings([5, 5, 5]), *ratings([1], channel="qr"))
    page = hall.page()
    expect(rated(page)).to_have_text("4")
    page.evaluate("window.loadedOnce = true")
    page.locator("select[name=channel]").select_option("qr")
    expect(rated(page)).to_have_text("1")
    expect(page).to_have_url(re.compile(r"/\?.*channel=qr"))
    assert page.evaluate("window.loadedOnce") is True
    expect(page.locator(".when")).to_contain_text("Mã QR")


def test_back_and_forward_restore_the_table_and_the_form(hall: Hall) -> None:
    hall.take(*ratings([5, 5, 5]), *ratings([1], channel="qr"))
    page = hall.page()
    channel = page.locator("select[name=channel]")
    channel.select_option("qr")
    expect(rated(page)).to_have_text("1")
    page.locator("select[name=period]").select_option("month")
    expect(page.locator(".when")).to_contain_text("tháng 11/2026")
    page.go_back()
    expect(page.locator(".when")).to_contain_text("ngày 23/11/2026")
    expect(page.locator("select[name=period]")).to_have_value("day")
    expect(channel).to_have_value("qr")
    page.go_back()
    expect(rated(page)).to_have_text("4")
    expect(channel).to_have_value("")
    page.go_forward()
    expect(rated(page)).to_have_text("1")
    expect(channel).to_have_value("qr")


def test_changing_the_survey_brings_its_own_measures(hall: Hall) -> None:
    busy_day(hall)
    page = hall.page()
    page.locator("select[name=survey]").select_option("sipas_2020")
    expect(page.locator(".cards")).to_contain_text("82,33")
    page.locator("select[name=survey]").select_option("business")
    expect(page.locator(".cards .card")).to_have_count(1)
    expect(page.locator("article.question").first).to_be_visible()
    page.locator("select[name=survey]").select_option("in_centre")
    expect(page.locator(".cards")).to_contain_text("96,3")


def test_choosing_a_range_shows_its_two_days(hall: Hall) -> None:
    page = hall.page()
    expect(page.locator("input[name=date]")).to_be_visible()
    expect(page.locator("input[name=from]")).to_be_hidden()
    page.locator("select[name=period]").select_option("range")
    expect(page.locator("input[name=from]")).to_be_visible()
    expect(page.locator("input[name=date]")).to_be_hidden()
    page.locator("input[name=from]").fill("2026-11-01")
    page.locator("input[name=from]").blur()
    expect(page.locator(".when")).to_contain_text("từ 01/11/2026 đến 23/11/2026")


def test_a_new_rating_appears_while_the_page_is_open(hall: Hall) -> None:
    hall.take(*ratings([5]))
    context = hall.page().context
    page = context.new_page()
    page.clock.install()
    page.goto(hall.url)
    expect(rated(page)).to_have_text("1")
    page.locator("details.how summary").click()
    hall.take(*ratings([5, 4]))
    page.clock.run_for(31_000)
    expect(rated(page)).to_have_text("3")
    hall.take(*ratings([3]))
    page.clock.run_for(31_000)
    expect(rated(page)).to_have_text("4")
    # What the reader had opened stays open.
    expect(page.locator("details.how")).to_have_attribute("open", "")


def test_when_the_session_has_ended_the_refresh_leads_to_the_sign_in(hall: Hall) -> None:
    page = hall.page().context.new_page()
    page.clock.install()
    page.goto(hall.url)
    expect(rated(page)).to_have_text("0")
    hall.context.store.credentials.remove_tokens_of("giam_doc", "session")
    page.clock.run_for(31_000)
    expect(page.locator("#password")).to_be_visible()


def test_departments_open_their_page_and_lead_back(hall: Hall) -> None:
    busy_day(hall)
    page = hall.page()
    page.get_by_role("link", name="Sở Tư pháp").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sở Tư pháp")
    expect(page.get_by_role("row", name=re.compile("Quầy 05"))).to_be_visible()
    page.get_by_role("link", name="Về bảng tổng hợp").click()
    expect(page.get_by_role("row", name=re.compile("Sở Y tế"))).to_be_visible()


def test_it_works_without_javascript(hall: Hall) -> None:
    hall.take(*ratings([5, 5, 5]), *ratings([1], channel="qr"))
    page = hall.page(java_script_enabled=False)
    page.locator("select[name=channel]").select_option("qr")
    page.get_by_role("button", name="Xem").click()
    expect(rated(page)).to_have_text("1")
    expect(page.locator("select[name=channel]")).to_have_value("qr")
    page.get_by_role("link", name="Ngày trước").click()
    expect(page.locator(".notice")).to_contain_text("Chưa có lượt đánh giá nào")
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.locator("#password")).to_be_visible()
