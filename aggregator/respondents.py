"""What respondents of each kind said, read from the answers: tallies do not cross a profile."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from aggregator.figures import Unanswerable
from aggregator.rollups import SUMS
from aggregator.store import Selection, Store
from aggregator.submissions import Filters, read_submissions
from surveys.definition import Survey

UNTOLD = ""  # the level of who did not say


def respondent_cells(
    store: Store, survey: Survey, selection: Selection, variables: Sequence[str]
) -> pd.DataFrame:
    """Sums over respondents by variables and measure, as statistics.rake takes them.

    A variable is ``channel`` or a question of the profile. Columns: one a variable, its level
    as text, UNTOLD where it was skipped; measure; SUMS (int). By channel alone they come from
    tallies, otherwise from every answer of the selection, in constant memory. Raises
    figures.Unanswerable for a variable of another kind and for questions that do not pool, and
    database.StorageError.
    """
    unknown = set(variables) - {"channel"} - {question.id for question in survey.profile}
    if unknown:
        raise Unanswerable("variable", "unknown_question")
    asked, measures = _asked(survey, selection)
    if [*variables] == ["channel"] and asked == survey.measured_ids and survey.pooled_measures:
        return store.pooled(selection, ("channel",))
    sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * len(SUMS))
    for cell, codes, times in _given(store, survey, selection, variables, asked):
        m = len(codes)
        for measure, favourable in measures.items():
            k = sum(code in favourable for code in codes)
            into = sums[*cell, measure]
            for place, value in enumerate((1, k, m, k * k, k * m, m * m)):
                into[place] += value * times
    rows = [(*key, *values) for key, values in sums.items()]
    return pd.DataFrame(rows, columns=[*variables, "measure", *SUMS])


def _asked(
    survey: Survey, selection: Selection
) -> tuple[frozenset[str], Mapping[str, Collection[int]]]:
    """The questions whose answers count, and the favourable codes of each measure."""
    if selection.questions is None and survey.pooled_measures:
        return survey.measured_ids, survey.pooled_measures
    questions = selection.questions or tuple(survey.measured_ids)
    if len(questions) != 1:
        raise Unanswerable("question", "does_not_pool")
    return frozenset(questions), survey.measures_of(survey.questions[questions[0]])


def _given(
    store: Store,
    survey: Survey,
    selection: Selection,
    variables: Sequence[str],
    asked: frozenset[str],
) -> Iterator[tuple[tuple[str, ...], Sequence[int], int]]:
    """Levels of the variables, the codes given to what was asked, by how many respondents."""
    if [*variables] == ["channel"]:
        counts = store.counts(replace(selection, questions=tuple(asked)), ("channel",))
        columns = (counts[name].tolist() for name in ("channel", "code", "n"))
        for channel, code, n in zip(*columns, strict=True):
            yield (channel,), (code,), n
        return
    filters = Filters(
        selection.since, selection.until, survey.id, selection.channel, selection.department
    )
    for row in read_submissions(store.database, filters):
        codes = [code for question, code in row.answers.items() if question in asked]
        if codes:
            told = {"channel": row.channel, **row.answers}
            yield tuple(str(told.get(name, UNTOLD)) for name in variables), codes, 1
