"""A share over time: control chart, and this week, month and quarter against earlier ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, choose, read_view
from aggregator.figures.trends import (
    LENGTHS,
    Change,
    ChartedPoint,
    Grain,
    breaks,
    buckets,
    changed,
    charted,
    versions,
    whole_trend,
)
from aggregator.wording.charts import Axis, Timeline
from surveys.centre import Department, SeriesBreak

GRAINS: tuple[Grain, ...] = ("week", "day", "month", "quarter")


@dataclass(frozen=True, kw_only=True)
class TrendsPage(FigurePage):
    """The points of a trend until a day, of the centre or of one ``department``.

    Without a measure, and before the first answer, there are none.
    """

    until: date
    grain: Grain
    department: Department | None
    breaks: Sequence[SeriesBreak]
    points: Sequence[ChartedPoint] = ()
    changes: Sequence[Change] = ()

    @property
    def grains(self) -> Sequence[Grain]:
        return GRAINS

    @property
    def answered(self) -> bool:
        return any(point.n for point in self.points)

    @property
    def axis(self) -> Axis:
        shown = [bound for point in self.points for bound in (point.lower, point.share)]
        return Axis.around(shown)

    @property
    def timeline(self) -> Timeline[ChartedPoint]:
        return Timeline(self.axis, self.points)


@needs("department")
async def trends(request: Request) -> Response:
    """The trend of one measure for the centre or one department."""
    context = context_of(request)
    # Without a department it is the centre's trend, which a department's head does not see.
    everywhere = () if context.store.department else ("",)
    departments = (*everywhere, *context.centre.department)
    choices = {"grain": GRAINS, "department": departments}
    view = read_view(request, choices=choices)
    return render(request, "trends", await run_in_threadpool(_page, context_of(request), view))


def _page(context: Context, view: View) -> TrendsPage:
    survey, centre, store = view.survey, context.centre, context.store
    asked = view.choices["department"]
    heir = context.organisation.centre.department_heirs.get(asked, "")
    department = centre.department.get(asked) or centre.department.get(heir)
    choice = choose(view, centre, department.id if department else None)
    grain: Grain = next(grain for grain in GRAINS if grain == view.choices["grain"])
    until = min(view.period.until, context.today)
    known = versions(store, survey, context.surveys)
    page = TrendsPage(
        view=view,
        choice=choice,
        until=until,
        grain=grain,
        department=department,
        breaks=[one for version in known for one in breaks(version, centre)],
    )
    if choice.measure is None:
        return page
    selection = view.selection(department.id if department else None)
    parts = buckets(grain, until, LENGTHS[grain])
    points = whole_trend(store, known, centre, selection, choice.measure, grain, parts)
    # The chart begins with the first answer: a new centre shows no empty weeks before it.
    begun = next((place for place, point in enumerate(points) if point.n), 0)
    return replace(
        page,
        points=charted(points[begun:]),
        changes=changed(store, survey, centre, selection, choice.measure, until),
    )
