"""Officials: who is told what of them, from how many answers, and what their shifts decide."""

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from aggregator.dashboard.screens import attitude as screen
from aggregator.documents.reports import docx
from aggregator.documents.reports.attitude import build_attitude
from aggregator.documents.reports.model import Paragraph
from aggregator.figures.attitude import officials
from aggregator.storage.audit import Search, entry
from aggregator.storage.roster import Shift
from aggregator.storage.store import Selection
from aggregator.wording.periods import period_of
from tests.aggregator.conftest import NOW, Room, ratings, sipas, submission
from tests.aggregator.dashboard.screens import answers_for_its_figures, needs_no_script, shown
from tests.aggregator.reading import words

DAY = date(2026, 9, 18)  # of a quarter that is over
MORNING, NOON, LATER = (f"2026-09-18T{at}+07:00" for at in ("11:29:59", "11:30:00", "14:00:00"))
PAGE = "/attitude?period=quarter&date=2026-09-18&measure=satisfied_or_better"
SHIFTS = [
    Shift(DAY, "q05", 450, 690, "CC.012"),
    Shift(DAY, "q05", 810, 1020, "CC.013"),
    Shift(DAY, "q09", 450, 690, "CC.014"),
]


def put(room: Room, shifts: list[Shift]) -> None:
    room.context.store.roster.put(
        shifts, lambda n, m: entry(NOW, "", "roster.imported", file="x", added=n, removed=m)
    )


def blamed(codes: list[int], at: str, **place: str) -> list[dict[str, Any]]:
    """Ratings whose reason is the staff, each of a visit of its own: on a phone two answers."""
    found = []
    for code in codes:
        visit = str(uuid4())
        about: dict[str, Any] = {"answered_at": at, "visit": visit, **place}
        found.append(submission(answers={"rating": code}, **about))
        found.append(submission(answers={"reasons": [3]}, **about))
    return found


@pytest.fixture
def worked(any_room: Room) -> Room:
    room = any_room
    put(room, SHIFTS)
    room.take(blamed([1] * 20 + [5] * 15, MORNING))
    room.take(blamed([5] * 40, LATER))
    room.take(blamed([5] * 30, MORNING, department="so_y_te", counter="q09"))
    room.take(blamed([1] * 50, NOON))  # nobody sits there at half past eleven
    room.take([sipas([5] * 22, answered_at=MORNING) for _ in range(5)])
    room.sign_in()
    return room


def row(html: str, number: str) -> str:
    [found] = [one for one in re.findall(r"<tr.*?</tr>", html, re.DOTALL) if f">{number}<" in one]
    return words(found)


def test_answers_count_for_who_sat_there(worked: Room) -> None:
    html = shown(worked, PAGE)
    assert "42,9%" in row(html, "CC.012")
    assert "Thấp hơn" in row(html, "CC.012")
    assert "chưa đủ (5/30)" in row(html, "CC.012")
    assert "100,0%" in row(html, "CC.013")
    assert "Thấp hơn các công chức khác: CC.012." in words(html)
    assert "không đủ căn cứ để xử lý kỷ luật" in words(html)
    assert html.index(">CC.012<") < html.index(">CC.013<")
    assert answers_for_its_figures(worked, PAGE) > 8
    needs_no_script(worked, PAGE)


def test_each_criterion_stands_by_itself_with_its_own_minimum(worked: Room) -> None:
    """q10 was answered by 35, q11 by 29 of them, q9 is about procedures."""
    polite = [
        sipas([0] * 9 + [5 if n < 21 else 1, 5 * (n < 24)], answered_at=MORNING) for n in range(30)
    ]
    worked.take(polite)
    html = shown(worked, PAGE)
    [table] = re.findall(r'<table class="places criteria">.*?</table>', html, re.DOTALL)
    heads = [words(one) for one in re.findall(r"<th scope=\"col\">.*?</th>", table, re.DOTALL)]
    assert heads[1] == "Công chức có thái độ giao tiếp lịch sự"
    assert len(heads) == 7
    cells = [words(one) for one in re.findall(r"<td.*?</td>", table, re.DOTALL)]
    assert cells[0].startswith("74,3% từ ")  # 26 of 35
    assert cells[0].endswith("35 câu trả lời")
    assert cells[1:] == ["chưa đủ (29/30)", *["chưa đủ (5/30)"] * 4]
    assert "CC.013" not in table
    asked = words(shown(worked, f"{PAGE}&how=q10.CC.012.satisfied_or_better"))
    assert "“Công chức có thái độ giao tiếp lịch sự”" in asked
    assert "không đủ căn cứ để xử lý kỷ luật" in asked
    assert answers_for_its_figures(worked, PAGE) > 10


