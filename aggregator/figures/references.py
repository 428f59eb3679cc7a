"""Which published figures a figure may be compared with, and these comparisons."""

from collections.abc import Sequence

import pandas as pd

from aggregator.figures.figure import Figure
from aggregator.figures.rows import (
    Comparison,
    FigureRow,
    RowKey,
    day_shares,
    measure_columns,
    records,
    tested,
)
from aggregator.statistics import PublishedShare, compare
from aggregator.statistics.comparison import daily_columns
from aggregator.statistics.shares import Columns
from aggregator.storage.store import Selection
from aggregator.wording.phrases import (
    Words,
    days,
    integer,
    joined,
    percent,
    question_published,
    say,
    verbatim,
)
from surveys.centre import Centre, Reference
from surveys.definition import Question, Survey


def set_comparisons(
    rows: Sequence[FigureRow], survey: Survey, centre: Centre, *, closed: bool
) -> None:
    """Set each row's comparisons with the references of the same survey and measure.

    A period that is ``closed``, and looked at once, has a fixed test; any other one that may be
    looked at on any day. Intervals are widened to references that a row cannot be told apart
    from, so that no interval contradicts a verdict. Rows that are withheld are not compared, and
    tell nothing but their number.
    """
    for reference in centre.references:
        family = [row for row in rows if reference.department in (None, row.key)]
        compared_with = [row for row in family if not row.withheld]
        if not compared_with or why_not_comparable(survey, reference, reference.department):
            continue
        measure, pooled = reference.measure, bool(survey.pooled_measures)
        figures = measure_columns(compared_with, measure, pooled=pooled)
        published = PublishedShare(reference.value, reference.n)
        if closed:
            compared: Columns = compare(pd.DataFrame(figures), published, centre.minimum_ratings)
        else:
            days = day_shares(compared_with, measure)
            compared = daily_columns(figures, days, published, len(family))
        for row, found in zip(compared_with, records(compared), strict=True):
            row.comparisons.append(
                Comparison(reference=reference, measure=measure, **tested(found))
            )
            if found["verdict"] == "indistinct":
                own = row.measures[measure]
                row.measures = {**row.measures, measure: own.reaching(reference.value)}


def why_not_comparable(
    survey: Survey, reference: Reference, department: str | None = None
) -> str | None:
    """The message key of why a survey's figures cannot be compared with a reference, or None.

    Both must have the same survey and measure: the share of "very satisfied" taps at a counter
    and that of "satisfied or better" pooled over 22 criteria are different quantities. A figure
    of one department is compared with that ``department`` alone, and with all of it.
    """
    if reference.survey != survey.id:
        return "other_instrument"
    if not survey.measured or reference.measure not in survey.measures_of(survey.measured[0]):
        return "other_measure"
    if reference.department not in (None, department):
        return "other_department"
    return "part_of_department" if reference.is_of_a_part else None


def why_no_index(survey: Survey, selection: Selection, by: RowKey) -> str | None:
    """The message key of why rows cannot be compared with references at all, or None.

    References are about a whole survey: its only measured question, or the pool of all. One
    question of several, or one factor, is another quantity.
    """
    whole = selection.questions is None and bool(survey.pooled_measures)
    alone = len(survey.measured) == 1 and selection.questions in (None, (survey.measured[0].id,))
    return None if by not in ("question", "factor") and (whole or alone) else "part_of_survey"


def reference_figure(reference: Reference) -> Figure:
    """A published share in percent, with two decimals as printed, or one where n is known."""
    return Figure(
        name=f"reference.{reference.id}",
        title=reference.label,
        value=reference.value,
        unit="share",
        definition=say("how.published_share", measure=say(f"measure.{reference.measure}")),
        k=reference.k,
        n=reference.n,
        facts=(
            (say("how.their_mode"), reference.mode),
            (say("how.population"), reference.population),
            (say("how.scale"), reference.scale),
            (say("how.period"), days(reference.period_from, reference.period_to)),
        ),
        source=verbatim(reference.source),
        text=percent(reference.value, 1 if reference.n else 2),
        filtered=False,
        beside=took_part(reference),
    )


def took_part(reference: Reference) -> Words | None:
    """How few of those concerned a published figure speaks for; None where that is not known."""
    if reference.n is None or not (reference.dossiers or reference.visits):
        return None
    known = [
        say(f"how.of_{name}", share=percent(reference.n / count, digits), n=integer(count))
        for name, count, digits in (
            ("dossiers", reference.dossiers, 1),
            ("visits", reference.visits, 0),  # which are counted roughly
        )
        if count
    ]
    return say("how.took_part", parts=joined(*known, by=", "))


def question_figure(question: Question) -> Figure | None:
    """The published figure of a single question, or None."""
    if (published := question.published) is None:
        return None
    written = question_published(question)
    return Figure(
        name=f"published.{question.id}",
        title=question.text,
        value=None,
        unit="score",
        definition=say("how.published_question", value=written, year=published.year),
        facts=((say("how.note"), published.note),) if published.note else (),
        source=verbatim(published.source),
        text=written,
    )
