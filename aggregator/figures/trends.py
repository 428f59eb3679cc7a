"""A share over time: by day, week, month or quarter, and its changes between periods."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import pandas as pd

from aggregator.figures.days import Days, days_of
from aggregator.figures.figure import Figure
from aggregator.figures.figures import figure_rows
from aggregator.figures.flagged import Flagged, flagged_by
from aggregator.figures.rows import (
    NOTHING,
    Difference,
    FigureRow,
    Measure,
    day_shares,
    known,
    measure_definition,
    measure_frame,
    records,
    set_measures,
    set_unflagged,
    tested,
)
from aggregator.organisation.laws import law_changes
from aggregator.statistics import (
    changes,
    changes_daily,
    control_chart,
    level_counts,
    pooled_shares,
    shares,
)
from aggregator.storage.flags import Flagging
from aggregator.storage.store import Selection, Store
from aggregator.wording.periods import Period, PeriodKind, period_of
from aggregator.wording.phrases import between, days, decimal, joined, percent, say
from surveys.centre import Centre, SeriesBreak
from surveys.definition import Survey

Against = Literal["before", "year_before"]
Grain = Literal["week", "day", "month", "quarter"]
# How many points a chart has: a month of days, half a year of weeks, years of the rest.
LENGTHS: Mapping[Grain, int] = {"week": 26, "day": 31, "month": 24, "quarter": 12}
COMPARED: tuple[PeriodKind, ...] = ("week", "month", "quarter")


def buckets(grain: Grain, until: date, length: int) -> list[Period]:
    """The last ``length`` days, weeks, months or quarters, ending with that of ``until``."""
    last = period_of(grain, until)
    return [last.shifted(-back) for back in range(length - 1, -1, -1)]


@dataclass(frozen=True, kw_only=True)
class TrendPoint:
    """The share in one period of a trend: k of n, effective numbers where answers are pooled.

    ``n_effective``: the number of independent answers that limits are made of. ``share``, ``low``
    and ``high`` are None without answers. ``day_effect`` is that of the interval.
    ``break_before``: a new series begins here (breaks). ``people``: how many answered, where it
    was computed. ``row`` is the row of figures that it is made of.
    """

    period: Period
    k: float
    n: float
    n_effective: float
    share: float | None
    low: float | None
    high: float | None
    method: str
    break_before: bool
    day_effect: float | None = None
    people: int = 0
    withheld: bool = False
    row: FigureRow | None = None


@dataclass(frozen=True, kw_only=True)
class ChartedPoint(TrendPoint):
    """A point of a control chart (statistics.control_chart); limits are None without a share."""

    series: int
    centre: float | None
    lower: float | None
    upper: float | None
    signal: str

    def figure(self, survey: Survey, measure: str) -> Figure:
        """The share of the point, with its control limits."""
        limits = between(percent(self.lower), percent(self.upper))
        figure = Figure(
            name=f"point.{self.period.since}",
            title=days(self.period.since, self.period.until),
            value=self.share,
            unit="share",
            definition=measure_definition(survey, survey.measured[0], measure),
            k=round(self.k),
            n=round(self.n),
            low=self.low,
            high=self.high,
            methods=(self.method, *(("days",) if self.day_effect else ()), "p_chart"),
            facts=(
                (say("trends.limits"), limits),
                (say("trends.middle"), percent(self.centre)),
                *((say("how.day_effect"), decimal(one, 2)) for one in (self.day_effect,) if one),
                (say("trends.n_effective"), decimal(self.n_effective, 1)),
            ),
        )
        return self.row.beside(figure, lambda row: row.share(measure)) if self.row else figure


def trend(
    store: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    measure: str,
    grain: Grain,
    parts: Sequence[Period],
) -> list[TrendPoint]:
    """The share of each of ``parts``, which are successive periods of one kind, ``grain``.

    A day's interval is of that day alone; for the limits of a control chart its effective number
    of answers is less by how days of a week usually differ. Raises database.StorageError.
    """
    if not parts:
        return []
    span = replace(selection, since=parts[0].since, until=parts[-1].until)
    rows = {row.key: row for row in figure_rows(store, survey, centre, span, grain)}
    effects: Mapping[str, float] = {}
    if grain == "day":
        asked = (
            span if survey.pooled_measures else replace(span, questions=(survey.measured[0].id,))
        )
        effects = days_of(store, survey, asked, "day", centre).usual_effects(measure, "week")
    points = []
    for part, new in zip(parts, _breaks(survey, centre, parts), strict=True):
        key = period_of(grain, part.since).code
        own = rows[key].measures[measure].not_widened() if key in rows else NOTHING
        n = own.n_effective if survey.pooled_measures else own.n
        points.append(
            TrendPoint(
                period=part,
                k=(own.share or 0.0) * n if survey.pooled_measures else own.k,
                n=n,
                n_effective=own.n_effective / effects.get(key, 1.0),
                share=own.share,
                low=own.low,
                high=own.high,
                method=own.method,
                day_effect=own.day_effect,
                break_before=new,
                row=rows.get(key),
            )
        )
    return points


def breaks(survey: Survey, centre: Centre) -> list[SeriesBreak]:
    """The days from which the figures of a survey are another series, with the reasons."""
    own = [one for one in centre.series_breaks if one.survey == survey.id]
    if new := survey.follows:
        own.append(SeriesBreak(survey=survey.id, day=new.day, reason=new.reason))
    there = {one.day for one in own}
    return own + [
        SeriesBreak(survey=survey.id, day=day, reason=law)
        for day, law in law_changes(centre, survey.id)
        if day not in there
    ]


def versions(store: Store, survey: Survey, surveys: Mapping[str, Survey]) -> list[Survey]:
    """A survey and those that it follows, the newest first, also where they are asked no more.

    Raises database.StorageError.
    """
    found = [survey]
    while new := found[-1].follows:
        if new.survey not in surveys:
            surveys = store.definitions.counted(surveys)
        if (older := surveys.get(new.survey)) is None or older in found:
            break
        found.append(older)
    return found


def whole_trend(
    store: Store,
    known: Sequence[Survey],
    centre: Centre,
    selection: Selection,
    measure: str,
    grain: Grain,
    parts: Sequence[Period],
) -> list[TrendPoint]:
    """The trend of a survey, and before the day on which it began that of the one it follows.

    ``known`` are its ``versions``. Between two of them the series breaks; nothing is drawn before
    where the older one has no such measure. Raises database.StorageError.
    """
    survey, *older = known
    since = survey.follows.day if survey.follows and older else None
    before = [part for part in parts if since is not None and part.until < since]
    own = trend(store, survey, centre, selection, measure, grain, parts[len(before) :])
    if not before:
        return own
    if older[0].has_total and measure in older[0].measures_of(older[0].measured[0]):
        asked = replace(selection, survey=older[0].id)
        earlier = whole_trend(store, older, centre, asked, measure, grain, before)
    else:
        earlier = [_nothing(part) for part in before]
    return [*earlier, *(replace(point, break_before=True) for point in own[:1]), *own[1:]]


def _nothing(part: Period) -> TrendPoint:
    return TrendPoint(
        period=part,
        k=0,
        n=0,
        n_effective=0,
        share=None,
        low=None,
        high=None,
        method="wilson",
        break_before=False,
    )


def charted(points: Sequence[TrendPoint]) -> list[ChartedPoint]:
    """The points with the limits of a control chart; those without answers have none."""
    frame = pd.DataFrame(
        {
            "key": range(len(points)),
            "k": [(point.share or 0.0) * point.n_effective for point in points],
            "n": [point.n_effective for point in points],
            "break_before": [point.break_before for point in points],
        }
    )
    return [
        ChartedPoint(
            **vars(point),
            series=int(one["series"]),
            centre=known(one["centre"]),
            lower=known(one["lower"]),
            upper=known(one["upper"]),
            signal=str(one["signal"]),
        )
        for point, one in zip(points, records(control_chart(frame)), strict=True)
    ]


def _breaks(survey: Survey, centre: Centre, parts: Sequence[Period]) -> Iterator[bool]:
    days = [one.day for one in breaks(survey, centre)]
    for number, part in enumerate(parts):
        before = parts[number - 1].until if number else part.until
        yield any(before < day <= part.until for day in days)


@dataclass(frozen=True, kw_only=True)
class Change(Difference):
    """The change of a measure from one period (``then``) to a later one (``now``)."""

    against: Against
    now: Period
    then: Period
    now_row: FigureRow
    then_row: FigureRow

    @property
    def now_figure(self) -> Measure:
        return self.now_row.measures[self.measure]

    @property
    def then_figure(self) -> Measure:
        return self.then_row.measures[self.measure]

    @property
    def now_share(self) -> Figure:
        return self._share("now", self.now, self.now_row)

    @property
    def then_share(self) -> Figure:
        return self._share("then", self.then, self.then_row)

    @property
    def figure(self) -> Figure:
        """The difference, with its p-values."""
        now, then = (days(one.since, one.until) for one in (self.now, self.then))
        figure = Figure(
            name=self._name,
            title=joined(now, then, by=" / "),
            value=self.difference,
            unit="points",
            definition=say("trends.difference_how"),
            k=self.now_figure.k,
            n=self.now_figure.n,
            low=self.low,
            high=self.high,
            methods=("newcombe", *self.test_methods),
            facts=(
                (say("trends.now"), percent(self.now_figure.share)),
                (say("trends.then"), percent(self.then_figure.share)),
                *self.p_facts,
            ),
        )
        flagged = self.now_row.flagged or self.then_row.flagged
        if flagged is None:
            return figure
        return flagged.beside(figure, self._without_flagged(figure), briefly=True)

    def _without_flagged(self, figure: Figure) -> Figure | None:
        """The difference without flagged submissions, of which no test is made."""
        now, then = (
            (row.unflagged or row).measures[self.measure].share
            for row in (self.now_row, self.then_row)
        )
        return None if now is None or then is None else replace(figure, value=now - then)

    @property
    def _name(self) -> str:
        return f"change.{self.now.kind}.{self.against}"

    def _share(self, when: str, period: Period, row: FigureRow) -> Figure:
        figure = row.share(self.measure)
        return replace(
            figure, name=f"{self._name}.{when}", title=days(period.since, period.until), facts=()
        )


Pair = tuple[Against, Period, FigureRow, Period, FigureRow]  # against, now and its row, then


def changes_of(
    pairs: Sequence[Pair], measure: str, minimum: int, *, closed: bool = False
) -> list[Change]:
    """The change of a measure in each pair of periods; p-values are adjusted together.

    The test is one that may be looked at on any day of the later period. Where that is
    ``closed``, and looked at once, it is a fixed one, and with fewer than ``minimum`` answers on a
    side the verdict is ``too_few``.
    """
    if not pairs:
        return []
    pooled = pairs[0][2].question is None

    def frame(rows: Iterable[FigureRow]) -> pd.DataFrame:
        numbered = [replace(row, key=str(number)) for number, row in enumerate(rows)]
        return measure_frame(numbered, measure, pooled=pooled)

    rows = [row for _, _, row, _, _ in pairs]
    now, then = frame(rows), frame(row for *_, row in pairs)
    if closed:
        tests = changes(now, then, minimum)
    else:
        tests = changes_daily(now, then, day_shares(rows, measure))
    found = records(tests)
    return [
        Change(
            measure=measure,
            against=against,
            now=now_period,
            then=then_period,
            now_row=now_row,
            then_row=then_row,
            **tested(one),
        )
        for (against, now_period, now_row, then_period, then_row), one in zip(
            pairs, found, strict=True
        )
    ]


def comparable(survey: Survey, centre: Centre, now: Period, then: Period) -> bool:
    """Whether no break of the survey's series lies between two periods."""
    return not any(then.since < one.day <= now.until for one in breaks(survey, centre))


