"""Rows of figures as they may be published: small groups are withheld."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

from aggregator.figures.figures import figure_rows
from aggregator.figures.ledger import minimum_of
from aggregator.figures.references import set_comparisons
from aggregator.figures.rows import FigureRow, RowKey
from aggregator.statistics import Method
from aggregator.statistics.forms import POOL, FormSizes, withhold_form
from aggregator.statistics.suppression import Sum, withhold
from aggregator.storage.store import Selection, Store
from surveys.centre import Centre
from surveys.definition import Survey

Branch = tuple[FigureRow, Sequence[FigureRow]]


def publishable_rows(
    store: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    by: RowKey,
    method: Method = "wilson",
) -> list[FigureRow]:
    """The rows of figure_rows as they may be published.

    The tables by centre, department and counter of one selection may be published together, and
    so may those by factor and question. Other tables that overlap, such as those of a week and
    of its days, are not guarded against each other. Raises what figure_rows raises.
    """

    def rows(by: RowKey) -> list[FigureRow]:
        return figure_rows(store, survey, centre, selection, by, method)

    if by in ("question", "factor"):
        wanted = {row.key for row in rows(by)}
        selection = replace(selection, questions=None)  # the others of the form matter too
        found = published_parts(survey, rows, by, centre)
        return [row for row in found if row.key in wanted]
    [total] = rows("centre")
    minimum = _minimum(total, survey, centre)
    if by not in ("centre", "department", "counter"):  # channels and parts of time
        return compared_alone(published_rows(total, rows(by), minimum)[1], survey, centre)
    counters = rows("counter")
    branches = [
        (row, [one for one in counters if one.department == row.key]) for row in rows("department")
    ]
    whole, departments = published_tree(total, branches, minimum)
    if by == "centre":
        return [whole]
    leaves = [counter for _, own in departments for counter in own]
    return compared_alone(
        leaves if by == "counter" else [row for row, _ in departments], survey, centre
    )


def compared_alone(
    rows: Sequence[FigureRow], survey: Survey, centre: Centre, *, closed: bool = False
) -> list[FigureRow]:
    """The rows, with p-values adjusted only among those that are shown.

    If withheld rows took part, their p-values could be found from the others', and from these
    their figures.
    """
    alone = [
        replace(
            row,
            comparisons=[],
            measures={name: own.not_widened() for name, own in row.measures.items()},
        )
        for row in rows
    ]
    if any(row.comparisons for row in rows):
        set_comparisons(alone, survey, centre, closed=closed)
    return alone


def _minimum(row: FigureRow, survey: Survey, centre: Centre) -> int:
    return minimum_of(survey, row.question.id if row.question else "", centre)


def published_parts(
    survey: Survey, rows: Callable[[RowKey], list[FigureRow]], by: RowKey, centre: Centre
) -> list[FigureRow]:
    """The questions or factors of a form as published, by their rows, centre and parts."""
    asked = {row.key: row for row in rows("question")}
    if not survey.pooled_measures:
        return [shown(row, row.n < _minimum(row, survey, centre)) for row in asked.values()]
    factors = {row.key: row for row in rows("factor")}
    branches = [
        (factors[factor.id], [asked[q.id] for q in factor.questions if q.id in asked])
        for factor in survey.factors
        if factor.id in factors
    ]
    [total] = rows("centre")
    _, found = published_form(total, branches, centre.minimum_cell)
    if by == "factor":
        return [factor for factor, _ in found]
    return [question for _, questions in found for question in questions]


def published_rows(
    total: FigureRow, rows: Sequence[FigureRow], minimum: int
) -> tuple[FigureRow, list[FigureRow]]:
    """A total and its rows as published; each person of the total is in at most one row.

    Raises ValueError where the rows have more people than the total.
    """
    whole, branches = published_tree(total, [(row, ()) for row in rows], minimum)
    return whole, [row for row, _ in branches]


def published_tree(
    total: FigureRow, branches: Sequence[Branch], minimum: int
) -> tuple[FigureRow, list[tuple[FigureRow, list[FigureRow]]]]:
    """A total, its rows and the rows of each of them as published: centre, departments, counters.

    People in no row (whose answers have no department) can be found by subtraction, so they are
    guarded like a row. A document that shows several of these tables must take them from one
    call. Raises ValueError where rows have more people than what they are part of.
    """
    rows: dict[Hashable, FigureRow] = {(): total}
    sums: list[Sum] = []
    for row, leaves in branches:
        rows[row.key,] = row
        rows |= {(row.key, leaf.key): leaf for leaf in leaves}
        if leaves:
            sums.append(Sum((row.key,), tuple((row.key, leaf.key) for leaf in leaves)))
    sums.append(Sum((), tuple((row.key,) for row, _ in branches)))
    sizes = {key: row.n for key, row in rows.items()}
    levels = {key: found for key, row in rows.items() if (found := levels_of(row))}
    rests: set[Hashable] = set()
    for number, each in enumerate(sums):
        rest = ("rest of", each.total)
        sizes[rest] = sizes[each.total] - sum(sizes[part] for part in each.parts)
        if sizes[rest] < 0:
            raise ValueError("rows have more people than what they are part of")
        if sizes[rest]:  # an empty rest is known to be empty
            rests.add(rest)
        if all(key in levels for key in (each.total, *each.parts)):
            levels[rest] = less(levels[each.total], [levels[part] for part in each.parts])
        sums[number] = Sum(each.total, (*each.parts, rest))
    withheld = withhold(sizes, sums, minimum, rests, levels=levels, questions=questions_of(total))
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
    """A pool, its factors and their questions, which the same people answer, as published."""
    form = FormSizes(
        total.n,
        {factor.key: factor.n for factor, _ in factors},
        {factor.key: {each.key: each.n for each in questions} for factor, questions in factors},
        {
            POOL: tuple(total.counts.values()),
            **{(factor.key,): tuple(factor.counts.values()) for factor, _ in factors},
            **{
                (factor.key, each.key): tuple(each.counts.values())
                for factor, questions in factors
                for each in questions
            },
        },
    )
    hidden = withhold_form(form, minimum)
    return shown(total, POOL in hidden), [
        (
            shown(factor, (factor.key,) in hidden),
            [shown(each, (factor.key, each.key) in hidden) for each in questions],
        )
        for factor, questions in factors
    ]


def levels_of(row: FigureRow) -> tuple[int, ...]:
    """The answers of a row by level, in the order of its scale; () without a scale."""
    counts = tuple(row.counts.values())
    scale = row.survey.scale_of(row.question or row.survey.measured[0])
    return counts if scale is not None and tuple(row.counts) == scale.codes else ()


def questions_of(row: FigureRow) -> int:
    """How many answers each of the row's people may have given."""
    return len(row.survey.measured) if row.question is None else 1


def less(total: Sequence[int], parts: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """The answers of a total, by level, that are in none of its parts."""
    return tuple(n - sum(of_parts) for n, *of_parts in zip(total, *parts, strict=True))


def shown(row: FigureRow, withheld: bool) -> FigureRow:
    """The row, or where it is withheld and not empty one without figures, marked as such."""
    if not withheld or row.n == 0:
        return row
    return replace(
        row,
        n=0,
        counts={},
        measures={},
        comparisons=[],
        days={},
        flagged=None,
        unflagged=None,
        withheld=True,
    )
