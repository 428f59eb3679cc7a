"""From a selection to the rows of figures that the JSON API and the pages both show."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, TypeGuard, get_args

import numpy as np
import pandas as pd

from aggregator.figures.days import Days, answers_by_day, days_of, days_of_questions
from aggregator.figures.flagged import flagged_by
from aggregator.figures.references import set_comparisons, why_no_index
from aggregator.figures.rows import (
    FigureRow,
    Measure,
    PartOfTime,
    RowKey,
    counts_by_key,
    set_measures,
    set_unflagged,
)
from aggregator.organisation.seen import Stand, counters_shown, departments_shown
from aggregator.statistics import Method, level_counts, pooled_shares, shares
from aggregator.statistics.shares import share_columns
from aggregator.storage.blocks import Totals
from aggregator.storage.flags import Flagging
from aggregator.storage.store import By, Selection, Store
from aggregator.wording import numbers
from aggregator.wording.channels import CHANNELS
from aggregator.wording.messages import MESSAGES
from aggregator.wording.periods import Period, period_of
from surveys.centre import Centre, Department
from surveys.definition import Question, Survey, Text
from surveys.messages import FieldError, Language


class Unanswerable(FieldError):
    """A figure that cannot be made; ``field`` is the parameter to change."""

    section = "api."


def figure_rows(
    store: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    by: RowKey,
    method: Method = "wilson",
    *,
    closed: bool = False,
    known: FigureRow | None = None,
) -> list[FigureRow]:
    """The rows of a selection, one for each key of ``by``; parts of time are keyed Period.code.

    Where the selection names no question, a survey's only measured question is taken, or else
    the pool of all. If the questions do not pool, a question must be named. ``method`` is that
    of the intervals of shares; pooled shares have their own. All intervals allow for days.
    ``closed`` as in set_comparisons. ``known`` is the whole's row of its one question: by
    question it is not made again, and has its intervals as compared. Raises Unanswerable and
    database.StorageError.
    """
    rows = _of_all(store, survey, centre, selection, by, method, closed, known)
    if not store.is_unflagged:
        other = known.unflagged if known else None
        _set_unflagged(rows, store, survey, centre, selection, by, method, closed, other)
    return rows


def _of_all(
    store: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    by: RowKey,
    method: Method,
    closed: bool,
    known: FigureRow | None = None,
) -> list[FigureRow]:
    """The rows of all submissions that the store reads."""
    if by == "question":
        return _by_question(store, survey, selection, method, known)
    questions = _questions(survey, selection)
    if questions is None or by == "factor":
        if not survey.pooled_measures or selection.questions is not None:
            raise Unanswerable("by" if by == "factor" else "question", "does_not_pool")
        if method != "wilson":
            raise Unanswerable("method", "pool_has_its_own")
        return _pooled(store, survey, centre, selection, by, closed)
    days = days_of(store, survey, _asking(selection, questions), by, centre)
    labels = _labels(survey, centre, selection, by, days.counts)
    counts = {_key(given, by, centre): counted for given, counted in days.counts.items()}
    asked = dict.fromkeys(labels, survey.questions[questions[0]])
    rows = _rows(survey, asked, counts, labels, method, days)
    _set_departments(rows, by, centre)
    if why_no_index(survey, selection, by) is None:
        set_comparisons(rows, survey, centre, closed=closed)
    return rows


def _set_unflagged(
    rows: Sequence[FigureRow],
    store: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    by: RowKey,
    method: Method,
    closed: bool,
    known: FigureRow | None,
) -> None:
    """Give rows that have flagged submissions the row without them, and what flagged them.

    ``known`` is the whole's row without flagged submissions, as in figure_rows.
    """
    whole = by in ("question", "factor", "centre")
    parts = ("centre",) if whole else ("counter", "department") if by == "counter" else (by,)
    found = flagged_by(store, survey, centre, selection, parts)
    if not found:
        return

    by_key = {
        _key(Stand(*key) if by == "counter" else key[0], by, centre): flagged
        for key, flagged in found.items()
    }
    set_unflagged(
        rows,
        [by_key.get("centre" if whole else row.key) for row in rows],
        lambda: _of_all(
            store.unflagged(Flagging(survey, centre)),
            *(survey, centre, selection, by, method, closed, known),
        ),
    )


def _by_place(
    read: Callable[[Selection, By], pd.DataFrame], selection: Selection, by: RowKey, centre: Centre
) -> tuple[pd.DataFrame, Collection[Any]]:
    """A table of the store by the keys of rows, and the places or first days that these are of.

    Counters are read by counter and department, since counters move.
    """
    found = read(selection, ("counter", "department") if by == "counter" else (by,))
    given = (
        [Stand(*one) for one in zip(found["counter"], found["department"], strict=True)]
        if by == "counter"
        else found[by].tolist()
    )
    keys = [_key(one, by, centre) for one in given]
    return found.assign(key=pd.Series(keys, index=found.index, dtype=object)), set(given)


def _set_departments(rows: Iterable[FigureRow], by: RowKey, centre: Centre) -> None:
    if by == "counter":
        for row in rows:
            _, _, elsewhere = row.key.partition("@")
            row.department = elsewhere or centre.department_of[row.key]


def _questions(survey: Survey, selection: Selection) -> tuple[str, ...] | None:
    """The one question asked for, or the survey's only measured one; None for the pool."""
    if selection.questions is not None:
        for question in selection.questions:
            if question not in survey.questions:
                raise Unanswerable("question", "unknown_question")
        return selection.questions
    return (survey.measured[0].id,) if len(survey.measured) == 1 else None


