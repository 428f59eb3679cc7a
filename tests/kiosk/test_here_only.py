"""With ``make run`` only the phone form is for other machines."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tests.kiosk.conftest import Kiosk

HIDDEN = ["/", "/rate/so_y_te", "/posters", "/status"]


def from_address(kiosk: Kiosk, address: str) -> TestClient:
    return TestClient(kiosk.client.app, client=(address, 5000), follow_redirects=False)


@pytest.mark.parametrize("path", HIDDEN)
@pytest.mark.parametrize(
    ("address", "remote", "status"),
    [("192.0.2.7", False, 403), ("192.0.2.7", True, 200), ("127.0.0.1", False, 200)],
)
def test_the_touch_screen_may_be_for_this_machine_alone(
    make_kiosk: Callable[..., Kiosk], path: str, address: str, remote: bool, status: int
) -> None:
    kiosk = make_kiosk(touch_remote=remote)
    assert from_address(kiosk, address).get(path).status_code == status


def test_a_phone_of_the_network_reaches_the_form_but_cannot_tap(
    make_kiosk: Callable[..., Kiosk],
) -> None:
    kiosk = make_kiosk(touch_remote=False)
    phone = from_address(kiosk, "192.0.2.7")
    assert phone.get(f"/f/{kiosk.code()}").status_code == 200
    assert phone.post("/rate", data={"rating": "5"}).status_code == 403
    assert kiosk.stored() == []


def test_another_machine_is_told_why_and_by_which_setting(
    make_kiosk: Callable[..., Kiosk],
) -> None:
    kiosk = make_kiosk(touch_remote=False)
    page = from_address(kiosk, "192.0.2.7").get("/").text
    assert "chỉ dùng trên máy đặt tại Trung tâm" in page
    assert "HAILONG_TOUCH_REMOTE" in page
    assert 'href="/"' not in page  # it would lead here again
