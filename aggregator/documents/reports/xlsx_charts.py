"""Charts of a workbook, drawn by the spreadsheet itself: lines with error bars, stacked bars."""

from collections.abc import Mapping, Sequence
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell as cell

from aggregator.documents.reports.chart_sheet import FACE, ChartSheet, Live, Value
from aggregator.documents.reports.model import (
    Chart,
    ColumnUnit,
    Intervals,
    Likert,
    LikertRow,
    Mark,
    Trend,
)
from aggregator.documents.reports.sheets import Sheets
from aggregator.wording.charts import Axis, span, tone
from aggregator.wording.likert import Diverging, sides
from surveys.definition import Level

INK, GREY, WHITE = "#1B3A5C", "#595959", "#FFFFFF"
# The colours of levels by tone, as in templates/charts.typ, and of the numbers on them.
TONES: Mapping[int, tuple[str, str]] = {
    1: ("#B35A1F", WHITE),
    2: ("#EAB98C", "#000000"),
    3: ("#DBDBDB", "#000000"),
    4: ("#A9CBE3", "#000000"),
    5: ("#1F5C8B", WHITE),
}
LEAST = 0.05  # the share of a piece whose number has room in it
GAP = 0.04  # before the level that stands apart, as a share
LINE, DASHES, DOTS = (
    {"color": colour, "width": width, **dashes}
    for colour, width, dashes in (
        (INK, 1.5, {}),
        (GREY, 1.25, {"dash_type": "dash"}),
        (GREY, 1.25, {"dash_type": "round_dot"}),
    )
)
NONE = {"none": True}


def write_chart(sheets: Sheets, chart: Chart, name: str) -> None:
    """A sheet with a chart and below it the table that it is drawn from, to be edited."""
    if isinstance(chart, Intervals):
        _intervals(
            ChartSheet(sheets, chart, name, columns=6 + bool(chart.reference), pixels=460), chart
        )
    elif isinstance(chart, Trend):
        _trend(ChartSheet(sheets, chart, name, columns=6, pixels=340), chart)
    else:
        # The counts of the levels, their shares with the gap between, and the measure.
        columns, pixels = 3 + 2 * len(chart.levels), 90 + 30 * len(chart.bars)
        _likert(ChartSheet(sheets, chart, name, columns=columns, pixels=pixels), chart)


def _intervals(sheet: ChartSheet, chart: Intervals) -> None:
    """Points with error bars, whose lengths are columns of the table; a dashed reference."""
    words, reference = sheet.words, chart.reference
    ends = [f"{words['interval']}: {words[end]}" for end in ("from", "to")]
    heads = [words["legend_share"], *ends, words["chart_below"], words["chart_above"]]
    heads += [reference[0]] if reference else []
    rows: list[Sequence[Value]] = []
    for at, (label, share, low, high, withheld) in enumerate(chart.means, sheet.first):
        lengths: tuple[Value, Value] = (None, None)
        if share is not None and low is not None and high is not None:
            of, start, end = (cell(at, column) for column in (1, 2, 3))
            lengths = Live(f"={of}-{start}", share - low), Live(f"={end}-{of}", high - share)
        line = (_marked(label, withheld=withheld), share, low, high, *lengths)
        rows.append((*line, reference[1]) if reference else line)
    sheet.fill(heads, ["share" for _ in heads], rows)
    lengths_of = {"minus_values": sheet.area(4), "plus_values": sheet.area(5)}
    bars = {"type": "custom", **lengths_of, "line": LINE}
    series = [sheet.series(1, chart.legend, line=NONE, marker=_marker("circle", 7, INK))]
    series[0]["y_error_bars"] = bars
    if reference is not None:
        series.append(sheet.series(6, reference[0], line=DASHES, marker={"type": "none"}))
    drawn = sheet.drawn("line", series)
    axis = Axis.around([*(mean.low for mean in chart.means), reference[1] if reference else None])
    drawn.set_y_axis(_shares(axis.floor, 1.0, axis.ticks[1] - axis.ticks[0]))
    drawn.set_x_axis({"num_font": {**FACE, "rotation": -45}, "label_position": "low"})
    drawn.set_plotarea({"layout": {"x": 0.08, "y": 0.03, "width": 0.9, "height": 0.5}})


def _trend(sheet: ChartSheet, chart: Trend) -> None:
    """Lines over time; an empty row of the table parts one series from the next."""
    share, centre, limits, signal = chart.legend
    ends = [f"{limits}: {sheet.words[end]}" for end in ("from", "to")]
    rows: list[Sequence[Value]] = []
    for number, one in enumerate(chart.points):
        if number and chart.points[number - 1].series != one.series:
            rows.append(("", *(None,) * 5))
        told = one.share if one.signal else None
        label = _marked(one.label, withheld=one.withheld)
        rows.append((label, one.share, one.centre, one.lower, one.upper, told))
    sheet.fill((share, centre, *ends, signal), ("share",) * 5, rows)
    plain = {"type": "none"}
    series = [
        sheet.series(1, share, line=LINE, marker=_marker("circle", 6, INK)),
        sheet.series(2, centre, line=DASHES, marker=plain),
        sheet.series(3, limits, line=DOTS, marker=plain),
        sheet.series(4, limits, line=DOTS, marker=plain),
    ]
    if any(one.signal for one in chart.points):
        series.append(sheet.series(5, signal, line=NONE, marker=_marker("diamond", 12, WHITE)))
    drawn = sheet.drawn("line", series)
    # Both limits have one name.
    drawn.set_legend({"position": "bottom", "font": FACE, "delete_series": [3]})
    known = [(one.share, one.lower, one.upper) for one in chart.points]
    drawn.set_y_axis(_shares(*span([one for three in known for one in three if one is not None])))
    drawn.set_x_axis({"num_font": FACE, "label_position": "low"})


