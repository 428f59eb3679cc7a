"""The public board: off until a manager turns it on, and then only what the ledger shows."""

import csv
import io
import re

from aggregator.alerts.watch import Watch
from aggregator.dashboard.app import ROUTES
from aggregator.dashboard.permissions import need_of
from aggregator.storage.audit import entry
from aggregator.storage.comments import Act, Search
from aggregator.storage.credentials import Role
from tests.aggregator.conftest import Room, ratings, submission
from tests.aggregator.reading import words

PUBLIC = ("/public", "/public/hall", "/public/data.csv", "/public/data.json")
OCTOBER = "2026-10-05T08:10:00+07:00"


def rated(room: Room) -> None:
    room.take(ratings([5] * 96 + [4] * 4, answered_at=OCTOBER))
    room.take(
        ratings([5] * 20, department="so_noi_vu", counter="q12", answered_at=OCTOBER)
        + ratings([1] * 3, department="so_y_te", counter="q09", answered_at=OCTOBER)
        + ratings([5] * 30, department="so_xay_dung", counter="q16", answered_at=OCTOBER)
    )


def turn(room: Room, enabled: bool, save: bool = True) -> str:
    """Turn the board on or off as a manager does; the page that comes back."""
    form = {"settle_days": "2", "after": str(room.context.organisation.number)}
    form |= {"enabled": "1"} if enabled else {}
    form |= {"save": "1", "reason": "Công khai"} if save else {}
    answer = room.client.post("/settings/board", data=form)
    assert answer.status_code == (303 if save else 200), answer.text
    return str(answer.text)


def publish(room: Room) -> None:
    """What happens each minute."""
    context = room.context
    Watch(context.store, context.organisation, context.settings, room.clock).publish()


def test_it_is_off_until_a_manager_has_seen_what_will_be_public(any_room: Room) -> None:
    room = any_room
    rated(room)
    publish(room)
    assert room.context.store.ledger.months("in_centre") == []
    for path in PUBLIC:
        assert room.client.get(path).status_code == 404
    room.sign_in()
    preview = words(turn(room, True, save=False))
    assert "Khoảng 90 đến 98 trong 100 người rất hài lòng (theo 153 phiếu đánh giá)" in preview
    assert "Sở Nội vụ" in preview.partition("Không công bố riêng")[2]
    assert room.context.store.ledger.months("in_centre") == [], "a preview publishes nothing"
    turn(room, True)
    room.client.cookies.clear()
    assert "Số liệu đang được chuẩn bị" in words(room.client.get("/public").text)
    publish(room)
    for path in PUBLIC:
        answer = room.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=60"
        assert "Cookie" not in answer.headers.get("vary", "")
    page = words(room.client.get("/public").text)
    assert "Tháng 10/2026 Khoảng 90 đến 98 trong 100 người rất hài lòng" in page
    assert "Sở Tư pháp 90 đến 99 100" in page
    withheld = page.partition("Chưa công bố riêng")[2]
    assert "Sở Nội vụ" in withheld, "with three of another department it would tell of them"
    assert "Sở Y tế" in withheld
    assert "giam_doc" not in page
    english = words(room.client.get("/public?lang=en").text)
    assert "About 90 to 98 in 100 people are very satisfied" in english
    hall = room.client.get("/public/hall").text
    assert 'hx-trigger="every 300s"' in hall
    assert "Khoảng 90 đến 98" in words(hall)
    room.sign_in()
    turn(room, False)
    room.client.cookies.clear()
    for path in PUBLIC:
        assert room.client.get(path).status_code == 404


def test_only_who_may_change_the_centre_turns_it_on(room: Room) -> None:
    accounts = room.context.accounts
    others: list[tuple[str, Role]] = [("An", "reader"), ("Bình", "head")]
    for name, role in others:
        department = "so_tu_phap" if role == "head" else None
        accounts.add_user(name, role, department=department)
        room.client.cookies.clear()
        room.client.get(accounts.new_link(name, ""))
        form = {"enabled": "1", "settle_days": "2", "after": "1", "save": "1"}
        assert room.client.post("/settings/board", data=form).status_code == 403
    assert not room.context.organisation.centre.board.enabled


