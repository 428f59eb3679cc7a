"""Figures under the organisation of their time and of today: every total is the same."""

import tomllib
from collections import Counter
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.figures.figures import figure_rows
from aggregator.figures.handling import department_scores
from aggregator.figures.references import set_comparisons, why_not_comparable
from aggregator.indices.circular_01_2018 import BY_DOSSIER, Counts, Facts
from aggregator.intake.ingest import Ingest, Offer
from aggregator.organisation import acts
from aggregator.organisation.changes import changes, refuse_future
from aggregator.organisation.seen import SEEN, Seen, following, seen
from aggregator.organisation.toml import to_toml
from aggregator.storage.store import Selection, Store
from surveys.centre import Centre, load_centre
from surveys.definition import DefinitionError, Text, load_surveys
from surveys.messages import MessageError
from tests.aggregator.conftest import CENTRE, NOW, sipas, submission
from tests.surveys.test_units import centre, counter, department, text

SURVEYS = load_surveys()
START = date(2026, 1, 1)
TODAY = date(2026, 11, 23)


def small(**more: Any) -> Centre:
    return centre(
        department("planning", counter("q1"), counter("q2")),
        department("finance", counter("q3")),
        department("water"),
        **more,
    )


@st.composite
def acted(draw: st.DrawFn) -> list[tuple[str, tuple[Any, ...]]]:
    """Acts on days that go forward, some of which cannot be."""
    departments = st.sampled_from(["planning", "finance", "water", "new_1", "new_2"])
    counters = st.sampled_from(["q1", "q2", "q3", "new_3"])
    units = st.one_of(
        st.tuples(st.just("department"), departments), st.tuples(st.just("counter"), counters)
    )
    found: list[tuple[str, tuple[Any, ...]]] = []
    for number in range(draw(st.integers(1, 6))):
        day = START + timedelta(days=30 * number)
        name = Text(vi=f"tên {number}", en=f"name {number}")
        (kind, id), (_, other) = draw(units), draw(units)
        found.append(
            draw(
                st.sampled_from(
                    [
                        ("open_department", (f"new_{number}", name, day)),
                        ("open_counter", ("new_3", name, draw(departments), day)),
                        ("rename", (kind, id, name, draw(st.sampled_from([day, None])))),
                        ("close", (kind, id, day)),
                        ("merge", (kind, id, other, day)),
                        ("move", (draw(counters), draw(departments), day)),
                    ]
                )
            )
        )
    return found


def played(first: Centre, steps: list[tuple[str, tuple[Any, ...]]]) -> list[Centre]:
    """The versions that acts make, without those that are refused."""
    versions = [first]
    for act, arguments in steps:
        try:
            next_one = getattr(acts, act)(versions[-1], *arguments)
            changes(versions[-1], next_one, {})
        except (MessageError, DefinitionError):
            continue
        refuse_future(next_one, TODAY)
        versions.append(next_one)
    return versions


def places(version: Centre) -> list[dict[str, str | None]]:
    """Every place that an answer may come from."""
    found: list[dict[str, str | None]] = [{"department": None, "counter": None}]
    found += ({"department": one.id, "counter": None} for one in version.departments)
    found += ({"department": d, "counter": c} for c, d in sorted(version.stood))
    return found


@given(acted())
def test_whatever_is_done_every_place_keeps_a_department_and_a_counter(
    steps: list[tuple[str, tuple[Any, ...]]],
) -> None:
    versions = played(small(), steps)
    last = versions[-1]
    for version in versions:
        assert version.stood <= last.stood
        assert set(version.department) <= set(last.department)
    assert acts.valid(tomllib.loads(to_toml(last))) == last
    now = seen(last, "now", TODAY)
    follow = following(last, "now")
    for stood, at in last.stood:
        assert follow["department"].get(at, at) in now.department
        assert follow["counter"].get(stood, stood) in now.counter
    assert not set(now.department) & set(last.department_heirs)
    then = seen(last, "then", START)
    assert set(then.department) == set(last.department)
    assert set(then.counter) == set(last.counter)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acted(), st.data())
