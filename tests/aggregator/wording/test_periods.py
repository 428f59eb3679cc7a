"""Which days a page shows."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.wording.periods import (
    EARLIEST,
    LATEST,
    PERIOD_KINDS,
    Period,
    PeriodError,
    PeriodKind,
    period_of,
    read_period,
)

TODAY = date(2026, 11, 23)  # a Monday


@pytest.mark.parametrize(
    ("given", "kind", "since", "until"),
    [
        ({}, "day", "2026-11-23", "2026-11-23"),
        ({"date": "2020-05-12"}, "day", "2020-05-12", "2020-05-12"),
        ({"period": "week", "date": "2020-05-12"}, "week", "2020-05-11", "2020-05-17"),
        ({"period": "week"}, "week", "2026-11-23", "2026-11-29"),
        ({"period": "month", "date": "2020-02-29"}, "month", "2020-02-01", "2020-02-29"),
        ({"period": "month", "date": "2026-12-31"}, "month", "2026-12-01", "2026-12-31"),
        ({"period": "quarter", "date": "2020-05-12"}, "quarter", "2020-04-01", "2020-06-30"),
        ({"period": "quarter", "date": "2026-12-31"}, "quarter", "2026-10-01", "2026-12-31"),
        ({"period": "year", "date": "2020-05-12"}, "year", "2020-01-01", "2020-12-31"),
        ({"from": "2019-09-03", "to": "2020-05-12"}, "range", "2019-09-03", "2020-05-12"),
        ({"from": "2020-01-01"}, "range", "2020-01-01", "2026-11-23"),
        ({"to": "2020-05-12"}, "range", "2020-05-12", "2020-05-12"),
        # the form sends every field; the kind decides which count
        (
            {"period": "range", "date": "2026-11-23", "from": "2020-01-01", "to": "2020-01-02"},
            "range",
            "2020-01-01",
            "2020-01-02",
        ),
        (
            {"period": "day", "date": "2020-05-12", "from": "2020-01-01", "to": "2020-01-02"},
            "day",
            "2020-05-12",
            "2020-05-12",
        ),
        ({"period": "", "date": "", "from": "", "to": ""}, "day", "2026-11-23", "2026-11-23"),
    ],
    ids=str,
)
def test_the_period_of_a_query(given: dict[str, str], kind: str, since: str, until: str) -> None:
    found = read_period(given, TODAY)
    assert (found.kind, str(found.since), str(found.until)) == (kind, since, until)


@pytest.mark.parametrize(
    ("given", "field", "key"),
    [
        ({"period": "decade"}, "period", "unknown_period"),
        ({"date": "23/11/2026"}, "date", "not_a_day"),
        ({"date": "2026-02-30"}, "date", "not_a_day"),
        ({"date": "0001-01-01"}, "date", "far_day"),
        ({"date": "9999-12-31", "period": "month"}, "date", "far_day"),
        ({"from": "x", "to": "2020-01-01"}, "from", "not_a_day"),
        ({"from": "2020-01-02", "to": "2020-01-01"}, "from", "from_after_to"),
        ({"from": "2026-11-24"}, "from", "from_after_to"),
    ],
    ids=str,
)
def test_a_period_that_cannot_be_names_the_parameter(
    given: dict[str, str], field: str, key: str
) -> None:
    with pytest.raises(PeriodError) as caught:
        read_period(given, TODAY)
    assert (caught.value.field, caught.value.key) == (field, key)


days = st.dates(date(2000, 1, 1), date(2099, 12, 31))


NAMED: tuple[PeriodKind, ...] = ("day", "week", "month", "quarter", "year")


@given(days, st.sampled_from(NAMED))
def test_a_period_contains_its_day_and_survives_its_own_address(day: date, kind: str) -> None:
    period = read_period({"period": kind, "date": day.isoformat()}, TODAY)
    assert period.since <= day <= period.until
    assert read_period(period.parameters(), TODAY) == period


@given(days, st.sampled_from(PERIOD_KINDS), st.integers(0, 400))
def test_neighbours_touch_without_overlap_and_lead_back(day: date, kind: str, span: int) -> None:
    if kind == "range":
        period = Period("range", day, day + timedelta(days=span))
    else:
        period = read_period({"period": kind, "date": day.isoformat()}, TODAY)
    following = period.shifted(1)
    assert following.since == period.until + timedelta(days=1)
    assert following.shifted(-1) == period
    assert read_period(following.parameters(), TODAY) == following


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"from": "2024-01-01", "to": "9000-01-01"}, "far_day"),
        ({"from": "2000-01-01", "to": "2999-12-31"}, "too_long"),
    ],
)
def test_a_range_without_neighbours_is_refused(given: dict[str, str], key: str) -> None:
    with pytest.raises(PeriodError) as caught:
        read_period(given, TODAY)
    assert caught.value.key == key


@pytest.mark.parametrize("day", [EARLIEST, LATEST])
@pytest.mark.parametrize("kind", NAMED)
def test_every_period_has_neighbours(day: date, kind: str) -> None:
    period = read_period({"period": kind, "date": day.isoformat()}, TODAY)
    before, after = period.before, period.shifted(1)
    assert period.year_before.until <= before.until
    assert before.until < period.since <= period.until < after.since


def dates(period: Period) -> tuple[str, str, str]:
    return period.kind, str(period.since), str(period.until)


@pytest.mark.parametrize(
    ("kind", "day", "before", "year_before"),
    [
        # Monday of week 48 of a year of 53 weeks; the Monday of week 48 of 2025 is the 24th
        ("day", "2026-11-23", ("2026-11-22", "2026-11-22"), ("2025-11-24", "2025-11-24")),
        ("week", "2026-11-23", ("2026-11-16", "2026-11-22"), ("2025-11-24", "2025-11-30")),
        # week 53, which 2025 does not have
        ("week", "2026-12-31", ("2026-12-21", "2026-12-27"), ("2025-12-22", "2025-12-28")),
        # 1 January 2027 is a Friday of that same week 53 of 2026
        ("day", "2027-01-01", ("2026-12-31", "2026-12-31"), ("2025-12-26", "2025-12-26")),
        ("month", "2024-03-31", ("2024-02-01", "2024-02-29"), ("2023-03-01", "2023-03-31")),
        ("month", "2024-02-29", ("2024-01-01", "2024-01-31"), ("2023-02-01", "2023-02-28")),
        ("month", "2026-01-01", ("2025-12-01", "2025-12-31"), ("2025-01-01", "2025-01-31")),
        ("quarter", "2026-11-23", ("2026-07-01", "2026-09-30"), ("2025-10-01", "2025-12-31")),
        ("quarter", "2026-01-31", ("2025-10-01", "2025-12-31"), ("2025-01-01", "2025-03-31")),
        ("year", "2024-02-29", ("2023-01-01", "2023-12-31"), ("2023-01-01", "2023-12-31")),
    ],
)
def test_what_a_period_is_compared_with(
    kind: PeriodKind, day: str, before: tuple[str, str], year_before: tuple[str, str]
) -> None:
    period = period_of(kind, date.fromisoformat(day))
    assert dates(period.before) == (kind, *before)
    assert dates(period.year_before) == (kind, *year_before)


def test_a_range_is_compared_with_the_same_dates_a_year_before() -> None:
    leap = Period("range", date(2024, 2, 29), date(2024, 3, 10))
    assert dates(leap.before) == ("range", "2024-02-18", "2024-02-28")
    assert dates(leap.year_before) == ("range", "2023-02-28", "2023-03-10")


@given(days)
def test_a_day_and_its_week_a_year_before_belong_together(day: date) -> None:
    then = period_of("day", day).year_before.since
    week = period_of("week", day).year_before
    assert then.weekday() == day.weekday()
    assert week.since <= then <= week.until
    assert 357 <= (day - then).days <= 371


@given(days, st.sampled_from(NAMED))
def test_a_year_before_is_the_same_kind_and_no_overlap(day: date, kind: PeriodKind) -> None:
    period = period_of(kind, day)
    assert period.year_before == period_of(kind, period.year_before.since)
    assert period.year_before.until < period.since
    assert period.year_before.quarter == period.quarter or kind in ("day", "week")


def test_the_four_quarters_of_a_year() -> None:
    quarters = list(period_of("year", date(2026, 7, 1)).parts("quarter"))
    assert [one.quarter for one in quarters] == [1, 2, 3, 4]
    assert [str(one.since)[5:] for one in quarters] == ["01-01", "04-01", "07-01", "10-01"]


def test_the_weeks_of_a_month_are_cut_where_it_ends() -> None:
    """July 2026 begins on a Wednesday and ends on a Friday."""
    weeks = period_of("month", date(2026, 7, 20)).parts("week")
    assert [dates(week) for week in weeks] == [
        ("range", "2026-07-01", "2026-07-05"),
        ("week", "2026-07-06", "2026-07-12"),
        ("week", "2026-07-13", "2026-07-19"),
        ("week", "2026-07-20", "2026-07-26"),
        ("range", "2026-07-27", "2026-07-31"),
    ]


@given(days, st.integers(0, 800), st.sampled_from(NAMED))
def test_parts_cover_a_period_once_and_survive_their_addresses(
    day: date, span: int, kind: PeriodKind
) -> None:
    period = Period("range", day, day + timedelta(days=span))
    parts = list(period.parts(kind))
    assert (parts[0].since, parts[-1].until) == (period.since, period.until)
    assert sum(part.days for part in parts) == period.days
    for one, following in pairwise(parts):
        assert following.since == one.until + timedelta(days=1)
    assert [read_period(part.parameters(), TODAY) for part in parts] == parts
    assert {part.kind for part in parts[1:-1]} <= {kind}


def test_a_period_that_is_not_over() -> None:
    month = period_of("month", TODAY)
    so_far = month.until_today(TODAY)
    assert dates(so_far) == ("range", "2026-11-01", "2026-11-23")
    assert dates(so_far.year_before) == ("range", "2025-11-01", "2025-11-23")
    assert month.before.until_today(TODAY) == month.before
    assert month.shifted(1).until_today(TODAY) == month.shifted(1)
    assert month.until_today(month.until) == month
