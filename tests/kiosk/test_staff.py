"""The staff corner: its PIN, its waits, its sessions, and what its buttons do."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from kiosk.levels import Levels
from kiosk.settings import Settings
from kiosk.staff_access import LONGEST_WAIT, StaffAccess, hash_pin
from kiosk.survey_steps import steps_of
from kiosk.uploader import NOT_ADMITTED
from surveys.wire import Receipt
from tests.conftest import Servers
from tests.kiosk.conftest import Clock, Kiosk, submission
from tests.programs import Program, free_port

PIN = "482915"
HASH = hash_pin(PIN)


@pytest.fixture
def desk(make_kiosk: Callable[..., Kiosk]) -> Kiosk:
    return make_kiosk(counter="q05", staff_pin=HASH)


def enter(kiosk: Kiosk, pin: str = PIN) -> Any:
    return kiosk.client.post("/staff", data={"pin": pin})


def inside(kiosk: Kiosk) -> bool:
    return "Kiểm tra kết nối" in kiosk.client.get("/staff").text


# The door


def test_without_a_pin_there_is_no_corner(make_kiosk: Callable[..., Kiosk]) -> None:
    kiosk = make_kiosk(counter="q05")
    assert kiosk.client.get("/staff").status_code == 404
    assert enter(kiosk, "").status_code == 404
    assert kiosk.client.post("/staff", data={"do": "restart"}).status_code == 404


def test_the_right_pin_opens_for_five_minutes_without_a_touch(desk: Kiosk) -> None:
    assert not inside(desk)
    assert "<title>Góc nhân viên · " in desk.client.get("/staff").text
    answer = enter(desk)
    assert "Sở Tư pháp" in answer.text
    assert 'data-title="Góc nhân viên · ' in answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    for _ in range(3):
        desk.clock.moment += timedelta(minutes=4)
        assert inside(desk)
    desk.clock.moment += timedelta(minutes=5, seconds=1)
    assert not inside(desk)


def test_whoever_comes_next_finds_the_door_shut(desk: Kiosk) -> None:
    enter(desk)
    desk.client.get("/")
    assert not inside(desk)
    enter(desk)
    assert desk.client.post("/staff", data={"do": "leave"}).headers["location"] == "/"
    assert not inside(desk)


@pytest.mark.parametrize("pin", ["", "000000", "4829150", "48291", "x" * 5000, "٤٨٢٩١٥"])
def test_a_wrong_pin_opens_nothing(desk: Kiosk, pin: str) -> None:
    assert enter(desk, pin).status_code == 403
    assert not inside(desk)


def test_another_sites_page_cannot_try_pins(desk: Kiosk) -> None:
    answer = desk.client.post("/staff", data={"pin": PIN}, headers={"origin": "http://evil.test"})
    assert answer.status_code == 403
    assert not inside(desk)


def test_other_machines_are_kept_out(make_kiosk: Callable[..., Kiosk]) -> None:
    kiosk = make_kiosk(staff_pin=HASH, touch_remote=False)
    phone = TestClient(kiosk.client.app, client=("192.0.2.7", 5000))
    assert phone.get("/staff").status_code == 403
    assert phone.post("/staff", data={"pin": PIN}).status_code == 403


def test_waits_grow_and_end(desk: Kiosk) -> None:
    waits = []
    for _ in range(9):
        enter(desk, "000000")
        waits.append(desk.context.staff.wait())
        desk.clock.moment += timedelta(seconds=waits[-1])
    assert waits[:2] == [0, 0]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT + 1
    enter(desk, "000000")
    assert enter(desk).status_code == 403  # not even the right one, during a wait
    desk.clock.moment += timedelta(seconds=LONGEST_WAIT + 1)
    assert enter(desk).status_code == 200  # but never longer than that
    desk.clock.moment += timedelta(minutes=10)
    enter(desk, "000000")
    assert desk.context.staff.wait() == 0  # counted from nothing again


@given(st.lists(st.integers(-100_000, 100_000), max_size=6))
def test_whatever_a_clock_does_staff_waits_no_longer_than_that(jumps: list[int]) -> None:
    clock = Clock()
    access = StaffAccess(HASH, clock)
    access._wrong = 10
    access.enter("000000")
    for jump in jumps:
        clock.moment += timedelta(seconds=jump)
        assert access.wait() <= LONGEST_WAIT + 1


def test_a_setting_that_is_no_hash_is_refused_and_not_told() -> None:
    with pytest.raises(ValueError, match="python -m kiosk pin") as refused:
        Settings(staff_pin="482915")
    assert "482915" not in str(refused.value)
    with pytest.raises(ValueError, match="6-12"):
        hash_pin("12345")
    assert hash_pin(PIN) != HASH


# Inside


def test_the_outbox_is_shown_with_reasons(desk: Kiosk) -> None:
    waits, refused = submission(), submission()
    desk.context.outbox.add_all([waits])
    desk.context.outbox.add(refused)
    receipt = Receipt(id=str(refused.id), status="refused", reason="department: not <here>")
    desk.context.outbox.settle({str(refused.id): receipt})
    desk.context.outbox.note_problem("ConnectError")
    page = enter(desk).text
    facts = dict(re.findall(r"<dt[^>]*>(.*?)</dt><dd[^>]*>(.*?)</dd>", page))
    assert facts["Phiếu đang chờ gửi"].startswith("1 (từ 23/11/2026 08:15")
    assert facts["Phiếu bị từ chối"] == "1"
    assert "refused: department: not &lt;here&gt;" in facts.values()
    assert "ConnectError" in facts["Chưa gửi được"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (f"the aggregator answered {NOT_ADMITTED}", "không nhận mã thiết bị"),
        ("the aggregator answered 503", "chưa nhận"),
        ("OutboxError: database or disk is full", "ổ đĩa"),
        ("ConnectError: All connection attempts failed", "không kết nối được"),
        ("TimeoutError", "không kết nối được"),
        ("JSONDecodeError", "chưa nhận"),
    ],
)
def test_what_hinders_delivery_is_said_in_plain_words(desk: Kiosk, reason: str, words: str) -> None:
    desk.context.outbox.note_problem(reason)
    shown = enter(desk).text
    assert words in shown
    assert f'<small lang="en">({reason})</small>' in shown


def test_a_test_tap_counts_nowhere(desk: Kiosk) -> None:
    data = {"visit": str(uuid4()), "fingerprint": desk.fingerprint(), "rating": "1"}
    assert desk.client.post("/staff/test", data=data).headers["location"] == "/"
    assert desk.client.get("/staff/test").headers["location"] == "/staff"
    enter(desk)
    faces = desk.client.get("/staff/test").text
    assert "KHÔNG GHI NHẬN" in faces
    for way in ('action="/rate"', 'href="/', "data-start"):  # none to where a tap would count
        assert way not in faces.partition('id="screen"')[2]
    thanks = desk.client.post("/staff/test", data=data).text
    assert "KHÔNG GHI NHẬN" in thanks
    assert "<b>Rất không hài lòng</b>" in thanks.replace("\u00a0", " ")
    assert 'action="/follow-up"' not in thanks
    rest = {"visit": data["visit"], "fingerprint": data["fingerprint"], "reasons": "3"}
    again = desk.client.post("/staff/test", data={**rest, "then": "again"}).text
    assert 'name="rating"' in again
    done = desk.client.post("/staff/test", data={**rest, "then": "send", "comment": "x"}).text
    assert "Chạm thử xong" in done
    left = desk.client.post("/staff/test", data={**rest, "idle": "1"})
    assert left.headers["location"] == "/"
    assert desk.client.post("/staff/test", data={**data, "rating": "9"}).status_code == 422
    assert desk.stored() == []
    with desk.context.outbox.disk.transaction(write=False) as connection:
        assert connection.execute("SELECT count(*) FROM draft").fetchone() == (0,)


def test_a_test_walks_the_full_survey_and_counts_nowhere(desk: Kiosk) -> None:
    def fields(page: str) -> dict[str, list[str]]:
        """What a browser would send of a page, without its buttons."""
        form = page.partition('id="step"')[2].partition("</form>")[0]
        assert "KHÔNG GHI NHẬN" in page
        assert not re.findall(r'(?:action|hx-post)="(?!/staff/test)', page.partition("<main")[2])
        found: dict[str, list[str]] = {}
        for tag in re.findall(r"<input [^>]*>", form):
            name, value = re.findall(r' (?:name|value)="([^"]*)"', tag)
            if "hidden" in tag or " checked" in tag or "numeric" in tag:
                found.setdefault(name, []).append(value)
        return found

    def send(number: int, data: Any, to: str = "next") -> Any:
        return desk.client.post(f"/staff/test/{number}", data={**data, "to": to})

    survey = desk.context.surveys[desk.context.centre.instruments.citizens]
    steps = steps_of(survey)
    fingerprint = {"fingerprint": survey.fingerprint}
    assert send(1, fingerprint).headers["location"] == "/"  # nobody is signed in
    enter(desk)
    begun = {"visit": str(uuid4()), "fingerprint": desk.fingerprint(), "then": "survey"}
    page = desk.client.post("/staff/test", data=begun).text
    for step in steps[:-1]:
        assert f'data-step="{step.number}"' in page
        page = send(step.number, fields(page) | {q.id: ["4"] for q in step.questions}).text
    last = steps[-1]
    wrong = send(last.number, fields(page) | {"comment": ["x" * 2001]}, "finish")
    assert wrong.status_code == 422
    assert 'id="comment-problem"' in wrong.text
    back = send(last.number, fields(page) | {"comment": ["<b>"]}, "previous").text
    known = fields(back)
    assert known["comment"] == ["&lt;b&gt;"]
    for question in (question for step in steps[:-1] for question in step.questions):
        assert known[question.id] == ["4"]
    assert send(last.number, {**known, "smuggled": "1"}).status_code == 422
    assert send(99, fingerprint).status_code == 404
    assert "Chạm thử xong" in send(last.number, known, "finish").text
    assert "Chạm thử xong" in send(1, known, "leave").text
    left = desk.client.post("/staff/test/1", data={**known, "idle": "1"})
    assert left.headers["location"] == "/"
    assert desk.stored() == []
    with desk.context.outbox.disk.transaction(write=False) as connection:
        assert connection.execute("SELECT count(*) FROM draft").fetchone() == (0,)


def test_what_is_for_visitors_is_not_on_the_screens_of_staff(desk: Kiosk) -> None:
    tools = 'class="tools"'
    assert tools not in desk.client.get("/staff").text
    assert tools not in enter(desk).text
    assert tools not in desk.client.get("/staff/enrol").text
    assert tools in desk.client.get("/staff/test").text  # it is tried as visitors have it


def test_levels_stay_over_a_restart(make_kiosk: Callable[..., Kiosk]) -> None:
    kiosk = make_kiosk(staff_pin=HASH)
    kiosk.client.post("/staff", data={"volume": "25"})  # nobody is signed in
    assert kiosk.context.levels.volume == 100
    enter(kiosk)
    kiosk.client.post("/staff", data={"volume": "25"})
    kiosk.client.post("/staff", data={"brightness": "70"})
    kiosk.client.post("/staff", data={"brightness": "1"})  # not one of those offered
    page = make_kiosk().client.get("/").text
    assert 'data-volume="25" data-brightness="70"' in page


@pytest.mark.parametrize("text", ["", "[]", "{", '{"volume": "loud", "brightness": 1}', "\x00"])
def test_a_damaged_file_of_levels_is_full_levels(tmp_path: Path, text: str) -> None:
    (tmp_path / "levels.json").write_text(text)
    levels = Levels(tmp_path / "levels.json")
    assert (levels.volume, levels.brightness) == (100, 100)


@pytest.mark.parametrize(
    ("status", "said"), [(200, "sẵn sàng nhận phiếu"), (503, "chưa nhận được phiếu (mã 503)")]
)
def test_the_network_test_asks_the_aggregator(
    make_kiosk: Callable[..., Kiosk], serve: Servers, status: int, said: str
) -> None:
    async def health(request: Any) -> JSONResponse:
        return JSONResponse({}, status)

    url = serve(Starlette(routes=[Route("/health", health)]))
    kiosk = make_kiosk(staff_pin=HASH, aggregator_url=url)
    enter(kiosk)
    assert said in kiosk.client.post("/staff", data={"do": "network"}).text


def test_a_network_that_is_away_is_said_plainly(make_kiosk: Callable[..., Kiosk]) -> None:
    kiosk = make_kiosk(staff_pin=HASH, aggregator_url=f"http://127.0.0.1:{free_port()}")
    enter(kiosk)
    page = kiosk.client.post("/staff", data={"do": "network"}).text
    assert "Không kết nối được tới máy tổng hợp" in page


def test_a_restart_ends_the_process_where_systemd_starts_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOCATION_ID", "0" * 32)
    port = free_port()
    program = Program(
        "-m", "kiosk", "serve", var=tmp_path, port=port, staff_pin=HASH, aggregator_url=""
    )
    try:
        program.until(r"http://\S+")
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as browser:
            browser.post("/staff", data={"do": "restart"})  # not signed in: it goes on
            assert browser.get("/staff").status_code == 200
            assert "Khởi động lại phần mềm" in browser.post("/staff", data={"pin": PIN}).text
            assert "đang khởi động lại" in browser.post("/staff", data={"do": "restart"}).text
        program.wait()
    finally:
        program.end()


def test_without_systemd_there_is_no_restart(desk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    page = enter(desk).text
    assert 'value="restart"' not in page
    assert "không chạy dưới systemd" in page
    desk.client.post("/staff", data={"do": "restart"})
    assert inside(desk)
