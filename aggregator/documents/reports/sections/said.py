"""What citizens gave as reasons, and what they wrote: masked, and never in small groups."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from aggregator.documents.reports.cells import Figures, table
from aggregator.documents.reports.material import Material
from aggregator.documents.reports.model import Block, CellValue, Column, Paragraph, Section
from aggregator.figures.rows import FigureRow
from aggregator.storage.comments import Comment, Search
from aggregator.storage.reasons import Reasons
from aggregator.wording.screening import screened

MOST = 100  # comments that are printed, the newest
MOST_COUNTED = 10_000
T = TypeVar("T")


def reasons(m: Material) -> Section | None:
    """How many visits named each reason, and how they rated; None where no reasons are asked."""
    if not m.reasons:
        return None
    on, measure = m.on, m.measures[-1]
    if not any(row.n or row.withheld for row in m.reasons):
        return Section(on.say("section_reasons"), (Paragraph(on.say("no_reasons")),))
    figures = Figures(on, m.survey, measure, (), "sheet")
    columns = (Column("reason", on.say("reason"), "text", 3.0), *figures.columns())
    # The place of a withheld one does not tell how often it was named.
    ordered = sorted(m.reasons, key=lambda row: (row.withheld, -row.n, row.key))
    rows = [(on.label(row.label), *figures.cells(row)) for row in ordered]
    notes = [on.say("reasons_note")]
    return Section(on.say("section_reasons"), (table(on, "reasons", columns, rows, notes=notes),))


def comments(m: Material) -> Section:
    """The comments that are not hidden, by department and by the first reason of their visit.

    A department or reason is named where the comments under it are of the minimum or more; all
    others stand together. So nobody reads of a few people what they rated or chose.
    """
    on = m.on
    search = Search(since=on.period.since, until=on.period.until, hidden=False)
    n = on.store.comments.count(search, MOST_COUNTED)
    found = on.store.comments.found(search, MOST)
    title, minimum = on.say("section_comments"), on.centre.minimum_cell
    if len(found) < minimum and found:
        return Section(title, (Paragraph(on.say("few_comments", minimum=minimum)),))
    if not found:
        return Section(title, (Paragraph(on.say("no_comments")),))
    named = [row for row in m.departments if not row.withheld]
    places = {row.key: row for row in named}
    by_place = grouped(found, lambda one: _department(m, one, places), [*places], minimum)
    by_code = {row.key: row for row in m.reasons}
    rows: list[tuple[CellValue, ...]] = []
    heads: list[int] = []
    for place, those in by_place:
        heads.append(len(rows))
        label = on.label(places[place].label) if place else on.say("other_departments")
        rows.append((label if len(by_place) > 1 or place else on.say("whole_centre"), ""))
        for key, own in grouped(those, lambda one: _reason(m, one), [*by_code], minimum):
            about = on.label(by_code[key].label) if key else on.say("other_reasons")
            rows += [(about, screened(one.text)) for one in own]
    columns = (
        Column("reason", on.say("reason"), "text", 1.1),
        Column("comment", on.say("comment"), "text", 3.6),
    )
    told = on.say("comments_lead", n=on.integer(n))
    if n > len(found):
        told += " " + on.say("comments_newest", n=on.integer(len(found)))
    notes = [on.say("comments_note", minimum=minimum)]
    blocks: list[Block] = [Paragraph(told)]
    blocks.append(table(on, "comments", columns, rows, groups=heads, notes=notes))
    return Section(title, tuple(blocks))


def grouped(
    items: Sequence[T], key: Callable[[T], str], order: Sequence[str], minimum: int
) -> list[tuple[str, list[T]]]:
    """Items by key, those in the ``order`` first; '' at the end has all that are not named.

    A group is named where it has the ``minimum`` or more. Where fewer are left over, the smallest
    named group joins them, so that the rest is no small group either.
    """
    groups: dict[str, list[T]] = {name: [] for name in order}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    named = {name: own for name, own in groups.items() if name and len(own) >= minimum}

    def left() -> list[T]:
        return [item for item in items if key(item) not in named]

    while named and 0 < len(left()) < minimum:
        del named[min(named, key=lambda name: len(named[name]))]
    return [*named.items(), *([("", rest)] if (rest := left()) else [])]


def _department(m: Material, one: Comment, places: dict[str, FigureRow]) -> str:
    """The department of a comment, as its figures are shown; '' for one that is not named."""
    heirs = m.on.heirs.get("department", {})
    department = one.department or ""
    found = heirs.get(department, department)
    return found if found in places else ""


def _reason(m: Material, one: Comment) -> str:
    """The first of the reasons of a comment's visit, '' without one; see reason_rows."""
    if one.survey != m.survey.id or not m.reasons:
        return ""
    for question in Reasons.of(m.survey).reasons:
        codes = one.said.get(question) or ()
        if codes:
            return f"{question}.{min(codes)}"
    return ""
