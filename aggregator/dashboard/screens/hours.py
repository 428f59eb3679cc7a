"""When: the share and the number of ratings by hour and weekday."""

from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, choose, read_view
from aggregator.figures.hours import SHADES, HourMap, hour_map
from aggregator.wording.periods import Period
from surveys.centre import Department


@dataclass(frozen=True, kw_only=True)
class HoursPage(FigurePage):
    """The map of the centre or a department; None where the survey has no total.

    ``months`` is the period that it is of.
    """

    months: Period
    department: Department | None = None
    map: HourMap | None = None

    shades = range(SHADES + 1)


@needs("department")
async def hours(request: Request) -> Response:
    """The ratings of a period by hour and weekday, of the centre or of one department."""
    departments = [*context_of(request).centre.department]
    anywhere = () if request.state.user.role == "head" else ("",)
    choices = {"department": (*anywhere, *departments)}
    view = read_view(request, choices=choices)
    return render(request, "hours", await run_in_threadpool(_page, context_of(request), view))


def _page(context: Context, view: View) -> HoursPage:
    survey, centre, months = view.survey, context.centre, view.period.months
    choice = choose(view, centre)
    department = centre.department.get(view.choices["department"])
    page = HoursPage(view=view, choice=choice, months=months, department=department)
    if not survey.has_total or choice.measure is None:
        return page
    selection = view.selection(department.id if department else None)
    made = hour_map(context.store, survey, centre, selection, choice.measure)
    return replace(page, map=made)
