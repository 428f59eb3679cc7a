"""POST /api/v1/receipts: what became of a comment, for who has its receipt code.

A kiosk asks, for whoever opened ``/c/CODE`` there, and sends the code's hash alone. A code that is
unknown and one that is expired get the same answer. Wrong ones make the device wait.
"""

from datetime import datetime, timedelta
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from aggregator.dashboard.api import ApiError, BadFieldError, device_of
from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.device_api import sent
from aggregator.dashboard.permissions import open_to
from aggregator.dashboard.schemas import AnswerJson, ErrorJson, FollowedJson, ReceiptJson
from aggregator.dashboard.throttle import Bucket, Limit, Throttle
from aggregator.storage.cases import AWAITING, Case, OvertakenError
from aggregator.storage.tables import ReceiptRow
from surveys.text import cleaned
from surveys.wire import Refused
from web import language_of

# Of one device: a hundred at once, then ten a second. Of 2^60 codes, ten thousand of them given
# out, a stranger would find one in some 370,000 years.
WRONG_CODES = Limit(free=100, longest=0.1)
LONGEST_BODY = 16_384  # bytes: 2,000 characters however they are escaped


@open_to("device_token")
async def post_receipt(request: Request) -> Response:
    """Tell what became of a comment; reopen its case, or leave or withdraw contact details."""
    context = context_of(request)
    device = await device_of(request, context)
    asked = await sent(request, ReceiptJson, LONGEST_BODY)
    throttle, bucket = context.wrong_codes, (WRONG_CODES, device.name)
    try:
        told = await run_in_threadpool(_answer, context, asked, throttle, bucket)
    except OvertakenError:
        raise ApiError(409, "case_changed") from None
    if told is None:
        answer = ErrorJson(error=MESSAGES.get(language_of(request), "api.too_many_codes"))
        return JSONResponse(answer.model_dump(), 429, headers={"retry-after": "1"})
    headers = {"cache-control": "no-store"}
    return JSONResponse(told.model_dump(mode="json"), headers=headers)


def _answer(
    context: Context, asked: ReceiptJson, throttle: Throttle, bucket: Bucket
) -> FollowedJson | None:
    """What to tell; None where the code was not looked at. Raises ApiError and OvertakenError."""
    if throttle.wait([bucket]):
        return None
    now, cases = context.clock(), context.store.cases
    found = _valid(context, asked.receipt, now)
    if found is None:
        with throttle.turn():
            throttle.count_wrong([bucket])
        raise ApiError(404, "no_such_receipt")
    if asked.act != "read":
        _act(context, asked, found[1], now)
        found = found[0], cases.of_receipt(asked.receipt)[1]
    return _told(context, asked.receipt, found[1])


def _valid(context: Context, receipt: str, now: datetime) -> tuple[ReceiptRow, Case | None] | None:
    """A receipt and its case; None where there is none, or none any more."""
    row, case = context.store.cases.of_receipt(receipt)
    since = row.given_at if row is not None and case is None else case.closed_at if case else None
    lasts = timedelta(days=context.organisation.centre.cases.receipt_days)
    if row is None or (since is not None and since + lasts < now):
        return None
    return row, case


def _act(context: Context, asked: ReceiptJson, case: Case | None, now: datetime) -> None:
    """Do what who has the code asks for. Raises ApiError and OvertakenError."""
    contacts, settings = context.store.contacts, context.settings
    text = cleaned(asked.text or "")
    if asked.act == "withdraw":
        contacts.withdraw(asked.receipt)
        return
    if not text:
        raise BadFieldError(Refused("text", "missing"))
    if asked.act == "call":
        if case is not None and case.state == "closed":
            raise ApiError(409, "case_changed")
        contacts.leave(asked.receipt, text[:MOST_CONTACT], now, settings.contact_key_file)
    elif case is None or not case.may("reopened"):
        raise ApiError(409, "case_changed")
    else:
        centre = context.organisation.centre
        due = centre.after_open(now, centre.cases.answer_hours)
        context.store.cases.act(case, "reopened", now, None, text=text, due_at=due)


MOST_CONTACT = 200  # characters


def _told(context: Context, receipt: str, case: Case | None) -> FollowedJson:
    centre = context.organisation.centre
    common = partial(
        FollowedJson,
        contact=context.store.contacts.exists(receipt),
        contact_days=centre.cases.contact_days,
    )
    if case is None:
        return common(state="unread")
    answers = [
        AnswerJson(day=centre.local_day(event.at), text=event.text)
        for event in context.store.cases.events(case.number)
        if event.kind == "answered" and event.text
    ]
    return common(
        state=case.state,
        number=case.number,
        received=centre.local_day(case.opened_at),
        due=centre.local_day(case.due_at) if case.state in AWAITING else None,
        answers=answers,
        may_reopen=case.may("reopened"),
        reopened=case.reopened,
    )
