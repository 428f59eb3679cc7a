"""A figure of the centre beside every published one of the same survey and measure."""

from collections.abc import Collection, Sequence

from aggregator.documents.reports.cells import span, table
from aggregator.documents.reports.model import Block, CellValue, Column, Paragraph, Points
from aggregator.documents.reports.occasion import Occasion
from aggregator.figures.references import took_part, why_not_comparable
from aggregator.figures.rows import Comparison, FigureRow
from aggregator.wording.channels import modes
from surveys.centre import Reference
from surveys.definition import Survey


def comparisons(
    on: Occasion, survey: Survey, row: FigureRow, key: str, channels: Collection[str]
) -> list[Block]:
    """A table of the references that can be compared, and why the others cannot.

    ``channels`` are those of the answers.
    """
    blocks: list[Block] = [_table(on, row, key, channels)] if row.comparisons else []
    if refused := _refused(on, survey):
        blocks += [Paragraph(on.say("refused_lead")), Points(tuple(refused))]
    return blocks


def _refused(on: Occasion, survey: Survey) -> list[str]:
    refused = [
        on.say(
            "refused",
            label=on.label(reference.label),
            share=on.as_printed(reference).text,
            reason=on.say(f"compare.{why}"),
        )
        for reference in on.centre.references
        if (why := why_not_comparable(survey, reference)) is not None
    ]
    return [f"{text};" for text in refused[:-1]] + [f"{text}." for text in refused[-1:]]


def _table(on: Occasion, row: FigureRow, key: str, channels: Collection[str]) -> Block:
    columns = (
        Column("reference", on.say("reference"), "text", 2.6),
        Column("published", on.say("published"), "share", of=("published_k", "published_n")),
        Column("published_k", on.say("published_k"), "integer", sheet=True),
        Column("published_n", on.say("published_n"), "integer", sheet=True),
        Column("share", on.say("this_period"), "share"),
        Column("difference", on.say("difference"), "points"),
        Column("interval", on.say("difference_interval"), "points_interval", 1.7),
        Column("p", on.say("p_adjusted"), "p", 0.9, sheet=True),
        Column("test", on.say("test"), "text", sheet=True),
        Column("verdict", on.say("verdict_title"), "text", 1.6),
    )
    rows = [_cells(on, row, comparison) for comparison in row.comparisons]
    return table(on, key, columns, rows, notes=_modes(on, row.comparisons, channels))


def _cells(on: Occasion, row: FigureRow, comparison: Comparison) -> tuple[CellValue, ...]:
    reference = comparison.reference
    return (
        on.label(reference.label),
        on.as_printed(reference),
        reference.k,
        reference.n,
        row.measures[comparison.measure].share,
        comparison.difference,
        span(comparison.low, comparison.high),
        comparison.p_adjusted,
        on.say(f"test_{comparison.test}"),
        on.say(f"verdict_{comparison.verdict}"),
    )


def _modes(on: Occasion, compared: Sequence[Comparison], channels: Collection[str]) -> list[str]:
    """Notes on how each figure was collected, which alone may cause a difference."""
    by_mode: dict[str, list[Reference]] = {}
    for comparison in compared:
        by_mode.setdefault(on.label(comparison.reference.mode), []).append(comparison.reference)
    notes = [
        on.say("their_mode", labels="; ".join(on.label(r.label) for r in references), mode=mode)
        for mode, references in by_mode.items()
    ]
    notes += [
        on.say("their_part", label=on.label(reference.label), part=part.get(on.language))
        for reference in dict.fromkeys(comparison.reference for comparison in compared)
        if (part := took_part(reference)) is not None
    ]
    own = "; ".join(on.say(f"mode.{mode}") for mode in modes(channels))
    return [*notes, on.say("own_mode", mode=own)] if own else notes
