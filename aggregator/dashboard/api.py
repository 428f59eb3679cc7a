"""The JSON doors: submissions in, figures out, for machines that hold a token."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date
from itertools import chain
from typing import Annotated, Any, TypeVar

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.openapi import DOCUMENT
from aggregator.documents.exports.joined import MEDIA_TYPES, JoinedTable
from aggregator.figures.figures import Unanswerable, figure_rows
from aggregator.figures.publishing import published
from aggregator.figures.references import why_no_index, why_not_comparable
from aggregator.figures.rows import Comparison, FigureRow, Measure
from aggregator.intake.ingest import Offer
from aggregator.statistics import Method
from aggregator.storage.credentials import TokenKind
from aggregator.storage.store import Grouping, Selection
from aggregator.storage.submissions import Filters
from surveys.definition import Survey
from surveys.messages import Language, MessageError
from surveys.wire import Channel
from web import language_of, read_body

MAX_BODY = 8 * 1024 * 1024  # bytes: some 10,000 submissions of 22 answers
MAX_BATCH = 2_000  # submissions
LARGE = 65_536  # bytes


class ApiError(MessageError):
    """An answer other than 200, with a reason in the asker's language."""

    section = "api."

    def __init__(self, status: int, key: str, /, **values: object) -> None:
        super().__init__(key, **values)
        self.status = status


async def api_error(request: Request, error: Exception) -> Response:
    """ApiError as JSON ``{"error": reason}``."""
    if not isinstance(error, ApiError):
        raise error
    reason = error.text(MESSAGES, language_of(request))
    headers = {401: {"www-authenticate": "Bearer"}, 503: {"retry-after": "5"}}
    return JSONResponse({"error": reason}, error.status, headers=headers.get(error.status))


async def _holder(request: Request, kind: TokenKind) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret:
        accounts = context_of(request).accounts
        # A token seen a moment ago needs no database, and so no thread.
        name = accounts.remembered(kind, secret.strip())
        if name := name or await run_in_threadpool(accounts.holder, kind, secret.strip()):
            return name
    raise ApiError(401, f"no_{kind}_token")


async def post_submissions(request: Request) -> Response:
    """Take a batch; the receipts are sent only after the commit is on disk."""
    context = context_of(request)
    await _holder(request, "device")
    body = await read_body(request, MAX_BODY)
    # Parsed, a batch takes ten times its bytes: few of them at once, however many wait.
    async with context.large_batches if len(body) > LARGE else nullcontext():
        items = _items(body)
        offer = Offer(items, language_of(request))
        receipts = await context.commits.submit(offer) if items else []
    for status, n in Counter(receipt.status for receipt in receipts).items():
        context.metrics.receipts.labels(status).inc(n)
    return Response(orjson.dumps({"receipts": receipts}), media_type="application/json")


def _items(body: bytes) -> list[Any]:
    try:
        batch = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        batch = _with_surrogates(body)
        if batch is None:
            raise ApiError(400, "broken_json", reason=str(error)[:120]) from None
    if not isinstance(batch, dict) or not isinstance(batch.get("submissions"), list):
        raise ApiError(400, "no_submissions")
    if odd := sorted(set(batch) - {"submissions"}):
        raise ApiError(400, "unknown_field", field=odd[0][:40])
    items: list[Any] = batch["submissions"]
    if len(items) > MAX_BATCH:
        raise ApiError(413, "batch_too_large", most=MAX_BATCH)
    return items


def _with_surrogates(body: bytes) -> Any:
    """What is JSON but for half a character in one item, which must not spoil the others."""
    if b"\\ud" not in body.lower():
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


