"""How departments handle their dossiers, after Circular 01/2018/TT-VPCP."""

from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.explanations import Explained, Explanation
from aggregator.dashboard.pages import render
from aggregator.dashboard.screens.view import View, read_view
from aggregator.dashboard.sign_in import signed_in
from aggregator.figures.handling import SURVEY, department_scores
from aggregator.indices.circular_01_2018 import (
    BANDS,
    INDICATORS,
    MOST,
    DepartmentScore,
    IndicatorScore,
)
from aggregator.intake.handling import DOSSIER_COLUMNS, FACTS_COLUMNS
from aggregator.wording import numbers
from surveys.centre import Department


@signed_in
async def handling(request: Request) -> Response:
    """Departments by nine indicators, their total and band."""
    context = context_of(request)
    view = replace(read_view(request, survey=SURVEY, kind="quarter"), channel=None)
    figures = await run_in_threadpool(_figures, context, view)

    def explain(explained: Explained) -> None:
        for department, score in figures["rows"]:
            _explain(explained, department, score)

    return render(request, "handling", figures, explain=explain)


def _figures(context: Context, view: View) -> dict[str, Any]:
    centre = context.centre
    since, until = view.period.since, view.period.until
    scores = department_scores(context.store, centre, since, until)
    known = [score for score in scores.values() if score.band]
    dossiers = sum(score.dossiers for score in scores.values())
    return {
        "view": view,
        "survey": view.survey,
        "rows": [(department, scores[department.id]) for department in centre.departments],
        "assessed": len(known),
        "dossiers": dossiers,
        "complete": sum(not score.unanswered for score in known),
        "indicators": INDICATORS,
        "most": MOST * len(INDICATORS),
        "bands": BANDS,
        "columns": {"dossiers": DOSSIER_COLUMNS, "handling-facts": FACTS_COLUMNS},
    }


def _explain(explained: Explained, department: Department, score: DepartmentScore) -> None:
    """``<department>.total`` and ``<department>.<indicator>``."""
    place, say = department.name.get(explained.language), explained.say

    def written(points: Any) -> str:
        return numbers.decimal(points, explained.language)

    missing = [one.indicator for one in score.indicators if one.points is None]
    facts = [(say("handling.reachable"), written(score.reachable))]
    if score.band:
        facts.append((say("handling.band"), say(f"handling.{score.band}")))
    if missing:
        facts.append((say("handling.without"), ", ".join(map(str, missing))))
    explained[f"{department.id}.total"] = Explanation(
        f"{place} · {say('handling.total')}",
        float(score.total) if score.band else None,
        "score",
        say("handling.total_how"),
        methods=(SURVEY,),
        facts=tuple(facts),
        source=say("handling.source"),
    )
    for one in score.indicators:
        explained[f"{department.id}.{one.indicator}"] = _indicator(explained, place, one)


def _indicator(explained: Explained, place: str, one: IndicatorScore) -> Explanation:
    say, language = explained.say, explained.language
    return Explanation(
        f"{place} · {one.indicator}. {say(f'circular.name_{one.indicator}')}",
        None if one.points is None else float(one.points),
        "score",
        say(f"circular.rule_{one.indicator}"),
        n=None if one.source == "facts" else one.answered + one.unanswered,
        methods=(SURVEY,),
        facts=(
            *(
                (say(f"handling.{name}"), numbers.integer(n, language))
                for name, n in vars(one.counts).items()
            ),
            (say("handling.reachable"), numbers.decimal(float(one.reachable), language)),
            (say("handling.from"), say(f"handling.{one.source}")),
        ),
        source=say("handling.source"),
    )
