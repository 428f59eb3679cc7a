"""Departments ranked by shrunk shares, and the centre's share standardised by dossiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from aggregator.figures.figure import Figure
from aggregator.figures.rows import FigureRow, records
from aggregator.statistics import Standardised, direct_standardised, shrunk_ranking
from aggregator.wording.phrases import between, integer, joined, percent, say

FEWEST = 3  # departments to rank: from two it cannot be estimated how departments differ


@dataclass(frozen=True)
class RankedShare:
    """A department's place among those with answers; see statistics.shrunk_ranking."""

    row: FigureRow
    measure: str
    n: float
    k: float
    rank: int
    rank_low: int
    rank_high: int
    shrunk: float
    low: float
    high: float
    other: "RankedShare | None" = None  # without flagged submissions

    def _beside(self, figure: Figure, other: Figure | None) -> Figure:
        if self.row.flagged is None:
            return figure
        return self.row.flagged.beside(figure, other, briefly=True)

    @property
    def shrunk_figure(self) -> Figure:
        raw = self.row.measures[self.measure]
        figure = Figure(
            name=f"{self.row.key}.shrunk",
            title=joined(self.row.label, say("comparison.shrunk")),
            value=self.shrunk,
            unit="share",
            definition=say("comparison.shrunk_how"),
            k=raw.k,
            n=raw.n,
            low=self.low,
            high=self.high,
            methods=("shrunk",),
            facts=((say("comparison.raw"), percent(raw.share)),),
        )
        return self._beside(figure, self.other.shrunk_figure if self.other else None)

    @property
    def rank_figure(self) -> Figure:
        raw = self.row.measures[self.measure]
        ranks = between(integer(self.rank_low), integer(self.rank_high))
        figure = Figure(
            name=f"{self.row.key}.rank",
            title=joined(self.row.label, say("comparison.rank")),
            value=self.rank,
            unit="count",
            definition=say("comparison.rank_how"),
            k=raw.k,
            n=raw.n,
            methods=("shrunk",),
            facts=((say("comparison.rank_interval"), ranks),),
        )
        return self._beside(figure, self.other.rank_figure if self.other else None)


def ranking(rows: Sequence[FigureRow], measure: str) -> list[RankedShare]:
    """Rows with answers, the highest shrunk share first; empty if fewer than FEWEST."""
    by_key = {row.key: row for row in rows if row.n}
    if len(by_key) < FEWEST:
        return []
    ranked = shrunk_ranking(effective(list(by_key.values()), measure))
    others: Sequence[RankedShare] = ()
    if any(row.unflagged for row in by_key.values()):
        others = ranking(without_flagged(list(by_key.values())), measure)
    without = {one.row.key: one for one in others}
    return [
        RankedShare(
            row=by_key[one["key"]],
            measure=measure,
            n=float(one["n"]),
            k=float(one["k"]),
            rank=int(one["rank"]),
            rank_low=int(one["rank_low"]),
            rank_high=int(one["rank_high"]),
            shrunk=float(one["shrunk"]),
            low=float(one["low"]),
            high=float(one["high"]),
            other=without.get(one["key"]),
        )
        for one in records(ranked)
    ]


def standardised(
    rows: Sequence[FigureRow], measure: str, weights: Mapping[str, float]
) -> Standardised | None:
    """The centre's share with departments weighted by ``weights``, such as dossiers settled.

    Weights are relative. None where no department has both answers and weight.
    """
    rated = [row for row in rows if row.n]
    if not any(weights.get(row.key) for row in rated):
        return None
    return direct_standardised(effective(rated, measure), weights)


def without_flagged(rows: Sequence[FigureRow]) -> list[FigureRow]:
    """The rows without their flagged submissions."""
    return [row.unflagged or row for row in rows]


def standardised_figure(
    found: Standardised, whole: FigureRow, measure: str, other: Standardised | None = None
) -> Figure:
    """The standardised share of the centre, whose plain share is in ``whole``.

    ``other`` is that without flagged submissions.
    """
    raw = whole.measures[measure]
    figure = Figure(
        name="standardised",
        title=say("comparison.standardised"),
        value=found.share,
        unit="share",
        definition=say("comparison.standardised_how"),
        k=raw.k,
        n=raw.n,
        low=found.low,
        high=found.high,
        methods=(found.method,),
        facts=((say("comparison.covered"), percent(found.covered)),),
    )
    return whole.beside(
        figure, lambda row: standardised_figure(other, row, measure) if other else None
    )


def effective(rows: Sequence[FigureRow], measure: str) -> pd.DataFrame:
    """Columns key, k, n by department; for pooled shares n is the effective n, k share × n."""
    found = [(row, row.measures[measure]) for row in rows]
    numbers = [
        (row.key, own.k, own.n)
        if row.question is not None
        else (row.key, (own.share or 0) * own.n_effective, own.n_effective)
        for row, own in found
    ]
    return pd.DataFrame(numbers, columns=["key", "k", "n"])
