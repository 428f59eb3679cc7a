"""Cases by screen and by receipt code: who may do what, who was first, and what strangers guess."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from aggregator.dashboard.receipt_api import WRONG_CODES
from aggregator.storage.audit import Search
from aggregator.storage.cases import Filters
from aggregator.storage.credentials import Role
from surveys.receipts import new_code, receipt_of
from tests.aggregator.conftest import Room, submission

JUSTICE, HEALTH = "so_tu_phap", "so_y_te"
HOSTILE = "<script>alert(1)</script> \u202e{{ t }} %s ' OR 1=1 -- 0912 345 678 \x00" + "ế" * 50


def enter(room: Room, role: Role, department: str | None = None) -> None:
    """Sign in with a role."""
    accounts = room.context.accounts
    name = f"{role}-{uuid4().hex[:6]}"
    accounts.add_user(name, role, department=department)
    room.client.cookies.clear()
    room.client.get(accounts.new_link(name, ""))


def commented(room: Room, text: str = "Phải đi bốn lần") -> tuple[str, str]:
    """A comment with a receipt code: the submission's id, and the code."""
    code, sent = new_code(), submission(comment=text)
    room.take([{**sent, "receipt": receipt_of(code)}])
    return sent["id"], code


def case_of(room: Room, id: str) -> int:
    answer = room.client.post("/cases", data={"submission": id})
    assert answer.status_code == 303
    return int(answer.headers["location"].rpartition("/")[2])


def do(room: Room, number: int, act: str, last: int | None = None, **fields: str) -> Any:
    case = room.context.store.cases.get(number)
    assert case is not None
    form = {"act": act, "last": str(case.last if last is None else last), "text": "", **fields}
    return room.client.post(f"/cases/{number}", data=form)


def ask(room: Room, code: str, **more: str) -> Any:
    """What a kiosk asks for somebody who has a code."""
    body = {"receipt": receipt_of(code), **more}
    bearer = {"authorization": f"Bearer {room.device}"}
    return room.client.post("/api/v1/receipts", json=body, headers=bearer)


def test_from_a_comment_to_an_answer_read_with_its_code_and_reopened(any_room: Room) -> None:
    room = any_room
    id, code = commented(room, "Phải đi bốn lần, gọi 0912 345 678")
    assert ask(room, code).json() == {
        "state": "unread", "number": None, "received": None, "due": None, "answers": [],
        "may_reopen": False, "reopened": False, "contact": False, "contact_days": 30,
    }  # fmt: skip
    enter(room, "manager")
    number = case_of(room, id)
    assert case_of(room, id) == number  # pressed twice
    page = room.client.get(f"/cases/{number}").text
    assert "Phải đi bốn lần, gọi ●●●" in page
    assert "0912" not in page
    assert re.search(rf'<option value="{JUSTICE}" selected', page)  # where it was given
    # 80 opening hours of 7.5 a day from Monday 23 November, 08:15: ten days and five hours on.
    assert ask(room, code).json()["due"] == "2026-12-07"
    assert do(room, number, "assigned", department=JUSTICE).status_code == 303
    enter(room, "head", JUSTICE)
    assert do(room, number, "answered", text="Đã sửa quy trình.").status_code == 303
    told = ask(room, code).json()
    assert told["answers"] == [{"day": "2026-11-23", "text": "Đã sửa quy trình."}]
    assert told["may_reopen"]
    assert do(room, number, "closed").status_code == 403
    enter(room, "manager")
    assert do(room, number, "closed").status_code == 303
    again = ask(room, code, act="reopen", text="Hôm nay vẫn thế.")
    assert again.json()["state"] == "assigned"
    assert not again.json()["may_reopen"]
    assert ask(room, code, act="reopen", text="Lần nữa").status_code == 409
    page = room.client.get(f"/cases/{number}").text
    assert "Hôm nay vẫn thế." in page
    assert "Người dân" in page


def test_two_who_close_a_case_and_two_who_answer_it(any_room: Room) -> None:
    room = any_room
    enter(room, "administrator")
    number = case_of(room, commented(room)[0])
    do(room, number, "assigned", department=JUSTICE)
    seen = room.context.store.cases.get(number)
    assert seen is not None
    assert do(room, number, "answered", text="Câu thứ nhất").status_code == 303
    late = do(room, number, "answered", seen.last, text="Câu thứ hai")
    assert late.status_code == 409
    assert "Câu thứ hai" in late.text  # nothing that was written is lost
    assert re.search(r'role="alert".*<strong>Trả lời</strong>', late.text, re.DOTALL)
    seen = room.context.store.cases.get(number)
    assert seen is not None
    assert do(room, number, "closed", seen.last).status_code == 303
    late = do(room, number, "closed", seen.last, text="ghi chú")
    assert late.status_code == 409
    assert "ghi chú" in late.text
    kinds = [event.kind for event in room.context.store.cases.events(number)]
    assert kinds == ["received", "assigned", "answered", "closed"]


