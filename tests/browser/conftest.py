"""A served aggregator and the real browsers before it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from starlette.applications import Starlette

from aggregator.dashboard.app import create_app
from aggregator.dashboard.context import Context
from aggregator.intake.ingest import Ingest, Offer
from aggregator.settings import Settings
from tests.aggregator.conftest import CENTRE, ratings, sipas, submission
from tests.conftest import Servers

NOW = datetime(2026, 11, 23, 1, 15, tzinfo=UTC)  # 08:15 at the centre, on a Monday
SIZES = [(1366, 768), (390, 844)]

# Animations are of the browser's own clock, those of steady.js, too.
UNSHIELDED = """async () => {
  const shields = () => document.getAnimations().filter(
    (one) => one.effect.getKeyframes().some((frame) => "pointerEvents" in frame));
  while (shields().length) await Promise.allSettled(shields().map((one) => one.finished));
}"""

expect.set_options(timeout=20_000)  # milliseconds: what is right at last is right, however busy


def complaints_of(page: Page) -> list[str]:
    """What a page's console and scripts complain of from now on; it grows as they do."""
    heard: list[str] = []
    page.on("console", lambda said: heard.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def settled(page: Page) -> None:
    """Waits until the screen takes touches: it and what is new on it shield themselves first."""
    expect(page.locator("#screen")).not_to_have_css("pointer-events", "none")
    page.evaluate(UNSHIELDED)


def lapse(page: Page, milliseconds: int) -> None:
    """Let a page's clock go on, once what it has sent is answered.

    Its patience is of the same clock, and a busy machine is not a server that is away.
    """
    expect(page.locator(".htmx-request")).to_have_count(0)
    page.clock.run_for(milliseconds)


@dataclass
class Hall:
    """A served aggregator and the browsers before it, each signed in and watched."""

    url: str
    app: Starlette
    context: Context
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    opened: list[BrowserContext] = field(default_factory=list)

    def take(self, *items: object) -> None:
        ingest = Ingest(
            self.context.store, self.context.surveys, self.context.centre, self.context.clock
        )
        [receipts] = ingest.accept([Offer(items, "en")])
        assert {receipt.status for receipt in receipts} == {"accepted"}

    def page(self, size: tuple[int, int] = SIZES[0], **options: Any) -> Page:
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale="vi-VN", **options
        )
        self.opened.append(context)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.context.accounts.new_link("giam_doc", self.url))
        page.goto(self.url)
        return page

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture
def hall(browser: Browser, serve: Servers, tmp_path: Path, sqlite_template: Path) -> Iterator[Hall]:
    """An aggregator on a SQLite file; whatever its pages complain about fails the test."""
    yield from open_hall(browser, serve, tmp_path, sqlite_template, lambda: NOW)


def open_hall(
    browser: Browser,
    serve: Servers,
    tmp_path: Path,
    sqlite_template: Path,
    clock: Callable[[], datetime],
    port: int = 0,
    **more: Any,
) -> Iterator[Hall]:
    """The steps of hall; ``more`` are further settings, ``port`` the one to serve on."""
    settings = Settings(centre=CENTRE, var=tmp_path, ddci=CENTRE.parent / "ddci.toml", **more)
    file = tmp_path / "aggregator" / "hailong.sqlite3"
    file.parent.mkdir()
    shutil.copy(sqlite_template, file)
    app = create_app(settings, clock)
    context: Context = app.state.context
    context.accounts.add_user("giam_doc", "manager")
    hall = Hall(serve(app, port), app, context, browser)
    yield hall
    for opened in hall.opened:
        opened.close()
    assert hall.complaints == []


def busy_day(hall: Hall) -> None:
    """Every department rated, every survey answered, and every verdict on the page."""
    items: list[object] = []
    for number, department in enumerate(hall.context.centre.departments):
        place = {"department": department.id, "counter": department.counters[0].id}
        items += ratings([5] * (20 + 9 * number) + [4, 3, 2, 1] * (number % 4), **place)
        items += [sipas([5, 4, 3, 2, 1] * 4 + [5, 5], **place) for _ in range(3)]
        items += [submission(survey="business", answers={"b1_1": 4, "b3_3": 2}, **place)]
    hall.take(*items)
    dossiers = [
        {"day": NOW.date(), "department": department.id, "dossiers": 1234}
        for department in hall.context.centre.departments
    ]
    hall.context.store.put_transactions(dossiers)


def rated(page: Page) -> Any:
    """The number on the first card."""
    return page.locator(".cards .card strong").first
