"""The page of the organisation, and every page under the organisation of then and of now."""

import re
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from aggregator.documents.reports.model import Table
from aggregator.documents.reports.report import build_report
from aggregator.storage.audit import Search
from aggregator.wording.periods import period_of
from tests.aggregator.conftest import CENTRE, Room, ratings, sipas, submission
from tests.aggregator.reading import row, words

PLANNING, FINANCE = "so_ke_hoach_dau_tu", "so_tai_chinh"
MERGE = {
    "act": "merge",
    "kind": "department",
    "id": PLANNING,
    "successor": FINANCE,
    "day": "2026-11-02",
    "after": "1",
}
SAVED = {"save": "1", "reason": "Sáp nhập"}


def post(room: Room, **fields: str) -> Any:
    return room.client.post("/organisation", data=fields, follow_redirects=True)


@pytest.fixture
def manager(any_room: Room) -> Room:
    any_room.sign_in()
    return any_room


def answer(room: Room) -> None:
    """Ratings at both departments before the merger, and at the moved counter after it."""
    before, after = "2026-10-05T08:10:00+07:00", "2026-11-20T08:10:00+07:00"
    old = {"department": PLANNING, "counter": "q08"}
    room.take(
        [
            *ratings((5,) * 30 + (4,) * 10, answered_at=before, **old),
            *ratings((5,) * 20, answered_at=before, department=FINANCE, counter="q18"),
            *(sipas((5,) * 4, answered_at=before, **old) for _ in range(3)),
            submission(answered_at=before, department=None, counter=None),
        ]
    )
    assert post(room, **MERGE, **SAVED).status_code == 200
    room.take(
        [
            *ratings((5,) * 7, answered_at=after, department=FINANCE, counter="q08"),
            *ratings((4,) * 2, answered_at=after, **old),  # from a kiosk that does not know yet
        ]
    )


def test_a_merger_is_previewed_saved_and_told(manager: Room) -> None:
    manager.take(ratings((5, 4), department=PLANNING, counter="q08"))
    page = manager.client.get(f"/organisation/department/{PLANNING}").text
    assert 'name="successor"' in page
    preview = post(manager, **MERGE).text
    said = words(preview)
    assert "Sáp nhập Sở Kế hoạch và Đầu tư vào Sở Tài chính từ ngày 02/11/2026." in said
    assert "Chuyển Quầy 08 từ Sở Kế hoạch và Đầu tư sang Sở Tài chính" in said
    assert "2 phiếu trả lời đã lưu ở Sở Kế hoạch và Đầu tư" in said
    assert "Trong đó 2 phiếu từ ngày ấy" in said
    assert manager.context.organisation.number == 1
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', preview))
    assert hidden == MERGE
    done = words(post(manager, **{k: unescape(v) for k, v in hidden.items()}, **SAVED).text)
    assert "Đã lưu phiên bản 2." in done
    assert "giam_doc · Sáp nhập" in done
    assert "đóng từ 02/11/2026 · sáp nhập vào Sở Tài chính" in done
    before = words(manager.client.get("/organisation?on=2026-11-01").text)
    assert "sẽ đóng từ 02/11/2026" in before
    assert "sáp nhập vào Sở Tài chính" not in before
    logged = manager.context.store.audit.entries(Search(kind="organisation"), 9)
    assert (logged[0].event, logged[0].actor) == ("organisation.saved", "giam_doc")
    assert "Phiên bản 2" in words(manager.client.get("/organisation?lang=vi").text)


