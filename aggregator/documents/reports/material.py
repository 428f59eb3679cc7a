"""What a report is made of: the figures of its period, read once, with small groups withheld.

Everything computed further, rankings, standardised shares, charts, is computed from these
published figures: so nothing that is withheld can be worked back from it.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from aggregator.documents.reports.groups import Groups, of_period
from aggregator.documents.reports.occasion import Occasion
from aggregator.figures.asked import group_of, groups_decided
from aggregator.figures.figures import figure_rows
from aggregator.figures.ledger import read_cells
from aggregator.figures.participation import respondents, respondents_twice, taking_part
from aggregator.figures.publishing import compared_alone, questions_of, shown
from aggregator.figures.reasons import reason_rows
from aggregator.figures.references import why_not_comparable
from aggregator.figures.rows import FigureRow, RowKey
from aggregator.figures.trends import Against, Grain, TrendPoint, trend
from aggregator.statistics.participation import CENTRE, Participation
from aggregator.storage.ledger import Group
from aggregator.storage.reasons import Reasons
from aggregator.wording.periods import Period, period_of
from surveys.centre import Reference
from surveys.definition import Survey

EARLIER: tuple[Against, ...] = ("before", "year_before")
POINTS = 13  # of a trend: weeks or months; a quarter has its own weeks


@dataclass(frozen=True)
class Material:
    """The figures of one survey in a report.

    ``measure`` is the one that references are published of.

    ``covered`` are the departments, '' the centre, whose participation may be printed.
    ``beside`` are those rows, '' the centre's, whose figure without flagged answers may be.
    ``reasons`` are visits by the reason that they named; () where none are asked or printed.
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
    trend: tuple[TrendPoint, ...]
    participation: Mapping[str, Participation]
    covered: frozenset[str]
    beside: frozenset[str] = frozenset()
    reasons: tuple[FigureRow, ...] = ()

    @property
    def reference(self) -> Reference | None:
        """The published share of the main measure that departments are held against."""
        return next((r for r in self.references if r.measure == self.measure), None)

    @property
    def pooled(self) -> bool:
        return bool(self.survey.pooled_measures)


def gather(on: Occasion, survey: Survey) -> Material:
    """Read the figures of a survey that has a total, and withhold its small groups.

    Raises database.StorageError.
    """
    measures = tuple(survey.measures_of(survey.measured[0]))
    references = tuple(r for r in on.centre.references if not why_not_comparable(survey, r))
    published = [name for name in measures if any(r.measure == name for r in references)]
    measure = [*published, *measures][0]

    def rows(by: RowKey, period: Period | None = None) -> list[FigureRow]:
        selection = on.selection(survey, period)
        return figure_rows(on.store, survey, on.centre, selection, by, closed=on.closed)

    [whole] = rows("centre")
    departments, channels = rows("department"), rows("channel")
    compared = [] if on.kind == "day" else list(EARLIER)
    earlier: dict[Against, tuple[Period, FigureRow]] = {}
    for against in compared:
        then: Period = getattr(on.period, against)
        [row] = rows("centre", then)
        earlier[against] = (then, row)
    trend = [] if on.kind == "day" else _trend(on, survey, measure)
    dossiers = on.store.transactions(on.period.since, on.period.until)
    ratings, others = respondents_twice(on.store, survey, on.centre, on.selection(survey))
    took_part = taking_part(ratings, dossiers, on.centre, others)

    groups = Groups(questions_of(whole))
    groups.add_row(of_period(on.period), whole)
    for kind, shared in (("department", departments), ("channel", channels)):
        for row in shared:
            groups.add_row((kind, row.key), row)
        groups.share_out(of_period(on.period), [(kind, row.key) for row in shared])
    moments = {of_period(point.period): point.people for point in trend}
    for key, n in [*moments.items(), *((of_period(then), row.n) for then, row in earlier.values())]:
        groups.add(key, n)
    if on.kind == "quarter":
        weeks_of = {row.key: row for row in rows("week")}
        for point in trend:
            if of_week := weeks_of.get(period_of("week", point.period.since).code):
                groups.add_row(of_period(point.period), of_week)
        groups.share_out(of_period(on.period), list(moments))
    reasons = _reasons(on, survey)
    for row in reasons:
        groups.add_row(("reason", row.key), row)
        if _is_part(row, whole):
            groups.share_out(of_period(on.period), [("reason", row.key)])
    if took_part and not on.internal:
        weeks = [point.period for point in trend] if on.kind == "quarter" else []
        groups.add_covered(on.period, weeks, took_part, ratings, dossiers)
    hidden = frozenset() if on.internal else groups.withheld(on.centre.minimum_cell)
    if on.publisher is not None:
        spans = {
            on.period,
            *(point.period for point in trend),
            *(one for one, _ in earlier.values()),
        }
        hidden |= _not_published(
            on, survey, spans, {"department": departments, "channel": channels}
        )
        # Who took part, only where these are all of a group that is printed.
        of_key = {CENTRE: (of_period(on.period), whole.n)}
        of_key |= {row.key: (("department", row.key), row.n) for row in departments}
        hidden |= {
            ("covered", key)
            for key, part in took_part.items()
            if key not in of_key or of_key[key][0] in hidden or part.n != of_key[key][1]
        }

    cut = {CENTRE: whole} | {row.key: row for row in departments}
    minimum = on.centre.minimum_cell
    beside = frozenset(cut) if on.internal else groups.beside(on.period, cut, hidden, minimum)

    def alone(kind: str, every: Sequence[FigureRow]) -> tuple[FigureRow, ...]:
        left = [shown(row, (kind, row.key) in hidden) for row in every]
        return tuple(compared_alone(left, survey, on.centre, closed=on.closed))

    return Material(
        on=on,
        survey=survey,
        measures=measures,
        measure=measure,
        references=references,
        whole=shown(whole, of_period(on.period) in hidden),
        departments=alone("department", departments),
        channels=alone("channel", channels),
        earlier={
            against: (then, shown(row, of_period(then) in hidden))
            for against, (then, row) in earlier.items()
        },
        trend=tuple(_shown(point, of_period(point.period) in hidden) for point in trend),
        participation=took_part,
        covered=frozenset(key for key in took_part if ("covered", key) not in hidden),
        beside=beside,
        reasons=tuple(shown(row, ("reason", row.key) in hidden) for row in reasons),
    )