def test_a_head_sees_the_own_cases_alone_and_a_reader_no_words_of_citizens(room: Room) -> None:
    enter(room, "manager")
    own, other = (case_of(room, commented(room, text)[0]) for text in ("Của tôi", "Của bên kia"))
    do(room, own, "assigned", department=HEALTH)
    do(room, other, "assigned", department=JUSTICE)
    enter(room, "head", HEALTH)
    page = room.client.get("/cases").text
    assert "Của tôi" in page
    assert "Của bên kia" not in page
    assert room.client.get(f"/cases/{other}").status_code == 404
    assert do(room, other, "answered", text="x").status_code == 404
    assert room.client.post("/cases", data={"way": "desk", "text": "x"}).status_code == 403
    assert do(room, own, "assigned", department=HEALTH).status_code == 403
    enter(room, "reader")
    for path in ("/cases", f"/cases/{own}"):
        seen = room.client.get(path)
        assert seen.status_code == 200
        assert "Của tôi" not in seen.text
    assert do(room, own, "answered", text="x").status_code == 403


def test_contact_details_are_read_by_a_manager_alone_and_recorded(any_room: Room) -> None:
    room = any_room
    id, code = commented(room)
    assert ask(room, code, act="call", text="0912 345 678").json()["contact"]
    assert ask(room, code, act="withdraw").json()["contact"] is False
    assert ask(room, code, act="call", text="0987 654 321, buổi chiều").json()["contact"]
    enter(room, "manager")
    number = case_of(room, id)
    do(room, number, "assigned", department=JUSTICE)
    assert "0987" not in room.client.get(f"/cases/{number}").text
    shown = do(room, number, "contact")
    assert "0987 654 321, buổi chiều" in shown.text
    log = room.context.store.audit
    [read] = [one for one in log.entries(Search(kind="case"), 9) if one.event == "case.contact"]
    assert read.details == {"number": number}
    enter(room, "head", JUSTICE)
    assert "Xem thông tin liên hệ" not in room.client.get(f"/cases/{number}").text
    assert do(room, number, "contact").status_code == 403
    for path in ("/exports/submissions.csv", "/exports/submissions.json"):
        enter(room, "manager")
        export = room.client.get(path).text
        assert "0987" not in export
        assert receipt_of(code) not in export


def test_unknown_and_expired_codes_get_the_same_answer(room: Room) -> None:
    id, code = commented(room)
    enter(room, "manager")
    number = case_of(room, id)
    do(room, number, "assigned", department=JUSTICE)
    do(room, number, "answered", text="Xong.")
    do(room, number, "closed")
    unread = commented(room)[1]
    room.clock.moment += timedelta(days=180)
    assert (ask(room, code).status_code, ask(room, unread).status_code) == (200, 200)
    room.clock.moment += timedelta(seconds=1)
    answers = [ask(room, one) for one in (code, unread, new_code())]
    answers.append(ask(room, code, act="reopen", text="x"))
    answers.append(ask(room, code, act="call", text="0912"))
    assert {one.status_code for one in answers} == {404}
    assert len({(one.text, str(sorted(one.headers.items()))) for one in answers}) == 1
    assert room.context.store.cases.get(number).state == "closed"  # type: ignore[union-attr]


def test_how_fast_codes_can_be_guessed(room: Room) -> None:
    """A hundred at once, then ten a second: of 2^60 codes nobody finds one by trying."""
    looked, tries = 0, 0
    for _ in range(300):  # a minute of five guesses each 200 ms: 25 a second
        for _ in range(5):
            tries += 1
            looked += ask(room, new_code()).status_code == 404
        room.clock.moment += timedelta(milliseconds=200)
    print(f"{tries} tried in a minute, {looked} looked at")
    assert looked <= WRONG_CODES.free + 60 / WRONG_CODES.longest + 2
    refused = ask(room, new_code())
    while refused.status_code == 404:
        refused = ask(room, new_code())
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    code = commented(room)[1]
    assert ask(room, code).status_code == 429  # or the right one would be told by its answer
    room.clock.moment += timedelta(seconds=1)
    assert ask(room, code).status_code == 200
    years = 2**60 / 10_000 * WRONG_CODES.longest / (365 * 86_400)
    assert years > 300_000


