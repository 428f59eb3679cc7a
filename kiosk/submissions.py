"""From checked answers to submissions in the outbox."""

from collections.abc import Mapping
from uuid import UUID, uuid5

import anyio.to_thread

from kiosk.context import Context
from kiosk.outbox import Added
from kiosk.places import Place
from surveys.definition import Survey
from surveys.wire import Channel, Submission, read_submission


def part_id(visit: UUID, part: str) -> UUID:
    """The id of one part of a visit, which is the same each time its form is sent."""
    return uuid5(visit, part)


def new_submission(
    context: Context,
    survey: Survey,
    submission_id: UUID,
    *,
    place: Place,
    channel: Channel,
    visit: UUID,
    language: str,
    answers: Mapping[str, object],
    comment: str | None = None,
    fingerprint: str | None = None,
    receipt: str | None = None,
    crowded: bool = False,
) -> Submission:
    """A checked submission, answered now. ``fingerprint`` is the survey's own by default.

    ``receipt`` is the hash of the code that is given for its comment, if it has one; ``crowded``
    whether its network has sent many.

    Raises surveys.wire.Refused.
    """
    now = context.now()
    raw = {
        "id": str(submission_id),
        "survey": survey.id,
        "fingerprint": fingerprint or survey.fingerprint,
        "department": place.department_id,
        "counter": place.counter_id,
        "channel": channel,
        "visit": str(visit),
        "answered_at": now,
        "language": language,
        "answers": dict(answers),
        "comment": comment,
        "receipt": receipt if comment else None,
        "crowded": crowded or None,
    }
    return read_submission(raw, context.surveys, context.centre, now)


async def store(context: Context, *submissions: Submission) -> list[Added]:
    """Put submissions on disk, all or none, then wake the uploader. Raises OutboxError."""
    added = await anyio.to_thread.run_sync(context.outbox.add_all, submissions)
    context.uploader.wake()
    return added


async def is_stored(context: Context, submission_id: UUID) -> bool:
    """Whether a submission is on its way to the aggregator, or was delivered lately.

    Raises OutboxError.
    """
    return await anyio.to_thread.run_sync(context.outbox.knows, str(submission_id))