def test_another_roster_and_late_answers_change_what_was_read_before(worked: Room) -> None:
    context = worked.context

    def counted() -> dict[str, int]:
        found = officials(
            context.store,
            context.surveys,
            context.centre,
            Selection("", None, date(2026, 7, 1), date(2026, 9, 30)),
            "satisfied_or_better",
            closed=True,
        )
        return {one.number: one.ratings for one in found}

    worked.take(ratings([5], answered_at="2026-11-23T08:00:00+07:00"))  # a newer day
    assert counted() == {"CC.012": 35, "CC.013": 40, "CC.014": 30}
    put(worked, [SHIFTS[0]._replace(ends=691, official="CC.077"), SHIFTS[1]])
    assert counted() == {"CC.077": 85, "CC.013": 40, "CC.014": 30}
    worked.take(ratings([4] * 3, answered_at=LATER))
    assert counted() == {"CC.077": 85, "CC.013": 43, "CC.014": 30}


def test_nobody_is_compared_before_the_period_is_over(worked: Room) -> None:
    """A test made for one look would accuse somebody on one of many days."""
    html = shown(worked, "/attitude?period=year&date=2026-09-18&measure=satisfied_or_better")
    assert "42,9% từ " in row(html, "CC.012")
    assert "Thấp hơn" not in words(html)
    assert "Kỳ chưa kết thúc" in words(html)
    context, early = worked.context, datetime(2026, 9, 25, tzinfo=UTC)
    report = build_attitude(
        context.store, context.surveys, context.centre, period_of("quarter", DAY), "vi", early
    )
    [found] = [one for one in report.tables() if one.key == "attitude_reason"]
    assert "verdict" not in [column.key for column in found.columns]
    said = [b.text for s in report.sections for b in s.blocks if isinstance(b, Paragraph)]
    assert any("tính đến ngày 25/9/2026" in one or "25/09/2026" in one for one in said)


def test_a_head_sees_the_own_officials_and_no_list(worked: Room) -> None:
    accounts = worked.context.accounts
    accounts.add_user("truong_phong", "head", None, department="so_y_te")
    worked.client.get(accounts.new_link("truong_phong", ""))
    html = shown(worked, PAGE)
    assert "CC.014" in html
    assert "CC.012" not in html
    assert "CC.012" not in worked.client.get(f"{PAGE}&department=so_tu_phap").text
    assert worked.client.get("/attitude.pdf").status_code == 403
    assert worked.client.get("/roster").status_code == 403


def test_a_reader_sees_nothing_and_who_looks_is_recorded(worked: Room) -> None:
    shown(worked, PAGE)
    log = worked.context.store.audit
    assert log.count(Search(kind="attitude", actor="giam_doc")) == 1
    accounts = worked.context.accounts
    accounts.add_user("nguoi_xem", "reader", None)
    worked.client.get(accounts.new_link("nguoi_xem", ""))
    assert worked.client.get(PAGE).status_code == 403


