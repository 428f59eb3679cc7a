"""How an answer travels: a submission, and the receipt that the aggregator gives for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from surveys.centre import Centre
from surveys.chain import HEX_32, HEX_64
from surveys.definition import Channel as Channel
from surveys.definition import Question, Survey
from surveys.messages import LANGUAGE_CODE, FieldError, Language
from surveys.receipts import HASH
from surveys.refusals import MESSAGES as MESSAGES
from surveys.text import MAX_MARKS, UNSAFE, composed, has_too_many_marks

UUID_FORM = r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"  # RFC 9562, as it is written
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"  # nothing that a spreadsheet would run
Status = Literal["accepted", "duplicate", "conflict", "refused"]

INT = {int}
MAX_COMMENT = 2_000  # characters
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_TOLERANCE = timedelta(minutes=15)  # a kiosk's clock may run ahead this much: our choice


class Refused(FieldError):
    """An answer that cannot be taken: the field, and the reason in the asker's language."""

    section = "refused."

    def __str__(self) -> str:
        return self.reason("en")

    def reason(self, language: Language) -> str:
        return f"{self.field}: {self.text(MESSAGES, language)}"


def _moment(value: object) -> datetime:
    """A written time with an offset, in UTC. A bare number is not one, whatever it counts."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if isinstance(moment, datetime):
        raise PydanticCustomError("timezone_aware", "no offset")
    raise PydanticCustomError("datetime_parsing", "not a written time")


Moment = Annotated[datetime, BeforeValidator(_moment)]


class Submission(BaseModel):
    """One answered form. The id is made by whoever asks, so that a retry is recognised.

    The comment is the only text in it that is not a name of ours; it is composed (NFC) before
    anything is measured, compared or stored, whichever way it came in. ``receipt`` is the hash of
    the code with which its author may ask what became of the comment; see surveys.receipts. It is
    not of what is said: the same with another one is a duplicate. Nor is ``crowded``: that more
    forms of its code had come from its network within an hour than the centre's limit.

    Of a device that chains its submissions each has its number and link (surveys.chain), and
    where it has a comment the salt under which that is in the digest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=UUID_FORM)
    survey: str = Field(max_length=40)
    fingerprint: str | None = Field(default=None, pattern=NAME)
    department: str | None = Field(default=None, max_length=40)
    counter: str | None = Field(default=None, max_length=40)
    channel: Channel
    visit: str | None = Field(default=None, pattern=NAME)
    answered_at: Moment
    language: str | None = Field(default=None, pattern=LANGUAGE_CODE)
    answers: dict[str, Any] = {}
    comment: Annotated[str, AfterValidator(composed)] | None = None
    receipt: str | None = Field(default=None, pattern=HASH)
    crowded: bool | None = Field(default=None, strict=True)
    device_seq: int | None = Field(default=None, strict=True, ge=1, le=2**53)
    device_mac: str | None = Field(default=None, pattern=HEX_64)
    comment_salt: str | None = Field(default=None, pattern=HEX_32)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The aggregator's word on one submission; ``reason`` names the field when refused."""

    id: str | None
    status: Status
    reason: str | None = None


def read_receipt(raw: object) -> Receipt:
    """A receipt from a reply. Raises pydantic.ValidationError."""
    return RECEIPT.validate_python(raw)


RECEIPT = TypeAdapter(Receipt)


Earlier = Callable[[str], Survey | None]  # a definition that was asked before, by fingerprint


def read_submission(
    raw: object,
    surveys: Mapping[str, Survey],
    centre: Centre,
    now: datetime | None,
    earlier: Earlier = lambda fingerprint: None,
) -> Submission:
    """A checked submission from anything that came over the wire.

    It is checked against the definition of its fingerprint, one of ``surveys`` or ``earlier``.
    Without ``now`` its time is left to the caller; see check_time. Raises Refused, which names
    the field and the reason: unknown fields, surveys, departments, counters, questions and
    codes, impossible times, unsafe text.
    """
    try:
        submission = Submission.model_validate(raw)
    except ValidationError as error:
        raise first_reason(error) from None
    survey = definition_of(submission.survey, submission.fingerprint, surveys, earlier)
    _check_place(submission, centre)
    if now is not None:
        check_time(submission, now)
    check_answers(survey, submission.answers)
    if submission.comment is not None:
        check_comment(survey, submission.comment)
    if not submission.answers and not submission.comment:
        raise Refused("answers", "nothing_answered")
    return submission


def check_time(submission: Submission, now: datetime, ahead: timedelta = timedelta(0)) -> None:
    """Raise Refused for a time that cannot be; the clock that told it was ``ahead``."""
    if submission.answered_at < EARLIEST + ahead:
        raise Refused("answered_at", "too_early", earliest=EARLIEST.date())
    if submission.answered_at > now + ahead + CLOCK_TOLERANCE:
        raise Refused("answered_at", "in_the_future")


