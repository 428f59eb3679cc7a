"""The managers' page of devices, and what devices tell of themselves."""

import re
from datetime import timedelta
from typing import Any

import pytest

from aggregator.dashboard.accounts import AccountError
from aggregator.organisation import acts
from aggregator.storage.audit import COMMAND_LINE, entry
from tests.aggregator.conftest import Room, submission
from tests.aggregator.reading import words

BEAT: dict[str, Any] = {"pending": 3, "refused": 1, "version": "0.2.0"}


def act(room: Room, action: str, name: str, **fields: str) -> Any:
    return room.client.post("/devices", data={"action": action, "name": name, **fields})


def code_on(page: str) -> str:
    found = re.search(r'id="code"[^>]* value="([^"]+)"', page)
    assert found is not None
    return found[1].replace("-", "")


def enrol(room: Room, code: str) -> Any:
    return room.client.post("/api/v1/devices", json={"code": code})


def test_codes_cannot_be_guessed(room: Room) -> None:
    answers = [enrol(room, f"{guess:08}") for guess in range(40)]
    assert {one.status_code for one in answers} == {403, 429}
    assert sum(one.status_code == 403 for one in answers) < 10
    assert int(answers[-1].headers["retry-after"]) > 0
    room.sign_in()
    code = code_on(act(room, "add", "mới", place="").text)
    assert enrol(room, code).status_code == 429
    room.clock.moment += timedelta(minutes=2)
    assert enrol(room, code).status_code == 200


def beat(room: Room, **changes: object) -> Any:
    told = BEAT | {"clock": (room.clock() + timedelta(seconds=90)).isoformat()} | changes
    bearer = {"authorization": f"Bearer {room.device}", "accept-language": "en"}
    return room.client.post("/api/v1/devices/me", json=told, headers=bearer)


def test_a_device_is_added_told_of_moved_renamed_and_revoked(any_room: Room) -> None:
    any_room.sign_in()
    page = act(any_room, "add", " quầy 5 ", place="counter:q05").text
    code = code_on(page)
    assert len(code) == 8
    assert enrol(any_room, "0" * 8).status_code == 403
    given = enrol(any_room, code)
    assert enrol(any_room, code).status_code == 403  # used
    told = given.json()
    any_room.device = told.pop("token")
    assert told.pop("centre") == any_room.context.centre.id
    assert told == {"name": "quầy 5", "department": None, "counter": "q05"}
    assert code not in any_room.client.get("/devices").text
    assert "chưa liên lạc" in page
    receipts = any_room.post([submission(), submission(counter="q06")]).json()["receipts"]
    assert [one["status"] for one in receipts] == ["accepted", "refused"]
    assert "thiết bị này chỉ gửi phiếu của “q05”" in receipts[1]["reason"]

    assert beat(any_room).status_code == 200
    page = any_room.client.get("/devices").text
    for told in ("đang liên lạc", "90 giây", "0.2.0", "23/11/2026 08:15", "Quầy 05"):
        assert told in page
    any_room.clock.moment += timedelta(seconds=30)  # not written again within a minute
    assert beat(any_room, pending=44).status_code == 200
    assert "Chờ gửi: 3 Bị từ chối: 1 " in words(any_room.client.get("/devices").text)
    any_room.clock.moment += timedelta(minutes=11)
    assert "<strong>mất liên lạc</strong>" in any_room.client.get("/devices").text
    any_room.clock.moment += timedelta(hours=11)
    page = any_room.client.get("/devices").text
    assert "<strong>mất liên lạc</strong>" not in page
    assert "ngoài giờ" in page

    assert act(any_room, "add", "quầy 5").status_code == 422
    assert act(any_room, "move", "quầy 5", place="counter:q06").status_code == 303
    assert act(any_room, "rename", "quầy 5", new="<b>quầy 6").status_code == 303
    [receipt] = any_room.post([submission(counter="q06")]).json()["receipts"]
    assert receipt["status"] == "accepted"
    assert "&lt;b&gt;quầy 6" in any_room.client.get("/devices").text
    assert act(any_room, "revoke", "<b>quầy 6").status_code == 303
    assert any_room.post([submission(counter="q06")]).status_code == 401
    code = code_on(act(any_room, "again", "<b>quầy 6").text)
    any_room.clock.moment += timedelta(minutes=15)
    assert enrol(any_room, code).status_code == 403  # expired
    former = code_on(act(any_room, "again", "<b>quầy 6").text)
    code = code_on(act(any_room, "again", "<b>quầy 6").text)
    assert enrol(any_room, former).status_code == 403  # replaced
    any_room.device = enrol(any_room, code).json()["token"]
    assert any_room.post([submission(counter="q06")]).status_code == 200
    code = code_on(act(any_room, "again", "<b>quầy 6").text)
    assert act(any_room, "revoke", "<b>quầy 6").status_code == 303
    assert enrol(any_room, code).status_code == 403
    act(any_room, "add", "chưa dùng", place="")
    assert act(any_room, "revoke", "chưa dùng").status_code == 303  # before it had a token
    assert all(one.revoked_at for one in any_room.context.store.devices.rows()[-2:])
    assert beat(any_room).status_code == 401
    log = any_room.client.get("/audit?kind=device").text
    for told in (
        "Thêm thiết bị quầy 5, nơi đặt Quầy 05",
        "Gắn thiết bị quầy 5 với Quầy 06",
        "thành &lt;b&gt;quầy 6",
        "giam_doc",
    ):
        assert told in log


