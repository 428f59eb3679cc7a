"""Each rule finds what it is for, at its limit and not before it."""

import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.alerts.rules import Scene, findings
from aggregator.alerts.words import sentence
from aggregator.storage.alerts import Finding
from aggregator.storage.devices import Beat
from surveys.alerts import AlertRule, Alerts
from surveys.centre import Centre
from tests.aggregator.alerts.watching import limit, rule, watch_of
from tests.aggregator.conftest import NOW, Room, ratings, submission
from tests.aggregator.intake.test_numbers import KEY, NAME, chained

Make = Callable[..., Room]


def found(room: Room, rule: str) -> list[Finding]:
    context = room.context
    centre = context.organisation.refreshed()
    rating = context.surveys[centre.instruments.rating]
    scene = Scene(context.store, room.settings, centre, rating, room.clock())
    return [one for one in findings(scene) if one.rule == rule]


def sentence_of(room: Room, one: Finding) -> str:
    return sentence(one, room.context.centre).get("vi")


def test_low_ratings_are_told_of_at_their_counter_by_the_last_ones(any_room: Room) -> None:
    any_room.take(ratings([1, 2, 5, 5, 5]))
    assert found(any_room, "low_ratings") == []
    later = {"answered_at": "2026-11-23T08:12:00+07:00"}
    any_room.take(ratings([2, 3], **later))
    told: dict[str, str | int] = {
        "k": 3,
        "n": 7,
        "level_vi": "Không hài lòng",
        "level_en": "Dissatisfied",
    }
    [one] = found(any_room, "low_ratings")
    assert one == Finding("low_ratings", "counter:q05:low_counter", told)
    said = "Quầy 05 (Sở Tư pháp): 3 trong 7 lượt gần nhất ở mức Không hài lòng trở xuống."
    assert sentence_of(any_room, one) == said
    # Ten good ones later they are no more among the last.
    any_room.take(ratings([5] * 8, answered_at="2026-11-23T08:14:00+07:00"))
    assert found(any_room, "low_ratings") == []


def test_low_ratings_of_another_counter_or_of_long_ago_do_not_add_up(room: Room) -> None:
    room.take(ratings([1, 1], counter="q05"))
    room.take(ratings([1, 1], counter="q06"))
    assert found(room, "low_ratings") == []
    room.take(ratings([1], counter="q05", answered_at="2026-11-10T08:00:00+07:00"))
    assert found(room, "low_ratings") == []


def test_what_was_rated_later_is_none_of_the_last(any_room: Room) -> None:
    any_room.take(ratings([1, 1, 1], answered_at="2026-11-20T16:00:00+07:00"))
    any_room.take(ratings([5] * 20))
    assert found(any_room, "low_ratings") == []
    any_room.clock.moment = datetime.fromisoformat("2026-11-20T17:00:00+07:00")
    assert len(found(any_room, "low_ratings")) == 1


JUSTICE = {"department": "so_tu_phap", "counter": "q05"}
HEALTH = {"department": "so_y_te", "counter": "q09"}


@pytest.mark.parametrize(
    ("change", "subjects"),
    [
        ({}, ["counter:q05:own"]),
        ({"active": False}, []),
        ({"low": 4}, []),
        ({"level": 3}, ["counter:q05:own", "counter:q09:own"]),
        ({"last": 3}, []),
        ({"department": "so_y_te"}, []),
        ({"unit": "department"}, ["department:so_tu_phap:own"]),
        ({"unit": "department", "department": "so_y_te", "level": 4}, ["department:so_y_te:own"]),
        ({"unit": "centre", "low": 4}, ["centre::own"]),
    ],
    ids=str,
)
def test_a_rule_looks_at_its_units_with_its_numbers(
    room: Room, change: dict[str, Any], subjects: list[str]
) -> None:
    room.take(ratings([1, 1, 2, 5, 5], **JUSTICE))
    room.take(ratings([2, 3, 3, 5], **HEALTH))
    own = {"id": "own", "kind": "low_ratings", "unit": "counter", "low": 3, "last": 10, **change}
    rule(room, AlertRule.model_validate(own))
    assert {one.subject for one in found(room, "low_ratings")} == set(subjects)


def test_each_rule_tells_its_own_and_the_same_fall_is_told_once(any_room: Room) -> None:
    any_room.take(ratings([1, 1, 1], **JUSTICE))
    rules = [
        AlertRule(id="few", kind="low_ratings", unit="counter", low=3, last=10),
        AlertRule(id="many", kind="low_ratings", unit="department", low=3, last=100),
        AlertRule(id="whole", kind="low_ratings", unit="centre", low=3, last=100),
    ]
    rule(any_room, *rules)
    watch = watch_of(any_room)
    assert [watch.look(), watch.look(), watch_of(any_room).look()] == [3, 0, 0]
    page = sentences(any_room)
    assert "Toàn Trung tâm: 3 trong 3 lượt gần nhất ở mức Không hài lòng trở xuống." in page
    assert "Sở Tư pháp: 3 trong 3 lượt gần nhất ở mức Không hài lòng trở xuống." in page
    rule(any_room, *rules[:1])
    assert watch.look() == 0
    assert [one.live for one in any_room.context.store.alerts.open()].count(True) == 1


