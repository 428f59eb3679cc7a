"""Months that are over are frozen, and what of them the public board shows is decided."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

import pandas as pd

from aggregator.figures.days import days_of
from aggregator.figures.figures import figure_rows
from aggregator.figures.ledger import judged, read_cells, settled
from aggregator.figures.participation import respondents, taking_part
from aggregator.figures.rows import FigureRow, records
from aggregator.statistics import shares
from aggregator.statistics.participation import CENTRE
from aggregator.storage.ledger import Decision, Group
from aggregator.storage.rollups import Span
from aggregator.storage.store import Selection, Store
from aggregator.wording.periods import ONE_DAY, Period, PeriodKind, period_of
from surveys.centre import Centre
from surveys.definition import Survey

# The periods of the public board. Each lies in the next one, so that they never cut each other.
BOARD: tuple[PeriodKind, ...] = ("month", "quarter", "year")


def release(store: Store, survey: Survey, centre: Centre, now: datetime, actor: str = "") -> None:
    """Freeze the months that are over, and decide what of them the board shows.

    A month is frozen ``settle_days`` after its end, so that answers of devices without a network
    have come in. What comes later is in no published figure. Raises StorageError.
    """
    for month in months_due(store, survey, centre, now):
        store.ledger.freeze(survey.id, month)
    if survey.has_total:
        frozen = store.frozen()
        settled(store, survey, now, actor, lambda known: board(frozen, survey, centre, known))


def months_due(store: Store, survey: Survey, centre: Centre, now: datetime) -> list[Span]:
    """The months that are over and not frozen, in their order."""
    frozen = store.ledger.months(survey.id)
    first = frozen[-1].until + ONE_DAY if frozen else store.ledger.first_day(survey.id)
    settle, today = timedelta(days=centre.board.settle_days), centre.local_day(now)
    due: list[Span] = []
    while first is not None:
        month = period_of("month", first)
        if month.until + settle >= today:
            break
        due.append(Span(month.since, month.until))
        first = month.until + ONE_DAY
    return due


def board(
    frozen: Store,
    survey: Survey,
    centre: Centre,
    known: Sequence[Decision],
    months: Sequence[Span] | None = None,
) -> list[Decision]:
    """Decisions about the board's periods that end with a frozen month and have none yet.

    A month comes before the quarter and the year that it is in, the centre before its departments.
    ``months`` are the frozen ones, where they are not those of the store.
    """
    frozen_months = frozen.ledger.months(survey.id) if months is None else months
    done = {(one.kind, one.group.since) for one in known if one.kind}
    new: list[Decision] = []
    for month in frozen_months:
        for kind in BOARD:
            period = period_of(kind, month.until)
            if period.until == month.until and (kind, period.since) not in done:
                new += _of_period(frozen, survey, centre, [*known, *new], period)
    return new


def _of_period(
    frozen: Store, survey: Survey, centre: Centre, known: Sequence[Decision], period: Period
) -> list[Decision]:
    whole = Group(survey.id, "", period.since, period.until)
    cells = read_cells(frozen, survey, "", period.since, period.until)
    places = sorted(set(cells.places))
    departments = {
        id: replace(whole, places=tuple(place for place in places if place[0] == id))
        for id in sorted({place[0] for place in places} & set(centre.department))
    }
    groups = {CENTRE: whole, **departments}
    may = judged(frozen, survey, centre, known, list(groups.values()))
    figures = _figures(frozen, survey, centre, period, [id for id in groups if may[groups[id]]])
    return [
        Decision(group, may[group], period.kind, id, figures.get(id, {}))
        for id, group in groups.items()
    ]


def _figures(
    frozen: Store, survey: Survey, centre: Centre, period: Period, shown: Sequence[str]
) -> dict[str, dict[str, object]]:
    """What the board prints of a period: by department, '' the centre, of those shown alone.

    n, answers by code, and by measure k and the ends of the interval. How alike days are is
    learned from rows that are shown, so that no interval tells of another. ``dossiers`` only
    where they are known of each day with an answer: then those who took part are all of n.
    """
    if len(survey.measured) != 1:
        return {}
    selection = Selection(survey.id, None, period.since, period.until)
    ratings = respondents(frozen, survey, selection)
    took_part = taking_part(ratings, frozen.transactions(period.since, period.until), centre)
    found: dict[str, dict[str, object]] = {}
    for by in ("centre", "department"):
        rows = [
            row
            for row in figure_rows(frozen, survey, centre, selection, by)
            if _id(row) in shown and (by == "centre") == (_id(row) == CENTRE)
        ]
        measures = _measures(frozen, survey, centre, selection, by, rows)
        for row in rows:
            id, part = _id(row), took_part.get(_id(row))
            found[id] = {"n": row.n, "counts": {str(code): n for code, n in row.counts.items()}}
            found[id]["measures"] = measures[row.key]
            if part is not None and part.n == row.n and part.dossiers:
                found[id]["dossiers"] = part.dossiers
    return found


def _id(row: FigureRow) -> str:
    return CENTRE if row.key == "centre" else row.key


def _measures(
    frozen: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    by: Literal["centre", "department"],
    rows: Sequence[FigureRow],
) -> dict[str, dict[str, list[float]]]:
    """By row and measure k, and the ends of the interval to three digits."""
    [question] = survey.measured
    scale = survey.scale_of(question)
    levels = pd.DataFrame(
        [[row.counts.get(code, 0) for code in scale.codes] for row in rows] if scale else [],
        [row.key for row in rows],
        scale.codes if scale else (),
    )
    printed: dict[str, dict[str, list[float]]] = {row.key: {} for row in rows}
    if not rows:
        return printed
    asked = replace(selection, questions=(question.id,))
    days = days_of(frozen, survey, asked, by, centre)
    for one in records(days.allowed_for(shares(levels, survey.measures_of(question)), "wilson")):
        ends = [round(float(one[name]), 3) for name in ("low", "high")]
        printed[str(one["key"])][str(one["measure"])] = [int(one["k"]), *ends]
    return printed
