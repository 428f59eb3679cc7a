"""Reads dossier records and department facts from CSV files, for Circular 01/2018/TT-VPCP.

A row is one settled dossier, or one department as it stood on a day. A blank cell is unanswered.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import cast

from aggregator.indices.circular_01_2018 import (
    BY_DOSSIER,
    EXTENT,
    Complaint,
    Counts,
    Dossier,
    Extent,
    Facts,
    dossier_points,
)
from aggregator.intake.files import Record, local_day, read_records, whole
from aggregator.storage.handling import DayDepartment
from aggregator.wording.periods import EARLIEST
from surveys.centre import Centre
from surveys.messages import Language
from surveys.wire import Refused

PLACE = ("day", "department")
DOSSIER_COLUMNS = (*PLACE, *Dossier.__dataclass_fields__)
FACTS_COLUMNS = (*PLACE, *Facts.__dataclass_fields__)
COMPLAINTS = ("none", "not_upheld", "upheld")
DAYS = re.compile(r"[0-9]{1,6}([.,][0-9]{1,2})?")  # half days are common

Problems = list[tuple[int, str]]


def read_dossiers(
    path: Path, centre: Centre, today: date, language: Language
) -> tuple[dict[DayDepartment, dict[int, Counts]], int, Problems]:
    """Counts of points by day, department and indicator, the number of dossiers, errors by line.

    Raises FileError.
    """
    records = read_records(path, PLACE, language, DOSSIER_COLUMNS)
    return dossiers_of(records, centre, today, language)


def dossiers_of(
    records: Iterable[Record], centre: Centre, today: date, language: Language
) -> tuple[dict[DayDepartment, dict[int, Counts]], int, Problems]:
    """The same of records that have been read."""
    points: dict[DayDepartment, Counter[tuple[int, int | None]]] = defaultdict(Counter)
    n = 0

    def take(cells: Mapping[str, str]) -> None:
        nonlocal n
        place = _place(cells, centre, today)
        dossier = dossier_points(_dossier(cells))
        points[place].update((number, dossier[number]) for number in BY_DOSSIER)
        n += 1

    problems = _read(records, language, take)
    counts = {
        place: {
            number: Counts(*(found[number, value] for value in (None, 0, 1, 2)))
            for number in BY_DOSSIER
        }
        for place, found in points.items()
    }
    return counts, n, problems


def read_facts(
    path: Path, centre: Centre, today: date, language: Language
) -> tuple[dict[DayDepartment, Facts], Problems]:
    """Facts by day and department, and the errors by line. Raises FileError."""
    return facts_of(read_records(path, PLACE, language, FACTS_COLUMNS), centre, today, language)


def facts_of(
    records: Iterable[Record], centre: Centre, today: date, language: Language
) -> tuple[dict[DayDepartment, Facts], Problems]:
    """The same of records that have been read."""
    facts: dict[DayDepartment, Facts] = {}

    def take(cells: Mapping[str, str]) -> None:
        place = _place(cells, centre, today)
        if place in facts:
            raise Refused("day", "row_twice")
        facts[place] = _facts(cells)

    problems = _read(records, language, take)
    return facts, problems


def _read(
    records: Iterable[Record], language: Language, take: Callable[[Mapping[str, str]], None]
) -> Problems:
    """Hand each record to ``take``, which raises Refused; the errors by line."""
    problems: Problems = []
    for record in records:
        if record.error:
            problems.append((record.line, record.error))
            continue
        try:
            take(record.cells)
        except Refused as error:
            problems.append((record.line, error.reason(language)))
    return problems


def _place(cells: Mapping[str, str], centre: Centre, today: date) -> DayDepartment:
    department = cells["department"].strip()
    if not department:
        raise Refused("department", "missing")
    if department not in centre.department:
        raise Refused("department", "unknown_department", value=department[:40])
    day = local_day(cells["day"])
    if day < EARLIEST:
        raise Refused("day", "too_early", earliest=EARLIEST)
    if day > today:
        raise Refused("day", "in_the_future")
    return day, department


def _dossier(cells: Mapping[str, str]) -> Dossier:
    return Dossier(
        _days(cells, "days_allowed"),
        _days(cells, "days_taken"),
        _whole(cells, "agencies_early"),
        _whole(cells, "agencies_on_time"),
        _whole(cells, "agencies_late"),
        _whole(cells, "desk_contacts"),
        _whole(cells, "agencies_contacted"),
        cast("Complaint | None", _one_of(cells, "complaint", COMPLAINTS)),
    )


def _facts(cells: Mapping[str, str]) -> Facts:
    filed, on_time = _whole(cells, "feedback"), _whole(cells, "feedback_on_time")
    if filed == 0 and on_time is None:
        on_time = 0
    if (filed is None) != (on_time is None):
        raise Refused("feedback_on_time", "feedback_halves")
    if filed is not None and on_time is not None and on_time > filed:
        raise Refused("feedback_on_time", "more_than_filed")
    return Facts(
        cast("Extent | None", _one_of(cells, "decided_at_desk", EXTENT)),
        _yes(cells, "posted"),
        _yes(cells, "published_online"),
        filed,
        on_time,
        cast("Extent | None", _one_of(cells, "online", EXTENT)),
    )


def _text(cells: Mapping[str, str], name: str) -> str:
    return cells.get(name, "").strip()


def _whole(cells: Mapping[str, str], name: str) -> int | None:
    text = _text(cells, name)
    return whole(name, text, 0) if text else None


def _days(cells: Mapping[str, str], name: str) -> Decimal | None:
    text = _text(cells, name)
    if not text:
        return None
    if not DAYS.fullmatch(text):
        raise Refused(name, "not_days")
    return Decimal(text.replace(",", "."))


def _one_of(cells: Mapping[str, str], name: str, allowed: Iterable[str]) -> str | None:
    text = _text(cells, name)
    if text and text not in (known := tuple(allowed)):
        raise Refused(name, "not_one_of", allowed=", ".join(known))
    return text or None


def _yes(cells: Mapping[str, str], name: str) -> bool | None:
    text = _one_of(cells, name, ("yes", "no"))
    return None if text is None else text == "yes"
