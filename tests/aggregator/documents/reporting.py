"""A centre with a quarter of answers, and the reports made of it."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from aggregator.documents.reports.model import Report, ReportKind, Table
from aggregator.documents.reports.report import build_report
from aggregator.documents.reports.written import written
from aggregator.wording.periods import period_of
from surveys.messages import Language
from surveys.published import load_published
from tests.aggregator.conftest import CENTRE, Room, ratings, sipas, submission

QUARTER = date(2026, 10, 1)  # the first day of the quarter in which the tests' clock stands
SMALL = "so_xay_dung"  # three people rated it: fewer than the centre's minimum of five
GUARD = "cong_ty_nuoc_sach"  # seven: the smallest that can guard it
GOOD = (5,) * 19 + (4,)


def at(day: date, hour: int = 9) -> str:
    return f"{day.isoformat()}T{hour:02}:00:00+07:00"


def fill(room: Room) -> None:
    """Ratings of five departments over seven weeks, of the quarters before, and two surveys."""
    items = []
    for week in range(7):
        day = QUARTER + timedelta(days=7 * week)
        items += ratings(GOOD, answered_at=at(day))
        mixed = (5, 5, 5, 4, 3, 2, 1, 5)
        items += ratings(mixed, **place("so_y_te", "q09"), answered_at=at(day))
    day = QUARTER + timedelta(days=12)
    items += ratings((5, 1, 5), **place(SMALL, "q16"), answered_at=at(day))
    items += ratings((5,) * 6 + (4,), **place(GUARD, "q20"), answered_at=at(day))
    items += ratings((5,) * 9 + (4,), **place("so_noi_vu", "q12"), answered_at=at(day))
    items += ratings((5, 4) * 5, channel="qr", answered_at=at(day))
    for earlier in (date(2026, 8, 5), date(2025, 11, 5)):
        items += ratings((5, 5, 5, 4) * 10, answered_at=at(earlier))
    for shift in range(12):
        codes = tuple(5 - (number + shift) % 4 for number in range(22))
        items.append(sipas(codes, answered_at=at(day, 10)))
    for firm in range(8):
        answers = {"b1_2": 2 + firm % 4, "b3_1": 1 + firm % 4, "b3_3": 4, "b5_1": firm % 2}
        items.append(submission(survey="business", answers=answers, answered_at=at(day, 11)))
    room.take(items)
    room.context.store.put_transactions(_dossiers())


def place(department: str, counter: str) -> dict[str, Any]:
    return {"department": department, "counter": counter}


def _dossiers() -> list[dict[str, object]]:
    days = [QUARTER + timedelta(days=number) for number in range(53)]
    return [
        {"day": day, "department": department, "dossiers": 9}
        for day in days
        if day.weekday() < 5
        for department in ("so_tu_phap", "so_y_te", SMALL, GUARD)
    ]


def report_of(
    room: Room,
    kind: ReportKind = "quarter",
    language: Language = "vi",
    day: date = QUARTER,
    **more: Any,
) -> Report:
    context = room.context
    centre = more.pop("centre", context.centre)
    return build_report(
        context.store,
        context.surveys,
        centre,
        period_of(kind, day),
        kind,
        language,
        room.clock(),
        published=load_published(CENTRE, context.centre),
        **more,
    )


def table_of(report: Report, key: str) -> Table:
    [found] = [table for table in report.tables() if table.key == key]
    return found


def cells(table: Table, label: str) -> dict[str, Any]:
    """The cells, by column, of the row whose first cell is ``label``."""
    [row] = [row for row in table.rows if row[0] == label]
    return dict(zip((column.key for column in table.columns), row, strict=True))


def printed_rows(report: Report) -> Iterator[tuple[Table, list[list[str]]]]:
    """Each table with its printed head and rows; the heading of a group is its label alone."""
    for table in report.tables():
        columns = [table.columns[place] for place in table.printed]
        rows = [[column.title for column in columns]]
        for number, row in enumerate(table.rows):
            if number in table.groups:
                rows.append([str(row[0])])
                continue
            texts = [
                written(row[place], table.columns[place], report.language)
                for place in table.printed
            ]
            rows.append(texts)
        yield table, rows


def plain(text: str) -> str:
    """The text with one plain space for each run of spaces and line breaks."""
    return re.sub(r"\s+", " ", text).strip()
