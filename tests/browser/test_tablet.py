"""A tablet that installed the touch screen: the same journeys while no server is there."""

import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import zxingcpp
from playwright.sync_api import Browser, BrowserContext, Page, expect
from starlette.applications import Starlette

from kiosk.app import create_app
from kiosk.outbox import body_of
from kiosk.settings import Settings
from kiosk.staff_access import hash_pin
from kiosk.submissions import part_id
from surveys.centre import Centre, load_definitions
from surveys.receipts import receipt_of
from tests.browser.conftest import lapse, settled
from tests.browser.pictures import pixels_of
from tests.browser.test_touch import turn_to
from tests.conftest import CHROMIUM_FLAGS, Servers, chromium_path
from tests.kiosk.conftest import CENTRE

UPRIGHT = {"width": 800, "height": 1280}
KEPT = """async () => {
  const opened = indexedDB.open("hailong");
  await new Promise((done) => { opened.onsuccess = done; });
  const request = opened.result.transaction("answers").objectStore("answers").getAll();
  await new Promise((done) => { request.onsuccess = done; });
  opened.result.close();
  return request.result;
}"""
PUBLIC = "https://danh-gia.laichau.gov.vn"  # what phones reach
# Waits, in the page, until nothing is kept any more: delivered with the next heartbeats.
DELIVERED = f"""async () => {{
  for (let left = 100; left > 0; left -= 1) {{
    if (!(await ({KEPT})()).length) return true;
    await new Promise((done) => {{ setTimeout(done, 200); }});
  }}
  return false;
}}"""


@dataclass
class Tablet:
    """A tablet's browser, and the kiosk process that it was installed from."""

    context: BrowserContext
    serve: Servers
    var: Path
    settings: dict[str, Any] = field(default_factory=dict)
    centre: Centre | None = None  # where it is not that of the file
    address: str = ""
    complaints: list[str] = field(default_factory=list)

    def kiosk(self) -> Starlette:
        settings = Settings(centre=CENTRE, var=self.var, tablets=True, **self.settings)
        return create_app(settings, centre=self.centre)

    def installed(self, **settings: Any) -> Page:
        """The screen after it was started once with its server."""
        self.settings = settings
        self.app = self.kiosk()
        self.address = self.serve(self.app)
        page = self.start()
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        return page

    def start(self) -> Page:
        """A new page, as after a cold start."""
        for page in self.context.pages:
            page.close()
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.address)
        return page

    def leave(self) -> None:
        """The server goes away."""
        self.serve.stop(self.address)

    def come_back(self, **settings: Any) -> None:
        self.settings |= settings
        self.app = self.kiosk()
        self.serve(self.app, port=int(self.address.rpartition(":")[2]))

    def stored(self) -> list[dict[str, Any]]:
        return [body_of(row) for row in self.app.state.context.outbox.pending(100)]


@pytest.fixture
def tablet(browser: Browser, serve: Servers, tmp_path: Path) -> Iterator[Tablet]:
    context = browser.new_context(viewport=UPRIGHT, has_touch=True)  # type: ignore[arg-type]
    tablet = Tablet(context, serve, tmp_path)
    yield tablet
    context.close()
    assert tablet.complaints == []


def tap(page: Page, words: str) -> None:
    settled(page)
    page.get_by_text(words, exact=True).last.tap()


def kill_worker(tablet: Tablet, page: Page) -> None:
    """The system takes the worker's memory away, as it may at any moment."""
    devtools = tablet.context.new_cdp_session(page)
    devtools.send("ServiceWorker.enable")
    devtools.send("ServiceWorker.stopAllWorkers")
    devtools.detach()


def delivered(page: Page) -> bool:
    return bool(page.evaluate(DELIVERED))


