"""Citizens' cases: how many were received, whether they were answered in time, and how fast."""

from statistics import median

from aggregator.documents.reports.cells import table
from aggregator.documents.reports.groups import Groups
from aggregator.documents.reports.model import WITHHELD, CellValue, Column, Paragraph, Section
from aggregator.documents.reports.occasion import Occasion
from aggregator.figures.cases import OUTCOMES, Handled, handled_cases

ALL = ("cases",)  # the group of all cases; those of a department are ("cases", id)


def cases(on: Occasion) -> Section:
    """The cases opened in the period, by department, as they stood when the report is made.

    Of a department with fewer cases than the minimum nothing is told, nor of another one where
    it could be found by subtraction.
    """
    found = handled_cases(on.store, on.centre, on.period.since, on.period.until, on.now)
    title = on.say("section_cases")
    if not found:
        return Section(title, (Paragraph(on.say("no_cases")),))
    by_department: dict[str, list[Handled]] = {}
    for one in found:
        by_department.setdefault(one.department, []).append(one)
    groups = Groups()
    for key, own in ((ALL, found), *(((*ALL, id), own) for id, own in by_department.items())):
        groups.add(key, len(own))
        groups.levels[key] = tuple(sum(one.outcome == name for one in own) for name in OUTCOMES)
    groups.share_out(ALL, [(*ALL, id) for id in by_department])
    hidden = groups.withheld(on.centre.minimum_cell)
    columns = (
        Column("department", on.say("department"), "text", 2.6),
        Column("received", on.say("cases_received"), "integer"),
        *(Column(name, on.say(f"cases_{name}"), "integer") for name in OUTCOMES),
        Column("hours", on.say("cases_hours"), "score", 1.2),
    )
    order = [*(one.id for one in on.centre.departments), ""]
    rows: list[tuple[CellValue, ...]] = []
    for id in sorted(by_department, key=lambda id: order.index(id) if id in order else len(order)):
        named = on.label(on.centre.department[id].name) if id in on.centre.department else ""
        cells = _cells(on, by_department[id], (*ALL, id) in hidden)
        rows.append((named or on.say("cases_unassigned"), *cells))
    rows.append((on.say("whole_centre"), *_cells(on, found, ALL in hidden)))
    made = on.say("cases_note", clock=f"{on.centre.local(on.now):%H:%M}", day=on.day(on.today))
    notes = [made, on.say("cases_hours_note")]
    blocks = (table(on, "cases", columns, rows, [len(rows) - 1], notes=notes),)
    return Section(title, blocks)


def _cells(on: Occasion, own: list[Handled], withheld: bool) -> tuple[CellValue, ...]:
    if withheld:
        return (WITHHELD,) * (2 + len(OUTCOMES))
    hours = [one.hours for one in own if one.hours is not None]
    # The time of one or two answers would tell how long these very citizens waited.
    few = 0 < len(hours) < on.centre.minimum_cell
    counts = (sum(one.outcome == name for one in own) for name in OUTCOMES)
    return (len(own), *counts, WITHHELD if few else median(hours) if hours else None)
