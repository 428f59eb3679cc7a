"""Tallies are what a plain recount of the submissions gives, whatever way they came."""

import random
from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.intake.ingest import Offer, rebuild
from aggregator.storage.store import Selection, Store
from surveys.definition import load_surveys
from tests.aggregator.conftest import (
    ZONE,
    Intake,
    sipas,
    statuses,
    stored,
    submission,
    tallies,
    zeroed,
)

SURVEYS = load_surveys()
# The database is emptied at the start of every example.
bounded = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
PLACES = [("so_tu_phap", "q05"), ("so_tu_phap", None), ("so_y_te", "q09"), (None, None)]
TIMES = ["2026-11-21T16:59:00Z", "2026-11-21T17:00:00Z", "2026-11-23T01:00:00Z"]
TIMES += ["2026-11-16T08:40:00+07:00", "2026-10-05T01:00:00Z"]


@st.composite
def valid(draw: st.DrawFn) -> dict[str, Any]:
    """A valid submission, of few ids, places and days so that they meet often."""
    survey = SURVEYS[draw(st.sampled_from(["in_centre", "sipas_2020", "business"]))]
    answers: dict[str, Any] = {}
    for question in draw(st.lists(st.sampled_from(list(survey.questions.values())), min_size=1)):
        scale = survey.scale_of(question)
        if scale is None:
            answers[question.id] = draw(st.integers(question.minimum, question.maximum))
        elif question.kind == "many":
            codes = st.lists(st.sampled_from(scale.codes), min_size=1, unique=True)
            answers[question.id] = draw(codes)
        else:
            answers[question.id] = draw(st.sampled_from(scale.codes))
    department, counter = draw(st.sampled_from(PLACES))
    return submission(
        id=str(UUID(int=draw(st.integers(1, 12)))),
        survey=survey.id,
        answers=answers,
        department=department,
        counter=counter,
        channel=draw(st.sampled_from(["kiosk", "qr", "import"])),
        answered_at=draw(st.sampled_from(TIMES)),
    )


Batches = st.lists(st.lists(valid(), max_size=6), min_size=1, max_size=5)


def recount(store: Store) -> dict[str, dict[Any, Any]]:
    """All tallies, by plain loops over the stored rows and the definitions' words."""
    answers: Counter[tuple[str, ...]] = Counter()
    hours: Counter[tuple[str, ...]] = Counter()
    pooled: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * 6)
    for row in stored(store):
        cell = (row.day.isoformat(), row.channel, row.department or "", row.counter or "")
        for question, value in row.answers.items():
            for code in value if isinstance(value, list) else [value]:
                answers[row.survey, question, *cell, str(code)] += 1
        if row.survey == "in_centre" and "rating" in row.answers:
            at = row.answered_at.astimezone(ZONE)
            slot = map(str, (at.weekday(), at.hour, row.answers["rating"]))
            hours[row.survey, f"{at:%Y-%m}-01", *cell[1:], *slot] += 1
        if row.survey != "sipas_2020":
            continue
        for factor in [*SURVEYS["sipas_2020"].factors, None]:
            ids = {q.id for q in (factor.questions if factor else SURVEYS["sipas_2020"].measured)}
            valid_answers = [code for question, code in row.answers.items() if question in ids]
            m = len(valid_answers)
            for measure, codes in (("very_satisfied", [5]), ("satisfied_or_better", [4, 5])):
                k = sum(code in codes for code in valid_answers)
                if m:
                    key = (row.survey, factor.id if factor else "", measure, *cell)
                    parts = (1, k, m, k * k, k * m, m * m)
                    pooled[key] = [a + b for a, b in zip(pooled[key], parts, strict=True)]
    return {
        "tally": {key: (n,) for key, n in answers.items()},
        "pooled_tally": {key: tuple(sums) for key, sums in pooled.items()},
        "hour_tally": {key: (n,) for key, n in hours.items()},
    }