def test_every_act_has_a_form_that_works(manager: Room) -> None:
    name = {"name_vi": "Sở Dân tộc", "name_en": "Department of Ethnic Affairs"}
    for number, fields in enumerate(
        (
            {"act": "open_department", **name, "day": "2026-11-01", "id": ""},
            {"act": "open_counter", "kind": "counter", "department": "so_dan_toc"}
            | {"name_vi": "Quầy 21", "name_en": "Counter 21", "id": "q21"},
            {"act": "move", "kind": "counter", "id": "q01", "department": "so_dan_toc"}
            | {"day": "2026-11-02"},
            {"act": "rename", "kind": "department", "id": "so_y_te", "day": "2026-11-03"}
            | {"name_vi": "Sở Y tế mới", "name_en": "New Health"},
            {"act": "close", "kind": "counter", "id": "q02", "day": "2026-11-04"},
        ),
        1,
    ):
        assert post(manager, **fields, after=str(number), save="1").status_code == 200
    centre = manager.context.organisation.centre
    assert [one.id for one in centre.department["so_dan_toc"].counters] == ["q21", "q01"]
    assert centre.department["so_y_te"].name.vi == "Sở Y tế mới"
    for path in ("/organisation", "/organisation/counter/q01", "/organisation/department/so_y_te"):
        for language in ("vi", "en"):
            shown = manager.client.get(f"{path}?lang={language}")
            assert shown.status_code == 200
            assert not re.search(r"\son\w+=|style=|javascript:", shown.text)
    assert manager.client.get("/organisation/counter/q99").status_code == 404
    assert manager.client.get("/organisation/survey/q01").status_code == 404


def test_what_may_not_be_is_refused_with_the_reason(manager: Room) -> None:
    for fields, said in (
        ({"act": "close", "id": FINANCE, "day": "2026-11-02"}, "quầy q18 còn mở"),
        ({"act": "close", "id": FINANCE, "day": "hôm qua"}, "không phải là ngày"),
        ({"act": "close", "id": FINANCE}, "Thiếu day"),
        ({"act": "merge", "id": FINANCE, "successor": FINANCE, "day": "2026-11-02"}, "chính mình"),
        ({"act": "open_department", "name_vi": "<b>", "name_en": "x", "id": "q01"}, "đã dùng"),
    ):
        answered = post(manager, **fields, after="1", save="1")
        assert answered.status_code == 422
        assert said in words(answered.text)
        assert "<b>" not in answered.text.replace("<b></b>", "")
    assert manager.context.organisation.number == 1
    assert post(manager, act="abolish", after="1").status_code == 400
    assert post(manager, **(MERGE | {"after": "x"})).status_code == 400
    origin = {"origin": "http://elsewhere.example", "sec-fetch-site": "cross-site"}
    assert manager.client.post("/organisation", data=MERGE, headers=origin).status_code == 403


def test_the_second_to_save_sees_what_the_first_changed(manager: Room) -> None:
    first = {"act": "rename", "kind": "counter", "id": "q01", "after": "1"}
    renamed = {**first, "name_vi": "Bàn 1", "name_en": "Desk 1"}
    assert post(manager, **renamed, save="1").status_code == 200
    late = post(manager, **MERGE, **SAVED)
    assert late.status_code == 422
    assert "giam_doc đã lưu một phiên bản khác" in words(late.text)
    assert "Sửa tên Quầy 01 thành Bàn 1" in words(late.text)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', late.text))
    assert hidden == MERGE | {"after": "2"}
    assert post(manager, **hidden, **SAVED).status_code == 200
    assert manager.context.organisation.number == 3


def test_only_managers_see_it(room: Room) -> None:
    accounts = room.context.accounts
    accounts.add_user("nguoi_xem", "reader", None)
    room.client.get(accounts.new_link("nguoi_xem", ""))
    assert room.client.get("/organisation").status_code == 403
    assert post(room, **MERGE).status_code == 403
    assert 'href="/organisation"' not in room.client.get("/").text


