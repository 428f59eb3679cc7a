"""What devices tell of themselves: POST /api/v1/devices/me."""

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from aggregator.dashboard.api import ApiError, device_of
from aggregator.dashboard.context import context_of
from aggregator.dashboard.permissions import open_to
from aggregator.dashboard.schemas import BeatJson
from aggregator.storage.devices import Beat
from web import read_body

LARGEST = 4_096  # bytes
MOST_DRIFT = 10**9  # seconds


@open_to("device_token")
async def post_beat(request: Request) -> Response:
    """Note what the device tells; at most once a minute is it written."""
    context = context_of(request)
    device = await device_of(request, context)
    body = await read_body(request, LARGEST)
    try:
        told = BeatJson.model_validate_json(body)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"])) or "body"
        raise ApiError(400, "bad_field", field=field[:40]) from None
    now = context.clock()
    if context.accounts.is_due(device.number, now):
        drift = round((told.clock - now).total_seconds())
        drift = max(-MOST_DRIFT, min(MOST_DRIFT, drift))
        beat = Beat(told.pending, told.refused, drift, told.version)
        await run_in_threadpool(context.store.devices.note, device.number, now, beat)
    return JSONResponse({})
