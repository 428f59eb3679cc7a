"""Reports for signed-in managers, made by the command of the same name in its own process."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregator.context import context_of
from aggregator.periods import PeriodError, read_period
from aggregator.reports.model import KINDS
from aggregator.screens.exports import for_managers
from aggregator.worker import make_document, send
from web import language_of

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@for_managers
async def report(request: Request) -> Response:
    """The report of the period in which a day (``date``, else today) lies.

    Raises HTTPException and, where it was not made, worker.DocumentError.
    """
    kind, form = request.path_params["kind"], request.path_params["format"]
    if kind not in KINDS or form not in MEDIA_TYPES:
        raise HTTPException(404)
    given = {"period": kind, "date": request.query_params.get("date", "")}
    try:
        day = read_period(given, context_of(request).today).since
    except PeriodError as error:
        raise HTTPException(400, error.key) from None
    language = language_of(request, negotiate=False)
    arguments = ["--lang", language, "report", kind, "--format", form, "--date", day.isoformat()]
    file = await make_document(context_of(request), arguments, f".{form}")
    return send(file, f"{kind}-{day.isoformat()}.{form}", MEDIA_TYPES[form])
