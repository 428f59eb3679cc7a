"""A survey edited on the managers' page, looked at as visitors will see it, asked, and counted."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from kiosk.app import create_app
from kiosk.settings import Settings
from surveys.looks import Looks
from tests.aggregator.conftest import CENTRE, ratings, submission
from tests.browser.axe import violations
from tests.browser.conftest import NOW, SIZES, Hall
from tests.conftest import Servers

NEW = "Ông/Bà chờ có lâu không?"


@pytest.mark.browser
def test_an_edited_survey_is_previewed_asked_and_another_series(
    hall: Hall, serve: Servers, tmp_path: Path
) -> None:
    hall.take(*ratings((5,) * 40, answered_at="2026-11-20T08:10:00+07:00"))
    page = hall.page()
    page.get_by_role("link", name="Quản trị").click()
    page.get_by_role("link", name="Phiếu khảo sát").click()
    page.get_by_role("link", name="Đánh giá tại Trung tâm").click()
    page.get_by_role("link", name="Sửa phiếu").click()
    page.get_by_label("Tên phần (tiếng Việt)").nth(1).fill("Về lần đến này")
    page.locator("#part-reasons + p button").click()
    added = page.locator("#question-q_1")
    added.get_by_label("Câu hỏi (tiếng Việt)").fill(NEW)
    added.get_by_label("Câu hỏi (tiếng Anh)").fill("Did you wait for long?")
    added.get_by_label("Cách trả lời").select_option("number")
    page.get_by_role("button", name="Xem trước").last.click()
    faces, thanks = (page.frame_locator(".touch iframe").nth(place) for place in (0, 1))
    expect(faces.get_by_role("button", name="Rất hài lòng", exact=True)).to_be_visible()
    expect(thanks.get_by_text(NEW)).to_be_visible()
    expect(page.frame_locator(".phone iframe").get_by_text(NEW)).to_be_attached()
    for selector, size in ((".touch iframe", [1280, 800]), (".phone iframe", [360, 740])):
        inside = page.locator(selector).first.element_handle()
        assert inside is not None
        frame = inside.content_frame()
        assert frame is not None
        assert frame.evaluate("[innerWidth, innerHeight]") == size
        assert frame.evaluate("document.documentElement.scrollWidth") <= size[0]
    faces.get_by_role("button", name="Rất hài lòng", exact=True).click()  # answers nothing
    page.get_by_role("button", name="Tiếp tục để lưu").click()
    expect(page.get_by_label("Một phiếu mới thay cho phiếu này")).to_be_checked()
    page.get_by_label("Lý do sửa (tiếng Việt)").fill("Hỏi về thời gian chờ")
    page.get_by_label("Lý do sửa (tiếng Anh)").fill("A question on waiting")
    assert violations(page) == []
    page.get_by_role("button", name="Lưu", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Đã lưu, phiên bản 2")

    settings = Settings(centre=CENTRE, var=tmp_path / "kiosk", counter="q05")
    kiosk = create_app(settings, clock=lambda: NOW, centre=hall.context.organisation.stored)
    visitor = hall.page((1280, 800))
    visitor.goto(serve(kiosk))
    visitor.wait_for_timeout(400)  # what has appeared takes no touch before
    visitor.get_by_role("button", name="Rất hài lòng", exact=True).click()
    expect(visitor.get_by_label(NEW)).to_be_visible()
    asked = hall.context.surveys["in_centre_2"]
    hall.take(submission(survey=asked.id, answers={"rating": 5, "q_1": 7}))
    page.goto(f"{hall.url}/trends?grain=day")
    expect(page.locator("main")).to_contain_text("Hỏi về thời gian chờ")
    assert page.locator(".break, [class*=break]").count() > 0


@pytest.mark.browser
def test_pages_of_a_long_survey_fit_and_its_steps_turn_in_the_preview(hall: Hall) -> None:
    held, size = hall.context.organisation, SIZES[1]
    own = held.stored.model_copy(update={"looks": Looks(colour="#5b2a86")})
    held.save(own, "giam_doc", "", held.number)
    page = hall.page(size)
    for path in ("", "/business", "/sipas_2020/edit"):
        page.goto(f"{hall.url}/surveys{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert violations(page) == []
    page.get_by_role("button", name="Xem trước").last.click()
    step = page.frame_locator(".touch iframe").nth(2)  # six questions on officials
    shown = step.locator(".questions > :not([hidden])")
    expect(step.locator("html")).to_have_css("--blue", "#5b2a86")
    expect(step.locator(".page-words")).to_contain_text("1")
    first = shown.first.get_attribute("id")
    step.get_by_role("button", name="Tiếp tục", exact=True).click()
    expect(shown.first).not_to_have_id(first or "")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