def test_every_total_is_the_same_in_both_organisations(
    store: Store, steps: list[tuple[str, tuple[Any, ...]]], data: st.DataObject
) -> None:
    with store.database.begin(write=True) as connection:
        for table in ("submission", "block"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    versions = played(small(), steps)
    last = versions[-1]
    items: list[dict[str, Any]] = []
    for place in places(last):
        for day in ("2026-02-10", "2026-11-20"):
            code = data.draw(st.integers(1, 5))
            where = {**place, "answered_at": f"{day}T08:00:00+07:00"}
            items += [submission(answers={"rating": code}, **where), sipas([code] * 4, **where)]
    ingest = Ingest(store, SURVEYS, last, lambda: NOW)
    [receipts] = ingest.accept([Offer(items, "en")])
    assert Counter(one.status for one in receipts) == {"accepted": len(items)}
    for survey in ("in_centre", "sipas_2020"):
        for since, until in ((START, TODAY), (START, date(2026, 3, 31))):
            found = {one: rows_under(store, last, one, survey, since, until) for one in SEEN}
            assert found["then"]["centre"] == found["now"]["centre"]
            for of in found.values():
                whole, unplaced = of["centre"], of["nowhere"]
                assert sum(of["departments"].values()) + unplaced == whole
                for name, n in of["departments"].items():
                    assert 0 <= sum(of["counters"].get(name, [])) <= n
            assert found["then"]["nowhere"] == found["now"]["nowhere"]
            at_counters = {one: sum(map(sum, found[one]["counters"].values())) for one in SEEN}
            assert at_counters["then"] == at_counters["now"]


def rows_under(
    store: Store, last: Centre, how: Seen, survey: str, since: date, until: date
) -> dict[str, Any]:
    counted = store.snapshot().following(following(last, how))
    under = seen(last, how, until)
    selection = Selection(survey, None, since, until)

    def rows(by: Any) -> list[Any]:
        return figure_rows(counted, SURVEYS[survey], under, selection, by)

    [whole] = rows("centre")
    counters: dict[str, list[int]] = {}
    for row in rows("counter"):
        counters.setdefault(row.department, []).append(row.n)
    departments = {row.key: row.n for row in rows("department")}
    return {
        "centre": whole.n,
        "departments": departments,
        "counters": counters,
        "nowhere": whole.n - sum(departments.values()),
    }


def test_names_of_a_past_period_are_those_of_its_end() -> None:
    renamed = acts.rename(
        small(), "department", "water", Text(vi="Nước sạch", en="Clean"), date(2026, 3, 1)
    )
    merged = acts.merge(renamed, "department", "planning", "finance", date(2026, 4, 1))
    before = seen(merged, "then", date(2026, 2, 28))
    assert before.department["water"].name.vi == "water"
    assert [c.id for c in before.department["planning"].counters] == ["q1", "q2"]
    march = seen(merged, "then", date(2026, 3, 31))
    assert march.department["water"].name.vi == "Nước sạch"
    now = seen(merged, "now", date(2026, 2, 28))
    assert now.department["water"].name.vi == "Nước sạch"
    assert [c.id for c in now.department["finance"].counters] == ["q3", "q1", "q2"]
    assert set(now.department) == {"finance", "water"}


def test_a_counter_that_moved_has_a_row_at_each_department(store: Store) -> None:
    moved = acts.move(small(), "q1", "water", date(2026, 4, 1))
    ingest = Ingest(store, SURVEYS, moved, lambda: NOW)
    ingest.accept(
        [
            Offer(
                [
                    *(submission(department="planning", counter="q1") for _ in range(3)),
                    *(submission(department="water", counter="q1") for _ in range(2)),
                ],
                "en",
            )
        ]
    )
    for how in SEEN:
        under = seen(moved, how, TODAY)
        counted = store.following(following(moved, how))
        rows = figure_rows(counted, SURVEYS["in_centre"], under, Selection("in_centre"), "counter")
        shown = {(row.department, row.key): (row.n, row.label.vi) for row in rows if row.n}
        assert shown == {
            ("planning", "q1@planning"): (3, "q1 (khi ở planning)"),
            ("water", "q1"): (2, "q1"),
        }


REFERENCE = {
    "label": text("Thiết bị"),
    "survey": "in_centre",
    "measure": "very_satisfied",
    "scale": text("x"),
    "mode": text("x"),
    "population": text("x"),
    "period_from": "2025-01-01",
    "period_to": "2025-12-31",
    "source": "x",
}


def bound(id: str, department: str, **figure: float) -> dict[str, Any]:
    return {**REFERENCE, "id": id, "department": department, **figure}


def test_references_of_merged_departments_add_up_or_say_why_not() -> None:
    own = [bound("p", "planning", k=3, n=10), bound("f", "finance", k=5, n=20)]
    first = small(references=[*own, bound("w", "water", share=0.5)])
    merged = acts.merge(first, "department", "planning", "finance", date(2026, 4, 1))
    then, now = (seen(merged, how, TODAY) for how in SEEN)
    assert then.references == first.references
    by_department = {r.department: r for r in now.references}
    assert by_department["finance"].k == 8
    assert by_department["finance"].n == 30
    assert by_department["water"].value == 0.5
    rating = SURVEYS["in_centre"]
    assert why_not_comparable(rating, by_department["finance"], "finance") is None
    assert why_not_comparable(rating, by_department["finance"]) == "other_department"
    shares = small(references=[bound("p", "planning", k=3, n=10), bound("f", "finance", share=0.4)])
    alone = small(references=[bound("f", "finance", k=5, n=20)])
    for partly in (shares, alone):
        merged = acts.merge(partly, "department", "planning", "finance", date(2026, 4, 1))
        for reference in seen(merged, "now", TODAY).references:
            assert why_not_comparable(rating, reference, "finance") == "part_of_department"
        for reference in seen(merged, "then", TODAY).references:
            assert why_not_comparable(rating, reference, reference.department) is None


def test_a_bound_reference_is_compared_with_its_department_alone(store: Store) -> None:
    first = small(references=[bound("p", "planning", k=3, n=10)])
    ingest = Ingest(store, SURVEYS, first, lambda: NOW)
    ingest.accept(
        [Offer([submission(department="planning", counter=None) for _ in range(40)], "en")]
    )
    rows = figure_rows(store, SURVEYS["in_centre"], first, Selection("in_centre"), "department")
    assert {row.key: len(row.comparisons) for row in rows} == {
        "planning": 1,
        "finance": 0,
        "water": 0,
    }
    set_comparisons([], SURVEYS["in_centre"], first, closed=False)


def test_dossiers_and_facts_follow_too(store: Store) -> None:
    merged = acts.merge(small(), "department", "planning", "finance", date(2026, 4, 1))
    day = date(2026, 5, 4)
    store.put_transactions(
        [
            {"day": day, "department": "planning", "dossiers": 7},
            {"day": day, "department": "finance", "dossiers": 5},
            {"day": day, "department": "", "dossiers": 20},
        ]
    )
    counts = {number: Counts(0, 1, 2, 3) for number in BY_DOSSIER}
    store.handling.set_dossiers({(day, "planning"): counts, (day, "finance"): counts})
    facts = {"planning": Facts(posted=False, feedback=4, feedback_on_time=4)}
    facts["finance"] = Facts(posted=True, published_online=True, feedback=6, feedback_on_time=3)
    store.handling.set_facts({(day, name): one for name, one in facts.items()})
    now = store.following(following(merged, "now"))
    found = now.transactions(day, day)
    assert dict(zip(found["department"], found["dossiers"], strict=True)) == {
        "": 20,
        "finance": 12,
    }
    assert len(store.transactions(day, day)) == 3
    [points] = {*now.handling.dossiers(["finance"], day, day)["finance"].values()}
    assert points == Counts(0, 2, 4, 6)
    assert [one.posted for one in now.handling.facts(day, day)["finance"]] == [False, True]
    scores = department_scores(now, seen(merged, "now", day), day, day, NOW)
    assert list(scores) == ["finance", "water"]
    then = department_scores(store, seen(merged, "then", day), day, day, NOW)
    assert list(then) == ["planning", "finance", "water"]
    by_number = {one.indicator: one.points for one in scores["finance"].indicators}
    assert by_number[6] == 2
    assert by_number[8] == 0


def test_the_sample_centre_without_changes_is_shown_as_it_is() -> None:
    sample = load_centre(CENTRE)
    assert seen(sample, "then", TODAY) is sample
    assert following(sample, "then") == {}
