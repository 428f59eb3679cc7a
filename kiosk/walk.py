"""A walk through a whole survey, one factor a step; its draft lies in the outbox file."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from kiosk.doors import Place, UnknownPlaceError, place_of
from kiosk.drafts import Drafts
from kiosk.forms import Filled
from kiosk.outbox import OutboxError
from surveys.centre import Centre
from surveys.definition import Question, Survey, Text
from surveys.messages import Language
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
LONGEST = max(PATIENCE.values()) + CLOCK_TOLERANCE  # a clock set right is no reason to hurry


@dataclass(frozen=True)
class Step:
    """One screen of a walk. The last one asks about the respondent, and for a comment."""

    number: int
    name: Text | None
    questions: tuple[Question, ...]
    last: bool


def steps_of(survey: Survey) -> tuple[Step, ...]:
    """The screens of a survey, in order."""
    factors = [factor for factor in survey.factors if factor.questions]
    about = bool(survey.profile) or survey.comment
    total = len(factors) + about
    steps = [
        Step(number, factor.name, factor.questions, number == total)
        for number, factor in enumerate(factors, 1)
    ]
    if about:
        steps.append(Step(total, None, survey.profile, last=True))
    return tuple(steps)


class Draft(BaseModel):
    """What was answered so far."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    survey: str
    fingerprint: str
    department: str | None
    counter: str | None
    channel: Channel
    visit: UUID
    language: Language
    answered_at: AwareDatetime
    answers: dict[str, int | list[int]] = {}
    comment: str | None = None

    @property
    def expires(self) -> datetime:
        """When it is sent as it stands."""
        return self.answered_at + PATIENCE[self.channel]

    def place(self, centre: Centre) -> Place:
        """Where it is being answered. Raises UnknownPlaceError."""
        try:
            return place_of(centre, self.department, self.counter)
        except KeyError as error:
            raise UnknownPlaceError(str(error)) from None

    def with_step(
        self,
        step: Step,
        answers: Mapping[str, int | list[int]],
        comment: str | None,
        language: Language,
        now: datetime,
    ) -> Self:
        """The draft after a step was sent: its answers replace what that step had before."""
        asked = {question.id for question in step.questions}
        kept = {name: value for name, value in self.answers.items() if name not in asked}
        return self.model_copy(
            update={
                "answers": {**kept, **answers},
                "comment": comment if step.last else self.comment,
                "language": language,
                "answered_at": now,
            }
        )

    def with_form(self, filled: Filled, now: datetime) -> Self:
        """The draft with what a form said before the walk, when it is sent once more."""
        return self.model_copy(
            update={
                "answers": {**self.answers, **filled.answers},
                "comment": filled.comment or self.comment,
                "answered_at": now,
            }
        )

    def for_survey(self, survey: Survey) -> Self:
        """The draft under a definition that changed meanwhile, with what is still an answer."""
        kept = {}
        for name, value in self.answers.items():
            try:
                check_answer(survey, survey.questions[name], value)
            except (KeyError, Refused):
                continue
            kept[name] = value
        return self.model_copy(update={"answers": kept, "fingerprint": survey.fingerprint})

    def to_submission(
        self, surveys: Mapping[str, Survey], centre: Centre, now: datetime
    ) -> tuple[Submission | None, str | None]:
        """What to put into the outbox, with a reason where a human must look at it first."""
        if not self.answers and not self.comment:
            return None, None
        raw = self.model_dump(mode="json")
        try:
            return read_submission(raw, surveys, centre, now), None
        except Refused as refused:
            if refused.key == "in_the_future":
                # Which clock is wrong, the one then or the one now, only the aggregator knows.
                return Submission.model_validate(raw), None
            # An instrument changed under an unfinished draft: keep it rather than lose it.
            return Submission.model_validate(raw), f"kiosk: {refused}"


def finish_expired(
    drafts: Drafts, surveys: Mapping[str, Survey], centre: Centre, now: datetime
) -> int:
    """Send the drafts that nobody came back to. Returns how many."""

    def finish(body: str) -> tuple[Submission | None, str | None]:
        return Draft.model_validate_json(body).to_submission(surveys, centre, now)

    finished = 0
    for key in drafts.expired(LONGEST):
        try:
            added = drafts.finish(key, finish)
        except OutboxError:
            raise
        except Exception as error:  # saved by another version, say: the others go their way
            reason = f"kiosk: an unfinished survey that cannot be read ({type(error).__name__})"
            drafts.set_aside(key, reason)
            log.error("draft %s kept for a human: %s", key, reason)  # noqa: TRY400 - its answers
            continue
        if added == "conflict":
            log.error("draft %s kept for a human: its id has another answer", key)
        finished += added is not None
    return finished