def changed(
    store: Store, survey: Survey, centre: Centre, selection: Selection, measure: str, until: date
) -> list[Change]:
    """Changes of the week, month and quarter of ``until`` since the one before and a year before.

    Pairs with a break of the series between them are left out, since they do not compare.
    """
    pairs: list[tuple[Against, Period, Period]] = []
    for kind in COMPARED:
        now = period_of(kind, until)
        both: list[tuple[Against, Period]] = [
            ("before", now.before),
            ("year_before", now.year_before),
        ]
        pairs += [
            (against, now, then) for against, then in both if comparable(survey, centre, now, then)
        ]
    if not pairs:
        return []
    periods = list({period for _, now, then in pairs for period in (now, then)})
    found = _rows(store, survey, centre, selection, measure, periods)
    set_unflagged(
        found,
        [_flagged(store, survey, centre, selection, one) for one in periods],
        lambda: _rows(
            store.unflagged(Flagging(survey, centre)), survey, centre, selection, measure, periods
        ),
    )
    rows = dict(zip(periods, found, strict=True))
    return changes_of(
        [(against, now, rows[now], then, rows[then]) for against, now, then in pairs],
        measure,
        centre.minimum_ratings,
    )


def _flagged(
    store: Store, survey: Survey, centre: Centre, selection: Selection, period: Period
) -> Flagged | None:
    asked = replace(selection, since=period.since, until=period.until)
    return flagged_by(store, survey, centre, asked, ("centre",)).get(("centre",))


