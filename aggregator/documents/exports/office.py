"""The joined table for an office: headings and answers in words, opened by a double click."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from aggregator.documents.exports.columns import ColumnKind, ExportColumn
from aggregator.intake.submission_files import escaped
from surveys.messages import Language


def headings(columns: Sequence[ExportColumn], language: Language) -> list[str]:
    """What each column is about. Two of one label have their names behind it."""
    labels = [column.label.get(language) for column in columns]
    uses = Counter(labels)
    return [
        label if uses[label] == 1 else f"{label} [{column.name}]"
        for label, column in zip(labels, columns, strict=True)
    ]


def in_words(
    rows: Iterable[Sequence[Any]], columns: Sequence[ExportColumn], language: Language
) -> Iterator[list[Any]]:
    """The rows with what each code means in its place; chosen or not stays 1 or 0, to be added up.

    Several values of one cell stay there, with semicolons between them. A moment is the centre's
    local time without its offset, which no spreadsheet knows.
    """
    meanings = [
        {}
        if column.kind == "ticked"
        else {value: text.get(language) for value, text in column.values}
        for column in columns
    ]
    for row in rows:
        yield [
            _worded(value, meaning, column.kind)
            for value, meaning, column in zip(row, meanings, columns, strict=True)
        ]


def _worded(value: Any, meaning: Mapping[Any, str], kind: ColumnKind) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if kind == "many" and value:
        return "; ".join(meaning[one] for one in value.split(";"))
    return meaning.get(value, value)


def csv_for_excel(rows: Iterable[Sequence[Any]], heading: Sequence[str]) -> Iterator[str]:
    """A CSV file in pieces as Excel reads it where a comma is a decimal sign, as in Vietnam.

    Semicolons between cells, days as dd/mm/yyyy. A text that a spreadsheet would run as a formula
    has an apostrophe before it.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(map(escaped, heading))
    waiting = iter(rows)
    while True:
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        if not (some := list(islice(waiting, 500))):
            return
        writer.writerows(map(_cell, row) for row in some)


def _cell(value: Any) -> Any:
    match value:
        case datetime():
            return f"{value:%d/%m/%Y %H:%M:%S}"
        case date():
            return f"{value:%d/%m/%Y}"
        case str():
            return escaped(value)
        case float():
            return str(value).replace(".", ",")
        case _:
            return value