def _likert(sheet: ChartSheet, chart: Likert) -> None:
    """Bars from zero to both sides; behind an empty piece the middle level, which stands apart."""
    good, middle, bad = sides(chart.levels)
    # As a spreadsheet stacks them: to the right, the gap among them, then to the left.
    stacked = [*reversed(good), *((None, *middle) if middle else ()), *bad]
    names = [one.get(sheet.language) if one else sheet.words["chart_gap"] for one in stacked]
    heads = [one.get(sheet.language) for one in chart.levels]
    heads += [f"{name}: %" for name in names]
    axis = Diverging.around(
        chart.levels, [bar.counts for bar in chart.bars if bar.counts is not None]
    )
    room = axis.right + GAP
    rows = [
        (
            _marked(bar.label, withheld=bar.counts is None),
            *_pieces(chart.levels, stacked, bar, at, room),
            bar.share,
        )
        for at, bar in enumerate(chart.bars, sheet.first)
    ]
    many = len(chart.levels)
    units: list[ColumnUnit] = ["integer" for _ in range(many)]
    units += ["share" for _ in range(len(stacked) + 1)]
    sheet.fill([*heads, chart.value], units, rows)
    series = []
    for place, (level, name) in enumerate(zip(stacked, names, strict=True)):
        # A legend has no word for the gap. To delete its entry hits another one in LibreOffice.
        shown = name if level is not None else " "
        own = sheet.series(1 + many + place, shown, fill=NONE, border=NONE, gap=45)
        if level is not None:
            fill, ink = TONES[tone(chart.levels.index(level), many)]
            own |= {"fill": {"color": fill}, "border": {"color": WHITE}}
            sizes = [row[1 + many + place] for row in rows]
            own["data_labels"] = {
                "value": True,
                "num_format": "0%;0%",  # left of zero is no negative share
                "font": {**FACE, "color": ink},
                "custom": [
                    None
                    if isinstance(size, Live) and abs(size.value) >= LEAST
                    else {"delete": True}
                    for size in sizes
                ],
            }
        series.append(own)
    drawn = sheet.drawn("bar", series, subtype="stacked")
    reach = room + axis.apart if middle else axis.right
    ends = {"min": -axis.left, "max": reach}
    drawn.set_x_axis({**ends, "visible": False, "major_gridlines": {"visible": False}})
    beside = {"reverse": True, "label_position": "low", "major_tick_mark": "none"}
    drawn.set_y_axis({**beside, "num_font": FACE})
    drawn.set_plotarea({"layout": {"x": 0.38, "y": 0.01, "width": 0.6, "height": 0.92}})


def _pieces(
    levels: Sequence[Level], stacked: Sequence[Level | None], bar: LikertRow, at: int, room: float
) -> list[Value]:
    """The counts of a bar by level, then the stacked shares, computed from them in row ``at``.

    The gap ends where ``room`` does. Empty where the bar is withheld or nobody answered.
    """
    if bar.counts is None or not (n := sum(bar.counts.values())):
        return [None] * (len(levels) + len(stacked))
    counts = [bar.counts.get(level.code, 0) for level in levels]
    good, _, bad = sides(levels)
    of = {level.code: cell(at, 1 + place) for place, level in enumerate(levels)}
    whole = f"SUM({cell(at, 1)}:{cell(at, len(levels))})"
    pieces: list[Value] = [*counts]
    for level in stacked:
        if level is None:
            favourable = sum(bar.counts.get(one.code, 0) for one in good)
            cells = "+".join(of[one.code] for one in good)
            pieces.append(Live(f"={room:.2f}-({cells})/{whole}", room - favourable / n))
        else:
            sign = -1 if level in bad else 1
            share = sign * bar.counts.get(level.code, 0) / n
            pieces.append(Live(f"={'-' if level in bad else ''}{of[level.code]}/{whole}", share))
    return pieces


def _marked(label: str, *, withheld: bool) -> str:
    """A label that says itself where there is no figure, since a mark would be drawn as zero."""
    return f"{label} {Mark.WITHHELD.value}" if withheld else label


def _marker(kind: str, size: int, fill: str) -> dict[str, Any]:
    return {"type": kind, "size": size, "fill": {"color": fill}, "border": {"color": INK}}


def _shares(floor: float, ceiling: float, step: float) -> dict[str, Any]:
    """An axis of shares."""
    ends = {"min": round(floor, 4), "max": round(ceiling, 4), "major_unit": round(step, 4)}
    lines = {"visible": True, "line": {"color": "#D1D1D1", "width": 0.5}}
    return {**ends, "num_format": "0%", "num_font": FACE, "major_gridlines": lines}
