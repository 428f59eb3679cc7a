"""The JSON API: submissions in, figures out, for machines that hold a token."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import TypeVar

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ValidationError
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.openapi import DOCUMENT
from aggregator.dashboard.pages import ErrorPage, render
from aggregator.dashboard.permissions import open_to
from aggregator.dashboard.schemas import (
    MAX_BATCH,
    MOST_DRIFT,
    BatchJson,
    ErrorJson,
    HealthJson,
    Json,
    NotComparedJson,
    PeriodQuery,
    Query,
    RowJson,
    SatisfactionJson,
    SatisfactionQuery,
    SentJson,
)
from aggregator.documents.exports.joined import MEDIA_TYPES, JoinedTable
from aggregator.figures.asked import frozen_selection, rows_under_ledger
from aggregator.figures.figures import Unanswerable, figure_rows
from aggregator.figures.references import why_no_index, why_not_comparable
from aggregator.figures.rows import FigureRow, RowKey
from aggregator.intake.ingest import Offer, Sent, Unreadable
from aggregator.intake.strict_json import NotJson, flaws, read_json
from aggregator.organisation.seen import following, seen
from aggregator.storage.audit import COMMAND_LINE, entry
from aggregator.storage.credentials import TokenKind
from aggregator.storage.database import StorageError
from aggregator.storage.devices import Device, Devices
from aggregator.storage.store import Selection
from aggregator.storage.submissions import Filters
from surveys.centre import Centre, Reference
from surveys.chain import is_as_sent
from surveys.definition import Survey
from surveys.messages import Language, MessageError, Messages
from surveys.refusals import MESSAGES as REFUSALS
from surveys.text import UNSAFE
from surveys.wire import Receipt, Refused, first_reason
from web import language_of, path_of, read_body

MAX_BODY = 8 * 1024 * 1024  # bytes: some 10,000 submissions of 22 answers
LARGE = 65_536  # bytes

Q = TypeVar("Q", bound=Query)


class ApiError(MessageError):
    """An answer other than 200, with a reason in the reader's language."""

    section = "api."

    def __init__(self, status: int, key: str, /, **values: object) -> None:
        super().__init__(key, **values)
        self.status = status


class BadFieldError(ApiError):
    """A body of which a field cannot be; the answer names the field and the reason."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(400, "bad_field")
        self._refused = refused

    def text(self, messages: Messages, language: str) -> str:
        return f"{self._refused.field}: {self._refused.text(REFUSALS, language)}"


async def api_error(request: Request, error: Exception) -> Response:
    """ApiError as JSON ``{"error": reason}``."""
    if not isinstance(error, ApiError):
        raise error
    reason = error.text(MESSAGES, language_of(request))
    headers = {401: {"www-authenticate": "Bearer"}, 503: {"retry-after": "5"}}
    return _json(ErrorJson(error=reason), error.status, headers.get(error.status))


def _secret(request: Request) -> str:
    """The bearer token of a request; '' where there is none."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


async def device_of(request: Request, context: Context) -> Device:
    """The device that sends a request. Raises ApiError."""
    if secret := _secret(request):
        accounts = context.accounts
        # A token seen a moment ago needs no database, and so no thread.
        device = accounts.remembered_device(secret)
        if device := device or await run_in_threadpool(accounts.device, secret):
            return device
    raise ApiError(401, "no_device_token")


async def holder_of(request: Request, context: Context, kind: TokenKind) -> str:
    """The name behind a request's token of a kind. Raises ApiError."""
    if secret := _secret(request):
        accounts = context.accounts
        name = accounts.remembered(kind, secret)
        if name := name or await run_in_threadpool(accounts.holder, kind, secret):
            return name
    raise ApiError(401, f"no_{kind}_token")


@open_to("device_token")
async def post_submissions(request: Request) -> Response:
    """Take a batch; the receipts are sent only after the commit is on disk."""
    context = context_of(request)
    device = await device_of(request, context)
    if request.scope["query_string"]:
        _query(request, Query)
    body = await read_body(request, MAX_BODY)
    arrived, told = context.clock(), request.headers.get("content-digest")
    if len(body) <= LARGE:
        return await _stored(request, context, *_batch(body, told, arrived), device)
    # A parsed batch takes ten times its bytes, so few large ones are parsed at once.
    async with context.large_batches:
        with context.commits.coming():
            batch = await run_in_threadpool(_batch, body, told, arrived)
        return await _stored(request, context, *batch, device)


