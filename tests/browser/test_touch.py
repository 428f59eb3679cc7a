"""The touch screen in a real Chromium: taps, double taps, idle, a server that goes away."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette

from kiosk.app import create_app
from kiosk.outbox import Outbox, body_of
from kiosk.settings import Settings
from surveys.centre import Centre, load_definitions
from tests.browser.conftest import complaints_of, lapse, settled
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE

UPRIGHT, LYING = {"width": 1080, "height": 1920}, {"width": 1280, "height": 800}
TABLETS = [{"width": 768, "height": 1024}, {"width": 800, "height": 1280}]


@pytest.fixture
def page(browser: Browser, serve: Servers) -> Iterator[Page]:
    """A touch screen; whatever its console complains of fails the test."""
    # With ``serve``, so that its servers outlive the page, which asks whether they are there.
    context = browser.new_context(viewport=UPRIGHT, has_touch=True, locale="en-US")  # type: ignore[arg-type]
    page = context.new_page()
    complaints = complaints_of(page)
    yield page
    context.close()
    away = ("ERR_CONNECTION_REFUSED", "Failed to fetch")
    assert [one for one in complaints if not any(words in one for words in away)] == []


def kiosk(var: Path, **settings: Any) -> Starlette:
    return create_app(Settings(centre=CENTRE, var=var, **settings))


def stored(var: Path) -> list[dict[str, Any]]:
    """What is on disk: the submissions in the outbox, oldest first, then the open drafts."""
    outbox = Outbox(var / "kiosk" / "outbox.sqlite3")
    rows = [body_of(row) for row in outbox.pending(100)]
    with outbox.disk.transaction(write=False) as connection:
        rows += [json.loads(row[0]) for row in connection.execute("SELECT body FROM draft")]
    outbox.close()
    return rows


def tap(page: Page, words: str) -> None:
    settled(page)
    page.get_by_text(words, exact=True).last.tap()


def turn_to(page: Page, target: str) -> None:
    """Goes on in the full survey until a page of it shows what the selector ``target`` names."""
    while not page.locator(target).first.is_visible():
        before = page.title()
        tap(page, "Tiếp tục")
        expect(page).not_to_have_title(before)


@pytest.mark.browser
def test_from_the_tiles_to_the_farewell(page: Page, serve: Servers, tmp_path: Path) -> None:
    page.goto(serve(kiosk(tmp_path)))
    tap(page, "Sở Tư pháp")
    tap(page, "Không hài lòng")
    expect(page.get_by_role("heading", name="Xin cảm ơn Ông/Bà!")).to_be_visible()
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 2}]
    tap(page, "Công chức phục vụ")
    page.get_by_label("Ông/Bà muốn nói thêm điều gì?").fill("Xin hướng dẫn rõ hơn")
    tap(page, "Gửi góp ý")
    expect(page.locator(".farewell-screen")).to_be_visible()
    tap(page, "Về màn hình đầu")
    expect(page.locator(".tile").first).to_be_visible()
    (one,) = stored(tmp_path)
    assert one["answers"] == {"rating": 2, "reasons": [3]}
    assert one["comment"] == "Xin hướng dẫn rõ hơn"
    assert one["department"] == "so_tu_phap"


@pytest.mark.browser
def test_the_full_survey_goes_step_by_step(page: Page, serve: Servers, tmp_path: Path) -> None:
    page.goto(serve(kiosk(tmp_path, counter="q05")))
    tap(page, "Rất hài lòng")
    tap(page, "Trả lời phiếu đầy đủ")
    for step in range(1, 6):
        expect(page.get_by_text(f"Phần {step}/6")).to_be_visible()
        settled(page)
        page.locator(".question .answer").first.tap()
        tap(page, "Tiếp tục")
    expect(page.get_by_role("heading", name="Thông tin chung")).to_be_visible()
    tap(page, "Quay lại")
    expect(page.locator("#q19 input").first).to_be_checked()
    turn_to(page, ".actions [value=finish]")
    tap(page, "Gửi phiếu")
    expect(page.locator(".farewell-screen")).to_be_visible()
    survey = stored(tmp_path)[-1]
    assert survey["answers"] == {"q1": 5, "q5": 5, "q10": 5, "q16": 5, "q19": 5}


@pytest.mark.browser
def test_a_bouncing_finger_rates_once_and_chooses_nothing(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.goto(serve(kiosk(tmp_path, counter="q05")))
    settled(page)
    box = page.get_by_role("button", name="Bình thường").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for _ in range(4):
        page.touchscreen.tap(x, y)
    expect(page.locator(".follow-up")).to_be_visible()
    assert page.locator("input:checked").count() == 0
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 3}]


@pytest.mark.browser
def test_idle_shows_a_countdown_then_keeps_what_was_chosen(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.clock.install()
    page.goto(serve(kiosk(tmp_path, counter="q05", idle_seconds=45)))
    tap(page, "Hài lòng")
    expect(page.locator(".thanks-screen")).to_be_visible()
    lapse(page, 1_000)  # sooner it would be the end of the first tap
    tap(page, "Kết quả nhận được")
    countdown = page.locator(".countdown")
    lapse(page, 15_000)
    expect(countdown).to_be_hidden()
    lapse(page, 11_000)
    expect(countdown).to_be_visible()
    expect(countdown).to_contain_text("Điều Ông/Bà đã chọn vẫn được giữ lại")
    told = page.locator("#said")  # once, as it begins
    expect(told).to_contain_text("Màn hình sẽ về trang đầu sau")
    before = answers_of(page)
    tap(page, "Tôi đang trả lời")
    lapse(page, 500)
    expect(countdown).to_be_hidden()
    assert answers_of(page) == before
    lapse(page, 30_000)
    expect(countdown).to_be_visible()  # a touch extends: the whole time began anew
    lapse(page, 16_000)
    expect(page.locator(".rating").first).to_be_visible()
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 4, "reasons": [4]}]


def answers_of(page: Page) -> list[list[float]]:
    """Where everything that can be touched is, but for what the head holds."""
    return list(
        page.eval_on_selector_all(
            "main :is(button, a, label, textarea)",
            "all => all.map(one => Object.values(one.getBoundingClientRect().toJSON()))",
        )
    )


@pytest.mark.browser
@pytest.mark.parametrize("size", [UPRIGHT, LYING, *TABLETS], ids=str)
def test_the_countdown_covers_and_moves_no_answer(
    page: Page, serve: Servers, tmp_path: Path, size: dict[str, int]
) -> None:
    """On every screen that has one: the faces in English, the thank-you, a step of the survey."""
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.clock.install()
    page.goto(serve(kiosk(tmp_path, counter="q05", idle_seconds=60)))
    lapse(page, 1_000)
    page.get_by_text("English", exact=True).tap()
    for screen, onward in (
        (".faces-screen[lang=en]", "Satisfied"),
        (".thanks-screen", "Answer the full survey"),
        (".step-screen", ""),
    ):
        expect(page.locator(screen)).to_be_visible()
        lapse(page, 1_000)
        page.keyboard.press("Shift")  # a touch, which ends the short time of a thank-you
        before = answers_of(page)
        lapse(page, 30_000)
        expect(page.locator(".countdown")).to_be_hidden()
        lapse(page, 11_000)
        countdown = page.locator(".countdown")
        expect(countdown).to_be_visible()
        assert answers_of(page) == before
        box, main = countdown.bounding_box(), page.locator("main").bounding_box()
        assert box is not None
        assert main is not None
        assert box["y"] + box["height"] <= main["y"] + 1
        assert countdown.evaluate("one => one.scrollHeight <= one.clientHeight")
        if onward:
            page.get_by_text(onward, exact=True).last.tap()


@pytest.mark.browser
def test_an_untouched_thank_you_gives_the_screen_back_after_eight_seconds(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.clock.install()
    page.goto(serve(kiosk(tmp_path, counter="q05")))
    tap(page, "Không hài lòng")
    expect(page.locator(".recorded")).to_contain_text("Không hài")
    expect(page.locator(".returning")).to_contain_text("8 giây")
    lapse(page, 3_000)
    expect(page.locator(".thanks-screen")).to_be_visible()
    lapse(page, 5_500)
    expect(page.locator(".faces-screen")).to_be_visible()
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 2}]


@pytest.mark.browser
def test_the_next_visitor_takes_the_screen_with_one_tap(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    page.goto(serve(kiosk(tmp_path, counter="q05")))
    tap(page, "Rất hài lòng")
    tap(page, "Người tiếp theo")
    expect(page.locator(".faces-screen")).to_be_visible()
    tap(page, "Không hài lòng")
    tap(page, "Kết quả nhận được")
    tap(page, "Người tiếp theo")
    expect(page.locator(".faces-screen")).to_be_visible()
    first, second = stored(tmp_path)
    assert first["visit"] != second["visit"]
    assert [first["answers"], second["answers"]] == [{"rating": 5}, {"rating": 2, "reasons": [4]}]


@pytest.mark.browser
def test_a_wrong_face_is_chosen_again(page: Page, serve: Servers, tmp_path: Path) -> None:
    page.clock.install()
    page.goto(serve(kiosk(tmp_path, counter="q05")))
    tap(page, "Rất không hài lòng")
    tap(page, "Thủ tục, giấy tờ")
    tap(page, "Chọn lại")
    expect(page.locator(".faces-screen .recorded")).to_contain_text("Rất không hài")
    lapse(page, 1_000)
    page.locator(".rating", has_text=re.compile("^\\s*Hài")).tap()
    expect(page.locator(".thanks-screen .recorded")).to_contain_text("Hài")
    expect(page.get_by_label("Thủ tục, giấy tờ")).to_be_checked()
    tap(page, "Chọn lại")
    expect(page.locator(".faces-screen")).to_be_visible()
    lapse(page, 9_000)  # nobody touches the faces: the last choice stands
    expect(page.locator(".faces-screen .recorded")).to_have_count(0)
    (one,) = stored(tmp_path)
    assert one["answers"] == {"rating": 4, "reasons": [2]}


@pytest.mark.browser
def test_english_ends_with_its_visitor(page: Page, serve: Servers, tmp_path: Path) -> None:
    page.clock.install()
    page.goto(serve(kiosk(tmp_path, counter="q05")))
    tap(page, "English")
    expect(page.get_by_role("button", name="Very satisfied")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page).to_have_title(re.compile("^Your opinion"))
    lapse(page, 46_000)
    expect(page.get_by_role("button", name="Rất hài lòng")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    expect(page).to_have_title(re.compile("^Ý kiến"))


@pytest.mark.browser
def test_a_tap_while_the_server_is_away_is_sent_when_it_is_back(
    page: Page, serve: Servers, tmp_path: Path
) -> None:
    address = serve(kiosk(tmp_path, counter="q05"))
    page.goto(address)
    settled(page)
    serve.stop(address)
    tap(page, "Rất không hài lòng")
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator("#offline")).to_contain_text("Xin chờ một chút")
    serve(kiosk(tmp_path, counter="q05"), port=int(address.rpartition(":")[2]))
    expect(page.locator(".follow-up")).to_be_visible(timeout=15_000)
    expect(page.locator("#offline")).to_be_hidden()
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 1}]


@pytest.mark.browser
def test_a_server_that_is_back_but_cannot_store_says_so(
    browser: Browser, serve: Servers, tmp_path: Path
) -> None:
    context = browser.new_context(viewport=UPRIGHT, has_touch=True)  # type: ignore[arg-type]
    page = context.new_page()
    address = serve(kiosk(tmp_path, counter="q05"))
    page.goto(address)
    settled(page)
    serve.stop(address)
    tap(page, "Bình thường")
    expect(page.locator("#offline")).to_be_visible()
    app = kiosk(tmp_path, counter="q05")
    with app.state.context.outbox.disk.transaction(write=False) as connection:
        connection.execute("PRAGMA query_only = ON")
    serve(app, port=int(address.rpartition(":")[2]))
    expect(page.locator(".error-screen")).to_contain_text("Chưa ghi nhận được", timeout=15_000)
    expect(page.locator("#offline")).to_be_hidden()
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("size", [UPRIGHT, LYING, *TABLETS], ids=str)
def test_what_is_touched_is_large_and_in_sight(
    page: Page, serve: Servers, tmp_path: Path, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    address = serve(kiosk(tmp_path))
    for path in ("/", "/rate/so_nong_nghiep", "/rate/all?lang=en", "/farewell"):
        page.goto(address + path)
        assert fits(page), path
    page.goto(f"{address}/rate/so_nong_nghiep")
    tap(page, "Satisfied")
    expect(page.locator(".follow-up")).to_be_visible()
    assert fits(page)


def fits(page: Page) -> bool:
    """Nothing scrolls, every target is at least 88 pixels high, and all are inside the screen."""
    page.evaluate("document.fonts.ready.then(() => true)")
    return bool(
        page.evaluate(
            """() => {
              const targets = [...document.querySelectorAll("a, button, .answer")]
                .map((one) => one.getBoundingClientRect())
                .filter((box) => box.width > 1);
              return document.documentElement.scrollWidth <= innerWidth
                && document.documentElement.scrollHeight <= innerHeight
                && targets.every((box) => Math.round(box.height) >= 88)
                && targets.every((box) => box.bottom <= innerHeight);
            }"""
        )
    )


@pytest.mark.browser
def test_it_works_without_javascript(browser: Browser, serve: Servers, tmp_path: Path) -> None:
    context = browser.new_context(viewport=LYING, java_script_enabled=False)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(serve(kiosk(tmp_path)))
    page.get_by_role("link", name="Sở Y tế").click()
    page.get_by_role("button", name="Hài lòng", exact=True).click()
    expect(page.get_by_role("heading", name="Xin cảm ơn Ông/Bà!")).to_be_visible()
    page.reload()
    page.get_by_text("Thủ tục, giấy tờ").click()
    page.get_by_role("button", name="Người tiếp theo").click()
    expect(page.get_by_role("link", name="Sở Y tế")).to_be_visible()
    context.close()
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 4, "reasons": [2]}]


@pytest.mark.browser
def test_a_rating_that_could_not_be_stored_is_sent_by_the_clock(
    browser: Browser, serve: Servers, tmp_path: Path
) -> None:
    context = browser.new_context(viewport=UPRIGHT, has_touch=True)  # type: ignore[arg-type]
    page = context.new_page()
    app = kiosk(tmp_path, counter="q05")
    disk = app.state.context.outbox.disk
    page.goto(serve(app))
    settled(page)
    with disk.transaction(write=False) as connection:
        connection.execute("PRAGMA query_only = ON")
    tap(page, "Bình thường")
    expect(page.locator(".error-screen")).to_contain_text("Chưa ghi nhận được")
    expect(page.locator("h1")).to_be_focused()
    expect(page).to_have_title(re.compile("^Chưa ghi nhận được"))
    page.clock.install()
    for _ in range(2):  # the clock's own attempts, as often as it takes
        with page.expect_response("**/rate") as answer:
            lapse(page, 46_000)
        assert answer.value.status == 503
        expect(page.locator("form[data-keep] [name=idle]")).to_have_count(0)
    assert stored(tmp_path) == []
    with disk.transaction(write=False) as connection:
        connection.execute("PRAGMA query_only = OFF")
    with page.expect_response("**/rate") as answer:
        lapse(page, 46_000)
    assert answer.value.status == 200
    expect(page.locator(".faces-screen")).to_be_visible()
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 3}]
    context.close()


@pytest.mark.parametrize("size", [UPRIGHT, LYING, TABLETS[1]], ids=str)
def test_a_question_added_behind_the_faces_is_whole_and_favours_no_answer(
    page: Page, serve: Servers, tmp_path: Path, size: dict[str, int]
) -> None:
    centre, surveys = load_definitions(CENTRE)
    hall = surveys["in_centre"].model_dump(mode="json")
    text = {
        "vi": "Ông/Bà hài lòng với thời gian chờ ở mức nào?",
        "en": "And with the waiting time?",
    }
    added = {"id": "waiting", "text": text, "kind": "one", "scale": "satisfaction"}
    hall["factors"][1]["questions"].append({**added, "wording": "own"})
    why = {"vi": "Hỏi thêm", "en": "One more question"}
    hall |= {"id": "hall_2", "follows": {"survey": "in_centre", "day": "2026-11-23", "reason": why}}
    asked = {"surveys": [hall], "instruments": {"rating": "hall_2", "citizens": "hall_2"}}
    whole = centre.model_dump(mode="json", exclude_defaults=True)
    settings = Settings(centre=CENTRE, var=tmp_path, counter="q05", thanks_seconds=120)
    own = Centre.model_validate({**whole, **asked})
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(serve(create_app(settings, centre=own)) + "/?lang=vi")
    page.locator("[name=rating]").first.tap()
    expect(page.locator(".follow-up")).to_be_visible()
    found = page.evaluate(
        """() => ({
          scrolls: document.documentElement.scrollHeight - innerHeight,
          answers: [...document.querySelectorAll('.faced .answer:not(.skip)')].map((one) => {
            const box = one.getBoundingClientRect();
            const face = one.querySelector('.face').getBoundingClientRect();
            const words = document.createRange();
            words.selectNodeContents(one.querySelector('span'));
            const inner = words.getBoundingClientRect();
            return { boxes: [box.top, box.width, box.height], faces: [face.top, face.width],
              out: Math.max(box.left - inner.left, inner.right - box.right,
                            inner.bottom - box.bottom) };
          })})"""
    )
    answers = found["answers"]
    assert len(answers) == 5
    assert found["scrolls"] <= 0
    for of in ("boxes", "faces"):
        assert all(one[of] == pytest.approx(answers[0][of], abs=1) for one in answers)
    assert max(one["out"] for one in answers) < 0


@pytest.mark.parametrize("size", [UPRIGHT, LYING, TABLETS[1]], ids=str)
def test_with_large_text_a_thank_you_is_whole_with_its_button_and_the_helps(
    page: Page, serve: Servers, tmp_path: Path, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(serve(kiosk(tmp_path, counter="q05", thanks_seconds=120)) + "/?lang=vi")
    page.locator("[name=rating]").first.tap()
    page.get_by_role("button", name="Chữ lớn").tap()
    expect(page.locator("html")).to_have_attribute("data-text", "large")
    height = size["height"]
    assert page.evaluate("document.documentElement.scrollHeight") <= height
    tools = page.get_by_role("button", name="Chữ lớn").bounding_box()
    send = page.get_by_role("button", name="Gửi góp ý").last.bounding_box()
    assert tools is not None
    assert send is not None
    assert send["y"] + send["height"] <= tools["y"]
    assert tools["y"] + tools["height"] <= height
