"""A language made up for the test, in a real Chromium: on the touch screen and on the phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from kiosk.app import create_app
from kiosk.outbox import Outbox, body_of
from kiosk.settings import Settings
from surveys.definition import load_surveys
from tests.browser.conftest import complaints_of, lapse, settled
from tests.conftest import Servers
from tests.kiosk.added_language import CODE, NAME, said, write_language
from tests.kiosk.conftest import CENTRE, poster_code

SURVEYS = load_surveys()
SIZES = [(600, 960), (768, 1024), (1280, 800), (1080, 1920)]
RATING = SURVEYS["in_centre"].questions["rating"].text.vi


@pytest.fixture
def open_page(browser: Browser, serve: Servers) -> Iterator[Any]:
    """Opens pages; whatever their consoles complain of fails the test."""
    # With ``serve``, so that its servers outlive the pages, which ask whether they are there.
    opened: list[BrowserContext] = []
    heard: list[list[str]] = []

    def open_one(size: tuple[int, int], **options: Any) -> Page:
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height}, has_touch=True, **options
        )
        opened.append(context)
        page = context.new_page()
        heard.append(complaints_of(page))
        return page

    yield open_one
    for context in opened:
        context.close()
    assert not any(heard), heard


def settings(tmp_path: Path, **more: Any) -> Settings:
    folder = tmp_path / "languages"
    if not folder.exists():
        write_language(folder, SURVEYS.values(), ["questions.q2"])
        for code, name in (("qab", "Tày tạm"), ("qac", "Ƞəŵ"), ("qad", "Pasá tạm gọi")):
            (folder / code).mkdir()
            (folder / code / "language.toml").write_text(f'name = "{name}"\n', "utf-8")
    return Settings(centre=CENTRE, var=tmp_path, languages=folder, **more)


def stored(tmp_path: Path) -> list[dict[str, Any]]:
    outbox = Outbox(tmp_path / "kiosk" / "outbox.sqlite3")
    rows = [body_of(row) for row in outbox.pending(100)]
    outbox.close()
    return rows


def choose(page: Page, name: str) -> None:
    settled(page)
    page.locator(".languages summary").tap()
    page.locator(".languages-menu").get_by_text(name, exact=True).tap()


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_menu_of_languages_is_large_and_whole(
    open_page: Any, serve: Servers, tmp_path: Path, size: tuple[int, int]
) -> None:
    page = open_page(size)
    page.goto(serve(create_app(settings(tmp_path, counter="q05"))))
    settled(page)
    page.locator(".languages summary").tap()
    entries = page.locator(".languages-menu .corner")
    assert entries.all_inner_texts() == ["English", NAME, "Tày tạm", "Ƞəŵ", "Pasá tạm gọi"]
    for entry in entries.all():
        box = entry.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 60
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1]
        on_top = "e => { const b = e.getBoundingClientRect();"
        on_top += "return e === document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2) }"
        assert entry.evaluate(on_top)


@pytest.mark.browser
def test_an_open_menu_closes_by_itself_and_by_a_touch_elsewhere(
    open_page: Any, serve: Servers, tmp_path: Path
) -> None:
    page = open_page((1280, 800))
    page.clock.install()
    page.goto(serve(create_app(settings(tmp_path, counter="q05"))))
    settled(page)
    entry = page.locator(".languages-menu .corner").first
    page.locator(".languages summary").tap()
    expect(entry).to_be_visible()
    page.get_by_role("heading", level=1).tap(position={"x": 5, "y": 5})
    expect(entry).to_be_hidden()
    page.locator(".languages summary").tap()
    expect(entry).to_be_visible()
    page.keyboard.press("Escape")
    expect(entry).to_be_hidden()
    page.locator(".languages summary").tap()
    expect(entry).to_be_visible()
    lapse(page, 16_000)
    expect(entry).to_be_hidden()


@pytest.mark.browser
def test_a_visitor_of_the_touch_screen_walks_in_an_added_language(
    open_page: Any, serve: Servers, tmp_path: Path
) -> None:
    page = open_page((1080, 1920))
    page.goto(serve(create_app(settings(tmp_path))))
    choose(page, NAME)
    expect(page.locator("html")).to_have_attribute("lang", CODE)
    settled(page)
    page.get_by_text("Sở Tư pháp", exact=True).tap()
    expect(page.get_by_role("heading", name=said(RATING))).to_be_visible()
    settled(page)
    page.locator(".rating").nth(1).tap()
    expect(page.locator(".follow-up")).to_contain_text("«")
    settled(page)
    page.get_by_role("button", name=said("Trả lời phiếu đầy đủ")).tap()
    expect(page.locator(".step")).to_be_visible()
    whole, half = page.locator("#q1"), page.locator("#q2")
    expect(whole.locator("legend")).to_contain_text("«")
    assert whole.get_attribute("lang") is None
    assert half.get_attribute("lang") == "vi"
    assert "«" not in half.locator("legend").inner_text()
    assert "«" not in half.locator(".answer:not(.skip)").first.inner_text()
    expect(page.locator("html")).to_have_attribute("lang", CODE)


@pytest.mark.browser
def test_a_phone_walks_in_an_added_language(open_page: Any, serve: Servers, tmp_path: Path) -> None:
    phone = open_page((360, 740), locale="vi-VN")
    kiosk = create_app(settings(tmp_path))
    code = poster_code(tmp_path, "so_tu_phap", "q05")
    phone.goto(f"{serve(kiosk)}/f/{code}")
    phone.locator(".languages summary").tap()
    phone.locator(".languages-menu").get_by_text(NAME, exact=True).tap()
    expect(phone.locator("html")).to_have_attribute("lang", CODE)
    expect(phone.locator("legend").first).to_contain_text(said(RATING))
    phone.reload()
    phone.goto(phone.url.partition("?")[0])  # the cookie remembers
    expect(phone.locator("html")).to_have_attribute("lang", CODE)
    phone.locator("label.answer").first.tap()
    phone.get_by_role("button", name=said("Gửi đánh giá")).tap()
    expect(phone.locator(".done")).to_contain_text("«")
    assert [(one["language"], one["answers"]) for one in stored(tmp_path)] == [
        (CODE, {"rating": 5})
    ]
    choose(phone, "English")
    expect(phone.locator(".done")).to_contain_text("Your opinion has been recorded")