def test_an_enrolment_that_is_cut_off_leaves_the_device_its_token(any_room: Room) -> None:
    any_room.sign_in()
    first = enrol(any_room, code_on(act(any_room, "add", "quầy", place="counter:q05").text))
    own = first.json()["token"]

    def lets_in(token: str) -> bool:
        any_room.context.accounts.forget_devices()  # as after some seconds
        any_room.device = token
        return bool(any_room.post([submission()]).status_code == 200)

    given = []
    for _ in range(3):  # the answers are lost, but for the last
        any_room.clock.moment += timedelta(minutes=1)
        code = code_on(act(any_room, "again", "quầy").text)
        given.append(enrol(any_room, code).json()["token"])
        assert lets_in(own)
    assert not lets_in(given[0])  # was never used, and another one was given
    assert lets_in(given[-1])
    assert not lets_in(own)
    assert not lets_in(given[1])
    # What it hands in by its own token is taken at its former place until it tells of the new.
    any_room.clock.moment += timedelta(minutes=1)
    assert beat(any_room, place={"counter": "q05"}).status_code == 401
    any_room.device = given[-1]
    assert beat(any_room, place={"counter": "q05"}).status_code == 200
    act(any_room, "move", "quầy", place="counter:q06")
    enrol(any_room, code_on(act(any_room, "again", "quầy").text))
    assert any_room.post([submission()]).json()["receipts"][0]["status"] == "accepted"
    assert any_room.post([submission(counter="q06")]).json()["receipts"][0]["status"] == "accepted"
    page = any_room.client.get("/devices").text
    assert "chờ kiosk chuyển sang nơi mới" in page
    assert "có mã ghi danh chưa dùng" not in page
    act(any_room, "revoke", "quầy")
    assert "có mã ghi danh chưa dùng" in act(any_room, "again", "quầy").text
    assert act(any_room, "revoke", "quầy").status_code == 303
    assert "có mã ghi danh chưa dùng" not in any_room.client.get("/devices").text


