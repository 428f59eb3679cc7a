"""The centre's work beside satisfaction: visits, dossiers received, settled in time, overdue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, choose, read_view
from aggregator.figures.figure import Figure
from aggregator.figures.figures import figure_rows
from aggregator.figures.operations import (
    OF_SETTLED,
    Count,
    Operating,
    count_figure,
    operating,
    rated_figure,
    share_figure,
)
from aggregator.figures.participation import respondents_twice, taking_part
from aggregator.figures.rows import FigureRow, RowKey
from aggregator.indices.operations import Span, length
from aggregator.organisation.seen import departments_shown
from aggregator.statistics.participation import CENTRE
from surveys.centre import Centre
from surveys.definition import Text

SETTLING = ("visits", "received", "settled", "on_time", "overdue", "cancelled", "in_process")
REMOTE = ("online_level_3", "online_level_4", "postal")
OFFERED = ("procedures", "on_the_spot", "fees")
MOST = 0.5  # a department with more of what is overdue is named


@dataclass(frozen=True, kw_only=True)
class OperationsPage(FigurePage):
    """What was done, by place ('': the whole centre, first, unless the reader is a head).

    ``rows`` are the ratings of each place, None where the survey has none of it or no one share.
    """

    centre: Centre
    found: Operating
    source: Text | None = None
    rows: Mapping[str, FigureRow | None] = field(default_factory=dict)
    until: date

    of_settled = OF_SETTLED

    @property
    def settling(self) -> Sequence[str]:
        return [name for name in SETTLING if self.found.has(name)]

    @property
    def remote(self) -> Sequence[str]:
        return [name for name in REMOTE if self.found.has(name)]

    @property
    def cards(self) -> Sequence[Figure]:
        """What is known of the whole centre alone, and how many of its people rated."""
        figures = [self.figure(CENTRE, name) for name in OFFERED if self.found.of(CENTRE, name)]
        return [*self._rated, *figures]

    @property
    def _rated(self) -> Sequence[Figure]:
        total = self.rows.get(CENTRE)
        counts = [(name, self.found.of(CENTRE, name)) for name in ("visits", "settled")]
        return [
            rated_figure(self.centre, name, count, total.n, self.source)  # type: ignore[arg-type]
            for name, count in counts
            if total and total.n and count and self._is_whole(count)
        ]

    def _is_whole(self, count: Count) -> bool:
        """Whether a count is of all days of the period until today."""
        since = self.view.period.since
        inside = [(begin, min(end, self.until)) for begin, end in count.spans]
        return bool(inside) and length(inside) == length([(since, self.until)])

    @property
    def most_overdue(self) -> tuple[Text, Figure, Figure] | None:
        """The department with more than half of what is overdue, its count and the centre's."""
        whole = self.found.of(CENTRE, "overdue")
        for place in self.rows:
            own = self.found.of(place, "overdue") if place else None
            if whole and own and own.spans == whole.spans and own.value > MOST * whole.value:
                name = self.centre.department[place].name
                return name, self.figure(place, "overdue"), self.figure(CENTRE, "overdue")
        return None

    def figure(self, place: str, name: str) -> Figure:
        return count_figure(self.centre, place, name, self.found, self.source)

    def share(self, place: str, name: str) -> Figure | None:
        """The share of the dossiers settled, where it is known."""
        if self.found.share_of(place, name) is None:
            return None
        return share_figure(self.centre, place, name, self.found, self.source)

    def select(self, span: Span) -> dict[str, str | None]:
        """The parameters that show a span."""
        since, until = span
        return {"from": str(since), "to": str(until), "period": None, "date": None}


@needs("department")
async def operations(request: Request) -> Response:
    """Visits and dossiers by department beside satisfaction; to a head the own department's."""
    view = read_view(request)
    return render(request, "operations", await run_in_threadpool(_page, context_of(request), view))


def _page(context: Context, view: View) -> OperationsPage:
    survey, centre, store = view.survey, context.centre, context.store
    since, until = view.period.since, view.period.until
    ratings, others = respondents_twice(store, survey, centre, view.selection())
    by_day = taking_part(ratings, store.transactions(since, until), centre, others)
    if store.department is not None:
        by_day.pop(CENTRE, None)
    found = operating(store, context.published, (since, until), context.today, by_day)
    rated: dict[str, FigureRow] = {}
    if survey.has_total:
        keys: Sequence[RowKey] = ("department",) if store.department else ("centre", "department")
        for by in keys:
            found_rows = figure_rows(store, survey, centre, view.selection(), by)
            rated |= {CENTRE if by == "centre" else row.key: row for row in found_rows}
    given = {*found.counts, *rated} - {CENTRE}
    places = [one.id for one in departments_shown(centre, since, until, given)]
    if store.department is None:
        places.insert(0, CENTRE)
    return OperationsPage(
        view=view,
        choice=choose(view, centre),
        centre=centre,
        found=found,
        source=context.published.source if context.published else None,
        rows={place: rated.get(place) for place in places},
        until=min(until, context.today),
    )
