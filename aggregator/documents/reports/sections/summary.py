"""The summary: a few plain sentences, written from the figures by rules."""

from collections.abc import Sequence

from aggregator.documents.reports.material import Material
from aggregator.documents.reports.model import Points, Section, Trend
from aggregator.documents.reports.sections.business import Business
from aggregator.documents.reports.sections.changes import signals
from aggregator.documents.reports.sections.sipas import SipasMaterial
from aggregator.documents.reports.sections.taking_part import printable_bounds
from aggregator.figures.trends import Change
from aggregator.indices.par_index import MEASURE
from aggregator.statistics.participation import CENTRE
from aggregator.wording import numbers


def summary(
    m: Material,
    found: Sequence[Change],
    chart: Trend | None,
    sipas: SipasMaterial | None,
    business: Business | None,
) -> Section:
    told = [_ratings(m), *_taking_part(m)]
    if m.whole.n:
        told += [*_reference(m), *_departments(m), *_changes(m, found)]
        if chart is not None:
            told.append(_signals(m, chart))
    if sipas is not None:
        told += _sipas(m, sipas)
    if business is not None and business.least:
        told.append(m.on.say("sum_business", n=m.on.integer(business.least)))
    return Section(m.on.say("section_summary"), (Points(tuple(told)),))


def _ratings(m: Material) -> str:
    on = m.on
    if m.whole.withheld:
        return on.say("sum_withheld", minimum=on.centre.minimum_cell)
    if not m.whole.n:
        return on.say("no_ratings")
    parts = [
        on.say(
            "sum_measure",
            measure=on.say(f"measure.{name}").lower(),
            share=on.percent(one.share),
            interval=on.interval(one.low, one.high),
        )
        for name in m.measures
        for one in [m.whole.measures[name]]
    ]
    key = "sum_respondents" if m.pooled else "sum_ratings"
    return on.say(key, n=on.integer(m.whole.n), parts="; ".join(parts))


def _taking_part(m: Material) -> list[str]:
    on, part = m.on, m.participation.get(CENTRE)
    if part is None:
        return [on.say("no_dossiers")]
    if CENTRE not in m.covered or not part.n:
        return []
    told = on.say(
        "sum_participation",
        n=on.integer(part.n),
        dossiers=on.integer(part.dossiers),
        share=on.percent(part.share),
    )
    between = printable_bounds(m, CENTRE, m.whole)
    if between is None:
        return [told]
    measure = on.say(f"measure.{m.measure}").lower()
    low, high = on.percent(between.low), on.percent(between.high)
    return [told, on.say("sum_bounds", measure=measure, low=low, high=high)]


def _reference(m: Material) -> list[str]:
    on = m.on
    return [
        on.say(
            f"sum_{one.verdict}",
            label=on.label(one.reference.label),
            share=on.as_printed(one.reference).text,
            points=on.points(one.difference),
            low=on.points(one.low),
            high=on.points(one.high),
        )
        for one in m.whole.comparisons
        if one.measure == m.measure
    ]


def _departments(m: Material) -> list[str]:
    """How many departments lie where, and the names of those below."""
    if m.reference is None:
        return []
    on = m.on
    by_verdict: dict[str, list[str]] = {}
    for row in m.departments:
        for one in row.comparisons:
            if one.reference is m.reference and row.n:
                by_verdict.setdefault(one.verdict, []).append(on.label(row.label))
    if not by_verdict:
        return []
    counts = {
        verdict: on.integer(len(by_verdict.get(verdict, [])))
        for verdict in ("below", "above", "indistinct", "too_few")
    }
    rated = sum(row.n > 0 for row in m.departments)
    told = [on.say("sum_departments", rated=rated, all=len(m.departments), **counts)]
    for verdict in ("below", "above"):
        if verdict in by_verdict:
            told.append(on.say(f"sum_names_{verdict}", names="; ".join(by_verdict[verdict])))
    return told


def _changes(m: Material, found: Sequence[Change]) -> list[str]:
    on = m.on
    return [
        on.say(
            f"sum_change_{one.verdict}",
            measure=on.say(f"measure.{one.measure}").lower(),
            period=on.name(one.then),
            share=on.percent(one.then_figure.share),
            points=on.points(one.difference),
            low=on.points(one.low),
            high=on.points(one.high),
        )
        for one in found
        if one.measure == m.measure
    ]


def _signals(m: Material, chart: Trend) -> str:
    on, found = m.on, signals(chart.points)
    if not found:
        return on.say("sum_no_signal", n=sum(point.share is not None for point in chart.points))
    return on.say("sum_signals", n=len(found), periods=", ".join(point.label for point in found))


def _sipas(m: Material, found: SipasMaterial) -> list[str]:
    on, points = m.on, found.projection
    if points is None:
        return [on.say("sum_sipas_withheld", minimum=on.centre.minimum_cell)]
    one = found.whole.measures[MEASURE]
    return [
        on.say(
            "sum_sipas",
            share=on.percent(one.share),
            interval=on.interval(one.low, one.high),
            n=on.integer(found.whole.n),
            points=numbers.decimal(points.points, on.language, 2),
            maximum=numbers.decimal(points.maximum, on.language, 0),
        )
    ]