@pytest.mark.browser
def test_a_visit_without_a_server_counts_once_when_it_is_back(tablet: Tablet) -> None:
    tablet.installed(counter="q05", public_url=PUBLIC)
    tablet.leave()
    page = tablet.start()
    tap(page, "Không hài lòng")
    expect(page.get_by_text("Xin cảm ơn Ông/Bà!")).to_be_visible()
    kill_worker(tablet, page)
    tap(page, "Công chức phục vụ")
    page.get_by_label("Ông/Bà muốn nói thêm điều gì?").fill('Chờ lâu & "mệt" <b>')
    tap(page, "Trả lời phiếu đầy đủ")
    for number in range(1, 6):
        expect(page.get_by_text(f"Phần {number}/6")).to_be_visible()
        settled(page)
        page.locator(".question .answer").first.tap()
        tap(page, "Tiếp tục")
    expect(page.get_by_role("heading", name="Thông tin chung")).to_be_visible()
    turn_to(page, "#comment")
    page.get_by_label("Ý kiến khác").fill("Cảm ơn")
    tap(page, "Quay lại")  # to the first page of the same step, and once more
    expect(page.locator("#gender")).to_be_visible()
    tap(page, "Quay lại")
    expect(page.locator("#q19 input").first).to_be_checked()
    turn_to(page, "#comment")
    expect(page.get_by_label("Ý kiến khác")).to_have_value("Cảm ơn")
    tap(page, "Gửi phiếu")
    expect(page.locator(".farewell-screen")).to_be_visible()
    code = page.locator(".receipt-code").inner_text()  # made by the tablet, as its QR code is
    seen = pixels_of(page.locator(".receipt-qr").screenshot(animations="disabled"))
    assert [one.text for one in zxingcpp.read_barcodes(seen)] == [f"{PUBLIC}/c/{code}"]
    expect(page.locator(".pending")).to_contain_text("2")
    tap(page, "Về màn hình đầu")
    expect(page.locator(".rating").first).to_be_visible()

    kept = page.evaluate(KEPT)
    tablet.come_back()
    assert delivered(page)
    rating, survey = tablet.stored()
    assert rating["answers"] == {"rating": 2, "reasons": [3]}
    assert rating["comment"] == 'Chờ lâu & "mệt" <b>'
    assert survey["answers"] == {"q1": 5, "q5": 5, "q10": 5, "q16": 5, "q19": 5}
    assert survey["comment"] == "Cảm ơn"
    assert survey["receipt"] == receipt_of(code)
    assert (survey["visit"], survey["counter"]) == (rating["visit"], "q05")
    assert {one["id"] for one in kept} == {rating["id"], survey["id"]}
    assert rating["id"] == str(part_id_of(rating, "rating"))
    assert survey["id"] == str(part_id_of(survey, "sipas_2020"))
    expect(page.locator(".pending")).to_be_hidden()


def part_id_of(submission: dict[str, Any], part: str) -> Any:
    return part_id(UUID(submission["visit"]), part)


@pytest.mark.browser
def test_the_lobby_asks_for_the_department_in_either_language(tablet: Tablet) -> None:
    tablet.installed()
    tablet.leave()
    page = tablet.start()
    tap(page, "English")
    page.locator(".tile").nth(2).tap()
    expect(page.get_by_role("button", name="Very satisfied")).to_be_visible()
    department = tablet.app.state.context.centre.departments[2]
    expect(page.locator(".top-place")).to_have_text(department.name.en)
    tap(page, "Very satisfied")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page = tablet.start()  # torn away: what was answered stays
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    page.locator(".tile.everywhere").tap()
    tap(page, "Bình thường")
    expect(page.locator(".thanks-screen")).to_be_visible()
    page = tablet.start()
    expect(page.locator(".tile").first).to_be_visible()
    tablet.come_back()
    assert delivered(page)
    first, second = tablet.stored()
    assert (first["department"], first["language"]) == (department.id, "en")
    assert (second["department"], second["language"]) == (None, "vi")


@pytest.mark.browser
def test_another_face_is_chosen_within_the_same_visit(tablet: Tablet) -> None:
    tablet.installed(counter="q05", on_screen_keyboard="always")
    tablet.leave()
    page = tablet.start()
    tap(page, "Hài lòng")
    tap(page, "Thủ tục, giấy tờ")
    page.locator("textarea").tap()  # the keyboard came along
    for letter in "owf":
        page.locator(f'.keys button[data-skbtn="{letter}"]').tap()
    page.locator('.keys button[data-skbtn="{hide}"]').tap()
    tap(page, "Chọn lại")
    tap(page, "Rất hài lòng")
    expect(page.locator("input:checked")).to_have_count(1)
    tap(page, "Người tiếp theo")
    expect(page.locator(".rating").first).to_be_visible()
    tap(page, "Rất không hài lòng")
    expect(page.locator(".thanks-screen")).to_be_visible()
    page = tablet.start()
    tablet.come_back()
    assert delivered(page)
    first, second = tablet.stored()
    assert first["answers"] == {"rating": 5, "reasons": [2]}
    assert first["comment"] == "ờ"
    assert second["answers"] == {"rating": 1}
    assert first["visit"] != second["visit"]


