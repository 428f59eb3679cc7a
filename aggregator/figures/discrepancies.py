"""Figures of published statements, recomputed from the parts printed with them."""

from collections.abc import Mapping
from decimal import Decimal

from aggregator.figures.figure import Figure
from aggregator.indices.discrepancies import Check, Verdict, exact_text, formula
from aggregator.wording.phrases import Phrase, Words, joined, say, verbatim
from surveys.definition import Text


def verdict_figure(verdict: Verdict, counts: Mapping[Verdict, int]) -> Figure:
    """How many of all statements have a verdict."""
    return Figure(
        name=f"count.{verdict}",
        title=say(f"discrepancy.{verdict}"),
        value=counts.get(verdict, 0),
        unit="count",
        definition=say(f"discrepancy.{verdict}_long"),
        n=sum(counts.values()),
        facts=((say("published_page.rule"), say("discrepancy.how")),),
    )


def check_figure(check: Check, source: Text | None) -> Figure:
    """The recomputed figure of a statement; a statement has one in each section printing it."""
    low, high = _number(check.low), _number(check.high)
    facts: list[tuple[Words, Words]] = [
        (say("published_page.printed"), _number(check.printed)),
        (say("published_page.parts"), Phrase(lambda language: formula(check, language))),
        (
            say("published_page.range"),
            low if check.low == check.high else say("discrepancy.range", low=low, high=high),
        ),
        (say("how.verdict"), say(f"discrepancy.{check.verdict}_long")),
        (say("published_page.rule"), say("discrepancy.how")),
    ]
    if check.note:
        facts.append((say("how.note"), check.note))
    section = say("discrepancy.section", section=check.section)
    return Figure(
        name=f"check.{check.id}.{check.section}",
        title=check.statement,
        value=float(check.recomputed),
        unit="score",
        definition=say(f"discrepancy.kind_{check.kind}"),
        facts=tuple(facts),
        source=joined(source or verbatim(""), section, by=", "),
        text=_number(check.recomputed),
    )


def _number(value: Decimal) -> Phrase:
    """A figure with the digits that it was printed or computed with."""
    return Phrase(lambda language: exact_text(value, language))
