"""Reads dossiers settled by day and department, which participation needs, from a CSV file."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from aggregator.intake.files import Record, local_day, read_records, whole
from surveys.centre import Centre
from surveys.messages import Language
from surveys.wire import Refused

COLUMNS = ("day", "department", "dossiers")


def read_transactions(
    path: Path, centre: Centre, language: Language
) -> tuple[list[dict[str, object]], list[tuple[int, str]]]:
    """Rows to store (day, department or '', dossiers) and the errors by line. Raises FileError."""
    return transactions_of(read_records(path, COLUMNS, language), centre, language)


def transactions_of(
    records: Iterable[Record], centre: Centre, language: Language
) -> tuple[list[dict[str, object]], list[tuple[int, str]]]:
    """The same of records that have been read."""
    rows: dict[tuple[date, str], dict[str, object]] = {}
    errors: list[tuple[int, str]] = []
    for record in records:
        try:
            if record.error:
                errors.append((record.line, record.error))
                continue
            row = _transactions_row(record.cells, centre)
            key = (row["day"], row["department"])
            if key in rows:
                raise Refused("day", "row_twice")
            rows[key] = row
        except Refused as error:
            errors.append((record.line, error.reason(language)))
    return list(rows.values()), errors


def _transactions_row(cells: Mapping[str, str], centre: Centre) -> dict[str, Any]:
    department = cells["department"].strip()
    if department and department not in centre.department:
        raise Refused("department", "unknown_department", value=department[:40])
    day = local_day(cells["day"])
    dossiers = whole("dossiers", cells["dossiers"].strip(), 0)
    return {"day": day, "department": department, "dossiers": dossiers}