@pytest.mark.browser
def test_silence_finishes_a_visit(tablet: Tablet) -> None:
    page = tablet.installed(counter="q05")
    page.clock.install()
    tablet.leave()
    page.goto(tablet.address)
    tap(page, "Hài lòng")
    expect(page.locator(".thanks-screen")).to_be_visible()
    lapse(page, 9_000)
    expect(page.locator(".faces-screen")).to_be_visible()
    [kept] = page.evaluate(KEPT)
    assert (kept["answers"], kept["finished"]) == ({"rating": 4}, True)


@pytest.mark.browser
def test_the_staff_corner_without_a_server_holds_nobody_up(tablet: Tablet) -> None:
    page = tablet.installed(counter="q05", staff_pin=hash_pin("482915"))
    page.clock.install()
    tablet.leave()
    page.goto(tablet.address)
    settled(page)
    with page.expect_navigation():
        for _ in range(5):
            page.touchscreen.tap(40, 40)
    tap(page, "Hài lòng")
    expect(page.locator(".thanks-screen")).to_be_visible()
    lapse(page, 9_000)  # the clock that gives the screen back goes on
    expect(page.locator(".faces-screen")).to_be_visible()


@pytest.mark.browser
def test_a_server_that_goes_away_within_a_visit_is_taken_over_from(tablet: Tablet) -> None:
    page = tablet.installed(counter="q05")
    page.reload()  # now the service worker is before every request
    tap(page, "Hài lòng")
    tap(page, "Trả lời phiếu đầy đủ")
    expect(page.get_by_text("Phần 1/6")).to_be_visible()
    page.locator(".question .answer").first.tap()
    tap(page, "Tiếp tục")
    expect(page.get_by_text("Phần 2/6")).to_be_visible()
    tablet.leave()
    settled(page)
    page.locator(".question .answer").first.tap()
    tap(page, "Tiếp tục")
    expect(page.get_by_text("Phần 3/6")).to_be_visible()
    tap(page, "Dừng ở đây")
    expect(page.locator(".faces-screen")).to_be_visible()
    tablet.come_back()
    assert delivered(page)
    rating, survey = tablet.stored()
    assert rating["answers"] == {"rating": 4}
    assert survey["answers"] == {"q1": 5, "q5": 5}
    assert survey["visit"] == rating["visit"]


@pytest.mark.browser
def test_a_wrong_number_is_named_and_kept_behind_the_faces_and_in_the_survey(
    tablet: Tablet,
) -> None:
    tablet.centre = asking_for_minutes()
    tablet.installed(counter="q05")
    tablet.leave()
    page = tablet.start()
    tap(page, "Hài lòng")
    expect(page.locator(".thanks-screen")).to_be_visible()
    tap(page, "Công chức phục vụ")
    minutes = page.get_by_label("Ông/Bà chờ bao nhiêu phút?")
    for given, said in (("một giờ", "Xin nhập một số nguyên."), ("999", "từ 0 đến 600")):
        minutes.fill(given)
        tap(page, "Gửi góp ý")
        expect(page.locator("#minutes-problem")).to_contain_text(said)
        expect(minutes).to_have_value(given)
        expect(minutes).to_have_attribute("aria-describedby", "minutes-problem")
        expect(page.locator("#screen[data-untouched]")).to_have_count(0)
    minutes.fill("60")
    tap(page, "Gửi góp ý")
    expect(page.locator(".farewell-screen")).to_be_visible()
    tablet.come_back()
    assert delivered(page)
    [rating] = tablet.stored()
    assert rating["answers"] == {"rating": 4, "reasons": [3], "minutes": 60}


def asking_for_minutes() -> Centre:
    """The centre with a question behind the faces that takes a number."""
    centre, surveys = load_definitions(CENTRE)
    hall = surveys["in_centre"].model_dump(mode="json")
    text = {"vi": "Ông/Bà chờ bao nhiêu phút?", "en": "How many minutes did you wait?"}
    added = {"id": "minutes", "text": text, "kind": "number", "minimum": 0, "maximum": 600}
    hall["factors"][1]["questions"].append({**added, "wording": "own"})
    whole = centre.model_dump(mode="json", exclude_defaults=True)
    return Centre.model_validate({**whole, "surveys": [hall]})


@pytest.mark.browser
def test_nobody_is_thanked_for_what_the_tablet_cannot_store(tablet: Tablet) -> None:
    page = tablet.installed(counter="q05")
    tablet.leave()
    page = tablet.start()
    quota = {"origin": tablet.address, "quotaSize": 1}
    devtools = tablet.context.new_cdp_session(page)
    devtools.send("Storage.overrideQuotaForOrigin", quota)
    tap(page, "Bình thường")
    expect(page.locator(".error-screen")).to_contain_text("Chưa ghi nhận được")
    assert page.evaluate(KEPT) == []
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": tablet.address})
    tap(page, "Thử lại")
    expect(page.locator(".thanks-screen")).to_be_visible()
    page = tablet.start()
    tablet.come_back()
    assert delivered(page)
    assert [one["answers"] for one in tablet.stored()] == [{"rating": 3}]


