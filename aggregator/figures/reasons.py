"""What visits gave as reasons, by the level that they gave: what is praised, what is blamed."""

import pandas as pd

from aggregator.figures.flagged import flagged_by
from aggregator.figures.rows import FigureRow, counts_by_key, set_measures, set_unflagged
from aggregator.statistics import level_counts, shares
from aggregator.storage.flags import Flagging
from aggregator.storage.reasons import ANY, Reasons
from aggregator.storage.store import Selection, Store
from aggregator.wording.messages import MESSAGES
from surveys.centre import Centre
from surveys.definition import Survey, Text
from surveys.messages import LANGUAGES


def reason_rows(
    store: Store, survey: Survey, centre: Centre, selection: Selection
) -> tuple[FigureRow, list[FigureRow]]:
    """The row of all visits that named a reason, and one a reason, the most named first.

    Their n are visits. ``survey`` asks reasons (Reasons.are_asked). Raises
    database.StorageError.
    """
    rows = _rows(store, survey, selection)
    flagged = flagged_by(store, survey, centre, selection, ("centre",)).get(("centre",))
    view = store.unflagged(Flagging(survey, centre))
    set_unflagged(rows, [flagged] * len(rows), lambda: _rows(view, survey, selection))
    return rows[0], sorted(rows[1:], key=lambda row: -row.n)


def _rows(store: Store, survey: Survey, selection: Selection) -> list[FigureRow]:
    layout = Reasons.of(survey)
    columns = store.sums(layout, selection, layout.items, layout.sums)
    items = zip(columns["question"], columns["code"], strict=True)
    keys = [_key(question, code) for question, code in items]
    counts = pd.DataFrame({"key": keys, "code": columns["level"], "n": columns["n"]})
    any_reason = {one: MESSAGES.get(one, "reasons_page.any") for one in LANGUAGES}
    labels: dict[str, Text] = {_key(*ANY): Text(**any_reason)}
    for id in layout.reasons:
        scale = survey.scale_of(survey.questions[id])
        labels |= {_key(id, level.code): level for level in (scale.levels if scale else ())}
    rating = survey.questions[layout.rating]
    scale = survey.scale_of(rating)
    levels = level_counts(counts, list(labels), scale.codes if scale else ())
    by_key = counts_by_key(levels)
    rows = [
        FigureRow(
            key=key,
            label=label,
            survey=survey,
            n=sum(by_key[key].values()),
            counts=by_key[key],
            question=rating,
            group="reason.",
        )
        for key, label in labels.items()
    ]
    set_measures(rows, shares(levels, survey.measures_of(rating)))
    return rows


def _key(question: str, code: int) -> str:
    return f"{question}.{code}"
