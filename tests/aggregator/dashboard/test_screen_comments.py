"""The page of comments: searched, masked, tagged, hidden, unmasked with a reason, by role."""

import re
from html import unescape
from typing import Any

import pytest

from aggregator.storage.audit import Search as AuditSearch
from aggregator.storage.comments import Search
from aggregator.storage.credentials import Role
from tests.aggregator.conftest import Room, ratings, submission
from tests.aggregator.reading import row, words

PHONE = "Ghế ít, xin gọi 0912 000 000 nhé"


def commented(comment: str, **changes: Any) -> dict[str, Any]:
    return submission(**{"visit": None, **changes}, comment=comment)


def shown(html: str) -> list[str]:
    """The comments on a page, as they stand there."""
    return [words(one) for one in re.findall(r"<blockquote.*?</blockquote>", html, re.DOTALL)]


def number_of(room: Room, text: str) -> int:
    [one] = room.context.store.comments.found(Search(text), 9)
    return one.number


def enter(room: Room, role: Role, department: str | None = None) -> None:
    room.context.accounts.add_user("nguoi_khac", role, department=department)
    room.client.cookies.clear()
    room.client.get(room.context.accounts.new_link("nguoi_khac", ""))


def test_comments_are_searched_and_filtered(any_room: Room) -> None:
    any_room.take(
        [
            commented("Chờ quá lâu", answers={"rating": 1, "reasons": [3]}),
            commented("Đường vào khó tìm", department="so_y_te", counter="q09", channel="qr"),
            commented(PHONE, answers={"rating": 4, "reasons": [1]}),
        ]
    )
    any_room.sign_in()

    def found(query: str) -> list[str]:
        answer = any_room.client.get(f"/comments?lang=vi&{query}")
        assert answer.status_code == 200
        return shown(answer.text)

    everything = found("")
    assert everything == ["Ghế ít, xin gọi ●●● nhé", "Đường vào khó tìm", "Chờ quá lâu"]
    for query, hits in {
        "q=duong": 1,
        "q=DUONG+kho": 1,
        "q=chờ": 1,
        "q=0912": 0,
        "department=so_y_te": 1,
        "counter=q05": 2,
        "level=1": 1,
        "reason=reasons.1": 1,
        "level=4&reason=reasons.3": 0,
        "channel=qr": 1,
        "from=2026-11-23": 3,
        "to=2026-11-22": 0,
        "period=month&date=2026-11-02": 3,
        "hidden=1": 0,
        "hidden=0": 3,
        "tag=gì+cũng+được": 0,
    }.items():
        assert len(found(query)) == hits, query
    page = any_room.client.get("/comments?q=khong+co&lang=en").text
    assert "No comment found." in page
    assert 'value="khong co"' in page


def test_pages_are_asked_for_one_after_the_other(room: Room) -> None:
    room.take([commented(f"Góp ý thứ {n}") for n in range(30)])
    room.sign_in()
    first = room.client.get("/comments?q=thu").text
    assert len(shown(first)) == 25
    assert "Số góp ý tìm thấy: 30" in first
    [older] = re.findall(r'href="/comments\?([^"]*before=[^"]*)"', first)
    second = room.client.get(f"/comments?{unescape(older)}").text
    assert shown(second) == [f"Góp ý thứ {n}" for n in range(4, -1, -1)]


@pytest.mark.parametrize(
    "query",
    [
        *("level=9", "level=x", "reason=reasons.9", "reason=1", "department=khong", "counter=x"),
        *("channel=fax", "hidden=2", "before=x", "before=-1", "before=" + "9" * 40),
        *("from=2026-13-01", "from=2026-02-02&to=2026-01-01", "period=decade"),
    ],
)
def test_what_no_page_asks_for_is_refused(room: Room, query: str) -> None:
    room.sign_in()
    assert room.client.get(f"/comments?{query}").status_code == 400


