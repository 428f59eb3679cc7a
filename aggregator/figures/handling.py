"""Each department's score by Circular 01/2018/TT-VPCP in a period, from the database."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime

from aggregator.figures.cases import cases_in_time
from aggregator.figures.figure import Figure
from aggregator.figures.rows import records
from aggregator.indices.circular_01_2018 import (
    QUESTIONS,
    DepartmentScore,
    IndicatorScore,
    answer_counts,
    combined,
    facts_points,
    score_department,
)
from aggregator.organisation.seen import departments_shown
from aggregator.storage.store import Selection, Store
from aggregator.wording.phrases import Words, decimal, integer, joined, listed, say, verbatim
from surveys.centre import Centre, Department
from surveys.laws import Subject

SURVEY = "circular_01_2018"
SUBJECTS: tuple[Subject, ...] = ("assessment", "indicators", "classification")


def department_scores(
    store: Store, centre: Centre, since: date, until: date, now: datetime
) -> dict[str, DepartmentScore]:
    """Scores by department, in the centre's order, from ``since`` to ``until``, both included.

    ``now`` decides which cases are overdue.

    Departments that were closed then and have no data are left out, and so are answers without
    a department.
    """
    dossiers = store.handling.dossiers(centre.department, since, until)
    facts = store.handling.facts(since, until)
    answers = _answers(store, since, until)
    cases = cases_in_time(store, centre, since, until, now)
    return {
        one.id: score_department(
            dossiers.get(one.id, {}),
            answer_counts(answers.get(one.id, {})),
            facts_points(combined(facts.get(one.id, ()))),
            cases.get(one.id),
        )
        for one in departments_shown(centre, since, until, {*dossiers, *facts, *answers, *cases})
    }


def _answers(
    store: Store, since: date, until: date
) -> Mapping[str, Mapping[int, Mapping[int, int]]]:
    """How often each code was answered, by department and indicator."""
    by_department: dict[str, dict[int, dict[int, int]]] = defaultdict(
        lambda: {number: {} for number in QUESTIONS}
    )
    for number, question in QUESTIONS.items():
        counts = store.counts(Selection(SURVEY, (question,), since, until), "department")
        for row in records(counts):
            by_department[row["key"]][number][row["code"]] = row["n"]
    return by_department


def total_figure(department: Department, score: DepartmentScore, law: Words) -> Figure:
    """A department's points of all indicators, and its band; ``law`` is in force in the period."""
    missing = [one.indicator for one in score.indicators if one.points is None]
    facts: list[tuple[Words, Words]] = [
        (say("handling.reachable"), decimal(float(score.reachable)))
    ]
    if score.band:
        facts.append((say("handling.band"), say(f"handling.{score.band}")))
    if missing:
        facts.append((say("handling.without"), listed(verbatim(str(one)) for one in missing)))
    facts.append((say("law.in_force"), law))
    return Figure(
        name=f"{department.id}.total",
        title=joined(department.name, say("handling.total")),
        value=float(score.total) if score.band else None,
        unit="score",
        definition=say("handling.total_how"),
        methods=(SURVEY,),
        facts=tuple(facts),
        source=say("handling.source"),
    )


def indicator_figure(department: Department, one: IndicatorScore, law: Words) -> Figure:
    """A department's points of one indicator, with the counts behind them."""
    number = one.indicator
    counted = {} if one.cases else vars(one.counts)
    counts = [(say(f"handling.{name}"), integer(n)) for name, n in counted.items()]
    return Figure(
        name=f"{department.id}.{number}",
        title=joined(
            department.name, joined(verbatim(f"{number}."), say(f"circular.name_{number}"), by=" ")
        ),
        value=None if one.points is None else float(one.points),
        unit="score",
        definition=say(f"circular.rule_{number}"),
        k=one.cases[1] if one.cases else None,
        n=one.cases[0] if one.cases else None if one.source == "facts" else one.dossiers,
        methods=(SURVEY,),
        facts=(
            *counts,
            (say("handling.reachable"), decimal(float(one.reachable))),
            (say("handling.from"), say(f"handling.{one.source}")),
            (say("law.in_force"), law),
        ),
        source=say("handling.source"),
    )
