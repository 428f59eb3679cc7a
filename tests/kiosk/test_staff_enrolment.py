"""The staff corner's screen that enrols a kiosk, before a real aggregator."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from kiosk.app import create_app, usable
from kiosk.enrolment import load_enrolment
from kiosk.staff_access import hash_pin
from tests.conftest import Servers
from tests.kiosk.conftest import Kiosk, RealAggregator

PIN = "482915"
HASH = hash_pin(PIN)


def test_a_kiosk_delivered_blank_is_enrolled_on_its_screen(
    make_kiosk: Callable[..., Kiosk],
    serve: Servers,
    real_aggregator: RealAggregator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    there, url = real_aggregator()
    code = there.accounts.enrolment_code("quầy 5", (None, "q05"), "an", 1)
    proxy = Route("/api/v1/devices", lambda _: PlainTextResponse("no", 403), methods=["POST"])
    older = Route("/api/v1/devices", lambda _: JSONResponse({"ok": True}), methods=["POST"])
    desk = make_kiosk(staff_pin=HASH, aggregator_url="http://127.0.0.1:1")
    file = desk.context.settings.enrolment_file

    def post(code: str, address: str = url) -> Any:
        return desk.client.post("/staff/enrol", data={"code": code, "address": address})

    assert post(code).headers["location"] == "/staff"  # nobody signed in
    page = desk.client.post("/staff", data={"pin": PIN}).text
    assert "chưa ghi danh" in page
    assert 'href="/staff/enrol"' in page
    assert 'value="http://127.0.0.1:1"' in desk.client.get("/staff/enrol").text
    for typed, address, told in (
        ("7" * 8, url, "Mã không đúng, đã dùng hoặc đã hết hạn"),
        ("", url, "Mã không đúng"),
        (code, "", "Không liên lạc được với http://127.0.0.1:1 "),
        (code, serve(Starlette(routes=[])), "mã 404"),
        (code, serve(Starlette(routes=[proxy])), "mã 403"),
        (code, serve(Starlette(routes=[older])), "mã 200"),
        (code, "danhgia.example", "không phải là một địa chỉ"),
        (code, "http://a:b@c", "không phải là một địa chỉ"),
        (f"javascript:1#{code}", url, "không phải là một địa chỉ"),
    ):
        answer = post(typed, address)
        assert answer.status_code == 422
        assert told in answer.text
        assert load_enrolment(file) is None
    # What a scanner types: the address in it goes before the field's.
    answer = post(f"{url}/devices#{code[:4]}-{code[4:]}", "http://127.0.0.1:1")
    assert "Đã ghi danh thiết bị quầy 5. Hãy khởi động lại" in answer.text
    found = load_enrolment(file)
    assert found is not None
    assert (found.counter, found.aggregator, found.centre) == ("q05", url, "lai_chau")
    assert "đã dùng" in post(code).text
    assert load_enrolment(file) == found

    settings = desk.context.settings
    again = create_app(settings).state.context
    assert again.uploader._address == f"{url}/api/v1/submissions"
    assert again.place.counter_id == "q05"
    again.outbox.close()
    check = usable(settings, "muong_te", again.surveys)
    check(again.centre.model_copy(update={"id": "muong_te"}))
    with pytest.raises(ValueError, match="another centre"):
        check(again.centre)


def test_a_kiosk_with_a_token_in_its_settings_is_not_enrolled(
    make_kiosk: Callable[..., Kiosk],
) -> None:
    desk = make_kiosk(counter="q05", staff_pin=HASH, device_token="hl_token")
    page = desk.client.post("/staff", data={"pin": PIN}).text
    assert "/staff/enrol" not in page
    assert desk.client.get("/staff/enrol").status_code == 404
    assert desk.client.post("/staff/enrol", data={"code": "7" * 8}).status_code == 404