def test_a_manager_unmasks_one_comment_with_a_reason_that_is_logged(any_room: Room) -> None:
    any_room.take([commented(PHONE), commented("Số khác 0913 000 000 gọi")])
    any_room.sign_in()
    number, client = number_of(any_room, "ghế"), any_room.client
    for reason in ("", "  x ", "lý" * 3_000):
        refused = client.post(f"/comments/{number}/unmask?lang=vi", data={"reason": reason})
        assert refused.status_code == 422
        assert "Lý do phải có" in refused.text
        assert "0912" not in refused.text
    reason = "Gọi lại <b>người dân</b>"
    page = client.post(f"/comments/{number}/unmask?lang=vi", data={"reason": reason})
    assert page.status_code == 200
    assert shown(page.text) == ["Số khác ●●● gọi", PHONE]
    assert shown(client.get("/comments").text)[1] == "Ghế ít, xin gọi ●●● nhé"
    [logged] = any_room.context.store.audit.entries(AuditSearch(kind="unmasking"), 9)
    assert logged.actor == "giam_doc"
    comment = any_room.context.store.comments.comment(number)
    assert comment is not None
    assert logged.details == {"id": comment.id, "reason": reason}
    assert "&lt;b&gt;người dân" in client.get("/audit?lang=vi").text


def test_tags_and_hiding_come_back_to_the_same_page(room: Room) -> None:
    room.take([commented("Ghế ít"), commented("Ghế hỏng")])
    room.sign_in()
    number, client = number_of(room, "hỏng"), room.client
    answer = client.post(f"/comments/{number}/tag?q=ghe", data={"tag": "  Cơ sở   Vật chất "})
    assert answer.headers["location"] == f"/comments?q=ghe#comment-{number}"
    hostile = '"><script>'
    client.post(f"/comments/{number}/tag", data={"tag": hostile})
    page = client.get("/comments?lang=vi&tag=cơ+sở+vật+chất").text
    assert shown(page) == ["Ghế hỏng"]
    assert "cơ sở vật chất (1)" in page
    assert "<script>" not in page.replace("<script src", "").replace("<script type", "")
    assert shown(client.get("/comments", params={"tag": hostile}).text) == ["Ghế hỏng"]
    client.post(f"/comments/{number}/tag", data={"tag": "cơ sở vật chất", "act": "untag"})
    assert shown(client.get("/comments?tag=cơ+sở+vật+chất").text) == []
    for tag in ("", "   ", "x" * 41):
        refused = client.post(f"/comments/{number}/tag?lang=vi", data={"tag": tag})
        assert refused.status_code == 422
        assert "Nhãn phải có" in refused.text
    for _ in range(2):  # the second by somebody else at the same time
        assert client.post(f"/comments/{number}/hide", data={"act": "hide"}).status_code == 303
    assert client.post(f"/comments/{number}/hide", data={"act": "x"}).status_code == 400
    assert "Đã ẩn với công chúng (giam_doc, 23/11/2026)" in client.get("/comments?lang=vi").text
    client.post(f"/comments/{number}/hide", data={"act": "show"})
    assert shown(client.get("/comments?hidden=1").text) == []
    events = [one.event for one in room.context.store.audit.entries(AuditSearch(kind="comment"), 9)]
    assert events.count("comment.hidden") == 1


def test_a_comment_becomes_a_case(room: Room) -> None:
    room.take([commented("Ghế hỏng")])
    room.sign_in()
    page = room.client.get("/comments").text
    [form] = re.findall(r'<form method="post" action="/cases".*?</form>', page)
    [id] = re.findall(r'name="submission" value="([^"]*)"', form)
    answer = room.client.post("/cases", data={"submission": id})
    assert answer.status_code == 303
    assert "Ghế hỏng" in room.client.get(answer.headers["location"]).text


def test_a_comment_that_is_not_there_is_404(room: Room) -> None:
    room.take(ratings([5]))
    room.sign_in()
    for number in (1, 7, 10**30):
        for act, form in (
            ("tag", {"tag": "x"}),
            ("hide", {"act": "hide"}),
            ("unmask", {"reason": "lý do"}),
        ):
            answer = room.client.post(f"/comments/{number}/{act}", data=form)
            assert answer.status_code == 404


