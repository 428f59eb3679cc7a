"""How many took part, by department and channel, and what the silent could change."""

from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.explanations import Explained, Explanation
from aggregator.dashboard.pages import render
from aggregator.dashboard.screens.view import View, read_view, taken_before
from aggregator.dashboard.sign_in import signed_in
from aggregator.figures.figures import figure_rows
from aggregator.figures.rows import FigureRow
from aggregator.statistics import nonresponse_bounds
from aggregator.statistics.participation import (
    CENTRE,
    Participation,
    open_weekdays,
    participation,
    participation_by,
    working_days,
)
from aggregator.wording.channels import CHANNELS


@signed_in
async def coverage(request: Request) -> Response:
    """Ratings per dossier and the bounds of the share had everybody answered."""
    context, view = context_of(request), read_view(request, kind="month")
    figures = await run_in_threadpool(_figures, context, view)

    def explain(explained: Explained) -> None:
        centre, language = context.centre, explained.language
        explained.rows(view.survey, figures["rows"])
        names = {d.id: d.name.get(language) for d in centre.departments}
        names[CENTRE] = centre.name.get(language)
        explained.participation(figures["taking_part"], names)
        for channel, found in figures["by_channel"].items():
            label = CHANNELS[channel].get(language)
            named = {key: f"{name} · {label}" for key, name in names.items()}
            explained.participation(found, named, f"{channel}.")
        _explain_bounds(explained, figures, names)

    return render(request, "coverage", figures, explain=explain)


def _figures(context: Context, view: View) -> dict[str, Any]:
    survey, centre, store = view.survey, context.centre, context.store
    has_total = len(survey.measured) == 1 or bool(survey.pooled_measures)
    measures = list(survey.measures_of(survey.measured[0])) if has_total else []
    measure = view.measure or next(iter(measures), None)
    open_on = open_weekdays(centre.opening_hours)
    period = view.period
    found: dict[str, Any] = {
        "view": view,
        "survey": survey,
        "today": context.today,
        "now": context.clock().astimezone(centre.zone),
        "measures": measures,
        "measure": measure,
        "comparable": [],
        "total": None,
        "rows": [],
        "taking_part": {},
        "by_channel": {},
        "span": working_days(period.since, min(period.until, context.today), open_on),
        "elsewhen": False,
    }
    if measure is None:
        return found
    [total] = figure_rows(store, survey, centre, view.selection(), "centre")
    if taken_before(centre, survey, total.n):
        return found | {"elsewhen": True}
    rows = [total, *figure_rows(store, survey, centre, view.selection(), "department")]
    dossiers = store.transactions(period.since, period.until)
    headline = (survey.measured[0].id,) if len(survey.measured) == 1 else None
    selection = replace(view.selection(), questions=headline)
    taking_part: dict[str, Participation] = {}
    by_channel: dict[str, dict[str, Participation]] = {}  # the one asked for, or all that have any
    if not dossiers.empty:
        given = store.respondents(selection, ("day", "department", "channel"))
        taking_part = participation(given, dossiers, open_on)
        used = set(given["channel"].unique())
        channels = [channel for channel in CHANNELS if channel in used]
        by_channel = participation_by("channel", channels, given, dossiers, open_on)
    places = [CENTRE, *(row.key for row in rows[1:])]
    return found | {
        "total": total,
        "rows": rows,
        "places": list(zip(places, rows, strict=True)),
        "taking_part": taking_part,
        "by_channel": by_channel,
        "bounds": {
            place: _bounds(row, taking_part.get(place), measure)
            for place, row in zip(places, rows, strict=True)
        },
    }


def _bounds(row: FigureRow, part: Participation | None, measure: str) -> tuple[float, float] | None:
    """The share if all silent visitors had been dissatisfied, and satisfied.

    Taken over the days whose dossiers are known, with the share of the whole period.
    """
    share = row.measures[measure].share
    if part is None or share is None or not 0 < part.n <= part.dossiers:
        return None
    return nonresponse_bounds(share * part.n, part.n, part.dossiers)


def _explain_bounds(explained: Explained, figures: dict[str, Any], names: dict[str, str]) -> None:
    for place, bounds in figures.get("bounds", {}).items():
        if bounds is None:
            continue
        part: Participation = figures["taking_part"][place]
        explained[f"bounds.{place}"] = Explanation(
            f"{names[place]} · {explained.say('coverage.bounds')}",
            None,
            "share",
            explained.say("coverage.bounds_how"),
            part.n,
            part.dossiers,
            bounds[0],
            bounds[1],
            ("nonresponse",),
        )
