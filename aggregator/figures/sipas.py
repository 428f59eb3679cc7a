"""Figures of published SIPAS results, and the centre's own share as points of PAR INDEX."""

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.figures.figure import Figure
from aggregator.figures.rows import FigureRow
from aggregator.indices.par_index import (
    MEASURE,
    Projection,
    SipasPublished,
    SipasResult,
    project,
)
from aggregator.wording.charts import Axis, Timeline
from aggregator.wording.phrases import Words, between, decimal, integer, joined, percent, say
from surveys.definition import Text


@dataclass(frozen=True)
class SipasYear:
    """The country's share in a year; None in a year without a survey."""

    year: int
    share: float | None = None
    series: int = -1
    n: int = 0
    figure: Figure | None = None


def projection_of(whole: FigureRow) -> Projection | None:
    """The points that the centre's share would give; None without answers."""
    found = whole.measures[MEASURE]
    return project(MEASURE, found.share, found.low, found.high)


def projection_figure(projected: Projection, whole: FigureRow) -> Figure:
    """The centre's share as points of PAR INDEX."""
    found = whole.measures[MEASURE]
    figure = Figure(
        name="projection",
        title=say("sipas.projection"),
        value=projected.points,
        unit="score",
        definition=say("sipas.projection_how", maximum=f"{projected.maximum:g}"),
        k=found.k,
        n=found.n,
        low=projected.low,
        high=projected.high,
        methods=(projected.method, found.method),
        text=say("sipas.of_points", points=decimal(projected.points, 2)),
    )

    def other(row: FigureRow) -> Figure | None:
        points = projection_of(row)
        return projection_figure(points, row) if points else None

    return whole.beside(figure, other)


def result_figures(name: str, result: SipasResult, source: Text) -> Mapping[str, Figure]:
    """Share, points and rank of the published result (name ``result``) or goal (``target``)."""
    ranks = sorted({result.rank.best, result.rank.worst})
    rank = joined(*map(integer, ranks), by="–")
    written: Mapping[str, Words] = {
        "share": percent(result.share, 2),
        "points": say("sipas.of_points", points=decimal(result.points, 2)),
        "rank": say("sipas.rank_of", rank=rank),
    }
    return {
        part: Figure(
            name=f"{name}.{part}",
            title=joined(say(f"sipas.{name}", year=result.year), say(f"sipas.{part}")),
            value=None,
            unit="count",
            definition=say(f"sipas.{name}_{part}_how"),
            source=source,
            text=text,
            filtered=False,
        )
        for part, text in written.items()
    }


def national_series(published: SipasPublished) -> Timeline[SipasYear]:
    """The country's share by year. Years of different methods are series of their own."""
    known = {
        year: SipasYear(
            year, share, number, 1, _year_figure(year, share, line.population, line.source)
        )
        for number, line in enumerate(published.national)
        for year, share in line.shares.items()
    }
    points = [known.get(year, SipasYear(year)) for year in range(min(known), max(known) + 1)]
    return Timeline(Axis.around(point.share for point in points), points, height=190.0)


def _year_figure(year: int, share: float, population: Text, source: Text) -> Figure:
    return Figure(
        name=f"series.{year}",
        title=say("sipas.series_year", year=year),
        value=share,
        unit="share",
        definition=say("sipas.series_how"),
        facts=((say("how.population"), population),),
        source=source,
        text=percent(share, 2),
        filtered=False,
    )


def province_figures(published: SipasPublished) -> Mapping[int, Figure]:
    """By year, the lowest and the highest province's share."""
    source_of = {year: line.source for line in published.national for year in line.shares}
    return {
        year: Figure(
            name=f"provinces.{year}",
            title=say("sipas.provinces_title", year=year),
            value=None,
            unit="share",
            definition=say("sipas.provinces_how"),
            source=source_of[year],
            text=between(*(percent(end, 2) for end in ends)),
            filtered=False,
        )
        for year, ends in published.provinces.items()
    }
