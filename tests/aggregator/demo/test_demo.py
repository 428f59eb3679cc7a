"""The simulated quarter."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aggregator.demo import simulate
from aggregator.demo.calendar import SLOW
from aggregator.demo.citizens import with_population
from aggregator.demo.firms import Firms
from aggregator.demo.mergers import REASON, Mergers
from aggregator.demo.quarter import Quarter
from aggregator.figures.figures import figure_rows
from aggregator.intake.ingest import Ingest, rebuild
from aggregator.organisation.seen import SEEN, following, seen
from aggregator.storage.store import Selection
from aggregator.wording.screening import screened
from surveys.centre import Centre, load_centre
from surveys.definition import Survey, load_surveys
from tests.aggregator.conftest import CENTRE, NOW, ROOT, Room, stored, tallies

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)  # a Friday


@pytest.fixture
def simulated(room: Room) -> Room:
    return filled(room)


def filled(room: Room) -> Room:
    """The room after a simulated quarter, seen by a manager."""
    room.clock.moment = NOON
    context = room.context
    taken = simulate(context.store, context.commits._ingest, context.centre, context.surveys, NOON)
    assert taken == len(stored(context.store)) > 3_000
    room.sign_in()
    return room


@pytest.fixture(scope="module")
def visitors() -> list[dict[str, Any]]:
    quarter = Quarter(load_centre(CENTRE), load_surveys(), NOON)
    return [form for _, forms in quarter.batches() for form in forms]


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
    rebuild(store, lambda done: None)
    assert tallies(store) == before


def test_the_same_day_gives_the_same_quarter(centre: Centre, surveys: dict[str, Survey]) -> None:
    one, two = (Quarter(centre, surveys, NOW) for _ in range(2))
    assert list(one.batches()) == list(two.batches())
    assert one.transactions == two.transactions
    first, second = (Firms(centre, surveys["business"], NOW) for _ in range(2))
    assert list(first.batches()) == list(second.batches())


def test_most_departments_are_ranked_by_firms_and_citizens_are_weighted(
    make_room: Callable[..., Room],
) -> None:
    room = filled(make_room(demo=True, ddci=ROOT / "deploy" / "ddci.toml"))
    html = room.client.get("/ddci?period=year&date=2026-11-20").text
    ranked = set(re.findall(r"how=(\w+)\.rank\b", html))
    assert 10 <= len(ranked) < len(room.context.centre.departments)
    html = room.client.get("/sipas/weighted?period=year&date=2026-11-20").text
    assert "Mô phỏng, không phải số liệu công bố" in html
    assert "how=weighted.satisfied_or_better" in html


def test_some_citizens_tell_about_themselves(visitors: list[dict[str, Any]]) -> None:
    forms = [form for form in visitors if form["survey"] == "sipas_2020"]
    telling = [form for form in forms if "age" in form["answers"]]
    assert len(forms) / 3 < len(telling) < len(forms) * 0.8


def test_a_centre_s_own_margins_stay_and_nothing_simulated_joins_them(centre: Centre) -> None:
    simulated = with_population(centre)
    assert {margin.variable for margin in simulated.margins} == {"residence", "age"}
    assert all("Mô phỏng" in margin.source for margin in simulated.margins)
    assert with_population(simulated) is simulated


def test_outside_a_demonstration_there_is_no_simulated_population(room: Room) -> None:
    assert room.context.centre.margins == ()


def test_some_comments_hold_a_number_that_an_export_masks(visitors: list[dict[str, Any]]) -> None:
    comments = [form["comment"] for form in visitors if form["comment"]]
    assert 50 < len(comments) < len(visitors) / 5
    telling = [comment for comment in comments if "0900 000 000" in comment]
    assert 5 < len(telling) < len(comments) / 2
    assert all("0900" not in screened(comment) for comment in telling)


def test_the_mergers_of_2025_are_played_in_the_quarter(room: Room) -> None:
    context = room.context
    first = context.organisation.stored
    mergers = Mergers.of(first, first.local_day(NOON))
    context.organisation.save(mergers.applied(first), "", REASON, 1)
    merged = context.organisation.centre
    assert len(merged.department_heirs) == 5
    assert merged.department["so_nong_nghiep"].name.vi == "Sở Nông nghiệp và Môi trường"
    ingest = Ingest(context.store, context.surveys, merged, lambda: NOON)
    taken = simulate(context.store, ingest, first, context.surveys, NOON, mergers)
    assert taken == len(stored(context.store)) > 3_000
    selection = Selection("in_centre")
    n = {}
    for how in SEEN:
        counted = context.store.following(following(merged, how))
        under = seen(merged, how, first.local_day(NOON))
        rows = figure_rows(counted, context.surveys["in_centre"], under, selection, "department")
        n[how] = {row.key: row.n for row in rows}
    assert (len(n["then"]), len(n["now"])) == (16, 11)
    assert sum(n["then"].values()) == sum(n["now"].values())
    assert n["now"]["so_tai_chinh"] > n["then"]["so_tai_chinh"] > 0
