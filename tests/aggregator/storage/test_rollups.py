"""Roll-ups change no figure: whatever was rolled up when, sums are those of the day rows."""

import os
import signal
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, get_args

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from aggregator.intake.ingest import Ingest, Offer, rebuild
from aggregator.storage.blocks import Block, Grouping
from aggregator.storage.rollups import SUMS, Span, packed
from aggregator.storage.store import Selection, Store
from aggregator.storage.tables import BlockRow
from aggregator.wording.periods import period_of
from surveys.centre import load_centre
from surveys.definition import Survey, load_surveys
from tests.aggregator.conftest import (
    CENTRE,
    ROOT,
    ZONE,
    Clock,
    Intake,
    sipas,
    stored,
    submission,
    tallies,
)
from tests.aggregator.intake.test_killed import _kill_at
from tests.aggregator.storage.test_tallies import recount

HOURS = ["00", "08", "23"]  # the first and the last are of another day in UTC, or nearly
DAYS = [
    date(2026, month, day) for month, day in ((8, 31), (9, 1), (9, 14), (9, 30), (10, 1), (10, 31))
] + [date(2026, 11, 1), date(2026, 11, 22), date(2026, 11, 23)]
PLACES = [("so_tu_phap", "q05"), ("so_tu_phap", "q06"), ("so_y_te", "q09"), (None, None)]
ANYWHERE: list[Grouping] = ["centre", "department", "counter", "channel"]
ANYTIME: list[Grouping] = ["day", "week", "month", "quarter", "year"]
COLUMNS = {
    "tally": ("survey", "question", "day", "channel", "department", "counter", "code"),
    "pooled_tally": ("survey", "factor", "measure", "day", "channel", "department", "counter"),
}


SURVEYS = load_surveys()


@st.composite
def taken(draw: st.DrawFn) -> dict[str, Any]:
    """A submission of few days and places, so that they meet often."""
    department, counter = draw(st.sampled_from(PLACES))
    where = {
        "department": department,
        "counter": counter,
        "channel": draw(st.sampled_from(["kiosk", "qr"])),
        "answered_at": f"{draw(st.sampled_from(DAYS))}T{draw(st.sampled_from(HOURS))}:30:00+07:00",
    }
    if draw(st.booleans()):
        return submission(answers={"rating": draw(st.integers(1, 5))}, **where)
    return sipas(draw(st.lists(st.integers(1, 5), min_size=1, max_size=6)), **where)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Selection, tuple[Grouping, ...]]:
    """A selection, and one to three groupings of places, times and questions."""
    survey = draw(st.sampled_from(["in_centre", "sipas_2020"]))
    since, until = draw(st.none() | st.sampled_from(DAYS)), draw(st.none() | st.sampled_from(DAYS))
    questions = draw(st.none() | st.sampled_from([("rating",), ("q1", "q5")]))
    channel = draw(st.sampled_from([None, "kiosk"]))
    department = draw(st.sampled_from([None, "so_tu_phap"]))
    by = draw(st.lists(st.sampled_from(ANYWHERE), max_size=2, unique=True))
    by += draw(st.lists(st.sampled_from(ANYTIME), max_size=1))
    return Selection(survey, questions, since, until, channel, department), tuple(by)


Steps = st.lists(st.lists(taken(), min_size=1, max_size=4) | asked(), min_size=2, max_size=12)


def first_day(grouping: str, day: date) -> date:
    """By the calendar's own words, not the code's."""
    if grouping == "week":
        return date.fromisocalendar(*day.isocalendar()[:2], 1)
    if grouping == "quarter":
        return max(date(day.year, month, 1) for month in (1, 4, 7, 10) if month <= day.month)
    return {"day": day, "month": date(day.year, day.month, 1), "year": date(day.year, 1, 1)}[
        grouping
    ]


