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

    - ``name``: unique on a page; ``?how=NAME`` shows the explanation.
    - ``value``, ``low``, ``high``: fractions for the units share and points.
    - ``k``, ``n``: k favourable of n answers, where it is a share.
    - ``methods``: message keys in how_method.
    - ``facts``: further labels with their texts.
    - ``source``: None for the centre's own answers.
    - ``text``: how the value is written if not as usual for its unit, as in a source's digits.
    - ``beside``: a second figure that stands wherever this one does, as a line.
    - ``filtered``: whether it depends on the period and channel that a page shows.
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
    beside: Words | None = None

    def written(self, language: Language) -> str:
        """The value as text, such as ``96,3 %``; a dash where there is none."""
        return self.text.get(language) if self.text else self.write(self.value, language)

    def write(self, value: float | None, language: Language) -> str:
        """A value as text in this figure's unit, such as an end of its interval."""
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