def test_a_reader_reads_masked_and_acts_on_nothing(room: Room) -> None:
    room.take([commented(PHONE)])
    enter(room, "reader")
    page = room.client.get("/comments").text
    assert shown(page) == ["Ghế ít, xin gọi ●●● nhé"]
    assert 'method="post" action="/comments' not in page
    for act in ("tag", "hide", "unmask"):
        form = {"tag": "x", "reason": "Tôi muốn xem"}
        assert room.client.post(f"/comments/1/{act}", data=form).status_code == 403
    assert room.context.store.audit.count(AuditSearch(kind="unmasking")) == 0


def test_a_head_has_the_own_department_alone(room: Room) -> None:
    room.take(
        [commented("Của ta 0912 000 000"), commented("Họ", department="so_y_te", counter="q09")]
    )
    theirs, ours = (number_of(room, one) for one in ("họ", "ta"))
    enter(room, "head", "so_tu_phap")
    client = room.client
    assert shown(client.get("/comments").text) == ["Của ta ●●●"]
    assert client.get("/comments?department=so_y_te").status_code == 400
    assert client.post(f"/comments/{ours}/tag", data={"tag": "của ta"}).status_code == 303
    assert client.post(f"/comments/{theirs}/tag", data={"tag": "của ta"}).status_code == 404
    for act in ("hide", "unmask"):
        form = {"reason": "Tôi muốn xem"}
        assert client.post(f"/comments/{ours}/{act}", data=form).status_code == 403


def test_reasons_are_crossed_with_the_level_of_the_same_visit(any_room: Room) -> None:
    phone: dict[str, Any] = {"channel": "qr", "visit": "a-phone"}
    yesterday = "2026-11-22T09:00:00+07:00"
    any_room.take(
        [
            submission(answers={"rating": 5, "reasons": [3]}, visit="a"),
            submission(answers={"rating": 5, "reasons": [1, 3]}, visit="b"),
            submission(answers={"rating": 1}, **phone),
            submission(answers={"reasons": [3]}, **phone),
            submission(answers={"reasons": [3]}, visit="no-level"),
            submission(answers={"rating": 4, "reasons": [2]}, visit=None),
            submission(answers={"rating": 2, "reasons": [4]}, visit="c", answered_at=yesterday),
            submission(answers={"rating": 2}, visit="d"),
        ]
    )
    any_room.sign_in()
    page = any_room.client.get("/reasons?period=month&date=2026-11-23&lang=vi").text
    # Visits, then the levels from the worst to the best.
    assert row(page, "Mọi lượt có chọn nội dung")[:60].split()[6:12] == [*"511012"][:6]
    assert row(page, "Công chức phục vụ").split()[4:10] == [*"310002"]
    assert row(page, "Kết quả nhận được").split()[4:10] == [*"101000"]
    day = any_room.client.get("/reasons?period=day&date=2026-11-23&lang=vi").text
    assert row(day, "Kết quả nhận được").split()[4:10] == [*"000000"]
    how = any_room.client.get("/reasons?period=month&date=2026-11-23&how=reason.reasons.3.5")
    assert "Công chức phục vụ" in how.text
    linked = re.findall(r'href="(/comments\?[^"]*reason=reasons\.3[^"]*)"', page)
    assert any_room.client.get(unescape(linked[0])).status_code == 200


def test_reasons_of_past_days_are_rolled_up_and_later_answers_restate_them(room: Room) -> None:
    old = {"answered_at": "2026-11-02T09:00:00+07:00"}
    store, survey = room.context.store, room.context.surveys["in_centre"]
    room.sign_in()

    def visits() -> str:
        html = room.client.get("/reasons?period=quarter&date=2026-11-23&lang=vi").text
        return row(html, "Công chức phục vụ").split()[4]

    room.take([submission(answers={"rating": 5, "reasons": [3]}, visit="a", **old)])
    room.take([submission(answers={"rating": 5, "reasons": [3]}, visit="b")])
    assert visits() == "2"
    store.roll_up([survey])
    room.take([submission(answers={"rating": 1, "reasons": [3]}, visit="c", **old)])
    assert visits() == "3"
