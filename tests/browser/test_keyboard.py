"""The keyboard in the page: Telex against Vietnamese words, sizes, and what it leaves in sight."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette

from kiosk.app import create_app
from kiosk.settings import Settings
from tests.browser.axe import violations
from tests.browser.conftest import complaints_of, lapse, settled
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE

pytestmark = pytest.mark.browser

UPRIGHT, LYING, HALL = (800, 1280), (1280, 800), (1080, 1920)
WORDS = (Path(__file__).parent / "vietnamese_words.txt").read_text("utf-8").split()

MARKS = {"\u0302": "circumflex", "\u0306": "w", "\u031b": "w"}
TONES = {"\u0300": "f", "\u0309": "r", "\u0303": "x", "\u0301": "s", "\u0323": "j"}


def telex(word: str, *, at_end: bool) -> str:
    """The Telex keys of a word: its marks where they stand, or all at the end of the syllable."""
    plain, marks, tone = "", "", ""
    for character in unicodedata.normalize("NFD", word.replace("đ", "dd").replace("Đ", "DD")):
        if character in TONES:
            tone = TONES[character]
        elif character in MARKS:
            key = "w" if MARKS[character] == "w" else plain[-1]
            # "ươ" is one w, after both letters.
            if at_end:
                marks = marks if key == "w" and marks else marks + key
            elif not (key == "w" and plain[-2:].lower() == "wo"):
                plain += key
            else:
                plain = f"{plain[:-2]}{plain[-1]}{key}"
        else:
            plain += character
    if word.isupper():
        marks, tone, plain = marks.upper(), tone.upper(), plain.upper()
    return plain + marks + tone


@pytest.fixture
def page(browser: Browser, serve: Servers) -> Iterator[Page]:
    """A touch screen; whatever its console complains of, the policy too, fails the test."""
    # With ``serve``, so that its servers outlive the page, which asks whether they are there.
    context = browser.new_context(has_touch=True, locale="vi-VN")
    page = context.new_page()
    complaints = complaints_of(page)
    yield page
    context.close()
    assert complaints == []


def kiosk(var: Path, **settings: Any) -> Starlette:
    return create_app(Settings(centre=CENTRE, var=var, counter="q05", **settings))


def thanks(page: Page, url: str, size: tuple[int, int] = UPRIGHT) -> None:
    """The thank-you, which asks for a comment."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(url)
    settled(page)
    page.locator(".rating").nth(1).tap()
    expect(page.locator(".follow-up")).to_be_visible()
    settled(page)


def touch_field(page: Page) -> None:
    page.locator("textarea").tap()
    expect(page.locator(".keys button").first).to_be_visible()


def rectangles(page: Page, which: str) -> list[dict[str, float]]:
    """Where elements are in the view."""
    found: list[dict[str, float]] = page.evaluate(
        "which => [...document.querySelectorAll(which)]"
        ".map((one) => one.getBoundingClientRect().toJSON())",
        which,
    )
    return found


def key(page: Page, name: str) -> None:
    page.locator(f'.keys button[data-skbtn="{name}"]').tap()


def typed(page: Page, keys: str) -> None:
    for letter in keys:
        if letter.isupper():
            key(page, "{shift}")
        key(page, "{space}" if letter == " " else letter)


def composed(page: Page, keys: list[str]) -> list[str]:
    """What each text becomes, key by key, by the module itself."""
    result: list[str] = page.evaluate(
        """async (all) => {
            const { compose } = await import("/static/js/telex.js");
            return all.map((keys) => [...keys].reduce(compose, ""));
        }""",
        keys,
    )
    return result


# Telex


@pytest.mark.parametrize("at_end", [False, True], ids=["at once", "at the end"])
def test_telex_writes_vietnamese(
    page: Page, serve: Servers, tmp_path: Path, *, at_end: bool
) -> None:
    page.goto(serve(kiosk(tmp_path)))
    # A tone may come last only where no two marks of one kind would meet: "aa" at an end is "â".
    words = [word for word in WORDS if not at_end or "đ" not in word or word[0] == "đ"]
    words += [word.capitalize() for word in words] + [word.upper() for word in words]
    keys = [telex(word, at_end=at_end) for word in words]
    written = composed(page, keys)
    wrong = [
        (key, got, word) for key, got, word in zip(keys, written, words, strict=True) if got != word
    ]
    assert wrong == []


# What keys become where one of them takes a mark back, or stands where no mark can.
TAKEN_BACK = {
    "aa": "â",
    "aaa": "aa",
    "eee": "ee",
    "ooo": "oo",
    "ddd": "dd",
    "aww": "aw",
    "oww": "ow",
    "tuww": "tuw",
    "ass": "as",
    "hoaff": "hoaf",
    "AAA": "AA",
    "www": "ww",
    "dduwowngww": "đuongww",
    "asz": "a",
    "hoafn": "hoàn",
    "hofan": "hoàn",
    "asf": "à",
    "aaw": "ă",
    "awa": "â",
    "xooong": "xoong",
    "did": "đi",
    "didd": "did",
    "http://www": "http://ww",
    "Wwindows": "Windows",
    "pleasse": "pleasse",
    "12s": "12s",
    "Vieejt Nam muoon nawm": "Việt Nam muôn năm",
}


