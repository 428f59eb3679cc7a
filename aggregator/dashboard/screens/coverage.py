"""How many took part, by department and channel, and how far nonresponse could move the share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, choose, not_asked_now, read_view
from aggregator.figures.figures import figure_rows
from aggregator.figures.participation import (
    NonresponseBounds,
    bounds,
    respondents_twice,
    taking_part,
    taking_part_by_channel,
)
from aggregator.figures.rows import FigureRow
from aggregator.statistics.participation import CENTRE, Participation, together
from aggregator.storage.store import Grouping


@dataclass(frozen=True, kw_only=True)
class CoveragePage(FigurePage):
    """Participation of the centre ('') and its departments, ``places`` in the table's order.

    ``by_channel`` holds that of the channel asked for, or of all that have answers; ``span`` are
    the period's working days until today. Without ``asked_now`` the survey was taken before.
    """

    span: int
    asked_now: bool = True
    places: Sequence[tuple[str, FigureRow]] = ()
    taking_part: Mapping[str, Participation] = field(default_factory=dict)
    by_channel: Mapping[str, Mapping[str, Participation]] = field(default_factory=dict)
    bounds: Mapping[str, NonresponseBounds | None] = field(default_factory=dict)


@needs("figures")
async def coverage(request: Request) -> Response:
    """Ratings per dossier, and between which bounds the share would be, had everybody answered."""
    view = read_view(request)
    context = context_of(request)
    return render(request, "coverage", await run_in_threadpool(_page, context, view))


def _page(context: Context, view: View) -> CoveragePage:
    survey, centre, store = view.survey, context.centre, context.store
    choice, period = choose(view, centre), view.period
    span = centre.days_open(period.since, min(period.until, context.today))
    if choice.measure is None:
        return CoveragePage(view=view, choice=choice, span=span)
    [total] = figure_rows(store, survey, centre, view.selection(), "centre")
    if not_asked_now(centre, survey, total.n):
        return CoveragePage(view=view, choice=choice, span=span, asked_now=False)
    departments = figure_rows(store, survey, centre, view.selection(), "department")
    places = [(CENTRE, total), *((row.key, row) for row in departments)]
    dossiers = store.transactions(period.since, period.until)
    by: tuple[Grouping, ...] = ("day", "department", "channel")
    ratings, others = respondents_twice(store, survey, centre, view.selection(), by)
    by_channel = taking_part_by_channel(ratings, dossiers, centre, others)
    took_part = together(by_channel.values()) or taking_part(ratings, dossiers, centre, others)
    return CoveragePage(
        view=view,
        choice=choice,
        span=span,
        places=places,
        taking_part=took_part,
        by_channel=by_channel,
        bounds={key: bounds(row, took_part.get(key), choice.measure) for key, row in places},
    )