def test_shifts_are_entered_taken_out_and_uploaded_by_screen(room: Room) -> None:
    room.sign_in()
    shift = {"official": "CC.012", "counter": "q05", "day": "2026-11-23"}
    shift |= {"from": "07:30", "to": "11:30", "action": "add"}
    assert room.client.post("/roster", data=shift).status_code == 303
    assert "CC.012" in shown(room, "/roster?date=2026-11-23")
    wrong = room.client.post("/roster", data=shift | {"official": "<i>An</i>", "from": "x"})
    assert wrong.status_code == 422
    assert "số hiệu công chức" in words(wrong.text)
    assert "<i>An" not in wrong.text
    overlap = room.client.post("/roster", data=shift | {"official": "CC.9", "from": "11:00"})
    assert (overlap.status_code, "trùng giờ" in words(overlap.text)) == (422, True)
    assert room.client.post("/roster", data=shift | {"action": "x"}).status_code == 400
    file = b"official,counter,day,from,to\nCC.1,q05,2026-11-23,07:30,11:30\nAn,q1,x,y,z\n"
    refused = room.client.post("/roster", files={"file": ("r.csv", file, "text/csv")})
    assert refused.status_code == 422
    assert "Dòng 3:" in words(refused.text)
    day, roster = date(2026, 11, 23), room.context.store.roster
    assert [one.official for one in roster.shifts(day, day)] == ["CC.012"]
    good = file.split(b"An,")[0]
    done = room.client.post("/roster", files={"file": ("r.csv", good, "text/csv")})
    assert done.status_code == 303
    assert "thêm 1 ca, bỏ 1 ca" in words(shown(room, done.headers["location"]))
    assert room.client.post("/roster", data=shift | {"action": "remove"}).status_code == 303
    gone = shift | {"action": "remove", "official": "CC.1"}
    assert room.client.post("/roster", data=gone).status_code == 303
    assert roster.shifts(day, day) == []


def test_an_uploaded_roster_leaves_readers_nothing_to_join(room: Room) -> None:
    room.take(ratings([5] * 3, answered_at=MORNING))
    room.take(ratings([5], answered_at="2026-11-23T08:00:00+07:00"))  # a newer day
    room.sign_in()

    def joined() -> set[tuple[str, str]]:
        with room.context.store.engine.connect() as connection:
            query = "SELECT since, until FROM block WHERE tallied LIKE 'shifts%'"
            return {(str(one.since), str(one.until)) for one in connection.exec_driver_sql(query)}

    file = f"official,counter,day,from,to\nCC.1,q05,{DAY},07:30,11:30\n".encode()
    assert joined() == set()
    room.client.post("/roster", files={"file": ("r.csv", file, "text/csv")})
    ahead = joined()
    assert (str(DAY), str(DAY)) in ahead
    shown(room, PAGE)
    assert joined() == ahead


def test_the_list_of_a_quarter_is_a_document_with_its_warning(worked: Room) -> None:
    context = worked.context
    report = build_attitude(
        context.store, context.surveys, context.centre, period_of("quarter", DAY), "vi", NOW
    )
    said = [b.text for s in report.sections for b in s.blocks if isinstance(b, Paragraph)]
    assert any("không đủ căn cứ để xử lý kỷ luật" in one for one in said)
    assert any("CC.012" in one and "1 người" in one for one in said)
    [found] = [one for one in report.tables() if one.key == "attitude_reason"]
    assert [line[0] for line in found.rows] == ["CC.012", "CC.014", "CC.013"]
    assert docx.render(report)[:2] == b"PK"


def test_many_officials_are_shown_where_asked_for(
    worked: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those to look at first stand alone, without criteria; each department has the own ones."""
    monkeypatch.setattr(screen, "SHOWN", 1)
    few, whole = shown(worked, PAGE), shown(worked, f"{PAGE}&all=1")
    assert ">CC.012<" in few
    assert ">CC.013<" not in few
    assert "xem cả 3 công chức" in words(few)
    assert "all=1" in few
    assert "<summary>Từng tiêu chí</summary>" not in few
    assert "<summary>Từng tiêu chí</summary>" in whole
    assert row(few, "CC.012") == row(whole, "CC.012")
    assert all(f">{number}<" in whole for number in ("CC.012", "CC.013", "CC.014"))
    department = shown(worked, f"{PAGE}&department=so_y_te")
    assert ">CC.014<" in department
    assert answers_for_its_figures(worked, PAGE) > 2
