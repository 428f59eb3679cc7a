"""The helps at the lower edge: each does what it says, favours no answer and is forgotten."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.axe import OPTIONS, violations
from tests.browser.conftest import lapse, settled
from tests.browser.test_touch import kiosk, stored, tap
from tests.conftest import Servers

MODES = {
    "text": ("Chữ lớn", "large"),
    "contrast": ("Tương phản", "high"),
    "position": ("Hạ thấp", "low"),
    "pictures": ("Chỉ hình", "only"),
    "hand": ("Tay trái", "left"),
}
# A screen is parted into its pages in the frame after a change of size.
LAID_OUT = """() => document.fonts.ready.then(() => new Promise((done) => {
  const frames = (left) => (left ? requestAnimationFrame(() => frames(left - 1)) : done(true));
  frames(3);
}))"""
SIZES = [(1280, 800), (800, 1280), (1080, 1920), (1920, 1080), (768, 1024), (600, 1024), (960, 600)]

# What is wrong with the answers of one question, which must be equal: a sentence for each fault.
UNEQUAL = """() => {
  const faults = [];
  const bar = document.querySelector(".tools").getBoundingClientRect();
  const faces = document.querySelector(".rating");
  if (faces && bar.bottom > innerHeight + 1) faults.push("the helps are out of sight");
  if (document.documentElement.scrollWidth > innerWidth) faults.push("it scrolls sideways");
  for (const tool of document.querySelectorAll(".tool:not([hidden])")) {
    const box = tool.getBoundingClientRect();
    if (box.height < 50 || box.width < 60) faults.push(`a small help: ${box.width} ${box.height}`);
    if (tool.scrollWidth > tool.clientWidth + 1 || tool.scrollHeight > tool.clientHeight + 1
      || box.left < 0 || box.right > innerWidth) faults.push(`${tool.textContent} is cut`);
  }
  const groups = [document.querySelectorAll(".rating")];
  for (const one of document.querySelectorAll(".question .answers")) {
    groups.push(one.querySelectorAll(".answer:not(.skip)"));
  }
  for (const answers of groups) {
    const boxes = [...answers].map((one) => one.getBoundingClientRect());
    const areas = boxes.map((box) => box.width * box.height);
    if (Math.max(...areas) > 1.02 * Math.min(...areas)) faults.push(`unequal: ${areas}`);
    for (const box of boxes) {
      if (box.bottom > bar.top && answers[0].matches(".rating")) faults.push("behind the helps");
    }
  }
  return faults;
}"""

# Whatever can be touched and is in sight, and does not lie in the lower half.
HIGH_UP = """() => [...document.querySelectorAll("a[href], button, .answer, textarea")]
  .filter((one) => one.checkVisibility() && !one.matches(".visually-hidden")
    && !one.closest(".countdown")
    && one.getBoundingClientRect().top < innerHeight / 2 - 1)
  .map((one) => one.outerHTML.slice(0, 80))"""


@pytest.fixture
def page(browser: Browser, serve: Servers) -> Iterator[Page]:
    # With ``serve``, so that its servers outlive the page, which asks whether they are there.
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, has_touch=True, locale="vi-VN"
    )
    yield context.new_page()
    context.close()


def turn(page: Page, mode: str) -> Locator:
    settled(page)
    button = page.locator(f".tool[data-mode={mode}]")
    before = button.get_attribute("aria-pressed") == "true"
    expect(button).not_to_have_css("pointer-events", "none")
    button.tap()
    expect(button).to_have_attribute("aria-pressed", "false" if before else "true")
    return button


def modes_of(page: Page) -> dict[str, str]:
    found: dict[str, str] = page.evaluate("({...document.documentElement.dataset})")
    return {mode: value for mode, value in found.items() if mode in MODES}


def walk(page: Page) -> Iterator[str]:
    """The screens after the start, one after another, by name."""
    tap(page, "Sở Tư pháp")
    expect(page.locator(".rating").first).to_be_visible()
    settled(page)
    yield "faces"
    page.locator(".rating").nth(3).tap()
    expect(page.locator(".thanks-screen")).to_be_visible()
    settled(page)
    yield "thanks"
    survey = page.locator("button[value=survey]")
    if not survey.is_visible():
        return  # pictures ask for no more
    survey.tap()
    expect(page.locator(".step-screen")).to_be_visible()
    settled(page)
    yield "step"


@pytest.mark.browser
@pytest.mark.parametrize("mode", MODES)
def test_a_mode_favours_no_answer_and_has_no_fault_in_axes_eyes(
    page: Page, serve: Servers, tmp_path: Path, mode: str
) -> None:
    page.goto(serve(kiosk(tmp_path)))
    words, value = MODES[mode]
    button = turn(page, mode)
    expect(button).to_have_accessible_name(words)
    expect(button).to_have_attribute("aria-pressed", "true")
    assert modes_of(page) == {mode: value}
    found = {"tiles": violations(page)}
    for screen in walk(page):
        expect(button).to_have_attribute("aria-pressed", "true")
        assert modes_of(page) == {mode: value}
        found[screen] = violations(page)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(LAID_OUT)
            found[f"{screen} {width}x{height}"] = page.evaluate(UNEQUAL)
            if mode == "position":
                found[f"{screen} {width}x{height} high up"] = page.evaluate(HIGH_UP)
        page.set_viewport_size({"width": 1280, "height": 800})
    assert {screen: faults for screen, faults in found.items() if faults} == {}
    turn(page, mode)
    expect(button).to_have_attribute("aria-pressed", "false")
    assert modes_of(page) == {}


# What is in sight of an element's words, and the size of its picture.
SHOWN = """one => {
  const words = one.querySelector(".pictogram ~ *, .face ~ *").getBoundingClientRect();
  const picture = one.querySelector(".pictogram, .face").getBoundingClientRect();
  return [words.width <= 1, Math.min(picture.width, picture.height) >= 40];
}"""


@pytest.mark.browser
def test_pictures_alone_ask_for_the_rating_and_its_reasons_and_keep_their_names(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.goto(serve(kiosk(tmp_path)))
    pictogram = page.locator(".tile .pictogram").first
    expect(pictogram).to_be_visible()  # beside its words
    small = pictogram.bounding_box()
    turn(page, "pictures")
    large = pictogram.bounding_box()
    assert small
    assert large
    assert large["height"] > 1.2 * small["height"]
    names = {
        "tiles": "Ông/Bà vừa giao dịch với cơ quan nào?",
        "faces": "Ông/Bà hài lòng ở mức nào với việc phục vụ hôm nay?",
        "thanks": "Xin cảm ơn Ông/Bà!",
    }
    counts = {"tiles": 18, "faces": 7, "thanks": 10}  # a question, its answers, and buttons
    for screen in chain(["tiles"], walk(page)):
        expect(page.locator("h1")).to_have_accessible_name(names[screen])
        pictured = page.locator("main :is(h1, .tile, .rating, .recorded, legend, .answer, .button)")
        shown = pictured.filter(has=page.locator(".pictogram, .face")).filter(visible=True)
        assert shown.evaluate_all(f"all => all.map({SHOWN})") == [[True, True]] * counts[screen]
        if screen == "faces":
            expect(page.locator(".rating").last).to_have_accessible_name("Rất không hài lòng")
    for name in ("Chọn lại", "Gửi góp ý"):
        expect(page.get_by_role("button", name=name).filter(visible=True)).to_be_visible()
    expect(page.locator("textarea, button[value=survey]").filter(visible=True)).to_have_count(0)
    group = page.get_by_role("group", name="Điều gì ảnh hưởng nhiều nhất đến đánh giá của Ông/Bà?")
    expect(group.get_by_role("checkbox")).to_have_count(5)
    page.locator(".answer").nth(3).tap()
    expect(group.get_by_role("checkbox", name="Kết quả nhận được")).to_be_checked()
    page.locator(".actions [value=send]").tap()
    expect(page.locator(".farewell-screen")).to_be_visible()
    settled(page)
    page.locator(".farewell-screen .button").tap()
    expect(page.locator(".tile .pictogram").first).to_be_visible()
    assert modes_of(page) == {}
    [sent] = stored(tmp_path)
    assert sent["answers"] == {"rating": 2, "reasons": [4]}


@pytest.mark.browser
def test_large_text_is_larger_by_a_third_and_high_contrast_seven_to_one(
    page: Page, serve: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.goto(serve(kiosk(tmp_path, counter="q05")))
    size = "parseFloat(getComputedStyle(document.querySelector('.lead')).fontSize)"
    normal = page.evaluate(size)
    turn(page, "text")
    assert page.evaluate(size) == pytest.approx(1.3 * normal, rel=0.01)
    turn(page, "contrast")
    monkeypatch.setitem(OPTIONS, "runOnly", ["color-contrast-enhanced"])
    monkeypatch.setitem(OPTIONS, "rules", {"color-contrast-enhanced": {"enabled": True}})
    assert violations(page) == []
    turn(page, "contrast")
    assert violations(page) != []  # which the mode is for


@pytest.mark.browser
def test_the_left_hand_finds_what_comes_after_an_answer_at_its_side(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.goto(serve(kiosk(tmp_path)))
    turn(page, "hand")
    left_of = "one => one.getBoundingClientRect().left"
    assert page.locator(".corner").evaluate(left_of) < 200
    for screen in walk(page):
        if screen == "faces":  # in the order in which they are asked
            order = page.locator(".rating").evaluate_all(f"all => all.map({left_of})")
            assert order == sorted(order)
        if screen == "step":
            main, back = (
                page.locator(".actions .button").last,
                page.locator(".actions .quiet:visible"),
            )
            assert main.evaluate(left_of) < back.first.evaluate(left_of)


@pytest.mark.browser
def test_modes_stay_through_a_visit_and_end_with_it(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.goto(serve(kiosk(tmp_path)))
    turn(page, "text")
    turn(page, "hand")
    page.locator(".corner").tap()  # another language is no other visitor
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert modes_of(page) == {"text": "large", "hand": "left"}
    settled(page)
    page.locator(".corner").tap()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    assert modes_of(page) == {"text": "large", "hand": "left"}
    for _ in walk(page):
        assert modes_of(page) == {"text": "large", "hand": "left"}
    page.locator("button[value=leave]").tap()
    expect(page.locator(".tile").first).to_be_visible()
    assert modes_of(page) == {}
    expect(page.locator(".tool[aria-pressed=true]")).to_have_count(0)
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


@pytest.mark.browser
def test_a_mode_that_somebody_left_behind_at_the_start_ends_by_itself(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.clock.install()
    page.goto(serve(kiosk(tmp_path, counter="q05", idle_seconds=45)))
    turn(page, "contrast")
    lapse(page, 30_000)
    expect(page.locator(".countdown")).to_be_visible()
    lapse(page, 16_000)
    expect(page.locator("html")).not_to_have_attribute("data-contrast", "high")
    expect(page.locator(".rating").first).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forced_colours_show_what_is_chosen_and_how_far_one_is(
    browser: Browser, serve: Servers, tmp_path: Path, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": 1280, "height": 800},
        has_touch=True,
        locale="vi-VN",
        forced_colors="active",
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(serve(kiosk(tmp_path)))
    ground = "one => getComputedStyle(one).backgroundColor"
    button = turn(page, "hand")
    plain = page.locator(".tool").first.evaluate(ground)
    expect(button).not_to_have_css("background-color", plain)
    for screen in walk(page):
        if screen == "faces":
            colours = page.locator(".rating .face").evaluate_all(
                "all => all.map((one) => getComputedStyle(one).color)"
            )
            assert len(set(colours)) == 5
            continue
        chosen, other = page.locator(".answer").nth(0), page.locator(".answer").nth(1)
        chosen.tap()
        expect(chosen.locator("input")).to_be_checked()
        expect(chosen).not_to_have_css("background-color", other.evaluate(ground))
        assert chosen.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    # Of the progress one sixth is done: a pixel in it and one after it differ.
    box = page.locator(".step progress").bounding_box()
    assert box is not None

    def pixels(share: float) -> bytes:
        clip: Any = {"x": box["x"] + share * box["width"], "y": box["y"] + box["height"] / 2 - 1}
        clip |= {"width": 2, "height": 2}
        return page.screenshot(clip=clip)

    assert pixels(0.1) != pixels(0.8)
    context.close()
