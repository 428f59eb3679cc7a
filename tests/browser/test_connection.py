"""A touch screen whose server goes away: the screen says so by itself, and comes back by itself."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from starlette.applications import Starlette

from kiosk.app import create_app
from kiosk.settings import Settings
from surveys.centre import Centre, load_definitions
from tests.browser.conftest import settled
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE

LYING = {"width": 1280, "height": 800}
NOTICED_MS = 10_000
BACK_MS = 15_000
GROUND = "getComputedStyle(document.querySelector('.top')).backgroundColor"


@pytest.fixture
def screen(browser: Browser, serve: Servers) -> Iterator[BrowserContext]:
    # With ``serve``, so that its servers outlive the page, which asks whether they are there.
    context = browser.new_context(viewport=LYING, has_touch=True)  # type: ignore[arg-type]
    yield context
    context.close()


def kiosk(var: Path, **settings: Any) -> Starlette:
    return create_app(Settings(centre=CENTRE, var=var, counter="q05", **settings))


def kept(page: Page) -> None:
    """Waits until the service worker has everything that it may have to show."""
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")


def boxes(page: Page) -> Any:
    """Where the answers are, and whether each can be pressed in its middle."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".rating, a")].map((one) => {
          const {x, y, width, height} = one.getBoundingClientRect();
          const top = document.elementFromPoint(x + width / 2, y + height / 2);
          return [x, y, width, height, one.contains(top)];
        })"""
    )


@pytest.mark.browser
@pytest.mark.parametrize(
    ("language", "words"), [("vi", "Máy đang kết nối lại"), ("en", "The screen is reconnecting")]
)
def test_an_untouched_screen_says_that_its_server_is_gone(
    screen: BrowserContext, serve: Servers, tmp_path: Path, language: str, words: str
) -> None:
    page = screen.new_page()
    address = serve(kiosk(tmp_path))
    page.goto(address)
    if language == "en":  # chosen in place: the page around the screen stays Vietnamese
        page.get_by_text("English").tap()
        expect(page.locator("html")).to_have_attribute("lang", "en")
    said = page.locator(".connection")
    settled(page)
    before = boxes(page)
    serve.stop(address)
    expect(said).to_be_visible(timeout=NOTICED_MS)
    expect(said).to_contain_text(words)
    expect(page.locator("#offline")).to_be_hidden()
    assert boxes(page) == before
    assert all(box[-1] for box in before)
    serve(kiosk(tmp_path), port=int(address.rpartition(":")[2]))
    expect(said).to_be_hidden(timeout=BACK_MS)


@pytest.mark.browser
def test_a_server_that_takes_connections_and_says_nothing_is_gone_too(
    screen: BrowserContext, serve: Servers, tmp_path: Path
) -> None:
    page = screen.new_page()
    address = serve(kiosk(tmp_path))
    page.goto(address)
    kept(page)
    serve.stop(address)
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
        expect(page.locator(".connection")).to_be_visible(timeout=NOTICED_MS)


@pytest.mark.browser
def test_an_open_screen_takes_a_change_of_the_centre_over_by_itself(
    screen: BrowserContext, serve: Servers, tmp_path: Path
) -> None:
    page = screen.new_page()
    page.clock.install()
    address = serve(kiosk(tmp_path))
    page.goto(address)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    expect(page.locator("body")).to_have_attribute("data-rest", "120")
    centre, surveys = load_definitions(CENTRE)
    hall = surveys["in_centre"].model_dump(mode="json")
    text = {"vi": "Hôm nay Ông/Bà thấy thế nào?", "en": "How was it today?"}
    hall["factors"][0]["questions"][0]["text"] = text
    whole = centre.model_dump(mode="json", exclude_defaults=True)
    asked = {"surveys": [hall], "touch_screen": {"rest_seconds": 300}}
    changed = Centre.model_validate({**whole, **asked})
    settings = Settings(centre=CENTRE, var=tmp_path, counter="q05")
    serve.stop(address)
    serve(create_app(settings, centre=changed), port=int(address.rpartition(":")[2]))
    page.locator("h1").tap()  # somebody is there
    with page.expect_response("**/alive"):
        page.clock.run_for(4_000)
    expect(page.locator("h1")).to_contain_text("Ông/Bà hài lòng ở mức nào")
    with page.expect_navigation():
        for _ in range(3):
            with page.expect_response("**/alive"):
                page.clock.run_for(4_000)
    expect(page.locator("h1")).to_contain_text("Hôm nay Ông/Bà thấy thế nào?")
    expect(page.locator("body")).to_have_attribute("data-rest", "300")
    page.locator(".rating").first.tap()
    expect(page.locator(".thanks-screen")).to_be_visible()


@pytest.mark.browser
def test_the_heartbeat_is_no_touch(screen: BrowserContext, serve: Servers, tmp_path: Path) -> None:
    page = screen.new_page()
    page.clock.install()
    page.goto(serve(kiosk(tmp_path, idle_seconds=45)) + "/?lang=en")
    with page.expect_response("**/alive"):
        page.clock.run_for(40_000)
    expect(page.locator(".countdown")).to_be_visible()
    page.clock.run_for(6_000)
    expect(page.locator("html")).to_have_attribute("lang", "vi")


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/", "/farewell", "/nowhere"])
def test_the_browsers_own_error_page_never_stays(
    screen: BrowserContext, serve: Servers, tmp_path: Path, path: str
) -> None:
    page = screen.new_page()
    address = serve(kiosk(tmp_path))
    page.goto(address)
    kept(page)
    ground = page.evaluate(GROUND)
    serve.stop(address)
    page.close()
    page = screen.new_page()
    page.goto(address + path)
    expect(page.locator(".away-screen h1")).to_have_text("Xin chờ một chút")
    expect(page.get_by_text("The screen is reconnecting")).to_be_visible()
    assert page.evaluate(
        "document.fonts.ready.then(() => document.fonts.check('1em Be Vietnam Pro'))"
    )
    assert page.evaluate(GROUND) == ground  # the stylesheets are kept as well
    serve(kiosk(tmp_path), port=int(address.rpartition(":")[2]))
    expect(page.locator(".rating").first).to_be_visible(timeout=BACK_MS)


@pytest.mark.browser
def test_a_new_version_replaces_the_screens_that_are_kept(
    screen: BrowserContext, serve: Servers, tmp_path: Path
) -> None:
    page = screen.new_page()
    address = serve(kiosk(tmp_path))
    page.goto(address)
    kept(page)
    [before] = page.evaluate("caches.keys()")
    serve.stop(address)
    serve(kiosk(tmp_path, demo=True), port=int(address.rpartition(":")[2]))
    assert page.evaluate(
        """async (before) => {
          for (let left = 200; left > 0; left -= 1) {
            const names = await caches.keys();
            if (names.length === 1 && names[0] !== before) return true;
            await new Promise((done) => { setTimeout(done, 50); });
          }
          return false;
        }""",
        before,
    )


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/", "/?lang=en"])
def test_nothing_is_covered_where_nobody_pressed_anything(
    screen: BrowserContext, serve: Servers, tmp_path: Path, path: str
) -> None:
    """The clock asks for the resting screen, or for the start, of a server that is away."""
    page = screen.new_page()
    page.clock.install()
    address = serve(kiosk(tmp_path, idle_seconds=45, rest_seconds=60))
    page.goto(address + path)
    kept(page)
    serve.stop(address)
    with page.expect_event("requestfailed", lambda one: not one.url.endswith("/alive")):
        page.clock.run_for(62_000)
    expect(page.locator(".connection")).to_be_visible()
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator(".countdown")).to_be_hidden()
    for face in page.locator(".rating").all():
        face.tap(trial=True)  # waits until the face would get it
    serve(kiosk(tmp_path, idle_seconds=45), port=int(address.rpartition(":")[2]))
    with page.expect_response("**/alive"):
        page.clock.run_for(5_000)
    expect(page.locator(".connection")).to_be_hidden()
    expect(page.locator("html")).to_have_attribute("lang", "vi")


@pytest.mark.browser
def test_the_resting_screen_says_so_too(
    screen: BrowserContext, serve: Servers, tmp_path: Path
) -> None:
    page = screen.new_page()
    address = serve(kiosk(tmp_path))
    page.goto(f"{address}/rest")
    serve.stop(address)
    expect(page.locator(".connection")).to_be_visible(timeout=NOTICED_MS)
    expect(page.locator(".connection")).to_contain_text("reconnecting")