async def _stored(
    request: Request, context: Context, items: list[object], sent: Sent | None, device: Device
) -> Response:
    """The receipts of items, once they are on disk."""
    receipts: list[Receipt] = []
    if items:
        receipts = await context.commits.submit(Offer(items, language_of(request), device, sent))
        for status, n in Counter(receipt.status for receipt in receipts).items():
            context.metrics.receipts.labels(status).inc(n)
    answer = Response(orjson.dumps({"receipts": receipts}), media_type="application/json")
    if context.accounts.is_due(device.number, now := context.clock()):
        drift = None if sent is None else sent.ahead
        answer.background = BackgroundTask(_note, context.store.devices, device.number, now, drift)
    return answer


def _note(devices: Devices, number: int, now: datetime, drift: int | None) -> None:
    """Note that a device was heard of; its receipts are sent, so no failure is told it."""
    with suppress(StorageError):
        devices.note(number, now, None, drift)


def _batch(body: bytes, told: str | None, arrived: datetime) -> tuple[list[object], Sent | None]:
    """The submissions in a body, with an Unreadable for each that breaks a rule of JSON.

    With them what the sender said of itself, where it said when it sent them. ``told`` is the
    body's Content-Digest, which a batch with a chain must have. Raises ApiError where the body is
    not what was sent, not JSON, or no batch.
    """
    if told is not None and not is_as_sent(body, told):
        raise ApiError(400, "altered")
    try:
        batch, flawed = read_json(body)
    except NotJson as error:
        raise ApiError(400, "broken_json", reason=str(error)[:120]) from None
    if not isinstance(batch, dict) or not isinstance(batch.get("submissions"), list):
        raise ApiError(400, "no_submissions")
    if odd := sorted(set(batch) - BatchJson.model_fields.keys()):
        raise ApiError(400, "unknown_field", field=_named(odd[0]))
    if told is None and "chain" in batch:
        raise ApiError(400, "no_digest")
    items: list[object] = batch.pop("submissions")
    if len(items) > MAX_BATCH:
        raise ApiError(413, "batch_too_large", most=MAX_BATCH)
    sent = _sent(batch, len(items), arrived) if batch else None
    return [_readable(item) for item in items] if flawed else items, sent


def _sent(said: Mapping[str, object], n: int, arrived: datetime) -> Sent:
    """What a sender says of itself with ``n`` items. Raises ApiError, which names the field."""
    try:
        found = SentJson.model_validate(said)
    except ValidationError as error:
        raise BadFieldError(first_reason(error, "body")) from None
    if found.set_back is not None and len(found.set_back) != n:
        raise BadFieldError(Refused("set_back", "not_as_many"))
    ahead = None
    if found.sent_at is not None:
        ahead = round((found.sent_at - arrived).total_seconds())
        ahead = max(-MOST_DRIFT, min(MOST_DRIFT, ahead))
    chain = found.chain
    if chain is None:
        return Sent(ahead, found.set_back or ())
    return Sent(ahead, found.set_back or (), chain.id, chain.key)


def _readable(item: object) -> object:
    flaw = next(flaws(item), None)
    return item if flaw is None else Unreadable(item, flaw)


@open_to("reader_token")
async def get_satisfaction(request: Request) -> Response:
    """Counts, measures and comparisons of a selection, by one key."""
    context = context_of(request)
    reader = await holder_of(request, context, "reader")
    query = _query(request, SatisfactionQuery)
    survey = context.surveys.get(query.survey)
    if survey is None:
        raise ApiError(400, "unknown_survey", survey=query.survey[:40])
    selection = Selection(
        survey=survey.id,
        questions=None if query.question is None else (query.question,),
        since=query.since,
        until=query.until,
        channel=query.channel,
    )
    whole = await run_in_threadpool(context.organisation.refreshed)
    until = min(query.until or context.today, context.today)
    centre = seen(whole, query.organisation, until)

    def find() -> tuple[Selection, list[FigureRow]]:
        store, by, method = context.store, query.by, query.method
        if query.publish:
            if context.is_province:  # what each centre published is in that centre's ledger
                raise Unanswerable("publish", "of_a_centre")
            now = context.clock()
            asked = frozen_selection(store, survey, whole, selection, now)
            under = (query.organisation, now, f"reader:{reader}"[:80])
            return asked, rows_under_ledger(store, survey, whole, asked, by, method, *under)
        followed = store.following(following(whole, query.organisation))
        return selection, figure_rows(followed, survey, centre, selection, by, method)

    try:
        selection, rows = await run_in_threadpool(find)
    except Unanswerable as error:
        raise ApiError(400, error.key, field=error.field) from None
    language = language_of(request)
    why = why_no_index(survey, selection, query.by)
    return _json(
        SatisfactionJson(
            survey=survey.id,
            by=query.by,
            since=selection.since,
            until=selection.until,
            organisation=query.organisation,
            rows=[RowJson.of(row, language, publish=query.publish) for row in rows],
            not_compared=_not_compared(centre, survey, query.by, language, why),
        )
    )


