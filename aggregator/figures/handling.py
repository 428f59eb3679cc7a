"""Each department's score after Circular 01/2018/TT-VPCP, from what is stored of a period."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from aggregator.indices.circular_01_2018 import (
    QUESTIONS,
    DepartmentScore,
    answer_counts,
    combined,
    facts_points,
    score_department,
)
from aggregator.storage.store import Selection, Store
from surveys.centre import Centre

SURVEY = "circular_01_2018"


def department_scores(
    store: Store, centre: Centre, since: date, until: date
) -> dict[str, DepartmentScore]:
    """Scores by department, in the centre's order; both days belong to the period.

    Answers that name no department count for none.
    """
    dossiers = store.handling.dossiers(centre.department, since, until)
    facts = store.handling.facts(since, until)
    answers = _answers(store, since, until)
    return {
        one.id: score_department(
            dossiers.get(one.id, {}),
            answer_counts(answers.get(one.id, {})),
            facts_points(combined(facts.get(one.id, ()))),
        )
        for one in centre.departments
    }


def _answers(
    store: Store, since: date, until: date
) -> Mapping[str, Mapping[int, Mapping[int, int]]]:
    """How often each code was answered, by department and indicator."""
    found: dict[str, dict[int, dict[int, int]]] = defaultdict(
        lambda: {number: {} for number in QUESTIONS}
    )
    for number, question in QUESTIONS.items():
        counts = store.counts(Selection(SURVEY, (question,), since, until), "department")
        for row in counts.to_dict("records"):
            found[row["key"]][number][row["code"]] = row["n"]
    return found
