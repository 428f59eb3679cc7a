"""The pages of indices, published figures and method: on a screen, a phone, paper, by keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.aggregator.conftest import submission
from tests.browser.conftest import SIZES, Hall, busy_day
from tests.browser.test_dashboard_sizes import LOST

PATHS = [
    "/sipas",
    "/sipas?date=2020-01-01",
    "/business",
    "/business?date=2020-01-01",
    "/ddci",
    "/ddci?date=2020-01-01",
    "/published",
    "/method",
]
SMALL = (360, 740)
# A text is cut off where its box hides what sticks out of it, as a mark above a letter may.
CLIPPED = """() => [...document.querySelectorAll("main *")]
  .filter(e => e.checkVisibility() && !e.closest(".visually-hidden, .scroll, select"))
  .filter(e => ["hidden", "clip"].includes(getComputedStyle(e).overflowY))
  .filter(e => e.scrollHeight > e.clientHeight + 1)
  .map(e => e.outerHTML.slice(0, 80))"""


def quarter(hall: Hall) -> None:
    """Every department rated; firms enough for two of them to be ranked."""
    busy_day(hall)
    for department, code in (("so_noi_vu", 4), ("so_tu_phap", 1)):
        counter = hall.context.centre.department[department].counters[0].id
        answers: dict[str, int] = {f"b4_{number}": code for number in (1, 2, 3, 4)}
        answers |= {"b3_2": code // 4, "b3_3": 5 - code, "b5_1": 1 - code // 4, "b6_1": code}
        answers |= {"b7_1": code // 4, "b7_2": code, "b3_4": 5}
        place = {"survey": "business", "department": department, "counter": counter}
        hall.take(*(submission(answers=answers, **place) for _ in range(40)))


@pytest.mark.parametrize("size", [*SIZES, SMALL], ids=str)
def test_no_page_is_wider_than_its_screen(hall: Hall, size: tuple[int, int]) -> None:
    quarter(hall)
    page = hall.page(size)
    for path in PATHS:
        page.goto(hall.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
        assert page.evaluate(CLIPPED) == [], path


def test_on_a_screen_no_table_scrolls_sideways(hall: Hall) -> None:
    quarter(hall)
    page = hall.page()
    for path in PATHS:
        page.goto(hall.url + path)
        scrolling = page.evaluate("""() => [...document.querySelectorAll(".scroll")]
          .filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText.slice(0, 60))""")
        assert scrolling == [], path


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_text_at_twice_its_size_loses_nothing(hall: Hall, size: tuple[int, int]) -> None:
    quarter(hall)
    page = hall.page(size)
    for path in PATHS:
        page.goto(hall.url + path)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate(LOST) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path


@pytest.mark.parametrize(
    ("path", "figure", "told"),
    [
        ("/sipas", "48", "Số người trả lời ít nhất một câu"),
        ("/business", "44%", "hạng 3/63"),
        ("/published", "10.586", "9.974 + 583 + 29"),
        ("/ddci", "100,0", "min-max"),
        ("/method", "30", "Ngưỡng do Trung tâm đặt"),
    ],
)
def test_a_figure_tells_how_it_was_computed_on_the_page_itself(
    hall: Hall, path: str, figure: str, told: str
) -> None:
    quarter(hall)
    page = hall.page()
    page.goto(hall.url + path)
    page.evaluate("window.loadedOnce = true")
    page.locator("a.ask").filter(has_text=re.compile(f"^{figure}$")).first.click()
    panel = page.locator("#how")
    expect(panel).to_contain_text(told)
    assert page.evaluate("window.loadedOnce") is True
    panel.get_by_text("Đóng").click()
    expect(panel.get_by_role("heading")).to_have_count(0)


def test_a_figure_in_a_chart_can_be_asked(hall: Hall) -> None:
    page = hall.page()
    page.goto(hall.url + "/sipas")
    page.locator(".national a.ask").filter(has_text="80,08").click()
    expect(page.locator("#how")).to_contain_text("SIPAS cả nước năm 2022")


def test_the_period_is_chosen_without_a_script(hall: Hall) -> None:
    quarter(hall)
    page = hall.page(java_script_enabled=False)
    page.goto(hall.url + "/sipas")
    expect(page.locator(".card").first).to_contain_text("48")
    page.locator("select[name=channel]").select_option("qr")
    page.get_by_role("button", name="Xem").click()
    expect(page.locator(".notice.empty")).to_contain_text("Chưa có phiếu SIPAS nào")
    page.go_back()
    page.locator("a.ask").first.click()
    expect(page.locator("#how")).to_contain_text("Số người trả lời")


def test_bars_tell_their_levels_apart_in_grey(hall: Hall) -> None:
    """Neighbours on a bar differ in lightness, and so do the two sides' outer ends from paper."""
    quarter(hall)
    page = hall.page()
    page.goto(hall.url + "/sipas")
    page.emulate_media(media="print")
    expect(page.locator("svg.likert").first).to_be_visible()
    expect(page.locator(".legend")).to_be_visible()
    light = {
        level: _lightness(
            page.locator(f".likert .tone-{level}").first.evaluate("e => getComputedStyle(e).fill")
        )
        for level in (1, 2, 3, 4, 5)
    }
    assert abs(light[5] - light[4]) > 12
    assert abs(light[1] - light[2]) > 12
    assert max(light.values()) < 82


