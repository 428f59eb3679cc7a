"""The morning briefing: the right day, the right things, in the right order."""

from datetime import date, datetime

import pytest

from aggregator.figures.briefing import last_working_day
from aggregator.wording.numbers import NBSP
from surveys.centre import Centre
from tests.aggregator.alerts.watching import watch_of
from tests.aggregator.conftest import Room, ratings, submission
from tests.aggregator.reading import words

FRIDAY = "2026-11-20T09:00:00+07:00"
MONDAY = "2026-11-23T08:10:00+07:00"


def at(day: int) -> str:
    return f"2026-11-{day:02}T09:00:00+07:00"


@pytest.fixture
def morning(room: Room) -> Room:
    """Monday at half past seven: a bad month at one department, a good one at another."""
    for day in (9, 10, 11, 12, 13, 16, 17, 18, 19, 20):
        room.take(ratings((5,) * 9 + (2,) * 6, answered_at=at(day)))
        good = {"department": "so_y_te", "counter": "q09"}
        room.take(ratings((5,) * 12, answered_at=at(day), **good))
    room.clock.moment = datetime.fromisoformat("2026-11-23T07:30:00+07:00")
    room.sign_in()
    return room


def page(room: Room, path: str = "/briefing?lang=vi") -> str:
    answer = room.client.get(path)
    assert answer.status_code == 200
    return str(answer.text.replace(NBSP, " "))


def test_it_is_of_the_last_working_day_and_says_so_in_one_sentence(morning: Room) -> None:
    shown = words(page(morning))
    assert "Thứ Sáu, 20/11/2026, có 27 lượt đánh giá, 77,8% rất hài lòng." in shown
    assert "Ngày làm việc trước đó (19/11/2026): 77,8% trên 27 lượt." in shown
    assert "Hôm nay đến 07:30 chưa có lượt nào" in shown


def test_the_department_with_the_clearest_evidence_is_first_and_needs_attention(
    morning: Room,
) -> None:
    html = page(morning)
    table = html[html.index("<tbody>") :]
    assert table.index("Sở Tư pháp") < table.index("Sở Y tế")
    attention = html[html.index('id="attention"') : html.index('class="strip"')]
    assert "Sở Tư pháp" in attention
    assert "Sở Y tế" not in attention
    assert attention.count("<li>") <= 3
    assert 'href="/department/so_tu_phap?' in attention


def test_its_figures_are_asked_and_its_sheet_is_internal(morning: Room) -> None:
    html = page(morning)
    assert "/reports/day.pdf?date=2026-11-20&amp;lang=vi&amp;internal=1" in html
    for name in ("day.centre.n", "so_tu_phap.very_satisfied.device_2020"):
        assert f"how={name}" in html
        assert "how" in page(morning, f"/briefing?lang=vi&how={name}")


def test_alerts_stand_there_too(room: Room) -> None:
    room.sign_in()
    room.take(ratings((1, 1, 1), counter="q06", answered_at=at(20)))
    assert watch_of(room).look() == 1
    shown = words(page(room))
    assert "Quầy 06 (Sở Tư pháp): 3 trong 3 lượt gần nhất ở mức Không hài lòng trở xuống" in shown


def test_new_comments_and_overdue_cases_are_counted(room: Room) -> None:
    room.sign_in()
    room.take([submission(comment="Chờ lâu", answered_at=at(20)), submission(comment="Tốt")])
    shown = words(page(room))
    assert "Góp ý từ ngày đó 2" in shown
    assert "Vụ việc quá hạn không có" in shown


def test_a_quiet_centre_has_nothing_to_attend_to(room: Room) -> None:
    room.sign_in()
    shown = words(page(room))
    assert "Thứ Sáu, 20/11/2026, không có lượt đánh giá nào." in shown
    assert "Không có cơ quan hoặc quầy nào thấp hơn rõ rệt so với số công bố." in shown


def test_closed_days_and_holidays_are_skipped(centre: Centre) -> None:
    monday, friday = date(2026, 11, 23), date(2026, 11, 20)
    assert last_working_day(centre, monday, frozenset({friday, date(2026, 11, 22)})) == friday
    before_tet = date(2026, 2, 13)
    assert last_working_day(centre, date(2026, 2, 23), frozenset({before_tet})) == before_tet
    assert last_working_day(centre, monday, frozenset()) == friday


def test_a_head_is_led_to_the_own_department(room: Room) -> None:
    accounts = room.context.accounts
    accounts.add_user("truong_phong", "head", department="so_tu_phap")
    room.client.get(accounts.new_link("truong_phong", ""))
    answer = room.client.get("/briefing")
    assert answer.headers["location"] == "/department/so_tu_phap"
