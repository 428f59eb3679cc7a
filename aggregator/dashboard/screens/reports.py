"""Reports for whoever is signed in, made by the command of the same name in its own process."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import context_of
from aggregator.dashboard.pages import refuse_other_parameters
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import read_organisation
from aggregator.documents.reports.model import REPORT_KINDS
from aggregator.documents.worker import send
from aggregator.wording.messages import MESSAGES
from aggregator.wording.periods import read_period
from web import language_of

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@needs("figures")
async def report(request: Request) -> Response:
    """The report of the period in which a day (``date``, else today) lies.

    Raises HTTPException, PeriodError, and what Worker.make_for raises where it was not made.
    """
    kind, file_format = request.path_params["kind"], request.path_params["format"]
    if kind not in REPORT_KINDS or file_format not in MEDIA_TYPES:
        raise HTTPException(404)
    own = ("internal",) if kind == "day" else ()
    refuse_other_parameters(request, "date", "lang", "organisation", "publish", *own)
    organisation = read_organisation(request)
    given = {"period": kind, "date": request.query_params.get("date", "")}
    day = read_period(given, context_of(request).today).since
    language = language_of(request, negotiate=False)
    arguments = [
        "--lang",
        language,
        "report",
        kind,
        "--format",
        file_format,
        "--date",
        day.isoformat(),
        "--organisation",
        organisation,
        f"--actor={request.state.user.name}",
    ]
    if internal := request.query_params.get("internal") == "1":
        arguments.append("--internal")
    if request.query_params.get("publish") == "1":
        arguments.append("--publish")
    file = await context_of(request).worker.make_for(request, arguments, f".{file_format}")
    called = MESSAGES.get(language, "report.file_internal" if internal else f"report.file_{kind}")
    return send(file, f"{called}-{day.isoformat()}.{file_format}", MEDIA_TYPES[file_format])