def _reasons(on: Occasion, survey: Survey) -> list[FigureRow]:
    """The reasons of a month or a quarter; none where it is published, since none are frozen."""
    if not on.is_full or not Reasons.are_asked(survey):
        return []
    return reason_rows(on.store, survey, on.centre, on.selection(survey))[1]


def _is_part(row: FigureRow, whole: FigureRow) -> bool:
    """Whether the people of a row can be among those of the whole, level by level."""
    return row.n <= whole.n and all(n <= whole.counts.get(c, 0) for c, n in row.counts.items())


def _not_published(
    on: Occasion,
    survey: Survey,
    spans: Iterable[Period],
    rows: Mapping[Literal["department", "channel"], Sequence[FigureRow]],
) -> set[Hashable]:
    """The keys of Groups of a report that the ledger does not allow; the others are written in."""
    publisher = on.publisher
    if publisher is None:
        return set()
    selection = on.selection(survey)
    cells = read_cells(on.store.following({}), survey, "", on.period.since, on.period.until)
    groups: dict[Hashable, Group] = {
        of_period(span): Group(survey.id, "", span.since, span.until)
        for span in sorted(spans, key=lambda one: (-one.days, one.since))
    }
    for by, own in rows.items():
        for row in own:
            groups[by, row.key] = group_of(
                row, by, survey, on.centre, selection, on.heirs, lambda _: cells
            )
    allowed = groups_decided(
        on.store, survey, on.centre, [*groups.values()], on.now, publisher.actor
    )
    return {key for key, group in groups.items() if group.key not in allowed}


def _shown(point: TrendPoint, withheld: bool) -> TrendPoint:
    """The point, or one without figures where it is withheld and not empty."""
    if not withheld or not point.people:
        return point
    nothing = replace(point, people=0, k=0, n=0, n_effective=0, withheld=True)
    return replace(nothing, share=None, low=None, high=None, day_effect=None)


def _trend(on: Occasion, survey: Survey, measure: str) -> list[TrendPoint]:
    """The points of a trend up to the occasion's period, from the first with an answer on."""
    grain: Grain = "month" if on.kind == "month" else "week"
    if on.kind == "quarter":
        parts = list(on.period.parts("week"))
    else:
        parts = [on.period.shifted(-back) for back in range(POINTS - 1, -1, -1)]
    parts = [part for part in parts if part.since <= on.today]
    if not parts:
        return []
    asked = on.selection(survey, Period("range", parts[0].since, parts[-1].until))
    people = _people(respondents(on.store, survey, asked), grain)
    points = [
        replace(point, people=people.get(period_of(grain, point.period.since).since, 0))
        for point in trend(on.store, survey, on.centre, asked, measure, grain, parts)
    ]
    begun = next((number for number, point in enumerate(points) if point.people), len(points))
    return points[begun:]


def _people(answered: pd.DataFrame, grain: Grain) -> dict[object, int]:
    """The number of respondents by the first day of each part of the period."""
    first = answered["day"].map(lambda day: period_of(grain, day).since)
    return {key: int(n) for key, n in answered["n"].groupby(first).sum().items()}
