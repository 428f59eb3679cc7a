"""Counters, departments or the centre whose share has fallen against the quarter before."""

from dataclasses import dataclass, replace
from datetime import date

from aggregator.figures.figures import figure_rows
from aggregator.figures.rows import FigureRow, day_shares, measure_frame
from aggregator.statistics import changes_daily
from aggregator.storage.store import Selection, Store
from aggregator.wording.periods import period_of
from surveys.alerts import UNITS, Unit
from surveys.centre import Centre
from surveys.definition import Survey


@dataclass(frozen=True)
class Fall:
    """A unit's share of this quarter so far and of the quarter before, as fractions.

    ``department`` is the unit's own: that of a counter, or itself.
    """

    unit: Unit
    key: str
    department: str | None
    share: float
    before: float


def falling(store: Store, survey: Survey, centre: Centre, measure: str, today: date) -> list[Fall]:
    """The units that have fallen, by a test that may be looked at on every day of the quarter.

    The centre, its departments and counters are one family, whichever of them are asked about:
    among them and all days of a quarter one false fall has a chance of 5 % at most; see
    statistics.changes_daily. Raises database.StorageError.
    """
    quarter = period_of("quarter", today)
    pairs: list[tuple[Unit, FigureRow, FigureRow]] = []
    for unit in UNITS:
        now, then = (
            figure_rows(
                store,
                survey,
                centre,
                Selection(survey.id, None, period.since, min(period.until, today)),
                unit,
            )
            for period in (quarter, quarter.before)
        )
        earlier = {row.key: row for row in then}
        for row in now:
            if row.n and row.key in earlier and earlier[row.key].n:
                name = f"{unit}:{row.key}"
                former = replace(earlier[row.key], key=name)
                pairs.append((unit, replace(row, key=name), former))
    if not pairs:
        return []
    rows, former_rows = [row for _, row, _ in pairs], [row for *_, row in pairs]
    pooled = bool(survey.pooled_measures)
    found = changes_daily(
        measure_frame(rows, measure, pooled=pooled),
        measure_frame(former_rows, measure, pooled=pooled),
        day_shares(rows, measure),
    )
    fell = found["verdict"] == "down"
    return [
        Fall(
            unit,
            row.key.partition(":")[2],
            row.department or (row.key.partition(":")[2] if unit == "department" else None),
            row.measures[measure].share or 0.0,
            former.measures[measure].share or 0.0,
        )
        for (unit, row, former), down in zip(pairs, fell, strict=True)
        if down
    ]
