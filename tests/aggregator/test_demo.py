"""The simulated quarter."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.demo import SLOW, Quarter, simulate
from aggregator.figures import figure_rows
from aggregator.ingest import rebuild
from aggregator.store import Selection
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import NOW, Room, stored, tallies

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)  # a Friday


@pytest.fixture
def simulated(room: Room) -> Room:
    room.clock.moment = NOON
    context = room.context
    taken = simulate(context.store, context.commits._ingest, context.centre, context.surveys, NOON)
    assert taken == len(stored(context.store)) > 3_000
    room.sign_in()
    return room


def test_it_is_a_quarter_of_opening_days_with_a_rhythm(simulated: Room) -> None:
    zone = simulated.context.centre.zone
    moments = [row.answered_at.astimezone(zone) for row in stored(simulated.context.store)]
    assert {moment.weekday() for moment in moments} == {0, 1, 2, 3, 4}
    assert (max(moments) - min(moments)).days >= 88
    assert max(moments) <= NOON.astimezone(zone) + timedelta(minutes=5)
    hours = Counter(moment.hour for moment in moments)
    assert hours[9] > hours[11]
    assert hours[14] > hours[16] > hours[12]


def test_some_deliveries_are_days_late_and_none_is_from_the_future(simulated: Room) -> None:
    rows = stored(simulated.context.store)
    delays = [row.received_at - row.answered_at for row in rows]
    late = [delay for delay in delays if delay > timedelta(days=1)]
    assert 10 < len(late) < len(rows) / 5
    assert max(row.received_at for row in rows) <= NOON


def test_one_department_is_slow_and_stands_out(simulated: Room) -> None:
    context = simulated.context
    survey = context.surveys["in_centre"]
    rows = figure_rows(context.store, survey, context.centre, Selection("in_centre"), "department")
    verdicts = {row.key: row.comparisons[0].verdict for row in rows}
    assert verdicts[SLOW] == "below"
    assert list(verdicts.values()).count("below") <= 3


def test_every_survey_and_the_participation_has_something_to_show(simulated: Room) -> None:
    for survey in ("in_centre", "sipas_2020", "business"):
        html = simulated.client.get(f"/?survey={survey}&from=2026-08-01&to=2026-11-20").text
        assert "Chưa có lượt đánh giá nào" not in html
    assert "hồ sơ" in simulated.client.get("/?date=2026-11-19").text


def test_its_tallies_are_those_of_its_rows(simulated: Room) -> None:
    store = simulated.context.store
    before = tallies(store)
    rebuild(store, simulated.context.surveys, lambda done: None)
    assert tallies(store) == before


def test_the_same_day_gives_the_same_quarter(centre: Centre, surveys: dict[str, Survey]) -> None:
    one, two = (Quarter(centre, surveys["business"], NOW) for _ in range(2))
    assert list(one.batches()) == list(two.batches())
    assert one.transactions == two.transactions