def _lightness(colour: str) -> float:
    """L* of an rgb() colour (CIE 1976), 0 black to 100 white."""
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


def test_the_table_of_contents_leads_to_its_part(hall: Hall) -> None:
    page = hall.page()
    page.goto(hall.url + "/method")
    page.get_by_role("link", name="Nhóm nhỏ").first.click()
    expect(page).to_have_url(re.compile("#small_groups$"))
    expect(page.get_by_role("heading", name="10. Nhóm nhỏ")).to_be_in_viewport()
    expect(page.locator(".contents")).to_be_in_viewport()


def test_the_pages_print_with_their_tables(hall: Hall) -> None:
    quarter(hall)
    page = hall.page()
    for path in ("/sipas", "/business", "/published", "/ddci", "/method"):
        page.goto(hall.url + path)
        page.emulate_media(media="print")
        for hidden in ("header.top", "#menu > nav:first-child"):
            expect(page.locator(hidden)).to_be_hidden()
        expect(page.locator("table").first).to_be_visible()
        page.set_viewport_size({"width": 718, "height": 1000})  # A4 with margins of 10 mm
        assert _too_wide(page) == [], path
        page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})


def _too_wide(page: Page) -> list[str]:
    found: list[str] = page.evaluate("""() => [...document.querySelectorAll("main table")]
      .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)
      .map(e => e.className + e.getBoundingClientRect().right)""")
    return found


def test_an_explanation_is_opened_and_closed_by_keyboard(hall: Hall) -> None:
    quarter(hall)
    page = hall.page()
    page.goto(hall.url + "/comparison")
    figure = page.locator("a.ask").nth(5)
    figure.focus()
    page.keyboard.press("Enter")
    panel = page.locator("#how")
    expect(panel.get_by_role("heading")).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel.get_by_role("heading")).to_have_count(0)
    expect(figure).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel.get_by_role("heading")).to_be_focused()
    page.keyboard.press("Tab")
    expect(panel.get_by_text("Đóng")).to_be_focused()
    page.keyboard.press("Enter")
    expect(figure).to_be_focused()
    page.keyboard.press("Escape")  # with nothing open it does nothing
    expect(figure).to_be_focused()


def test_an_explanation_that_came_with_the_page_closes_too(hall: Hall) -> None:
    page = hall.page()
    page.goto(hall.url + "/sipas?how=series.2022")
    expect(page.locator("#how")).to_contain_text("SIPAS cả nước năm 2022")
    page.keyboard.press("Escape")
    expect(page.locator("#how").get_by_role("heading")).to_have_count(0)


def test_another_kind_of_period_keeps_the_day_chosen(hall: Hall) -> None:
    page = hall.page()
    for kind, shown in (
        ("week", "tuần từ 23/11/2026"),
        ("month", "tháng 11/2026"),
        ("quarter", "quý IV năm 2026"),
        ("year", "năm 2026"),
        ("day", "ngày 23/11/2026"),
    ):
        page.locator("select[name=period]").select_option(kind)
        expect(page.locator(".when")).to_contain_text(shown)


def test_on_a_phone_the_figures_come_first(hall: Hall) -> None:
    quarter(hall)
    page = hall.page(SMALL)
    for path in ("/", "/comparison", "/business", "/trends"):
        page.goto(hall.url + path)
        for place in page.locator("#menu [aria-current]").all():
            expect(place).to_be_in_viewport(ratio=0.5)
        expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
        expect(page.locator("#filters")).to_be_hidden()
        height = page.locator("#menu").evaluate("e => e.getBoundingClientRect().height")
        assert height < 210, path  # six rows: they wrap, so that no door is out of sight
    page.goto(hall.url)
    page.get_by_text("Chọn số liệu").first.click()
    page.locator("select[name=period]").select_option("month")
    expect(page.locator(".when")).to_contain_text("tháng 11/2026")
    expect(page.locator("#filters")).to_be_visible()  # a reader may choose on


def test_on_a_phone_without_a_script_the_filters_are_open(hall: Hall) -> None:
    page = hall.page(SMALL, java_script_enabled=False)
    expect(page.locator("#filters")).to_be_visible()