def sentences(room: Room) -> list[str]:
    centre = room.context.organisation.refreshed()
    return [sentence(one, centre).get("vi") for one in room.context.store.alerts.open()]


def test_a_device_is_silent_by_the_opening_hours_that_it_missed(room: Room) -> None:
    room.context.accounts.forget_devices()
    devices = room.context.store.devices
    [number] = [row.number for row in devices.rows()]
    assert number is not None
    assert found(room, "silent_minutes") == []  # never heard of: not set up yet
    friday = datetime.fromisoformat("2026-11-20T16:50:00+07:00")
    devices.note(number, friday, Beat(0, 0, 0, "1"))
    # Ten minutes of Friday; nothing of the weekend; the centre opens at 7:30.
    room.clock.moment = datetime.fromisoformat("2026-11-23T07:35:00+07:00")
    assert found(room, "silent_minutes") == []
    room.clock.moment = datetime.fromisoformat("2026-11-23T07:50:00+07:00")
    [one] = found(room, "silent_minutes")
    assert one.subject == str(number)
    # It stays silent at night, though nobody is there.
    room.clock.moment = datetime.fromisoformat("2026-11-23T23:00:00+07:00")
    assert found(room, "silent_minutes") == [one]


def test_refused_submissions_of_a_device_are_told_of(room: Room) -> None:
    devices = room.context.store.devices
    [row] = devices.rows()
    assert row.number is not None
    devices.note(row.number, NOW, Beat(0, 2, 0, "1"))
    told: dict[str, str | int] = {"device": row.name, "n": 2}
    assert found(room, "refused") == [Finding("refused", str(row.number), told)]
    limit(room, refused=3)
    assert found(room, "refused") == []
    limit(room, refused=0)
    assert found(room, "refused") == []


def test_a_full_disk_is_told_of(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(room, disk_percent=90)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1000, 120, 880))
    assert found(room, "disk_percent") == [Finding("disk_percent", "data", {"percent": 88})]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1000, 100, 900))
    assert found(room, "disk_percent") == []


def test_a_backup_that_is_old_missing_or_cannot_be_read(make_room: Make, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    room = make_room(backups=folder)
    nothing = [Finding("backup_hours", "", {})]
    assert found(room, "backup_hours") == nothing
    folder.mkdir()
    (folder / "notes.txt").touch()
    assert found(room, "backup_hours") == nothing
    copy = folder / "hailong-20261121T010000Z.db"
    copy.touch()
    old = room.clock() - timedelta(hours=49)
    os.utime(copy, (old.timestamp(), old.timestamp()))
    [one] = found(room, "backup_hours")
    assert datetime.fromisoformat(str(one.details["since"])) == old.replace(microsecond=0)
    fresh = room.clock() - timedelta(hours=2)
    os.utime(copy, (fresh.timestamp(), fresh.timestamp()))
    assert found(room, "backup_hours") == []


def test_a_backup_or_drill_that_failed_is_told(make_room: Make, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    room = make_room(backups=folder)
    (folder / "hailong-20261123T010000Z.db").touch()
    os.utime(folder / "hailong-20261123T010000Z.db", (NOW.timestamp(),) * 2)

    def told(name: str, text: str) -> list[tuple[str, str]]:
        (folder / name).write_text(text)
        os.utime(folder / name, (NOW.timestamp(),) * 2)
        return [(one.subject, str(one.details["since"])) for one in found(room, "backup_hours")]

    day, long_ago = "2026-11-22T11:30:00+00:00", "2026-10-01T11:30:00+00:00"
    assert told("backup.json", f'{{"at": "{day}", "ok": true}}') == []
    assert told("drill.json", f'{{"at": "{day}", "ok": true}}') == []
    assert told("drill.json", f'{{"at": "{day}", "ok": false}}') == [("drill", day)]
    assert told("drill.json", f'{{"at": "{long_ago}", "ok": true}}') == [("no_drill", long_ago)]
    assert told("drill.json", f'{{"at": "{day}", "ok": true}}') == []
    assert told("verify.json", f'{{"at": "{day}", "ok": false}}') == [("verify", day)]
    before = "2026-11-19T11:30:00+00:00"
    assert told("verify.json", f'{{"at": "{before}", "ok": true}}') == [("no_verify", before)]
    assert told("verify.json", f'{{"at": "{day}", "ok": true}}') == []
    assert told("backup.json", '{"at": 7') == [("backup", NOW.isoformat(timespec="seconds"))]
    watch_of(room).look()
    [said] = sentences(room)
    assert said.startswith("Sao lưu không thành công, lúc 08:15 23/11/2026.")


def test_no_folder_of_backups_is_no_alert(room: Room) -> None:
    assert found(room, "backup_hours") == []


def test_a_device_that_was_revoked_is_not_missed(room: Room) -> None:
    devices = room.context.store.devices
    [row] = devices.rows()
    assert row.number is not None
    devices.note(row.number, NOW - timedelta(days=9), Beat(0, 5, 0, "1"))
    assert len(found(room, "silent_minutes") + found(room, "refused")) == 2
    assert watch_of(room).look() == 2
    room.sign_in()
    room.client.post("/devices", data={"action": "revoke", "name": row.name})
    assert found(room, "silent_minutes") + found(room, "refused") == []


MOMENTS = st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 1)).map(
    lambda naive: naive.astimezone(NOW.tzinfo)
)


