"""SIPAS at the centre: index, factors, criteria, its projection, and the published figures."""

from collections.abc import Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.explanations import Explained, Explanation
from aggregator.dashboard.pages import render
from aggregator.dashboard.screens.sipas_published import (
    explain_projection,
    explain_published,
    series,
)
from aggregator.dashboard.screens.view import View, modes_taken, read_view
from aggregator.dashboard.sign_in import signed_in
from aggregator.figures.figures import figure_rows
from aggregator.figures.references import why_not_comparable
from aggregator.figures.rows import FigureRow
from aggregator.indices.par_index import MEASURE, project, sipas_published
from aggregator.wording.charts import Axis, tone
from aggregator.wording.likert import Diverging
from surveys.definition import Survey

INDEX = MEASURE  # what the SIPAS index is a share of


@signed_in
async def sipas(request: Request) -> Response:
    """The index of a period with everything it is made of, beside what was published."""
    context = context_of(request)
    view = read_view(request, survey=context.centre.instruments.citizens, kind="quarter")
    figures = await run_in_threadpool(_figures, context, view)

    def explain(explained: Explained) -> None:
        if figures["index"] is None:
            return
        explained.rows(view.survey, figures["summary"])
        explained.references(context.centre.references)
        explained.rows(view.survey, figures["criteria"], "question.")
        _explain_pools(explained, figures["summary"])
        _explain_levels(explained, view.survey, figures["criteria"])
        if figures["projection"]:
            explain_projection(explained, figures["projection"], figures["whole"].measures[INDEX])
        if context.published:
            explain_published(explained, figures["published_sipas"], context.published.source)

    return render(request, "sipas", figures, explain=explain)


def _figures(context: Context, view: View) -> dict[str, Any]:
    survey, centre, store = view.survey, context.centre, context.store
    page: dict[str, Any] = {
        "view": view,
        "own_modes": modes_taken(store, view),
        "survey": survey,
        "surveys": {survey.id: survey},
        "total": None,  # the form of the filters offers no measure
        "comparable": [],
        "index": None,
    }
    if INDEX not in survey.pooled_measures:
        return page
    selection = view.selection()
    [whole] = figure_rows(store, survey, centre, selection, "centre")
    summary = [whole, *figure_rows(store, survey, centre, selection, "factor")]
    criteria = figure_rows(store, survey, centre, selection, "question")
    levels = survey.scales[survey.measured[0].scale or ""].levels
    published = sipas_published(context.published) if context.published else None
    found = whole.measures[INDEX]
    national = series(published) if published else None
    refused = [(r, why) for r in centre.references if (why := why_not_comparable(survey, r))]
    return page | {
        "whole": whole,
        "summary": summary,
        "lowest": _lowest(summary[1:]),
        "criteria": criteria,
        "index": INDEX,
        "levels": levels[::-1],
        "tones": {level.code: tone(place, len(levels)) for place, level in enumerate(levels)},
        "axis": Axis.around([row.measures[INDEX].low for row in summary]),
        "reference": None,
        "bars": Diverging.around(levels, [row.counts for row in criteria]),
        "references": [one.reference for one in whole.comparisons if one.measure == INDEX],
        "refused": refused,
        "weightable": any(margin.survey == survey.id for margin in centre.margins),
        "published_sipas": published,
        "projection": project(INDEX, found.share, found.low, found.high),
        "series": national,
        "silent_years": [one["year"] for one in national.points if not one["n"]]
        if national
        else [],
    }


def _lowest(factors: Sequence[FigureRow]) -> FigureRow | None:
    """The factor with the lowest share; None where all have the same."""
    shares = {row.key: share for row in factors if (share := row.measures[INDEX].share) is not None}
    if len(set(shares.values())) < 2:
        return None
    return min((row for row in factors if row.key in shares), key=lambda row: shares[row.key])


def _explain_pools(explained: Explained, rows: Sequence[FigureRow]) -> None:
    """Answers and design effect of pooled rows: ``<key>.answers``, ``<key>.design_effect``."""
    for row in rows:
        place, found = row.label.get(explained.language), row.measures[INDEX]
        explained[f"{row.key}.answers"] = Explanation(
            f"{place} · {explained.say('sipas.answers')}",
            found.n,
            "count",
            explained.say("sipas.answers_how"),
        )
        explained[f"{row.key}.design_effect"] = Explanation(
            f"{place} · {explained.say('sipas.design_effect')}",
            found.design_effect,
            "score",
            explained.say("sipas.design_effect_note"),
            found.k,
            found.n,
            methods=(found.method,),
        )


def _explain_levels(explained: Explained, survey: Survey, rows: Sequence[FigureRow]) -> None:
    """The share of each level in the answers of a question: ``question.<id>.<code>.share``."""
    for row in rows:
        for level in survey.scales[survey.measured[0].scale or ""].levels:
            n, name = row.counts[level.code], level.get(explained.language)
            explained[f"question.{row.key}.{level.code}.share"] = Explanation(
                f"{row.label.get(explained.language)} · {name}",
                n / row.n if row.n else None,
                "share",
                explained.say("sipas.level_how", level=name),
                n,
                row.n,
            )
