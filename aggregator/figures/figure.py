"""A figure: a number that is shown, with the explanation of how it was computed."""

from dataclasses import dataclass
from typing import Literal

from aggregator.wording import numbers
from aggregator.wording.phrases import Words, say
from surveys.messages import Language

Unit = Literal["share", "points", "score", "count"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number and its explanation: definition, k of n, interval, methods and source.

    ``name`` tells it from all other figures of a page; a reader asks for it with ``?how=NAME``.
    ``value``, ``low`` and ``high`` are fractions for the units share and points. ``methods`` are
    keys of the catalogue's how_method. ``facts`` are further labels with their texts. Without a
    ``source`` it is made of the centre's own answers. ``text`` is how the value is written where
    that is not its unit's way, such as a figure in the digits of its source. A figure that is
    not ``filtered`` stays what it is whatever period and channel a page shows.
    """

    name: str
    title: Words
    value: float | None
    unit: Unit
    definition: Words
    k: int | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None
    methods: tuple[str, ...] = ()
    facts: tuple[tuple[Words, Words], ...] = ()
    source: Words | None = None
    text: Words | None = None
    filtered: bool = True

    def written(self, language: Language) -> str:
        """The value as it is read, such as ``96,3 %``; a dash where there is none."""
        return self.text.get(language) if self.text else self.write(self.value, language)

    def write(self, value: float | None, language: Language) -> str:
        """A value of this figure's unit, such as an end of its interval."""
        if value is None:
            return numbers.DASH
        match self.unit:
            case "share":
                return numbers.percent(value, language)
            case "points":
                return say("verdict.points", points=numbers.points(value, language)).get(language)
            case "score":
                return numbers.decimal(value, language, 2)
            case "count":
                return numbers.integer(int(value), language)