def test_a_key_typed_again_takes_its_mark_back(page: Page, serve: Servers, tmp_path: Path) -> None:
    page.goto(serve(kiosk(tmp_path)))
    assert dict(zip(TAKEN_BACK, composed(page, list(TAKEN_BACK)), strict=True)) == TAKEN_BACK


# On the screen


def test_a_comment_is_typed_by_touch_and_sent(page: Page, serve: Servers, tmp_path: Path) -> None:
    app = kiosk(tmp_path)
    thanks(page, serve(app))
    page.evaluate(
        """() => {
            window.heard = [];
            document.addEventListener("input", (e) => window.heard.push(e.inputType));
        }"""
    )
    touch_field(page)
    typed(page, "Xin camr own")
    key(page, "{enter}")
    key(page, "{numbers}")
    typed(page, "19!")
    key(page, "{letters}")
    key(page, "{bksp}")
    field = page.locator("textarea")
    expect(field).to_have_value("Xin cảm ơn\n19")
    heard = page.evaluate("window.heard")
    assert heard.count("insertText") == len("Xin camr own") + 3
    assert heard[-1] == "deleteContentBackward"
    assert "insertLineBreak" in heard
    # In the middle of what is there, too.
    field.evaluate("field => field.setSelectionRange(3, 3)")
    typed(page, "h")
    expect(field).to_have_value("Xinh cảm ơn\n19")


def test_keys_with_marks_need_no_telex(page: Page, serve: Servers, tmp_path: Path) -> None:
    thanks(page, serve(kiosk(tmp_path)))
    touch_field(page)
    key(page, "{marks}")
    typed(page, "r")
    key(page, "â")
    typed(page, "t")
    key(page, "{tone_s}")
    typed(page, " ass")
    expect(page.locator("textarea")).to_have_value("rất ass")
    key(page, "{telex}")
    key(page, "{bksp}")
    expect(page.locator("textarea")).to_have_value("rất as")


def test_no_more_than_the_field_takes(page: Page, serve: Servers, tmp_path: Path) -> None:
    thanks(page, serve(kiosk(tmp_path)))
    page.locator("textarea").evaluate("field => { field.maxLength = 3; }")
    touch_field(page)
    typed(page, "abcd")
    expect(page.locator("textarea")).to_have_value("abc")
    key(page, "{bksp}")
    typed(page, "s")  # a tone makes it no longer: "ab" is no syllable, so the letter itself
    expect(page.locator("textarea")).to_have_value("abs")


@pytest.mark.parametrize("size", [UPRIGHT, LYING, HALL], ids=str)
def test_keys_are_large_and_the_field_stays_in_sight(
    page: Page, serve: Servers, tmp_path: Path, size: tuple[int, int]
) -> None:
    thanks(page, serve(kiosk(tmp_path)), size)
    touch_field(page)
    shift = page.locator('.keys button[data-skbtn="{shift}"]')
    expect(shift).to_have_count(1)
    _look_at_keys(page, size)
    key(page, "{marks}")
    expect(page.locator('.keys button[data-skbtn="{telex}"]')).to_have_count(1)
    expect(shift).to_have_count(1)
    _look_at_keys(page, size)
    key(page, "{numbers}")
    expect(shift).to_have_count(0)
    _look_at_keys(page, size)


def _look_at_keys(page: Page, size: tuple[int, int]) -> None:
    keys = rectangles(page, ".keys button")
    assert len(keys) > 30
    assert min(box["height"] for box in keys) >= 88
    # Ten keys stand side by side: in width they have all that the screen has.
    widest = max(box["x"] + box["width"] for box in keys)
    assert widest >= size[0] - 24 or size[0] > 1300
    assert min(box["width"] for box in keys) >= (60 if size == UPRIGHT else 85)
    gap = 12 if size[0] < size[1] else 8
    for one in keys:
        for other in keys:
            apart_x = max(one["x"], other["x"]) - min(
                one["x"] + one["width"], other["x"] + other["width"]
            )
            apart_y = max(one["y"], other["y"]) - min(
                one["y"] + one["height"], other["y"] + other["height"]
            )
            assert one is other or max(apart_x, apart_y) >= gap - 0.1
    # All at one moment: to the driver a fixed box moves with a page that is just being scrolled.
    [board], [field], [label] = (
        rectangles(page, which) for which in ("#keyboard", "textarea", "label[for=comment-input]")
    )
    assert label["y"] >= 0
    assert field["y"] + field["height"] <= board["y"]
    assert board["y"] + board["height"] == pytest.approx(size[1], abs=1)
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]


