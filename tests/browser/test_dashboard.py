"""The manager's page in a real browser: filter, Back, live figures, paper, phone, large text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from aggregator.app import create_app
from aggregator.context import Context
from aggregator.ingest import Ingest, Offer
from aggregator.migrations import migrate
from aggregator.settings import Settings
from aggregator.store import Store
from tests.aggregator.conftest import CENTRE, ratings, sipas, submission
from tests.conftest import Servers

NOW = datetime(2026, 11, 23, 1, 15, tzinfo=UTC)  # 08:15 at the centre, on a Monday
SIZES = [(1366, 768), (390, 844)]


@dataclass
class Hall:
    """A served aggregator and the browsers before it, each signed in and watched."""

    url: str
    context: Context
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    opened: list[BrowserContext] = field(default_factory=list)

    def take(self, *items: object) -> None:
        ingest = Ingest(
            self.context.store, self.context.surveys, self.context.centre, self.context.clock
        )
        [receipts] = ingest.accept([Offer(items, "en")])
        assert {receipt.status for receipt in receipts} == {"accepted"}

    def page(self, size: tuple[int, int] = SIZES[0], **options: Any) -> Page:
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="vi-VN", **options
        )
        self.opened.append(context)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.context.accounts.new_link("giam_doc", self.url))
        return page

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture
def hall(browser: Browser, serve: Servers, tmp_path: Path) -> Iterator[Hall]:
    """An aggregator on a SQLite file; whatever its pages complain about fails the test."""
    settings = Settings(centre=CENTRE, var=tmp_path)
    store = Store(settings.database)
    migrate(store.engine)
    store.close()
    app = create_app(settings, lambda: NOW)
    context: Context = app.state.context
    context.accounts.add_user("giam_doc", "manager")
    hall = Hall(serve(app), context, browser)
    yield hall
    for opened in hall.opened:
        opened.close()
    assert hall.complaints == []


def busy_day(hall: Hall) -> None:
    """Every department rated, every survey answered, and every verdict on the page."""
    for number, department in enumerate(hall.context.centre.departments):
        place = {"department": department.id, "counter": department.counters[0].id}
        codes = [5] * (20 + 9 * number) + [4, 3, 2, 1] * (number % 4)
        hall.take(*ratings(codes, **place))
        hall.take(*(sipas([5, 4, 3, 2, 1] * 4 + [5, 5], **place) for _ in range(3)))
        hall.take(submission(survey="business", answers={"b1_1": 4, "b3_3": 2}, **place))
    dossiers = [
        {"day": NOW.date(), "department": department.id, "dossiers": 1234}
        for department in hall.context.centre.departments
    ]
    hall.context.store.put_transactions(dossiers)


def rated(page: Page) -> Any:
    """The number on the first card."""
    return page.locator(".cards .card strong").first


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
    expect(page.locator(".cards")).to_have_count(0)
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


def test_when_the_session_has_ended_the_refresh_leads_to_the_door(hall: Hall) -> None:
    page = hall.page().context.new_page()
    page.clock.install()
    page.goto(hall.url)
    expect(rated(page)).to_have_text("0")
    hall.context.store.remove_tokens_of("giam_doc", "session")
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
    page.get_by_role("link", name="Kỳ trước").click()
    expect(page.locator(".notice")).to_contain_text("Chưa có lượt đánh giá nào")
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.locator("#password")).to_be_visible()


PATHS = [
    "/",
    "/?survey=sipas_2020",
    "/?survey=business",
    "/department/so_nong_nghiep",
    "/?date=2026-11-20",
    "/?from=2019-09-03&to=2020-05-12",
    "/account",
]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_page_is_wider_than_its_screen(hall: Hall, size: tuple[int, int]) -> None:
    busy_day(hall)
    page = hall.page(size)
    for path in PATHS:
        page.goto(hall.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_text_at_twice_its_size_loses_nothing(hall: Hall, size: tuple[int, int]) -> None:
    busy_day(hall)
    page = hall.page(size)
    for path in PATHS:
        page.goto(hall.url + path)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        # Outside the table's own scroll area nothing may stick out or be cut off.
        lost = page.evaluate(LOST)
        assert not lost, (path, lost)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path


LOST = """() => [...document.querySelectorAll("main *, header.top *")]
  .filter(e => !e.closest(".scroll, svg, select, .visually-hidden") && e.checkVisibility())
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1
            || e.getBoundingClientRect().left < -1)
  .map(e => e.outerHTML.slice(0, 80))"""


def sheets(page: Page) -> int:
    pdf = page.pdf(prefer_css_page_size=True)
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@pytest.mark.parametrize(
    "path", ["/", "/?lang=en", "/?survey=sipas_2020", "/?measure=very_satisfied"]
)
def test_a_busy_day_prints_on_one_sheet_of_a4(hall: Hall, path: str) -> None:
    busy_day(hall)
    page = hall.page()
    page.goto(hall.url + path)
    assert sheets(page) == 1


def test_the_printed_sheet_says_what_it_is_and_leaves_the_buttons_out(hall: Hall) -> None:
    busy_day(hall)
    page = hall.page()
    page.emulate_media(media="print")
    expect(page.get_by_text("PHIẾU TỔNG HỢP ĐÁNH GIÁ")).to_be_visible()
    expect(page.get_by_text("Người lập phiếu")).to_be_visible()
    expect(page.get_by_text("In lúc 08:15 ngày 23/11/2026")).to_be_visible()
    for hidden in ("form.filters", "header.top", ".steps"):
        expect(page.locator(hidden)).to_be_hidden()


def test_the_print_button_prints(hall: Hall) -> None:
    page = hall.page()
    page.evaluate("window.print = () => { window.printed = true }")
    page.get_by_role("button", name="In phiếu").click()
    assert page.evaluate("window.printed") is True


def test_the_keyboard_reaches_everything(hall: Hall) -> None:
    page = hall.page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Đến nội dung chính")).to_be_focused()
    expect(page.get_by_role("link", name="Đến nội dung chính")).to_be_in_viewport()
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim()"))
    assert {"English", "Đăng xuất", "Xem", "Sở Tư pháp", "In phiếu", "Tải dữ liệu (CSV)"} <= reached
