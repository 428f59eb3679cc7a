"""What the Typst templates need to draw a chart, and the drawings as pictures."""

import json
import math
from collections.abc import Iterable
from typing import Any

from aggregator.documents.reports import typesetting
from aggregator.documents.reports.model import Chart, Intervals, Likert, Mark, Trend
from aggregator.wording import numbers
from aggregator.wording.charts import Axis, span, tone
from aggregator.wording.likert import Diverging
from surveys.messages import Language

PPI = 200
MOST_LABELS = 16  # labels under a trend: more would overlap


def drawing(chart: Chart, language: Language) -> dict[str, Any]:
    """A chart for templates/charts.typ: positions as fractions of an axis, numbers as texts."""
    if isinstance(chart, Intervals):
        drawn = _intervals(chart, language)
    elif isinstance(chart, Trend):
        drawn = _trend(chart, language)
    else:
        drawn = _likert(chart, language)
    notes = {"title": chart.title, "alt": chart.alt, "notes": list(chart.notes)}
    return {**drawn, **notes}


def pictures(charts: Iterable[Chart], language: Language) -> list[bytes]:
    """The charts as PNG, in order. Raises files.FileError."""
    drawn = [drawing(chart, language) for chart in charts]
    return typesetting.pictures("pictures.typ", {"charts": json.dumps(drawn)}, PPI) if drawn else []


def _intervals(chart: Intervals, language: Language) -> dict[str, Any]:
    lows = [mean.low for mean in chart.means]
    axis = Axis.around([*lows, chart.reference[1] if chart.reference else None])

    def at(share: float | None) -> float | None:
        return None if share is None else (share - axis.floor) / (1 - axis.floor)

    rows = []
    for mean in chart.means:
        value = Mark.WITHHELD.value if mean.withheld else numbers.DASH
        if mean.share is not None:
            value = numbers.percent(mean.share, language)
        rows.append(
            {
                "label": mean.label,
                "share": at(mean.share),
                "low": at(mean.low),
                "high": at(mean.high),
                "value": value,
            }
        )
    reference = None
    if chart.reference is not None:
        label, share = chart.reference
        reference = {"label": label, "at": at(share)}
    ticks = [{"at": at(tick), "label": numbers.percent(tick, language, 0)} for tick in axis.ticks]
    return {
        "kind": "intervals",
        "rows": rows,
        "reference": reference,
        "ticks": ticks,
        "legend": chart.legend,
    }


def _trend(chart: Trend, language: Language) -> dict[str, Any]:
    shown = [
        value
        for point in chart.points
        for value in (point.share, point.lower, point.upper)
        if value is not None
    ]
    floor, ceiling, step = span(shown)

    def at(share: float | None) -> float | None:
        return None if share is None else (share - floor) / (ceiling - floor)

    every = math.ceil(len(chart.points) / MOST_LABELS)
    points = [
        {
            "label": point.label if number % every == 0 else "",
            "share": at(point.share),
            "lower": at(point.lower),
            "centre": at(point.centre),
            "upper": at(point.upper),
            "series": point.series,
            "signal": bool(point.signal),
            "withheld": point.withheld,
        }
        for number, point in enumerate(chart.points)
    ]
    count = round((ceiling - floor) / step)
    ticks = [
        {"at": number / count, "label": numbers.percent(floor + number * step, language, 0)}
        for number in range(count + 1)
    ]
    return {"kind": "trend", "points": points, "ticks": ticks, "legend": list(chart.legend)}


def _likert(chart: Likert, language: Language) -> dict[str, Any]:
    shown = [bar.counts for bar in chart.bars if bar.counts is not None]
    axis = Diverging.around(chart.levels, shown)
    rows = []
    for bar in chart.bars:
        value = Mark.WITHHELD.value if bar.counts is None else numbers.percent(bar.share, language)
        pieces = axis.bars(bar.counts) if bar.counts is not None else []
        parts = [
            {
                "at": piece.x / 100,
                "width": piece.width / 100,
                "tone": piece.tone,
                "label": numbers.decimal(piece.share * 100, language, 0),
            }
            for piece in pieces
            if piece.share
        ]
        rows.append({"label": bar.label, "parts": parts, "value": value})
    levels = [
        {"label": level.get(language), "tone": tone(place, len(chart.levels))}
        for place, level in enumerate(chart.levels)
    ]
    return {
        "kind": "likert",
        "levels": levels,
        "zeros": [axis.zero / 100, *([axis.middle / 100] if axis.apart else [])],
        "rows": rows,
        "value": chart.value,
    }