def empty(intake: Intake) -> None:
    with intake.store.engine.begin() as connection:
        for table in ("submission", "block"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    intake.store._newest.clear()  # ids of one example come again in another


@bounded
@given(batches=Batches)
def test_tallies_are_a_recount_and_what_rebuild_gives(
    intake: Intake, batches: list[list[dict[str, Any]]]
) -> None:
    empty(intake)
    receipts = [receipt for batch in batches for receipt in intake(batch)]
    ids = [row.id for row in stored(intake.store)]
    assert len(ids) == len(set(ids)) == statuses(receipts)["accepted"]
    counted = tallies(intake.store)
    assert counted == recount(intake.store)
    rebuild(intake.store, lambda done: None)
    assert tallies(intake.store) == counted


@bounded
@given(batches=Batches, cut=st.integers(1, 7))
def test_how_submissions_are_batched_changes_nothing(
    intake: Intake, batches: list[list[dict[str, Any]]], cut: int
) -> None:
    items = [item for batch in batches for item in batch]
    seen = []
    for groups in (
        [[items]],
        [[batch] for batch in batches],
        [[items[at : at + cut]] for at in range(0, len(items), cut)],
        [batches],  # separate requests in one group commit
    ):
        empty(intake)
        receipts = [
            receipt
            for group in groups
            for offered in intake.ingest.accept([Offer(batch, "en") for batch in group])
            for receipt in offered
        ]
        seen.append((receipts, tallies(intake.store), [r.id for r in stored(intake.store)]))
    assert all(one == seen[0] for one in seen)


@bounded
@given(items=st.lists(valid(), max_size=12, unique_by=lambda one: one["id"]), seed=st.integers())
def test_the_order_of_arrival_changes_no_tally(
    intake: Intake, items: list[dict[str, Any]], seed: int
) -> None:
    empty(intake)
    intake(items)
    counted = tallies(intake.store)
    empty(intake)
    random.Random(seed).shuffle(items)
    for item in items:
        intake([item, item])
    assert tallies(intake.store) == counted


@pytest.mark.parametrize("by", ["centre", "factor", "department", "day", "channel", "counter"])
def test_pooled_sums_follow_their_definition(intake: Intake, by: Any) -> None:
    """One person with 3 favourable of 4 answers and one with 1 of 22."""
    intake([sipas([5, 4, 4, 1]), sipas([4] + [3] * 21)])
    sums = intake.store.pooled(Selection("sipas_2020"), by)
    found = {
        (str(row.key), row.measure): tuple(map(int, row[2:])) for row in sums.itertuples(False)
    }
    if by == "factor":
        assert found["access", "satisfied_or_better"] == (2, 4, 8, 10, 16, 32)
        assert found["access", "very_satisfied"] == (2, 1, 8, 1, 4, 32)
        assert found["results", "satisfied_or_better"] == (1, 0, 3, 0, 0, 9)
        assert {key for key, _ in found} == {f.id for f in SURVEYS["sipas_2020"].factors}
        return
    keys = {
        "centre": "centre",
        "department": "so_tu_phap",
        "day": "2026-11-23",
        "channel": "kiosk",
        "counter": "q05",
    }
    assert found == {
        (keys[by], "satisfied_or_better"): (2, 4, 26, 10, 34, 500),
        (keys[by], "very_satisfied"): (2, 1, 26, 1, 4, 500),
    }


def test_rebuild_mends_tallies_that_went_wrong(intake: Intake) -> None:
    intake([sipas([4] * 22), submission(), submission(answers={"rating": 3, "reasons": [1, 4]})])
    intake([submission(answered_at="2026-11-02T08:00:00+07:00")])  # a day whose sums are kept
    right = tallies(intake.store)
    with intake.store.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE block SET numbers = {zeroed(intake.store)}")
    assert tallies(intake.store) != right
    progress: list[int] = []
    rebuild(intake.store, progress.append)
    assert tallies(intake.store) == right
    assert sum(progress) == 4
