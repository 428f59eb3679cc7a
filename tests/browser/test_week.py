"""One week of a centre on the demonstration: from a bad afternoon to something done about it.

Aggregator and kiosk are the served apps with their own databases, uploader and documents; only
their clock is set, since a week does not fit into a test. ``HAILONG_WEEK_PICTURES`` names a folder
for pictures of what is seen on the way.
"""

import os
import re
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pydantic import SecretStr
from pypdf import PdfReader

from aggregator.alerts.watch import Watch
from aggregator.demo import simulate
from aggregator.demo.bad_day import SILENT, last_day
from aggregator.demo.cases import BY_CASES
from aggregator.intake.ingest import Ingest
from kiosk.app import create_app as create_kiosk
from kiosk.settings import Settings as KioskSettings
from tests.browser.conftest import SIZES, Hall, complaints_of, open_hall
from tests.browser.test_phone import PHONE, form
from tests.conftest import Servers
from tests.kiosk.conftest import CENTRE

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("HAILONG_WEEK_PICTURES", "")
COMMENT = "Ba lần đến quầy mới đủ giấy tờ, mỗi lần một yêu cầu khác."
ANSWER = "Xin lỗi Ông/Bà. Quầy đã niêm yết đủ giấy tờ của thủ tục này."
AGAIN = "Hôm nay vẫn chưa thấy niêm yết."
SECOND = "Đã niêm yết tại quầy số 10 từ chiều nay; mời Ông/Bà liên hệ Trưởng quầy nếu còn thiếu."
NOTE = "Máy lấy số hỏng chiều thứ Sáu, đã thay; quầy xin lỗi từng người."


class Week:
    """The clock of both servers; it stands still until it is set."""

    def __init__(self) -> None:
        self.moment = datetime.fromisoformat("2026-11-23T07:30:00+07:00")  # a Monday

    def __call__(self) -> datetime:
        return self.moment

    def at(self, day: int, clock: str) -> None:
        self.moment = datetime.fromisoformat(f"2026-11-{day}T{clock}:00+07:00")


@pytest.fixture
def week() -> Week:
    return Week()


@pytest.fixture
def hall(
    browser: Browser, serve: Servers, tmp_path: Path, sqlite_template: Path, week: Week
) -> Iterator[Hall]:
    """The demonstration on Monday morning, after the look of the evening before the weekend."""
    opening = open_hall(browser, serve, tmp_path, sqlite_template, week, demo=True)
    hall = next(opening)
    context, now = hall.context, week()
    ingest = Ingest(context.store, context.surveys, context.centre, week)
    simulate(context.store, ingest, context.centre, context.surveys, now)
    week.moment = last_day(context.centre, now)
    look(hall)
    week.moment = now
    context.accounts.add_user("truong_phong", "head", department=BY_CASES)
    yield hall
    next(opening, None)


def look(hall: Hall) -> int:
    """What the aggregator does every minute; how many alerts are new."""
    context = hall.context
    return Watch(context.store, context.organisation, context.settings, context.clock).look()


@pytest.fixture
def kiosk(hall: Hall, serve: Servers, tmp_path: Path, week: Week) -> str:
    token = hall.context.accounts.new_token("device", "phones")
    settings = KioskSettings(
        centre=CENTRE,
        var=tmp_path / "kiosk",
        aggregator_url=hall.url,
        device_token=SecretStr(token),
        demo=True,
    )
    return serve(create_kiosk(settings, clock=week))


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, has_touch=True, locale="vi-VN")
    page = context.new_page()
    complaints = complaints_of(page)
    yield page
    context.close()
    assert [one for one in complaints if "status of 404" not in one] == []


def sign_in(hall: Hall, name: str, page: Page | None = None) -> Page:
    """Somebody's browser, on the page that a sign-in leads to."""
    if page is None:
        page = own_browser(hall)
    page.goto(hall.context.accounts.new_link(name, hall.url))
    return page


def own_browser(hall: Hall) -> Page:
    context: BrowserContext = hall.browser.new_context(
        viewport={"width": SIZES[0][0], "height": SIZES[0][1]}, locale="vi-VN"
    )
    hall.opened.append(context)
    page = context.new_page()
    page.on("pageerror", lambda error: hall.complaints.append(str(error)))
    return page


def picture(page: Page, name: str) -> None:
    """Pictures of a page as it stands, where they are asked for."""
    if not PICTURES:
        return
    folder = Path(PICTURES)
    folder.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for width, height in SIZES if before != PHONE else [(PHONE["width"], PHONE["height"])]:
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=str(folder / f"{name}-{width}.png"))
    if before:
        page.set_viewport_size(before)


def known(phone: Page, kiosk: str, code: str, state: str) -> None:
    """Ask for a code until the kiosk has delivered what it is of."""
    phone.goto(f"{kiosk}/c/{code}")
    wanted = phone.get_by_text(state)
    for _ in range(50):
        if wanted.or_(phone.get_by_text("Không tìm thấy")).first.inner_text() == state:
            break
        phone.reload()
    expect(wanted).to_be_visible()


