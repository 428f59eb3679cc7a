"""An unfinished survey or rating: what was answered so far, and the submission it becomes."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

import anyio.to_thread
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from kiosk.context import Context
from kiosk.drafts import Drafts, Finished
from kiosk.forms import FormAnswers
from kiosk.outbox import OutboxError, Taking
from surveys.centre import Centre
from surveys.definition import Question, Survey
from surveys.messages import LANGUAGE_CODE
from surveys.wire import (
    CLOCK_TOLERANCE,
    Channel,
    Refused,
    Submission,
    check_answer,
    read_submission,
)

log = logging.getLogger("kiosk")

# How long a draft waits for its author; then what was answered is sent. A phone goes back
# into a pocket and comes out again, a touch screen has the next visitor before it.
PATIENCE: Mapping[Channel, timedelta] = {"kiosk": timedelta(minutes=15), "qr": timedelta(hours=2)}
# A draft that expires later was saved by a clock that ran ahead. Minutes are no reason to send it.
LONGEST_PATIENCE = max(PATIENCE.values()) + CLOCK_TOLERANCE


class SurveyDraft(BaseModel):
    """What was answered so far of a full survey or a rating; its id becomes the submission's.

    ``receipt`` is the hash of the code that is given for its comment, ``crowded`` whether its
    network had sent many.
    """

    model_config = ConfigDict(frozen=True)

    id: UUID
    survey: str
    fingerprint: str
    department: str | None
    counter: str | None
    channel: Channel
    visit: UUID
    language: Annotated[str, Field(pattern=LANGUAGE_CODE)]
    answered_at: AwareDatetime
    answers: dict[str, int | list[int]] = {}
    comment: str | None = None
    receipt: str | None = None
    crowded: bool | None = None

    @property
    def expires(self) -> datetime:
        """When the draft is sent as it stands."""
        return self.answered_at + PATIENCE[self.channel]

    @property
    def typed(self) -> dict[str, list[str]]:
        """The answers and the comment as the fields of a form."""
        typed = {
            question: [str(code) for code in (answer if isinstance(answer, list) else [answer])]
            for question, answer in self.answers.items()
        }
        if self.comment:
            typed["comment"] = [self.comment]
        return typed

    def with_answers(
        self,
        asked: Iterable[Question],
        form: FormAnswers,
        language: str,
        now: datetime,
        *,
        comments: bool,
    ) -> Self:
        """The draft after a form was sent: its answers replace those to what it asked before.

        ``comments`` says whether the form asked for the comment, too.
        """
        names = {question.id for question in asked}
        others = {name: value for name, value in self.answers.items() if name not in names}
        return self.model_copy(
            update={
                "answers": {**others, **form.answers},
                "comment": form.comment if comments else self.comment,
                "language": language,
                "answered_at": now,
            }
        )

    def with_short_form(self, form: FormAnswers, now: datetime) -> Self:
        """The draft with the answers of the short form that the same visit has sent."""
        return self.model_copy(
            update={
                "answers": {**self.answers, **form.answers},
                "comment": form.comment or self.comment,
                "answered_at": now,
            }
        )

    def for_survey(self, survey: Survey) -> Self:
        """The draft for the present definition; answers that are no longer valid are left out."""
        valid = {}
        for name, value in self.answers.items():
            try:
                check_answer(survey, survey.questions[name], value)
            except (KeyError, Refused):
                continue
            valid[name] = value
        return self.model_copy(update={"answers": valid, "fingerprint": survey.fingerprint})

    def to_submission(
        self, surveys: Mapping[str, Survey], centre: Centre, now: datetime
    ) -> tuple[Submission | None, str | None]:
        """The submission, and the reason why a human must look at it first; either may be None.

        There is no submission where nothing was answered. There is a reason where the present
        definitions refuse the draft, which is then kept instead of delivered.
        """
        if not self.answers and not self.comment:
            return None, None
        raw = self.model_dump(mode="json")
        try:
            return read_submission(raw, surveys, centre, now), None
        except Refused as refused:
            submission = Submission.model_validate(raw)
            # Which clock is wrong, the one then or the one now, only the aggregator knows.
            reason = None if refused.key == "in_the_future" else f"kiosk: {refused}"
            return submission, reason


async def open_draft(context: Context, draft: SurveyDraft, taking: Taking | None = None) -> bool:
    """Put a new draft on disk; False where its id is known already. Raises OutboxError.

    ``taking`` as for survey_screens.begin_survey.
    """

    def opened() -> bool:
        if context.drafts.read(str(draft.id)) is not None:  # its form was taken before
            return False
        with (taking or context.outbox.taking)() as crowded:
            taken = draft.model_copy(update={"crowded": crowded or None})
            return context.drafts.open(str(draft.id), taken.model_dump_json(), draft.expires)

    return await anyio.to_thread.run_sync(opened)


async def change_draft(
    context: Context, draft_id: UUID, change: Callable[[SurveyDraft], SurveyDraft]
) -> SurveyDraft | None:
    """Change a draft on disk, and let it wait anew. None where there is none.

    Raises OutboxError.
    """

    def changed(body: str) -> tuple[str, datetime]:
        draft = change(SurveyDraft.model_validate_json(body))
        return draft.model_dump_json(), draft.expires

    body = await anyio.to_thread.run_sync(context.drafts.change, str(draft_id), changed)
    return None if body is None else SurveyDraft.model_validate_json(body)


async def read_draft(context: Context, draft_id: UUID) -> SurveyDraft | None:
    """The draft of an id; None where there is none. Raises OutboxError."""
    body = await anyio.to_thread.run_sync(context.drafts.read, str(draft_id))
    return None if body is None else SurveyDraft.model_validate_json(body)


async def finish_draft(
    context: Context,
    draft_id: UUID,
    short_form: FormAnswers | None = None,
    receipt: str | None = None,
) -> Finished | None:
    """Send a draft as it stands, with the short form that the same visit sent meanwhile.

    ``receipt`` is the hash of the code that its author is given for the comment.

    Returns what became of it; None where there is no such draft. Raises OutboxError.
    """
    now = context.now()

    def to_submission(body: str) -> tuple[Submission | None, str | None]:
        draft = SurveyDraft.model_validate_json(body)
        if short_form is not None:
            current = draft.for_survey(context.surveys[draft.survey])
            draft = current.with_short_form(short_form, now)
        if receipt is not None and draft.comment:
            draft = draft.model_copy(update={"receipt": receipt})
        return draft.to_submission(context.surveys, context.centre, now)

    result = await anyio.to_thread.run_sync(context.drafts.finish, str(draft_id), to_submission)
    context.uploader.wake()
    return result


def finish_expired(
    drafts: Drafts, surveys: Mapping[str, Survey], centre: Centre, now: datetime
) -> int:
    """Send the drafts whose time is over. Returns how many. Raises OutboxError.

    One that cannot be read, such as one saved by another version, is set aside for a human.
    """
    return _finish(drafts.expired(LONGEST_PATIENCE), drafts, surveys, centre, now)


def finish_ratings(
    drafts: Drafts, surveys: Mapping[str, Survey], centre: Centre, now: datetime
) -> int:
    """Send all open ratings, as a kiosk that starts anew does: their thank-yous are gone.

    Returns how many. Raises OutboxError. A full survey is left to its author, who may go on.
    """
    rating = f'"survey":"{centre.instruments.rating}"'  # as pydantic writes it, without spaces
    left = [one for one in drafts.expired(timedelta(0)) if rating in (drafts.read(one) or "")]
    return _finish(left, drafts, surveys, centre, now)


def _finish(
    draft_ids: Iterable[str],
    drafts: Drafts,
    surveys: Mapping[str, Survey],
    centre: Centre,
    now: datetime,
) -> int:
    def to_submission(body: str) -> tuple[Submission | None, str | None]:
        return SurveyDraft.model_validate_json(body).to_submission(surveys, centre, now)

    finished = 0
    for draft_id in draft_ids:
        try:
            added = drafts.finish(draft_id, to_submission)
        except OutboxError:
            raise
        except Exception as error:  # its text may hold answers: only its type is told
            reason = f"kiosk: an unfinished answer that cannot be read ({type(error).__name__})"
            drafts.set_aside(draft_id, reason)
            log.error("draft %s kept for a human: %s", draft_id, reason)  # noqa: TRY400
            continue
        if added == "conflict":
            log.error("draft %s kept for a human: its id has another answer", draft_id)
        finished += added is not None
    return finished