def test_the_keyboard_passes_axe(page: Page, serve: Servers, tmp_path: Path) -> None:
    thanks(page, serve(kiosk(tmp_path)))
    touch_field(page)
    assert violations(page) == []
    key(page, "{marks}")
    assert violations(page) == []


def test_closing_gives_the_page_its_length_back(page: Page, serve: Servers, tmp_path: Path) -> None:
    thanks(page, serve(kiosk(tmp_path)), LYING)
    length = page.evaluate("document.documentElement.scrollHeight")
    touch_field(page)
    page.get_by_role("button", name="Đóng bàn phím").tap()
    expect(page.locator("#keyboard")).to_be_hidden()
    expect(page.locator("textarea")).not_to_be_focused()
    assert page.evaluate("document.documentElement.scrollHeight") == length
    touch_field(page)
    page.keyboard.press("Escape")
    expect(page.locator("#keyboard")).to_be_hidden()


def test_a_tap_beside_the_field_closes_it_and_counts(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    thanks(page, serve(kiosk(tmp_path)))
    touch_field(page)
    typed(page, "oof")
    page.get_by_text("Công chức phục vụ", exact=True).tap()
    expect(page.locator("input:checked")).to_have_count(1)
    expect(page.locator("#keyboard")).to_be_hidden()
    expect(page.locator("textarea")).to_have_value("ồ")


def test_the_faces_load_nothing_of_it(page: Page, serve: Servers, tmp_path: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    thanks(page, serve(kiosk(tmp_path)))
    assert [one for one in asked if "keyboard" in one or "telex" in one] == []
    touch_field(page)
    assert {one.rpartition("/")[2].partition("?")[0] for one in asked} >= {
        "keyboard.js",
        "telex.js",
        "index.modern.esm.js",
        "touch-keyboard.css",
    }


def test_touches_on_keys_keep_the_screen(page: Page, serve: Servers, tmp_path: Path) -> None:
    page.clock.install()
    thanks(page, serve(kiosk(tmp_path, idle_seconds=120)))
    page.locator("textarea").tap()
    lapse(page, 1000)
    expect(page.locator(".keys button").first).to_be_visible()
    for _ in range(3):
        lapse(page, 70_000)
        typed(page, "a")
    lapse(page, 60_000)
    expect(page.locator(".follow-up")).to_be_visible()


# Whether it is shown


def test_never_is_not_even_on_the_page(page: Page, serve: Servers, tmp_path: Path) -> None:
    thanks(page, serve(kiosk(tmp_path, on_screen_keyboard="never")))
    page.locator("textarea").tap()
    expect(page.locator("textarea")).to_be_focused()
    expect(page.locator("#keyboard")).to_have_count(0)


def test_a_field_reached_by_keys_has_a_keyboard_already(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    url = serve(kiosk(tmp_path))
    thanks(page, url)
    page.keyboard.press("Tab")
    page.locator("textarea").focus()
    expect(page.locator("textarea")).to_be_focused()
    page.keyboard.type("x")
    expect(page.locator(".keys button")).to_have_count(0)


def test_always_is_shown_for_keys_too(page: Page, serve: Servers, tmp_path: Path) -> None:
    thanks(page, serve(kiosk(tmp_path, on_screen_keyboard="always")))
    page.locator("textarea").focus()
    expect(page.locator(".keys button").first).to_be_visible()


def test_a_keyboard_of_the_system_is_left_alone(page: Page, serve: Servers, tmp_path: Path) -> None:
    """A tablet's own keyboard takes a part of the view; then ours does not come, or goes."""
    url = serve(kiosk(tmp_path))
    thanks(page, url)
    touch_field(page)
    # It came late: the view becomes lower than the window.
    page.evaluate(
        """() => {
            Object.defineProperty(window.visualViewport, "height", { value: 700 });
            window.visualViewport.dispatchEvent(new Event("resize"));
        }"""
    )
    expect(page.locator("#keyboard")).to_be_hidden()
    page.locator("textarea").tap()
    expect(page.locator("textarea")).to_be_focused()
    expect(page.locator("#keyboard")).to_be_hidden()


def test_a_tablet_types_with_its_own(browser: Browser, serve: Servers, tmp_path: Path) -> None:
    agent = "Mozilla/5.0 (Linux; Android 14; Tab) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"
    context = browser.new_context(has_touch=True, user_agent=agent)
    page = context.new_page()
    thanks(page, serve(kiosk(tmp_path)))
    with page.expect_request("**/keyboard.js"):
        page.locator("textarea").tap()
    expect(page.locator("textarea")).to_be_focused()
    page.keyboard.type("x")
    expect(page.locator(".keys button")).to_have_count(0)
    context.close()
