"""What everybody asks first: how many, how satisfied, how sure, and beside what was published."""

from aggregator.channels import CHANNELS
from aggregator.documents.cells import span, table
from aggregator.documents.material import Material
from aggregator.documents.model import WITHHELD, Block, Column, Paragraph, Section, Table, Value
from aggregator.documents.sections.comparisons import comparisons


def headline(m: Material) -> Section:
    """Levels and measures of the centre, then the comparisons that are fair, and why not others."""
    blocks: list[Block] = []
    if m.whole.n or m.whole.withheld:
        blocks.append(_levels(m))
        blocks += comparisons(m.on, m.survey, m.whole, "references")
    else:
        blocks.append(Paragraph(m.on.say("no_ratings")))
    return Section(m.on.say("section_headline"), tuple(blocks))


def _levels(m: Material) -> Table:
    on = m.on
    columns = (
        Column("level", on.say("level"), "text", 2.6),
        Column("k", on.say("answers" if m.pooled else "ratings"), "integer"),
        Column("n", on.say("of_all"), "integer", sheet=True),
        Column("effective", on.say("n_effective"), "number", sheet=True),
        Column("share", on.say("share"), "share", of=("k", "n")),
        Column("interval", on.say("interval"), "interval", 1.8, of=("share", "effective")),
    )
    scale = m.survey.scale_of(m.survey.measured[0])
    hidden: tuple[Value, ...] = (WITHHELD,) * 5
    rows: list[tuple[Value, ...]] = []
    total = sum(m.whole.counts.values())
    for level in scale.levels if scale else ():
        k = m.whole.counts.get(level.code, 0)
        cells: tuple[Value, ...] = (k, total, None, k / total if total else None, None)
        rows.append((on.label(level), *(hidden if m.whole.withheld else cells)))
    strong = range(len(rows), len(rows) + len(m.measures))
    for name in m.measures:
        title = on.say(f"measure.{name}")
        if m.whole.withheld:
            rows.append((title, *hidden))
            continue
        one = m.whole.measures[name]
        rows.append((title, one.k, one.n, one.n_effective, one.share, span(one.low, one.high)))
    channels = [
        on.say("channel_n", channel=on.label(CHANNELS[row.key]), n=on.integer(row.n))
        for row in m.channels
        if row.n
    ]
    notes = [on.say("by_channel", channels="; ".join(channels))] if channels else []
    return table(on, "headline", columns, rows, strong, notes)
