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
    changes: Sequence[Change],
    chart: Trend | None,
    sipas: SipasMaterial | None,
    business: Business | None,
) -> Section:
    sentences = [_ratings(m), *_taking_part(m)]
    if m.whole.n:
        sentences += [*_reference(m), *_departments(m), *_changes(m, changes)]
        if chart is not None:
            sentences.append(_signals(m, chart))
    if sipas is not None:
        sentences += _sipas(m, sipas)
    if business is not None and business.least:
        sentences.append(m.on.say("sum_business", n=m.on.integer(business.least)))
    return Section(m.on.say("section_summary"), (Points(tuple(sentences)),))


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
            share=on.percent(measure.share),
            interval=on.interval(measure.low, measure.high),
        )
        for name in m.measures
        for measure in [m.whole.measures[name]]
    ]
    key = "sum_respondents" if m.pooled else "sum_ratings"
    return on.say(key, n=on.integer(m.whole.n), parts="; ".join(parts))


def _taking_part(m: Material) -> list[str]:
    on, part = m.on, m.participation.get(CENTRE)
    if part is None:
        return [on.say("no_dossiers")]
    if CENTRE not in m.covered or not part.n:
        return []
    sentence = on.say(
        "sum_participation",
        n=on.integer(part.n),
        dossiers=on.integer(part.dossiers),
        share=on.percent(part.share),
    )
    between = printable_bounds(m, CENTRE, m.whole)
    if between is None:
        return [sentence]
    measure = on.say(f"measure.{m.measure}").lower()
    low, high = on.percent(between.low), on.percent(between.high)
    return [sentence, on.say("sum_bounds", measure=measure, low=low, high=high)]


def _reference(m: Material) -> list[str]:
    on = m.on
    return [
        on.say(
            f"sum_{comparison.verdict}",
            label=on.label(comparison.reference.label),
            share=on.quoted(comparison.reference),
            points=on.points(comparison.difference),
            low=on.points(comparison.low),
            high=on.points(comparison.high),
        )
        for comparison in m.whole.comparisons
        if comparison.measure == m.measure
    ]


def _departments(m: Material) -> list[str]:
    """How many departments have each verdict, and the names of those below."""
    if m.reference is None:
        return []
    on = m.on
    by_verdict: dict[str, list[str]] = {}
    for row in m.departments:
        for comparison in row.comparisons:
            if comparison.reference is m.reference and row.n:
                by_verdict.setdefault(comparison.verdict, []).append(on.label(row.label))
    if not by_verdict:
        return []
    found = []
    for verdict in ("below", "above", "indistinct", "too_few"):
        if number := len(by_verdict.get(verdict, ())):
            found.append(on.say(f"sum_{verdict}_some", n=on.counted(number)))
        elif verdict in ("below", "above"):
            found.append(on.say(f"sum_{verdict}_none"))
    rated = sum(row.n > 0 for row in m.departments)
    told = {"rated": rated, "all": len(m.departments), "found": "; ".join(found)}
    sentences = [on.say("sum_departments", **told)]
    for verdict in ("below", "above"):
        if verdict in by_verdict:
            sentences.append(on.say(f"sum_names_{verdict}", names="; ".join(by_verdict[verdict])))
    return sentences


def _changes(m: Material, changes: Sequence[Change]) -> list[str]:
    on = m.on
    return [
        on.say(
            f"sum_change_{change.verdict}",
            measure=on.say(f"measure.{change.measure}").lower(),
            period=on.name(change.then),
            share=on.percent(change.then_figure.share),
            points=on.points(change.difference),
            low=on.points(change.low),
            high=on.points(change.high),
        )
        for change in changes
        if change.measure == m.measure
    ]


def _signals(m: Material, chart: Trend) -> str:
    on, points = m.on, signals(chart.points)
    if not points:
        return on.say("sum_no_signal", n=sum(point.share is not None for point in chart.points))
    told = [
        on.say(
            "sum_signal",
            period=point.label,
            share=on.percent(point.share),
            what=on.say(f"signal_name_{point.signal}").lower(),
        )
        for point in points
    ]
    return on.say("sum_signals", n=on.counted(len(points)), periods="; ".join(told))


def _sipas(m: Material, material: SipasMaterial) -> list[str]:
    on, points = m.on, material.projection
    if points is None:
        return [on.say("sum_sipas_withheld", minimum=on.centre.minimum_cell)]
    measure = material.whole.measures[MEASURE]
    return [
        on.say(
            "sum_sipas",
            share=on.percent(measure.share),
            interval=on.interval(measure.low, measure.high),
            n=on.integer(material.whole.n),
            points=numbers.decimal(points.points, on.language, 2),
            maximum=numbers.decimal(points.maximum, on.language, 0),
        )
    ]
