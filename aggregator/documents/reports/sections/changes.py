"""This period against earlier ones, and the control chart that tells a signal from noise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from aggregator.documents.reports.cells import span, table
from aggregator.documents.reports.material import Against, Material, Moment
from aggregator.documents.reports.model import (
    WITHHELD,
    Block,
    Column,
    Paragraph,
    Point,
    Section,
    Trend,
    Value,
)
from aggregator.figures.rows import FigureRow, known, measure_frame
from aggregator.statistics import changes, control_chart
from aggregator.wording.periods import Period

FEWEST = 3  # points of a chart: two are no trend


@dataclass(frozen=True)
class Change:
    """A measure now against the same measure of an earlier period; see statistics.changes."""

    against: Against
    then: Period
    measure: str
    share: float | None
    share_then: float | None
    n_then: int
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    test: str
    verdict: str


def changed(m: Material) -> list[Change]:
    """Of each measure, against the periods that have answers and that no break parts from now."""
    breaks = [one.day for one in m.on.centre.series_breaks if one.survey == m.survey.id]
    pairs: list[tuple[Against, Period, FigureRow]] = [
        (against, then, row)
        for against, (then, row) in m.earlier.items()
        if row.n and m.whole.n and not any(then.since < day <= m.on.period.until for day in breaks)
    ]
    if not pairs:
        return []
    found = []
    for measure in m.measures:
        now = measure_frame(_numbered([m.whole] * len(pairs)), measure, pooled=m.pooled)
        then = measure_frame(_numbered([row for *_, row in pairs]), measure, pooled=m.pooled)
        rows = changes(now, then, m.on.centre.minimum_ratings).to_dict("records")
        for (against, period, row), one in zip(pairs, rows, strict=True):
            found.append(
                Change(
                    against,
                    period,
                    measure,
                    m.whole.measures[measure].share,
                    row.measures[measure].share,
                    row.n,
                    known(one["difference"]),
                    known(one["low"]),
                    known(one["high"]),
                    known(one["p_adjusted"]),
                    one["test"],
                    one["verdict"],
                )
            )
    return found


def _numbered(rows: Sequence[FigureRow]) -> list[FigureRow]:
    """The figures pair rows by key."""
    return [replace(row, key=str(number)) for number, row in enumerate(rows)]


def over_time(m: Material, found: Sequence[Change]) -> Section:
    on = m.on
    blocks: list[Block] = [_table(m, found)] if found else []
    silent = [
        on.say(f"no_{against}", period=on.name(then))
        for against, (then, row) in m.earlier.items()
        if not any(one.against == against for one in found) and not row.withheld
    ]
    blocks += [Paragraph(text) for text in silent]
    drawn = chart(m)
    if drawn is not None:
        blocks += [drawn, _points(m, drawn)]
    return Section(on.say("section_changes"), tuple(blocks))


def _table(m: Material, found: Sequence[Change]) -> Block:
    on = m.on
    columns = (
        Column("measure", on.say("measure_title"), "text", 1.5),
        Column("then", on.say("against"), "text", 2.0),
        Column("n_then", on.say("n_then"), "integer"),
        Column("share_then", on.say("share_then"), "share"),
        Column("share", on.say("this_period"), "share"),
        Column("difference", on.say("difference"), "points"),
        Column("interval", on.say("difference_interval"), "points_interval", 1.7),
        Column("p", on.say("p"), "p", sheet=True),
        Column("test", on.say("test"), "text", sheet=True),
        Column("verdict", on.say("verdict_title"), "text", 1.6),
    )
    rows: list[tuple[Value, ...]] = [
        (
            on.say(f"measure.{one.measure}"),
            on.name(one.then),
            one.n_then,
            one.share_then,
            one.share,
            one.difference,
            span(one.low, one.high),
            one.p,
            on.say(f"test_{one.test}"),
            on.say(f"change_{one.verdict}"),
        )
        for one in found
    ]
    return table(on, "changes", columns, rows)


# Control chart


def chart(m: Material) -> Trend | None:
    """The trend of the main measure; None where it has too few points to be one."""
    shown = [one for one in m.trend if one.n]
    if len(shown) < FEWEST:
        return None
    on, by_period = m.on, _limits(m)
    points = tuple(_point(m, one, by_period.get(one.period)) for one in m.trend)
    measure = on.say(f"measure.{m.measure}")
    grain = "month" if on.kind == "month" else "week"
    breaks = [
        on.say("break", day=on.day(one.day), reason=on.label(one.reason))
        for one in on.centre.series_breaks
        if one.survey == m.survey.id
        and m.trend[0].period.since < one.day <= m.trend[-1].period.until
    ]
    return Trend(
        title=on.say(f"chart_trend_{grain}", measure=measure),
        alt=on.say("alt_trend", measure=measure, n=len(shown), signals=len(signals(points))),
        points=points,
        legend=tuple(on.say(f"legend_{name}") for name in ("share", "centre", "limits", "signal")),
        notes=(*_told(m, points), *breaks),
    )


def signals(points: Sequence[Point]) -> list[Point]:
    return [point for point in points if point.signal]


def _limits(m: Material) -> dict[Period, dict[Any, Any]]:
    """The p-chart of the published points: withheld ones have no part in its centre line."""
    shown = []
    new_series = False
    for one in m.trend:
        new_series |= one.new_series
        if one.n:
            shown.append((one, new_series))
            new_series = False
    frame = pd.DataFrame(
        {
            "key": range(len(shown)),
            "k": [one.k for one, _ in shown],
            "n": [one.n for one, _ in shown],
            "break_before": [new for _, new in shown],
        }
    )
    rows: list[dict[Any, Any]] = control_chart(frame).to_dict("records")
    return {one.period: row for (one, _), row in zip(shown, rows, strict=True)}


def _point(m: Material, one: Moment, limits: dict[Any, Any] | None) -> Point:
    label = m.on.short_name(one.period)
    if limits is None:
        return Point(label, None, None, None, None, withheld=one.withheld)
    return Point(
        label,
        share=known(limits["share"]),
        lower=known(limits["lower"]),
        centre=known(limits["centre"]),
        upper=known(limits["upper"]),
        series=int(limits["series"]),
        signal=str(limits["signal"]),
    )


def _told(m: Material, points: Sequence[Point]) -> list[str]:
    """What the chart says, in words."""
    on, found = m.on, signals(points)
    notes = [
        on.say(f"signal_{point.signal}", period=point.label, share=on.percent(point.share))
        for point in found
    ]
    return notes or [on.say("no_signal")]


def _points(m: Material, drawn: Trend) -> Block:
    """The numbers of the chart."""
    on = m.on
    columns = (
        Column("period", on.say("part_of_time"), "text", 2.6),
        Column("n", on.say("n_effective" if m.pooled else "ratings"), "integer"),
        Column("k", on.say("k_of", measure=on.say(f"measure.{m.measure}")), "integer", sheet=True),
        Column("share", on.say(f"measure.{m.measure}"), "share", of=("k", "n")),
        Column("limits", on.say("legend_limits"), "interval", 1.6),
        Column("signal", on.say("legend_signal"), "text", 1.4),
    )
    rows: list[tuple[Value, ...]] = []
    for one, point in zip(m.trend, drawn.points, strict=True):
        label = f"{on.day(one.period.since)} – {on.day(one.period.until)}"
        if one.withheld:
            rows.append((label, *((WITHHELD,) * 4), ""))
            continue
        signal = on.say(f"signal_name_{point.signal}") if point.signal else ""
        limits = span(point.lower, point.upper)
        rows.append((label, round(one.n), round(one.k), point.share, limits, signal))
    return table(on, "trend", columns, rows)
