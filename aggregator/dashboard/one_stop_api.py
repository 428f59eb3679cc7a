"""What the one-stop software tells and asks for at POST /api/v1/dossiers.

It tells counts of settled dossiers by day, and asks for one-time codes to print on receipts.
"""

import secrets
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from aggregator.dashboard.api import ApiError, device_of, holder_of
from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.device_api import sent
from aggregator.dashboard.permissions import open_to
from aggregator.dashboard.schemas import (
    MAX_COUNTS,
    CodeGivenJson,
    CodesWantedJson,
    DossiersJson,
    FetchJson,
    StoredJson,
    WaitingCodeJson,
    WaitingCodesJson,
)
from surveys.receipts import ALPHABET, LENGTH, once_hash
from surveys.wire import Refused
from web import language_of

LARGEST = MAX_COUNTS * 200  # bytes


@open_to("one_stop_token")
async def post_dossiers(request: Request) -> Response:
    """Set how many dossiers were settled on days: all of a request's counts, or none of them.

    One-time codes are made with the counts or without; where they cannot be, nothing is stored.

    A count replaces the one that was told before of that day and department, so sending again
    changes nothing, and a day may be told many times while it runs.
    """
    context = context_of(request)
    await holder_of(request, context, "one_stop")
    told = await sent(request, DossiersJson, LARGEST)
    try:
        rows = _rows(told, context)
        wanted = told.codes
        codes = await run_in_threadpool(_codes, wanted, context) if wanted else None
    except Refused as refused:
        reason = refused.reason(language_of(request))
        raise ApiError(400, "refused_count", reason=reason) from None
    if rows:
        await run_in_threadpool(context.store.put_transactions, rows)
    answer = StoredJson(stored=len(rows), codes=codes).model_dump(mode="json", exclude_none=True)
    return JSONResponse(answer, headers={"cache-control": "no-store"})


@open_to("device_token")
async def post_fetch(request: Request) -> Response:
    """Hand a kiosk the one-time codes that it serves."""
    context = context_of(request)
    device = await device_of(request, context)
    said = await sent(request, FetchJson)
    waiting = await run_in_threadpool(
        context.store.one_time.fetched, device.number, said.after, said.address, context.today
    )
    codes = [WaitingCodeJson(**vars(one)) for one in waiting]
    return JSONResponse(WaitingCodesJson(codes=codes).model_dump(mode="json"))


def _codes(wanted: CodesWantedJson, context: Context) -> list[CodeGivenJson]:
    """New one-time codes for the kiosk that phones reach. Raises ApiError and Refused."""
    centre, store = context.organisation.centre, context.store.one_time
    department, counter = wanted.department, wanted.counter
    if department is not None and department not in centre.department:
        raise Refused("codes.department", "unknown_department", value=department)
    if counter is not None and counter not in centre.counter:
        raise Refused("codes.counter", "unknown_counter", value=counter)
    if counter is not None and department is not None and (counter, department) not in centre.stood:
        raise Refused("codes.counter", "unknown_counter", value=counter)
    serves = store.server()
    if serves is None:
        raise ApiError(409, "no_code_server")
    device, address = serves
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(wanted.number)]
    until = context.today + timedelta(days=wanted.days)
    store.add(device, [once_hash(code) for code in codes], department, counter, until)
    return [CodeGivenJson(code=code, address=f"{address}/o/{code}", until=until) for code in codes]


def _rows(told: DossiersJson, context: Context) -> list[dict[str, object]]:
    """Rows of tables.Transactions. Raises Refused, which names the item and its field."""
    centre, today = context.organisation.centre, context.today
    found: dict[tuple[object, str], dict[str, object]] = {}
    for place, one in enumerate(told.dossiers):
        key = one.day, one.department or ""
        if one.department is not None and one.department not in centre.department:
            raise _refused(place, "department", "unknown_department", value=one.department)
        if one.day > today:
            raise _refused(place, "day", "in_the_future")
        if key in found:
            raise _refused(place, "day", "row_twice")
        found[key] = {"day": one.day, "department": key[1], "dossiers": one.count}
    return list(found.values())


def _refused(place: int, field: str, key: str, **values: object) -> Refused:
    return Refused(f"dossiers.{place}.{field}", key, **values)
