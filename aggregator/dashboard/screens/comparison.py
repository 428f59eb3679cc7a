"""All departments against a chosen published figure, and what stands when n is small."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, channel_modes, choose, read_view
from aggregator.figures.figure import Figure
from aggregator.figures.figures import figure_rows
from aggregator.figures.participation import dossiers_by_department
from aggregator.figures.rows import FigureRow
from aggregator.figures.standing import (
    RankedShare,
    ranking,
    standardised,
    standardised_figure,
    without_flagged,
)
from aggregator.statistics import Standardised
from aggregator.wording.charts import Axis, Differences


@dataclass(frozen=True, kw_only=True)
class ComparisonPage(FigurePage):
    """The centre and its departments, the lowest share first; ``unrated`` have no answers.

    ``total`` is None where the survey has no one share.
    """

    modes: Sequence[str]
    total: FigureRow | None = None
    rated: Sequence[FigureRow] = ()
    unrated: Sequence[FigureRow] = ()
    differences: Differences | None = None
    axis: Axis | None = None
    ranking: Sequence[RankedShare] = ()
    standardised: Standardised | None = None
    standardised_figure: Figure | None = None

    words = "comparison"  # the section of the catalogue that calls rows and whole by their names

    def link(self, key: str) -> str:
        """Where a row leads to, as a path of the application."""
        return f"/department/{key}?{self.view.parameters()}"


@needs("figures")
async def comparison(request: Request) -> Response:
    """Departments by their distance from a reference, their ranking, the standardised figure."""
    view = read_view(request)
    context = context_of(request)
    return render(request, "comparison", await run_in_threadpool(compared, context, view))


def compared(context: Context, view: View) -> ComparisonPage:
    """The departments of a view side by side. Raises database.StorageError."""
    survey, centre, store = view.survey, context.centre, context.store
    choice, modes = choose(view, centre), channel_modes(store, view)
    measure = choice.measure
    if measure is None:
        return ComparisonPage(view=view, choice=choice, modes=modes)
    [total] = figure_rows(store, survey, centre, view.selection(), "centre")
    parts = figure_rows(store, survey, centre, view.selection(), "department")
    rated = sorted(
        (row for row in parts if row.n), key=lambda row: row.measures[measure].share or 0.0
    )
    compared = [row.against(choice.reference) for row in [total, *rated]]
    dossiers = store.transactions(view.period.since, view.period.until)
    weights = dossiers_by_department(dossiers, centre)
    mixed = standardised(parts, measure, weights)
    other = standardised(without_flagged(parts), measure, weights) if total.flagged else None
    return ComparisonPage(
        view=view,
        choice=choice,
        modes=modes,
        total=total,
        rated=rated,
        unrated=[row for row in parts if not row.n],
        differences=Differences.around(
            bound for row in compared if row for bound in (row.low, row.high)
        ),
        axis=Axis.around(row.measures[measure].low for row in [total, *rated]),
        ranking=ranking(rated, measure),
        standardised=mixed,
        standardised_figure=standardised_figure(mixed, total, measure, other) if mixed else None,
    )