def by_hand(
    store: Store, table: str, selection: Selection, by: tuple[str, ...]
) -> dict[tuple[object, ...], tuple[int, ...]]:
    """Sums of what was answered on each day, by a plain loop."""
    second = "code" if table == "tally" else "measure"
    found: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0] * len(SUMS))
    for key, sums in recount(store)[table].items():
        row: dict[str, Any] = dict(zip(COLUMNS[table], key, strict=True), centre="centre")
        day = date.fromisoformat(row["day"])
        row |= {grouping: first_day(grouping, day) for grouping in ANYTIME}
        if (
            row["survey"] == selection.survey
            and (selection.since or date.min) <= day <= (selection.until or date.max)
            and selection.channel in (None, row["channel"])
            and selection.department in (None, row["department"])
            and (table != "tally" or row["question"] in (selection.questions or [row["question"]]))
            and (table == "tally" or (row["factor"] != "" if "factor" in by else not row["factor"]))
        ):
            label = tuple(row[name] for name in (*by, second))
            found[label] = [a + b for a, b in zip(found[label], sums, strict=False)]
    return {label: tuple(sums) for label, sums in found.items()}


def hours_by_hand(
    store: Store, selection: Selection, by: tuple[str, ...]
) -> dict[tuple[object, ...], tuple[int, ...]]:
    """How often each code was given to the only question of a survey, from the answers."""
    found: dict[tuple[object, ...], int] = defaultdict(int)
    rating = SURVEYS[selection.survey].rating
    for answered in stored(store):
        if (
            answered.survey == selection.survey
            and rating in answered.answers
            and (selection.since or date.min) <= answered.day <= (selection.until or date.max)
            and selection.channel in (None, answered.channel)
            and selection.department in (None, answered.department or "")
        ):
            at = answered.answered_at.astimezone(ZONE)
            row: dict[str, Any] = {"centre": "centre", "weekday": at.weekday(), "hour": at.hour}
            row |= {name: getattr(answered, name) or "" for name in ANYWHERE[1:]}
            row |= {name: first_day(name, at.date()) for name in ANYTIME}
            found[(*(_text(row[name]) for name in by), str(answered.answers[rating]))] += 1
    return {label: (n,) for label, n in found.items()}


def read(frame: pd.DataFrame, by: tuple[str, ...], second: str) -> dict[Any, tuple[int, ...]]:
    sums = [name for name in frame.columns if name not in (*by, second)]
    keys = zip(*(map(_text, frame[name]) for name in (*by, second)), strict=True)
    return dict(zip(keys, frame[sums].itertuples(index=False, name=None), strict=True))


def _text(value: object) -> object:
    return value if isinstance(value, date) else str(value)


def agrees(store: Store, selection: Selection, by: tuple[Grouping, ...]) -> None:
    by_question: tuple[Grouping, ...] = (*by, "question")
    for keys in (by, by_question):
        found = read(store.counts(selection, keys), keys, "code")
        assert found == by_hand(store, "tally", selection, keys)
    by_factor: tuple[Grouping, ...] = (*by, "factor")
    for keys in (by, by_factor):
        found = read(store.pooled(selection, keys), keys, "measure")
        assert found == by_hand(store, "pooled_tally", selection, keys)
    if SURVEYS[selection.survey].rating is None:
        return
    hours = replace(
        selection,
        since=selection.since and selection.since.replace(day=1),
        until=selection.until and period_of("month", selection.until).until,
    )
    slots: tuple[Grouping, ...] = (*(n for n in by if n not in ("day", "week")), "weekday", "hour")
    assert read(store.hours(hours, slots, ZONE), slots, "code") == hours_by_hand(
        store, hours, slots
    )


def empty(store: Store) -> None:
    with store.engine.begin() as connection:
        for table in ("submission", "block"):
            connection.exec_driver_sql(f"DELETE FROM {table}")


