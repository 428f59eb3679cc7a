"""PAR INDEX: the points that a measured share would give, and published SIPAS results."""

from collections.abc import Mapping
from dataclasses import dataclass

from surveys.definition import Text
from surveys.published import PublishedTables, Ranks

MEASURE = "satisfied_or_better"  # the share that the ministry turns into points
MAXIMUM = 10.0  # points of domain 8 given by SIPAS


@dataclass(frozen=True)
class Projection:
    """Points out of ``maximum`` with the 95 % interval of the share behind them.

    ``method`` is the key of the explanation that must be shown with it: the real points come
    from the ministry's drawn sample, not from answers given at the centre.
    """

    points: float
    low: float
    high: float
    maximum: float
    method: str = "par_projection"


def project(
    measure: str,
    share: float | None,
    low: float | None,
    high: float | None,
    maximum: float = MAXIMUM,
) -> Projection | None:
    """A share as points of PAR INDEX domain 8: share × maximum; None for a share of no answers.

    The share and its interval are fractions. Raises ValueError for another measure than
    MEASURE, the only one that the index counts.
    """
    if measure != MEASURE:
        raise ValueError(f"measure: PAR INDEX counts {MEASURE}, not {measure}")
    if share is None or low is None or high is None:
        return None
    return Projection(share * maximum, low * maximum, high * maximum, maximum)


@dataclass(frozen=True)
class SipasResult:
    """A published or aimed-at SIPAS share (a fraction) with its points and ranks."""

    year: int
    share: float
    points: float
    rank: Ranks


@dataclass(frozen=True)
class Line:
    """Shares (fractions) by year, of one population and method: they may be joined by a line."""

    population: Text
    source: Text
    shares: Mapping[int, float]


@dataclass(frozen=True)
class SipasPublished:
    """Published results to show beside the centre's own SIPAS figure; shares are fractions.

    ``target.points`` is computed, since the source prints none. The lines of ``national`` are
    not comparable with each other. ``provinces``: the lowest and highest province by year.
    """

    result: SipasResult
    target: SipasResult
    maximum: float
    national: tuple[Line, ...]
    provinces: Mapping[int, tuple[float, float]]


def sipas_published(published: PublishedTables) -> SipasPublished:
    """The province's SIPAS result and target, and the national series, as fractions."""
    par_index, sipas = published.par_index, published.sipas
    part = par_index.sipas
    return SipasPublished(
        result=SipasResult(
            year=par_index.year,
            share=float(part.goal.percent / 100),
            points=float(part.points),
            rank=Ranks(best=part.goal.rank, worst=part.goal.rank),
        ),
        target=SipasResult(
            year=par_index.target_year,
            share=float(part.goal.target / 100),
            points=float(part.goal.target / 100) * part.maximum,
            rank=part.goal.target_rank,
        ),
        maximum=part.maximum,
        national=tuple(
            Line(
                series.population,
                series.source,
                {year: float(percent / 100) for year, percent in series.percent.items()},
            )
            for series in sipas.national
        ),
        provinces={
            year: (float(lowest / 100), float(sipas.highest[year] / 100))
            for year, lowest in sipas.lowest.items()
            if year in sipas.highest
        },
    )
