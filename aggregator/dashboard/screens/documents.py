"""Where reports and exports are fetched."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import refuse_other_parameters, render
from aggregator.dashboard.permissions import may, needs
from aggregator.dashboard.screens.exports import PARAMETERS
from aggregator.dashboard.screens.issuing import Line, lines_of
from aggregator.dashboard.screens.view import View, read_view
from aggregator.documents.reports.model import REPORT_FORMATS, REPORT_KINDS, ReportKind
from aggregator.wording.periods import Period, period_of

MOST_ISSUED = 8  # issued reports on the page; those of a period are all on its own
EXPORT_FORMATS = ("xlsx", "csv_excel", "csv", "parquet", "sav", "json")


@dataclass(frozen=True, kw_only=True)
class DocumentsPage:
    """The periods that a report can be had of, by kind, the selected one among them.

    ``view`` is what was selected on other pages: with it the forms are filled. ``issued`` are
    the newest reports that were issued.
    """

    view: View
    reports: Sequence[tuple[ReportKind, Sequence[Period]]]
    issued: Sequence[Line] = ()

    report_formats = REPORT_FORMATS
    export_formats = EXPORT_FORMATS


@needs("department")
async def documents(request: Request) -> Response:
    """Reports of the period selected, the one that runs and those before it; exports."""
    context = context_of(request)
    today, view = context.today, read_view(request)
    reports = []
    for kind in REPORT_KINDS:
        running = period_of(kind, today)
        offered = [period_of(kind, min(view.day, today)), running, running.before]
        reports.append((kind, [*dict.fromkeys([*offered, running.before.before])][:3]))
    issued: Sequence[Line] = ()
    if may(request.state.user, "figures"):
        issued = await run_in_threadpool(_issued, context)
    return render(request, "documents", DocumentsPage(view=view, reports=reports, issued=issued))


def _issued(context: Context) -> Sequence[Line]:
    return lines_of(context, context.store.issued.newest(MOST_ISSUED))


@needs("department")
async def fetch(request: Request) -> Response:
    """Redirect a form's choice of format, ``?format=pdf``, to the address of the file."""
    kind = request.path_params.get("kind")  # of period; None for an export
    if kind is not None and kind not in REPORT_KINDS:
        raise HTTPException(404)
    refuse_other_parameters(
        request, *(("date", "format", "lang", "organisation", "publish") if kind else PARAMETERS)
    )
    given = {name: value for name, value in request.query_params.items() if value}
    formats = REPORT_FORMATS if kind else EXPORT_FORMATS
    if (chosen := given.pop("format", "")) not in formats:
        raise HTTPException(400, "unknown_choice")
    return RedirectResponse(f"{request.url.path}.{chosen}?{urlencode(given)}", 303)
