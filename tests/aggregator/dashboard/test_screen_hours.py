"""The page of hours: the right share in the right hour of the centre's clock, and of no other."""

import re
from typing import Any

import pytest

from aggregator.figures.hours import hour_map
from aggregator.intake.ingest import Ingest, rebuild
from aggregator.storage.store import Selection, Store
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import Clock, Intake, Room, ratings, sipas
from tests.aggregator.dashboard.screens import (
    answers_for_its_figures,
    is_a_fragment_to_htmx,
    is_shown_to_a_viewer,
    needs_no_script,
    shown,
)
from tests.aggregator.reading import words

MONDAY, TUESDAY = "2026-11-16T08:20:00+07:00", "2026-11-17T14:59:59+07:00"
Q4 = "/hours?period=quarter&date=2026-11-20"


def cells(html: str) -> dict[str, list[str]]:
    """The texts of the map's rows by their head."""
    [table] = re.findall(r'<table class="hours">.*?</table>', html, re.DOTALL)
    rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    split = [
        [words(one) for one in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows
    ]
    return {head: rest for head, *rest in split}


@pytest.fixture
def rated(any_room: Room) -> Room:
    """Mondays at eight are worse than Tuesdays at two; one rating of a Sunday night."""
    any_room.take(ratings([5] * 20 + [3] * 20, answered_at=MONDAY))
    any_room.take(ratings([5] * 58 + [4] * 2, answered_at=TUESDAY, counter="q06"))
    any_room.take(
        ratings([5], answered_at="2026-11-15T16:59:59Z", department="so_y_te", counter="q09")
    )
    any_room.sign_in()
    return any_room


def test_each_hour_has_its_share_its_interval_and_its_ratings(rated: Room) -> None:
    html = shown(rated, Q4)
    found = cells(html)
    assert list(found) == ["Giờ", "8–9 giờ", "14–15 giờ", "23–24 giờ", "Cả ngày"]
    assert found["Giờ"] == ["Thứ Hai", "Thứ Ba", "Chủ nhật", "Cả tuần"]
    assert found["8–9 giờ"] == [
        "50,0% từ 35% đến 65% 40 lượt",
        "–",
        "–",
        "50,0% từ 35% đến 65% 40 lượt",
    ]
    assert found["14–15 giờ"][1] == "96,7% từ 89% đến 99% 60 lượt"
    assert found["23–24 giờ"][2] == "100,0% 1 lượt , quá ít lượt"
    assert found["Cả ngày"][3] == "78,2% từ 69% đến 85% 101 lượt"
    assert "thấp nhất là Thứ Hai, 8–9 giờ: 50,0%" in words(html)
    assert "thấp hơn" not in words(html)  # a map of many cells, looked at daily, concludes nothing
    assert answers_for_its_figures(rated, Q4) > 10
    is_a_fragment_to_htmx(rated, Q4)
    needs_no_script(rated, Q4)
    is_shown_to_a_viewer(rated, Q4)


def test_department_channel_and_measure_choose_the_ratings(rated: Room) -> None:
    found = cells(shown(rated, f"{Q4}&department=so_y_te"))
    assert found == {
        "Giờ": ["Chủ nhật", "Cả tuần"],
        "23–24 giờ": ["100,0% 1 lượt , quá ít lượt"] * 2,
        "Cả ngày": ["100,0% 1 lượt , quá ít lượt"] * 2,
    }
    wider = cells(shown(rated, f"{Q4}&measure=satisfied_or_better"))
    assert wider["14–15 giờ"][1].startswith("100,0%")
    assert 'class="hours"' not in shown(rated, f"{Q4}&channel=qr")
    assert rated.client.get(f"{Q4}&department=khong_co").status_code == 400


def test_a_part_of_a_month_is_shown_as_the_whole_and_says_so(rated: Room) -> None:
    html = shown(rated, "/hours?period=day&date=2026-11-20")
    assert "từ 01/11/2026 đến 30/11/2026" in words(html)
    assert cells(html)["Cả ngày"][-1] == "78,2% từ 69% đến 85% 101 lượt"


def test_a_survey_of_many_questions_has_the_share_over_all_of_them(any_room: Room) -> None:
    """Each respondent once, by the centre's clock; departments and channels choose, as anywhere."""
    room = any_room
    for day in range(2, 7):
        at = f"2026-11-{day:02}T01:20:00Z"  # 8:20 at the centre
        room.take([sipas([5] * 22, answered_at=at), sipas([5] * 11 + [1] * 11, answered_at=at)])
    room.take([sipas([1, 1], answered_at=TUESDAY, department="so_y_te", counter="q09")])
    tuesday = "2026-10-05T20:00:00Z"  # at the centre
    room.take([sipas([5] * 22, answered_at=tuesday, channel="qr")])
    room.sign_in()
    address = f"{Q4}&survey=sipas_2020&measure=satisfied_or_better"
    found = cells(shown(room, address))
    assert list(found) == ["Giờ", "3–4 giờ", "8–9 giờ", "14–15 giờ", "Cả ngày"]
    assert found["8–9 giờ"][0] == "75,0% 2 phiếu , quá ít lượt"
    assert found["3–4 giờ"][1].startswith("100,0% 1 phiếu")
    assert found["Cả ngày"][-1].startswith("76,6% 12 phiếu")  # 187 of 244 answers
    assert answers_for_its_figures(room, address) > 10
    only = cells(shown(room, f"{address}&department=so_y_te"))
    assert only["14–15 giờ"][0].startswith("0,0% 1 phiếu")
    qr = cells(shown(room, f"{address}&channel=qr"))
    assert list(qr) == ["Giờ", "3–4 giờ", "Cả ngày"]
    assert "không có tỷ lệ chung" in shown(room, "/hours?survey=business")


def test_intervals_of_hours_allow_for_days(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    """How alike the answers of a day are is that of the whole, which knows its days."""
    for day in range(2, 27):
        codes = [1] * 10 if day % 5 == 0 else [5] * 10
        at = f"2026-11-{day:02}T08:20:00+07:00"
        intake(ratings(codes, answered_at=at))
        intake([sipas([code] * 22, answered_at=at) for code in codes[:3]])
    for survey in ("in_centre", "sipas_2020"):
        made = hour_map(
            intake.store, surveys[survey], centre, Selection(survey), "satisfied_or_better"
        )
        assert all(hour.found.day_effect for hour in made.slots.values() if hour.row.n)
        assert (made.whole.found.n_effective or 0) <= 26


def test_a_head_sees_the_own_department_alone(rated: Room) -> None:
    accounts = rated.context.accounts
    accounts.add_user("truong_phong", "head", None, department="so_y_te")
    rated.client.get(accounts.new_link("truong_phong", ""))
    assert cells(shown(rated, Q4))["Cả ngày"][-1].startswith("100,0% 1 lượt")
    assert rated.client.get(f"{Q4}&department=so_tu_phap").status_code in (200, 400)
    assert "50,0" not in rated.client.get(f"{Q4}&department=so_tu_phap").text


@pytest.mark.parametrize(
    ("zone", "at", "slot"),
    [
        ("Asia/Ho_Chi_Minh", "2026-03-29T17:30:00Z", (0, 0)),  # Monday there, Sunday in London
        ("Europe/Berlin", "2026-03-29T01:30:00Z", (6, 3)),  # the hour from two to three is left out
        ("Europe/Berlin", "2026-10-25T00:30:00Z", (6, 2)),  # there twice, before the clock is set
        ("Europe/Berlin", "2026-10-25T01:30:00Z", (6, 2)),  # … and after
        ("Asia/Kathmandu", "2026-11-22T18:15:00+00:00", (0, 0)),  # a quarter of an hour apart
    ],
)
def test_the_hour_is_that_of_the_clock_at_the_centre(
    store: Store, surveys: dict[str, Survey], centre: Any, zone: str, at: str, slot: tuple[int, int]
) -> None:
    there = centre.model_copy(update={"time_zone": zone})
    there.__dict__.pop("zone", None)
    intake = Intake(store, Ingest(store, surveys, there, Clock()))
    assert [one.status for one in intake(ratings([5], answered_at=at))] == ["accepted"]

    def where() -> list[tuple[int, int]]:
        selection = Selection("in_centre")
        made = hour_map(store, surveys["in_centre"], there, selection, "very_satisfied")
        return [one for one, hour in made.slots.items() if None not in one and hour.row.n]  # type: ignore[misc]

    assert where() == [slot]
    rebuild(store, lambda _: None)
    assert where() == [slot]


def test_a_late_answer_is_counted_in_the_month_that_was_read_before(
    intake: Intake, surveys: dict[str, Survey], centre: Centre
) -> None:
    """The block of a past month is made anew."""

    def count() -> int:
        selection = Selection("in_centre")
        made = hour_map(intake.store, surveys["in_centre"], centre, selection, "very_satisfied")
        return made.whole.row.n

    intake(ratings([5], answered_at="2026-09-01T09:00:00+07:00"))
    intake(ratings([5], answered_at=MONDAY))
    assert count() == 2
    intake(ratings([4], answered_at="2026-09-17T10:00:00+07:00"))
    assert count() == 3