@given(MOMENTS, MOMENTS, MOMENTS)
def test_opening_hours_between_moments_add_up(
    centre: Centre, one: datetime, two: datetime, three: datetime
) -> None:
    first, middle, last = sorted((one, two, three))
    whole = centre.open_between(first, last)
    assert whole == centre.open_between(first, middle) + centre.open_between(middle, last)
    assert timedelta(0) <= whole <= last - first
    if whole == last - first and whole:
        assert centre.is_open(first)
    always = centre.model_copy(update={"opening_hours": ()})
    assert always.open_between(first, last) == last - first


@pytest.mark.parametrize(
    ("local", "quiet"), [("17:59", False), ("18:00", True), ("06:59", True), ("07:00", False)]
)
def test_quiet_hours_go_over_midnight(local: str, quiet: bool) -> None:
    assert Alerts().is_quiet(datetime.fromisoformat(f"2026-11-23T{local}").time()) is quiet
    never = Alerts(quiet_from=None, quiet_until=None)
    assert not never.is_quiet(datetime.fromisoformat(f"2026-11-23T{local}").time())


def test_an_overdue_case_is_told_of_unless_that_is_turned_off(any_room: Room) -> None:
    any_room.sign_in()
    comment = submission(comment="Phải đi bốn lần")
    any_room.take([comment])
    answer = any_room.client.post("/cases", data={"submission": comment["id"]})
    case = int(answer.headers["location"].rpartition("/")[2])
    assert found(any_room, "overdue") == []
    any_room.clock.moment += timedelta(days=60)
    [one] = found(any_room, "overdue")
    assert one.subject == str(case)
    assert f"Vụ việc số {case} quá hạn" in sentence_of(any_room, one)
    limit(any_room, overdue=False)
    assert found(any_room, "overdue") == []


def test_a_share_that_has_fallen_is_told_of_and_one_that_has_not_is_not(any_room: Room) -> None:
    """Forty working days of a good quarter, then of one bad and one unchanged department."""
    health = {"department": "so_y_te", "counter": "q09"}
    good, bad, items = (5,) * 19 + (4,), (5,) * 7 + (4, 3, 4), []
    for back in range(40):
        before = (NOW - timedelta(days=60 + back)).isoformat()
        day = (NOW - timedelta(days=back, minutes=20)).isoformat()
        items += ratings(good, answered_at=before) + ratings(good, answered_at=before, **health)
        items += ratings(bad, answered_at=day) + ratings(good, answered_at=day, **health)
    for start in range(0, len(items), 400):
        any_room.take(items[start : start + 400])
    told = found(any_room, "falling")
    assert {one.subject for one in told} == {"department:so_tu_phap", "counter:q05"}
    assert "Sở Tư pháp: tỷ lệ Rất hài lòng giảm rõ rệt" in sentence_of(any_room, told[0])
    watch = watch_of(any_room)
    told_new = watch.look()
    assert told_new >= 2
    assert watch_of(any_room).look() == 0
    own = {"kind": "falling", "unit": "department"}
    rules = [
        AlertRule.model_validate(own | {"id": "all"}),
        AlertRule.model_validate(own | {"id": "one", "department": "so_tu_phap"}),
        AlertRule.model_validate(own | {"id": "whole", "unit": "centre"}),
    ]
    rule(any_room, *rules)
    told = found(any_room, "falling")
    assert [one.subject for one in told].count("department:so_tu_phap") == 2
    assert "centre:" in [one.subject for one in told]
    assert watch.look() == 1  # the centre: the department lasts, though two rules find it
    assert "Toàn Trung tâm: tỷ lệ Rất hài lòng giảm" in " ".join(sentences(any_room))
    rule(any_room)
    assert found(any_room, "falling") == []


def test_missing_and_double_numbers_of_a_device_are_told(any_room: Room) -> None:
    asked = any_room.context.surveys["in_centre"].fingerprint
    items = chained(6, fingerprint=asked)
    again = chained(1, first=2, before=items[0]["device_mac"], fingerprint=asked)

    def post(some: list[dict[str, Any]]) -> None:
        body = {"submissions": some, "chain": {"id": NAME, "key": KEY}}
        answer = any_room.hand_in(body)
        assert {one["status"] for one in answer.json()["receipts"]} == {"accepted"}

    post(items[:2])
    assert found(any_room, "numbers") == []
    post(items[4:])
    post(again)
    [one] = found(any_room, "numbers")
    assert (one.details["missing"], one.details["double"], one.details["highest"]) == (2, 1, 6)
    limit(any_room, numbers=False)
    assert found(any_room, "numbers") == []
