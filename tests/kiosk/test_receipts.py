"""Receipt codes on the kiosk: given for a comment, kept as a hash, and read at /c/CODE."""

import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from aggregator.dashboard.context import Context as AggregatorContext
from surveys.receipts import new_code, receipt_of
from tests.kiosk.conftest import Kiosk, RealAggregator, hidden

HTMX = {"hx-request": "true", "hx-request-type": "partial"}
CODE = r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}"


def sent(kiosk: Kiosk, comment: str, **headers: str) -> Any:
    url = f"/f/{kiosk.code()}"
    page = kiosk.client.get(url).text
    fields = {name: hidden(page, name) for name in ("visit", "fingerprint", "receipt")}
    answer = kiosk.client.post(
        url, data={**fields, "rating": "2", "comment": comment}, headers=headers
    )
    return fields["receipt"], answer


def test_a_phone_is_given_a_code_for_a_comment_of_which_the_hash_travels(lobby: Kiosk) -> None:
    code, answer = sent(lobby, "Chờ lâu", **HTMX)
    assert re.fullmatch(CODE, code)
    assert f'href="/c/{code}"' in answer.text
    rating, comment = lobby.stored()
    assert rating["receipt"] is None
    assert comment["receipt"] == receipt_of(code)
    assert code not in str(lobby.stored())


def test_without_a_script_and_after_a_reload_the_code_is_the_same(lobby: Kiosk) -> None:
    code, answer = sent(lobby, "Chờ lâu")
    assert answer.status_code == 303
    for _ in range(2):
        assert code in lobby.client.get(answer.headers["location"]).text


def test_without_a_comment_no_code_is_given(lobby: Kiosk) -> None:
    code, answer = sent(lobby, "  ", **HTMX)
    assert code not in answer.text
    [rating] = lobby.stored()
    assert rating["receipt"] is None


def test_a_resend_with_another_code_is_a_duplicate_and_the_first_code_stays(lobby: Kiosk) -> None:
    url = f"/f/{lobby.code()}"
    page = lobby.client.get(url).text
    fields = {name: hidden(page, name) for name in ("visit", "fingerprint")}
    fields |= {"rating": "2", "comment": "Chờ lâu"}
    first, second = new_code(), new_code()
    for code in (first, second):
        answer = lobby.client.post(url, data={**fields, "receipt": code}, headers=HTMX)
        assert "again" not in answer.headers["hx-push-url"]
    assert len(lobby.stored()) == 2
    assert lobby.stored()[1]["receipt"] == receipt_of(first)


@pytest.mark.parametrize("receipt", ["", "x", "7K4M", "<b>7K4M-P2QR-9XWT</b>"])
def test_a_form_without_a_code_that_can_be_one_is_taken_all_the_same(
    lobby: Kiosk, receipt: str
) -> None:
    url = f"/f/{lobby.code()}"
    page = lobby.client.get(url).text
    fields = {name: hidden(page, name) for name in ("visit", "fingerprint")}
    fields |= {"rating": "2", "comment": "Chờ lâu"} | ({"receipt": receipt} if receipt else {})
    assert lobby.client.post(url, data=fields).status_code == 303
    assert lobby.stored()[1]["receipt"] is None


def test_the_touch_screen_shows_a_code_and_its_qr_code_for_a_comment(
    make_kiosk: Callable[..., Kiosk],
) -> None:
    desk = make_kiosk(counter="q05", public_url="https://gopy.example.vn")
    visit = desk.thanked()
    fields = {"visit": visit, "fingerprint": desk.fingerprint(), "department": ""}
    answer = desk.client.post(
        "/follow-up", data={**fields, "comment": "Tốt", "then": "send"}, headers=HTMX
    )
    [code] = set(re.findall(rf'receipt-code">({CODE})<', answer.text))
    assert f'aria-label="gopy.example.vn/c/{code}"' in answer.text
    assert 'class="receipt-qr"' in answer.text
    assert 'data-idle="45"' in answer.text  # time to write it down
    assert "countdown" in answer.text
    [one] = desk.queued()
    assert one["receipt"] == receipt_of(code)
    again = desk.client.post("/follow-up", data={**fields, "comment": "Tốt", "then": "send"})
    assert "receipt" not in again.headers["location"]


def test_the_touch_screen_shows_no_code_where_nothing_was_written(desk: Kiosk) -> None:
    fields = {"visit": desk.thanked(), "fingerprint": desk.fingerprint(), "department": ""}
    answer = desk.client.post(
        "/follow-up", data={**fields, "reasons": "1", "then": "send"}, headers=HTMX
    )
    assert "receipt" not in answer.text
    assert 'data-idle="8"' in answer.text


