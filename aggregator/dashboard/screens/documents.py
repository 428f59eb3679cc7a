"""Where reports and exports are fetched."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import context_of
from aggregator.dashboard.pages import refuse_other_parameters, render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.exports import PARAMETERS
from aggregator.documents.reports.model import REPORT_FORMATS, REPORT_KINDS, ReportKind
from aggregator.wording.periods import Period, period_of

EXPORT_FORMATS = ("xlsx", "csv_excel", "csv", "parquet", "sav", "json")


@dataclass(frozen=True, kw_only=True)
class DocumentsPage:
    """The periods that a report can be had of, by kind; ``month`` is the one that runs."""

    reports: Sequence[tuple[ReportKind, Sequence[Period]]]
    month: Period

    report_formats = REPORT_FORMATS
    export_formats = EXPORT_FORMATS


@needs("department")
async def documents(request: Request) -> Response:
    """Reports of the period that runs and of those before it; exports of the answers."""
    today = context_of(request).today
    reports = [
        (kind, [period_of(kind, today).shifted(-back) for back in range(3)])
        for kind in REPORT_KINDS
    ]
    page = DocumentsPage(reports=reports, month=period_of("month", today))
    return render(request, "documents", page)


@needs("department")
async def fetch(request: Request) -> Response:
    """Redirect a form's choice of format, ``?format=pdf``, to the address of the file."""
    kind = request.path_params.get("kind")  # of period; None for an export
    if kind is not None and kind not in REPORT_KINDS:
        raise HTTPException(404)
    refuse_other_parameters(
        request, *(("date", "format", "lang", "organisation") if kind else PARAMETERS)
    )
    given = {name: value for name, value in request.query_params.items() if value}
    formats = REPORT_FORMATS if kind else EXPORT_FORMATS
    if (chosen := given.pop("format", "")) not in formats:
        raise HTTPException(400, "unknown_choice")
    return RedirectResponse(f"{request.url.path}.{chosen}?{urlencode(given)}", 303)
