"""From the fields of a posted HTML form to checked answers, with what is wrong by field."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from starlette.requests import Request

from surveys.definition import Question, Survey
from surveys.wire import MAX_COMMENT, Refused, check_answer, check_comment, clean_text
from web import read_form

Fields = Mapping[str, list[str]]

WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)

FINGERPRINT = re.compile(r"[0-9a-f]{16}")


class BadFormError(Exception):
    """A form that no page of ours sends: a hidden field is missing, strange or altered."""


@dataclass(frozen=True)
class Filled:
    """What somebody filled in: good answers, the comment, and what is wrong by field."""

    answers: dict[str, int | list[int]] = field(default_factory=dict)
    comment: str | None = None
    errors: dict[str, Refused] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not self.answers and not self.comment


async def posted(request: Request, allowed: Collection[str]) -> Fields:
    """The fields of the request's form. Raises BadFormError for one that does not belong."""
    fields = await read_form(request)
    # An error page that offers to try again needs what was sent.
    request.state.fields = fields
    if set(fields) - set(allowed):
        raise BadFormError
    return fields


def single(fields: Fields, name: str) -> str:
    """The value of a field that occurs once. Raises BadFormError."""
    values = fields.get(name, [])
    if len(values) != 1:
        raise BadFormError
    return values[0]


def optional(fields: Fields, name: str) -> str:
    """The value of a field that occurs once or not at all. Raises BadFormError."""
    return single(fields, name) if name in fields else ""


def left_alone(fields: Fields) -> bool:
    """Whether the clock sent the form, once or at every attempt, and nobody stands there now."""
    return "1" in fields.get("idle", [])


def visit_of(text: str) -> UUID:
    """The id of a visit from a form or an address. Raises BadFormError."""
    try:
        visit = UUID(text)
    except ValueError:
        raise BadFormError from None
    if str(visit) != text.lower():
        raise BadFormError
    return visit


def fingerprint_of(fields: Fields) -> str:
    """The definition a page was made from. Raises BadFormError."""
    fingerprint = single(fields, "fingerprint")
    if not FINGERPRINT.fullmatch(fingerprint):
        raise BadFormError
    return fingerprint


def whole_number(text: str) -> int | None:
    """A number of reasonable length, or None."""
    return int(text) if WHOLE_NUMBER.fullmatch(text) else None


def fill(survey: Survey, questions: Iterable[Question], fields: Fields) -> Filled:
    """Read the answers to some questions, and the comment where the survey has one."""
    filled = Filled()
    for question in questions:
        try:
            answer = _answer(question, fields.get(question.id, []))
            if answer is not None:
                check_answer(survey, question, answer)
                filled.answers[question.id] = answer
        except Refused as refused:
            filled.errors[question.id] = refused
    comment = clean_text("\n".join(fields.get("comment", [])))
    if not comment:
        return filled
    errors = dict(filled.errors)
    try:
        check_comment(survey, comment)
    except Refused as refused:
        errors["comment"] = refused
    return Filled(filled.answers, comment, errors)


def shortened(filled: Filled) -> Filled:
    """Without what is wrong, when nobody stands there any more to put it right."""
    comment = filled.comment[:MAX_COMMENT].strip() if filled.comment else None
    return Filled(filled.answers, comment or None)


def typed(questions: Iterable[Question], fields: Fields) -> dict[str, list[str]]:
    """What was typed or ticked, to show it again unchanged."""
    names = [question.id for question in questions]
    return {name: fields[name] for name in [*names, "comment"] if name in fields}


def _answer(question: Question, values: list[str]) -> int | list[int] | None:
    """An answer as it would travel, or None for a skipped question. Raises Refused."""
    given = [value.strip() for value in values if value.strip()]
    if not given:
        return None
    numbers = []
    for value in given:
        number = whole_number(value)
        if number is None:
            key = "not_a_whole_number" if question.kind == "number" else "unknown_code"
            raise Refused(question.id, key, value=value[:40])
        numbers.append(number)
    if question.kind == "many":
        return sorted(set(numbers))
    if len(numbers) > 1:
        raise Refused(question.id, "chosen_twice")
    return numbers[0]
