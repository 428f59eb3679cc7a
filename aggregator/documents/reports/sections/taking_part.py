"""Participation: ratings beside dossiers, and how far nonresponse could move the share."""

from aggregator.documents.reports.cells import span, table
from aggregator.documents.reports.material import Material
from aggregator.documents.reports.model import (
    WITHHELD,
    WITHHELD_PART,
    Block,
    CellValue,
    Column,
    Paragraph,
    Section,
    Table,
)
from aggregator.figures.participation import NonresponseBounds, bounds
from aggregator.figures.rows import FigureRow
from aggregator.statistics.participation import CENTRE
from aggregator.wording.channels import CHANNELS


def taking_part(m: Material) -> Section:
    """By department and by channel; a sentence where no dossiers are known."""
    on = m.on
    blocks: list[Block] = [_departments(m)] if m.participation else []
    if not m.participation:
        blocks.append(Paragraph(on.say("no_dossiers")))
    if m.channels:
        blocks.append(_channels(m))
    return Section(on.say("section_taking_part"), tuple(blocks))


def printable_bounds(m: Material, key: str, row: FigureRow) -> NonresponseBounds | None:
    """The bounds of the share under nonresponse; None where unknown or not to be printed."""
    if row.withheld or key not in m.covered:
        return None
    return bounds(row, m.participation.get(key), m.measure)


def _departments(m: Material) -> Table:
    on = m.on
    measure = on.say(f"measure.{m.measure}")
    columns = (
        Column("department", on.say("department"), "text", 2.8),
        Column("dossiers", on.say("dossiers"), "integer"),
        Column("n", on.say("ratings_of_days"), "integer"),
        Column("share", on.say("participation"), "share", of=("n", "dossiers")),
        Column("days", on.say("days_known"), "integer", 0.8),
        Column("bounds", on.say("bounds", measure=measure), "interval", 1.7),
    )
    places = [(row.key, on.label(row.label), row) for row in m.departments]
    rows: list[tuple[CellValue, ...]] = []
    for key, label, row in [*places, (CENTRE, on.say("whole_centre"), m.whole)]:
        part = m.participation.get(key)
        if part is None:
            continue
        if key in m.covered:
            given: tuple[CellValue, ...] = (part.n, part.share)
            bounds = printable_bounds(m, key, row)
            between: CellValue = span(bounds.low, bounds.high) if bounds else None
        else:
            # The department itself may be shown elsewhere, with its ratings of all days.
            mark = WITHHELD if row.withheld else WITHHELD_PART
            given, between = (mark, mark), mark
        rows.append((label, part.dossiers, *given, part.days, between))
    period = on.period
    working = on.centre.days_open(period.since, min(period.until, on.today))
    notes = [on.say("bounds_note"), on.say("days_note", days=on.integer(working))]
    strong = [len(rows) - 1] if CENTRE in m.participation else []
    return table(on, "participation", columns, rows, strong, notes=notes)


def _channels(m: Material) -> Table:
    on = m.on
    columns = (
        Column("channel", on.say("channel"), "text", 2.4),
        Column("n", on.say("respondents" if m.pooled else "ratings"), "integer"),
        Column("k", on.say("k_of", measure=on.say(f"measure.{m.measure}")), "integer", sheet=True),
        Column("share", on.say(f"measure.{m.measure}"), "share", of=("k", "n")),
        Column("interval", on.say("interval"), "interval", 1.7, of=("share", "n")),
    )
    rows: list[tuple[CellValue, ...]] = []
    for row in m.channels:
        label = on.label(CHANNELS[row.key])
        if row.withheld:
            rows.append((label, *((WITHHELD,) * 4)))
            continue
        measure = row.measures[m.measure]
        rows.append((label, row.n, measure.k, measure.share, span(measure.low, measure.high)))
    return table(on, "channels", columns, rows, notes=[on.say("channel_note")])
