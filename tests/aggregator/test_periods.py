"""Which days a page shows."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.periods import EARLIEST, KINDS, LATEST, Period, PeriodError, read_period

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
        ({"period": "year"}, "period", "unknown_period"),
        ({"date": "23/11/2026"}, "date", "not_a_day"),
        ({"date": "2026-02-30"}, "date", "not_a_day"),
        ({"date": "0001-01-01"}, "date", "not_a_day"),
        ({"date": "9999-12-31", "period": "month"}, "date", "not_a_day"),
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


@given(days, st.sampled_from(["day", "week", "month"]))
def test_a_period_contains_its_day_and_survives_its_own_address(day: date, kind: str) -> None:
    period = read_period({"period": kind, "date": day.isoformat()}, TODAY)
    assert period.since <= day <= period.until
    assert read_period(period.parameters(), TODAY) == period


@given(days, st.sampled_from(KINDS), st.integers(0, 400))
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
        ({"from": "2024-01-01", "to": "9000-01-01"}, "not_a_day"),
        ({"from": "2000-01-01", "to": "2999-12-31"}, "too_long"),
    ],
)
def test_a_range_without_neighbours_is_refused(given: dict[str, str], key: str) -> None:
    with pytest.raises(PeriodError) as caught:
        read_period(given, TODAY)
    assert caught.value.key == key


@pytest.mark.parametrize("day", [EARLIEST, LATEST])
@pytest.mark.parametrize("kind", ["day", "week", "month"])
def test_every_period_has_neighbours(day: date, kind: str) -> None:
    period = read_period({"period": kind, "date": day.isoformat()}, TODAY)
    before, after = period.shifted(-1), period.shifted(1)
    assert before.until < period.since <= period.until < after.since
