"""Whether this kiosk could take an answer now, and how much it has still to deliver."""

from uuid import uuid4

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kiosk.context import Context, context_of
from kiosk.outbox import OutboxError
from kiosk.submissions import new_submission
from surveys.wire import MAX_COMMENT, Refused


async def status(request: Request) -> Response:
    """The outbox's counts as JSON; 503 with an ``error`` where an answer could not be taken."""
    answer, code = await anyio.to_thread.run_sync(_status, context_of(request))
    return JSONResponse(answer, code)


def _status(context: Context) -> tuple[dict[str, object], int]:
    answer: dict[str, object] = {}
    try:
        counts = context.outbox.status()
        answer = {
            "pending": counts.pending,
            "oldest_pending": counts.oldest_pending,
            "refused": counts.refused,
            "last_delivery": counts.last_delivery,
        }
        _try_to_store(context)
    except (OutboxError, Refused) as error:  # Refused: the kiosk's own clock is far off
        return {**answer, "error": str(error)}, 503
    return answer, 200


def _try_to_store(context: Context) -> None:
    """Store an answer as the touch screen does and take it back. Raises OutboxError or Refused.

    It is as long as one may be, so that a full disk shows here before it refuses a visitor.
    """
    survey = context.rating_survey
    scale = survey.scale_of(survey.questions["rating"])
    submission = new_submission(
        context,
        survey,
        uuid4(),
        place=context.place,
        channel="kiosk",
        visit=uuid4(),
        language="vi",
        answers={"rating": scale.codes[0]} if scale else {},
        comment="ộ" * MAX_COMMENT if survey.comment else None,
    )
    context.outbox.try_out(submission)
