"""SIPAS weighted so that channels or profiles have the mix that the centre file gives."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, read_view
from aggregator.figures.figures import figure_rows
from aggregator.figures.rows import FigureRow
from aggregator.figures.weighting import Weighted, level_label, margins_of, weighted
from aggregator.statistics import Unweightable
from surveys.centre import Department, Margin
from surveys.definition import Text


@dataclass(frozen=True, kw_only=True)
class SipasWeightedPage(FigurePage):
    """``refused`` says why no weighting is possible, and which level of a margin is at fault.

    ``department`` is the one whose margins are used, None for the centre; ``departments`` are
    those that have some.
    """

    margins: Sequence[Margin]
    department: Department | None = None
    departments: Sequence[Department] = ()
    whole: FigureRow | None = None
    weighted: Weighted | None = None
    refused: tuple[str, Text | None] | None = None


@needs("figures")
async def sipas_weighted(request: Request) -> Response:
    """The index before and after weighting, beside the mix of respondents and of the population."""
    centre = context_of(request).centre
    bound = [margin.department for margin in centre.margins if margin.department]
    choices = {"department": ("", *dict.fromkeys(bound))}
    view = read_view(request, survey=centre.instruments.citizens, choices=choices)
    return render(
        request, "sipas_weighted", await run_in_threadpool(_page, context_of(request), view)
    )


def _page(context: Context, view: View) -> SipasWeightedPage:
    survey, centre, store = view.survey, context.centre, context.store
    asked, heirs = view.choices["department"], context.organisation.centre.department_heirs
    department = centre.department.get(heirs.get(asked, asked) if view.is_now else asked)
    own = department.id if department else None
    bound = {margin.department for margin in centre.margins if margin.survey == survey.id}
    page = SipasWeightedPage(
        view=view,
        margins=margins_of(centre, survey, asked or None),
        department=department,
        departments=[one for one in centre.departments if one.id in bound],
    )
    if not page.margins:
        return page
    selection = view.selection(own)
    [whole] = figure_rows(store, survey, centre, selection, "centre")
    page = replace(page, whole=whole)
    if not whole.n:
        return page
    if department and view.is_now and own in heirs.values():
        # Shares without counts do not add up: they are of a part of what it is today.
        return replace(page, refused=("part_of_department", department.name))
    try:
        return replace(page, weighted=weighted(store, survey, centre, selection, page.margins))
    except Unweightable as error:
        known = error.variable and error.level
        place = level_label(survey, error.variable, error.level) if known else None
        return replace(page, refused=(error.key, place))
