"""Every page of the dashboard, marked as a demonstration, is without fault in axe's eyes."""

from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from aggregator.dashboard.app import SCREENS
from aggregator.dashboard.permissions import MAY, need_of
from tests.aggregator.conftest import over_days
from tests.browser.axe import CONTRAST, violations
from tests.browser.conftest import SIZES, Hall, busy_day

MORE = ["/?survey=sipas_2020", "/?survey=business", "/department/so_nong_nghiep", "/sipas/weighted"]
VERDICTS = {"Chưa đủ cơ sở kết luận có khác biệt", "Quá ít ngày"}
PATHS = [*(page.path for page in SCREENS if need_of(page.endpoint) in MAY["manager"]), *MORE]

PARTS = 4  # a test of all pages would take too long


@pytest.fixture(params=SIZES, ids=str)
def page(request: pytest.FixtureRequest, hall: Hall) -> Page:
    """A busy day's pages, with the band of a demonstration above each."""
    settings = hall.context.settings.model_copy(update={"demo": True})
    hall.app.state.context = replace(hall.context, settings=settings)
    busy_day(hall)
    return hall.page(request.param)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_screen_on_paper_too_its_explanations_and_its_empty_period(
    hall: Hall, page: Page, part: int
) -> None:
    found = {}
    for path in PATHS[part::PARTS]:
        page.goto(hall.url + path)
        expect(page.locator(".demo-band")).to_be_visible()
        wide = page.viewport_size == {"width": SIZES[0][0], "height": SIZES[0][1]}
        if wide:
            page.emulate_media(media="print")
            # Nobody taps paper: links may be as small as their text.
            paper = [one for one in violations(page) if not one.startswith("target-size:")]
            found[f"{path}, on paper"] = paper
            page.emulate_media(media="screen")
        asking = page.locator("main a.ask")
        if asking.count():  # the explanation is the page's own, beside all of it
            page.goto(f"{hall.url}{asking.first.get_attribute('href')}")
            expect(page.locator("#how dl")).to_be_visible()
        found[path] = violations(page)
        if wide:
            page.goto(f"{hall.url}{path}{'&' if '?' in path else '?'}date=2020-01-01")
            found[f"{path}, empty"] = violations(page)
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize("part", range(PARTS))
def test_in_the_dark_everything_stands_out_and_marks_of_charts_too(hall: Hall, part: int) -> None:
    """Marks are graphics, which axe does not look at: 3:1 by WCAG's formula."""
    busy_day(hall)
    page, found = hall.page(color_scheme="dark"), {}
    for path in PATHS[part::PARTS]:
        page.goto(hall.url + path)
        faint = [f"{mark} {ratio}" for mark, ratio in page.evaluate(MARKS) if ratio < 3]
        found[path] = violations(page, CONTRAST) + faint
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 25, 31)"
    assert {path: faults for path, faults in found.items() if faults} == {}


# Of each mark of the charts its class and its contrast with the paper behind it.
MARKS = """() => {
  const light = rgb => rgb.match(/[\\d.]+/g).slice(0, 3).map(n => n / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const paper = document.createElement("p");
  paper.className = "card";
  document.body.append(paper);
  const ground = light(getComputedStyle(paper).backgroundColor);
  paper.remove();
  const marks = "svg :is(.span, .point, .series, .dot, .reference, .middle)";
  return [...document.querySelectorAll(marks)].map(mark => {
      const style = getComputedStyle(mark);
      const hollow = mark.matches("line, polyline, .few .point");
      const drawn = light(hollow ? style.stroke : style.fill);
      const ratio = (Math.max(drawn, ground) + 0.05) / (Math.min(drawn, ground) + 0.05);
      return [mark.getAttribute("class"), ratio];
    }); }"""


@pytest.mark.parametrize("page", SIZES[:1], ids=str, indirect=True)
def test_every_verdict_is_a_link(hall: Hall, page: Page) -> None:
    seen = set()
    hall.take(*over_days([5]))
    for path in [*PATHS, "/comparison?survey=sipas_2020", "/trends?survey=sipas_2020"]:
        page.goto(hall.url + path)
        for mark in page.locator(".mark").all():
            words = mark.text_content() or ""
            assert mark.locator("a.ask").count() == 1, (path, words)
            seen |= {verdict for verdict in VERDICTS if verdict in words}
    assert seen == VERDICTS


def test_the_account_and_signing_in(hall: Hall, page: Page) -> None:
    found = {}
    page.goto(f"{hall.url}/account")
    found["account"] = violations(page)
    page.locator("#password").fill("one two three")
    page.locator("#again").fill("three two one")
    page.locator("main form button").first.click()
    expect(page.get_by_role("alert")).to_be_visible()
    found["account, passwords differ"] = violations(page)
    page.get_by_role("button", name="Đăng xuất", exact=True).click()
    expect(page.locator("#name")).to_be_visible()
    found["sign in"] = violations(page)
    page.locator("#name").fill("giam_doc")
    page.locator("#password").fill("wrong")
    page.locator("main form button").first.click()
    expect(page.get_by_role("alert")).to_be_visible()
    found["sign in, refused"] = violations(page)
    page.goto(f"{hall.url}/sign-in?changed")
    found["password changed"] = violations(page)
    page.goto(f"{hall.url}/sign-in/spent")  # 403
    found["link spent"] = violations(page)
    assert {path: faults for path, faults in found.items() if faults} == {}
    hall.complaints[:] = [line for line in hall.complaints if "status of 4" not in line]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nowhere", 404), ("/sign-out", 405), ("/?from=2026-01-02&to=2026-01-01", 400), ("/", 503)],
)
def test_error_pages(hall: Hall, page: Page, path: str, status: int) -> None:
    if status == 503:
        with hall.context.store.engine.begin() as connection:
            connection.execute(text("DROP TABLE submission"))
    answer: Any = page.goto(hall.url + path)
    assert answer.status == status
    expect(page.locator("#error")).to_be_visible()
    assert violations(page) == []
    hall.complaints[:] = [line for line in hall.complaints if f"status of {status}" not in line]


def test_what_a_table_does_differently_gives_way_to_paper_and_phone(hall: Hall, page: Page) -> None:
    heads = 'table tbody th[scope="row"]'
    narrow = page.evaluate("innerWidth") <= 640
    for path in ("/published", "/sipas", "/business", "/handling"):
        page.goto(hall.url + path)
        if narrow:
            widths = _least_widths(page, heads)
            assert widths <= {"144px", "176px"}, path  # 9 or 11 rem
        page.emulate_media(media="print")
        assert _least_widths(page, heads) <= {"158.74px"}, path  # 42 mm
        page.emulate_media(media="screen")


def _least_widths(page: Page, selector: str) -> set[str]:
    found = page.evaluate(
        "selector => [...document.querySelectorAll(selector)].map("
        "head => Math.round(parseFloat(getComputedStyle(head).minWidth) * 100) / 100 + 'px')",
        selector,
    )
    return set(found)
