"""Dossiers settled by day and department, which participation needs."""

from collections.abc import Iterable

from aggregator.intake.desk.fields import (
    DAY,
    DEPARTMENT,
    MOST_SET,
    Field,
    Kind,
    Rows,
    Setting,
)
from aggregator.intake.files import Record
from aggregator.intake.transactions import transactions_of

FIELDS = (
    DAY,
    DEPARTMENT,
    Field(
        "dossiers",
        "whole",
        (
            *("so ho so da giai quyet", "ho so da giai quyet", "so ho so", "da giai quyet"),
            *("tong so ho so", "so luong ho so", "ho so", "dossiers", "so ho so giai quyet"),
        ),
        required=True,
    ),
)


def kind() -> Kind:
    return Kind("transactions", FIELDS, rows=_rows, key=("day", "department"), most=MOST_SET)


def _rows(records: Iterable[Record], setting: Setting) -> Rows:
    settled, problems = transactions_of(records, setting.centre, setting.language)
    cells = [[row["day"], row["department"], row["dossiers"]] for row in settled]
    return Rows(cells, len(cells), problems)
