"""People: invited by a link, of one department alone, signed out everywhere."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.aggregator.conftest import PASSWORD, ratings
from tests.browser.axe import violations
from tests.browser.conftest import SIZES, Hall, open_hall
from tests.conftest import Servers
from tests.oidc_provider import CLIENT, SECRET, running
from tests.programs import free_port

NAME = "phu_trach"


def stranger(hall: Hall, size: tuple[int, int]) -> Page:
    """A browser in which nobody has signed in."""
    context = hall.browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="vi-VN"
    )
    hall.opened.append(context)
    return context.new_page()


def sign_in(page: Page, hall: Hall) -> None:
    page.goto(f"{hall.url}/sign-in")
    page.get_by_label("Tên tài khoản").fill(NAME)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("link", name=NAME)).to_be_visible()


@pytest.mark.browser
def test_a_head_is_invited_sees_the_own_department_and_is_signed_out_everywhere(
    hall: Hall,
) -> None:
    hall.take(
        *ratings((5,) * 41, department="so_tu_phap", counter="q05"),
        *ratings((5,) * 43, department="so_tai_chinh", counter="q18"),
    )
    manager = hall.page()
    manager.get_by_role("link", name="Quản trị").click()
    manager.get_by_role("link", name="Người dùng", exact=True).click()
    manager.get_by_label("Họ tên người được mời").fill("Phụ trách Sở Tư pháp")
    manager.get_by_label("Vai trò").first.select_option("head")
    manager.get_by_role("button", name="Tạo lời mời").click()
    expect(manager.get_by_role("alert")).to_contain_text("cơ quan")  # of which one?
    manager.get_by_label("Cơ quan (của người phụ trách)").first.select_option("so_tu_phap")
    manager.get_by_role("button", name="Tạo lời mời").click()
    link = manager.get_by_label("Liên kết cho Phụ trách Sở Tư pháp").input_value()
    invitation = hall.url + urlsplit(link).path

    head = stranger(hall, SIZES[1])
    head.goto(invitation)
    expect(head.locator("#invitation")).to_contain_text("Sở Tư pháp")
    assert violations(head) == []
    head.get_by_label("Tên tài khoản").fill(NAME)
    head.get_by_label("Mật khẩu", exact=True).fill(PASSWORD)
    head.get_by_label("Nhập lại mật khẩu").fill(PASSWORD)
    head.get_by_role("button", name="Lập tài khoản").click()
    # It is the page of the own department, and nothing tells of another one or of a total.
    expect(head).to_have_url(re.compile("/department/so_tu_phap"))
    expect(head.locator("main")).to_contain_text("41")
    expect(head.get_by_role("link", name="Quản trị")).to_have_count(0)
    for path in ("/trends", "/documents"):
        head.goto(hall.url + path)
        expect(head.locator("main")).not_to_contain_text("Sở Tài chính")
    head.goto(f"{hall.url}/department/so_tai_chinh")
    expect(head.get_by_role("heading", level=1)).to_have_text("Không có trang này.")
    head.goto(invitation)
    expect(head.get_by_role("alert")).to_contain_text("đã dùng")

    second = stranger(hall, SIZES[0])
    sign_in(second, hall)
    second.goto(f"{hall.url}/account")
    second.get_by_role("button", name="Đăng xuất mọi nơi").click()
    for one in (head, second):
        one.goto(f"{hall.url}/department/so_tu_phap")
        expect(one).to_have_url(re.compile("/sign-in"))
    sign_in(head, hall)
    manager.goto(f"{hall.url}/accounts")
    manager.locator("summary", has_text=NAME).click()
    manager.get_by_role("button", name=f"Đăng xuất mọi nơi {NAME}").click()
    head.goto(f"{hall.url}/trends")
    expect(head.get_by_label("Mật khẩu")).to_be_visible()
    hall.complaints[:] = [one for one in hall.complaints if "status of 4" not in one]


@pytest.fixture
def office(
    browser: Browser, serve: Servers, tmp_path: Path, sqlite_template: Path
) -> Iterator[Hall]:
    """An aggregator at which people may sign in by an OpenID Connect provider, a process."""
    port = free_port()
    with running() as issuer:
        yield from open_hall(
            browser,
            serve,
            tmp_path,
            sqlite_template,
            lambda: datetime.now(UTC),
            port,
            dashboard_url=f"http://127.0.0.1:{port}",
            oidc_issuer=issuer,
            oidc_client_id=CLIENT,
            oidc_client_secret=SECRET,
        )


@pytest.mark.browser
def test_who_was_invited_signs_in_elsewhere_and_the_log_tells_of_it(office: Hall) -> None:
    accounts = office.context.accounts
    link = accounts.invite("Lò Thị Đào", "reader", None, "", "giam_doc")
    guest = stranger(office, SIZES[0])
    guest.goto(office.url + urlsplit(link).path)
    guest.get_by_role("link", name="Nhận lời mời bằng tài khoản của cơ quan").click()
    expect(guest.get_by_role("link", name="Lò Thị Đào")).to_be_visible()
    guest.get_by_role("button", name="Đăng xuất").click()
    guest.goto(f"{office.url}/trends")
    assert violations(guest) == []
    guest.get_by_role("link", name="Đăng nhập bằng tài khoản của cơ quan").click()
    expect(guest).to_have_url(f"{office.url}/trends")
    expect(guest.get_by_role("link", name="Lò Thị Đào")).to_be_visible()

    accounts.add_user("quan_tri", "administrator")
    page = stranger(office, SIZES[0])
    page.goto(accounts.new_link("quan_tri", office.url))
    page.get_by_role("link", name="Quản trị").click()
    page.get_by_role("link", name="Nhật ký", exact=True).click()
    rows = page.locator("#audit tbody tr")
    page.get_by_label("Tìm, có dấu").fill("lo thi dao")
    page.get_by_role("button", name="Tìm").click()
    expect(rows.filter(has_text="Đăng nhập").first).to_contain_text("Lò Thị Đào")
    assert rows.count() >= 3
    page.get_by_label("Loại việc").select_option(label="Tài khoản")
    page.get_by_role("button", name="Tìm").click()
    expect(rows.filter(has_text="Đăng nhập")).to_have_count(0)
    expect(rows.first).to_contain_text("Lò Thị Đào")
    with page.expect_download() as file:
        page.get_by_role("link", name="CSV").click()
    assert "Lò Thị Đào" in file.value.path().read_text("utf-8-sig")
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_label("Tìm, có dấu").fill("không có ai")
    page.get_by_role("button", name="Tìm").click()
    expect(page.locator(".empty")).to_be_visible()
