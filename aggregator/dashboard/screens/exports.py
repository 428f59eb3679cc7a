"""Exports of the answers, for who may read what people wrote."""

from collections.abc import Container

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.api import stream
from aggregator.dashboard.context import context_of
from aggregator.dashboard.pages import refuse_other_parameters
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import read_organisation
from aggregator.documents.exports.codebook import codebook
from aggregator.documents.exports.joined import (
    BOM,
    EXPORT_FORMATS,
    MEDIA_TYPES,
    ROW_KINDS,
    STREAMED,
    ExportFormat,
    JoinedTable,
    RowKind,
    documents,
)
from aggregator.documents.worker import send
from aggregator.intake.submission_files import DEFINITIONS
from aggregator.organisation.seen import following, merged_into
from aggregator.storage.audit import entry
from aggregator.storage.submissions import Filters, bounded
from aggregator.wording.channels import CHANNELS
from aggregator.wording.periods import EARLIEST, read_period
from web import language_of

CONDITIONS = ("period", "date", "from", "to", "survey", "channel", "department", "organisation")
PARAMETERS = (*CONDITIONS, "rows", "format", "lang")


@needs("answers")
async def submissions(request: Request) -> Response:
    """The joined table in one of the formats, of a period and perhaps one survey or place."""
    file_format = _format(request.path_params["format"])
    filters = _filters(request)
    each = "visits" if _each(request, file_format) == "visit" else "submissions"
    name = f"{each}-{_span(filters)}.{file_format.partition('_')[0]}"
    table = _table(request, filters)
    await run_in_threadpool(lambda: table.definitions)  # or say how many answers have none
    if file_format in STREAMED:
        await _record(request, "answers", file_format, filters)
        pieces = table.lines(file_format)
        return await stream(
            pieces, name, MEDIA_TYPES[file_format], start=BOM if file_format == "csv" else ""
        )
    language = language_of(request, negotiate=False)
    options = [*_options(filters), f"--organisation={table.organisation}", f"--rows={table.each}"]
    options.append(f"--actor={request.state.user.name}")
    arguments = ["--lang", language, "export", "--format", file_format, *options]
    file = await context_of(request).worker.make_for(request, arguments, f".{file_format}")
    return send(file, name, MEDIA_TYPES[file_format])


@needs("answers")
async def codebook_csv(request: Request) -> Response:
    """The codebook of an export; the parameter ``format`` is that of the export."""
    file_format = _format(request.query_params.get("format") or "csv")
    context, filters = context_of(request), _filters(request)
    _, count = await run_in_threadpool(bounded, context.store.database, filters)
    await _record(request, "codebook", file_format, filters)
    language = language_of(request, negotiate=False)
    text = BOM + codebook(_table(request, filters), file_format, count, context.clock(), language)
    name = f"submissions-{_span(filters)}.codebook.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=MEDIA_TYPES["csv"], headers=headers)


@needs("answers")
async def definitions_json(request: Request) -> Response:
    """The definitions of the answers of an export, which an import of it reads beside it."""
    filters = _filters(request)
    await _record(request, "definitions", "json", filters)
    table = _table(request, filters)
    body = await run_in_threadpool(lambda: documents(table.definitions))
    name = f"submissions-{_span(filters)}{DEFINITIONS}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=MEDIA_TYPES["json"], headers=headers)


async def _record(request: Request, what: str, file_format: str, filters: Filters) -> None:
    """Record an export before any of it leaves: one that is broken off was one, too."""
    context = context_of(request)
    selection = filters.written(read_organisation(request))
    told = {"what": what, "format": file_format, "selection": selection}
    new = entry(context.clock(), request.state.user.name, "export.file", **told)
    await run_in_threadpool(context.store.audit.add, new)


def _table(request: Request, filters: Filters) -> JoinedTable:
    context = context_of(request)
    return JoinedTable(
        context.store.database,
        context.centre,
        context.surveys,
        filters,
        organisation=read_organisation(request),
        each=_each(request),
    )


def _each(request: Request, file_format: ExportFormat | None = None) -> RowKind:
    """What a row is. Raises HTTPException 400 for a visit in a format that has none."""
    wanted = request.query_params.get("rows") or "submission"
    for one in ROW_KINDS:
        if wanted == one and not (one == "visit" and file_format in STREAMED):
            return one
    raise HTTPException(400, "unknown_choice" if wanted not in ROW_KINDS else "no_visits")


def _format(wanted: str) -> ExportFormat:
    for file_format in EXPORT_FORMATS:
        if wanted == file_format:
            return file_format
    raise HTTPException(404)


def _filters(request: Request) -> Filters:
    """Which answers a request is for; an empty parameter counts as absent.

    The period is asked for as on the pages; without ``from`` it begins before all answers.
    Raises HTTPException 400 with a key of ``error``, ParameterError and PeriodError.
    """
    context = context_of(request)
    refuse_other_parameters(request, *PARAMETERS)
    given = {name: value for name, value in request.query_params.items() if value}
    if not given.keys() & {"period", "date"}:
        given = {"from": EARLIEST.isoformat()} | given
    organisation = read_organisation(request)
    merged = following(context.centre, organisation).get("department", {})
    known: dict[str, Container[str]] = {
        "survey": context.surveys,
        "channel": CHANNELS,
        "department": [id for id in context.centre.department if id not in merged],
    }
    if given.get("survey", "") not in {"", *context.surveys}:  # one that is asked no more?
        known["survey"] = context.store.definitions.counted(context.surveys)
    if any(name in given and given[name] not in allowed for name, allowed in known.items()):
        raise HTTPException(400, "unknown_choice")
    period = read_period(given, context.today)
    survey, channel, department = map(given.get, known)
    department = department or context.store.department  # to a head there is no other one
    into = merged_into(context.centre, organisation, department)
    return Filters(period.since, period.until, survey, channel, department, merged=into)


def _span(filters: Filters) -> str:
    """The days of a file's name."""
    return f"{filters.since}-{filters.until}".removeprefix(f"{EARLIEST}-")


def _options(filters: Filters) -> list[str]:
    """The filters as the command line takes them."""
    given = {
        "from": filters.since,
        "to": filters.until,
        "survey": filters.survey,
        "channel": filters.channel,
        "department": filters.department,
    }
    return [f"--{name}={value}" for name, value in given.items() if value is not None]
