"""Rows of a form, for a report for publication, as the ledger of all that was published allows."""

from dataclasses import replace

from aggregator.documents.reports.occasion import Occasion
from aggregator.figures.asked import under_ledger
from aggregator.figures.rows import FigureRow, RowKey
from surveys.definition import Survey


def form_rows(
    on: Occasion, survey: Survey, by: RowKey, questions: tuple[str, ...] | None = None
) -> list[FigureRow]:
    """The centre's row, those of factors or of ``questions``; empty ones are withheld like small.

    No rows where not all of the period is frozen. Raises database.StorageError.
    """
    publisher = on.publisher
    if publisher is None or survey.id not in publisher.forms:
        return []
    days = replace(publisher.forms[survey.id], questions=questions)
    return under_ledger(
        on.store, survey, on.centre, days, by, publisher.heirs, on.now, publisher.actor,
        closed=on.closed,
    )  # fmt: skip
