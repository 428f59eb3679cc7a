"""Texts whose language is chosen only when they are read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from aggregator.wording import numbers
from aggregator.wording.messages import MESSAGES
from surveys.definition import Question
from surveys.messages import Language


class Words(Protocol):
    """A text in several languages: a Phrase, or a Text of a survey or centre."""

    def get(self, language: Language, /) -> str: ...


@dataclass(frozen=True)
class Phrase:
    """A text made by a function of the language."""

    write: Callable[[Language], str]

    def get(self, language: Language, /) -> str:
        return self.write(language)


def say(key: str, **values: object) -> Phrase:
    """A text of the message catalogue; values may be Words, which take the same language."""

    def write(language: Language) -> str:
        said = {name: _in(value, language) for name, value in values.items()}
        return MESSAGES.get(language, key, **said)

    return Phrase(write)


def verbatim(text: str) -> Phrase:
    """The same text in every language, such as a name or the title of a source."""
    return Phrase(lambda language: text)


def joined(*parts: Words, by: str = " · ") -> Phrase:
    """Several words in one line."""
    return Phrase(lambda language: by.join(part.get(language) for part in parts))


def listed(parts: Iterable[Words]) -> Phrase:
    """Words with commas between them."""
    return joined(*parts, by=", ")


def percent(share: float | None, digits: int = 1) -> Phrase:
    """A fraction as a percentage; a dash where there is none."""
    return Phrase(lambda language: numbers.percent(share, language, digits))


def integer(value: int) -> Phrase:
    """A whole number with marks between the thousands."""
    return Phrase(lambda language: numbers.integer(value, language))


def decimal(value: float, digits: int = 1) -> Phrase:
    """A number with that many decimals."""
    return Phrase(lambda language: numbers.decimal(value, language, digits))


def p_value(p: float | None) -> Phrase:
    """A p-value; a dash where nothing was tested."""
    return Phrase(lambda language: numbers.p_value(p, language))


def question_published(question: Question) -> Phrase:
    """The figure published beside a question, with its unit."""
    return Phrase(lambda language: numbers.published_result(question, language))


def day(value: date) -> Phrase:
    """A day as it is written in each language."""
    return Phrase(lambda language: numbers.day(value, language))


def days(since: date, until: date) -> Phrase:
    """The first and the last day of a period."""
    return between(day(since), day(until))


def between(low: Words, high: Words) -> Phrase:
    """Both ends of a range."""
    return Phrase(lambda language: numbers.between(low.get(language), high.get(language), language))


def _in(value: object, language: Language) -> object:
    get = getattr(value, "get", None)
    return get(language) if callable(get) else value
