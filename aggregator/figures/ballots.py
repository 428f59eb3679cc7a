"""Figures of paper ballots: how many came back, and how often two people typed them otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aggregator.figures.figure import Figure
from aggregator.intake.ballots.keys import Field
from aggregator.intake.ballots.sample import OUTCOME, Pair, comparable, differing
from aggregator.statistics.shares import clopper_pearson
from aggregator.storage.tables import BallotBatch
from aggregator.wording.phrases import Words, integer, say

ANY = "any"  # stands for a ballot that differs anywhere


@dataclass(frozen=True)
class ErrorRow:
    """How often a field was typed otherwise the second time; ``wrong``: so often the first was,
    of those that were decided."""

    label: Words
    rate: Figure
    wrong: int


def returned_figure(batch: BallotBatch) -> Figure | None:
    """How many of the ballots that were handed out came back; None where that is not known."""
    if batch.returned is None or not batch.handed_out:
        return None
    return Figure(
        name="ballots.returned",
        title=say("ballots.returned_share"),
        value=batch.returned / batch.handed_out,
        unit="share",
        definition=say("ballots.returned_how"),
        k=batch.returned,
        n=batch.handed_out,
        facts=((say("ballots.printed"), integer(batch.printed)),),
        filtered=False,
    )


def error_rows(pairs: Sequence[Pair], fields: Sequence[Field]) -> list[ErrorRow]:
    """By field how often two entries of a drawn ballot differ, with exact intervals.

    The first row is of whole ballots, which are independent of each other as fields of one ballot
    are not. A field is compared where both entries are of a valid ballot.
    """
    names = {OUTCOME: say("ballots.outcome"), **{one.name: one.label for one in fields}}
    rows = [_row(ANY, say("ballots.any_field"), pairs, [one for one in pairs if one.differing])]
    for name, label in names.items():
        compared = [one for one in pairs if comparable(one, name)]
        rows.append(_row(name, label, compared, [p for p in compared if name in p.differing]))
    return rows


def _row(name: str, label: Words, compared: Sequence[Pair], other: Sequence[Pair]) -> ErrorRow:
    k, n = len(other), len(compared)
    [low], [high] = clopper_pearson(np.array([float(k)]), np.array([float(n)]))
    figure = Figure(
        name=f"ballots.error.{name}",
        title=label,
        value=k / n if n else None,
        unit="share",
        definition=say("ballots.error_how"),
        k=k,
        n=n,
        low=float(low) if n else None,
        high=float(high) if n else None,
        methods=("clopper_pearson",),
        filtered=False,
    )
    fields = None if name == ANY else [name]
    return ErrorRow(label, figure, sum(_first_was_wrong(one, fields) for one in other))


def _first_was_wrong(pair: Pair, fields: Sequence[str] | None) -> bool:
    """Whether a ballot was decided otherwise than it was typed first, in a field or anywhere."""
    found = differing(pair.first, pair.now, list(pair.differing))
    return pair.settled and any(fields is None or one in fields for one in found)
