"""The touch screen that nobody uses: it invites, sleeps at night, and a touch only wakes it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette

from kiosk.app import create_app
from kiosk.settings import Settings
from qr_images import draw
from tests.browser.axe import violations
from tests.browser.conftest import complaints_of, lapse, settled
from tests.browser.pictures import pixels_of
from tests.browser.test_faces import FAULTS, RESTED
from tests.browser.test_touch import LYING, UPRIGHT, stored
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE, NOW, Clock, poster_code

PUBLIC = "https://gopy.laichau.gov.vn"
NIGHT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # 22:00 at the centre


def kiosk(var: Path, moment: datetime = NOW, **settings: Any) -> Starlette:
    settings = {"counter": "q05", "public_url": PUBLIC, "rest_seconds": 120, **settings}
    return create_app(Settings(centre=CENTRE, var=var, **settings), clock=Clock(moment))


@pytest.fixture
def page(browser: Browser, serve: Servers) -> Iterator[Page]:
    # With ``serve``, so that its servers outlive the page, which asks whether they are there.
    context = browser.new_context(viewport=UPRIGHT, has_touch=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.clock.install()
    complaints = complaints_of(page)
    yield page
    context.close()
    assert complaints == []


def fall_asleep(page: Page, address: str) -> None:
    page.goto(address)
    settled(page)
    lapse(page, 122_000)
    expect(page.locator(".rest-screen")).to_be_visible()


@pytest.mark.browser
def test_the_start_rests_after_a_while_and_a_touch_wakes_it_without_rating(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.goto(serve(kiosk(tmp_path)))
    settled(page)
    face = page.get_by_role("button", name="Bình thường").bounding_box()
    assert face is not None
    x, y = face["x"] + face["width"] / 2, face["y"] + face["height"] / 2
    lapse(page, 100_000)
    page.touchscreen.tap(5, 5)  # whoever still reads may go on reading
    lapse(page, 100_000)
    expect(page.locator(".faces-screen")).to_be_visible()
    lapse(page, 25_000)
    expect(page.locator(".rest-screen")).to_be_visible()
    expect(page.locator(".rest-screen")).to_contain_text("Ông/Bà hài lòng ở mức nào")
    assert page.locator(".rating").count() == 0
    for _ in range(4):  # a hand that drums on the very place where a face will be
        page.touchscreen.tap(x, y)
    expect(page.locator(".faces-screen")).to_be_visible()
    assert stored(tmp_path) == []
    settled(page)
    page.touchscreen.tap(x, y)
    expect(page.locator(".thanks-screen")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize("counter", ["q05", ""], ids=["counter", "lobby"])
def test_the_resting_screen_shows_the_code_of_its_own_place(
    page: Page, serve: Servers, tmp_path: Path, counter: str
) -> None:
    fall_asleep(page, serve(kiosk(tmp_path, counter=counter)))
    department = "so_tu_phap" if counter else None
    address = f"{PUBLIC}/f/{poster_code(tmp_path, department, counter or None)}"
    code = page.get_by_role("img", name=address.removeprefix("https://"))
    expect(code).to_be_visible()
    expect(code.locator("path").last).to_have_attribute("d", draw(address).path)
    for size in (UPRIGHT, LYING, {"width": 600, "height": 960}, {"width": 960, "height": 600}):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert page.evaluate(
            """() => {
              const box = (name) => document.querySelector(name).getBoundingClientRect();
              const [words, code] = [box(".rest-words"), box(".rest-code")];
              const apart = words.bottom <= code.top || box(".rest-touch").right <= code.left;
              return apart && code.bottom <= innerHeight && code.right <= innerWidth
                && box(".rest-code svg").width >= 150
                && document.documentElement.scrollHeight <= innerHeight;
            }"""
        ), size
        seen = pixels_of(page.locator(".rest-code svg").screenshot(animations="disabled"))
        assert [one.text for one in zxingcpp.read_barcodes(seen)] == [address], size


@pytest.mark.browser
def test_no_code_is_shown_that_leads_a_phone_to_itself(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    fall_asleep(page, serve(kiosk(tmp_path, public_url="", host="127.0.0.1")))
    assert page.locator(".rest-code").count() == 0


@pytest.mark.browser
def test_outside_the_opening_hours_it_is_dark_until_it_is_touched(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    app = kiosk(tmp_path, NIGHT)
    fall_asleep(page, serve(app))
    expect(page.locator(".asleep")).to_have_css("background-color", "rgb(0, 0, 0)")
    assert page.locator(".scene, .rest-code").count() == 0
    page.touchscreen.tap(500, 500)
    expect(page.locator(".faces-screen")).to_be_visible()
    lapse(page, 122_000)
    expect(page.locator(".asleep")).to_be_visible()
    app.state.context.clock.moment = NOW  # the day begins
    lapse(page, 5 * 60_000 + 2_000)
    expect(page.locator(".scene")).to_be_visible()
    assert stored(tmp_path) == []


@pytest.mark.browser
def test_a_screen_in_use_and_one_that_may_not_never_rest(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.goto(serve(kiosk(tmp_path, rest_seconds=0)))
    lapse(page, 20 * 60_000)
    expect(page.locator(".faces-screen")).to_be_visible()
    page.goto(f"{serve(kiosk(tmp_path / 'lobby', counter='', idle_seconds=600))}/rate/so_y_te")
    settled(page)
    lapse(page, 200_000)
    expect(page.locator(".faces-screen")).to_be_visible()


@pytest.mark.browser
def test_what_stands_still_moves_a_little_and_stays_whole(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.goto(serve(kiosk(tmp_path, rest_seconds=0)))
    settled(page)
    page.evaluate("document.fonts.ready.then(() => true)")
    first = page.locator(".rating").first
    seen = set()
    for _ in range(6):
        box = first.bounding_box()
        assert box is not None
        seen.add((round(box["x"]), round(box["y"])))
        page.evaluate(RESTED, list(UPRIGHT.values()))
        assert page.evaluate(FAULTS) == []
        lapse(page, 61_000)
    across, down = ([place[axis] for place in seen] for axis in (0, 1))
    assert len(seen) >= 4
    assert 1 <= max(across) - min(across) <= 4
    assert 1 <= max(down) - min(down) <= 4
    here = first.bounding_box()
    lapse(page, 30_000)
    page.touchscreen.tap(5, 5)
    lapse(page, 50_000)  # nothing moves under a hand that was here a minute ago
    assert first.bounding_box() == here


@pytest.mark.browser
def test_the_picture_moves_quietly_or_not_at_all(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.goto(f"{serve(kiosk(tmp_path))}/rest")
    moving = "document.getAnimations().filter(one => one.playState === 'running').length"
    assert page.evaluate(moving) >= 5
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0


@pytest.mark.browser
@pytest.mark.parametrize("moment", [NOW, NIGHT], ids=["day", "night"])
def test_axe_finds_nothing(page: Page, serve: Servers, tmp_path: Path, moment: datetime) -> None:
    page.goto(f"{serve(kiosk(tmp_path, moment))}/rest")
    expect(page.locator(".rest-screen")).to_be_visible()
    assert violations(page) == []


@pytest.mark.browser
def test_keys_wake_it_too(page: Page, serve: Servers, tmp_path: Path) -> None:
    fall_asleep(page, serve(kiosk(tmp_path)))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".faces-screen")).to_be_visible()
    assert stored(tmp_path) == []
