"""The public board, turned on by a manager, read in the hall without a session, turned off."""

import pytest
from playwright.sync_api import expect

from aggregator.alerts.watch import Watch
from tests.aggregator.conftest import ratings
from tests.browser.axe import violations
from tests.browser.conftest import Hall

OCTOBER = "2026-10-05T08:10:00+07:00"
SCREEN = (1920, 1080)


@pytest.mark.browser
def test_a_board_is_turned_on_read_in_the_hall_and_turned_off(hall: Hall) -> None:
    context = hall.context
    places = [(one.id, one.counters[0].id) for one in context.centre.departments if one.counters]
    for department, counter in places:
        place = {"department": department, "counter": counter}
        hall.take(*ratings((5,) * 18 + (4,) * 2, answered_at=OCTOBER, **place))
    manager = hall.page()
    manager.goto(f"{hall.url}/settings#board")
    manager.get_by_role("link", name="Thay đổi Bảng công khai").click()
    manager.get_by_label("Mở bảng công khai").check()
    manager.get_by_role("button", name="Xem trước").click()
    expect(manager.locator("main")).to_contain_text("trong 100 người rất hài lòng")
    assert context.store.ledger.months("in_centre") == []
    manager.get_by_label("Vì sao thay đổi").fill("Công khai kết quả")
    manager.get_by_role("button", name="Lưu phiên bản mới").click()
    expect(manager.locator("#board")).to_contain_text("có")
    Watch(context.store, context.organisation, context.settings, context.clock).publish()

    stranger = hall.page(SCREEN)
    stranger.context.clear_cookies()
    stranger.goto(f"{hall.url}/public/hall")
    expect(stranger.locator(".words")).to_contain_text("trong 100 người rất hài lòng")
    within = "document.documentElement.{0} <= inner{1}"
    assert stranger.evaluate(within.format("scrollWidth", "Width"))
    assert stranger.evaluate(within.format("scrollHeight", "Height"))
    for shown in stranger.locator(".departments div, footer").all():
        box = shown.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= SCREEN[1]
    last = stranger.locator(".departments div").last.bounding_box()
    foot = stranger.locator("footer").bounding_box()
    assert last is not None
    assert foot is not None
    assert last["y"] + last["height"] <= foot["y"]
    size = stranger.locator(".words").evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    assert size >= 64, "read from five metres"
    for path in ("/public", "/public/hall"):
        stranger.goto(f"{hall.url}{path}")
        assert violations(stranger) == []

    manager.goto(f"{hall.url}/settings/board")
    manager.get_by_label("Mở bảng công khai").uncheck()
    manager.get_by_role("button", name="Xem trước").click()
    manager.get_by_label("Vì sao thay đổi").fill("Tạm dừng")
    manager.get_by_role("button", name="Lưu phiên bản mới").click()
    expect(manager.locator("#board")).to_contain_text("không")
    answer = stranger.goto(f"{hall.url}/public/hall?lang=vi")  # no cache has this address
    assert answer is not None
    assert answer.status == 404
    hall.complaints.clear()  # the browser tells of the 404
