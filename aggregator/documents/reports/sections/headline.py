"""How many answered, how satisfied they were, with what interval, and published shares."""

import pandas as pd

from aggregator.documents.reports.cells import span, table
from aggregator.documents.reports.material import Material
from aggregator.documents.reports.model import (
    WITHHELD,
    Block,
    CellValue,
    Column,
    Paragraph,
    Section,
    Table,
)
from aggregator.documents.reports.sections.comparisons import comparisons
from aggregator.figures.rows import Measure
from aggregator.statistics import shares
from aggregator.statistics.participation import CENTRE
from aggregator.wording.channels import CHANNELS


def headline(m: Material) -> Section:
    """The centre's levels and measures, its comparisons, and why other references have none."""
    blocks: list[Block] = []
    if m.whole.n or m.whole.withheld:
        channels = [row.key for row in m.channels]
        blocks.append(_levels(m))
        blocks += comparisons(m.on, m.survey, m.whole, "references", channels)
    else:
        blocks.append(Paragraph(m.on.say("no_ratings")))
    return Section(m.on.say("section_headline"), tuple(blocks))


def _levels(m: Material) -> Table:
    """The levels, then the measures that add up several of them."""
    on = m.on
    columns = (
        Column("level", on.say("level"), "text", 2.6),
        Column("k", on.say("answers" if m.pooled else "ratings"), "integer"),
        Column("n", on.say("of_all"), "integer", sheet=True),
        Column("share", on.say("share"), "share", of=("k", "n")),
        Column("interval", on.say("interval"), "interval", 1.8, of=("share", "n")),
    )
    scale = m.survey.scale_of(m.survey.measured[0])
    levels = scale.levels if scale else ()
    hidden: tuple[CellValue, ...] = (WITHHELD,) * 4
    shown = {} if m.whole.withheld else _by_level(m)
    rows: list[tuple[CellValue, ...]] = [
        (on.label(level), *(hidden if m.whole.withheld else shown[level.code])) for level in levels
    ]
    several = [name for name in m.measures if scale and len(scale.measures[name]) > 1]
    for name in several:
        title = on.say(f"measure.{name}")
        rows.append((title, *(hidden if m.whole.withheld else _cells(m.whole.measures[name]))))
    strong = range(len(levels), len(rows))
    channels = [
        on.say("channel_n", channel=on.label(CHANNELS[row.key]), n=on.integer(row.n))
        for row in m.channels
        if row.n
    ]
    notes = [on.say("by_channel", channels="; ".join(channels))] if channels else []
    notes += _without_flagged(m)
    return table(on, "headline", columns, rows, strong, notes=notes)


def _without_flagged(m: Material) -> list[str]:
    """How many ratings look odd, and the share without them, where these may be told.

    What is published under the ledger says why it is not.
    """
    if m.on.publisher is not None:
        return [m.on.say("public.all_ratings")]
    flagged = m.whole.flagged
    if CENTRE not in m.beside or flagged is None:
        return []
    measure = m.on.say(f"measure.{m.measure}")
    beside = m.whole.share(m.measure).beside
    said = beside.get(m.on.language) if beside else ""
    rules = "; ".join(
        f"{name.get(m.on.language)}: {text.get(m.on.language)}"
        for name, text in flagged.told(counted=m.on.internal)
    )
    return [f"{measure}: {said}. {rules}"]


def _cells(measure: Measure) -> tuple[CellValue, ...]:
    return (measure.k, measure.n, measure.share, span(measure.low, measure.high))


def _by_level(m: Material) -> dict[int, tuple[CellValue, ...]]:
    """k, n, share and interval of each level; pooled answers have no interval here."""
    counts = pd.DataFrame([m.whole.counts])
    if m.pooled:
        total = sum(m.whole.counts.values())
        return {
            code: (k, total, k / total if total else None, None)
            for code, k in m.whole.counts.items()
        }
    rows = shares(counts, {str(code): (code,) for code in m.whole.counts}).to_dict("records")
    return {
        int(row["measure"]): (
            int(row["k"]),
            int(row["n"]),
            float(row["share"]),
            span(float(row["low"]), float(row["high"])),
        )
        for row in rows
    }
