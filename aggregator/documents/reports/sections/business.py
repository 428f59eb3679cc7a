"""Businesses' opinions by statement, beside the province's published PCI; never called PCI."""

from dataclasses import dataclass

from aggregator.documents.reports.cells import span, table, without_flagged
from aggregator.documents.reports.model import (
    WITHHELD,
    Block,
    CellValue,
    Column,
    Paragraph,
    Printed,
    Section,
)
from aggregator.documents.reports.occasion import Occasion
from aggregator.documents.reports.published import form_rows
from aggregator.figures.business import BusinessFactor, business_factors
from aggregator.figures.figures import figure_rows
from aggregator.figures.publishing import published_parts
from aggregator.figures.rows import FigureRow, RowKey
from aggregator.indices.pci import StatementFeedback
from aggregator.wording import numbers
from surveys.definition import Question, Survey


@dataclass(frozen=True)
class Business:
    """Statements of the businesses' survey; ``withheld`` are those of too few answers."""

    survey: Survey
    factors: tuple[BusinessFactor, ...]
    withheld: frozenset[str]
    least: int  # firms, at least: the most answers that one statement has


def gather(on: Occasion) -> Business | None:
    """The statements of the period, small groups withheld.

    None where nobody answered, or where no statement may be published.
    """
    survey = on.surveys[on.centre.instruments.businesses]
    if on.publisher is not None:
        printed = (one.id for one in survey.all_questions() if one.kind != "many")
        rows = form_rows(on, survey, "question", tuple(printed))
    else:
        asked = on.selection(survey)

        def read(by: RowKey) -> list[FigureRow]:
            return figure_rows(on.store, survey, on.centre, asked, by)

        rows = published_parts(survey, read, "question", on.centre)
    kept = [row for row in rows if row.question is not None and row.question.kind != "many"]
    if not any(row.n or (row.withheld and on.publisher is None) for row in kept):
        return None
    factors = business_factors(survey, kept, on.published.pci if on.published else None)
    least = max((row.n for row in kept), default=0)
    withheld = frozenset(row.key for row in kept if row.withheld)
    return Business(survey, factors, withheld, least)


def business(on: Occasion, opinions: Business) -> Section:
    """Every statement that was answered, under its factor."""
    between = on.say("difference_interval")
    columns = (
        Column("statement", on.say("statement"), "text", 2.8),
        Column("n", on.say("answers"), "integer", 0.65),
        Column("k", on.say("favourable_answers"), "integer", sheet=True),
        Column("share", on.say("this_period"), "share", 0.9, ("k", "n")),
        Column("interval", on.say("interval"), "interval", 1.35, ("share", "n")),
        Column("published", on.say("pci_published"), "share", 1.7),
        Column("note", on.say("how.note"), "text", sheet=True),
        Column("difference", on.say("pci_difference"), "points", 0.95),
        Column("difference_interval", between, "points_interval", sheet=True),
        Column("side", on.say("side"), "text", 0.75),
    )
    rows: list[tuple[CellValue, ...]] = []
    groups = []
    for number, factor in enumerate(opinions.factors, 1):
        asked = [row.feedback for row in factor.statements]
        if not any(row.n or row.question.id in opinions.withheld for row in asked):
            continue
        groups.append(len(rows))
        rows.append(
            (f"{number}. {on.label(factor.feedback.factor.name)}", *((None,) * (len(columns) - 1)))
        )
        rows += [_cells(on, row, withheld=row.question.id in opinions.withheld) for row in asked]
    figures = [
        (on.label(one.feedback.question.text), one.figure)
        for factor in opinions.factors
        for one in factor.statements
        if one.feedback.question.id not in opinions.withheld
    ]
    notes = [on.say("side_note"), *without_flagged(on, figures)]
    blocks: list[Block] = [
        Paragraph(on.say("business_lead", n=on.integer(opinions.least))),
        table(on, "business", columns, rows, groups=groups, notes=notes),
    ]
    return Section(on.say("section_business"), tuple(blocks))


def _cells(on: Occasion, one: StatementFeedback, *, withheld: bool) -> tuple[CellValue, ...]:
    question = one.question
    label = on.label(question.text)
    if question.direction == "lower_is_better":
        label = f"{label}\n({on.say('questions.lower_is_better')})"
    beside = _printed(on, question)
    note = beside.note if beside else ""
    if withheld:
        return (label, *((WITHHELD,) * 4), beside, note, *((WITHHELD,) * 2), "")
    share: CellValue = None
    interval: CellValue = None
    away: CellValue = one.difference.value if one.difference else None
    between = span(one.difference.low, one.difference.high) if one.difference else None
    if one.figure is not None:
        share, interval = one.figure.value, span(one.figure.low, one.figure.high)
        if one.k is None:  # a number: its median, in the question's own unit
            share = _number(on, one.figure.value, on.label(question.unit) if question.unit else "")
            ends = (one.figure.low, one.figure.high)
            interval = on.between(*(_number(on, end, "") for end in ends))
            away, between = _signed(on, one), None
    side = on.say(f"side_{one.direction}") if one.direction else ""
    return (label, one.n, one.k, share, interval, beside, note, away, between, side)


def _printed(on: Occasion, question: Question) -> Printed | None:
    """The published figure in its source's digits, with the source's note."""
    published = question.published
    if published is None:
        return None
    return Printed(
        text=numbers.published_result(question, on.language),
        share=published.value / 100 if published.unit == "percent" else None,
        digits=2 if published.value % 1 else 0,
        note=on.label(published.note) if published.note else "",
    )


def _signed(on: Occasion, one: StatementFeedback) -> str | None:
    """A difference of numbers, which are no shares, in their own unit."""
    if one.difference is None:
        return None
    value = one.difference.value
    return ("+" if value > 0 else "−" if value < 0 else "") + _number(on, abs(value), "")


def _number(on: Occasion, value: float, unit: str) -> str:
    written = numbers.decimal(value, on.language, 1 if value % 1 else 0)
    return f"{written} {unit}" if unit else written
