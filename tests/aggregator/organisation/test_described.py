"""What a document says in words: every setting and row of it, and each change of one."""

from typing import Any

import pytest

from aggregator.organisation import acts
from aggregator.organisation.changes import changes
from aggregator.organisation.described import SETTINGS, days, exact_percent, setting
from surveys.centre import Centre, load_centre
from surveys.looks import data_address
from tests.aggregator.conftest import CENTRE
from tests.surveys.pictures import png

FIRST = load_centre(CENTRE)
REFERENCE = FIRST.references[0].model_dump()
MARGIN = {
    "survey": "sipas_2020",
    "variable": "channel",
    "population": {"vi": "Người nộp hồ sơ", "en": "Applicants"},
    "source": "x",
    "shares": {"kiosk": 0.4, "qr": 0.6},
}
BREAK = {"survey": "in_centre", "day": "2026-07-01", "reason": {"vi": "Máy mới", "en": "New"}}
LAW = {
    "id": "moi",
    "called": {"vi": "Văn bản mới", "en": "New one"},
    "governs": ["assessment"],
    "since": "2026-07-01",
    "source": "x",
}
NEXT: dict[str, tuple[Any, str]] = {
    "name": ({"vi": FIRST.name.vi, "en": "The Centre"}, "Administrative Service Centre → The C"),
    "parent": ({"vi": "UBND tỉnh", "en": "The People"}, "Cơ quan chủ quản: – → UBND tỉnh."),
    "province": ({"vi": "Lào Cai", "en": "Lao Cai"}, "Tỉnh, thành phố: Lai Châu → Lào Cai."),
    "minimum_ratings": (1000, "Số lượt tối thiểu để so sánh: 30 → 1.000."),
    "opening_hours": (
        [{"days": ["mon", "tue", "sat"], "opens": "07:00", "closes": "11:00"}],
        "; Thứ Hai – Thứ Sáu 13:30–17:00 → Thứ Hai, Thứ Ba, Thứ Bảy 07:00–11:00.",
    ),
    "touch_screen": ({"rest_seconds": 0}, "Số giây đến khi màn hình nghỉ: 120 → 0."),
    "phone_form": ({"unsigned_until": "2027-03-01"}, "áp phích in trước đây: – → 01/03/2027."),
    "flags": ({"burst_seconds": 30}, "Dồn dập: trong số giây: 20 → 30."),
    "alerts": ({"emails": ["a@laichau.example"]}, "thư điện tử: – → a@laichau.example."),
    "alert_rules": (
        [{"id": "a", "kind": "low_ratings", "unit": "counter", "department": "so_y_te"}],
        "Thêm quy tắc cảnh báo “Từng quầy: 3 trong 10 lượt gần nhất ở mức thấp”: "
        "Đang áp dụng · Sở Y tế · dưới mức giữa của thang đo.",
    ),
    "clock_minutes": (5, "Số phút đồng hồ thiết bị được phép sai: 10 → 5."),
    "closed_days": (["2026-09-02"], "Ngày nghỉ: – → 02/09/2026."),
    "cases": ({"contact_days": 7}, "Số ngày giữ thông tin liên hệ sau khi đóng: 30 → 7."),
    "ballots": ({"again_percent": 8}, "Phần trăm phiếu giấy được nhập lại để kiểm tra: 5 → 8."),
    "board": ({"enabled": True}, "Mở bảng công khai: không → có."),
    "looks": ({"emblem": data_address(png(), "png")}, "Biểu trưng: – → ảnh PNG, 0,1 KB."),
    "wifi": ({"name": "Tầng 1", "open": True}, "Wi-Fi cho người dân: – → Tầng 1, không mật khẩu."),
    "documents": ({"signer": "Họ và tên"}, "Họ tên người ký: – → Họ và tên."),
    "instruments": ({"rating": "paper_ballot_2020"}, "mặt: in_centre → paper_ballot_2020."),
    "published": (None, "Tệp số liệu công bố: lai_chau_published.toml → –."),
    "references": ([], "Bỏ số công bố “Thiết bị đánh giá 2019-2020: rất hài lòng”: 96,3"),
    "margins": ([MARGIN], "“sipas_2020 · channel”: kiosk 40,0%, qr 60,0%."),
    "laws": (
        [LAW],
        "Thêm căn cứ pháp lý “Văn bản mới”: Việc đánh giá giải quyết thủ tục hành chính · hiệu lực "
        "từ 01/07/2026 đến chưa rõ · nội dung chưa có trong phần mềm.",
    ),
    "series_breaks": (
        [BREAK],
        "Thêm thời điểm gián đoạn chuỗi số liệu “in_centre 01/07/2026”: Máy mới.",
    ),
}


def made(centre: Centre = FIRST, **fields: Any) -> Centre:
    return acts.valid(centre.model_dump() | fields)


def told(old: Centre, new: Centre) -> str:
    said = " ".join(one.get("vi") for one in changes(old, new, {}))
    return said.replace("\N{NO-BREAK SPACE}", " ")


def test_every_field_of_a_document_is_told_when_it_changes() -> None:
    assert {*NEXT} == {*Centre.model_fields} - {
        *("id", "time_zone", "departments", "surveys", "minimum_cell")
    }


@pytest.mark.parametrize("field", NEXT)
def test_a_change_is_told_with_old_and_new(field: str) -> None:
    value, said = NEXT[field]
    new = made(**{field: value})
    assert said in told(FIRST, new)
    assert told(new, FIRST)
    assert told(new, new) == ""
    for name in SETTINGS:
        assert setting(new, name).get("en")


def test_a_changed_row_is_told_field_by_field() -> None:
    other = {**REFERENCE, "k": 3350, "mode": {"vi": "Máy", "en": "A device"}}
    new = made(references=[other, *FIRST.model_dump()["references"][1:]])
    assert told(FIRST, new) == (
        "Sửa số công bố “Thiết bị đánh giá 2019-2020: rất hài lòng”. "
        "Số lượt hài lòng (k): 3.355 → 3.350. Cách hỏi: Tự chấm trên thiết bị tại quầy → Máy."
    )
    turned = made(references=FIRST.model_dump()["references"][::-1])
    assert told(FIRST, turned) == "Đổi thứ tự: số công bố."


def test_a_changed_rule_names_its_units_and_departments() -> None:
    first, *others = FIRST.model_dump()["alert_rules"]
    changed = {**first, "unit": "department", "department": "so_y_te", "level": 2, "active": False}
    assert told(FIRST, made(alert_rules=[changed, *others])) == (
        "Sửa quy tắc cảnh báo “Từng quầy: 3 trong 10 lượt gần nhất ở mức thấp”. "
        "Đang áp dụng: có → không. Xét riêng: Từng quầy → Từng cơ quan. Cơ quan: – → Sở Y tế. "
        "Mức được coi là thấp: – → 2."
    )


def test_a_wifi_password_is_not_in_what_is_told() -> None:
    one, other = (made(wifi={"name": "A", "password": f"{n}lai-chau"}) for n in (1, 2))
    assert told(one, other) == "Wi-Fi cho người dân: đã sửa."


def test_shares_keep_their_digits_and_days_make_spans() -> None:
    shares = (0.8233, 0.5, 1.0, 0.0, 0.00012)
    said = [exact_percent(share).get("en") for share in shares]
    assert said == ["82.33%", "50.0%", "100.0%", "0.0%", "0.012%"]
    assert days(("mon", "tue", "thu", "fri", "sat")).get("en") == (
        "Monday, Tuesday, Thursday – Saturday"
    )
