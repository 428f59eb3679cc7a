"""The departments: their shares with intervals, beside a published share or the centre's own."""

from collections.abc import Sequence

from aggregator.documents.reports.cells import Against, Figures, beside, table
from aggregator.documents.reports.material import Material
from aggregator.documents.reports.model import (
    Block,
    CellValue,
    Column,
    Intervals,
    Mean,
    Paragraph,
    Section,
)
from aggregator.figures.rows import FigureRow


def departments(m: Material) -> Section:
    """A table and a chart, the highest share first; those without answers at the end."""
    on = m.on
    blocks: list[Block] = []
    if m.whole.n or m.whole.withheld:
        rows = ordered(m)
        figures = Figures(on, m.survey, m.measure, _others(m), "sheet")
        against = Against(on, m.reference) if m.reference is not None else None
        columns = [Column("department", on.say("department"), "text", 3.0), *figures.columns()]
        columns += against.columns() if against else ()
        cells: list[tuple[CellValue, ...]] = [
            (name, *figures.cells(row), *(against.cells(row) if against else ()))
            for name, row in [
                *((on.label(row.label), row) for row in rows),
                (on.say("whole_centre"), m.whole),
            ]
        ]
        notes = []
        if m.reference is not None:
            label, share = on.label(m.reference.label), on.as_printed(m.reference).text
            notes.append(on.say("compared_with", label=label, share=share))
        if (nowhere := _nowhere(m)) > 0:
            notes.append(on.say("nowhere", n=on.integer(nowhere)))
        shown = [(on.label(row.label), row) for row in rows if row.key in m.beside]
        notes += beside(on, ((name, row.share(m.measure)) for name, row in shown))
        measure = on.say(f"measure.{m.measure}")
        blocks.append(
            table(on, "departments", columns, cells, [len(rows)], notes=notes, measure=measure)
        )
        if any(row.n for row in rows):
            blocks.append(chart(m, rows))
    else:
        blocks.append(Paragraph(on.say("no_ratings")))
    return Section(on.say("section_departments"), tuple(blocks))


def ordered(m: Material) -> list[FigureRow]:
    """Departments by share, the highest first; then the withheld, then those without answers."""

    def place(row: FigureRow) -> tuple[int, float]:
        if row.withheld:
            return (1, 0.0)
        share = row.measures[m.measure].share
        return (2, 0.0) if share is None else (0, -share)

    return sorted(m.departments, key=place)


def chart(m: Material, rows: Sequence[FigureRow]) -> Intervals:
    on = m.on
    means = []
    for row in rows:
        chosen = row.measures.get(m.measure)
        figure = (chosen.share, chosen.low, chosen.high) if chosen else (None, None, None)
        means.append(Mean(on.label(row.label), *figure, row.withheld))
    measure = on.say(f"measure.{m.measure}")
    reference = None
    if m.reference is not None:
        printed = on.as_printed(m.reference).text
        reference = (f"{on.label(m.reference.label)}: {printed}", m.reference.value)
    notes = [on.say("empty_department")] if any(mean.share is None for mean in means) else []
    return Intervals(
        title=on.say("chart_departments", measure=measure),
        alt=on.say("alt_departments", measure=measure, n=sum(row.n > 0 for row in rows)),
        means=tuple(means),
        legend=on.say("legend_interval"),
        reference=reference,
        notes=tuple(notes),
    )


def _others(m: Material) -> list[str]:
    return [name for name in m.measures if name != m.measure]


def _nowhere(m: Material) -> int:
    """Answers without a department; 0 where a row is withheld, which it would give away."""
    if m.whole.withheld or any(row.withheld for row in m.departments):
        return 0
    return m.whole.n - sum(row.n for row in m.departments)