def test_a_moved_device_hands_in_what_was_answered_at_its_former_place(any_room: Room) -> None:
    any_room.sign_in()
    code = code_on(act(any_room, "add", "quầy", place="counter:q05").text)
    any_room.device = enrol(any_room, code).json()["token"]

    def taken(counter: str, minutes_ago: int = 0) -> bool:
        at = (any_room.clock() - timedelta(minutes=minutes_ago)).isoformat()
        place = {"counter": counter, "department": any_room.context.centre.department_of[counter]}
        [receipt] = any_room.post([submission(**place, answered_at=at)]).json()["receipts"]
        return bool(receipt["status"] == "accepted")

    def heard_at(counter: str) -> Any:
        any_room.clock.moment += timedelta(minutes=10)
        clock = any_room.clock() + timedelta(minutes=3)  # its own runs ahead
        return beat(any_room, clock=clock.isoformat(), place={"counter": counter}).json()

    # It never told of itself: another program, which was told to move.
    assert not taken("q06")
    act(any_room, "move", "quầy", place="counter:q06")
    assert (taken("q06"), taken("q05", 1), taken("q05")) == (True, True, False)

    there = {"department": None, "counter": "q06"}
    assert heard_at("q06") == there
    act(any_room, "move", "quầy", place="counter:q07")
    waits = "chờ kiosk chuyển sang nơi mới"
    assert waits in any_room.client.get("/devices").text
    any_room.clock.moment += timedelta(days=8)  # of a network that was down
    assert (taken("q07"), taken("q06"), taken("q05")) == (True, True, False)
    assert heard_at("q06") == {"department": None, "counter": "q07"}  # it goes on there yet
    assert taken("q06")
    # For a month at most: who never says so keeps no former place.
    moment, any_room.clock.moment = any_room.clock(), any_room.clock() + timedelta(days=30)
    assert (taken("q06"), taken("q06", 60 * 24 * 9)) == (False, True)
    any_room.clock.moment = moment
    heard_at("q07")
    any_room.clock.moment += timedelta(minutes=10)
    assert (taken("q07"), taken("q06", 8), taken("q06", 6)) == (True, True, False)
    assert (taken("q08", 8), taken("q08")) == (False, False)

    any_room.sign_in()
    assert waits not in any_room.client.get("/devices").text
    act(any_room, "move", "quầy", place="")
    act(any_room, "move", "quầy", place="department:so_tu_phap")
    other = {"department": "so_tai_chinh", "counter": None}
    [receipt] = any_room.post([submission(**other)]).json()["receipts"]
    assert receipt["status"] == "accepted"  # as long as it may not know
    any_room.clock.moment += timedelta(minutes=10)
    beat(any_room, place={"department": "so_tu_phap"}, clock=any_room.clock().isoformat())
    [receipt] = any_room.post([submission(**other)]).json()["receipts"]
    assert receipt["status"] == "accepted"  # answered before it moved
    late = {"answered_at": any_room.clock().isoformat()}
    receipts = any_room.post([submission(**other, **late), submission(**late)]).json()["receipts"]
    assert [one["status"] for one in receipts] == ["refused", "accepted"]


def test_no_device_is_given_to_a_closed_place(room: Room) -> None:
    organisation, day = room.context.organisation, room.clock().date()
    room.sign_in()
    code = code_on(act(room, "add", "quầy", place="counter:q05").text)
    before = day - timedelta(days=1)
    merging = acts.merge(organisation.stored, "counter", "q05", "q06", before)
    organisation.save(merging, "an", "", organisation.number)
    assert enrol(room, code).status_code == 200
    page = act(room, "again", "quầy").text  # it is at the successor
    assert '<option value="counter:q06" selected>' in page
    act_ = {"act": "close", "kind": "counter", "id": "q06", "day": f"{day}", "after": "2"}
    for saving in ({}, {"save": "1"}):
        page = room.client.post("/organisation", data={**act_, **saving})
        assert page.status_code == 422
        assert "Quầy 06 chưa đóng được: thiết bị quầy đang hoạt động" in words(page.text)
    act(room, "revoke", "quầy")
    closing = acts.close(merging, "counter", "q06", day)
    organisation.save(closing, "an", "", organisation.number)
    refused = act(room, "again", "quầy")
    assert refused.status_code == 422
    assert "Nơi đặt của thiết bị quầy đã đóng" in refused.text
    assert act(room, "move", "quầy", place="counter:q06").status_code == 400
    assert act(room, "move", "quầy", place="counter:q07").status_code == 303
    assert code_on(act(room, "again", "quầy").text)