def test_a_period_before_the_merger_in_both_organisations(manager: Room) -> None:
    answer(manager)
    asked = "period=month&date=2026-10-05"
    then = manager.client.get(f"/?{asked}").text
    now = manager.client.get(f"/?{asked}&organisation=now").text
    assert row(then, "Sở Kế hoạch và Đầu tư").split()[6] == "40"
    assert row(then, "Sở Tài chính").split()[3] == "20"
    assert row(now, "Sở Tài chính").split()[3] == "60"
    assert "Sở Kế hoạch và Đầu tư" not in words(now)
    for page, said in (
        (then, "theo cơ cấu tổ chức tại thời điểm đó"),
        (now, "theo cơ cấu tổ chức hiện nay"),
    ):
        assert said in words(page)
        assert row(page, "Toàn Trung tâm").split()[3] == "61"
        assert "Trong đó 1 lượt đánh giá không ghi cơ quan" in words(page)
    months = {
        which: words(manager.client.get(f"/?period=month&organisation={which}").text)
        for which in ("then", "now")
    }
    assert "Sở Kế hoạch và Đầu tư" in months["then"]  # its kiosk did not know
    assert "Sở Kế hoạch và Đầu tư" not in months["now"]
    follows = manager.client.get(
        f"/department/{PLANNING}?{asked}&organisation=now", follow_redirects=False
    )
    assert follows.headers["location"].startswith(f"/department/{FINANCE}?")
    own = manager.client.get(f"/department/{PLANNING}?{asked}").text
    assert row(own, "Quầy 08").split()[2] == "40"
    closed = manager.client.get(f"/department/{PLANNING}?period=day&date=2026-11-23")
    assert closed.status_code == 200
    assert manager.client.get("/?organisation=soon").status_code == 400


def test_every_page_answers_for_both_and_the_api_says_which(manager: Room) -> None:
    answer(manager)
    pages = ("", "comparison", "trends", "coverage", "sipas", "business", "ddci", "handling")
    for which in ("then", "now"):
        for page in pages:
            asked = f"/{page}?period=quarter&date=2026-11-20&organisation={which}"
            assert manager.client.get(asked).status_code == 200, asked
        trend = f"/trends?department={PLANNING}&organisation={which}"
        assert manager.client.get(trend).status_code == 200
        found = manager.get(
            "/api/v1/satisfaction", by="department", organisation=which, to="2026-11-23"
        ).json()
        assert found["organisation"] == which
        n = {one["key"]: one["n"] for one in found["rows"]}
        assert sum(n.values()) == 69
        assert n[FINANCE] == {"then": 27, "now": 69}[which]
        counters = manager.get("/api/v1/satisfaction", by="counter", organisation=which).json()
        assert sum(one["n"] for one in counters["rows"]) == 69
    assert manager.get("/api/v1/satisfaction", organisation="soon").status_code == 400


def test_margins_of_a_department_weight_its_answers_alone(make_room: Any, tmp_path: Path) -> None:
    margins = "".join(
        f"""
[[margins]]
survey = "sipas_2020"
{bound}variable = "channel"
population = {{ vi = "Người nộp hồ sơ", en = "Applicants" }}
source = "x"
shares = {{ kiosk = 0.5, qr = 0.5 }}
"""
        for bound in ("", f'department = "{FINANCE}"\n')
    )
    file = tmp_path / "centre.toml"
    text = CENTRE.read_text("utf-8").replace('published = "', '# "')
    file.write_text(text + margins, "utf-8")
    room = make_room(centre=file)
    room.sign_in()
    moment = {"answered_at": "2026-11-20T08:10:00+07:00"}
    own = {"department": FINANCE, "counter": "q18", **moment}
    for channel in ("kiosk", "qr"):
        room.take([sipas((5, 4) * 11, channel=channel, **own) for _ in range(3)])
        room.take([sipas((1,) * 22, channel=channel, **moment)])
    asked = "/sipas/weighted?period=quarter&date=2026-11-20"
    whole, finance = (
        words(room.client.get(asked + more).text) for more in ("", f"&department={FINANCE}")
    )
    assert "6 / 6" in finance
    assert "8 / 8" in whole
    assert post(room, **MERGE, **SAVED).status_code == 200
    now = f"{asked}&department={FINANCE}&organisation=now"
    assert "chỉ là của một phần: Sở Tài chính" in words(room.client.get(now).text)
    assert "6 / 6" in words(room.client.get(f"{asked}&department={FINANCE}").text)
    # One that has no margins may have been selected on another page; one that is not is refused.
    assert "8 / 8" in words(room.client.get(f"{asked}&department=so_y_te").text)
    assert room.client.get(f"{asked}&department=so_nao").status_code == 400


