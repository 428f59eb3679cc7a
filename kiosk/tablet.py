"""A tablet without a kiosk process: it installs the touch screen and keeps answers by itself.

Its service worker plays this process while nobody answers (``static/js/tablet.js``): it keeps
drafts, finishes them, and delivers the submissions here in the form in which they travel on.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID, uuid5

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kiosk.context import Context, context_of
from kiosk.outbox import Added, content_digest
from kiosk.survey_draft import SurveyDraft
from surveys.text import cleaned
from surveys.wire import (
    CLOCK_TOLERANCE,
    MAX_COMMENT,
    Moment,
    Receipt,
    Refused,
    Submission,
    first_reason,
    read_submission,
)
from web import FORM_LIMIT, asset, read_body

ICONS = {"icon-192.png": "192x192", "icon-512.png": "512x512"}
THEME = "#0b4a73"
STATUSES: Mapping[Added, str] = {
    "stored": "accepted",
    "duplicate": "duplicate",
    "conflict": "conflict",
}


class Delivery(BaseModel):
    """What a tablet sends: submissions, and its own clock when it sent them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sent_at: Moment
    submissions: list[dict[str, object]] = Field(max_length=50)


async def manifest(request: Request) -> Response:
    """What makes the touch screen an app that a tablet can install."""
    context = _with_tablets(request)
    centre = context.centre.name.get("vi")
    icons = [
        {
            "src": asset(f"img/{name}"),
            "sizes": sizes,
            "type": "image/png",
            "purpose": "any maskable",
        }
        for name, sizes in ICONS.items()
    ]
    content = {
        "id": "/",
        "name": f"{context.pages.messages.get('vi', 'page.title')} · {centre}",
        "short_name": centre,
        "lang": "vi",
        "start_url": "/",
        "scope": "/",
        "display": "fullscreen",
        "background_color": "#ffffff",
        "theme_color": THEME,
        "icons": icons,
    }
    return Response(json.dumps(content), media_type="application/manifest+json")


async def take(request: Request) -> Response:
    """Take finished submissions of a tablet; the answer has a receipt for each, in order.

    Raises HTTPException 404 where the settings have no tablets, 413, 415 or 422.
    """
    context = _with_tablets(request)
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415)
    body = await read_body(request, FORM_LIMIT)
    try:
        delivery = Delivery.model_validate_json(body)
    except ValidationError:
        raise HTTPException(422) from None
    receipts = await anyio.to_thread.run_sync(_take_all, context, delivery)
    context.uploader.wake()
    return JSONResponse(
        [{"id": one.id, "status": one.status, "reason": one.reason} for one in receipts]
    )


def _with_tablets(request: Request) -> Context:
    context = context_of(request)
    if not context.settings.tablets:
        raise HTTPException(404)
    return context


def _take_all(context: Context, delivery: Delivery) -> list[Receipt]:
    ahead = delivery.sent_at - context.now()
    # A tablet whose clock is wrong tells by how much; a small difference is the network's.
    shift = -ahead if abs(ahead) > CLOCK_TOLERANCE else timedelta()
    return [_take(context, raw, shift) for raw in delivery.submissions]


def _take(context: Context, raw: Mapping[str, object], shift: timedelta) -> Receipt:
    """Put one submission on disk, exactly once by its id. Raises OutboxError.

    One that the present definitions refuse is kept for a human: they may have changed since it
    was answered. Only what no tablet of ours sends is refused and not kept.
    """
    submission_id = str(raw.get("id"))[:36]
    try:
        submission = _read(raw, shift)
    except Refused as refused:
        return Receipt(submission_id, "refused", str(refused))
    reason = None
    try:
        # By what is asked now: only the aggregator knows what was asked before.
        read_submission(
            submission.model_dump(mode="json"),
            context.surveys,
            context.centre,
            context.now(),
            lambda _: context.surveys.get(submission.survey),
        )
    except Refused as refused:
        # Which clock is wrong, that of then or this one now, only the aggregator knows.
        reason = None if refused.key == "in_the_future" else f"tablet: {refused}"
    return Receipt(submission_id, STATUSES[_store(context, submission, reason)])  # type: ignore[arg-type]


def _read(raw: Mapping[str, object], shift: timedelta) -> Submission:
    """A submission with its comment cleaned and its time set right. Raises Refused."""
    comment = raw.get("comment")
    if isinstance(comment, str):
        raw = {**raw, "comment": cleaned(comment)[:MAX_COMMENT].strip() or None}
    try:
        submission = Submission.model_validate(raw)
        answered_at = submission.answered_at + shift
    except ValidationError as error:
        raise first_reason(error) from None
    except OverflowError:
        raise Refused("answered_at", "not_a_time") from None
    if submission.channel != "kiosk":
        raise Refused("channel", "wrong_type")
    if not submission.answers and not submission.comment:
        raise Refused("answers", "nothing_answered")
    # Numbers are this process's to give.
    unnumbered = dict.fromkeys(("device_seq", "device_mac", "comment_salt"))
    return submission.model_copy(update={"answered_at": answered_at, **unnumbered})


def _store(context: Context, submission: Submission, reason: str | None) -> Added:
    """Put a submission in the queue. The server's own draft of the same id becomes a part of it.

    There is one where the server went away in the middle of a visit.
    """

    def join(body: str) -> tuple[Submission, str | None]:
        draft = SurveyDraft.model_validate_json(body)
        joined = {
            "department": draft.department,
            "counter": draft.counter,
            "visit": str(draft.visit),
            "answers": {**draft.answers, **submission.answers},
            "comment": submission.comment or draft.comment,
        }
        return submission.model_copy(update=joined), reason

    outbox, drafts = context.outbox, context.drafts
    try:
        finished = drafts.finish(submission.id, join)
    except ValidationError:  # saved by another version
        drafts.set_aside(submission.id, "kiosk: an unfinished answer that cannot be read")
        finished = None
    if finished is not None and finished != "empty":
        return finished
    with outbox.disk.transaction() as connection:
        added = outbox.insert(connection, submission, reason)
        if added == "conflict":
            # Kept under an id of its own, which is the same each time it is sent.
            other = uuid5(UUID(submission.id), content_digest(submission))
            outbox.insert(
                connection,
                submission.model_copy(update={"id": str(other)}),
                f"tablet: another answer of {submission.id}",
            )
    return added
