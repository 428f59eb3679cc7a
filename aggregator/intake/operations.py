"""Reads operating figures of a centre: rows of a span, a department or the centre, and counts."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from aggregator.indices.operations import FIGURES
from aggregator.intake.files import Record, local_day
from surveys.centre import Centre
from surveys.messages import Language
from surveys.wire import Refused

LARGEST = 10**15  # fees in đồng


def operations_of(
    records: Iterable[Record], centre: Centre, today: date, language: Language
) -> tuple[list[list[Any]], int, list[tuple[int, str]]]:
    """Rows of tables.Operation, how many records gave them, and the errors by line."""
    rows: dict[tuple[date, date, str, str], int] = {}
    errors: list[tuple[int, str]] = []
    n = 0
    for record in records:
        try:
            found = _figures(record, centre, today)
            if any(key in rows for key in found):
                raise Refused("since", "span_twice")
        except Refused as error:
            errors.append((record.line, error.reason(language)))
            continue
        rows |= found
        n += bool(found)
    return [[*key, value] for key, value in sorted(rows.items())], n, errors


def _figures(record: Record, centre: Centre, today: date) -> dict[tuple[date, date, str, str], int]:
    cells = record.cells
    department = cells["department"]
    if department and department not in centre.department:
        raise Refused("department", "unknown_department", value=department[:40])
    since, until = (local_day(cells[name]) for name in ("since", "until"))
    if since > until:
        raise Refused("until", "span_backwards")
    if since > today:
        raise Refused("since", "span_in_future")
    found = {}
    for name in FIGURES:
        if text := cells[name]:
            value = int(text)
            if value > LARGEST:
                raise Refused(name, "number_too_large")
            found[since, until, department, name] = value
    if not found:
        raise Refused("department", "nothing_counted")
    return found
