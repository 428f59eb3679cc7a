"""What all tables of a report together tell of small groups: nothing."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from datetime import date, datetime, timedelta
from itertools import product

import pytest

from aggregator.documents.reports.model import Mark, Report, ReportKind
from aggregator.statistics import Sum, audit
from aggregator.wording.channels import CHANNELS
from tests.aggregator.conftest import CENTRE, Room, ratings
from tests.aggregator.documents.reporting import SMALL, at, place, report_of, table_of


@pytest.mark.parametrize("of_centre", [False, True])
@pytest.mark.parametrize("year", [2021, 2022, 2023, 2024])
def test_no_tables_together_give_a_small_group_away(
    room: Room, year: int, *, of_centre: bool
) -> None:
    """Departments, channels and weeks share the same people out, and days with dossiers overlap.

    What is checked is made of a department on a day each: finer than anything that is printed.
    """
    chance = random.Random(f"{year} {of_centre}")
    places = [("so_tu_phap", "q05"), ("so_y_te", "q09"), ("so_noi_vu", "q12"), (SMALL, "q16")]
    items, days = [], set()
    for week, spot, channel in product(range(6), places, ("kiosk", "qr")):
        few = spot[0] == SMALL or week == 5
        n = chance.choice((0, 0, 0, 1) if few else (1, 2, 9, 12))
        day = date(year, 1, 4) + timedelta(days=7 * week + chance.choice((0, 0, 1)))
        days |= {day} if n else set()
        where = place(*spot) | {"channel": channel, "answered_at": at(day)}
        items += ratings([chance.choice((5, 5, 4, 2)) for _ in range(n)], **where)
    room.take(items)
    counted = {key for key, _ in places} | ({""} if of_centre else set())
    dates = chance.sample(sorted(days), 2)
    known = {pair for pair in product(sorted(counted), dates) if chance.random() < 0.9}
    room.context.store.put_transactions(
        {"day": day, "department": key, "dossiers": 40} for key, day in known
    )
    report = report_of(room, day=date(year, 1, 1))
    people, made_of = Counter[Hashable](), defaultdict[Hashable, set[Hashable]](set)
    for department, day in product([key for key, _ in places], days):
        monday = day - timedelta(days=day.weekday())
        totals: list[Hashable] = ["all", department, monday]
        totals += [("covered", department)] if (department, day) in known else []
        covered = ("" if of_centre else department, day) in known
        totals += [("covered", "")] if covered else []
        for total in totals:
            made_of[total].add((department, day))
    for item in items:
        day = date.fromisoformat(item["answered_at"][:10])
        people.update([(item["department"], day), item["channel"]])
    cells = {cell for some in made_of.values() for cell in some}
    people.update({total: sum(people[cell] for cell in some) for total, some in made_of.items()})
    people.update(dict.fromkeys(cells, 0))
    sums = [Sum(total, tuple(some)) for total, some in made_of.items()]
    sums.append(Sum("all", ("kiosk", "qr")))
    tables = ("departments", "channels", "trend", "participation")
    hidden = {group for key in tables for group in withheld(report, key, room)}
    assert hidden
    found = audit(people, sums, room.context.centre.minimum_cell, hidden, unprinted=cells)
    assert found["safe"].all(), found


def withheld(report: Report, key: str, room: Room) -> Iterator[Hashable]:
    """The groups of a table that are withheld, by the keys of the answers."""
    groups: dict[str, Hashable] = {one.name.vi: one.id for one in room.context.centre.departments}
    groups |= {label.vi: name for name, label in CHANNELS.items()}
    groups["Toàn Trung tâm"] = "all" if key == "departments" else ""
    table = table_of(report, key)
    n = [column.key for column in table.columns].index("n")
    for row in table.rows:
        if not isinstance(row[n], Mark):
            continue
        label = str(row[0])
        if label in groups:
            yield ("covered", groups[label]) if key == "participation" else groups[label]
        else:
            first = datetime.strptime(label.removeprefix("từ ")[:10], "%d/%m/%Y").date()
            yield first - timedelta(days=first.weekday())


@pytest.mark.parametrize("kind", ["week", "month"])
def test_the_days_with_dossiers_of_all_less_those_of_one_do_not_tell_the_other(
    room: Room, kind: ReportKind
) -> None:
    first, second = date(2026, 10, 6), date(2026, 10, 7)
    for spot, day, n in (
        (("so_noi_vu", "q12"), first, 3),
        (("so_noi_vu", "q12"), second, 17),
        (("so_y_te", "q09"), first, 10),
        (("so_y_te", "q09"), second, 20),
    ):
        room.take(ratings((5,) * n, **place(*spot), answered_at=at(day)))
    room.context.store.put_transactions(
        {"day": first, "department": department, "dossiers": dossiers}
        for department, dossiers in (("so_noi_vu", 30), ("so_y_te", 40), ("", 70))
    )
    table = table_of(report_of(room, kind, day=first), "participation")
    known = {row[0]: row[2] for row in table.rows if not isinstance(row[2], Mark)}
    assert known == {"Toàn Trung tâm": 13}


def test_a_week_less_its_days_with_dossiers_does_not_tell_the_other_days(room: Room) -> None:
    for day, n in ((6, 20), (13, 22), (20, 25), (21, 3)):
        room.take(ratings((5,) * n, answered_at=at(date(2026, 10, day))))
    known = {"day": date(2026, 10, 20), "department": "", "dossiers": 50}
    room.context.store.put_transactions([known])
    report = report_of(room)
    weeks = {row[1] for row in table_of(report, "trend").rows}
    [covered] = table_of(report, "participation").rows
    assert not {28, 25} <= {*weeks, covered[2]}


def test_weeks_do_not_tell_how_the_few_of_a_week_answered(room: Room) -> None:
    """Two weeks of four, all very dissatisfied, and five that have no such answer."""
    long = [[5] * 30 + [4], [5] * 40 + [4], [5] * 117, [5] * 50, [5] * 60]
    given = [[1] * 4, [1] * 4, *long]
    for week, codes in enumerate(given):
        room.take(ratings(codes, answered_at=at(date(2026, 10, 5) + timedelta(days=7 * week))))
    rows = table_of(report_of(room), "trend").rows
    shown = [row[1] for row in rows if isinstance(row[1], int)]
    assert 0 < sum(shown) < sum(map(len, long)), "those would leave eight answers of one kind"


def flagged_days(room: Room, *, few: bool) -> None:
    """Two departments of 20 honest ratings each, and of each eight of the worst that look odd.

    With ``few`` the second has two of these, in the evening.
    """
    day, items = date(2026, 10, 14), list[object]()
    start = datetime.fromisoformat(f"{day}T14:00:00+07:00")
    for department, counter in (("so_tu_phap", "q05"), ("so_y_te", "q09")):
        where = place(department, counter)
        honest = [5] * 18 + [4, 3]
        items += [
            one | {"answered_at": (start - timedelta(hours=4, minutes=-5 * number)).isoformat()}
            for number, one in enumerate(ratings(honest, **where))
        ]
        small = few and department == "so_y_te"
        late = timedelta(hours=8) if small else timedelta()
        items += [
            one | {"answered_at": (start + late + timedelta(seconds=number)).isoformat()}
            for number, one in enumerate(ratings([1] * (2 if small else 8), **where))
        ]
    room.take(items)


def told_beside(report: Report) -> list[tuple[str, str, str]]:
    """What stands beside the centre and its departments, of whom."""
    notes = " ".join(
        note for key in ("headline", "departments") for note in table_of(report, key).notes
    )
    found = re.finditer(
        r"([^;.:]+): không tính (\d+) lượt có dấu hiệu bất thường: ([\d,]+)%", notes
    )
    return [(one[1].strip(), one[2], one[3]) for one in found]


@pytest.mark.parametrize("kind", ["week", "month", "quarter"])
def test_departments_have_the_share_without_flagged_ratings_beside_theirs(
    make_room: Callable[..., Room], kind: ReportKind
) -> None:
    room = make_room(centre=CENTRE)
    flagged_days(room, few=False)
    centre, *departments = told_beside(report_of(room, kind, day=date(2026, 10, 14)))
    assert centre[1:] == ("16", "90,0")
    assert [one[1:] for one in departments] == [("8", "90,0")] * 2
    assert {one[0] for one in departments} == {"Sở Tư pháp", "Sở Y tế"}


def test_a_few_flagged_ratings_are_found_by_no_subtraction(make_room: Callable[..., Room]) -> None:
    """Ten of the centre may be told: not that eight are of the one department, so two elsewhere."""
    room = make_room(centre=CENTRE)
    flagged_days(room, few=True)
    month = report_of(room, "month", day=date(2026, 10, 14))
    assert [one[1:] for one in told_beside(month)] == [("10", "90,0")]
    assert "2 lượt" not in " ".join(table_of(month, "headline").notes)  # nor of which rule they are
    sheet = report_of(room, "day", day=date(2026, 10, 14), internal=True)
    [told] = table_of(sheet, "daily").notes
    assert "Sở Y tế: không tính 2 lượt" in told
    assert "Sở Tư pháp: không tính 8 lượt" in told
    assert "Toàn Trung tâm: không tính 10 lượt" in told
    handed_on = report_of(room, "day", day=date(2026, 10, 14))
    assert "không tính 2 lượt" not in " ".join(table_of(handed_on, "daily").notes)
