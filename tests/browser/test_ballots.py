"""A clerk types ballots with the number keys alone: few keys, nothing lost, the focus stays."""

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from aggregator.intake.ballots.entering import BallotDesk
from aggregator.intake.ballots.serials import scanned, written
from aggregator.intake.ingest import Ingest
from tests.aggregator.conftest import stored
from tests.browser.axe import violations
from tests.browser.conftest import NOW, SIZES, Hall

pytestmark = pytest.mark.browser
PRINTED = 20
MOST_KEYS = 8  # for a rating with a reason: four of the serial, rating, reason, and Enter


def batch_of(hall: Hall, survey: str = "in_centre", place: str = "q05") -> int:
    context = hall.context
    ingest = Ingest(context.store, context.surveys, context.centre, context.clock)
    desk = BallotDesk(context.store, ingest, context.centre, "vi", NOW)
    return desk.make("Hòm sảnh", context.surveys[survey], place, date(2026, 11, 23), PRINTED, "an")


def opened(hall: Hall, batch: int, size: tuple[int, int] = SIZES[0]) -> Page:
    page = hall.page(size)
    page.goto(f"{hall.url}/ballots/{batch}/enter")
    expect(page.locator(".ballot-entry .now #serial")).to_be_focused()
    return page


def keys(page: Page, typed: str) -> int:
    """Press keys, "⏎" for Enter and "←" for Backspace; how many there were."""
    names = {"⏎": "Enter", "←": "Backspace"}
    for key in typed:
        page.keyboard.press(names.get(key, key))
    return len(typed)


