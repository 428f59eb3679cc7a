"""What the one-stop software tells: POST /api/v1/dossiers, counts of settled dossiers by day."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from aggregator.dashboard.api import ApiError, holder_of
from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.device_api import sent
from aggregator.dashboard.permissions import open_to
from aggregator.dashboard.schemas import MAX_COUNTS, DossiersJson, StoredJson
from surveys.wire import Refused
from web import language_of

LARGEST = MAX_COUNTS * 200  # bytes


@open_to("one_stop_token")
async def post_dossiers(request: Request) -> Response:
    """Set how many dossiers were settled on days: all of a request's counts, or none of them.

    A count replaces the one that was told before of that day and department, so sending again
    changes nothing, and a day may be told many times while it runs.
    """
    context = context_of(request)
    await holder_of(request, context, "one_stop")
    told = await sent(request, DossiersJson, LARGEST)
    try:
        rows = _rows(told, context)
    except Refused as refused:
        reason = refused.reason(language_of(request))
        raise ApiError(400, "refused_count", reason=reason) from None
    await run_in_threadpool(context.store.put_transactions, rows)
    return JSONResponse(StoredJson(stored=len(rows)).model_dump())


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