def rolled_up(store: Store) -> set[tuple[str, str, str]]:
    """Survey, first and last day of every block."""
    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT survey, since, until FROM block").all()
    return {(row[0], str(row[1]), str(row[2])) for row in rows}


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(steps=Steps)
def test_figures_are_those_of_the_day_rows_whenever_blocks_were_made(
    intake: Intake, surveys: dict[str, Survey], steps: list[Any]
) -> None:
    """Answers come late, readers of two processes roll up in between; a rebuild changes nothing."""
    store, other = intake.store, Store(intake.store.engine.url.render_as_string(False))
    empty(store)
    for number, step in enumerate(steps):
        if isinstance(step, list):
            intake(step)
        else:
            agrees((store, other)[number % 2], *step)
    questions = [step for step in steps if not isinstance(step, list)]
    for step in questions:
        agrees(store, *step)
    rebuild(store, lambda done: None)
    assert rolled_up(store) == set()
    for step in questions:
        agrees(other, *step)
    other.close()


def late(day: str, **changes: Any) -> dict[str, Any]:
    return submission(answered_at=f"{day}T08:00:00+07:00", **changes)


def test_past_months_and_days_are_kept_and_the_newest_day_is_not(intake: Intake) -> None:
    intake([late(day) for day in ("2026-09-03", "2026-10-05", "2026-11-02", "2026-11-04")])
    intake.store.counts(Selection("in_centre"), "centre")
    kept = {(since, until) for _, since, until in rolled_up(intake.store)}
    assert {("2026-09-01", "2026-09-30"), ("2026-10-01", "2026-10-31")} <= kept
    assert ("2026-11-03", "2026-11-03") in kept
    assert max(until for _, until in kept) == "2026-11-03"


def test_a_late_answer_drops_what_holds_its_day_and_nothing_else(intake: Intake) -> None:
    intake([late(day) for day in ("2026-09-03", "2026-09-20", "2026-10-05", "2026-11-02")])
    store, whole = intake.store, Selection("in_centre")
    assert store.counts(whole, "month")["n"].tolist() == [2, 1, 1]
    before = rolled_up(store)
    intake([late("2026-09-20")])
    gone = {(since, until) for _, since, until in before - rolled_up(store)}
    assert gone == {("2026-09-01", "2026-09-30"), ("2026-09-20", "2026-09-20")}
    assert store.counts(whole, "month")["n"].tolist() == [3, 1, 1]
    assert rolled_up(store) == before


def test_answers_of_another_survey_drop_nothing(intake: Intake) -> None:
    intake([late("2026-09-03"), late("2026-11-02")])
    intake.store.counts(Selection("in_centre"), "centre")
    before = rolled_up(intake.store)
    intake([sipas(answered_at="2026-09-03T08:00:00+07:00")])
    assert rolled_up(intake.store) == before


def test_a_reader_who_cannot_write_has_the_same_figures(intake: Intake) -> None:
    """While another one holds the write lock, months are added up from their rows."""
    for number, day in enumerate(("2026-09-03", "2026-10-05", "2026-10-06", "2026-11-02"), 1):
        intake([late(day, answers={"rating": 5})] * 1 + [late(day) for _ in range(number)])
    selection = Selection("in_centre", since=date(2026, 9, 2))
    with intake.store.writing():
        assert intake.store.counts(selection, "month")["n"].tolist() == [2, 7, 5]
        agrees(intake.store, selection, ("week", "counter"))
        assert rolled_up(intake.store) == set()
    agrees(intake.store, selection, ("month",))
    assert rolled_up(intake.store)


def test_numbers_of_any_size_come_back(intake: Intake) -> None:
    intake([late("2026-09-03"), late("2026-11-02")])
    month = Span(date(2026, 9, 1), date(2026, 9, 30))
    for n in (255, 256, 2**16, 2**32, 2**50):
        block = Block.of_rows([("rating", 5, "kiosk", "", "", n)], 2, 3, 1)
        with intake.store.database.begin(write=True) as connection:
            connection.execute(delete(BlockRow))
            connection.execute(insert(BlockRow), packed("in_centre", "tally", month, block))
        counted = intake.store.counts(Selection("in_centre"), "month")
        assert counted["n"].tolist() == [n, 1]