def _asking(selection: Selection, questions: Iterable[str]) -> Selection:
    return replace(selection, questions=tuple(questions))


def _rows(
    survey: Survey,
    questions: Mapping[Any, Question],
    counts: Mapping[Any, Mapping[int, int]],
    labels: Mapping[Any, Text],
    method: Method,
    days: Days | None = None,
    group: str = "",
) -> list[FigureRow]:
    """A row for each key of ``labels``, of its question; all questions have one scale.

    ``counts`` are answers by key and code. Intervals allow for ``days``, where they are given.
    """
    if not questions:
        return []
    question = next(iter(questions.values()))
    scale = survey.scale_of(question)
    codes = scale.codes if scale else sorted({code for own in counts.values() for code in own})
    by_key = {key: {code: counts.get(key, {}).get(code, 0) for code in codes} for key in labels}
    rows = [
        FigureRow(
            key=str(key),
            label=labels[key],
            survey=survey,
            n=sum(by_key[key].values()),
            counts=by_key[key],
            question=questions[key],
            group=group,
        )
        for key in labels
    ]
    if measures := survey.measures_of(question):
        levels = np.array([list(own.values()) for own in by_key.values()], dtype=np.int64)
        found = share_columns(
            levels.reshape(len(labels), len(codes)), list(labels), codes, measures, method
        )
        set_measures(rows, days.allowed_for(found, method) if days else found)
        if days:
            days.set_on(rows)
    return rows


def _by_question(
    store: Store,
    survey: Survey,
    selection: Selection,
    method: Method,
    known: FigureRow | None,
) -> list[FigureRow]:
    named = _questions(survey, selection) if selection.questions else None
    questions = [
        question
        for factor in survey.factors
        for question in factor.questions
        if named is None or question.id in named
    ]
    asked = _asking(selection, [question.id for question in questions])
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    table = store.counts(asked, "question")
    for key, code, n in zip(*(table[name].tolist() for name in ("key", "code", "n")), strict=True):
        counts[key][code] = n

    @cache
    def by_day() -> Totals:
        return answers_by_day(store, asked, {question.id for question in questions})

    rows: dict[str, FigureRow] = {}
    for alike in _by_scale(questions):
        if known is not None and alike == [known.question]:
            [asked_alone] = alike
            rows[asked_alone.id] = FigureRow(
                key=asked_alone.id,
                label=asked_alone.text,
                survey=survey,
                n=known.n,
                counts=known.counts,
                measures=known.measures,
                question=asked_alone,
                group="question.",
                days=known.days,
            )
            continue
        labels = {question.id: question.text for question in alike}
        given = {id: counts[id] for id in labels if id in counts}
        by_id = {question.id: question for question in alike}
        measures = survey.measures_of(alike[0])
        days = days_of_questions(by_day(), list(labels), measures) if measures else None
        found = _rows(survey, by_id, given, labels, method, days, group="question.")
        if alike[0].kind == "number":
            found = [_allowing_for_days(row, by_day()) for row in found]
        rows |= {row.key: row for row in found}
    return [rows[question.id] for question in questions]


def _allowing_for_days(row: FigureRow, answers: Totals) -> FigureRow:
    """A question for a number, with how many independent answers would tell its median as well.

    Counted are the days' answers up to the median (Woodruff, JASA 47 (1952) 635-646).
    """
    if (median := row.median) is None:
        return row
    lower = {"up_to_median": [value for value in row.counts if value <= median]}
    levels = pd.DataFrame([row.counts], index=[row.key])
    days = days_of_questions(answers, [row.key], lower)
    [n] = days.allowed_for(shares(levels, lower), "wilson")["n_effective"]
    return replace(row, n_effective=float(n))