class Period(BaseModel):
    """``from`` and ``to``: local days, both included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Annotated[date | None, Field(alias="from")] = None
    until: Annotated[date | None, Field(alias="to")] = None


P = TypeVar("P", bound=Period)


class Query(Period):
    """The parameters of /api/v1/satisfaction."""

    survey: str = "in_centre"
    question: str | None = None
    by: Grouping = "centre"
    channel: Channel | None = None
    method: Method = "wilson"
    publish: bool = False


async def get_satisfaction(request: Request) -> Response:
    """Counts, measures and comparisons of a selection, by one key."""
    await _holder(request, "reader")
    context = context_of(request)
    query = _query(request, Query)
    survey = context.surveys.get(query.survey)
    if survey is None:
        raise ApiError(400, "unknown_survey", survey=query.survey[:40])
    selection = Selection(
        survey=survey.id,
        questions=(query.question,) if query.question else None,
        since=query.since,
        until=query.until,
        channel=query.channel,
    )
    find = run_in_threadpool(
        published if query.publish else figure_rows,
        context.store,
        survey,
        context.centre,
        selection,
        query.by,
        query.method,
    )
    try:
        rows = await find
    except Unanswerable as error:
        raise ApiError(400, error.key, field=error.field) from None
    language = language_of(request)
    return JSONResponse(
        {
            "survey": survey.id,
            "by": query.by,
            "from": query.since and query.since.isoformat(),
            "to": query.until and query.until.isoformat(),
            "rows": [_row(row, language, publish=query.publish) for row in rows],
            "not_compared": _not_compared(
                context, survey, language, why_no_index(survey, selection, query.by)
            ),
        }
    )


def _query(request: Request, model: type[P]) -> P:
    given = {name: value for name, value in request.query_params.items() if value}
    given.pop("lang", None)
    try:
        query = model.model_validate(given)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])[:40]
        raise ApiError(400, "bad_parameter", field=field) from None
    if query.since and query.until and query.since > query.until:
        raise ApiError(400, "from_after_to")
    return query


def _row(row: FigureRow, language: Language, *, publish: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "key": row.key,
        "label": row.label.get(language),
        "n": None if row.withheld else row.n,
        "counts": {str(code): n for code, n in row.counts.items()},
        "measures": {name: _measure(measure) for name, measure in row.measures.items()},
        "comparisons": [_comparison(comparison) for comparison in row.comparisons],
    }
    if row.question is not None and row.question.published is not None:
        found["published"] = row.question.published.model_dump()
    if publish:
        found["withheld"] = row.withheld
    return found


def _measure(measure: Measure) -> dict[str, Any]:
    found = {
        "k": measure.k,
        "n": measure.n,
        "share": _rounded(measure.share),
        "low": _rounded(measure.low),
        "high": _rounded(measure.high),
        "method": measure.method,
    }
    if measure.method == "wilson_effective_n":
        found["n_effective"] = _rounded(measure.n_effective)
        found["design_effect"] = _rounded(measure.design_effect)
    return found


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "reference": comparison.reference.id,
        "measure": comparison.measure,
        "share": _rounded(comparison.reference.value),
        "difference": _rounded(comparison.difference),
        "low": _rounded(comparison.low),
        "high": _rounded(comparison.high),
        "p": _rounded(comparison.p),
        "p_adjusted": _rounded(comparison.p_adjusted),
        "p_bh": _rounded(comparison.p_bh),
        "test": comparison.test,
        "verdict": comparison.verdict,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _not_compared(
    context: Context, survey: Survey, language: Language, for_all: str | None
) -> list[dict[str, str]]:
    """The references that are another quantity, each with the reason, or one ``for_all``."""
    return [
        {"reference": reference.id, "reason": MESSAGES.get(language, f"compare.{why}")}
        for reference in context.centre.references
        if (why := why_not_comparable(survey, reference) or for_all)
    ]


async def get_submissions_csv(request: Request) -> Response:
    """The joined table, one row a submission, streamed; comments are screened."""
    await _holder(request, "reader")
    context, period = context_of(request), _query(request, Period)
    filters = Filters(period.since, period.until)
    table = JoinedTable(context.store.database, context.centre, context.surveys, filters)
    return await stream(table.lines("csv"), "submissions.csv", MEDIA_TYPES["csv"])


async def stream(
    lines: Iterator[str], name: str, media_type: str, *, start: str = ""
) -> StreamingResponse:
    """A file to download, sent while it is made, after what it starts with."""
    # The status cannot be taken back: a database that is gone must show before it is sent.
    first = await run_in_threadpool(next, lines)
    return StreamingResponse(
        chain([start + first], lines),
        media_type=media_type,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def get_openapi(request: Request) -> Response:
    return JSONResponse(DOCUMENT)


async def get_health(request: Request) -> Response:
    """200 where a submission would be stored if it came now, else 503."""
    ready = await context_of(request).health.ready()
    return JSONResponse({"status": "ok" if ready else "unavailable"}, 200 if ready else 503)


async def get_metrics(request: Request) -> Response:
    return Response(
        generate_latest(context_of(request).metrics.registry), media_type=CONTENT_TYPE_LATEST
    )


async def storage_error(request: Request, error: Exception) -> Response:
    """The database is gone, locked or full: nothing was stored, so the asker should try again."""
    if request.url.path.startswith("/api/"):
        return await api_error(request, ApiError(503, "storage"))
    return PlainTextResponse(
        MESSAGES.get(language_of(request), "api.storage"), 503, headers={"retry-after": "5"}
    )