def test_a_week_from_a_bad_afternoon_to_what_was_done_about_it(
    hall: Hall, kiosk: str, phone: Page, week: Week
) -> None:
    # Monday, half past seven: the briefing tells the last working day, and what needs attention.
    manager = sign_in(hall, "giam_doc")
    expect(manager).to_have_url(f"{hall.url}/briefing")
    verdict = manager.locator(".verdict-line p").first
    expect(verdict).to_have_text(
        re.compile(r"Thứ Sáu, 20/11/2026,\s+có \d+ lượt đánh giá, \d+,\d% rất hài lòng\.")
    )
    for width, height in SIZES[::-1]:
        manager.set_viewport_size({"width": width, "height": height})
        expect(verdict).to_be_in_viewport(ratio=1)
    expect(manager.locator(".attention li")).to_have_count(3)
    expect(manager.locator(".strip")).to_contain_text(SILENT)
    picture(manager, "1-briefing")

    # The alert of the bad afternoon is opened and answered for by name.
    manager.locator(".briefing").get_by_role("link", name="lượt gần nhất ở mức").first.click()
    alert = manager.locator(".alerts li").filter(has_text="lượt gần nhất ở mức").first
    expect(alert).to_contain_text("Vẫn đang diễn ra")
    silent = manager.locator(".alerts li").filter(has_text=SILENT)
    expect(silent).to_contain_text(
        "mất liên lạc trong giờ làm việc, lần liên lạc gần nhất lúc 10:12 20/11"
    )
    picture(manager, "2-alerts")
    alert.get_by_label("Ghi chú").fill(NOTE)
    alert.get_by_role("button", name="Đã xem").click()
    expect(alert).to_contain_text("giam_doc đã xem lúc 07:30")
    expect(alert).to_contain_text(NOTE)
    assert look(hall) == 0  # it lasts, and is not told again

    # The sheet that is signed at the briefing.
    manager.goto(f"{hall.url}/briefing")
    with manager.expect_download() as download:
        manager.get_by_role("link", name="Phiếu giao ban (PDF)").click()
    sheet = Path(download.value.path()).read_bytes()
    if PICTURES:
        (Path(PICTURES) / "3-sheet.pdf").write_bytes(sheet)
    pages = PdfReader(BytesIO(sheet)).pages
    assert len(pages) == 1  # with its places for signatures
    text = " ".join(pages[0].extract_text().split())
    for words in ("20 tháng 11 năm 2026", "Lưu hành nội bộ", "Ký, ghi rõ họ tên"):
        assert words in text, text

    # A citizen writes on the own phone, and keeps the code.
    week.at(23, "09:10")
    phone.goto(form(kiosk))
    phone.get_by_text("Không hài lòng", exact=True).tap()
    phone.get_by_role("textbox").fill(COMMENT)
    phone.get_by_role("button", name="Gửi đánh giá").tap()
    code = phone.locator(".receipt-code").inner_text()
    picture(phone, "4-receipt")
    known(phone, kiosk, code, "Đã nhận, chưa được xử lý.")

    # The manager reads it, makes a case of it and hands that to the department.
    manager.goto(f"{hall.url}/comments?q=ba+lan+den+quay")
    expect(manager.get_by_text(COMMENT)).to_be_visible()
    picture(manager, "5-comments")
    manager.locator("summary", has_text="Xử lý").click()
    manager.get_by_role("button", name="Chuyển thành vụ việc").click()
    manager.get_by_label("Cơ quan trả lời").select_option(BY_CASES)
    manager.get_by_role("button", name="Giao cho cơ quan").click()
    expect(manager.locator(".case-facts")).to_contain_text("Đang xử lý")
    picture(manager, "6-case")
    case = manager.url

    # Tuesday: the head of the department answers; the citizen reads it, and it is not enough.
    week.at(24, "10:00")
    head = sign_in(hall, "truong_phong")
    head.goto(case)
    head.get_by_label("Câu trả lời cho người dân").fill(ANSWER)
    head.get_by_role("button", name="Trả lời").click()
    expect(head.locator(".case-facts")).to_contain_text("Đã trả lời")
    picture(head, "7-answered")
    week.at(25, "14:00")
    known(phone, kiosk, code, "Đã có câu trả lời.")
    expect(phone.get_by_text(ANSWER)).to_be_visible()
    picture(phone, "8-answer")
    phone.get_by_text("Câu trả lời chưa thỏa đáng?").tap()
    phone.get_by_label("Điều gì chưa được giải quyết?").fill(AGAIN)
    phone.get_by_role("button", name="Mở lại").tap()
    expect(phone.get_by_text("Đang được xử lý.")).to_be_visible()

    # Thursday: answered again, closed, and it may not be reopened twice.
    week.at(26, "08:20")
    sign_in(hall, "truong_phong", head).goto(case)
    expect(head.get_by_text(AGAIN)).to_be_visible()
    head.get_by_label("Câu trả lời cho người dân").fill(SECOND)
    head.get_by_role("button", name="Trả lời").click()
    sign_in(hall, "giam_doc", manager).goto(case)
    manager.get_by_role("button", name="Đóng vụ việc").click()
    expect(manager.locator(".case-facts")).to_contain_text("Đã đóng")
    phone.reload()
    expect(phone.get_by_text("Đã trả lời và kết thúc.")).to_be_visible()
    expect(phone.get_by_text("đã được mở lại một lần")).to_be_visible()
    expect(phone.get_by_text("Câu trả lời chưa thỏa đáng?")).to_have_count(0)

    # Friday: what was answered in time is the department's indicator 8.
    week.at(27, "16:30")
    sign_in(hall, "giam_doc", manager).goto(f"{hall.url}/cases")
    expect(manager.locator(".case-shares")).to_contain_text("Sở Nông nghiệp")
    picture(manager, "9-cases")
    manager.goto(f"{hall.url}/handling?period=week&date=2026-11-27")
    row = manager.get_by_role("row", name="Sở Nông nghiệp")
    feedback = row.get_by_role("cell").filter(has_text="theo vụ việc")
    expect(feedback).to_contain_text("2,0")
    feedback.get_by_role("link").click()
    expect(manager.locator("#how")).to_contain_text("1")
    picture(manager, "10-indicator")
