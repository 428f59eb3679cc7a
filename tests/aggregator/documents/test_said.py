"""Reasons, comments, cases and the centre's own words as sections of a report."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.documents.reports.model import WITHHELD, Paragraph, Report
from aggregator.documents.reports.sections.said import grouped
from aggregator.storage.audit import entry
from aggregator.storage.cases import Kind
from aggregator.storage.issued import Texts
from tests.aggregator.conftest import NOW, ZONE, Room, ratings, submission
from tests.aggregator.documents.reporting import (
    QUARTER,
    SMALL,
    at,
    cells,
    fill,
    place,
    printed_rows,
    report_of,
    table_of,
)

DAY = QUARTER + timedelta(days=12)
OPENED = datetime(2026, 10, 5, 9, tzinfo=ZONE)  # a Monday


def section_of(report: Report, title: str) -> str:
    [found] = [one for one in report.sections if one.title.endswith(title)]
    return " ".join(block.text for block in found.blocks if isinstance(block, Paragraph))


def has(report: Report, title: str) -> bool:
    return any(one.title.endswith(title) for one in report.sections)


def commented(texts: list[str], reasons: list[int], **more: Any) -> list[dict[str, Any]]:
    answers = {"rating": 2} | ({"reasons": reasons} if reasons else {})
    return [submission(answers=answers, comment=one, answered_at=at(DAY), **more) for one in texts]


# Reasons


def test_a_reason_has_the_ratings_of_the_visits_that_named_it(room: Room) -> None:
    fill(room)
    room.take(commented([f"Chờ lâu {n}" for n in range(6)], [1]))
    room.take(commented(["Một người"], [2]))
    report = report_of(room, "month", day=DAY)
    scale = room.context.surveys["in_centre"].scales["reasons"].levels
    table = table_of(report, "reasons")
    row = cells(table, scale[0].vi)
    assert (row["n"], row["k_satisfied_or_better"], row["level_2"]) == (6, 0, 6)
    one = cells(table, scale[1].vi)
    assert {one[key] for key in one if key != "reason"} == {WITHHELD}
    assert table.rows[-1][0] == scale[1].vi, "its place tells nothing"
    assert any("dưới 5" in note for note in table.notes)


def test_a_reason_that_all_but_a_few_named_is_withheld(room: Room) -> None:
    """Twenty ratings, eighteen with the reason: two are known by subtraction."""
    room.take(commented([f"Chờ {n}" for n in range(18)], [1]))
    room.take(ratings((5, 5), answered_at=at(DAY)))
    table = table_of(report_of(room, "month", day=DAY), "reasons")
    scale = room.context.surveys["in_centre"].scales["reasons"].levels
    assert cells(table, scale[0].vi)["n"] is WITHHELD


# Comments


def test_comments_are_masked_grouped_and_without_hidden_ones(room: Room) -> None:
    fill(room)
    room.take(commented([f"Chờ quá lâu {n}" for n in range(5)], [1]))
    room.take(commented(["Gọi 0912345678 không nghe máy"], [1]))
    room.take(commented(["Nói rất khó nghe"], []))
    room.take(commented(["Ở nơi ít người"], [1], **place(SMALL, "q16")))
    comments = room.context.store.comments
    [hidden] = [one for one in comments.found(search(), 50) if "khó nghe" in one.text]
    comments.act(hidden.number, "hide", "", entry(NOW, "an", "comment.hidden", id=hidden.id))
    report = report_of(room, "month", day=DAY)
    table = table_of(report, "comments")
    printed = " ".join(str(cell) for row in table.rows for cell in row)
    assert "Gọi ●●● không nghe máy" in printed
    assert "khó nghe" not in printed
    assert "0912345678" not in printed
    heads = [table.rows[number][0] for number in sorted(table.groups)]
    # The one comment of the small department takes another one's along: nobody is alone.
    assert heads == ["Toàn Trung tâm"]
    assert "Trong kỳ có 7 góp ý" in section_of(report, "Nội dung góp ý")


def search() -> Any:
    from aggregator.storage.comments import Search

    return Search()


def test_few_comments_are_not_printed_at_all(room: Room) -> None:
    fill(room)
    room.take(commented(["Chờ lâu"] * 3, [1]))
    report = report_of(room, "month", day=DAY)
    assert "dưới 5 góp ý" in section_of(report, "Nội dung góp ý")
    assert not any("Chờ lâu" in str(rows) for _, rows in printed_rows(report))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=30), st.integers(2, 6))
def test_no_named_group_and_no_rest_is_small(keys: list[str], minimum: int) -> None:
    items = list(enumerate(keys))
    found = grouped(items, lambda item: item[1], ["b", "a"], minimum)
    assert sorted(item for _, own in found for item in own) == items
    sizes = [len(own) for _, own in found]
    assert all(n >= minimum for n in sizes) or len(items) < minimum
    names = [name for name, _ in found]
    assert names == sorted(names, key=["b", "a", "c", ""].index)


# Cases


def acted(room: Room, department: str | None, *acts: tuple[Kind, timedelta]) -> None:
    """A case opened on OPENED, due in ten days, and what was done about it after some time."""
    cases = room.context.store.cases
    number = cases.open(OPENED, OPENED + timedelta(days=10), "an", "letter", text="Chờ lâu")
    steps: list[tuple[Kind, timedelta]] = [("assigned", timedelta(0))] if department else []
    for kind, after in (*steps, *acts):
        one = cases.get(number)
        assert one is not None
        to = department if kind == "assigned" else None
        due = OPENED + after + timedelta(days=10)
        actor = None if kind == "reopened" else "an"  # the citizen does
        cases.act(one, kind, OPENED + after, actor, department=to, text="Đã xem", due_at=due)


HOURS, LATE = timedelta(hours=2), timedelta(days=20)


def test_cases_are_counted_as_they_stood_when_the_report_is_made(room: Room) -> None:
    fill(room)
    for _ in range(5):
        acted(room, "so_y_te", ("answered", HOURS))
    acted(room, "so_y_te", ("answered", LATE))
    acted(room, "so_y_te")
    for _ in range(6):
        acted(room, "so_tu_phap", ("answered", HOURS), ("reopened", timedelta(days=3)))
    report = report_of(room, "month", day=DAY)
    table = table_of(report, "cases")
    row = cells(table, "Sở Y tế")
    told = {key: row[key] for key in ("received", "in_time", "late", "overdue", "waiting")}
    assert told == {"received": 7, "in_time": 5, "late": 1, "overdue": 1, "waiting": 0}
    assert row["hours"] == pytest.approx(2.0)
    reopened = cells(table, "Sở Tư pháp")
    assert (reopened["in_time"], reopened["overdue"]) == (0, 6)
    # Made again for the moment before any was reopened or late.
    room.clock.moment = OPENED + timedelta(days=2)
    before = cells(table_of(report_of(room, "month", day=DAY), "cases"), "Sở Tư pháp")
    assert (before["in_time"], before["overdue"]) == (6, 0)


def test_departments_of_few_cases_are_withheld_with_one_that_guards_them(room: Room) -> None:
    fill(room)
    for department, n in (("so_y_te", 8), ("so_tu_phap", 7), ("so_noi_vu", 2)):
        for _ in range(n):
            acted(room, department, ("answered", HOURS))
    table = table_of(report_of(room, "month", day=DAY), "cases")
    withheld = [row[0] for row in table.rows if row[1] is WITHHELD]
    assert "Sở Nội vụ" in withheld
    assert len(withheld) == 2
    assert table.rows[-1][1] == 17


def test_few_answers_do_not_tell_how_long_they_took(room: Room) -> None:
    fill(room)
    for _ in range(6):
        acted(room, "so_y_te")
    acted(room, "so_y_te", ("answered", HOURS))
    row = cells(table_of(report_of(room, "month", day=DAY), "cases"), "Sở Y tế")
    assert (row["received"], row["in_time"], row["hours"]) == (7, 1, WITHHELD)


# The centre's own words, and what is published


def test_the_centre_s_words_stand_at_the_end_as_they_were_written(room: Room) -> None:
    fill(room)
    texts = Texts(1, NOW, "an", "Còn chờ lâu.\n\nThiếu chỗ ngồi.", "", "Bổ sung 02 quầy.")
    for kind in ("week", "month", "quarter"):
        report = report_of(room, kind, day=DAY, texts=texts)
        assert section_of(report, "Tồn tại, hạn chế") == "Còn chờ lâu. Thiếu chỗ ngồi."
        assert report.sections[-1].title.endswith("Kiến nghị, đề xuất")
        assert not has(report, "Nguyên nhân")


def test_neither_words_of_citizens_nor_cases_are_published(room: Room) -> None:
    fill(room)
    room.take(commented([f"Chờ lâu {n}" for n in range(9)], [1]))
    acted(room, "so_y_te", ("answered", HOURS))
    room.clock.moment = datetime(2026, 12, 5, 9, tzinfo=ZONE)
    report = report_of(room, "month", day=date(2026, 10, 1), publish_as="report:An")
    for title in ("Lý do đánh giá", "Nội dung góp ý", "phản ánh"):
        assert not has(report, title)
    assert not has(report_of(room, "week", day=DAY), "Nội dung góp ý")


def test_what_is_merged_counts_for_its_heir_in_cases_too(room: Room) -> None:
    fill(room)
    for _ in range(6):
        acted(room, "so_xay_dung", ("answered", HOURS))
    room.take(commented([f"Chờ lâu {n}" for n in range(6)], [1], **place(SMALL, "q16")))
    departments = [
        one.model_copy(update={"closed": date(2026, 11, 1), "successor": "so_y_te"})
        if one.id == "so_xay_dung"
        else one
        for one in room.context.centre.departments
    ]
    centre = room.context.centre
    fields = {name: getattr(centre, name) for name in type(centre).model_fields}
    merged = type(centre).model_construct(**{**fields, "departments": tuple(departments)})
    report = report_of(room, "month", day=DAY, centre=merged, organisation="now")
    assert cells(table_of(report, "cases"), "Sở Y tế")["received"] == 6
    table = table_of(report, "comments")
    assert table.rows[0][0] == "Sở Y tế"