@pytest.mark.browser
def test_a_receipt_that_was_lost_counts_nothing_twice(tablet: Tablet) -> None:
    page = tablet.installed(counter="q05")
    tablet.leave()
    page = tablet.start()
    tap(page, "Hài lòng")
    tap(page, "Người tiếp theo")
    expect(page.locator(".faces-screen")).to_be_visible()
    [kept] = page.evaluate(KEPT)
    tablet.come_back()
    sent = {key: value for key, value in kept.items() if key != "finished"}
    body = {"sent_at": kept["answered_at"], "submissions": [sent]}
    answer = page.request.post(f"{tablet.address}/submissions", data=body)
    assert answer.json()[0]["status"] in ("accepted", "duplicate")
    assert delivered(page)
    assert [one["id"] for one in tablet.stored()] == [kept["id"]]


@pytest.mark.browser
def test_a_tablet_asks_for_lasting_storage(tablet: Tablet) -> None:
    tablet.context.add_init_script(
        """window.asked = 0;
        navigator.storage.persist = async () => { window.asked += 1; return true; };"""
    )
    page = tablet.installed(counter="q05")
    with page.expect_response("**/alive"):
        pass
    assert page.evaluate("window.asked") == 1


@pytest.mark.browser
def test_a_server_that_cannot_store_leaves_it_to_the_tablet(tablet: Tablet) -> None:
    page = tablet.installed(counter="q05")
    page.reload()
    disk = tablet.app.state.context.outbox.disk
    with disk.transaction(write=False) as connection:
        connection.execute("PRAGMA query_only = ON")
    tap(page, "Hài lòng")
    expect(page.locator(".thanks-screen")).to_be_visible()
    tap(page, "Người tiếp theo")
    expect(page.locator(".faces-screen")).to_be_visible()
    [kept] = page.evaluate(KEPT)
    with disk.transaction(write=False) as connection:
        connection.execute("PRAGMA query_only = OFF")
    assert delivered(page)
    assert [one["id"] for one in tablet.stored()] == [kept["id"]]


@pytest.mark.browser
def test_a_cold_start_does_not_wait_for_a_server_that_says_nothing(tablet: Tablet) -> None:
    tablet.installed(counter="q05")
    tablet.leave()
    with socket.create_server(("127.0.0.1", int(tablet.address.rpartition(":")[2]))):
        page = tablet.start()
        tap(page, "Hài lòng")
        expect(page.locator(".thanks-screen")).to_be_visible(timeout=10_000)


@pytest.mark.browser
def test_the_browser_would_install_it(tablet: Tablet) -> None:
    page = tablet.installed()
    devtools = tablet.context.new_cdp_session(page)
    said = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {one["errorId"] for one in said} <= {"in-incognito"}
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].endswith("/manifest.webmanifest")


@pytest.mark.browser
def test_what_was_thanked_for_outlives_a_browser_that_is_killed(
    browser: Browser, serve: Servers, tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    options: dict[str, Any] = {
        "executable_path": chromium_path(),
        "args": CHROMIUM_FLAGS,
        "viewport": UPRIGHT,
        "has_touch": True,
    }
    context = browser.browser_type.launch_persistent_context(profile, **options)
    tablet = Tablet(context, serve, tmp_path)
    tablet.installed(counter="q05")
    tablet.leave()
    page = tablet.start()
    tap(page, "Hài lòng")
    expect(page.locator(".thanks-screen")).to_be_visible()
    with context.expect_event("close"):
        kill_browser(profile)
    tablet.context = browser.browser_type.launch_persistent_context(profile, **options)
    page = tablet.start()
    expect(page.locator(".rating").first).to_be_visible()
    tablet.come_back()
    assert delivered(page)
    assert [one["answers"] for one in tablet.stored()] == [{"rating": 4}]
    tablet.context.close()


def kill_browser(profile: Path) -> None:
    """End this profile's browser process, and with it all of its others, without a word."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile
            continue
        if f"--user-data-dir={profile}".encode() in words and not any(
            word.startswith(b"--type=") for word in words
        ):
            os.kill(int(process.name), signal.SIGKILL)
