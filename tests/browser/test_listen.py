"""Reading aloud, in a real Chromium that really plays: what is read, marked, chosen, forgotten."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import complaints_of, settled
from tests.browser.test_touch import kiosk, stored, tap
from tests.conftest import Servers
from tests.kiosk.sounds import record, tone

# What is played, as loud as it is heard, and what is marked as being read.
WATCH = """() => {
  window.played = [];
  window.marked = [];
  const start = AudioBufferSourceNode.prototype.start;
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...more) {
    if (to instanceof GainNode) this.gainOf = to.gain.value;
    return connect.call(this, to, ...more);
  };
  AudioBufferSourceNode.prototype.start = function (...when) {
    const wave = this.buffer.getChannelData(0);
    const power = wave.reduce((sum, value) => sum + value * value, 0) / wave.length;
    window.played.push(this.gainOf * Math.sqrt(power));
    return start.apply(this, when);
  };
  new MutationObserver((changes) => {
    for (const { target, oldValue } of changes) {
      if (!/\\breading\\b/.test(oldValue ?? "") && target.classList.contains("reading")) {
        window.marked.push(target.textContent.trim().replaceAll("\\u00a0", " "));
      }
    }
  }).observe(document, {
    subtree: true, childList: true, attributeFilter: ["class"], attributeOldValue: true,
  });
}"""
READ = """(count) => new Promise((done) => {
  const look = () => {
    const quiet = !document.querySelector(".reading");
    if (window.marked.length >= count && quiet) done([window.marked, window.played]);
    else setTimeout(look, 20);
  };
  look();
})"""
FACES = ["Rất hài lòng", "Hài lòng", "Bình thường", "Không hài lòng", "Rất không hài lòng"]


@pytest.fixture
def languages(tmp_path: Path) -> Path:
    """Recordings of the rating, softer and louder ones, and of two texts of the thank-you."""
    folder = tmp_path / "languages"
    record(folder, "in_centre/rating", tone())
    for code in range(1, 6):
        record(folder, f"in_centre/satisfaction.{code}", tone(loudness=0.15 * code))
    record(folder, "screen/thanks.title", tone(0.06))
    record(folder, "screen/thanks.next", tone(0.07))
    return folder


@pytest.fixture
def page(browser: Browser, serve: Servers) -> Iterator[Page]:
    # With ``serve``, so that its servers outlive the page, which asks whether they are there.
    size = {"width": 800, "height": 1280}
    context = browser.new_context(viewport=size, has_touch=True, locale="vi-VN")  # type: ignore[arg-type]
    page = context.new_page()
    complaints = complaints_of(page)
    yield page
    context.close()
    assert [one for one in complaints if "404" not in one] == []  # a voice out of reach


def read(page: Page, count: int) -> Any:
    """What was marked and how loud it was played, once so much was read and it is quiet."""
    return page.evaluate(READ, count)


@pytest.mark.browser
def test_a_visitor_listens_chooses_and_is_forgotten(
    page: Page, serve: Servers, tmp_path: Path, languages: Path
) -> None:
    page.goto(serve(kiosk(tmp_path, counter="q05", languages=languages)))
    page.evaluate(WATCH)
    tap(page, "Nghe đọc")
    marked, played = read(page, 6)
    assert marked == ["Ông/Bà hài lòng ở mức nào với việc phục vụ hôm nay?", *FACES]
    assert max(played) / min(played) < 1.05  # no answer is louder than another
    assert violations(page) == []

    worst = page.locator(".rating").nth(3)
    worst.tap()
    read(page, 7)
    expect(worst).to_have_class("rating heard")
    page.locator(".rating").nth(1).tap()
    marked, _ = read(page, 8)
    assert marked[6:] == ["Không hài lòng", "Hài lòng"]
    expect(worst).to_have_class("rating")
    assert stored(tmp_path) == []
    page.locator(".rating").nth(1).tap()
    expect(page.locator(".thanks-screen")).to_be_visible()
    marked, _ = read(page, 11)
    assert marked[8] == "Xin cảm ơn Ông/Bà!"
    assert marked[9] == "Hài lòng"
    assert [one["answers"] for one in stored(tmp_path)] == [{"rating": 4}]

    tap(page, "Người tiếp theo")  # it is read
    expect(page.locator(".next-visitor.heard")).to_be_visible()
    tap(page, "Người tiếp theo")
    expect(page.locator(".faces-screen")).to_be_visible()
    expect(page.locator("html[data-listen]")).to_have_count(0)
    settled(page)
    page.locator(".rating").nth(4).tap()
    expect(page.locator(".thanks-screen")).to_be_visible()


@pytest.mark.browser
def test_answers_are_not_read_without_their_question(
    page: Page, serve: Servers, tmp_path: Path, languages: Path
) -> None:
    (languages / "vi" / "audio" / "in_centre" / "rating.wav").unlink()
    record(languages, "in_centre/reasons.3", tone())
    page.goto(serve(kiosk(tmp_path, counter="q05", languages=languages)))
    expect(page.locator(".tool").first).to_be_visible()
    expect(page.get_by_text("Nghe đọc")).to_be_hidden()
    page.locator(".rating").first.tap()
    expect(page.locator(".thanks-screen")).to_be_visible()
    page.evaluate(WATCH)
    tap(page, "Nghe đọc")
    marked, _ = read(page, 3)
    assert marked[:2] == ["Xin cảm ơn Ông/Bà!", "Rất hài lòng"]
    reason = page.locator("#reasons .answer").nth(2)
    reason.tap()
    expect(reason.locator("input")).to_be_checked()  # by its first touch


@pytest.mark.browser
def test_a_volume_a_silent_screen_and_a_voice_out_of_reach(
    page: Page, serve: Servers, tmp_path: Path, languages: Path
) -> None:
    app = kiosk(tmp_path, counter="q05", languages=languages)
    app.state.context.levels.choose("volume", 50)
    url = serve(app)
    page.goto(f"{url}/?lang=en")
    expect(page.locator(".tool").first).to_be_visible()
    expect(page.get_by_text("Read aloud")).to_be_hidden()  # nothing is recorded in English

    (languages / "vi" / "audio" / "in_centre" / "satisfaction.3.wav").unlink()
    page.goto(f"{url}/?lang=vi")
    page.evaluate(WATCH)
    tap(page, "Nghe đọc")
    marked, played = read(page, 5)
    assert marked[1:] == [face for face in FACES if face != "Bình thường"]
    assert max(played) < 0.055  # half of what it is at full volume
    page.locator(".rating").nth(2).tap()  # without its voice it is chosen at once
    expect(page.locator(".thanks-screen")).to_be_visible()
