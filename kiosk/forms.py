"""From the fields of a posted HTML form to checked answers, with what is wrong by field."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from starlette.requests import Request

from surveys.definition import Question, Survey
from surveys.text import cleaned
from surveys.wire import MAX_COMMENT, Refused, check_answer, check_comment
from web import read_form

FormFields = Mapping[str, list[str]]  # the values of each field, as they were posted

WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
FINGERPRINT = re.compile(r"[0-9a-f]{16}")


class BadFormError(Exception):
    """A form that no page of ours sends: a hidden field is missing, strange or altered."""


@dataclass(frozen=True)
class FormAnswers:
    """What a posted form answers: valid answers by question, the comment, what is wrong by field.

    A comment that is too long is kept whole and has an error.
    """

    answers: dict[str, int | list[int]] = field(default_factory=dict)
    comment: str | None = None
    errors: dict[str, Refused] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not self.answers and not self.comment


async def read_posted_form(request: Request, allowed: Collection[str]) -> FormFields:
    """The fields of a posted form. Raises BadFormError where one is not among the allowed."""
    fields = await read_form(request)
    # An error page that offers to try again needs what was sent.
    request.state.fields = fields
    if set(fields) - set(allowed):
        raise BadFormError
    return fields


def single_value(fields: FormFields, name: str) -> str:
    """The value of a field that must occur once. Raises BadFormError."""
    values = fields.get(name, [])
    if len(values) != 1:
        raise BadFormError
    return values[0]


def optional_value(fields: FormFields, name: str) -> str:
    """The value of a field that occurs once, or "" where it is absent. Raises BadFormError."""
    return single_value(fields, name) if name in fields else ""


def sent_by_timer(fields: FormFields) -> bool:
    """Whether the idle timer sent the form: nobody stands before the screen any more.

    The timer adds a field each time it tries, so there may be several.
    """
    return "1" in fields.get("idle", [])


def parse_id(text: str) -> UUID:
    """The id of a visit or of a survey, from a form or an address. Raises BadFormError."""
    try:
        parsed = UUID(text)
    except ValueError:
        raise BadFormError from None
    if str(parsed) != text.lower():
        raise BadFormError
    return parsed


def fingerprint_of(fields: FormFields) -> str:
    """The fingerprint of the definition that the page was made from. Raises BadFormError."""
    fingerprint = single_value(fields, "fingerprint")
    if not FINGERPRINT.fullmatch(fingerprint):
        raise BadFormError
    return fingerprint


def whole_number(text: str) -> int | None:
    """A whole number of at most nine digits, or None."""
    return int(text) if WHOLE_NUMBER.fullmatch(text) else None


def read_answers(survey: Survey, questions: Iterable[Question], fields: FormFields) -> FormAnswers:
    """The checked answers to some questions of a survey, and the comment. Blank ones are absent."""
    answers: dict[str, int | list[int]] = {}
    errors: dict[str, Refused] = {}
    for question in questions:
        try:
            answer = _answer(question, fields.get(question.id, []))
            if answer is not None:
                check_answer(survey, question, answer)
                answers[question.id] = answer
        except Refused as refused:
            errors[question.id] = refused
    comment = cleaned("\n".join(fields.get("comment", []))) or None
    if comment:
        try:
            check_comment(survey, comment)
        except Refused as refused:
            errors["comment"] = refused
    return FormAnswers(answers, comment, errors)


def cut_to_valid(form: FormAnswers) -> FormAnswers:
    """The part of a form that can be stored when nobody is there to correct the rest.

    These are the valid answers, and as much of the comment as a comment may have: none where the
    survey asks for none.
    """
    refused = form.errors.get("comment")
    unasked = refused is not None and refused.key == "no_comment_asked"
    comment = form.comment[:MAX_COMMENT].strip() if form.comment and not unasked else None
    return FormAnswers(form.answers, comment or None)


def _answer(question: Question, values: list[str]) -> int | list[int] | None:
    """An answer as it is stored, or None for a skipped question. Raises Refused."""
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