def test_processes_that_share_a_database_count_wrong_codes_together(
    make_room: Callable[..., Room], migrated_postgresql: str
) -> None:
    room = make_room(migrated_postgresql)
    with TestClient(room.another()) as client:
        both = room, replace(room, client=client)
        answers = [ask(both[number % 2], new_code()) for number in range(WRONG_CODES.free + 10)]
        statuses = [one.status_code for one in answers]
        assert statuses[: WRONG_CODES.free] == [404] * WRONG_CODES.free
        assert statuses[WRONG_CODES.free + 2 :] == [429] * 8
        room.clock.moment += timedelta(seconds=20)
        assert [ask(one, new_code()).status_code for one in both] == [404, 404]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"receipt": 5},
        {"receipt": "x" * 64},
        {"receipt": "0" * 64, "act": "delete"},
        {"receipt": "0" * 64, "text": "x" * 2_001},
        {"receipt": "0" * 64, "more": 1},
        [],
    ],
)
def test_a_broken_question_is_refused_and_names_the_field(room: Room, body: object) -> None:
    bearer = {"authorization": f"Bearer {room.device}"}
    answer = room.client.post("/api/v1/receipts", json=body, headers=bearer)
    assert answer.status_code == 400
    assert room.client.post("/api/v1/receipts", json=body).status_code == 401


def test_a_case_by_hand_has_a_code_shown_once_and_hostile_text_is_only_text(any_room: Room) -> None:
    room = any_room
    enter(room, "manager")
    form = {"way": "phone", "text": HOSTILE, "contact": "0912 345 678"}
    made = room.client.post("/cases", data=form)
    assert made.status_code == 200
    found = re.search(r'id="code"[^>]* value="([0-9A-Z-]{14})"', made.text)
    assert found
    assert ask(room, found[1]).json()["contact"]
    [case] = room.context.store.cases.page(Filters(), room.clock(), 5)
    for page in (room.client.get("/cases").text, room.client.get(f"/cases/{case.number}").text):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "\u202e" not in page
        assert found[1] not in page
        assert "0912" not in page
    for act in ("assigned", "answered"):
        assert do(room, case.number, act, text=HOSTILE, department=JUSTICE).status_code == 303
    assert "<script>alert" not in room.client.get(f"/cases/{case.number}").text
    assert ask(room, found[1]).json()["answers"][0]["text"].startswith("<script>")  # JSON


def test_what_no_page_sends_is_refused_and_changes_nothing(room: Room) -> None:
    enter(room, "manager")
    number = case_of(room, commented(room)[0])
    plain = submission()
    room.take([plain])
    refused = [
        room.client.post("/cases", data={"submission": str(uuid4())}),
        room.client.post("/cases", data={"submission": "x' OR 1=1"}),
        room.client.post("/cases", data={"submission": plain["id"]}),  # it has no comment
        room.client.post("/cases", data={"way": "comment", "text": "x"}),
        room.client.post("/cases", data={"way": "desk", "text": "  "}),
        room.client.post("/cases", data={"way": "desk", "text": "x" * 2_001}),
        room.client.post("/cases", data={"way": "desk", "text": "x", "contact": "x" * 201}),
        do(room, number, "reopened", text="x"),
        do(room, number, "assigned", department="nowhere"),
        do(room, number, "assigned"),
        do(room, number, "answered", text=""),
        do(room, number, "closed"),
        room.client.post(f"/cases/{number}", data={"act": "closed", "last": "-1"}),
        room.client.post("/cases/999", data={"act": "answered", "last": "1", "text": "x"}),
        room.client.get("/cases/x"),
        room.client.get("/cases?state=lost"),
        room.client.get("/cases?department=nowhere"),
    ]
    assert [one.status_code for one in refused] == [
        404, 404, 404, 400, 422, 422, 422, 400, 400, 400, 422, 409, 400, 404, 404, 400, 400,
    ]  # fmt: skip
    [case] = room.context.store.cases.page(Filters(), room.clock(), 5)
    assert (case.state, len(room.context.store.cases.events(number))) == ("received", 1)


def test_the_share_in_time_is_a_figure_and_indicator_8(room: Room) -> None:
    enter(room, "manager")
    for _ in range(4):
        number = case_of(room, commented(room)[0])
        do(room, number, "assigned", department=JUSTICE)
        do(room, number, "answered", text="Xong.")
    late = case_of(room, commented(room)[0])
    do(room, late, "assigned", department=JUSTICE)
    room.clock.moment += timedelta(days=15)
    enter(room, "manager")
    page = room.client.get("/cases").text
    assert "80,0%" in page
    assert "4 trên 5 vụ việc" in page
    assert "Quá hạn" in page
    asked = room.client.get(f"/cases?how={JUSTICE}.in_time").text
    assert "4 / 5" in asked
    handling = room.client.get("/handling?period=quarter").text
    assert "theo vụ việc" in handling
    asked = room.client.get(f"/handling?period=quarter&how={JUSTICE}.8").text
    assert "4 / 5" in asked