@pytest.fixture
def both(
    make_kiosk: Callable[..., Kiosk], real_aggregator: RealAggregator
) -> tuple[Kiosk, AggregatorContext, str]:
    """A kiosk with an aggregator behind it, and what was handed in with a code."""
    context, address = real_aggregator()
    token = context.accounts.new_token("device", "phones")
    kiosk = make_kiosk(aggregator_url=address, device_token=SecretStr(token))
    code, _ = sent(kiosk, "Chờ lâu")
    body = {"submissions": kiosk.queued()}
    bearer = {"authorization": f"Bearer {token}"}
    receipts = httpx2.post(f"{address}/api/v1/submissions", json=body, headers=bearer).json()
    assert {one["status"] for one in receipts["receipts"]} == {"accepted"}
    return kiosk, context, code


def test_a_comment_is_followed_to_its_answer_reopened_and_called_back(
    both: tuple[Kiosk, AggregatorContext, str],
) -> None:
    kiosk, context, code = both
    cases, now = context.store.cases, context.clock()
    first = kiosk.client.get(f"/c/{code}")
    assert "Đã nhận, chưa được xử lý." in first.text
    assert first.headers["cache-control"] == "no-store"
    [submission] = [one["id"] for one in kiosk.queued() if one["comment"]]
    number = cases.open(now, now, "q", "comment", submission=submission)

    def act(kind: str, **more: Any) -> None:
        case = cases.get(number)
        assert case is not None
        cases.act(case, kind, now, "q", **more)  # type: ignore[arg-type]

    def post(act: str, text: str = "") -> Any:
        return kiosk.client.post(f"/c/{code}", data={"act": act, "text": text})

    act("assigned", department="so_y_te")
    assert "Đang được xử lý." in kiosk.client.get(f"/c/{code}").text
    assert post("reopen", "sớm quá").status_code == 409
    act("answered", text="Đã thêm <b>hai</b> quầy.")
    assert "Đã thêm &lt;b&gt;hai&lt;/b&gt; quầy." in kiosk.client.get(f"/c/{code}").text
    assert post("reopen", " ").status_code == 422
    too_long = post("reopen", "x" * 2_001)
    assert too_long.status_code == 422
    assert "x" * 2_001 in too_long.text  # what was typed stays
    assert post("reopen", "Vẫn chờ").status_code == 303
    page = kiosk.client.get(f"/c/{code}").text
    assert "đã được mở lại một lần" in page
    late = post("reopen", "Lần nữa")
    assert late.status_code == 409
    assert "vừa thay đổi" in late.text
    assert post("call", "0912 345 678").status_code == 303
    page = kiosk.client.get(f"/c/{code}").text
    assert "Xóa thông tin liên hệ" in page
    assert "0912" not in page
    assert post("withdraw").status_code == 303
    assert "muốn được gọi lại?" in kiosk.client.get(f"/c/{code}").text
    assert post("delete").status_code == 422


def test_codes_that_are_unknown_mistyped_or_cannot_be_asked_for(
    both: tuple[Kiosk, AggregatorContext, str], make_kiosk: Callable[..., Kiosk]
) -> None:
    kiosk, _, code = both
    get = kiosk.client.get
    unknown = get(f"/c/{new_code()}")
    assert unknown.status_code == 404
    assert "Không tìm thấy mã này" in unknown.text
    typed = code.lower().replace("-", " ").replace("0", "o")
    assert get("/c", params={"code": typed}).headers["location"] == f"/c/{code}"
    assert get(f"/c/{code.replace('-', '')}").headers["location"] == f"/c/{code}"
    for hostile in ("x", "<script>alert(1)</script>", "\u202e", "7K4M-P2QR-9XW", "ế" * 500):
        for page in (get("/c", params={"code": hostile}), get(f"/c/{hostile}")):
            assert page.status_code in (404, 422)
            assert "<script>alert" not in page.text
    assert get("/c").status_code == 200
    away = make_kiosk(aggregator_url="http://127.0.0.1:9")
    page = away.client.post(f"/c/{code}", data={"act": "reopen", "text": "Vẫn chờ"})
    assert page.status_code == 503
    assert "Vẫn chờ" in page.text


def test_too_many_wrong_codes_are_told_so(lobby: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(asked: object) -> tuple[int, object]:
        return 429, None

    monkeypatch.setattr(lobby.context.uploader, "ask_receipt", refused)
    page = lobby.client.get(f"/c/{new_code()}")
    assert page.status_code == 429
    assert page.headers["retry-after"] == "5"
    assert "quá nhiều mã sai" in page.text