def saved(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def test_a_ballot_takes_few_keys_and_no_mouse(hall: Hall) -> None:
    batch = batch_of(hall)
    page = opened(hall, batch)
    assert violations(page) == []
    assert keys(page, written(batch, PRINTED, 3) + "53⏎") <= MOST_KEYS
    saved(page, "Đã lưu phiếu 003-")
    expect(page.locator("#serial")).to_be_focused()
    # The next one in the order of the pile: Enter takes its number.
    assert keys(page, "⏎4⏎") == 3
    saved(page, "Đã lưu phiếu 004-")
    # Enter at the first question is a blank ballot, minus an invalid one; each asks once more.
    keys(page, "⏎⏎")
    expect(page.get_by_role("alert").filter(has_text="Phiếu trắng")).to_be_visible()
    keys(page, "⏎")
    saved(page, "Đã lưu phiếu 005-")
    keys(page, "⏎3-⏎")
    saved(page, "Đã lưu phiếu 006-")
    expect(page.locator(".ballot-last li")).to_have_count(4)
    expect(page.locator(".ballot-last")).to_contain_text("Phiếu không hợp lệ")
    assert [row.answers for row in stored(hall.context.store)] == [
        {"rating": 5, "reasons": [3]},
        {"rating": 4},
    ]


def test_a_wrong_key_is_told_and_backspace_goes_back(hall: Hall) -> None:
    batch = batch_of(hall)
    page = opened(hall, batch)
    said = page.locator(".ballot-said")
    wrong = written(batch, PRINTED, 3)[:-1] + str((int(written(batch, PRINTED, 3)[-1]) + 1) % 10)
    keys(page, wrong)
    expect(said).to_contain_text("không đúng")
    expect(page.locator("#serial")).to_have_value("")
    keys(page, "⏎7")
    expect(said).to_contain_text("Phím 7")
    keys(page, "2")
    expect(page.locator('[id="a.reasons"]')).to_be_focused()
    keys(page, "←4")
    expect(page.locator('[id="a.rating"]')).to_have_value("4")
    keys(page, "131")
    expect(page.locator('[id="a.reasons"]')).to_have_value("3")
    # Backspace at an empty start opens the ballot that was typed last.
    keys(page, "⏎")
    saved(page, "Đã lưu phiếu 001-")
    keys(page, "←")
    expect(page.locator('[id="a.rating"]')).to_have_value("4")
    expect(page.locator('[id="a.rating"]')).to_be_focused()  # the page is ready for keys
    keys(page, "5⏎")
    saved(page, "Đã sửa phiếu 001-")
    assert [row.answers for row in stored(hall.context.store)] == [{"rating": 5, "reasons": [3]}]


def test_the_focus_is_never_lost_and_a_scanner_types_the_code(hall: Hall) -> None:
    batch = batch_of(hall)
    page = opened(hall, batch)
    page.locator("h1").click()
    keys(page, scanned(batch, PRINTED, 7) + "⏎")
    expect(page.locator('[id="a.rating"]')).to_be_focused()
    page.evaluate("document.activeElement.blur()")
    keys(page, "4")
    page.locator("header.top").click(position={"x": 600, "y": 5})
    keys(page, "2⏎")
    saved(page, "Đã lưu phiếu 007-")
    keys(page, scanned(batch + 1, PRINTED, 7) + "⏎")
    expect(page.get_by_text("không phải lô đang nhập")).to_be_visible()
    hall.complaints.clear()  # the browser tells of the answer 422


def test_a_cut_network_loses_no_ballot_and_counts_none_twice(hall: Hall) -> None:
    batch = batch_of(hall)
    page = opened(hall, batch)
    page.context.set_offline(True)
    keys(page, "⏎52⏎")
    expect(page.get_by_role("alert").filter(has_text="Mất kết nối")).to_be_visible()
    expect(page.locator('[id="a.rating"]')).to_have_value("5")
    page.context.set_offline(False)
    keys(page, "⏎")
    saved(page, "Đã lưu phiếu 001-")
    # The ballot comes in, and its answer is cut off: sent again it is the same one.
    cut = [True]

    def once(route: object) -> None:
        if cut.pop() if cut else False:
            route.fetch(max_redirects=0)  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route(f"**/ballots/{batch}/enter", once)
    keys(page, "⏎4⏎")
    expect(page.get_by_role("alert").filter(has_text="Mất kết nối")).to_be_visible()
    keys(page, "⏎")
    saved(page, "Đã lưu phiếu 002-")
    assert [row.answers["rating"] for row in stored(hall.context.store)] == [5, 4]
    hall.complaints.clear()  # the browser tells of what was cut


def test_what_a_quick_hand_types_while_a_ballot_is_saved_is_the_next_ones(hall: Hall) -> None:
    batch = batch_of(hall)
    page = opened(hall, batch)
    keys(page, "⏎51⏎⏎42⏎⏎33⏎")
    saved(page, "Đã lưu phiếu 003-")
    found = [row.answers["rating"] for row in stored(hall.context.store)]
    assert found == [5, 4, 3]


def test_the_whole_sipas_form_by_keys_and_a_comment(hall: Hall) -> None:
    batch = batch_of(hall, "sipas_2020", "asked")
    page = opened(hall, batch)
    # Department, 22 criteria of which one is unanswered, six questions of the profile.
    keys(page, "⏎03" + "4" * 21 + "0" + "123112")
    expect(page.get_by_role("button", name="Lưu phiếu")).to_be_focused()
    assert violations(page) == []
    keys(page, "+")
    page.keyboard.type("Cần thêm ghế")
    keys(page, "⏎")
    saved(page, "Đã lưu phiếu 001-")
    [row] = stored(hall.context.store)
    assert row.department == hall.context.centre.departments[2].id
    assert (len(row.answers), row.comment) == (27, "Cần thêm ghế")


@pytest.mark.parametrize("size", SIZES)
def test_the_pages_fit_and_are_accessible(
    hall: Hall, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    batch = batch_of(hall)
    page = opened(hall, batch, size)
    keys(page, "⏎53⏎")
    saved(page, "Đã lưu phiếu 001-")
    check: Callable[[], int] = lambda: page.evaluate(  # noqa: E731
        "document.documentElement.scrollWidth - innerWidth"
    )
    for path in (f"{batch}/enter", f"{batch}/again", f"{batch}", ""):
        page.goto(f"{hall.url}/ballots/{path}".rstrip("/"))
        assert violations(page) == [], path
        assert check() <= 0, path
