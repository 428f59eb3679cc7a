"""The tally: today or another period, by department, counter and question."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.explanations import Explained
from aggregator.dashboard.pages import render
from aggregator.dashboard.screens.view import View, held, modes_taken, read_view, taken_before
from aggregator.dashboard.sign_in import signed_in
from aggregator.figures.figures import figure_rows
from aggregator.figures.rows import FigureRow
from aggregator.statistics.participation import (
    CENTRE,
    Participation,
    open_weekdays,
    participation,
    working_days,
)
from aggregator.storage.store import Grouping
from aggregator.wording.charts import Axis, tone


@signed_in
async def tally(request: Request) -> Response:
    """Today, or another period, by department."""
    view = read_view(request)
    return await _figures_page(request, view, None)


@signed_in
async def department(request: Request) -> Response:
    """One department by counter and by question."""
    context = context_of(request)
    found = context.centre.department.get(request.path_params["department"])
    if found is None:
        raise HTTPException(404)
    return await _figures_page(request, read_view(request), found.id)


async def _figures_page(request: Request, view: View, department_id: str | None) -> Response:
    figures = await run_in_threadpool(_figures, context_of(request), view, department_id)

    def explain(explained: Explained) -> None:
        survey, centre = view.survey, context_of(request).centre
        explained.rows(survey, figures["rows"])
        explained.rows(survey, figures["factors"], "factor.")
        explained.rows(survey, figures["questions"], "question.")
        explained.published(survey.all_questions())
        explained.references(centre.references)
        names = {d.id: d.name.get(explained.language) for d in centre.departments}
        names[CENTRE] = centre.name.get(explained.language)
        explained.participation(figures["participation"], names)

    name = "tally" if department_id is None else "department"
    return render(request, name, figures, explain=explain)


def _figures(context: Context, view: View, department_id: str | None) -> dict[str, Any]:
    """Everything the figure pages show, read from tallies."""
    survey, centre, store = view.survey, context.centre, context.store
    open_on = open_weekdays(centre.opening_hours)
    selection = view.selection(department_id)
    parts: list[FigureRow] = []
    total: FigureRow | None = None
    if survey.has_total:
        # One department's counters are compared among all of the centre's, as it is itself:
        # the verdict of the same ratings must not depend on the page.
        by_place: Grouping = "department" if department_id is None else "counter"
        parts = figure_rows(store, survey, centre, view.selection(), by_place)
        if department_id is None:
            [total] = figure_rows(store, survey, centre, selection, "centre")
        else:
            parts = [row for row in parts if centre.department_of[row.key] == department_id]
            rows = figure_rows(store, survey, centre, view.selection(), "department")
            total = next(row for row in rows if row.key == department_id)
    questions = figure_rows(store, survey, centre, selection, "question")
    factors = (
        figure_rows(store, survey, centre, selection, "factor") if survey.pooled_measures else []
    )
    chosen = held(view, centre)
    # A survey without a total is shown question by question, by its first measure.
    measures = chosen.measures or tuple(survey.measures_of(survey.measured[0]))
    measure, reference = chosen.measure or measures[0], chosen.reference
    rows = [*([total] if total else []), *parts]
    elsewhen = bool(total) and taken_before(centre, survey, total.n if total else 0)
    lows = [row.measures[measure].low for row in rows]
    levels = survey.scales[survey.measured[0].scale or ""].levels if survey.has_total else ()
    tones = {level.code: tone(place, len(levels)) for place, level in enumerate(levels)}
    return {
        "view": view,
        "own_modes": modes_taken(store, view),
        "survey": survey,
        "department": centre.department[department_id] if department_id else None,
        "total": total,
        "rows": rows,
        "parts": parts,
        "elsewhere": total.n - sum(row.n for row in parts) if total else 0,
        "questions": questions,
        "most_answers": max((row.n for row in questions if not _takes_many(row)), default=0),
        "published_sources": _published_sources(questions),
        "factors": factors,
        "measures": measures,
        "measure": measure,
        "codes": levels,
        "tones": tones,
        "reference": reference,
        "comparable": chosen.comparable,
        "axis": Axis.around([*lows, reference.value if reference else None]),
        "not_compared": chosen.refused,
        "elsewhen": elsewhen,
        "participation": _participation(context, view) if total and not elsewhen else {},
        "part_key": department_id or CENTRE,
        "span": working_days(view.period.since, min(view.period.until, context.today), open_on),
    }


def _takes_many(row: FigureRow) -> bool:
    return row.question is not None and row.question.kind == "many"


def _published_sources(questions: Sequence[FigureRow]) -> dict[int, str]:
    """Year and source of the figures that stand beside single questions."""
    return {
        published.year: published.source
        for row in questions
        if row.question is not None and (published := row.question.published) is not None
    }


def _participation(context: Context, view: View) -> dict[str, Participation]:
    """By department, and of the centre under ''; empty where no dossiers are known."""
    dossiers = context.store.transactions(view.period.since, view.period.until)
    if dossiers.empty:
        return {}
    headline = (view.survey.measured[0].id,) if len(view.survey.measured) == 1 else None
    asked = replace(view.selection(), questions=headline)
    open_on = open_weekdays(context.centre.opening_hours)
    return participation(context.store.respondents(asked), dossiers, open_on)