def _json(answer: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer: the fields of the model that were set, under their names in the API."""
    body = answer.model_dump_json(by_alias=True, exclude_unset=True)
    return Response(body, status, headers=headers, media_type="application/json")


def _query(request: Request, model: type[Q]) -> Q:
    """The parameters of a request as a model. Raises ApiError, which names the first bad one."""
    given = request.query_params.multi_items()
    values = dict(given)
    if doubled := [name for name, n in Counter(name for name, _ in given).items() if n > 1]:
        raise ApiError(400, "bad_parameter", field=_named(doubled[0]))
    try:
        query = model.model_validate_strings(values, by_name=False)
    except ValidationError as error:
        raise ApiError(400, "bad_parameter", field=_named(error.errors()[0]["loc"][0])) from None
    since, until = (getattr(query, name, None) for name in ("since", "until"))
    if since and until and since > until:
        raise ApiError(400, "from_after_to")
    return query


def _named(parameter: object) -> str:
    """The name of a parameter, as it may stand in an answer."""
    return UNSAFE.sub("?", str(parameter)[:40])


def _not_compared(
    centre: Centre, survey: Survey, by: RowKey, language: Language, for_all: str | None
) -> list[NotComparedJson]:
    """The references that are not compared, each with the reason; ``for_all`` is one for all.

    Those of one department are compared where it has a row.
    """

    def why(reference: Reference) -> str | None:
        own = reference.department if by == "department" else None
        return why_not_comparable(survey, reference, own) or for_all

    return [
        NotComparedJson(reference=one.id, reason=MESSAGES.get(language, f"compare.{reason}"))
        for one in centre.references
        if (reason := why(one))
    ]


@open_to("reader_token")
async def get_submissions_csv(request: Request) -> Response:
    """The joined table, one row a submission, streamed; comments are screened."""
    context = context_of(request)
    name = await holder_of(request, context, "reader")
    period = _query(request, PeriodQuery)
    filters = Filters(period.since, period.until)
    told = {"name": name, "selection": filters.written()}
    new = entry(context.clock(), COMMAND_LINE, "export.by_token", **told)
    await run_in_threadpool(context.store.audit.add, new)
    table = JoinedTable(context.store.database, context.centre, context.surveys, filters)
    await run_in_threadpool(lambda: table.definitions)  # or say how many answers have none
    return await stream(table.lines("csv"), "submissions.csv", MEDIA_TYPES["csv"])


async def stream(
    lines: Iterator[str], name: str, media_type: str, *, start: str = ""
) -> StreamingResponse:
    """A file to download, sent while its ``lines`` are made; ``start`` comes before them."""
    # The first line is made before the status is sent: then a failing database can still be a 503.
    first = await run_in_threadpool(next, lines)
    return StreamingResponse(
        chain([start + first], lines),
        media_type=media_type,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


@open_to("anyone")
async def get_openapi(request: Request) -> Response:
    return JSONResponse(DOCUMENT)


@open_to("anyone")
async def get_health(request: Request) -> Response:
    """200 where a submission would be stored if it came now, else 503."""
    ready = await context_of(request).health.ready()
    return _json(HealthJson(status="ok" if ready else "unavailable"), 200 if ready else 503)


@open_to("anyone")
async def get_metrics(request: Request) -> Response:
    return Response(
        generate_latest(context_of(request).metrics.registry), media_type=CONTENT_TYPE_LATEST
    )


async def storage_error(request: Request, error: Exception) -> Response:
    """503 where the database fails: nothing was stored, so the sender should try again."""
    if path_of(request).startswith("/api/"):
        return await api_error(request, ApiError(503, "storage"))
    response = render(request, "error", ErrorPage("api.storage"), status=503)
    response.headers["retry-after"] = "5"
    return response
