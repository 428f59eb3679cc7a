"""The quarterly list to the People's Committee: officials by what citizens said of them.

It stands by itself, is made by managers alone, and calls officials by their numbers.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from aggregator.documents.reports.cells import span, table
from aggregator.documents.reports.model import (
    Block,
    CellValue,
    Column,
    Paragraph,
    Report,
    Section,
    Table,
)
from aggregator.documents.reports.occasion import Occasion
from aggregator.documents.reports.report import document
from aggregator.documents.reports.sections.method import annex
from aggregator.figures.attitude import ASKED, COMPARABLE, Assessed, Official, officials, surveys_of
from aggregator.storage.store import Selection, Store
from aggregator.wording.periods import Period
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.messages import Language

MEASURE = "satisfied_or_better"


def build_attitude(
    store: Store,
    surveys: Mapping[str, Survey],
    centre: Centre,
    period: Period,
    language: Language,
    now: datetime,
    *,
    demo: bool = False,
) -> Report:
    """The list of a quarter as plain data. Raises database.StorageError."""
    on = Occasion(store.snapshot(), surveys, centre, period, "quarter", language, now)
    used = surveys_of(centre, surveys)
    selection = Selection("", None, period.since, period.until)
    found = officials(on.store, surveys, centre, selection, MEASURE, closed=on.closed)
    sections = [Section(on.say("attitude_result"), tuple(_result(on, found)))]
    for part, _ in used:
        rows = [one.parts[part] for one in found if part in one.parts and one.parts[part].enough]
        if rows:
            blocks = (_table(on, part, found, rows),)
            sections.append(Section(on.say(f"attitude_{part}"), blocks))
    warning = Section(on.say("attitude_caution"), (Paragraph(on.say("attitude.warning")),))
    asked = [one for _, one in used]
    printed = {block.key for one in sections for block in one.blocks if isinstance(block, Table)}
    methods = [
        *(["wilson_effective_n"] if f"attitude_{ASKED}" in printed else []),
        *(["wilson", "days", "shrunk"] if printed else []),
        *(["newcombe", "holm"] if printed and on.closed else []),
    ]
    return document(
        on,
        name=on.say("name_quarter"),
        # No line of the title ends within the period's name.
        subject=on.say("attitude_subject", period=on.name(period).replace(" ", "\u00a0")),
        opening=on.say("attitude_opening", period=on.name(period)),
        sections=[warning, *sections],
        closing=on.say("attitude_closing"),
        annex=annex(on, asked, methods, []),
        demo=demo,
    )


def _result(on: Occasion, found: Sequence[Official]) -> list[Block]:
    below = [one.number for one in found if one.below]
    enough = sum(one.enough for one in found)
    minimum = on.centre.minimum_ratings
    counted = {"all": len(found), "enough": enough, "minimum": minimum}
    blocks: list[Block] = [Paragraph(on.say("attitude_counted", **counted))]
    if not on.closed:
        blocks.append(Paragraph(on.say("attitude_running", day=on.day(on.today))))
    elif enough < COMPARABLE:
        blocks.append(Paragraph(on.say("attitude_nobody_to_compare")))
    elif below:
        named = ", ".join(below)
        blocks.append(Paragraph(on.say("attitude_below", n=len(below), officials=named)))
    else:
        blocks.append(Paragraph(on.say("attitude_none_below")))
    return blocks


def _table(on: Occasion, part: str, found: Sequence[Official], rows: Sequence[Assessed]) -> Table:
    by_number = {one.number: one for one in found}
    columns = (
        Column("official", on.say("attitude_official"), "text", 1.2),
        Column("department", on.say("department"), "text", 2.0),
        Column("n", on.say("respondents" if part == ASKED else "ratings"), "integer", 0.8),
        Column("share", on.say("raw_share"), "share", 1.0),
        Column("interval", on.say("interval"), "interval", 2.4),
        Column("shrunk", on.say("shrunk"), "share", 1.1),
        *([Column("verdict", on.say("verdict_title"), "text", 1.6)] if on.closed else []),
    )
    cells: list[tuple[CellValue, ...]] = []
    for one in rows:
        own, official = one.row.measures[one.measure], by_number[one.row.key]
        places = ", ".join(on.label(on.centre.department[id].name) for id in official.departments)
        verdict = on.say(f"attitude.verdict_{one.verdict}") if one.verdict else None
        shrunk = one.ranked.shrunk if one.ranked else None
        interval = span(own.low, own.high)
        line = (one.row.key, places, one.row.n, own.share, interval, shrunk, verdict)
        cells.append(line[: len(columns)])
    note = "attitude_note" if on.closed else "attitude_note_running"
    notes = [on.say(note, measure=on.say(f"measure.{MEASURE}").lower())]
    return table(on, f"attitude_{part}", columns, cells, notes=notes)