def definition_of(
    survey: str, fingerprint: str | None, surveys: Mapping[str, Survey], earlier: Earlier
) -> Survey:
    """The definition that answers were given by. Raises Refused where nobody knows it."""
    asked = surveys.get(survey)
    if asked is not None and fingerprint in (None, asked.fingerprint):
        return asked
    given = earlier(fingerprint) if fingerprint is not None else None
    if given is not None and given.id == survey:
        return given
    if asked is None:
        raise Refused("survey", "unknown_survey", value=_short(survey))
    if fingerprint not in asked.same_as:
        raise Refused("fingerprint", "unknown_definition", value=_short(fingerprint))
    return asked


def check_answers(survey: Survey, answers: Mapping[str, object]) -> None:
    """Raise Refused where a question is unknown or a value is not one of its answers."""
    # The common case in two steps of C; True and 5.0 equal whole numbers but are none.
    if set(map(type, answers.values())) == INT and survey.valid_pairs.issuperset(answers.items()):
        return
    for name, value in answers.items():
        question = survey.questions.get(name)
        if question is None:
            raise Refused("answers", "unknown_question", value=_short(name))
        check_answer(survey, question, value)


def check_answer(survey: Survey, question: Question, value: object) -> None:
    field = f"answers.{question.id}"
    if question.kind == "many":
        if not isinstance(value, list | tuple) or not value:
            raise Refused(field, "not_a_list")
        _check_codes(survey, question, value)
        if len(set(value)) != len(value):
            raise Refused(field, "chosen_twice")
    elif type(value) is not int:
        raise Refused(field, "not_a_whole_number")
    elif question.kind == "number":
        if not question.minimum <= value <= question.maximum:  # type: ignore[operator]
            raise Refused(field, "out_of_bounds", low=question.minimum, high=question.maximum)
    else:
        _check_codes(survey, question, (value,))


def _check_codes(
    survey: Survey, question: Question, codes: list[object] | tuple[object, ...]
) -> None:
    scale = survey.scale_of(question)
    for code in codes:
        if type(code) is not int or scale is None or code not in scale.codes:
            raise Refused(f"answers.{question.id}", "unknown_code", value=_short(code))


def check_comment(survey: Survey, comment: str) -> None:
    if not survey.comment:
        raise Refused("comment", "no_comment_asked")
    if len(comment) > MAX_COMMENT:
        raise Refused("comment", "too_long", most=MAX_COMMENT, length=len(comment))
    if UNSAFE.search(comment):
        raise Refused("comment", "unsafe_text")
    if has_too_many_marks(comment):
        raise Refused("comment", "too_many_marks", most=MAX_MARKS)


def _check_place(submission: Submission, centre: Centre) -> None:
    department, counter = submission.department, submission.counter
    if department is not None and department not in centre.department:
        raise Refused("department", "unknown_department", value=_short(department))
    if counter is not None:
        if counter not in centre.counter:
            raise Refused("counter", "unknown_counter", value=_short(counter))
        # It may have moved: answers from before, and of kiosks that do not know, still come in.
        if (counter, department) not in centre.stood:
            raise Refused("counter", "counter_elsewhere", value=_short(counter))


def first_reason(error: ValidationError, whole: str = "submission") -> Refused:
    """What is wrong first with anything that came over the wire; ``whole`` is what all of it is."""
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(_short(part) for part in first["loc"]) or whole
    match first["type"]:
        case "missing":
            return Refused(field, "missing")
        case "extra_forbidden":
            return Refused(field, "unknown_field")
        case "timezone_aware":
            return Refused(field, "no_offset")
        case "string_too_long":
            return Refused(field, "too_long_value")
        case "model_type" | "model_attributes_type":
            return Refused(field, "not_an_object")
        case "json_invalid":
            return Refused(field, "not_json")
        case kind if kind.startswith(("datetime", "timezone")):
            return Refused(field, "not_a_time")
        case "string_pattern_mismatch" if field == "id":
            return Refused(field, "not_a_uuid")
        case "string_pattern_mismatch" | "literal_error":
            return Refused(field, "not_of_this_form")
        case kind if kind.startswith(("greater_than", "less_than", "too_")):
            return Refused(field, "outside_bounds")
        case kind if kind.startswith("int_"):
            return Refused(field, "not_a_whole_number")
        case _:
            return Refused(field, "wrong_type")


def _short(value: object) -> str:
    """A hostile value, safe and short enough to stand in a message."""
    text = UNSAFE.sub("?", str(value))
    return text if len(text) <= 40 else f"{text[:40]}…"