def _by_scale(questions: Iterable[Question]) -> list[list[Question]]:
    """Questions grouped by scale and kind; a question without a scale is a group of its own."""
    alike: dict[object, list[Question]] = defaultdict(list)
    for question in questions:
        alike[(question.scale, question.kind) if question.scale else question.id].append(question)
    return list(alike.values())


def _pooled(
    store: Store, survey: Survey, centre: Centre, selection: Selection, by: RowKey, closed: bool
) -> list[FigureRow]:
    sums, given = _by_place(store.pooled, selection, by, centre)
    labels = _labels(survey, centre, selection, by, given)
    days = days_of(store, survey, selection, by, centre)
    figures = days.allowed_for(pooled_shares(sums, list(labels)), "wilson")
    respondents: dict[Any, int] = dict(zip(figures["key"], figures["respondents"], strict=True))
    codes = survey.scales[survey.measured[0].scale or ""].codes
    if by == "factor":
        per_question = store.counts(selection, "question")
        factor_of = {q.id: factor.id for factor in survey.factors for q in factor.questions}
        counts = per_question.assign(key=per_question["key"].map(factor_of)).dropna()
    else:
        asked = _asking(selection, [q.id for q in survey.measured])
        counts, _ = _by_place(store.counts, asked, by, centre)
    by_key = counts_by_key(level_counts(counts, list(labels), codes))
    rows = [
        FigureRow(
            key=str(key),
            label=labels[key],
            survey=survey,
            n=int(respondents.get(key, 0)),
            counts=by_key[str(key)],
            group="factor." if by == "factor" else "",
        )
        for key in labels
    ]
    set_measures(rows, figures)
    days.set_on(rows)
    _set_departments(rows, by, centre)
    for row in rows:
        for measure in survey.pooled_measures:
            row.measures.setdefault(measure, Measure(0, 0, None, None, None, "wilson_effective_n"))
    if why_no_index(survey, selection, by) is None:
        set_comparisons(rows, survey, centre, closed=closed)
    return rows


def _labels(
    survey: Survey, centre: Centre, selection: Selection, by: RowKey, given: Collection[Any]
) -> dict[str, Text]:
    """The label of each row by its key, in the order of the rows.

    ``given`` are the places with answers, or the first days of parts of time. Departments and
    counters without answers are included where they were open on a day of the period; answers
    that name none have no row there. ``by`` is not question.
    """
    if _is_time(by):
        periods = [period_of(by, day) for day in sorted(given)]
        return {period.code: _period_label(period) for period in periods}
    span = selection.since, selection.until
    match by:
        case "centre":
            return {"centre": centre.name}
        case "department":
            return {one.id: one.name for one in _departments(centre, selection, given)}
        case "counter":
            return {
                stand.key(centre): _counter_label(centre, stand)
                for one in _departments(centre, selection, {at for _, at in given})
                for stand in counters_shown(centre, one, *span, given)
            }
        case "factor":
            return {factor.id: factor.name for factor in survey.factors if factor.questions}
        case _:
            return {name: CHANNELS[name] for name in sorted(given)}


def _key(given: Any, by: RowKey, centre: Centre) -> str:
    """The key of the row of a place, or of a part of time by its first day."""
    if by == "counter":
        return str(given.key(centre))
    return period_of(by, given).code if _is_time(by) else str(given)


def _departments(centre: Centre, selection: Selection, given: Collection[str]) -> list[Department]:
    """The departments with a row: the one asked for, or those of the period."""
    if selection.department is not None:
        return [centre.department[selection.department]]
    return departments_shown(centre, selection.since, selection.until, given)


def _counter_label(centre: Centre, stand: Stand) -> Text:
    """A counter's name; of answers given when it stood elsewhere, with the department."""
    name = centre.counter[stand.counter].name
    if centre.department_of[stand.counter] == stand.department:
        return name
    at = centre.department[stand.department].name

    def label(language: Language) -> str:
        said = {"counter": name.get(language), "department": at.get(language)}
        return MESSAGES.get(language, "row_label.counter_elsewhere", **said)

    return Text(vi=label("vi"), en=label("en"))


def _is_time(by: RowKey) -> TypeGuard[PartOfTime]:
    return by in get_args(PartOfTime)


def _period_label(period: Period) -> Text:
    """A part of time as a row's label."""
    year, week, _ = period.since.isocalendar()

    def label(language: Language) -> str:
        return MESSAGES.get(
            language,
            f"row_label.{period.kind}",
            day=numbers.day(period.since, language),
            week=week,
            week_year=year,
            month=f"{period.since:%m}",
            quarter=period.quarter,
            year=period.since.year,
        )

    return Text(vi=label("vi"), en=label("en"))
