"""Flagged submissions of figures: how many, by rule, and each figure without them beside it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from aggregator.figures.figure import Figure
from aggregator.storage.flag_rules import FLAG_RULES
from aggregator.storage.flags import Flagging
from aggregator.storage.store import Selection, Store
from aggregator.storage.together import Together
from aggregator.wording.phrases import Phrase, Words, integer, joined, say
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.guards import Flags


@dataclass(frozen=True)
class Flagged:
    """How many submissions of a row have a flag, and by rule, any of several.

    ``n`` counts what the row's n counts. ``limits`` are those of the rules, None where the row is
    of several centres, of which each has its own.
    """

    n: int
    rules: Mapping[str, int]
    limits: Flags | None

    @cached_property
    def facts(self) -> tuple[tuple[Words, Words], ...]:
        """Each rule that gave flags, with how many and what it says."""
        return self.told(counted=True)

    def told(self, *, counted: bool) -> tuple[tuple[Words, Words], ...]:
        """The same, or without how many: few may have a flag by one of several rules."""
        limits = dict(self.limits) if self.limits else {}
        numbers = {
            name: integer(value) for name, value in limits.items() if not isinstance(value, bool)
        }
        return tuple(
            (
                say(f"flags.rule.{rule}"),
                joined(*self._about(rule, n if counted else None, numbers), by=" "),
            )
            for rule, n in self.rules.items()
        )

    def _about(self, rule: str, n: int | None, numbers: Mapping[str, Words]) -> list[Words]:
        given: list[Words] = [] if n is None else [say("flags.ratings", n=integer(n))]
        return given if self.limits is None else [*given, say(f"flags.how.{rule}", **numbers)]

    def beside(self, figure: Figure, other: Figure | None, *, briefly: bool = False) -> Figure:
        """A figure with the ``other``, that of all but the flagged ones, beside it.

        None where nothing of these can be said. ``briefly``: where the row says already how many
        were flagged.
        """
        if other is None or (other.value is None and other.text is None):
            said = say("flags.beside_none", n=integer(self.n))
            brief = say("flags.brief", share=say("flags.nothing_left"))
        else:
            written = Phrase(other.written)
            said = say("flags.beside", n=integer(self.n), share=written)
            brief = say("flags.brief", share=written)
        facts = (*figure.facts, (say("flags.without"), said), *self.facts)
        return replace(figure, beside=brief if briefly else said, facts=facts)


def flagged_by(
    store: Store, survey: Survey, centre: Centre, selection: Selection, by: Sequence[str]
) -> dict[tuple[Any, ...], Flagged]:
    """How many ratings or forms of a selection have a flag, by the values of ``by``.

    Only where any have. Raises database.StorageError.
    """
    columns = store.sums(
        Flagging(survey, centre),
        selection,
        (*by, "rules"),
        ("respondents",),
        lambda item: item[0] == "rules",
    )
    counted: Counter[tuple[Any, ...]] = Counter()
    rules: dict[tuple[Any, ...], Counter[str]] = {}
    for *key, given, n in zip(*columns.values(), strict=True):
        counted[tuple(key)] += int(n)
        found = rules.setdefault(tuple(key), Counter())
        for rule in given.split(","):
            found[rule] += int(n)
    limits = None if isinstance(store, Together) else centre.flags
    return {
        key: Flagged(n, {rule: rules[key][rule] for rule in FLAG_RULES if rules[key][rule]}, limits)
        for key, n in counted.items()
    }
