"""The pages of the settings: every form, its preview, what it would do, and what is refused."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.organisation import rows, sections
from aggregator.organisation.described import ROWS, row_key
from aggregator.organisation.sections import SECTIONS
from aggregator.storage.audit import Search
from aggregator.storage.credentials import Role
from surveys.centre import WEEKDAYS, load_centre
from surveys.definition import load_surveys
from surveys.looks import LARGEST_WITHIN, Looks
from tests.aggregator.conftest import CENTRE, Room, ratings, sipas
from tests.aggregator.reading import words
from tests.surveys.pictures import GOOD, SVG, png

OCTOBER = "2026-10-05T08:10:00+07:00"
FIRST = load_centre(CENTRE)
SURVEYS = load_surveys()
REFERENCE = {
    "label_vi": "Khảo sát 2025",
    "label_en": "Survey 2025",
    "of": "in_centre.very_satisfied",
    "share": "40,5",
    "scale_vi": "5 mức",
    "scale_en": "5 levels",
    "mode_vi": "Hỏi tại quầy",
    "mode_en": "Asked at the counter",
    "population_vi": "Người nộp hồ sơ",
    "population_en": "Applicants",
    "period_from": "2025-01-01",
    "period_to": "2025-12-31",
    "source": "Báo cáo năm 2025",
}
MARGIN = {
    "of": "sipas_2020.channel",
    "population_vi": "Người nộp hồ sơ",
    "population_en": "Applicants",
    "source": "Báo cáo năm 2025",
    "shares.kiosk": "40",
    "shares.qr": "60",
}

LAW = {
    "called_vi": "Văn bản mới",
    "called_en": "A new one",
    "governs.indicators": "1",
    "since": "2026-07-01",
    "source": "Công báo",
}


def fields_of(page: str) -> dict[str, str]:
    """The fields of the first posted form of a page, as a browser would send them."""
    form = page[page.index('<form method="post" action="/settings') :].partition("</form>")[0]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        values = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        unticked = values.get("type") == "checkbox" and " checked" not in tag
        if values.get("type") != "file" and not unticked:
            found[values["name"]] = unescape(values.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)<', form):
        found[name] = unescape(text)
    for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.findall(r'value="([^"]*)" selected', options) or re.findall(
            r'value="([^"]*)"', options
        )
        found[name] = unescape(chosen[0])
    return found


def shown(room: Room, path: str) -> dict[str, str]:
    answer = room.client.get(f"/settings/{path}")
    assert answer.status_code == 200, path
    assert not re.search(r"\son\w+=|\sstyle=|javascript:", answer.text)
    return fields_of(answer.text)


def preview(room: Room, path: str, **changes: str) -> Any:
    """What a form answers with some of its fields changed; '' leaves one empty."""
    return room.client.post(f"/settings/{path}", data=shown(room, path) | changes)


def saved(room: Room, path: str, **changes: str) -> str:
    """Preview and save; what the preview said."""
    found = preview(room, path, **changes)
    assert found.status_code == 200, words(found.text)
    fields = fields_of(found.text)
    del fields["reason"]
    done = room.client.post(f"/settings/{path}", data=fields | {"reason": "Thử", "save": "1"})
    assert done.status_code == 303, words(done.text)
    return words(found.text)


@pytest.fixture
def manager(any_room: Room) -> Room:
    any_room.sign_in()
    return any_room


@pytest.fixture
def here(room: Room) -> Room:
    room.sign_in()
    return room


def test_minimums_are_previewed_saved_told_and_logged(manager: Room) -> None:
    for number, n in enumerate((40, 25, 3)):
        place = {"department": FIRST.departments[number].id, "counter": f"q0{2 * number + 1}"}
        manager.take(ratings((5,) * n, answered_at=OCTOBER, **place))
    said = saved(manager, "minimums", minimum_ratings="20")
    assert "Số lượt tối thiểu để so sánh: 30 → 20." in said
    assert "Trong tháng 10/2026, 3 cơ quan có lượt đánh giá: 2 cơ quan dưới mức 30" in said
    assert "với mức 20 là 1 (Sở Tư pháp)" in said
    organisation = manager.context.organisation
    assert (organisation.number, organisation.stored.minimum_ratings) == (2, 20)
    page = words(manager.client.get("/settings?saved=2").text)
    assert "Đã lưu phiên bản 2." in page
    assert "Số lượt tối thiểu để so sánh 20" in page
    [logged] = manager.context.store.audit.entries(Search(kind="settings"), 9)
    assert (logged.event, logged.actor) == ("settings.saved", "giam_doc")
    assert "30 → 20" in logged.details["changes"]
    assert "30 → 20" in words(manager.client.get("/organisation").text)
    sent = manager.client.get(
        "/api/v1/centre", headers={"authorization": f"Bearer {manager.device}"}
    )
    assert sent.json()["minimum_ratings"] == 20


def test_every_form_shows_what_there_is_and_saves_what_is_entered(here: Room) -> None:
    for section in SECTIONS:
        unchanged = preview(here, section)
        assert unchanged.status_code == 422, section
        assert "Không có gì thay đổi" in words(unchanged.text)
    said = saved(here, "names", name_vi="Trung tâm mới", parent_vi="UBND tỉnh", parent_en="PC")
    assert "Tên Trung tâm: Trung tâm Phục vụ hành chính công tỉnh Lai Châu → Trung tâm" in said
    said = saved(here, "hours", **{"sat.0": "1", "closes.1": "16:30"})
    assert "Thứ Hai – Thứ Sáu: màn hình sáng 07:15–11:45, 13:15–16:45; ngoài ra tối." in said
    assert "Thứ Bảy: màn hình sáng 07:15–11:45" in said
    assert "Chủ nhật: màn hình tối cả ngày." in said
    said = saved(here, "touch_screen", idle_seconds="60", rest_seconds="0")
    assert "Sau 60 giây không chạm" in said
    saved(here, "wifi", wifi_name="Hanh chinh cong", wifi_password="laichau2026")
    said = saved(here, "documents", title_vi="Phó Giám đốc", title_en="Deputy", signer="Họ Tên")
    assert "Chức vụ người ký: – → Phó Giám đốc." in said
    lower = preview(here, "documents", abbreviation="tt phục vụ")
    assert lower.status_code == 422
    assert 'id="why-abbreviation"' in lower.text
    to = {"addressees_vi": "Sở A\nSở B", "addressees_en": "A\nB"}
    said = saved(here, "documents", abbreviation="TTPVHCC", **to)
    for told in ("/BC-TTPVHCC", "Kính gửi: - Sở A; - Sở B.", "Nơi nhận: - Như trên;"):
        assert told in said
    said = saved(here, "looks", colour="#6b1d1d")
    assert "Màu chính: – → #6b1d1d." in said
    stored = here.context.organisation.stored
    assert stored.name.vi == "Trung tâm mới"
    assert [one.days[-1] for one in stored.opening_hours] == ["sat", "fri"]
    assert (stored.touch_screen.idle_seconds, stored.touch_screen.rest_seconds) == (60, 0)
    assert stored.looks == Looks(colour="#6b1d1d")
    saved(here, "wifi", wifi_name="", wifi_password="")
    saved(here, "looks", colour=sections.OUR_COLOURS["colour"])
    dropped = saved(here, "hours", **{"drop.0": "1"})
    assert "Thứ Bảy, Chủ nhật: màn hình tối cả ngày." in dropped
    emptied = {"opens.0": "", "closes.0": "", **{f"{day}.0": "" for day in WEEKDAYS}}
    assert "Màn hình không bao giờ tối." in saved(here, "hours", **emptied)
    stored = here.context.organisation.stored
    assert (stored.wifi, stored.looks, stored.opening_hours) == (None, None, ())
    for path in ("", *(f"/{section}" for section in SECTIONS)):
        assert here.client.get(f"/settings{path}?lang=en").status_code == 200


WRONG: list[tuple[str, dict[str, str], str, str]] = [
    ("names", {"name_vi": ""}, "name_vi", "Chưa nhập"),
    ("names", {"name_en": "a\u202eb"}, "name_en", "ký tự không hiển thị được"),
    ("names", {"name_en": "x" * 2001}, "name_en", "Dài quá 2000"),
    ("names", {"parent_vi": "UBND"}, "parent_en", "Chưa nhập"),
    ("hours", {"opens.0": "7 giờ"}, "opens.0", "không phải là giờ"),
    ("hours", {"opens.0": "07:30+07:00"}, "opens.0", "không phải là giờ"),
    ("hours", {"opens.0": "25:30"}, "opens.0", "không phải là giờ"),
    ("hours", {"closes.0": "07:00"}, "closes.0", "sau giờ mở cửa"),
    ("hours", {"opens.2": "07:00", "closes.2": "08:00"}, "opens.2", "Chưa chọn ngày"),
    ("touch_screen", {"idle_seconds": "5"}, "idle_seconds", "Phải từ 20 trở lên"),
    ("touch_screen", {"rest_seconds": "1e3"}, "rest_seconds", "số nguyên"),
    ("minimums", {"minimum_cell": "0"}, "minimum_cell", "Phải từ 1 trở lên"),
    ("minimums", {"minimum_ratings": "-3"}, "minimum_ratings", "số nguyên"),
    ("looks", {"colour": "#cccccc"}, "colour", "độ tương phản 1,"),
    ("looks", {"accent": "red"}, "accent", "Không đúng dạng"),
    ("looks", {"emblem": "../../etc/passwd"}, "emblem", "Không đúng dạng"),
    ("looks", {"emblem": "data:image/svg+xml;base64,AAA"}, "emblem", "không trọn vẹn"),
    ("wifi", {"wifi_name": "A", "wifi_password": "ngắn"}, "wifi_password", "8 đến 63"),
    ("wifi", {"wifi_open": "1"}, "wifi_name", "Chưa nhập"),
    (
        "wifi",
        {"wifi_name": "A", "wifi_open": "1", "wifi_password": "12345678"},
        "wifi_open",
        "",
    ),
    ("documents", {"title_vi": "Giám đốc"}, "title_en", "Chưa nhập"),
    ("references/device_2020", {"k": "9999"}, "k", "lớn hơn n"),
    ("references/device_2020", {"k": ""}, "n", "phải đi cùng nhau"),
    ("references/device_2020", {"share": "96"}, "share", "không ghi cả hai"),
    ("references/device_2020", {"share": "196", "k": "", "n": ""}, "share", "phần trăm"),
    ("references/device_2020", {"of": "in_centre.nobody"}, "of", "Không có lựa chọn"),
    ("references/device_2020", {"department": "so_x"}, "department", "Không có lựa chọn"),
    ("references/device_2020", {"period_to": "2018-01-01"}, "period_to", "sau ngày cuối"),
    ("references/device_2020", {"source": ""}, "source", "Chưa nhập"),
    ("references/new", REFERENCE | {"id": "device_2020"}, "id", "dùng hai lần"),
    ("margins/new?of=sipas_2020.channel", MARGIN | {"shares.qr": "50"}, "shares", "là 0,9"),
    ("margins/new?of=sipas_2020.channel", MARGIN | {"shares.qr": ""}, "shares", "hai nhóm"),
    ("alert_rules/low_counter", {"low": "11"}, "low", "nhiều hơn số lượt được xét"),
    ("alert_rules/low_counter", {"low": "0"}, "low", "Phải từ 1"),
    ("alert_rules/low_counter", {"last": "501"}, "last", "Nhiều nhất là 500"),
    ("alert_rules/low_counter", {"last": "mười"}, "last", "số nguyên"),
    ("alert_rules/low_counter", {"level": "5"}, "level", "Không có lựa chọn"),
    ("alert_rules/low_counter", {"unit": "ward"}, "unit", "Không có lựa chọn"),
    ("alert_rules/low_counter", {"department": "so_x"}, "department", "Không có lựa chọn"),
    (
        "alert_rules/falling_counter",
        {"unit": "centre", "department": "so_y_te"},
        "department",
        "không giới hạn ở một cơ quan",
    ),
    ("alert_rules/new?of=falling", {"unit": "counter"}, "unit", "đã có một quy tắc như vậy"),
    ("laws/new", {"called_vi": "A", "called_en": "A", "source": "x"}, "governs", "Chưa nhập"),
    ("laws/new", {**LAW, "since": "", "until": ""}, "since", "cùng một ngày"),
    ("laws/new", {**LAW, "until": "2026-01-01"}, "until", "trước ngày có hiệu lực"),
    ("series_breaks/new", {"day": "hôm nay"}, "day", "không phải là ngày"),
]


def test_a_wrong_value_names_its_field_and_reason_and_changes_nothing(here: Room) -> None:
    for path, changes, field, said in WRONG:
        found = preview(here, path, **changes)
        assert found.status_code == 422, (path, field)
        why = unescape(found.text.partition(f'id="why-{field}">')[2].partition("<")[0])
        assert why, (path, field)
        assert said in why
        if (kept := changes.get(field)) is not None and field not in (
            *("emblem", "of", "department", "unit", "level"),
        ):
            assert fields_of(found.text)[field] == kept  # to be put right, not typed again
    assert here.context.organisation.number == 1


def test_rules_over_ratings_are_added_changed_turned_off_and_removed(manager: Room) -> None:
    manager.take(ratings([3, 3, 5]))
    choice = words(manager.client.get("/settings/alert_rules/new").text)
    assert "Nhiều lượt đánh giá thấp gần đây" in choice
    new = {"unit": "department", "low": "2", "last": "40", "level": "3"}
    said = saved(manager, "alert_rules/new?of=low_ratings", **new)
    assert "Thêm quy tắc cảnh báo “Từng cơ quan: 2 trong 40 lượt gần nhất ở mức thấp”" in said
    assert "số việc cần báo lúc này: 1" in said
    assert "Sở Tư pháp: 2 trong 3 lượt gần nhất ở mức Bình thường trở xuống." in said
    saved(manager, "alert_rules/rule_1", department="so_y_te", level="")
    rules = manager.context.organisation.stored.alert_rules
    assert [rule.id for rule in rules][-1] == "rule_1"
    assert (rules[-1].low, rules[-1].level, rules[-1].department) == (2, None, "so_y_te")
    untick = shown(manager, "alert_rules/rule_1")
    del untick["active"]
    assert manager.client.post("/settings/alert_rules/rule_1", data=untick | {"save": "1"})
    assert not manager.context.organisation.stored.alert_rules[-1].active
    assert "Không áp dụng · Sở Y tế" in words(manager.client.get("/settings").text)
    for rule in manager.context.organisation.stored.alert_rules:
        gone = {"after": str(manager.context.organisation.number), "remove": "1", "save": "1"}
        assert manager.client.post(f"/settings/alert_rules/{rule.id}", data=gone).is_redirect
    assert manager.context.organisation.stored.alert_rules == ()
    assert manager.client.get("/settings/alert_rules/rule_1").status_code == 404


def test_rows_are_added_changed_and_removed_with_their_effect(manager: Room) -> None:
    place = {"department": "so_tu_phap", "counter": "q05"}
    for day in range(5, 25):  # a verdict needs days
        at = f"2026-10-{day:02}T09:00:00+07:00"
        manager.take(ratings((4, 4), answered_at=at, **place))
    said = saved(manager, "references/new", **REFERENCE)
    assert "Thêm số công bố “Khảo sát 2025”: 40,5" in said
    assert "trước không đối chiếu cơ quan nào; sau 1 cơ quan thấp hơn." in said
    own = "references/khao_sat_2025"
    said = saved(manager, own, share="", k="20", n="100", department="so_tu_phap")
    assert "Số lượt hài lòng (k): – → 20." in said
    assert "trước 1 cơ quan thấp hơn; sau 1 chưa đủ cơ sở kết luận." in said
    for channel in ("kiosk", "qr", "qr"):
        manager.take([sipas((5, 4) * 11, channel=channel, answered_at="2026-08-05T08:00:00+07:00")])
    said = saved(manager, "margins/new?of=sipas_2020.channel", **MARGIN)
    assert "hành chính · kênh trả lời”: Màn hình cảm ứng 40,0" in said
    assert "trước không gán trọng số; sau Rất hài lòng 50,0" in said
    saved(manager, "margins/sipas_2020.channel", **{"shares.kiosk": "30", "shares.qr": "70"})
    breaks = {"survey": "in_centre", "day": "2026-07-01", "reason_vi": "Máy", "reason_en": "New"}
    saved(manager, "series_breaks/new", **breaks)
    again = preview(manager, "series_breaks/new", **breaks)
    assert 'id="why-day"' in again.text
    stored = manager.context.organisation.stored
    assert stored.references[-1].department == "so_tu_phap"
    assert (stored.references[-1].k, stored.references[-1].share) == (20, None)
    assert dict(stored.margins[0].shares) == {"kiosk": 0.3, "qr": 0.7}
    for kind in ROWS:
        for one in getattr(stored, kind):
            assert f"/settings/{kind}/{row_key(one)}" in manager.client.get("/settings").text
    asked = {"remove": "1"}
    for path in (own, "margins/sipas_2020.channel", "series_breaks/in_centre.2026-07-01"):
        asked["after"] = str(manager.context.organisation.number)
        found = manager.client.post(f"/settings/{path}", data=asked)
        assert words(found.text).count("Bỏ ") == 1
        assert (
            manager.client.post(f"/settings/{path}", data=asked | {"save": "1"}).status_code == 303
        )
    stored = manager.context.organisation.stored
    assert (stored.references, stored.margins, stored.series_breaks) == (FIRST.references, (), ())
    events = {one.event for one in manager.context.store.audit.entries(Search(kind="reference"), 9)}
    assert events == {"reference.saved"}
    assert manager.client.get("/settings/references/nobody").status_code == 404
    assert manager.client.get("/settings/nothing").status_code == 404
    assert manager.client.get("/settings/nothing/new").status_code == 404


@pytest.fixture
def flagged(make_room: Callable[..., Room]) -> Room:
    """The sample centre, of which a manager has signed in: eight taps in October look odd."""
    room = make_room(centre=CENTRE)
    place = {"department": "so_tu_phap", "counter": "q05"}
    for day in (day for week in (5, 12, 19) for day in range(week, week + 5)):
        taken = ratings([5] * 3 + [4], **place)
        for number, one in enumerate(taken):
            one["answered_at"] = f"2026-10-{day:02}T09:{10 * number:02}:00+07:00"
        room.take(taken)
    burst = ratings([1] * 8, **place)
    room.take(
        [
            one | {"answered_at": f"2026-10-08T10:00:{2 * number:02}+07:00"}
            for number, one in enumerate(burst)
        ]
    )
    room.sign_in()
    return room


def test_a_preview_of_flags_shows_the_share_of_all_and_without_them(flagged: Room) -> None:
    said = words(preview(flagged, "flags", burst_ratings="9").text)
    assert (
        "Toàn Trung tâm, tháng 10/2026: 68 lượt, Rất hài lòng 66,2%. Trước: 8 lượt có dấu hiệu "
        "bất thường (Dồn dập 8), không tính các lượt ấy: 75,0%. "
        "Sau: không lượt nào có dấu hiệu bất thường."
    ) in said
    assert "Sở Tư pháp, tháng 10/2026: 68 lượt" in said
    shut = words(preview(flagged, "hours", **{"closes.0": "08:00"}).text)
    assert (
        "Sau: 68 lượt có dấu hiệu bất thường (Dồn dập 8, Ngoài giờ làm việc 68), "
        "không tính các lượt ấy: không còn lượt nào."
    ) in shut


def test_other_previews_have_what_would_be_said_without_flagged_ratings(flagged: Room) -> None:
    said = words(preview(flagged, "minimums", minimum_ratings="65").text)
    assert "dưới mức 30; với mức 65 là 0" in said
    assert "(không tính các lượt có dấu hiệu bất thường: trước 0, sau 1)" in said
    share = REFERENCE | {"share": "99,0"}
    said = words(preview(flagged, "references/new", **share).text)
    assert "sau 1 cơ quan thấp hơn (không tính các lượt có dấu hiệu bất thường: 1 " in said


def test_the_second_to_save_is_told_what_changed_and_keeps_only_the_own_change(
    manager: Room,
) -> None:
    mine = shown(manager, "minimums")
    saved(manager, "minimums", minimum_ratings="20")
    late = manager.client.post("/settings/minimums", data=mine | {"minimum_cell": "6", "save": "1"})
    assert late.status_code == 422
    said = words(late.text)
    assert "giam_doc đã lưu một phiên bản khác" in said
    assert "Số lượt tối thiểu để so sánh: 30 → 20." in said
    stored = manager.context.organisation.stored
    assert (stored.minimum_ratings, stored.minimum_cell) == (20, 5)
    again = fields_of(late.text)
    assert again == {"minimum_ratings": "20", "minimum_cell": "6", "after": "2"}
    assert manager.client.post("/settings/minimums", data=again | {"save": "1"}).status_code == 303
    stored = manager.context.organisation.stored
    assert (stored.minimum_ratings, stored.minimum_cell) == (20, 6)


def test_who_changes_a_row_that_was_removed_meanwhile_may_enter_it_anew(here: Room) -> None:
    mine = shown(here, "references/paper_2020")
    gone = {"after": "1", "remove": "1", "save": "1"}
    assert here.client.post("/settings/references/paper_2020", data=gone).status_code == 303
    late = here.client.post("/settings/references/paper_2020", data=mine | {"k": "80"})
    assert late.status_code == 422
    assert "Bỏ số công bố “Phiếu giấy 2020" in words(late.text)
    assert 'action="/settings/references/new"' in late.text
    assert fields_of(late.text)["k"] == "80"
    number = here.context.organisation.number
    assert (
        here.client.post(
            "/settings/references/paper_2020", data=mine | {"after": str(number)}
        ).status_code
        == 404
    )


def upload(room: Room, data: bytes, name: str = "bieu_trung.png", **fields: str) -> Any:
    sent = {"emblem": "", **shown(room, "looks"), **fields}
    return room.client.post("/settings/looks", data=sent, files={"file": (name, data)})


def test_an_emblem_is_uploaded_seen_and_reaches_kiosks(manager: Room) -> None:
    for data, kind in ((png(), "png"), (GOOD.encode(), "svg")):
        found = upload(manager, data, colour="#6b1d1d")
        assert found.status_code == 200, words(found.text)
        assert f'<image href="data:image/{kind}' in found.text
        assert 'fill="#6b1d1d"' in found.text
        done = manager.client.post("/settings/looks", data=fields_of(found.text) | {"save": "1"})
        assert done.status_code == 303, words(done.text)
        looks = manager.context.organisation.stored.looks
        assert looks is not None
        assert looks.picture == (data, kind)
    sent = manager.client.get(
        "/api/v1/centre", headers={"authorization": f"Bearer {manager.device}"}
    )
    assert sent.json()["looks"]["emblem"].startswith("data:image/svg+xml;base64,")
    again = preview(manager, "looks", no_emblem="1")
    assert "Biểu trưng: ảnh SVG, 0,2 KB → –." in words(again.text)


HOSTILE = [
    (SVG.format("<script>alert(1)</script>").encode(), "không được phép: &lt;script&gt;"),
    (SVG.format('<g onload="x"/>').encode(), "không được phép: onload="),
    (SVG.format('<use href="https://a.example/b.svg#c"/>').encode(), "dẫn ra ngoài: href="),
    (b"<!DOCTYPE svg []>" + GOOD.encode(), "khai báo kiểu văn bản"),
    (b"<html></html>", "không phải tệp SVG"),
    (b"\xff\xd8\xff\xe0 a photograph", "Chỉ nhận ảnh SVG hoặc PNG"),
    (png()[:20], "không phải tệp PNG"),
    (png(9000, 9000), "9000 x 9000"),
    (png() + b"x" * LARGEST_WITHIN, "lớn hơn 64 KB"),
]


def test_a_hostile_emblem_is_refused_beside_its_field(here: Room) -> None:
    for data, said in HOSTILE:
        found = upload(here, data)
        assert found.status_code == 422
        assert said in found.text.partition('id="why-emblem">')[2].partition("</span>")[0]
        assert fields_of(found.text)["emblem"] == ""
        assert len(found.content) < 40_000
    assert here.context.organisation.number == 1


def test_what_no_browser_sends_is_refused_and_changes_nothing(here: Room) -> None:
    post = here.client.post
    parts = {"content-type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x", b"--x\r\n\r\n--x--", b"no\r\n--x--", b"--x\r\n" + b"a" * 99):
        assert post("/settings/looks", content=body, headers=parts).status_code == 400
    latin = b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--\r\n'
    assert post("/settings/looks", content=latin, headers=parts).status_code == 400
    kind = {"content-type": "multipart/form-data"}
    assert post("/settings/looks", content=b"x", headers=kind).status_code == 415
    assert post("/settings/names", content=b"{}").status_code == 415
    assert post("/settings/names", data={"after": "x"}).status_code == 400
    assert post("/settings/names", data={"name_vi": "x" * 200_000}).status_code == 413
    elsewhere = {"origin": "http://elsewhere.example", "sec-fetch-site": "cross-site"}
    assert post("/settings/names", data={"after": "1"}, headers=elsewhere).status_code == 403
    long = {**shown(here, "minimums"), "minimum_cell": "9", "reason": "x" * 501, "save": "1"}
    assert "Lý do dài quá" in words(post("/settings/minimums", data=long).text)
    assert here.context.organisation.number == 1


def test_only_those_who_may_change_the_centre_see_it(room: Room) -> None:
    accounts = room.context.accounts
    roles: dict[Role, int] = {"manager": 200, "reader": 403, "head": 403}
    for role, status in roles.items():
        department = "so_y_te" if role == "head" else None
        accounts.add_user(role, role, None, department=department)
        room.client.get(accounts.new_link(role, ""))
        for path in ("/settings", "/settings/names", "/settings/references/new"):
            assert room.client.get(path).status_code == status
        sent = room.client.post("/settings/names", data={"after": "1"})
        assert sent.status_code == (422 if status == 200 else 403)


def test_the_colours_of_a_centre_without_its_own_are_those_of_the_stylesheet() -> None:
    css = (CENTRE.parents[1] / "static" / "css" / "base.css").read_text("utf-8")
    ours = {"colour": "--blue", "accent": "--accent"}
    for name, variable in ours.items():
        assert f"{variable}: {sections.OUR_COLOURS[name]};" in css


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=9)
SHARES = st.floats(0, 1)


@settings(max_examples=30, deadline=None)
@given(TEXT, SHARES, st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_form_that_is_sent_back_as_it_was_changes_nothing(
    words: str, share: float, k: int, more: int
) -> None:
    text = {"vi": words, "en": words}
    counted = {"k": k, "n": k + more + 1, "share": None}
    references = [FIRST.references[-1].model_dump() | {"label": text, "share": share}]
    references += [FIRST.references[0].model_dump() | counted | {"department": "so_y_te"}]
    margin: dict[str, object] = {
        "survey": "sipas_2020",
        "variable": "channel",
        "population": text,
        "source": words,
    }
    margin |= {"shares": {"qr": share, "kiosk": 1 - share}, "department": None}
    breaks = [{"survey": "business", "day": "2026-01-01", "reason": text}]
    law: dict[str, object] = {
        "id": "moi",
        "called": text,
        "governs": ["sipas", "indicators"],
        "source": words,
    }
    law |= {"since": "2026-07-01", "until": None, "instrument": "business"}
    fell: dict[str, object] = {"id": "b", "kind": "falling", "unit": "counter"}
    rule: dict[str, object] = {
        "id": "a",
        "kind": "low_ratings",
        "unit": "centre",
        "low": 1,
        "last": 1 + k % 500,
    }
    rules = [rule | {"level": 3}, fell | {"active": k % 2 == 0}]
    more_fields = {
        "alert_rules": rules,
        "references": references,
        "margins": [margin],
        "series_breaks": breaks,
        "laws": [*FIRST.model_dump()["laws"], law],
    }
    documents = {"title": text, "signer": words, "abbreviation": "A", "copies": text}
    centre = FIRST.model_validate(
        FIRST.model_dump()
        | more_fields
        | {"documents": documents, "name": text, "touch_screen": {"rest_seconds": k % 86_400}}
        | {"looks": {"colour": "#0b4a73", "accent": "#6b1d1d"}, "wifi": {"name": "A", "open": True}}
    )
    for section in SECTIONS:
        same = sections.applied(centre, section, sections.fields(centre, section))
        assert same == centre, section
    for kind in ROWS:
        for row in getattr(centre, kind):
            fields = rows.row_fields(row)
            assert rows.with_row(centre, SURVEYS, kind, row_key(row), fields) == centre, kind
