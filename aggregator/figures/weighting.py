"""Pooled shares weighted (raked) to a known mix of channels or profiles."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import pandas as pd

from aggregator.figures.figure import Figure
from aggregator.figures.flagged import Flagged, flagged_by
from aggregator.figures.respondents import UNTOLD, respondent_cells
from aggregator.statistics import Raked, Unweightable, rake
from aggregator.storage.flags import Flagging
from aggregator.storage.store import Selection, Store
from aggregator.wording.channels import CHANNELS
from aggregator.wording.phrases import decimal, integer, joined, say, verbatim
from surveys.centre import Centre, Margin
from surveys.definition import Survey, Text


@dataclass(frozen=True)
class MarginLevel:
    """One level of a margin: its share of the ``population``, and its ``respondents``.

    ``everybody`` is the number of respondents whose level is known; ``weight`` is the mean
    weight of those of this level, None where there are none.
    """

    margin: Margin
    level: str
    label: Text
    population: float
    respondents: int
    everybody: int
    weight: float | None

    @property
    def population_figure(self) -> Figure:
        return Figure(
            name=self._name("population"),
            title=self.label,
            value=self.population,
            unit="share",
            definition=say("sipas_weighted.population_how"),
            facts=((say("how.population"), self.margin.population),),
            source=verbatim(self.margin.source),
            filtered=False,
        )

    @property
    def share_figure(self) -> Figure:
        return Figure(
            name=self._name("share"),
            title=self.label,
            value=self.respondents / self.everybody,
            unit="share",
            definition=say("sipas_weighted.share_how"),
            k=self.respondents,
            n=self.everybody,
        )

    @property
    def weight_figure(self) -> Figure:
        return Figure(
            name=self._name("weight"),
            title=self.label,
            value=self.weight,
            unit="score",
            definition=say("sipas_weighted.weight_how"),
            n=self.respondents,
            methods=("raked",),
        )

    def _name(self, what: str) -> str:
        return f"{self.margin.variable}.{self.level}.{what}"


@dataclass(frozen=True)
class Weighted:
    """The raked shares by measure, the levels of each margin, and how many respondents count.

    ``other`` is what they are without flagged forms, of which there are ``flagged``.
    """

    shares: Mapping[str, Raked]
    margins: Sequence[tuple[Margin, Sequence[MarginLevel]]]
    respondents: int
    flagged: Flagged | None = None
    other: "Weighted | None" = None

    @property
    def respondents_figure(self) -> Figure:
        """The respondents whose levels are all known: the others cannot be weighted."""
        return Figure(
            name="told",
            title=say("sipas_weighted.told"),
            value=self.respondents,
            unit="count",
            definition=say("sipas_weighted.told_how"),
        )

    def share(self, measure: str) -> Figure:
        found = self.shares[measure]
        figure = Figure(
            name=f"weighted.{measure}",
            title=joined(say("sipas_weighted.weighted"), say(f"measure.{measure}")),
            value=found.share,
            unit="share",
            definition=say("sipas_weighted.weighted_how"),
            n=found.n,
            low=found.low,
            high=found.high,
            methods=(found.method,),
            facts=(
                (say("sipas_weighted.n_effective"), decimal(found.n_effective)),
                (say("how.design_effect"), decimal(found.design_effect, 2)),
                (say("sipas_weighted.rounds"), integer(found.iterations)),
            ),
        )
        if self.flagged is None:
            return figure
        return self.flagged.beside(figure, self.other.share(measure) if self.other else None)


def margins_of(centre: Centre, survey: Survey, department: str | None = None) -> Sequence[Margin]:
    """The margins given for a survey whose questions pool: of the centre, or of a department."""
    given = [
        margin
        for margin in centre.margins
        if margin.survey == survey.id and margin.department == department
    ]
    return given if survey.pooled_measures else []


def weighted(
    store: Store, survey: Survey, centre: Centre, selection: Selection, margins: Sequence[Margin]
) -> Weighted:
    """The selection's pooled shares, raked to the margins.

    Respondents who skipped one of the questions are left out. Raises statistics.Unweightable
    and database.StorageError.
    """
    found = _weighted(store, survey, selection, margins)
    flagged = flagged_by(store, survey, centre, selection, ("centre",)).get(("centre",))
    if flagged is None:
        return found
    other = None
    with suppress(Unweightable):  # nobody of some level is left
        other = _weighted(store.unflagged(Flagging(survey, centre)), survey, selection, margins)
    return replace(found, flagged=flagged, other=other)


def _weighted(
    store: Store, survey: Survey, selection: Selection, margins: Sequence[Margin]
) -> Weighted:
    names = [margin.variable for margin in margins]
    cells = respondent_cells(store, survey, selection, names)
    cells = cells[(cells[names] != UNTOLD).all(axis=1)]
    targets = {margin.variable: margin.shares for margin in margins}
    shares = {
        measure: rake(cells[cells["measure"] == measure], targets)
        for measure in survey.pooled_measures
    }
    weights = next(iter(shares.values())).weights  # the same for every measure
    return Weighted(
        shares,
        [(margin, _levels(survey, margin, weights)) for margin in margins],
        int(weights["respondents"].sum()),
    )


def level_label(survey: Survey, variable: str, level: str) -> Text:
    """The label of a channel, or of a level of a profile question."""
    if variable == "channel":
        return CHANNELS[level]
    scale = survey.scale_of(survey.questions[variable])
    levels = {str(one.code): one for one in scale.levels} if scale else {}
    return levels[level] if level in levels else Text(vi=level, en=level)


def _levels(survey: Survey, margin: Margin, weights: pd.DataFrame) -> list[MarginLevel]:
    """The levels of a margin; each respondent counts once, however many answers they gave."""
    people = weights["respondents"]
    total = sum(margin.shares.values())
    rows = []
    for level, share in margin.shares.items():
        here = weights[margin.variable] == level
        number = int(people[here].sum())
        rows.append(
            MarginLevel(
                margin=margin,
                level=level,
                label=level_label(survey, margin.variable, level),
                population=share / total,
                respondents=number,
                everybody=int(people.sum()),
                weight=float((people * weights["weight"])[here].sum() / number) if number else None,
            )
        )
    return rows
