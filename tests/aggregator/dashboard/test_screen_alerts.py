"""The page of alerts: read, looked at once, by those who may."""

from datetime import timedelta

from aggregator.dashboard.screens.alerts import SHOWN
from aggregator.storage.alerts import Details, Finding
from tests.aggregator.alerts.watching import limit, watch_of
from tests.aggregator.conftest import NOW, Room, ratings

LATER = {"answered_at": "2026-11-23T08:14:00+07:00"}


def test_an_alert_is_read_and_looked_at_with_a_note(any_room: Room) -> None:
    any_room.sign_in()
    assert "Không có việc nào cần xem" in any_room.client.get("/alerts?lang=vi").text
    any_room.take(ratings([1, 1, 1]))
    watch_of(any_room).look()
    page = any_room.client.get("/alerts?lang=vi").text
    assert "3 trong 3 lượt gần nhất ở mức Không hài lòng trở xuống" in page
    assert "Vẫn đang diễn ra" in page
    note = {"number": "1", "note": "Đã gọi <b>trưởng phòng</b>"}
    assert any_room.client.post("/alerts", data=note).status_code == 303
    page = any_room.client.get("/alerts?lang=vi").text
    assert "giam_doc đã xem" in page
    assert "&lt;b&gt;trưởng phòng&lt;/b&gt;" in page
    again = any_room.client.post("/alerts", data={"number": "1", "note": "tôi nữa"})
    assert again.status_code == 409
    assert "đã có người xem trước" in again.text
    any_room.take(ratings([5] * 8, **LATER))
    watch_of(any_room).look()
    page = any_room.client.get("/alerts?lang=vi").text
    assert "Không có việc nào cần xem" in page
    assert "Đã xem và đã hết" in page
    assert "Đã xem cảnh báo số 1" in any_room.client.get("/audit?lang=vi").text


def test_of_many_that_ended_the_newest_are_shown_and_the_others_counted(any_room: Room) -> None:
    any_room.sign_in()
    log, begun = any_room.context.store.alerts, NOW - timedelta(days=9)
    for hour in range(0, 2 * SHOWN + 6, 2):
        details: Details = {"k": 3, "n": 3, "level_vi": "Bình thường", "level_en": "Neutral"}
        found = Finding("low_ratings", "centre:", details)
        log.update([found], begun + timedelta(hours=hour), [])
        log.update([], begun + timedelta(hours=hour, minutes=1), [])
    assert log.unseen() == SHOWN + 3
    page = any_room.client.get("/alerts?lang=vi").text
    assert page.count('<li id="alert-') == SHOWN
    assert f'id="alert-{SHOWN + 3}"' in page
    assert "Còn 3 cảnh báo đã hết mà chưa ai xem" in page


def test_what_is_no_alert_and_too_long_notes_are_refused(room: Room) -> None:
    room.sign_in()
    for number in ("7", "x", "", "9" * 40):
        assert room.client.post("/alerts", data={"number": number}).status_code == 404
    room.take(ratings([1, 1, 1]))
    watch_of(room).look()
    long = room.client.post("/alerts", data={"number": "1", "note": "x" * 5000})
    assert long.status_code == 422
    assert room.context.store.alerts.open()[0].seen_at is None


def test_the_limits_are_a_setting_with_a_preview(room: Room) -> None:
    room.sign_in()
    room.take(ratings([1, 1, 1, 5]))
    form = {
        "after": "1",
        "silent_minutes": "30",
        "refused": "1",
        "disk_percent": "0",
        "backup_hours": "48",
        "quiet_from": "",
        "quiet_until": "",
        "emails": "a@laichau.example, b@laichau.example",
    }
    page = room.client.post("/settings/alerts?lang=vi", data=form)
    assert page.status_code == 200
    assert "số việc cần báo lúc này: 1" in page.text
    assert room.client.post("/settings/alerts", data=form | {"save": "1"}).status_code == 303
    found = room.context.organisation.stored.alerts
    assert (found.disk_percent, found.quiet_from) == (0, None)
    assert found.emails == ("a@laichau.example", "b@laichau.example")
    wrong = [
        {"emails": "no address"},
        {"emails": "a@x.example A@X.example"},
        {"quiet_from": "18:00"},
        {"silent_minutes": "-1"},
    ]
    for one in wrong:
        answer = room.client.post(
            "/settings/alerts", data={**form, "after": "2", "save": "1", **one}
        )
        assert answer.status_code == 422, one
    assert room.context.organisation.number == 2


def test_a_device_does_not_get_to_know_who_is_told(room: Room) -> None:
    limit(room, emails=["giamdoc@laichau.example"])
    bearer = {"authorization": f"Bearer {room.device}"}
    answer = room.client.get("/api/v1/centre", headers=bearer)
    assert answer.status_code == 200
    assert "giamdoc" not in answer.text
