"""The sheet of one day: every department on one page, to be printed and signed."""

from aggregator.documents.reports.cells import Figures, beside, table
from aggregator.documents.reports.material import Material
from aggregator.documents.reports.model import Block, CellValue, Column, Paragraph, Points, Section
from aggregator.documents.reports.occasion import Occasion
from aggregator.figures.briefing import evidence
from aggregator.statistics.participation import CENTRE
from aggregator.wording import numbers


def daily(m: Material) -> Section:
    """The departments with their answers by level, and the centre.

    They stand in the centre's own order; on an internal sheet as on the morning's page: those
    with the clearest evidence of being below the reference first.
    """
    on = m.on
    if not m.whole.n and not m.whole.withheld:
        return Section("", (Paragraph(on.say("no_ratings")),))
    figures = Figures(on, m.survey, m.measure, (), "printed")
    columns = (Column("department", on.say("department"), "text", 2.6), *figures.columns())
    departments = [*m.departments]
    if on.internal:
        departments.sort(key=lambda row: evidence(row, row.against(m.reference)))
    rows: list[tuple[CellValue, ...]] = [
        *((on.label(row.label), *figures.cells(row)) for row in departments),
        (on.say("whole_centre"), *figures.cells(m.whole)),
    ]
    notes = _notes(m)
    shown = [(on.label(row.label), row) for row in departments if row.key in m.beside]
    shown += [(on.say("whole_centre"), m.whole)] if CENTRE in m.beside else []
    flagged = beside(on, ((label, row.share(m.measure)) for label, row in shown))
    blocks: list[Block] = [table(on, "daily", columns, rows, [len(rows) - 1], notes=flagged)]
    sealed = [root_of(on)] if on.internal else []
    return Section("", (*blocks, *([Points(tuple(notes))] if notes else []), *sealed))


def root_of(on: Occasion) -> Paragraph:
    """The root under which the ledger has the day, with its QR code, and what came late.

    With the seal of the entry, which vouches for the whole ledger and the journal until then.
    """
    day = on.period.since
    entries = on.store.closings.entries(day)
    if not entries:
        return Paragraph(on.say("not_closed", day=on.day(day)))
    first, *later = entries
    root, seal = (
        " ".join(one[at : at + 8] for at in range(0, len(one), 8))
        for one in (first.root, first.seal)
    )
    told = on.say(
        "closed",
        day=on.day(day),
        n=on.integer(first.n),
        clock=numbers.clock(first.closed_at.astimezone(on.centre.zone)),
        at=on.day(on.centre.local_day(first.closed_at)),
        entry=on.integer(first.number),
        root=root,
        seal=seal,
    )
    for one in later:
        at = on.day(on.centre.local_day(one.closed_at))
        told += " " + on.say("came_late", n=on.integer(one.n), at=at)
    return Paragraph(told, f"{day}:{first.root.upper()}")


def _notes(m: Material) -> list[str]:
    on, part = m.on, m.participation.get(CENTRE)
    if part is None or CENTRE not in m.covered or not part.n:
        return []
    told = on.say(
        "sum_participation",
        n=on.integer(part.n),
        dossiers=on.integer(part.dossiers),
        share=on.percent(part.share),
    )
    return [told]
