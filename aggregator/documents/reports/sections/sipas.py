"""SIPAS at the centre: the index, its factors and criteria, and what it would give in PAR INDEX."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aggregator.documents.reports.cells import span, table, without_flagged
from aggregator.documents.reports.model import (
    WITHHELD,
    Block,
    CellValue,
    Column,
    Likert,
    LikertRow,
    Paragraph,
    Range,
    Section,
    Table,
)
from aggregator.documents.reports.occasion import Occasion
from aggregator.documents.reports.published import form_rows
from aggregator.documents.reports.sections.comparisons import comparisons
from aggregator.figures.figures import figure_rows
from aggregator.figures.publishing import Branch, published_form
from aggregator.figures.rows import FigureRow
from aggregator.figures.sipas import projection_figure, projection_of
from aggregator.indices.par_index import MEASURE, Projection, sipas_published
from surveys.definition import Survey


@dataclass(frozen=True)
class SipasMaterial:
    """The published rows of the citizens' survey: the index, its factors, their criteria.

    ``channels`` are those that the answers came by.
    """

    survey: Survey
    whole: FigureRow
    factors: tuple[tuple[FigureRow, tuple[FigureRow, ...]], ...]
    channels: tuple[str, ...]

    @property
    def projection(self) -> Projection | None:
        return None if self.whole.withheld else projection_of(self.whole)


def gather(on: Occasion) -> SipasMaterial | None:
    """The index of the period with its parts, small groups withheld.

    None where the centre's survey of citizens has no such index, or nobody answered, or where the
    index may not be published.
    """
    survey = on.surveys[on.centre.instruments.citizens]
    if MEASURE not in survey.pooled_measures:
        return None
    if on.publisher is not None:
        return _published(on, survey)
    selection = on.selection(survey)
    [whole] = figure_rows(on.store, survey, on.centre, selection, "centre", closed=on.closed)
    if not whole.n:
        return None
    criteria = figure_rows(on.store, survey, on.centre, selection, "question")
    factors = figure_rows(on.store, survey, on.centre, selection, "factor")
    channels = figure_rows(on.store, survey, on.centre, selection, "channel")
    branches = _branches(survey, factors, criteria)
    total, shown = published_form(whole, branches, on.centre.minimum_cell)
    return SipasMaterial(survey, total, _tuples(shown), tuple(row.key for row in channels))


def _published(on: Occasion, survey: Survey) -> SipasMaterial | None:
    """The same under the ledger; by which channels answers came is not told."""
    whole = next(iter(form_rows(on, survey, "centre")), None)
    if whole is None or whole.withheld:
        return None
    factors, criteria = (form_rows(on, survey, by) for by in ("factor", "question"))
    return SipasMaterial(survey, whole, _tuples(_branches(survey, factors, criteria)), ())


def _branches(
    survey: Survey, factors: Sequence[FigureRow], criteria: Sequence[FigureRow]
) -> list[Branch]:
    """Each factor with its criteria."""
    of_question = {row.key: row for row in criteria}
    asked = {factor.id: factor.questions for factor in survey.factors}
    return [(row, [of_question[question.id] for question in asked[row.key]]) for row in factors]


def _tuples(branches: Iterable[Branch]) -> tuple[tuple[FigureRow, tuple[FigureRow, ...]], ...]:
    return tuple((factor, tuple(own)) for factor, own in branches)


def sipas(on: Occasion, forms: SipasMaterial) -> Section:
    blocks: list[Block] = [_table(on, forms)]
    if (points := forms.projection) is not None:
        blocks += _projection(on, points, forms.whole)
    blocks += comparisons(on, forms.survey, forms.whole, "sipas_references", forms.channels)
    if any(not row.withheld for _, own in forms.factors for row in own):
        blocks += [_criteria(on, forms), _bars(on, forms)]
    return Section(on.say("section_sipas"), tuple(blocks))


def _table(on: Occasion, forms: SipasMaterial) -> Table:
    """The index and its factors, with effective n and design effect."""
    columns = (
        Column("factor", on.say("factor"), "text", 2.8),
        Column("respondents", on.say("respondents"), "integer", 0.9),
        Column("k", on.say("favourable_answers"), "integer", sheet=True),
        Column("answers", on.say("answers"), "integer", 0.9),
        Column("effective", on.say("n_effective"), "number", sheet=True),
        Column("share", on.say("measure.satisfied_or_better"), "share", 1.1, ("k", "answers")),
        Column("interval", on.say("interval"), "interval", 1.7, ("share", "effective")),
        Column("design_effect", on.say("design_effect"), "number", sheet=True),
    )
    rows: list[tuple[CellValue, ...]] = []
    whole = on.say("sipas_index")
    for label, row in [
        *((on.label(factor.label), factor) for factor, _ in forms.factors),
        (whole, forms.whole),
    ]:
        if row.withheld:
            rows.append((label, *((WITHHELD,) * 7)))
            continue
        measure = row.measures[MEASURE]
        rows.append(
            (
                label,
                row.n,
                measure.k,
                measure.n,
                measure.n_effective,
                measure.share,
                span(measure.low, measure.high),
                measure.design_effect,
            )
        )
    shown = [*((on.label(one.label), one) for one, _ in forms.factors), (whole, forms.whole)]
    figures = [(label, row.share(MEASURE)) for label, row in shown if not row.withheld]
    return table(on, "sipas", columns, rows, [len(rows) - 1], notes=without_flagged(on, figures))


def _projection(on: Occasion, points: Projection, whole: FigureRow) -> list[Block]:
    """Points of PAR INDEX domain 8, beside the province's last result and its target."""
    columns = (
        Column("what", on.say("projection_what"), "text", 2.6),
        Column("share", on.say("measure.satisfied_or_better"), "share"),
        Column("points", on.say("projection_points"), "number"),
        Column("interval", on.say("interval"), "number_interval", 1.6),
    )
    share = points.points / points.maximum
    between = Range(points.low, points.high)
    rows: list[tuple[CellValue, ...]] = [
        (on.say("projection_here"), share, points.points, between),
    ]
    if on.published is not None:
        known = sipas_published(on.published)
        rows += [
            (
                on.say("sipas.result", year=known.result.year),
                on.printed(known.result.share, 2),
                known.result.points,
                None,
            ),
            (
                on.say("sipas.target", year=known.target.year),
                on.printed(known.target.share, 2),
                known.target.points,
                None,
            ),
        ]
    here = [(on.say("projection_here"), projection_figure(points, whole))]
    notes = without_flagged(on, here)
    return [table(on, "projection", columns, rows, notes=notes), Paragraph(on.say("sipas.decides"))]


