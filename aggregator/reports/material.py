"""What a report is made of: the figures of its period, read once, with small groups withheld.

Everything computed further, rankings, standardised shares, charts, is computed from these
published figures: so nothing that is withheld can be worked back from it.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from aggregator.figures import figure_rows
from aggregator.periods import Period, period_of
from aggregator.publishing import compared_alone, shown
from aggregator.references import why_not_comparable
from aggregator.reports.occasion import Occasion
from aggregator.rows import FigureRow
from aggregator.statistics import Sum, withhold
from aggregator.statistics.participation import (
    CENTRE,
    Participation,
    open_weekdays,
    participation,
)
from aggregator.store import Grouping
from aggregator.trends import READ_BY, Grain, figures
from surveys.centre import Reference
from surveys.definition import Survey

Against = Literal["before", "year_before"]
EARLIER: tuple[Against, ...] = ("before", "year_before")
POINTS = 13  # of a trend: weeks or months; a quarter has its own weeks


@dataclass(frozen=True)
class Moment:
    """One point of a trend: ``people`` answered, k of n (effective where answers pool)."""

    period: Period
    people: int
    k: float
    n: float
    new_series: bool
    withheld: bool = False


@dataclass(frozen=True)
class Material:
    """The ratings of an occasion. ``measure`` is the one that references are published of.

    ``covered`` are the departments, '' the centre, whose participation may be printed.
    """

    on: Occasion
    survey: Survey
    measures: tuple[str, ...]
    measure: str
    references: tuple[Reference, ...]
    whole: FigureRow
    departments: tuple[FigureRow, ...]
    channels: tuple[FigureRow, ...]
    earlier: Mapping[Against, tuple[Period, FigureRow]]
    trend: tuple[Moment, ...]
    participation: Mapping[str, Participation]
    covered: frozenset[str]

    @property
    def reference(self) -> Reference | None:
        """The published share of the main measure that departments are held against."""
        return next((one for one in self.references if one.measure == self.measure), None)

    @property
    def pooled(self) -> bool:
        return bool(self.survey.pooled_measures)


def gather(on: Occasion, survey: Survey) -> Material:
    """The figures of a survey that has a total. Raises database.StorageError."""
    measures = tuple(survey.measures_of(survey.measured[0]))
    references = tuple(r for r in on.centre.references if not why_not_comparable(survey, r))
    published = [name for name in measures if any(r.measure == name for r in references)]
    measure = [*published, *measures][0]

    def rows(by: Grouping, period: Period | None = None) -> list[FigureRow]:
        return figure_rows(on.store, survey, on.centre, on.selection(survey, period), by)

    [whole] = rows("centre")
    departments, channels = rows("department"), rows("channel")
    compared = [] if on.kind == "day" else list(EARLIER)
    earlier: dict[Against, tuple[Period, FigureRow]] = {}
    for against in compared:
        then: Period = getattr(on.period, against)
        [row] = rows("centre", then)
        earlier[against] = (then, row)
    trend = [] if on.kind == "day" else _trend(on, survey, measure)
    took_part = _participation(on, survey)

    groups = _Groups()
    groups.add(_key(on.period), whole.n)
    groups.share_out(_key(on.period), {("department", row.key): row.n for row in departments})
    groups.share_out(_key(on.period), {("channel", row.key): row.n for row in channels})
    moments = {_key(one.period): one.people for one in trend}
    if on.kind == "quarter":
        groups.share_out(_key(on.period), moments)
    for key, n in [*moments.items(), *((_key(then), row.n) for then, row in earlier.values())]:
        groups.add(key, n)
    _add_participation(groups, on, took_part)
    hidden = groups.withheld(on.centre.minimum_cell)

    def alone(kind: str, every: Sequence[FigureRow]) -> tuple[FigureRow, ...]:
        left = [shown(row, (kind, row.key) in hidden) for row in every]
        return tuple(compared_alone(left, survey, on.centre))

    return Material(
        on=on,
        survey=survey,
        measures=measures,
        measure=measure,
        references=references,
        whole=shown(whole, _key(on.period) in hidden),
        departments=alone("department", departments),
        channels=alone("channel", channels),
        earlier={
            against: (then, shown(row, _key(then) in hidden))
            for against, (then, row) in earlier.items()
        },
        trend=tuple(_shown(one, _key(one.period) in hidden) for one in trend),
        participation=took_part,
        covered=frozenset(key for key in took_part if ("covered", key) not in hidden),
    )


# Groups of one document


class _Groups:
    """The groups of people that one document prints, and the sums between them."""

    def __init__(self) -> None:
        self._sizes: dict[Hashable, int] = {}
        self._sums: list[Sum] = []
        self._rests: set[Hashable] = set()

    def add(self, key: Hashable, n: int) -> None:
        self._sizes[key] = n

    def share_out(self, total: Hashable, parts: Mapping[Hashable, int]) -> None:
        """Parts of a total, each person in one of them or in the rest, which is not printed."""
        self._sizes |= parts
        rest = ("rest", total, len(self._sums))
        self._sizes[rest] = self._sizes[total] - sum(parts.values())
        self._rests.add(rest)
        self.add_up(total, (*parts, rest))

    def add_up(self, total: Hashable, parts: Iterable[Hashable]) -> None:
        self._sums.append(Sum(total, tuple(parts)))

    def withheld(self, minimum: int) -> frozenset[Hashable]:
        return withhold(self._sizes, self._sums, minimum, self._rests)


def _key(period: Period) -> Hashable:
    return ("period", period.since, period.until)


def _add_participation(groups: _Groups, on: Occasion, found: Mapping[str, Participation]) -> None:
    """Ratings of the days whose dossiers are known: less than all, so the rest is guarded too."""
    parts = [key for key in found if key != CENTRE]
    for key in parts:
        groups.share_out(("department", key), {("covered", key): found[key].n})
    if CENTRE not in found:
        return
    if found[CENTRE].departments:
        groups.add(("covered", CENTRE), found[CENTRE].n)
        groups.add_up(("covered", CENTRE), [("covered", key) for key in parts])
    else:
        groups.share_out(_key(on.period), {("covered", CENTRE): found[CENTRE].n})


def _shown(one: Moment, withheld: bool) -> Moment:
    return replace(one, people=0, k=0, n=0, withheld=True) if withheld and one.people else one


# Reading


def _participation(on: Occasion, survey: Survey) -> dict[str, Participation]:
    dossiers = on.store.transactions(on.period.since, on.period.until)
    if dossiers.empty:
        return {}
    asked = on.selection(survey)
    if len(survey.measured) == 1:
        asked = replace(asked, questions=(survey.measured[0].id,))
    return participation(
        on.store.respondents(asked), dossiers, open_weekdays(on.centre.opening_hours)
    )


def _trend(on: Occasion, survey: Survey, measure: str) -> list[Moment]:
    """The points of a trend up to the occasion's period, from the first with an answer on."""
    grain: Grain = "month" if on.kind == "month" else "week"
    if on.kind == "quarter":
        parts = list(on.period.parts("week"))
    else:
        parts = [on.period.shifted(-back) for back in range(POINTS - 1, -1, -1)]
    parts = [part for part in parts if part.since <= on.today]
    if not parts:
        return []
    span = Period("range", parts[0].since, parts[-1].until)
    asked = on.selection(survey, span)
    shares = figures(on.store, survey, asked, measure, READ_BY[grain], grain)
    by_day = dict(zip(shares["key"], zip(shares["k"], shares["n"], strict=True), strict=True))
    if len(survey.measured) == 1:
        asked = replace(asked, questions=(survey.measured[0].id,))
    people = _people(on.store.respondents(asked), grain)
    breaks = [one.day for one in on.centre.series_breaks if one.survey == survey.id]
    moments = []
    for number, part in enumerate(parts):
        first = period_of(grain, part.since).since
        k, n = by_day.get(first, (0, 0))
        since = parts[number - 1].until if number else part.until
        new = any(since < day <= part.until for day in breaks)
        moments.append(Moment(part, people.get(first, 0), float(k), float(n), new))
    begun = next((number for number, one in enumerate(moments) if one.people), len(moments))
    return moments[begun:]


def _people(respondents: pd.DataFrame, grain: Grain) -> dict[object, int]:
    """Respondents by the first day of their part."""
    first = respondents["day"].map(lambda day: period_of(grain, day).since)
    return {key: int(n) for key, n in respondents["n"].groupby(first).sum().items()}