def test_open_data_has_the_definition_beside_each_figure(room: Room) -> None:
    rated(room)
    room.sign_in()
    turn(room, True)
    publish(room)
    text = room.client.get("/public/data.csv").text
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    [whole] = [
        one
        for one in rows
        if (one["period"], one["department"], one["measure"]) == ("2026-10", "", "very_satisfied")
    ]
    assert (whole["k"], whole["n"], whole["share"]) == ("146", "153", "0.9542")
    assert "Rất hài lòng" in whole["definition"]
    assert "Wilson" in whole["interval"]
    assert "so_y_te" not in text
    assert "so_noi_vu" not in text
    found = room.client.get("/public/data.json?lang=en").json()
    assert len(found["figures"]) == len(rows)
    assert found["use"].startswith("Public figures of")


def test_a_name_that_is_a_formula_is_none_in_open_data(room: Room) -> None:
    rated(room)
    room.sign_in()
    turn(room, True)
    publish(room)
    form = {"name_vi": "=1+2", "name_en": "=1+2", "province_vi": "a", "province_en": "b"}
    form |= {"parent_vi": "", "parent_en": "", "save": "1", "reason": "x"}
    form["after"] = str(room.context.organisation.number)
    assert room.client.post("/settings/names", data=form).status_code == 303
    assert "'=1+2" in room.client.get("/public/data.csv").text


def test_what_anyone_may_ask_for_is_bounded(room: Room) -> None:
    """Every page without signing in is small, however much is asked of it."""
    rated(room)
    room.sign_in()
    turn(room, True)
    publish(room)
    room.client.cookies.clear()
    paths = [route.path for route in ROUTES if need_of(route.endpoint) == "anyone"]
    for path in paths:
        address = re.sub(r"\{\w+\}", "x", path) + "?lang=vi&limit=999999999&date=0001-01-01"
        answer = room.client.get(address)
        assert answer.status_code < 500, path
        assert len(answer.content) < 200_000, path


def test_a_manager_tells_the_public_of_a_closed_case_in_words_of_the_own(any_room: Room) -> None:
    room = any_room
    room.sign_in()
    turn(room, True)
    sent = submission(comment="Phải đi bốn lần, gọi 0912 345 678")
    room.take([sent])
    answer = room.client.post("/cases", data={"submission": sent["id"]})
    address = answer.headers["location"]
    store, number = room.context.store, int(address.rpartition("/")[2])
    pair = {"act": "tell", "said": "Phải đi lại nhiều lần", "done": "Bổ sung bản hướng dẫn"}
    assert room.client.post(address, data=pair).status_code == 409, "it is not closed"
    for act in ("assigned", "answered", "closed"):
        case = store.cases.get(number)
        assert case is not None
        form = {"act": act, "last": str(case.last), "text": "Đã xem", "department": "so_tu_phap"}
        assert room.client.post(address, data=form).status_code == 303
    assert "bốn lần" not in room.client.get("/public").text
    bad = (("Gọi 0912 345 678", "số điện thoại"), ("", "Xin viết"), ("a" * 601, "600"))
    for said, why in bad:
        refused = room.client.post(address, data={**pair, "said": said})
        assert refused.status_code == 422
        assert why in words(refused.text)
    assert room.client.post(address, data=pair).status_code == 303
    page = words(room.client.get("/public").text)
    assert "Ông/Bà góp ý Phải đi lại nhiều lần Trung tâm đã làm Bổ sung bản hướng dẫn" in page
    assert "Bổ sung bản hướng dẫn" in words(room.client.get("/public/hall").text)
    [comment] = store.comments.found(Search(), 1)
    acts: list[tuple[Act, str, bool]] = [
        ("hide", "comment.hidden", False),
        ("show", "comment.shown", True),
    ]
    for kind, told, shown in acts:
        new = entry(room.clock(), "An", told, id=sent["id"])
        assert store.comments.act(comment.number, kind, "", new)
        assert ("Bổ sung" in room.client.get("/public").text) is shown
    room.client.post(address, data={"act": "tell", "withdraw": "1"})
    assert "Bổ sung" not in room.client.get("/public").text
