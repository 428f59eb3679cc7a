"""Figures of participation, and the bounds of the share whatever non-respondents think."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from aggregator.figures.figure import Figure
from aggregator.figures.flagged import Flagged
from aggregator.figures.rows import FigureRow
from aggregator.statistics import nonresponse_bounds
from aggregator.statistics.participation import (
    CENTRE,
    Participation,
    participation,
    participation_by,
)
from aggregator.storage.flags import Flagging
from aggregator.storage.store import Grouping, Selection, Store
from aggregator.wording.channels import CHANNELS
from aggregator.wording.phrases import Words, between, integer, joined, percent, say
from surveys.centre import Centre
from surveys.definition import Survey


@dataclass(frozen=True)
class NonresponseBounds:
    """The share if none, and if all, of the people who gave no rating had been satisfied."""

    low: float
    high: float


def respondents(
    store: Store,
    survey: Survey,
    selection: Selection,
    by: tuple[Grouping, ...] = ("day", "department"),
) -> pd.DataFrame:
    """How many answered a survey's only question, or its pool: one column a grouping, and n."""
    if len(survey.measured) == 1:
        selection = replace(selection, questions=(survey.measured[0].id,))
    return store.respondents(selection, by)


def respondents_twice(
    store: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    by: tuple[Grouping, ...] = ("day", "department"),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What respondents returns, of all submissions and of those without a flag."""
    without = store.unflagged(Flagging(survey, centre))
    return respondents(store, survey, selection, by), respondents(without, survey, selection, by)


def taking_part(
    ratings: pd.DataFrame,
    dossiers: pd.DataFrame,
    centre: Centre,
    others: pd.DataFrame | None = None,
) -> dict[str, Participation]:
    """Participation by department, and of the centre under ''; empty without dossiers.

    ``ratings`` come from ``respondents``, ``dossiers`` from Store.transactions, ``others`` from
    ``respondents`` without flagged submissions, if these are to be told apart.
    """
    if dossiers.empty:
        return {}
    found = participation(ratings, dossiers, centre.opens_on)
    if others is None:
        return found
    return _told_apart(found, participation(others, dossiers, centre.opens_on))


def taking_part_by_channel(
    ratings: pd.DataFrame,
    dossiers: pd.DataFrame,
    centre: Centre,
    others: pd.DataFrame | None = None,
) -> dict[str, dict[str, Participation]]:
    """Participation by channel with ratings (in the order of CHANNELS) and department.

    ``ratings`` also have a column channel; ``others`` as in taking_part.
    """
    if dossiers.empty:
        return {}
    used = set(ratings["channel"].unique())
    channels = [channel for channel in CHANNELS if channel in used]
    found = participation_by("channel", channels, ratings, dossiers, centre.opens_on)
    if others is None:
        return found
    apart = participation_by("channel", channels, others, dossiers, centre.opens_on)
    return {one: _told_apart(own, apart.get(one, {})) for one, own in found.items()}


def _told_apart(
    found: Mapping[str, Participation], others: Mapping[str, Participation]
) -> dict[str, Participation]:
    return {
        key: replace(part, unflagged=others[key].n if key in others else 0)
        for key, part in found.items()
    }


def bounds(row: FigureRow, part: Participation | None, measure: str) -> NonresponseBounds | None:
    """The bounds of the share among all people; see statistics.nonresponse_bounds.

    Ratings and dossiers are those of days whose dossiers are known, the share that of the whole
    period. None without one of these and where there are more ratings than dossiers.
    """
    found = row.measures.get(measure)
    if part is None or found is None or found.share is None or not 0 < part.n <= part.dossiers:
        return None
    low, high = nonresponse_bounds(found.share * part.n, part.n, part.dossiers)
    return NonresponseBounds(float(low), float(high))


def place_name(centre: Centre, key: str) -> Words:
    """What a key of participation is called: a department, or the centre."""
    return centre.name if key == CENTRE else centre.department[key].name


def participation_figure(
    centre: Centre, key: str, part: Participation, channel: str | None = None
) -> Figure:
    """Ratings per dossier of a department or the centre, perhaps of one channel alone."""
    place = place_name(centre, key)
    figure = Figure(
        name=f"participation.{f'{channel}.' if channel else ''}{key}",
        title=joined(
            joined(place, CHANNELS[channel]) if channel else place, say("card.participation")
        ),
        value=part.share,
        unit="share",
        definition=say("how.participation"),
        k=part.n,
        n=part.dossiers,
        facts=((say("how.days"), integer(part.days)),),
    )
    if part.unflagged is None or part.unflagged == part.n:
        return figure
    other = replace(part, n=part.unflagged, unflagged=None)
    flagged = Flagged(part.n - part.unflagged, {}, None)
    beside = participation_figure(centre, key, other, channel)
    return flagged.beside(figure, beside, briefly=True)


def bounds_figure(
    centre: Centre, key: str, part: Participation, found: NonresponseBounds
) -> Figure:
    """The bounds of a department or the centre."""
    return Figure(
        name=f"bounds.{key}",
        title=joined(place_name(centre, key), say("coverage.bounds")),
        value=None,
        unit="share",
        definition=say("coverage.bounds_how"),
        k=part.n,
        n=part.dossiers,
        low=found.low,
        high=found.high,
        methods=("nonresponse",),
        text=between(percent(found.low), percent(found.high)),
    )


def dossiers_by_department(dossiers: pd.DataFrame, centre: Centre) -> Mapping[str, float]:
    """Dossiers settled by department, the weights of the standardised share."""
    own = dossiers[dossiers["department"].isin(list(centre.department))]
    sums = own.groupby("department")["dossiers"].sum()
    return {str(department): float(n) for department, n in sums.items()}
