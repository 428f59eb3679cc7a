"""Bad input and a bad disk: a kind page in the asker's language, and nothing half-written."""

import contextlib
import re
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from kiosk.app import ROUTES
from kiosk.outbox import OutboxError
from tests.kiosk.conftest import Kiosk, submission
from tests.methods import check_wrong_methods

HTMX = {"hx-request": "true", "hx-request-type": "partial"}


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nothing", 404, "Không tìm thấy trang này"),
        ("GET", "/rate/no_such", 404, "Không tìm thấy trang này"),
        ("PUT", "/", 405, "Xin mở lại trang"),
        ("GET", "/thanks?visit=1&visit=2", 422, "Biểu mẫu chưa đầy đủ"),
        ("GET", "/posters?audience=cats", 404, "Không tìm thấy trang này"),
    ],
)
def test_a_wrong_request_gets_a_kind_page(
    lobby: Kiosk, method: str, path: str, status: int, words: str
) -> None:
    answer = lobby.client.request(method, path)
    assert answer.status_code == status
    assert words in answer.text
    assert 'href="/"' in answer.text


def test_a_wrong_method_is_405_and_told_which_are_right(lobby: Kiosk) -> None:
    check_wrong_methods(ROUTES, lobby.client)


def test_only_who_came_through_a_code_is_told_of_codes(lobby: Kiosk) -> None:
    assert "Mã QR hoặc địa chỉ có thể bị nhầm" in lobby.client.get("/f/none").text
    page = lobby.client.get("/nothing").text
    assert "Mã QR" not in page
    assert "Không có trang nào ở địa chỉ này." in page


def test_the_page_is_in_the_askers_language(lobby: Kiosk) -> None:
    english = lobby.client.get("/f/none", headers={"accept-language": "en"})
    assert "Page not found" in english.text
    assert "Page not found" in lobby.client.get("/nothing?lang=en").text


def test_htmx_gets_the_page_as_a_fragment(lobby: Kiosk) -> None:
    answer = lobby.client.get("/nothing", headers=HTMX)
    assert answer.text.lstrip().startswith('<div id="screen"')


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"rating=5&" + b"x=1&" * 600, "application/x-www-form-urlencoded", 400),
        (b"comment=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"comment=" + b"a" * 1_100_000, "application/x-www-form-urlencoded", 413),
        (b'{"rating": 5}', "application/json", 415),
        (b"rating=5", "", 415),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"rating=5&rating=4&visit=x", "application/x-www-form-urlencoded", 422),
    ],
)
def test_a_strange_body_gets_a_kind_page(
    desk: Kiosk, content: bytes, kind: str, status: int
) -> None:
    for path in ("/rate", "/follow-up", f"/f/{desk.code()}"):
        answer = desk.client.post(path, content=content, headers={"content-type": kind})
        assert answer.status_code == status
        assert "Xin" in answer.text
    assert desk.stored() == []


def test_a_form_posted_by_another_site_is_refused(desk: Kiosk) -> None:
    for headers in ({"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}):
        desk.client.headers.update(headers)
        assert desk.tap().status_code == 403
    assert desk.stored() == []


def test_a_locked_outbox_is_said_and_the_tap_can_be_sent_again(desk: Kiosk) -> None:
    desk.context.outbox.disk.busy_seconds = 0.05
    desk.context.outbox.close()
    other = sqlite3.connect(desk.context.settings.outbox_file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    visit = str(uuid4())
    answer = desk.tap(4, visit=visit)
    other.execute("ROLLBACK")
    other.close()
    assert answer.status_code == 503
    assert "cảm ơn" not in answer.text
    assert "Chưa ghi nhận được" in answer.text
    assert "Thử lại" in answer.text
    assert visit in answer.text
    assert answer.headers["retry-after"] == "5"
    assert desk.stored() == []
    assert desk.tap(4, visit=visit).status_code == 303
    assert len(desk.stored()) == 1


@pytest.mark.parametrize("path", ["/rate", "/follow-up"])
def test_what_the_clock_could_not_send_is_offered_without_its_mark(desk: Kiosk, path: str) -> None:
    """Else a visitor's "try again" would count as nobody's, and the clock's as two."""
    shutil.rmtree(desk.context.settings.outbox_file.parent)
    fields = {"visit": str(uuid4()), "fingerprint": desk.fingerprint(), "idle": "1"}
    part = {"rating": "4"} if path == "/rate" else {"comment": "Tốt"}
    answer = desk.client.post(path, data={**fields, **part})
    assert answer.status_code == 503
    assert re.findall(r'name="(\w+)" hidden', answer.text) == ["visit", "fingerprint", *part]


def test_a_full_outbox_is_said_and_keeps_what_was_typed(lobby: Kiosk) -> None:
    outbox = lobby.context.outbox
    outbox.status()
    assert outbox.disk.connection is not None
    pages = outbox.disk.connection.execute("PRAGMA page_count").fetchone()[0]
    outbox.disk.connection.execute(f"PRAGMA max_page_count = {pages}")
    with contextlib.suppress(OutboxError):
        while outbox.add(submission()):
            pass
    before = lobby.stored()
    url = f"/f/{lobby.code()}"
    fields = {
        "visit": str(uuid4()),
        "fingerprint": lobby.fingerprint(),
        "rating": "2",
        "comment": "<b>giữ</b> " * 100,
    }
    answer = lobby.client.post(url, data=fields, headers={"accept-language": "en"})
    assert answer.status_code == 503
    assert "Not recorded yet" in answer.text
    assert "&lt;b&gt;giữ&lt;/b&gt;" in answer.text
    assert lobby.stored() == before


def test_a_vanished_outbox_is_said(desk: Kiosk) -> None:
    shutil.rmtree(desk.context.settings.outbox_file.parent)
    assert desk.tap().status_code == 503
    assert desk.client.get("/status").status_code == 503
    assert desk.client.get("/").status_code == 200


def test_a_clock_of_1970_is_not_thanked_for(desk: Kiosk) -> None:
    desk.clock.moment = datetime(1970, 1, 1, tzinfo=UTC)
    assert desk.tap().status_code == 503
    assert desk.stored() == []


def test_a_defect_of_ours_is_a_kind_page_too(make_kiosk: Callable[..., Kiosk]) -> None:
    kiosk = make_kiosk()

    def broken() -> datetime:
        raise ZeroDivisionError

    object.__setattr__(kiosk.context, "clock", broken)
    client = TestClient(kiosk.client.app, raise_server_exceptions=False)
    answer = client.post(
        "/rate",
        data={
            "visit": str(uuid4()),
            "fingerprint": kiosk.fingerprint(),
            "rating": "5",
            "department": "",
        },
    )
    assert answer.status_code == 500
    assert "Máy đang gặp trục trặc" in answer.text
    client.close()


def test_every_status_has_words(lobby: Kiosk) -> None:
    texts = lobby.context.pages.messages.texts
    for status in (400, 403, 404, 405, 413, 415, 422, 500, 503):
        assert texts["vi"][f"error.{status}.title"]
    assert HTTPException(418).status_code == 418  # anything else is told as 400


def test_the_outbox_file_is_where_the_settings_say(
    make_kiosk: Callable[..., Kiosk], tmp_path: Path
) -> None:
    make_kiosk(outbox=tmp_path / "elsewhere" / "o.db")
    assert (tmp_path / "elsewhere" / "o.db").exists()
