"""A code from which very many forms come: a phone works at it by itself, and nothing is lost."""

from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from kiosk.app import create_app
from kiosk.settings import Settings
from tests.browser.conftest import complaints_of
from tests.browser.test_phone import PHONE, form
from tests.browser.test_touch import stored
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE

pytestmark = pytest.mark.browser


@pytest.fixture
def flooded(serve: Servers, tmp_path: Path) -> str:
    """The form of a code from which as many forms came as may come in an hour."""
    file = tmp_path / "centre.toml"
    limits = "\n[phone_form]\nforms_an_hour = 2\neffort = 2\n"
    file.write_text(CENTRE.read_text("utf-8") + limits, "utf-8")
    app = create_app(Settings(centre=file, var=tmp_path))
    address = form(serve(app))
    fingerprint = app.state.context.rating_survey.fingerprint
    for _ in range(2):
        sent = {"visit": str(uuid4()), "fingerprint": fingerprint, "rating": "5"}
        assert httpx2.post(address, data=sent, trust_env=False).status_code == 303
    return address


def fill(phone: Page, address: str) -> None:
    phone.goto(address)
    phone.get_by_text("Không hài lòng", exact=True).click()
    phone.get_by_role("textbox").fill("Phải chờ <lâu> & đi lại")
    phone.get_by_role("button", name="Gửi đánh giá").click()


def test_a_phone_solves_the_puzzle_and_nobody_has_to_do_anything(
    browser: Browser, flooded: str, tmp_path: Path
) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True, locale="vi-VN")
    phone = context.new_page()
    complaints = complaints_of(phone)
    asked: list[str] = []
    phone.on("request", lambda request: asked.append(request.url.partition("?")[0]))
    phone.goto(flooded)
    assert not any("puzzle" in one for one in asked)  # only where it is needed
    fill(phone, flooded)
    expect(phone.get_by_role("heading", name="Xin cảm ơn Ông/Bà!")).to_be_visible()
    context.close()
    assert sum("puzzle" in one for one in asked) == 1
    assert [one for one in complaints if "status of 429" not in one] == []
    assert [one["answers"].get("rating") for one in stored(tmp_path)] == [5, 5, 2, None]
    assert stored(tmp_path)[-1]["comment"] == "Phải chờ <lâu> & đi lại"


def test_without_javascript_a_kind_page_keeps_what_was_typed(
    browser: Browser, flooded: str, tmp_path: Path
) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False, locale="vi-VN")
    phone = context.new_page()
    fill(phone, flooded)
    expect(phone.get_by_role("heading", name="Xin chờ một chút")).to_be_visible()
    expect(phone.get_by_text("trên màn hình tại quầy")).to_be_visible()
    phone.get_by_role("button", name="Thử lại").click()
    expect(phone.get_by_role("heading", name="Xin chờ một chút")).to_be_visible()
    fields = phone.locator("form textarea")
    assert "Phải chờ <lâu> & đi lại" in [one.input_value() for one in fields.all()]
    width = "document.documentElement.scrollWidth"
    assert phone.locator("html").evaluate(f"() => {width}") <= PHONE["width"]
    context.close()
    assert len(stored(tmp_path)) == 2