def _criteria(on: Occasion, forms: SipasMaterial) -> Table:
    columns = [
        Column("criterion", on.say("criterion"), "text", 3.6),
        Column("n", on.say("answers"), "integer", 0.8),
        Column("k", on.say("favourable_answers"), "integer", sheet=True),
        Column("share", on.say("measure.satisfied_or_better"), "share", 1.0, ("k", "n")),
        Column("interval", on.say("interval"), "interval", 1.6, ("share", "n")),
    ]
    levels = forms.survey.scales[forms.survey.measured[0].scale or ""].levels
    columns += [
        Column(f"level_{level.code}", on.label(level), "integer", sheet=True) for level in levels
    ]
    rows: list[tuple[CellValue, ...]] = []
    groups = []
    number = 0
    for factor, criteria in forms.factors:
        groups.append(len(rows))
        rows.append((on.label(factor.label), *((None,) * (len(columns) - 1))))
        for row in criteria:
            number += 1
            label = f"{number}. {on.label(row.label)}"
            if row.withheld:
                rows.append((label, *((WITHHELD,) * (len(columns) - 1))))
                continue
            measure = row.measures[MEASURE]
            counts = (row.counts.get(level.code, 0) for level in levels)
            rows.append(
                (label, row.n, measure.k, measure.share, span(measure.low, measure.high), *counts)
            )
    asked = enumerate((row for _, criteria in forms.factors for row in criteria), 1)
    figures = [(str(n), row.share(MEASURE)) for n, row in asked if not row.withheld]
    notes = without_flagged(on, figures)
    return table(on, "criteria", columns, rows, groups=groups, notes=notes)


def _bars(on: Occasion, forms: SipasMaterial) -> Likert:
    levels = forms.survey.scales[forms.survey.measured[0].scale or ""].levels
    bars: list[LikertRow] = []
    for row in (row for _, criteria in forms.factors for row in criteria):
        label = f"{len(bars) + 1}. {on.label(row.label)}"
        measure = row.measures.get(MEASURE)
        bars.append(
            LikertRow(
                label, None if row.withheld else row.counts, measure.share if measure else None
            )
        )
    return Likert(
        title=on.say("chart_sipas"),
        alt=on.say("alt_sipas", n=len(bars)),
        levels=levels,
        value=on.say("measure.satisfied_or_better"),
        bars=tuple(bars),
        notes=(on.say("likert_note"),),
    )
