"""The manager's page on a screen, a phone and paper, in large text and by keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from aggregator.dashboard.app import SCREENS
from tests.aggregator.conftest import ratings
from tests.browser.conftest import SIZES, Hall, busy_day

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
    for path in [*PATHS, *(screen.path for screen in SCREENS if screen.path != "/audit")]:
        page.goto(hall.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
        for place in page.locator("nav.screens a").all():
            expect(place).to_be_in_viewport(ratio=1)  # no row of the menu hides any


def test_on_a_projector_everything_is_larger_and_nothing_sticks_out(hall: Hall) -> None:
    busy_day(hall)
    page = hall.page((1920, 1080))
    for path in [*PATHS, "/comparison?period=month", "/trends", "/documents"]:
        page.goto(hall.url + path)
        assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 20
        assert not page.evaluate(LOST), path
        assert page.evaluate("document.documentElement.scrollWidth") <= 1920, path


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
    hall.take(*ratings([5, 4], department=None, counter=None))
    page = hall.page()
    page.goto(hall.url + path)
    _mark_as_demonstration(page)
    assert sheets(page) == 1


def _mark_as_demonstration(page: Page) -> None:
    """Put the band of a demonstration above the page, which takes room on paper too."""
    page.evaluate("""() => document.body.prepend(
        Object.assign(document.createElement("p"), {className: "demo-band", textContent: "DEMO"}))
    """)


def test_the_demonstration_is_marked_in_print_without_its_background(hall: Hall) -> None:
    page = hall.page()
    _mark_as_demonstration(page)
    page.emulate_media(media="print")
    band = page.locator(".demo-band")
    expect(band).to_be_visible()
    expect(band).to_have_css("color", "rgb(0, 0, 0)")


def test_the_highlighted_card_stands_in_line_with_the_others(hall: Hall) -> None:
    page = hall.page()
    tops = page.evaluate(
        "[...document.querySelectorAll('.card dt')].map(e => e.getBoundingClientRect().top)"
    )
    assert len(tops) == 5
    assert max(tops) - min(tops) < 1


def test_the_axis_stays_within_its_column(hall: Hall) -> None:
    busy_day(hall)
    page = hall.page()
    outside = page.evaluate("""() => {
      const column = document.querySelector("th.chart").getBoundingClientRect();
      return [...document.querySelectorAll(".axis text")].map(e => e.getBoundingClientRect())
        .filter(r => r.left < column.left || r.right > column.right).length }""")
    assert outside == 0


def test_the_printed_sheet_says_what_it_is_and_leaves_the_buttons_out(hall: Hall) -> None:
    busy_day(hall)
    page = hall.page()
    page.emulate_media(media="print")
    expect(page.get_by_text("BẢNG TỔNG HỢP ĐÁNH GIÁ (NỘI BỘ)")).to_be_visible()
    expect(page.get_by_text("Bản in nội bộ")).to_be_visible()
    # The sheet has one heading: its own, in the place of the page's.
    expect(page.get_by_role("heading", level=1)).to_have_text("BẢNG TỔNG HỢP ĐÁNH GIÁ (NỘI BỘ)")
    expect(page.get_by_text("In lúc 08:15 ngày 23/11/2026")).to_be_visible()
    for hidden in ("form.filters", "header.top", ".steps"):
        expect(page.locator(hidden)).to_be_hidden()


def test_the_print_button_prints(hall: Hall) -> None:
    page = hall.page()
    page.evaluate("window.print = () => { window.printed = true }")
    page.get_by_role("button", name="In trang").click()
    assert page.evaluate("window.printed") is True


def test_the_keyboard_reaches_everything(hall: Hall) -> None:
    page = hall.page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Đến nội dung chính")).to_be_focused()
    expect(page.get_by_role("link", name="Đến nội dung chính")).to_be_in_viewport()
    reached = set()
    for _ in range(90):  # every figure can be asked, so every figure is reached
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim()"))
    wanted = {"English", "Đăng xuất", "Xem", "Sở Tư pháp", "In trang", "Tải phiếu trả lời (CSV)"}
    assert wanted <= reached
