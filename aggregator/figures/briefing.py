"""The morning briefing: the last working day, what needs attention, the departments in order."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from aggregator.figures.figures import figure_rows
from aggregator.figures.rows import Comparison, FigureRow, RowKey
from aggregator.organisation.seen import seen
from aggregator.statistics.exact import at_least
from aggregator.storage.alerts import Alert
from aggregator.storage.store import Selection, Store
from aggregator.wording.periods import Period, period_of
from surveys.centre import RATING, Centre, Reference
from surveys.definition import Survey

MOST = 3  # things that need attention
LONGEST_BREAK = 21  # days without a rating that are taken for a holiday, Tết among them


@dataclass(frozen=True)
class Line:
    """A department: its row of the last working day, and of the quarter up to it."""

    day: FigureRow
    quarter: FigureRow
    comparison: Comparison | None


@dataclass(frozen=True)
class Attention:
    """Something that needs attention, with its evidence: the p-value of its being chance.

    A ``row`` of the quarter that is below the reference, or an ``alert`` of low ratings.
    """

    p: float
    row: FigureRow | None = None
    comparison: Comparison | None = None
    alert: Alert | None = None


@dataclass(frozen=True)
class Briefing:
    """The last working day ``day`` and the one before it, with what they are compared with.

    ``whole``, ``before`` and ``today`` are the centre's ratings of the last working day, of the
    one before and of today so far; ``so_far`` are those of the ``quarter`` until
    ``day``. ``lines`` are its departments, the one with the strongest
    evidence of being below the ``reference`` first.
    """

    day: date
    earlier: date
    quarter: Period
    measure: str
    reference: Reference | None
    whole: FigureRow
    before: FigureRow
    today: FigureRow
    so_far: FigureRow
    lines: Sequence[Line]
    attention: Sequence[Attention]


def briefing(
    store: Store,
    survey: Survey,
    centre: Centre,
    today: date,
    measure: str,
    reference: Reference | None,
    alerts: Iterable[Alert],
) -> Briefing:
    """The briefing of a day's morning, of a survey with a total. Raises database.StorageError."""
    rated = _rated(store, survey, today)
    day = last_working_day(centre, today, rated)
    earlier = last_working_day(centre, day, rated)
    quarter = replace(period_of("quarter", day), until=day)
    then = seen(centre, "then", day)

    def rows(by: RowKey, since: date, until: date, group: str = "") -> list[FigureRow]:
        asked = Selection(survey.id, None, since, until)
        found = figure_rows(store, survey, then, asked, by)
        return [replace(row, group=group) for row in found]

    of_day = {row.key: row for row in rows("department", day, day, "day.")}
    of_quarter = rows("department", quarter.since, day)
    lines = [
        Line(of_day[row.key], row, row.against(reference))
        for row in of_quarter
        if row.key in of_day
    ]
    counters = rows("counter", quarter.since, day, "counter.")
    below = [
        Attention(found.p_adjusted or 0.0, row, found)
        for row in (*of_quarter, *counters)
        if row.key in of_day or row.department in of_day
        if (found := row.against(reference)) and found.verdict == "below"
    ]
    [whole], [before], [now] = (
        rows("centre", one, one, group)
        for one, group in ((day, "day."), (earlier, "before."), (today, "today."))
    )
    [so_far] = rows("centre", quarter.since, day)
    low = [
        Attention(_chance(one, reference), alert=one)
        for one in alerts
        if one.rule == "low_ratings" and one.live
    ]
    return Briefing(
        day=day,
        earlier=earlier,
        quarter=quarter,
        measure=measure,
        reference=reference,
        whole=whole,
        before=before,
        today=now,
        so_far=so_far,
        lines=sorted(lines, key=lambda one: evidence(one.quarter, one.comparison)),
        attention=_ranked([*below, *low]),
    )


def _ranked(found: Iterable[Attention]) -> list[Attention]:
    """The MOST with the clearest evidence; of a department and its counters the clearest alone."""
    kept: list[Attention] = []
    named = set()
    for one in sorted(found, key=lambda one: one.p):
        department = (one.row.department or one.row.key) if one.row else None
        if department is None or department not in named:
            named.add(department)
            kept.append(one)
    return kept[:MOST]


def last_working_day(centre: Centre, before: date, rated: frozenset[date]) -> date:
    """The last day before another one on which the centre was open and somebody rated.

    Without ratings for longer than a holiday it is the last day on which it should have been
    open.
    """
    days = [before - timedelta(days=back) for back in range(1, LONGEST_BREAK + 1)]
    opened = [day for day in days if centre.opens_on(day)]
    return next((day for day in opened if day in rated), next(iter(opened), days[0]))


def _rated(store: Store, survey: Survey, today: date) -> frozenset[date]:
    since = today - timedelta(days=2 * LONGEST_BREAK)
    asked = Selection(survey.id, (RATING,), since, today)
    counts = store.counts(asked, "day")
    return frozenset(date.fromisoformat(str(key)) for key in counts["key"])


def evidence(row: FigureRow, found: Comparison | None) -> tuple[float, float, str]:
    """Sorts by the evidence of being below: its p-value, against the other side's, then share."""
    first = next(iter(row.measures.values())).share if row.measures else None
    if found is None or found.p is None or found.difference is None:
        return math.inf, 1.0 if first is None else first, row.key
    strength = math.log10(max(found.p, 1e-300))
    return strength if found.difference < 0 else -strength, found.difference, row.key


def _chance(alert: Alert, reference: Reference | None) -> float:
    """How often so many low ratings would come by chance: as if none but they were not favourable.

    It ranks alerts among verdicts, and is shown nowhere: the last ratings were looked at before.
    """
    k, n = (int(alert.details[name]) for name in ("k", "n"))
    rate = 1 - reference.value if reference else 0.05
    return at_least(k, n, rate)
