"""What is asked on a ballot, in its order, and the keys that are printed in its boxes.

A key is the code of a level where all codes of its scale are one digit from 1 to 9; else the
answers are numbered in their order, with as many digits as the last one needs. So what is typed
of a field always has a known length, and 0 alone stands for no answer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aggregator.intake.ballots.serials import BallotError
from aggregator.wording.phrases import Words, say
from surveys.centre import Centre
from surveys.definition import Question, Survey

PLACE = "place"  # the field that asks which department; no question can have its form of name
LONGEST_TYPED = 400  # characters of a field


@dataclass(frozen=True)
class Choice:
    """An answer that may be ticked: the key in its box, and what is stored."""

    key: str
    code: int | str
    label: Words


@dataclass(frozen=True)
class Field:
    """A question of a ballot as it is printed and typed.

    ``scale`` is the name of its scale, so that questions of one scale stand in one table;
    ``factor`` its factor's, None for the profile and the department.
    """

    name: str
    label: Words
    kind: str
    choices: Sequence[Choice] = ()
    scale: str | None = None
    factor: Words | None = None
    question: Question | None = None

    @cached_property
    def width(self) -> int:
        """How many digits a key has; 0 where a number is written."""
        return len(self.choices[0].key) if self.choices else 0

    @cached_property
    def longest(self) -> int:
        """How many digits may be typed at most."""
        if self.question is not None and self.kind == "number":
            bounds = (self.question.minimum, self.question.maximum)
            return max(len(str(bound)) for bound in bounds)
        return self.width * (len(self.choices) if self.kind == "many" else 1)

    def read(self, typed: str) -> Any:
        """What is stored for what was typed; None for no answer. Raises BallotError."""
        text = re.sub(r"[\s.,;]", "", typed[:LONGEST_TYPED])
        if not text or (self.kind != "number" and set(text) == {"0"}):
            return None
        if self.kind == "number":
            assert self.question is not None  # noqa: S101 - only questions ask for numbers
            low, high = self.question.minimum, self.question.maximum
            number = int(text) if re.fullmatch(r"-?[0-9]{1,10}", text) else None
            if number is None or not low <= number <= high:  # type: ignore[operator]
                raise BallotError("number", field=self.label, low=low, high=high)
            return number
        keys = [text[at : at + self.width] for at in range(0, len(text), self.width)]
        if self.kind == "one" and len(keys) > 1:
            raise BallotError("one_key", field=self.label)
        known = {choice.key: choice.code for choice in self.choices}
        for key in keys:
            if key not in known:
                raise BallotError("no_key", field=self.label, typed=key)
        if len(set(keys)) < len(keys):
            raise BallotError("twice", field=self.label)
        codes = [known[key] for key in keys]
        return codes[0] if self.kind == "one" else sorted(codes)

    def typed(self, value: Any) -> str:
        """The keys of what is stored, as ``read`` takes them; "" for no answer."""
        if value is None:
            return ""
        if self.kind == "number":
            return str(value)
        key_of = {choice.code: choice.key for choice in self.choices}
        codes = value if isinstance(value, list | tuple) else [value]
        return "".join(key_of[code] for code in codes)


def fields_of(survey: Survey, centre: Centre, places: Sequence[str]) -> list[Field]:
    """The fields of a ballot; the department first, where it asks for one of ``places``."""
    found = []
    if places:
        named: Mapping[str, Words] = {one: centre.department[one].name for one in places}
        choices = _choices([(one, name) for one, name in named.items()])
        found.append(Field(PLACE, say("ballots.place"), "one", choices))
    for factor in survey.factors:
        found += [_field(survey, question, factor.name) for question in factor.questions]
    return found + [_field(survey, question, None) for question in survey.profile]


def _field(survey: Survey, question: Question, factor: Words | None) -> Field:
    scale = survey.scale_of(question)
    choices = _choices([(level.code, level) for level in scale.levels]) if scale else ()
    about = (question.scale, factor, question)
    return Field(question.id, question.text, question.kind, choices, *about)


def _choices(answers: Sequence[tuple[int | str, Words]]) -> Sequence[Choice]:
    codes = [code for code, _ in answers]
    if all(isinstance(code, int) and 1 <= code <= 9 for code in codes):
        return [Choice(str(code), code, label) for code, label in answers]
    width = len(str(len(answers)))
    numbered = enumerate(answers, 1)
    return [Choice(f"{number:0{width}d}", code, label) for number, (code, label) in numbered]
