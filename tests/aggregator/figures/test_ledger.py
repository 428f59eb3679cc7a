"""What was published stays as printed, and no later release gives a small group away."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.exc import DatabaseError

from aggregator.figures.asked import frozen_selection, rows_under_ledger
from aggregator.figures.ledger import judged, settled
from aggregator.figures.release import board, months_due, release
from aggregator.organisation.acts import merge
from aggregator.organisation.seen import SEEN, Seen
from aggregator.storage.ledger import Decision, Group
from aggregator.storage.store import Selection, Store
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import Intake, ratings

NOVEMBER = datetime(2026, 11, 23, 1, 15, tzinfo=UTC)


@pytest.fixture
def survey(surveys: dict[str, Survey]) -> Survey:
    return surveys["in_centre"]


def rated(intake: Intake, day: str, codes: list[int], department: str = "so_tu_phap") -> None:
    counters = {"so_tu_phap": "q05", "so_y_te": "q09", "so_noi_vu": "q12"}
    place = {"department": department, "counter": counters[department]}
    intake(ratings(codes, answered_at=f"{day}T08:10:00+07:00", **place))


def shown(store: Store, kind: str = "month") -> dict[tuple[date, str], int]:
    """What the board shows: by first day and department, the number of ratings."""
    return {
        (one.group.since, one.department): one.figures["n"]
        for one in store.ledger.board("in_centre", [kind])
        if one.shown
    }


def ask(store: Store, survey: Survey, centre: Centre, *groups: Group) -> list[bool]:
    """Whether groups are published, as somebody other than the board asks for them."""

    def decide(known: object) -> list[Decision]:
        may = judged(store.frozen(), survey, centre, known, groups)  # type: ignore[arg-type]
        there = {one.group.key for one in known}  # type: ignore[attr-defined]
        return [Decision(one, may[one]) for one in groups if one.key not in there]

    known = settled(store, survey, NOVEMBER, "cổng dữ liệu", decide)
    decided = {one.group.key: one.shown for one in known}
    return [decided[one.key] for one in groups]


def test_a_month_is_published_once_it_is_over_and_answers_have_come_in(
    store: Store, intake: Intake, survey: Survey, centre: Centre
) -> None:
    rated(intake, "2026-10-06", [5] * 30 + [4] * 2)
    rated(intake, "2026-10-20", [5] * 9, "so_noi_vu")
    rated(intake, "2026-10-21", [5] * 2 + [1], "so_y_te")
    rated(intake, "2026-11-05", [5] * 20)
    for day, months in (("2026-10-31", 0), ("2026-11-02", 0), ("2026-11-03", 1)):
        now = datetime.fromisoformat(f"{day}T09:00:00+07:00")
        assert len(months_due(store, survey, centre, now)) == months
    release(store, survey, centre, NOVEMBER)
    october = date(2026, 10, 1)
    assert shown(store) == {(october, ""): 44, (october, "so_tu_phap"): 32}, (
        "three of a department could be had by subtraction, so nine of another are withheld"
    )
    [whole] = [one for one in store.ledger.board("in_centre", ["month"]) if not one.department]
    assert whole.figures["counts"] == {"5": 41, "4": 2, "3": 0, "2": 0, "1": 1}
    k, low, high = whole.figures["measures"]["very_satisfied"]
    assert k == 41
    assert low < 41 / 44 < high


def test_what_was_published_stays_as_printed(
    store: Store, intake: Intake, survey: Survey, centre: Centre
) -> None:
    """A second figure less the first would be of those who came late: one person."""
    rated(intake, "2026-09-02", [5] * 20)
    rated(intake, "2026-10-06", [5] * 30)
    release(store, survey, centre, NOVEMBER)
    before = store.ledger.board("in_centre", ["month", "quarter"])
    rated(intake, "2026-10-07", [1])
    rated(intake, "2026-08-07", [1] * 9)
    release(store, survey, centre, NOVEMBER + timedelta(days=5))
    assert store.ledger.board("in_centre", ["month", "quarter"]) == before
    october = Group("in_centre", "", date(2026, 10, 1), date(2026, 10, 31))
    same = Group("in_centre", "", date(2026, 10, 6), date(2026, 10, 31))
    assert ask(store, survey, centre, october, same) == [True, True]
    release(store, survey, centre, NOVEMBER + timedelta(days=60))
    quarters = shown(store, "quarter")
    assert quarters[date(2026, 7, 1), ""] == 20
    assert quarters[date(2026, 10, 1), ""] == 30
    assert shown(store, "year")[date(2026, 1, 1), ""] == 50


def test_month_to_date_and_days_within_weeks_give_no_group_away(
    store: Store, intake: Intake, survey: Survey, centre: Centre
) -> None:
    """Differences of running months gave 6,192 of 7,623 small groups away."""
    given = {day: [5] * (day % 4) + [4] * (day % 3) for day in range(5, 31)}
    for day, codes in given.items():
        rated(intake, f"2026-10-{day:02}", codes)
    release(store, survey, centre, NOVEMBER)
    first = date(2026, 10, 1)
    running = [Group("in_centre", "", first, date(2026, 10, day)) for day in given]
    weeks = [
        Group("in_centre", "", date(2026, 10, day), date(2026, 10, day + 6)) for day in (5, 12, 19)
    ]
    days = [Group("in_centre", "", date(2026, 10, day), date(2026, 10, day)) for day in given]
    groups = [*running, *weeks, *days]
    may = ask(store, survey, centre, *groups)
    assert 2 < sum(may) < len(groups)
    assert may == ask(store, survey, centre, *groups), "what was decided stays"
    known = {frozenset(given)} | {
        frozenset(day for day in given if one.since.day <= day <= one.until.day)
        for one, shown in zip(groups, may, strict=True)
        if shown
    }
    for one, other in itertools.permutations(known, 2):
        for rest in (one - other, one & other):
            people = sum(len(given[day]) for day in rest)
            assert people == 0 or people >= 5 or not (other <= one), sorted(rest)


@pytest.mark.parametrize("order", list(itertools.permutations(SEEN)))
def test_a_merger_gives_no_small_department_away(
    store: Store, intake: Intake, survey: Survey, centre: Centre, order: Sequence[Seen]
) -> None:
    """The figure of the successor less that of one of its parts would be the other part's."""
    rated(intake, "2026-10-06", [5] * 30)
    rated(intake, "2026-10-07", [5] * 3, "so_y_te")
    rated(intake, "2026-10-08", [5] * 20, "so_noi_vu")
    merged = merge(centre, "department", "so_y_te", "so_tu_phap", date(2026, 11, 1))
    days = Selection(survey.id, None, date(2026, 10, 5), date(2026, 10, 9))
    asked = frozen_selection(store, survey, merged, days, NOVEMBER)
    printed = {
        how: {
            row.key: row.n
            for row in rows_under_ledger(
                store, survey, merged, asked, "department", "wilson", how, NOVEMBER, "cổng dữ liệu"
            )
            if not row.withheld
        }
        for how in order
    }
    sizes = {"so_tu_phap": {"then": 30, "now": 33}, "so_noi_vu": {"then": 20, "now": 20}}
    shown_of = {how: set(rows) for how, rows in printed.items()}
    assert all(n == sizes[key][how] for how, rows in printed.items() for key, n in rows.items())
    assert "so_y_te" not in shown_of["then"]
    assert not ("so_tu_phap" in shown_of["then"] and "so_tu_phap" in shown_of["now"])
    assert any(shown_of.values())


def test_the_ledger_refuses_changes(
    store: Store, intake: Intake, survey: Survey, centre: Centre
) -> None:
    rated(intake, "2026-10-06", [5] * 30)
    release(store, survey, centre, NOVEMBER)
    for table in ("published_group", "frozen_block"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET survey = 'x'"):
            with (
                pytest.raises(DatabaseError, match="append-only"),
                store.engine.begin() as connection,
            ):
                connection.exec_driver_sql(statement)


def test_who_decides_at_the_same_time_decides_once(
    store: Store, intake: Intake, survey: Survey, centre: Centre
) -> None:
    rated(intake, "2026-10-06", [5] * 30)
    [october] = months_due(store, survey, centre, NOVEMBER)
    store.ledger.freeze(survey.id, october)
    store.ledger.freeze(survey.id, october)
    known, last = store.ledger.decided(survey.id)
    new = board(store.frozen(), survey, centre, known)
    assert store.ledger.add(new, NOVEMBER, "", last)
    assert not store.ledger.add(new, NOVEMBER, "", last)
    assert len(store.ledger.decided(survey.id)[0]) == len(new)
