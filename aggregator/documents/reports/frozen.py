"""The figures of a report as they are kept when it is issued, and what is other in them since."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from aggregator.documents.reports.model import (
    CellValue,
    Column,
    Mark,
    Paragraph,
    Printed,
    Range,
    Report,
    Section,
    Table,
)
from aggregator.documents.reports.written import written
from aggregator.wording.messages import MESSAGES
from aggregator.wording.numbers import DASH
from surveys.messages import Language

RESTATED = "restated"  # the table of a report that says what is other than in the one it replaces
NO_FIGURES = ("comments", RESTATED)  # tables of words


@dataclass(frozen=True)
class Change:
    """A figure of a table that is other than it was, both as they are printed."""

    table: str
    row: str
    column: str
    then: str
    now: str


def figures_of(report: Report) -> list[dict[str, Any]]:
    """The cells of all tables of figures, as JSON has them."""
    return [
        {
            "key": table.key,
            "title": table.title,
            "columns": [[column.key, column.title, column.unit] for column in table.columns],
            "printed": list(table.printed),
            "groups": sorted(table.groups),
            "rows": [list(map(_as_json, row)) for row in table.rows],
        }
        for table in report.tables()
        if table.key not in NO_FIGURES
    ]


def _as_json(value: CellValue) -> object:
    match value:
        case Mark():
            return {"mark": value.value}
        case Range():
            return {"range": [float(end) for end in value]}
        case Printed():
            return {"printed": list(value)}
        case None | str():
            return value
        case bool() | int():
            return int(value)
        case _:
            return float(value)


def _from_json(value: Any) -> CellValue:
    match value:
        case {"mark": mark}:
            return Mark(mark)
        case {"range": [low, high]}:
            return Range(low, high)
        case {"printed": parts}:
            return Printed(*parts)
        case _:
            plain: CellValue = value
            return plain


@dataclass(frozen=True)
class _Cells:
    """The printed cells of a table: by row and column what is printed there."""

    title: str
    rows: Mapping[str, Mapping[str, str]]
    columns: Mapping[str, str]


def changes(
    frozen: Sequence[Mapping[str, Any]], report: Report, language: Language
) -> list[Change]:
    """What a reader of the printed figures finds changed, in the order of the tables.

    ``frozen`` are those of figures_of. A row is known by its first columns of words; where it is
    in one of the two alone, there is a dash in place of the figures of the other.
    """
    then = {one["key"]: _of_json(one, language) for one in frozen}
    now = {one["key"]: _of_json(one, language) for one in figures_of(report)}
    found: list[Change] = []
    for key in dict.fromkeys([*then, *now]):
        old, new = then.get(key), now.get(key)
        shown = old or new
        assert shown is not None  # noqa: S101 - the key is of one of them
        rows = dict.fromkeys([*(old.rows if old else ()), *(new.rows if new else ())])
        columns = {**(new.columns if new else {}), **(old.columns if old else {})}
        for row in rows:
            before, after = (one.rows.get(row, {}) if one else {} for one in (old, new))
            for column, title in columns.items():
                was, is_now = before.get(column, DASH), after.get(column, DASH)
                if was != is_now:
                    found.append(Change(shown.title, row, title, was, is_now))
    return found


def _of_json(table: Mapping[str, Any], language: Language) -> _Cells:
    columns = [Column(key, title, unit) for key, title, unit in table["columns"]]
    names = _leading(table, columns)
    rows: dict[str, dict[str, str]] = {}
    head, seen = "", Counter[str]()
    for number, cells in enumerate(table["rows"]):
        if number in table["groups"]:
            head = str(cells[0])
            continue
        texts = {
            columns[place].key: written(_from_json(cells[place]), columns[place], language)
            for place in table["printed"]
        }
        label = ", ".join(filter(None, [head, *(texts.pop(name) for name in names)]))
        label = " ".join(label.split())
        seen[label] += 1
        rows[label if seen[label] == 1 else f"{label} ({seen[label]})"] = texts
    titles = {
        columns[place].key: columns[place].title
        for place in table["printed"]
        if columns[place].key not in names
    }
    return _Cells(table["title"], rows, titles)


def _leading(table: Mapping[str, Any], columns: Sequence[Column]) -> list[str]:
    """The keys of the columns of words with which a table's rows begin."""
    found = list[str]()
    for place in table["printed"]:
        if columns[place].unit != "text":
            break
        found.append(columns[place].key)
    # Of a table of words alone the last one is what its rows say.
    return found if len(found) < len(table["printed"]) else found[:-1]


def restating(
    report: Report, symbol: str, issued: str, found: Sequence[Change], language: Language
) -> Report:
    """The report with a first section that says what is other than in the one it replaces.

    That one has the ``symbol`` and was ``issued`` on a day; both in words. Sections and tables
    keep their numbers, so that they can be compared with those of the other report.
    """

    def say(key: str, **values: object) -> str:
        return MESSAGES.get(language, f"report.{key}", **values)

    opening = say("replaces", symbol=symbol, issued=issued)
    columns = (
        Column("row", say("restated_row"), "text", 2.4),
        Column("column", say("restated_column"), "text", 2.2),
        Column("then", say("restated_then"), "text", 1.3),
        Column("now", say("restated_now"), "text", 1.3),
    )
    rows: list[tuple[CellValue, ...]] = []
    heads: list[int] = []
    for title, own in groupby(found, lambda one: one.table):
        heads.append(len(rows))
        rows.append((title, "", "", ""))
        rows += [(one.row, one.column, one.then, one.now) for one in own]
    printed = Table(
        key=RESTATED,
        name=say("sheet_restated"),
        title=say("table_restated"),
        columns=columns,
        rows=tuple(rows),
        groups=frozenset(heads),
    )
    told = printed if rows else Paragraph(say("nothing_restated"))
    section = Section(say("section_restated"), (told,))
    texts = " ".join(filter(None, (opening, report.opening)))
    return replace(report, opening=texts, sections=(section, *report.sections))
