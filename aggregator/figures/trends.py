"""A share over time: its points by day, week, month or quarter, and what changed since."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import pandas as pd

from aggregator.figures.rows import FigureRow, Measure, known, measure_frame, set_measures
from aggregator.statistics import changes, level_counts, pooled_shares, shares
from aggregator.storage.store import Grouping, Selection, Store
from aggregator.wording.periods import Kind, Period, period_of
from surveys.centre import Centre
from surveys.definition import Survey

Against = Literal["before", "year_before"]
Grain = Literal["week", "day", "month", "quarter"]
# How many points a chart has: a month of days, half a year of weeks, years of the rest.
LENGTHS: Mapping[Grain, int] = {"week": 26, "day": 31, "month": 24, "quarter": 12}
# What tallies are read by; quarters add their months up.
READ_BY: Mapping[Grain, Grouping] = {
    "week": "week",
    "day": "day",
    "month": "month",
    "quarter": "month",
}
COMPARED: tuple[Kind, ...] = ("week", "month", "quarter")


def buckets(grain: Grain, until: date, length: int) -> list[Period]:
    """That many days, weeks, months or quarters in order; the last holds ``until``."""
    last = period_of(grain, until)
    return [last.shifted(-back) for back in range(length - 1, -1, -1)]


def trend(
    store: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    measure: str,
    grain: Grain,
    parts: Sequence[Period],
) -> pd.DataFrame:
    """The share of each part: SHARE_COLUMNS (key: its first day) and break_before, in order.

    A part without answers has n = 0 and no share. ``break_before`` marks the first part of a
    new series (Centre.series_breaks). Of pooled questions k and n are those of as many
    independent answers, which is what limits of a control chart must follow.
    """
    span = replace(selection, since=parts[0].since, until=parts[-1].until)
    found = figures(store, survey, span, measure, READ_BY[grain], grain)
    rows = pd.DataFrame({"key": [part.since for part in parts]}).merge(found, "left", on="key")
    rows = rows.fillna({"k": 0, "n": 0, "measure": measure})
    return rows.assign(break_before=list(_breaks(survey, centre, parts)))


def figures(
    store: Store, survey: Survey, selection: Selection, measure: str, by: Grouping, grain: Kind
) -> pd.DataFrame:
    """Shares of a selection by the first day of each part of a kind: SHARE_COLUMNS."""

    def first_day(day: date) -> date:
        return period_of(grain, day).since

    if len(survey.measured) == 1:
        [question] = survey.measured
        scale = survey.scale_of(question)
        counts = store.counts(replace(selection, questions=(question.id,)), by)
        counts = counts.assign(key=counts["key"].map(first_day))
        levels = level_counts(counts, sorted(set(counts["key"])), scale.codes if scale else ())
        return shares(levels, {measure: survey.measures_of(question)[measure]})
    sums = store.pooled(selection, by)
    sums = sums[sums["measure"] == measure]
    sums = sums.assign(key=sums["key"].map(first_day))
    sums = sums.groupby(["key", "measure"], as_index=False).sum()
    found = pooled_shares(sums, sorted(set(sums["key"])))
    return found.assign(k=found["share"] * found["n_effective"], n=found["n_effective"])


def _breaks(survey: Survey, centre: Centre, parts: Sequence[Period]) -> Iterator[bool]:
    days = [one.day for one in centre.series_breaks if one.survey == survey.id]
    for number, part in enumerate(parts):
        before = parts[number - 1].until if number else part.until
        yield any(before < day <= part.until for day in days)


@dataclass(frozen=True)
class Change:
    """One period against another of its kind; see statistics.changes for the figures."""

    kind: Kind
    against: Against
    now: Period
    then: Period
    now_figure: Measure
    then_figure: Measure
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    p_bh: float | None
    test: str
    verdict: str


def changed(
    store: Store, survey: Survey, centre: Centre, selection: Selection, measure: str, until: date
) -> list[Change]:
    """The week, month and quarter of a day against those before and those of the year before.

    A pair that a break of the series parts is left out: the two are not one quantity. The
    p-values of all pairs are adjusted together.
    """
    breaks = [one.day for one in centre.series_breaks if one.survey == survey.id]
    pairs: list[tuple[Kind, Against, Period, Period]] = []
    for kind in COMPARED:
        now = period_of(kind, until)
        both: list[tuple[Against, Period]] = [
            ("before", now.before),
            ("year_before", now.year_before),
        ]
        for against, then in both:
            if not any(then.since < day <= now.until for day in breaks):
                pairs.append((kind, against, now, then))
    if not pairs:
        return []
    periods = list({period for _, _, now, then in pairs for period in (now, then)})
    rows = dict(
        zip(periods, _rows(store, survey, centre, selection, measure, periods), strict=True)
    )

    def frame(periods: Iterable[Period]) -> pd.DataFrame:
        numbered = [replace(rows[one], key=str(number)) for number, one in enumerate(periods)]
        return measure_frame(numbered, measure, pooled=bool(survey.pooled_measures))

    found = changes(
        frame(now for _, _, now, _ in pairs),
        frame(then for _, _, _, then in pairs),
        centre.minimum_ratings,
    )
    return [
        Change(
            kind=kind,
            against=against,
            now=now,
            then=then,
            now_figure=rows[now].measures[measure],
            then_figure=rows[then].measures[measure],
            difference=known(one["difference"]),
            low=known(one["low"]),
            high=known(one["high"]),
            p=known(one["p"]),
            p_adjusted=known(one["p_adjusted"]),
            p_bh=known(one["p_bh"]),
            test=one["test"],
            verdict=one["verdict"],
        )
        for (kind, against, now, then), one in zip(pairs, found.to_dict("records"), strict=True)
    ]


def _rows(
    store: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    measure: str,
    periods: Sequence[Period],
) -> list[FigureRow]:
    """The whole selection's measure in each period, all computed at once."""
    spans = [replace(selection, since=one.since, until=one.until) for one in periods]
    keys = [str(number) for number in range(len(spans))]
    if survey.pooled_measures:
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
    none = Measure(0, 0, None, None, None, "wilson")
    rows = [
        FigureRow(key, centre.name, survey, int(answered.get(key, 0)), {}, {measure: none})
        for key in keys
    ]
    set_measures(rows, found)
    return rows