def test_what_came_since_is_added_to_the_newest_day(intake: Intake) -> None:
    """In one process by what it counted before, in another one from the beginning."""
    store, day = intake.store, Selection("in_centre", since=date(2026, 11, 2))
    other = Store(store.engine.url.render_as_string(False))
    for number in range(1, 5):
        intake([late("2026-11-02"), late("2026-09-03")])
        assert store.counts(day, "centre")["n"].tolist() == [number]
        if number == 3:
            assert other.counts(day, "centre")["n"].tolist() == [3]
    assert other.counts(day, "centre")["n"].tolist() == [4]
    other.close()


def test_a_day_of_many_answers_is_counted_in_parts(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake([one for number in range(7) for one in (late("2026-11-02"), sipas([1 + number % 5]))])
    whole = tallies(intake.store)
    monkeypatch.setattr("aggregator.storage.rollups.CHUNK", 3)
    intake.store._newest.clear()
    assert tallies(intake.store) == whole


def test_a_snapshot_stands_still_while_answers_come_in(intake: Intake) -> None:
    intake([late("2026-09-03"), late("2026-11-02")])
    view, selection = intake.store.snapshot(), Selection("in_centre")
    assert view.counts(selection, "centre")["n"].tolist() == [2]
    intake([late("2026-09-03"), late("2026-11-02"), late("2026-11-03")])
    assert view.counts(selection, "month")["n"].tolist() == [1, 1]
    assert view.snapshot() is view
    assert intake.store.snapshot().counts(selection, "month")["n"].tolist() == [2, 3]


def test_rolling_up_ahead_leaves_readers_nothing_to_make(intake: Intake) -> None:
    days = [date(2026, 9, 28) + timedelta(days=number) for number in range(40)]
    intake([one for day in days for one in (late(str(day)), late(str(day), channel="qr"))])
    surveys = load_surveys()
    intake.store.roll_up([surveys["in_centre"], surveys["sipas_2020"]])
    ahead = rolled_up(intake.store)
    intake.store.counts(Selection("in_centre"), "day")
    assert rolled_up(intake.store) == ahead


MOMENTS = {
    "reader": ["INSERT INTO block", "commit"],
    "writer": ["INSERT INTO submission", "DELETE FROM block", "commit"],
}


@pytest.mark.parametrize(("who", "moment"), [(w, m) for w, ms in MOMENTS.items() for m in ms])
def test_a_process_killed_beside_its_blocks_leaves_right_figures(
    intake: Intake, migrated_url: str, who: str, moment: str
) -> None:
    intake([late("2026-09-03"), late("2026-09-04"), late("2026-11-02")])
    if who == "writer":
        intake.store.counts(Selection("in_centre"), "centre")
    before = rolled_up(intake.store)
    done = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import die; die()", migrated_url, who, moment],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert rolled_up(intake.store) == before
    agrees(intake.store, Selection("in_centre"), ("month",))
    assert intake.store.counts(Selection("in_centre"), "month")["n"].tolist() == [2, 1]


def die() -> None:
    """In the process above: read figures, or take a late answer, and end at the moment given."""
    url, who, moment = sys.argv[1:]
    store = Store(url)
    _kill_at(store._impatient.engine if who == "reader" else store.engine, moment)
    if who == "reader":
        store.counts(Selection("in_centre"), "centre")
    else:
        ingest = Ingest(store, load_surveys(), load_centre(CENTRE), Clock())
        ingest.accept([Offer([late("2026-09-03")], "en")])
    os.kill(os.getpid(), signal.SIGTERM)  # it should not have come so far


def test_every_grouping_is_tried_here() -> None:
    tried = {*ANYWHERE, *ANYTIME, "question", "factor", "code", "measure", "weekday", "hour"}
    of_flags = {"rules"}  # in figures/test_flagged.py
    assert tried | of_flags == set(get_args(Grouping))
