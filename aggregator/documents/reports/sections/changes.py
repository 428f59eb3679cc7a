"""This period against earlier ones, and the control chart that tells a signal from noise."""

from collections.abc import Sequence

from aggregator.documents.reports.cells import span, table, without_flagged
from aggregator.documents.reports.material import Material
from aggregator.documents.reports.model import (
    WITHHELD,
    Block,
    CellValue,
    Column,
    Paragraph,
    Point,
    Section,
    Trend,
)
from aggregator.figures.trends import (
    Change,
    ChartedPoint,
    Pair,
    breaks,
    changes_of,
    charted,
    comparable,
)

FEWEST = 3  # points of a chart: two are no trend


def changed(m: Material) -> list[Change]:
    """The change of each measure against earlier periods with answers and no break between."""
    on = m.on
    pairs: list[Pair] = [
        (against, on.period, m.whole, then, row)
        for against, (then, row) in m.earlier.items()
        if row.n and m.whole.n and comparable(m.survey, on.centre, on.period, then)
    ]
    return [
        change
        for measure in m.measures
        for change in changes_of(pairs, measure, on.centre.minimum_ratings, closed=on.closed)
    ]


def over_time(m: Material, compared: Sequence[Change]) -> Section:
    on = m.on
    blocks: list[Block] = [_table(m, compared)] if compared else []
    silent = [
        on.say(f"no_{against}", period=on.name(then))
        for against, (then, row) in m.earlier.items()
        if not any(change.against == against for change in compared) and not row.withheld
    ]
    blocks += [Paragraph(text) for text in silent]
    drawn = chart(m)
    if drawn is not None:
        blocks += [drawn, _points(m, drawn)]
    return Section(on.say("section_changes"), tuple(blocks))


def _table(m: Material, compared: Sequence[Change]) -> Block:
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
    rows: list[tuple[CellValue, ...]] = [
        (
            on.say(f"measure.{change.measure}"),
            on.name(change.then),
            change.then_row.n,
            change.then_figure.share,
            change.now_figure.share,
            change.difference,
            span(change.low, change.high),
            change.p_adjusted,
            on.say(f"test_{change.test}"),
            on.say(f"change_{change.verdict}"),
        )
        for change in compared
    ]
    figures = [(on.name(change.then), change.figure) for change in compared]
    return table(on, "changes", columns, rows, notes=without_flagged(on, figures))


# Control chart


def chart(m: Material) -> Trend | None:
    """The trend of the main measure; None where it has too few points to be one."""
    shown = [point for point in m.trend if point.n]
    if len(shown) < FEWEST:
        return None
    on = m.on
    points = tuple(_point(m, point) for point in charted(m.trend))
    measure = on.say(f"measure.{m.measure}")
    grain = "month" if on.kind == "month" else "week"
    broken_on = [
        on.say("break", day=on.day(broken.day), reason=on.label(broken.reason))
        for broken in breaks(m.survey, on.centre)
        if m.trend[0].period.since < broken.day <= m.trend[-1].period.until
    ]
    return Trend(
        title=on.say(f"chart_trend_{grain}", measure=measure),
        alt=on.say("alt_trend", measure=measure, n=len(shown), signals=len(signals(points))),
        points=points,
        legend=tuple(on.say(f"legend_{name}") for name in ("share", "centre", "limits", "signal")),
        notes=(*_notes(m, points), *broken_on),
    )


def signals(points: Sequence[Point]) -> list[Point]:
    return [point for point in points if point.signal]


def _point(m: Material, point: ChartedPoint) -> Point:
    label = m.on.short_name(point.period)
    if not point.n:
        return Point(label, None, None, None, None, withheld=point.withheld)
    return Point(
        label,
        share=point.share,
        lower=point.lower,
        centre=point.centre,
        upper=point.upper,
        series=point.series,
        signal=point.signal,
    )


def _notes(m: Material, points: Sequence[Point]) -> list[str]:
    """What the chart says, in words."""
    on, signalled = m.on, signals(points)
    notes = [
        on.say(f"signal_{point.signal}", period=point.label, share=on.percent(point.share))
        for point in signalled
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
    rows: list[tuple[CellValue, ...]] = []
    for part, point in zip(m.trend, drawn.points, strict=True):
        label = on.between(on.day(part.period.since), on.day(part.period.until))
        if part.withheld:
            rows.append((label, *((WITHHELD,) * 4), ""))
            continue
        signal = on.say(f"signal_name_{point.signal}") if point.signal else ""
        limits = span(point.lower, point.upper)
        rows.append((label, round(part.n), round(part.k), point.share, limits, signal))
    parts = [part for part in m.trend if part.row is not None and not part.withheld]
    figures = [
        (on.between(on.day(one.period.since), on.day(one.period.until)), one.row.share(m.measure))
        for one in parts
        if one.row is not None
    ]
    return table(on, "trend", columns, rows, notes=without_flagged(on, figures))
