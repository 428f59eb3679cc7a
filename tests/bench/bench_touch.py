"""The touch screen: from a tap to the next screen in a real browser, and 10,000 visitors on end."""

import tempfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from playwright.sync_api import Page, expect, sync_playwright

from surveys.definition import load_surveys
from tests.bench.report import Row, quantile
from tests.bench.servers import ROOT, aggregator, kiosk, resident
from tests.conftest import CHROMIUM_FLAGS, chromium_path

TAPS = 60
SESSIONS = 10_000
SETTLED = 1_000  # sessions after which memory should not grow any more
HEADERS = {
    "hx-request": "true",
    "hx-request-type": "partial",
    "content-type": "application/x-www-form-urlencoded",
}
# Milliseconds from the finger's touch to the first picture of the screen that it led to.
WATCH = """
window.taps = [];
let began = 0;
addEventListener("pointerdown", () => { began = performance.now(); }, { capture: true });
addEventListener("htmx:after:swap", () => {
  requestAnimationFrame(() => setTimeout(() => taps.push(performance.now() - began)));
});
"""


def rows() -> Iterator[Row]:
    with (
        tempfile.TemporaryDirectory(dir=ROOT / "var") as folder,
        aggregator() as counting,
        kiosk(Path(folder), counting) as (port, pid),
    ):
        taps = in_browser(f"http://127.0.0.1:{port}")
        yield Row("tap to next screen in Chromium, p50", quantile(taps, 0.5), "ms")
        yield Row("tap to next screen in Chromium, p95", quantile(taps, 0.95), "ms", 100, "max")
        connection = HTTPConnection("127.0.0.1", port)
        settled = soak(connection, SETTLED, pid)
        ended = soak(connection, SESSIONS - SETTLED, pid)
        yield Row("kiosk, resident after 10,000 visitors", ended, "MB", 90, "max")
        yield Row("the same, of that after 1,000", ended / settled, "times", 1.05, "max")


def in_browser(address: str) -> list[float]:
    """The times of WATCH, half of taps on a face, half on "next visitor"."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1080, "height": 1920}, has_touch=True)
        page.add_init_script(WATCH)
        page.goto(address)
        for number in range(TAPS // 2):
            tap(page, f".rating >> nth={number % 5}", ".thanks-screen")
            tap(page, ".next-visitor", ".faces-screen")
        page.evaluate("new Promise((seen) => requestAnimationFrame(() => setTimeout(seen)))")
        times: list[float] = page.evaluate("taps")
        browser.close()
    if len(times) != TAPS:
        raise RuntimeError(f"{len(times)} of {TAPS} taps led to a screen")
    return times


def tap(page: Page, target: str, screen: str) -> None:
    """Touch a target as soon as its screen takes touches, and wait for the next screen."""
    expect(page.locator("#screen")).not_to_have_css("pointer-events", "none")
    page.locator(target).first.tap()
    expect(page.locator(screen)).to_be_visible()


def soak(kiosk: HTTPConnection, sessions: int, pid: int) -> float:
    """Let visitors rate, give a reason and leave; returns the kiosk's memory then, in MB."""
    fingerprint = load_surveys()["in_centre"].fingerprint
    for number in range(sessions):
        fields = {"visit": str(uuid4()), "fingerprint": fingerprint}
        ask(kiosk, "GET", "/")
        ask(kiosk, "POST", "/rate", {**fields, "rating": str(number % 5 + 1)})
        ask(kiosk, "POST", "/follow-up", {**fields, "reasons": "2", "comment": "", "then": "done"})
    return resident(pid)


def ask(
    kiosk: HTTPConnection, method: str, path: str, fields: dict[str, str] | None = None
) -> None:
    kiosk.request(method, path, urlencode(fields) if fields else None, HEADERS)
    answer = kiosk.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
