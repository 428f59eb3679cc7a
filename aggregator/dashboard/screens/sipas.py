"""SIPAS at the centre: index, factors, criteria, its projection, and the published figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, channel_modes, read_view
from aggregator.figures.figure import Figure
from aggregator.figures.figures import figure_rows
from aggregator.figures.references import why_not_comparable
from aggregator.figures.rows import Comparison, FigureRow
from aggregator.figures.sipas import (
    SipasYear,
    national_series,
    projection_figure,
    projection_of,
    province_figures,
    result_figures,
)
from aggregator.indices.par_index import MEASURE, Projection, SipasPublished, sipas_published
from aggregator.organisation.laws import notices
from aggregator.wording.charts import Axis, Timeline, tone
from aggregator.wording.likert import Diverging
from aggregator.wording.phrases import Words
from surveys.centre import Reference
from surveys.definition import Level

INDEX = MEASURE  # what the SIPAS index is a share of


OF_2020 = "sipas_2020"  # the instrument by the method of 2017 to 2020


@dataclass(frozen=True, kw_only=True)
class SipasPage(FigurePage):
    """The survey has no index where ``whole`` is None: then nothing but that is said."""

    modes: Sequence[str]
    whole: FigureRow | None = None
    factors: Sequence[FigureRow] = ()
    criteria: Sequence[FigureRow] = ()
    levels: Sequence[Level] = ()  # the worst first
    bars: Diverging | None = None
    axis: Axis | None = None
    refused: Sequence[tuple[Reference, str]] = ()
    weightable: bool = False
    projection: Projection | None = None
    published: SipasPublished | None = None
    results: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    provinces: Mapping[int, Figure] = field(default_factory=dict)
    series: Timeline[SipasYear] | None = None
    notices: Sequence[Words] = ()

    @property
    def index(self) -> str:
        return INDEX

    @property
    def projection_figure(self) -> Figure | None:
        if self.projection is None or self.whole is None:
            return None
        return projection_figure(self.projection, self.whole)

    @property
    def comparisons(self) -> Sequence[Comparison]:
        """The index beside each reference of the same kind."""
        rows = self.whole.comparisons if self.whole else ()
        return [row for row in rows if row.measure == INDEX]

    @property
    def lowest(self) -> FigureRow | None:
        """The factor with the lowest share; None where all have the same."""
        shares = {
            row.key: share
            for row in self.factors
            if (share := row.measures[INDEX].share) is not None
        }
        if len(set(shares.values())) < 2:
            return None
        return min((row for row in self.factors if row.key in shares), key=lambda r: shares[r.key])

    @property
    def tones(self) -> Mapping[int, int]:
        """The colour of each level, by its code."""
        best_first = self.levels[::-1]
        return {level.code: tone(at, len(best_first)) for at, level in enumerate(best_first)}


@needs("figures")
async def sipas(request: Request) -> Response:
    """The index of a period with everything it is made of, beside what was published."""
    view = read_view(request, survey=context_of(request).centre.instruments.citizens)
    return render(request, "sipas", await run_in_threadpool(_page, context_of(request), view))


def _page(context: Context, view: View) -> SipasPage:
    survey, centre, store = view.survey, context.centre, context.store
    modes = channel_modes(store, view)
    if INDEX not in survey.pooled_measures:
        return SipasPage(view=view, modes=modes)
    selection = view.selection()
    [whole] = figure_rows(store, survey, centre, selection, "centre")
    factors = figure_rows(store, survey, centre, selection, "factor")
    criteria = figure_rows(store, survey, centre, selection, "question")
    levels = survey.scales[survey.measured[0].scale or ""].levels
    published = sipas_published(context.published) if context.published else None
    results: dict[str, Mapping[str, Figure]] = {}
    if context.published and published:
        source = context.published.source
        for name, result in (("result", published.result), ("target", published.target)):
            results[name] = result_figures(name, result, source)
    return SipasPage(
        view=view,
        modes=modes,
        whole=whole,
        factors=factors,
        criteria=criteria,
        levels=levels[::-1],
        bars=Diverging.around(levels, [row.counts for row in criteria]),
        axis=Axis.around(row.measures[INDEX].low for row in [whole, *factors]),
        refused=[(r, why) for r in centre.references if (why := why_not_comparable(survey, r))],
        weightable=any(margin.survey == survey.id for margin in centre.margins),
        projection=projection_of(whole),
        published=published,
        results=results,
        provinces=province_figures(published) if published else {},
        series=national_series(published) if published else None,
        notices=notices(centre, survey.id, ("sipas",), view.period.since, view.period.until)
        if survey.id == OF_2020
        else (),
    )