def test_a_device_is_heard_of_by_what_it_hands_in(room: Room) -> None:
    [row] = room.context.store.devices.rows()
    assert row.seen_at is None
    room.post([])
    [row] = room.context.store.devices.rows()
    assert row.seen_at == room.clock()
    first, room.clock.moment = room.clock(), room.clock() + timedelta(seconds=59)
    room.post([submission()])
    assert room.context.store.devices.rows()[0].seen_at == first
    assert beat(room).status_code == 200  # what it tells is noted all the same
    [row] = room.context.store.devices.rows()
    assert (row.seen_at, row.pending) == (room.clock(), 3)
    room.clock.moment += timedelta(minutes=1)
    room.post([submission()])
    [row] = room.context.store.devices.rows()
    assert (row.seen_at, row.pending) == (room.clock(), 3)


def test_what_cannot_be_is_refused_and_changes_nothing(room: Room) -> None:
    for field, value in (
        ("pending", -1),
        ("pending", True),
        ("pending", "3"),
        ("refused", 1.0),
        ("refused", "many"),
        ("version", "<script>"),
        ("clock", "2026-11-23T08:15:00"),
        ("place", "q05"),
    ):
        answer = beat(room, **{field: value})
        assert answer.status_code == 400
        assert field in answer.json()["error"]
    room.sign_in()
    before = room.context.store.devices.rows()
    [name] = [one.name for one in before]
    for action, more, status in (
        ("add", {"name": ""}, 422),
        ("add", {"name": "x" * 65}, 422),
        ("add", {"name": "mới", "place": "counter:q99"}, 400),
        ("move", {"place": "department:none"}, 400),
        ("rename", {"new": "\n"}, 422),
        ("move", {"name": "không có"}, 422),
        ("explode", {}, 400),
    ):
        assert act(room, action, **({"name": name} | more)).status_code == status, (action, more)
    assert room.context.store.devices.rows() == before
    cross = room.client.post("/devices", headers={"origin": "http://elsewhere.example"})
    assert cross.status_code == 403


def test_a_taken_name_is_said_to_be_a_devices(any_room: Room) -> None:
    any_room.sign_in()
    for status in (200, 422):
        form = {"action": "add", "name": "kiosk 1", "place": ""}
        page = any_room.client.post("/devices", data=form)
        assert page.status_code == status
    assert "Đã có thiết bị “kiosk 1”" in page.text


def test_a_token_is_renewed_without_a_gap(any_room: Room) -> None:
    accounts = any_room.context.accounts
    old = accounts.enrol("quầy 5")

    def status(token: str) -> int:
        any_room.device = token
        any_room.clock.moment += timedelta(seconds=10)  # no token is remembered any more
        return int(any_room.post([submission()]).status_code)

    def renewed() -> str:
        told = entry(any_room.clock(), COMMAND_LINE, "device.renewed", name="quầy 5")
        return accounts.renew_device("quầy 5", told)

    assert status(old) == 200
    lost, new = renewed(), renewed()
    assert status(old) == 200
    assert status(lost) == 401  # given before and never used
    assert status(old) == 200
    assert status(new) == 200
    assert status(old) == 401
    assert status(new) == 200
    any_room.sign_in()
    assert "Thiết bị quầy 5 đã dùng mã mới" in any_room.client.get("/audit").text
    gone = entry(any_room.clock(), COMMAND_LINE, "device.removed", name="quầy 5")
    assert accounts.devices.revoke("quầy 5", gone.at, gone)
    assert status(new) == 401
    with pytest.raises(AccountError):
        renewed()
