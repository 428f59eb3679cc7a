"""From a selection to the rows of figures that the JSON API and the pages both show."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, TypeGuard, get_args

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
    scale_question = survey.questions[questions[0]]
    asked = _asking(selection, questions)
    counts = _by_place(store.counts, asked, by, centre)
    counts, labels = _labelled(survey, centre, selection, by, counts)
    days = days_of(store, survey, asked, by, centre)
    rows = _rows(survey, dict.fromkeys(labels, scale_question), counts, labels, method, days)
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

    def key_of(parts: tuple[Any, ...]) -> str:
        if by == "counter":
            return str(Stand(*parts).key(centre)) if parts[0] else ""
        return period_of(by, parts[0]).code if _is_time(by) else str(parts[0])

    by_key = {key_of(parts): flagged for parts, flagged in found.items()}
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
) -> pd.DataFrame:
    """A table of the store by key; counters by counter and department, since counters move."""
    if by != "counter":
        return read(selection, by)
    found = read(selection, ("counter", "department"))
    stands = zip(found["counter"], found["department"], strict=True)
    keys = [Stand(*stand).key(centre) if stand[0] else "" for stand in stands]
    return found.assign(key=pd.Series(keys, index=found.index, dtype=object))


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
    counts: pd.DataFrame,
    labels: Mapping[Any, Text],
    method: Method,
    days: Days | None = None,
    group: str = "",
) -> list[FigureRow]:
    """A row for each key of ``labels``, of its question; all questions have one scale.

    Intervals allow for ``days``, where they are given.
    """
    if not questions:
        return []
    question = next(iter(questions.values()))
    scale = survey.scale_of(question)
    codes = scale.codes if scale else sorted(int(code) for code in counts["code"].unique())
    levels = level_counts(counts, list(labels), codes)
    by_key = counts_by_key(levels)
    rows = [
        FigureRow(
            key=str(key),
            label=labels[key],
            survey=survey,
            n=sum(by_key[str(key)].values()),
            counts=by_key[str(key)],
            question=questions[key],
            group=group,
        )
        for key in labels
    ]
    if measures := survey.measures_of(question):
        found = shares(levels, measures, method)
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
    counts = store.counts(asked, "question")

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
        given = counts[counts["key"].isin(list(labels))]
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
    pooled = _by_place(store.pooled, selection, by, centre)
    sums, labels = _labelled(survey, centre, selection, by, pooled)
    figures = pooled_shares(sums, list(labels))
    days = days_of(store, survey, selection, by, centre)
    figures = days.allowed_for(figures, "wilson")
    respondents: dict[Any, int] = dict(zip(figures["key"], figures["respondents"], strict=True))
    codes = survey.scales[survey.measured[0].scale or ""].codes
    if by == "factor":
        per_question = store.counts(selection, "question")
        factor_of = {q.id: factor.id for factor in survey.factors for q in factor.questions}
        counts = per_question.assign(key=per_question["key"].map(factor_of)).dropna()
    else:
        asked = _asking(selection, [q.id for q in survey.measured])
        counts = _by_place(store.counts, asked, by, centre)
        counts, _ = _labelled(survey, centre, selection, by, counts)
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


def _labelled(
    survey: Survey, centre: Centre, selection: Selection, by: RowKey, table: pd.DataFrame
) -> tuple[pd.DataFrame, dict[Any, Text]]:
    """A table of the store by key, and the label of each key, in the order of the rows.

    Departments and counters without answers are included where they were open on a day of the
    period; answers that name none have no row there. Parts of time, whose key is their first
    day, get their code as key.
    """
    if _is_time(by):
        periods = {day: period_of(by, day) for day in sorted(set(table["key"]))}
        codes = {day: period.code for day, period in periods.items()}
        labels = {period.code: _period_label(period) for period in periods.values()}
        return table.assign(key=table["key"].map(codes)), labels
    labels_by: dict[RowKey, Callable[[], dict[Any, Text]]] = {
        "centre": lambda: {"centre": centre.name},
        "department": lambda: {d.id: d.name for d in _departments(centre, selection, table)},
        "counter": lambda: _counter_labels(centre, selection, table),
        "factor": lambda: {factor.id: factor.name for factor in survey.factors if factor.questions},
        "channel": lambda: {name: CHANNELS[name] for name in sorted(set(table["key"]))},
    }
    return table, labels_by[by]()


def _departments(centre: Centre, selection: Selection, table: pd.DataFrame) -> list[Department]:
    """The departments with a row: the one asked for, or those of the period."""
    if selection.department is not None:
        return [centre.department[selection.department]]
    name = "department" if "department" in table else "key"
    return departments_shown(centre, selection.since, selection.until, set(table[name]))


def _counter_labels(centre: Centre, selection: Selection, table: pd.DataFrame) -> dict[Any, Text]:
    given = {Stand(*pair) for pair in zip(table["counter"], table["department"], strict=True)}
    span = selection.since, selection.until
    return {
        stand.key(centre): _counter_label(centre, stand)
        for department in _departments(centre, selection, table)
        for stand in counters_shown(centre, department, *span, given)
    }


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
