"""The settings, changed by two managers whose browsers run no script, and a kiosk that learns."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import expect

from kiosk.app import create_app
from kiosk.settings import Settings
from tests.aggregator.conftest import CENTRE, ratings
from tests.browser.axe import violations
from tests.browser.conftest import SIZES, Hall
from tests.surveys.pictures import GOOD

OCTOBER = "2026-10-05T08:10:00+07:00"
FORMS = ("hours", "looks", "references/device_2020")


@pytest.mark.browser
def test_two_managers_change_settings_and_a_kiosk_has_them(hall: Hall, tmp_path: Path) -> None:
    hall.take(*ratings((5,) * 35, answered_at=OCTOBER))
    first, second = (hall.page(java_script_enabled=False) for _ in range(2))
    first.get_by_role("link", name="Quản trị").click()
    first.get_by_role("link", name="Cài đặt").click()
    first.get_by_role("link", name="Thay đổi Giờ làm việc").click()
    first.get_by_role("group", name="Ca 2").get_by_label("Đóng cửa").fill("16:30")
    first.get_by_role("button", name="Xem trước").click()
    expect(first.locator("main")).to_contain_text("màn hình sáng 07:15–11:45, 13:15–16:45")
    first.get_by_label("Vì sao thay đổi").fill("Giờ mùa đông")
    second.goto(f"{hall.url}/settings/minimums")
    second.get_by_label("Số lượt tối thiểu để so sánh").fill("40")
    first.get_by_role("button", name="Lưu phiên bản mới").click()
    expect(first.get_by_role("status")).to_have_text("Đã lưu phiên bản 2.")

    second.get_by_role("button", name="Xem trước").click()
    expect(second.get_by_role("alert")).to_contain_text("13:30–17:00 → ")
    expect(second.get_by_label("Số lượt tối thiểu để so sánh")).to_have_value("40")
    assert all("422" in one for one in hall.complaints)
    hall.complaints.clear()
    second.get_by_role("button", name="Xem trước").click()
    expect(second.locator("main")).to_contain_text("với mức 40 là 1 (Sở Tư pháp)")
    second.get_by_role("button", name="Lưu phiên bản mới").click()
    expect(second.get_by_role("status")).to_have_text("Đã lưu phiên bản 3.")

    second.goto(f"{hall.url}/settings/looks")
    emblem = tmp_path / "own.svg"
    emblem.write_text(GOOD, "utf-8")
    second.get_by_label("Tải ảnh lên").set_input_files(emblem)
    second.get_by_role("button", name="Xem trước").click()
    expect(second.get_by_role("img", name="Hình mẫu màn hình")).to_be_visible()
    second.get_by_role("button", name="Lưu phiên bản mới").click()
    expect(second.locator("#looks")).to_contain_text("ảnh SVG")

    token = hall.context.accounts.new_token("device", "sảnh")
    settings = Settings(
        centre=CENTRE, var=tmp_path / "kiosk", aggregator_url=hall.url, device_token=token
    )
    kiosk = create_app(settings).state.context

    async def once() -> None:
        async with httpx2.AsyncClient(trust_env=False) as client:
            await kiosk.uploader._round(client)

    with ThreadPoolExecutor(1) as other:  # Playwright's loop runs in this thread
        other.submit(lambda: asyncio.run(once())).result()
    kiosk.outbox.close()
    renewed = create_app(settings).state.context
    assert renewed.centre == hall.context.organisation.stored
    assert (renewed.centre.minimum_ratings, renewed.centre.opening_hours[1].closes.hour) == (40, 16)
    assert renewed.looks.emblem.body == GOOD.encode()
    renewed.outbox.close()


@pytest.mark.browser
def test_the_pages_fit_and_are_accessible(hall: Hall) -> None:
    for size in SIZES:
        page = hall.page(size)
        for path in ("", *(f"/{form}" for form in FORMS)):
            page.goto(f"{hall.url}/settings{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0], path
            assert size == SIZES[0] or violations(page) == [], path
    page.goto(f"{hall.url}/settings/documents")
    page.get_by_label("Họ tên người ký").fill("Họ Và Tên")
    page.get_by_role("button", name="Xem trước").click()
    page.get_by_label("Vì sao thay đổi").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert violations(page) == []
