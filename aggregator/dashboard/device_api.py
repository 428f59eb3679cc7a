"""What devices ask for and tell: POST /api/v1/devices and /api/v1/devices/me."""

import hashlib
from typing import TypeVar

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from aggregator.dashboard.accounts import RefusedError
from aggregator.dashboard.api import ApiError, BadFieldError, device_of
from aggregator.dashboard.context import MESSAGES, context_of
from aggregator.dashboard.permissions import open_to
from aggregator.dashboard.schemas import (
    MOST_DRIFT,
    BeatJson,
    CodeJson,
    EnrolledJson,
    ErrorJson,
    Json,
    PlaceJson,
)
from aggregator.intake.ingest import same
from aggregator.organisation.current import Organisation
from aggregator.storage.devices import Beat, Device
from surveys.centre import Centre
from surveys.wire import first_reason
from web import language_of, read_body

LARGEST = 4_096  # bytes
J = TypeVar("J", bound=Json)


async def sent(request: Request, model: type[J], most: int = LARGEST) -> J:
    """The body, of ``most`` bytes, as a model. Raises ApiError, which names the first bad field."""
    try:
        return model.model_validate_json(await read_body(request, most))
    except ValidationError as error:
        raise BadFieldError(first_reason(error, "body")) from None


@open_to("anyone")
async def post_code(request: Request) -> Response:
    """Enrol a device by a one-time code."""
    context = context_of(request)
    accounts = context.accounts
    code = (await sent(request, CodeJson)).code
    address = request.client.host if request.client else ""
    try:
        found = await run_in_threadpool(accounts.enrol_by_code, code, address)
    except RefusedError as refused:
        answer = ErrorJson(error=MESSAGES.get(language_of(request), "api.too_many_codes"))
        wait = {"retry-after": str(refused.wait)}
        return JSONResponse(answer.model_dump(), 429, headers=wait)
    if found is None:
        raise ApiError(403, "wrong_code")
    device, token = found
    place = {"department": device.department, "counter": device.counter}
    centre = context.centre.id
    enrolled = EnrolledJson(name=device.name, token=token, centre=centre, **place)
    return JSONResponse(enrolled.model_dump(), headers={"cache-control": "no-store"})


@open_to("device_token")
async def get_centre(request: Request) -> Response:
    """The centre's document in force; its ETag is the SHA-256 of its bytes."""
    context = context_of(request)
    await device_of(request, context)
    body = await run_in_threadpool(_document, context.organisation)
    headers = {"etag": f'"{hashlib.sha256(body).hexdigest()}"', "cache-control": "no-cache"}
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _document(organisation: Organisation) -> bytes:
    """What a device needs of the document: not what only the aggregator goes by."""
    organisation.refreshed()
    ours = {"alerts", "alert_rules", "flags", "clock_minutes", "board", "documents"}
    ours |= {"laws", "ballots"}
    kept = organisation.stored.model_dump_json(exclude=ours, exclude_defaults=True)
    return kept.encode()


@open_to("device_token")
async def post_beat(request: Request) -> Response:
    """Note what the device tells, at most once a minute; the answer is where it is bound to."""
    context = context_of(request)
    device = await device_of(request, context)
    told = await sent(request, BeatJson)
    now = context.clock()
    if context.accounts.is_due(device.number, now, tells=True):
        drift = round((told.clock - now).total_seconds())
        drift = max(-MOST_DRIFT, min(MOST_DRIFT, drift))
        settled = told.place is None or _is_there(context.centre, device, told.place)
        place = told.place or PlaceJson()
        beat = Beat(
            told.pending,
            told.refused,
            drift,
            told.version,
            place.department,
            place.counter,
            settled,
        )
        await run_in_threadpool(context.store.devices.note, device.number, now, beat)
        if settled and device.formerly:
            context.accounts.forget_devices()
    return JSONResponse({"department": device.department, "counter": device.counter})


def _is_there(centre: Centre, device: Device, said: PlaceJson) -> bool:
    """Whether a device works by the place that it is bound to, or by what that has become."""
    if device.counter is not None:
        return same(device.counter, said.counter, centre.counter_heirs)
    if said.counter is not None:
        return False
    own, heirs = device.department, centre.department_heirs
    return said.department is None if own is None else same(own, said.department, heirs)
