"""Every page of the kiosk, marked as a demonstration, is without fault in axe's eyes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette

from kiosk.app import create_app
from kiosk.settings import Settings
from tests.browser.axe import violations
from tests.browser.conftest import settled
from tests.browser.test_phone import PHONE, form
from tests.browser.test_touch import UPRIGHT, tap, turn_to
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE, NOW

LONG = "ă" * 2001  # one more than a comment may have


@dataclass
class Visit:
    """A browser before a kiosk, and what axe found on each of the pages it was shown."""

    page: Page
    app: Starlette
    address: str
    found: dict[str, list[str]] = field(default_factory=dict)

    def see(self, name: str, screen: str) -> None:
        """Look at the page once it shows an element of the selector ``screen``."""
        expect(self.page.locator(screen).first).to_be_visible()
        self.found[name] = violations(self.page)

    def go(self, path: str, screen: str) -> None:
        self.page.goto(self.address + path)
        self.see(path, screen)

    def set_writable(self, writable: bool) -> None:
        with self.app.state.context.outbox.disk.transaction(write=False) as connection:
            connection.execute(f"PRAGMA query_only = {'OFF' if writable else 'ON'}")


@pytest.fixture(params=[UPRIGHT, PHONE], ids=["upright", "phone"])
def visit(
    request: pytest.FixtureRequest, browser: Browser, serve: Servers, tmp_path: Path
) -> Iterator[Visit]:
    size: Any = request.param
    context = browser.new_context(viewport=size, has_touch=True, locale="vi-VN")
    app = create_app(Settings(centre=CENTRE, var=tmp_path, demo=True, idle_seconds=90))
    visit = Visit(context.new_page(), app, serve(app))
    yield visit
    context.close()
    assert {name: found for name, found in visit.found.items() if found} == {}


def outdate(page: Page) -> None:
    """Give the page's form the fingerprint of a survey that was changed meanwhile."""
    page.evaluate("document.querySelector('main [name=fingerprint]').value = '0'.repeat(16)")


def say_too_much(page: Page) -> None:
    page.evaluate("document.querySelector('#comment-input').removeAttribute('maxlength')")
    page.locator("#comment-input").fill(LONG)


# Lying, the screens differ in layout alone, which test_legible.py measures.
touch_screens = pytest.mark.parametrize("visit", [UPRIGHT], ids=["upright"], indirect=True)
phones = pytest.mark.parametrize("visit", [PHONE], ids=["phone"], indirect=True)


@touch_screens
def test_the_touch_screen(visit: Visit, serve: Servers) -> None:
    page = visit.page
    # Time stands still, so that no countdown ends before it was looked at.
    page.clock.set_fixed_time(NOW)
    visit.go("/?lang=en", ".tiles-screen")
    visit.go("/", ".tiles-screen")
    visit.go("/rate/so_tu_phap", ".faces-screen")
    outdate(page)
    tap(page, "Rất hài lòng")
    visit.see("faces of a survey that changed", ".notice")
    tap(page, "Rất hài lòng")
    visit.see("thanks", ".thanks-screen")
    page.clock.set_fixed_time(NOW + timedelta(seconds=1))
    page.keyboard.press("Shift")  # a touch, which ends the short time of a thank-you
    page.clock.set_fixed_time(NOW + timedelta(seconds=81))
    visit.see("countdown", ".countdown")
    tap(page, "Tôi đang trả lời")
    say_too_much(page)
    tap(page, "Gửi góp ý")
    visit.see("thanks with a comment too long", ".problem")
    page.locator("#comment-input").fill("")
    outdate(page)
    tap(page, "Gửi góp ý")
    visit.see("thanks of a survey that changed", ".notice")
    tap(page, "Trả lời phiếu đầy đủ")
    expect(page.locator(".step-screen")).to_be_visible()
    for step in range(1, 6):
        turn_to(page, f"text=Phần {step}/6")
        visit.see(f"step {step}", f"text=Phần {step}/6")
    turn_to(page, "text=Phần 6/6")
    visit.see("step 6", "text=Phần 6/6")
    turn_to(page, "#comment")
    say_too_much(page)
    tap(page, "Gửi phiếu")
    visit.see("step with a comment too long", ".problem")
    page.locator("#comment-input").fill("Cảm ơn")
    tap(page, "Gửi phiếu")
    visit.see("farewell", ".farewell-screen")
    visit.go("/farewell?again=1", ".farewell-screen")
    visit.go("/nowhere", ".error-screen")  # 404
    visit.go("/follow-up", ".error-screen")  # 405
    visit.go("/rate/so_tu_phap", ".faces-screen")
    visit.set_writable(False)
    tap(page, "Hài lòng")
    visit.see("503", ".error-screen")
    visit.set_writable(True)
    visit.go("/rate/so_tu_phap", ".faces-screen")
    settled(page)
    serve.stop(visit.address)
    tap(page, "Hài lòng")
    visit.see("offline", "#offline")


@phones
def test_the_phone(visit: Visit) -> None:
    page = visit.page
    for audience in ("citizen", "business"):
        path = form(visit.address, audience).removeprefix(visit.address)
        visit.go(path, ".form-screen")
        visit.go(f"{path}?lang=en", ".form-screen")
        page.goto(f"{visit.address}{path}?lang=vi")
        say_too_much(page)
        page.locator("form button.wide").first.tap()
        visit.see(f"{audience}: problems", ".problem.summary")
        page.locator("#comment-input").fill("Cảm ơn")
        page.locator(".question .answer").first.tap()
        outdate(page)
        page.locator("form button.wide").first.tap()
        visit.see(f"{audience}: a survey that changed", ".notice")
        visit.set_writable(False)
        page.locator("form button.wide").first.tap()
        visit.see(f"{audience}: 503", ".error-screen")
        visit.set_writable(True)
        page.get_by_role("button", name="Thử lại").tap()
        visit.see(f"{audience}: received", ".received-screen")
        page.goto(f"{visit.address}{path}")
        visit.see(f"{audience}: received before", ".received-screen")
    page.goto(form(visit.address, "business") + "?new=1")
    page.get_by_role("button", name="Trả lời đầy đủ").tap()
    visit.see("step", ".step-screen")
    page.locator("summary").tap()
    visit.see("areas", ".area")
    page.locator("[inputmode=numeric]").first.fill("900")
    page.get_by_role("button", name="Tiếp tục").last.tap()
    visit.see("step with problems", ".problem.summary")
    page.locator("[inputmode=numeric]").first.fill("9")
    page.get_by_role("button", name="Dừng và gửi").tap()
    visit.see("finished", ".received-screen")
    visit.go("/f/unknown", ".error-screen")  # 404
    path = form(visit.address).removeprefix(visit.address)
    visit.go(f"{path}/survey", ".error-screen")  # 405
    page.goto(f"{visit.address}{path}?new=1")
    page.evaluate("""() => {
      const form = document.querySelector("form");
      form.removeAttribute("hx-post");
      form.elements.comment.value = "a".repeat(100_000);
      form.submit();
    }""")
    visit.see("413", ".error-screen")


@pytest.mark.parametrize(
    "visit", [{"width": 1280, "height": 800}, PHONE], ids=["desk", "phone"], indirect=True
)
def test_the_posters(visit: Visit) -> None:
    for paper in ("a5", "a4"):
        visit.go(f"/posters?paper={paper}", ".poster")
