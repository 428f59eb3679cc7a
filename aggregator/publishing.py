"""Rows of figures as they may leave the manager's room: small groups withheld."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

from aggregator.figures import FigureRow
from aggregator.statistics.suppression import Sum, withhold, withhold_parts

Branch = tuple[FigureRow, Sequence[FigureRow]]


def published_rows(
    total: FigureRow, rows: Sequence[FigureRow], minimum: int
) -> tuple[FigureRow, list[FigureRow]]:
    """A total and the rows that share its people out, each person in one row or in none.

    Raises ValueError where the rows have more people than the total.
    """
    whole, branches = published_tree(total, [(row, ()) for row in rows], minimum)
    return whole, [row for row, _ in branches]


def published_tree(
    total: FigureRow, branches: Sequence[Branch], minimum: int
) -> tuple[FigureRow, list[tuple[FigureRow, list[FigureRow]]]]:
    """A total, its rows, and the rows of each of them: the centre, its departments, counters.

    People of no row (an answer without a department) can be had by subtraction, so they are
    guarded like a row. A document that shows several levels takes them from one call.
    Raises ValueError where rows have more people than what they are part of.
    """
    sizes: dict[Hashable, int] = {(): total.n}
    sums: list[Sum] = []
    for row, leaves in branches:
        sizes[row.key,] = row.n
        sizes |= {(row.key, leaf.key): leaf.n for leaf in leaves}
        if leaves:
            sums.append(Sum((row.key,), tuple((row.key, leaf.key) for leaf in leaves)))
    sums.append(Sum((), tuple((row.key,) for row, _ in branches)))
    unprinted: dict[Hashable, int] = {}
    for number, each in enumerate(sums):
        rest = sizes[each.total] - sum(sizes[part] for part in each.parts)
        unprinted["rest of", each.total] = rest
        sums[number] = Sum(each.total, (*each.parts, ("rest of", each.total)))
    if min(unprinted.values()) < 0:
        raise ValueError("rows have more people than what they are part of")
    withheld = withhold(sizes | unprinted, sums, minimum, unprinted)
    return shown(total, () in withheld), [
        (
            shown(row, (row.key,) in withheld),
            [shown(leaf, (row.key, leaf.key) in withheld) for leaf in leaves],
        )
        for row, leaves in branches
    ]


def published_form(
    total: FigureRow, factors: Sequence[Branch], minimum: int
) -> tuple[FigureRow, list[tuple[FigureRow, list[FigureRow]]]]:
    """A pool, its factors and their questions, answered by the same people."""
    small = 0 < total.n < minimum
    hidden = withhold_parts({factor.key: factor.n for factor, _ in factors}, minimum)
    branches = []
    for factor, questions in factors:
        whole = small or factor.key in hidden
        parts = withhold_parts({question.key: question.n for question in questions}, minimum)
        rows = [shown(question, whole or question.key in parts) for question in questions]
        branches.append((shown(factor, whole), rows))
    return shown(total, small), branches


def shown(row: FigureRow, withheld: bool) -> FigureRow:
    """The row, or one without figures where it is withheld and not empty."""
    if not withheld or row.n == 0:
        return row
    return replace(row, n=0, counts={}, measures={}, comparisons=[], withheld=True)