def _rows(
    store: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    measure: str,
    periods: Sequence[Period],
) -> list[FigureRow]:
    """A row with the selection's measure for each period, all computed at once."""
    spans = [replace(selection, since=one.since, until=one.until) for one in periods]
    keys = [str(number) for number in range(len(spans))]
    if survey.pooled_measures:
        asked = spans
        sums = [
            store.pooled(span, "centre").assign(key=key)
            for key, span in zip(keys, spans, strict=True)
        ]
        together = pd.concat(sums)
        found = pooled_shares(together[together["measure"] == measure], keys)
        answered = dict(zip(found["key"], found["respondents"], strict=True))
    else:
        [question] = survey.measured
        asked = [replace(span, questions=(question.id,)) for span in spans]
        counts = [
            store.counts(one, "centre").assign(key=key)
            for key, one in zip(keys, asked, strict=True)
        ]
        scale = survey.scale_of(question)
        levels = level_counts(pd.concat(counts), keys, scale.codes if scale else ())
        found = shares(levels, {measure: survey.measures_of(question)[measure]})
        answered = dict(zip(found["key"], found["n"], strict=True))
    rows = [
        FigureRow(
            key,
            centre.name,
            survey,
            int(answered.get(key, 0)),
            {},
            {measure: NOTHING},
            question=None if survey.pooled_measures else survey.measured[0],
        )
        for key in keys
    ]
    days = Days.side_by_side(
        {
            key: days_of(store, survey, one, "centre", centre)
            for key, one in zip(keys, asked, strict=True)
        },
        measure,
    )
    set_measures(rows, days.allowed_for(found, "wilson"))
    days.set_on(rows)
    return rows