def test_a_report_says_under_which_organisation_it_stands(room: Room) -> None:
    room.sign_in()
    answer(room)
    context, day = room.context, date(2026, 10, 5)
    for organisation, said, there in (
        ("then", "Số liệu theo cơ cấu tổ chức tại ngày 31/10/2026", True),
        ("now", "Số liệu theo cơ cấu tổ chức hiện nay", False),
    ):
        report = build_report(
            context.store,
            context.surveys,
            context.organisation.centre,
            period_of("month", day),
            "month",
            "vi",
            context.clock(),
            organisation=organisation,  # type: ignore[arg-type]
        )
        assert said in report.opening
        tables = [b for s in report.sections for b in s.blocks if isinstance(b, Table)]
        [departments] = [one for one in tables if one.key == "departments"]
        names = [row[0] for row in departments.rows]
        assert ("Sở Kế hoạch và Đầu tư" in names) is there
        assert "Sở Tài chính" in names
    for query, status in (("organisation=now", 200), ("organisation=soon", 400)):
        found = room.client.get(f"/reports/day.xlsx?date=2026-10-05&{query}")
        assert found.status_code == status


def test_heads_see_their_department_alone_before_and_after_a_merger(room: Room) -> None:
    room.sign_in()
    answer(room)
    accounts = room.context.accounts
    for department, n, counters in (
        (PLANNING, "40", {"Quầy 08": "40"}),
        (FINANCE, "20", {"Quầy 18": "20", "Quầy 08": "0"}),
    ):
        accounts.add_user(department, "head", None, department=department)
        room.client.get(accounts.new_link(department, ""))
        asked = "period=month&date=2026-10-05"
        page = room.client.get(f"/department/{department}?{asked}&organisation=then").text
        assert row(page, "Cả cơ quan").split()[3] == n
        for name, own in counters.items():
            if own != "0":
                assert row(page, name).split()[2] == own
        assert "không ghi quầy" not in words(page)
        other = {PLANNING: "Sở Tài chính", FINANCE: "Sở Kế hoạch"}[department]
        assert other not in page
        # Answers that were given to another head: told, and not shown.
        for path in (f"/department/{department}", "/trends", "/exports/codebook.csv"):
            today = room.client.get(f"{path}?{asked}&organisation=now")
            assert today.status_code == 400
            assert "theo cơ cấu tổ chức tại thời điểm đó" in words(today.text)
        assert room.client.get("/organisation").status_code == 403


@pytest.mark.parametrize(
    ("name", "id"),
    [("12", "no_12"), ("01", "no_01"), ("Quầy 7b", "quay_7b"), ("🙂", ""), ("###", "")],
)
def test_a_name_of_digits_alone_makes_an_id_and_one_without_any_is_refused(
    manager: Room, name: str, id: str
) -> None:
    new = {"act": "open_counter", "kind": "counter", "name_vi": name, "name_en": name}
    page = post(manager, **new, department="so_tu_phap", after="1", save="1")
    if id:
        assert page.status_code == 200
        assert manager.context.organisation.stored.counter[id].name.vi == name
    else:
        assert page.status_code == 422
        assert f"Không thể tạo mã từ “{name}”" in page.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a\x00b", "ký tự không hiển thị được"),
        ("\u202eabc", "ký tự không hiển thị được"),
        ("Một cửa\x0bhai dòng", "ký tự không hiển thị được"),
        ("a" * 201, "dài quá 200 ký tự"),
    ],
)
def test_a_name_that_cannot_stand_on_a_page_is_refused(manager: Room, name: str, said: str) -> None:
    before = manager.context.organisation.stored
    for act in (
        {"act": "open_department", "kind": "department", "name_vi": name, "name_en": "New"},
        {"act": "rename", "kind": "counter", "id": "q05", "name_vi": "Mới", "name_en": name},
    ):
        page = post(manager, **act, after="1", save="1")
        assert page.status_code == 422
        assert said in page.text
    assert manager.context.organisation.stored == before
