"""Rows of figures as they may be published: small groups are withheld."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from aggregator.figures.ledger import minimum_of
from aggregator.figures.references import set_comparisons
from aggregator.figures.rows import FigureRow, RowKey
from aggregator.statistics.forms import POOL, FormSizes, withhold_form
from surveys.centre import Centre
from surveys.definition import Survey

Branch = tuple[FigureRow, Sequence[FigureRow]]


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
