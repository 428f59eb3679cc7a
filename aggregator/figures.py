"""From a selection to the rows of figures that the JSON doors and the pages both show."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd

from aggregator.channels import CHANNELS as CHANNELS
from aggregator.statistics import (
    Method,
    Published,
    compare,
    level_counts,
    pooled_shares,
    shares,
)
from aggregator.store import Grouping, Selection, Store
from surveys.centre import Centre, Reference
from surveys.definition import Question, Survey, Text


class Unanswerable(ValueError):
    """A figure that cannot be made; ``field`` is the parameter to change."""

    def __init__(self, field: str, key: str) -> None:
        super().__init__(f"{field}: {key}")
        self.field = field
        self.key = key


@dataclass(frozen=True)
class Measure:
    """A share of favourable answers: k of n, with a 95 % interval; None where n is 0.

    ``n_effective``: as many independent answers as tell the same; n, or less of a pooled share.
    """

    k: int
    n: int
    share: float | None
    low: float | None
    high: float | None
    method: str
    n_effective: float = 0.0
    design_effect: float | None = None


@dataclass(frozen=True)
class Comparison:
    """A measure beside a published figure of the same measure; see statistics.compare."""

    reference: Reference
    measure: str
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    p_bh: float | None
    test: str
    verdict: str


@dataclass
class FigureRow:
    """One line of a table: n, counts by level, measures.

    ``n`` counts answers; respondents where questions pool; ticks where many may be chosen.
    A row ``withheld`` has no figures: n is 0, counts and measures are empty (see publishing).
    """

    key: str
    label: Text
    n: int
    counts: Mapping[int, int]
    measures: dict[str, Measure] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    question: Question | None = None
    withheld: bool = False

    @property
    def median(self) -> float | None:
        """The median of the numbers given; None for none."""
        values = pd.Series(self.counts, dtype="int64").sort_index()
        return None if self.n == 0 else float(values.index.repeat(values).to_series().median())


def figure_rows(
    store: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    by: Grouping,
    method: Method = "wilson",
) -> list[FigureRow]:
    """Figures of a selection, by key. Raises Unanswerable and database.StorageError.

    A survey with several questions has no figure by place or day but the pooled one; where
    its questions do not pool, a question must be named. ``method`` is of the intervals of
    shares; a pool has its own.
    """
    if by == "question":
        return _by_question(store, survey, selection, method)
    questions = _questions(survey, selection)
    if questions is None or by == "factor":
        if not survey.pooled_measures or selection.questions is not None:
            raise Unanswerable("by" if by == "factor" else "question", "does_not_pool")
        if method != "wilson":
            raise Unanswerable("method", "pool_has_its_own")
        return _pooled(store, survey, centre, selection, by)
    scale_question = survey.questions[questions[0]]
    counts = store.counts(_asking(selection, questions), by)
    labels = _labels(survey, centre, selection, by, counts["key"])
    rows = _rows(survey, dict.fromkeys(labels, scale_question), counts, labels, method)
    if why_no_index(survey, selection, by) is None:
        _compare(rows, survey, centre)
    return rows


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
) -> list[FigureRow]:
    """A row for each key of ``labels``, of its question; all questions have one scale."""
    if not questions:
        return []
    question = next(iter(questions.values()))
    scale = survey.scale_of(question)
    codes = scale.codes if scale else sorted(int(code) for code in counts["code"].unique())
    levels = level_counts(counts, list(labels), codes)
    by_key = _counts_by_key(levels)
    rows = [
        FigureRow(
            key=str(key),
            label=labels[key],
            n=sum(by_key[str(key)].values()),
            counts=by_key[str(key)],
            question=questions[key],
        )
        for key in labels
    ]
    if measures := survey.measures_of(question):
        set_measures(rows, shares(levels, measures, method))
    return rows


def _by_question(
    store: Store, survey: Survey, selection: Selection, method: Method
) -> list[FigureRow]:
    named = _questions(survey, selection) if selection.questions else None
    questions = [
        question
        for factor in survey.factors
        for question in factor.questions
        if named is None or question.id in named
    ]
    counts = store.counts(_asking(selection, [question.id for question in questions]), "question")
    rows: dict[str, FigureRow] = {}
    for alike in _by_scale(questions):
        labels = {question.id: question.text for question in alike}
        given = counts[counts["key"].isin(list(labels))]
        by_id = {question.id: question for question in alike}
        rows |= {row.key: row for row in _rows(survey, by_id, given, labels, method)}
    return [rows[question.id] for question in questions]


def _by_scale(questions: Iterable[Question]) -> list[list[Question]]:
    """Questions that can stand in one table: of one scale and kind; each number by itself."""
    alike: dict[object, list[Question]] = defaultdict(list)
    for question in questions:
        alike[(question.scale, question.kind) if question.scale else question.id].append(question)
    return list(alike.values())


def _pooled(
    store: Store, survey: Survey, centre: Centre, selection: Selection, by: Grouping
) -> list[FigureRow]:
    sums = store.pooled(selection, by)
    labels = _labels(survey, centre, selection, by, sums["key"])
    figures = pooled_shares(sums, list(labels))
    respondents: dict[Any, int] = dict(zip(figures["key"], figures["respondents"], strict=True))
    codes = survey.scales[survey.measured[0].scale or ""].codes
    if by == "factor":
        per_question = store.counts(selection, "question")
        factor_of = {q.id: factor.id for factor in survey.factors for q in factor.questions}
        counts = per_question.assign(key=per_question["key"].map(factor_of)).dropna()
    else:
        counts = store.counts(_asking(selection, [q.id for q in survey.measured]), by)
    by_key = _counts_by_key(level_counts(counts, list(labels), codes))
    rows = [
        FigureRow(
            key=str(key),
            label=labels[key],
            n=int(respondents.get(key, 0)),
            counts=by_key[str(key)],
        )
        for key in labels
    ]
    set_measures(rows, figures)
    for row in rows:
        for measure in survey.pooled_measures:
            row.measures.setdefault(measure, Measure(0, 0, None, None, None, "wilson_effective_n"))
    if why_no_index(survey, selection, by) is None:
        _compare(rows, survey, centre)
    return rows


def set_measures(rows: Iterable[FigureRow], figures: pd.DataFrame) -> None:
    """Give rows their measures, from rows of shares or pooled_shares of the same keys."""
    by_key = {row.key: row for row in rows}
    for figure in figures.to_dict("records"):
        by_key[str(figure["key"])].measures[figure["measure"]] = Measure(
            k=int(figure["k"]),
            n=int(figure["n"]),
            share=known(figure["share"]),
            low=known(figure["low"]),
            high=known(figure["high"]),
            method=figure["method"],
            n_effective=float(figure.get("n_effective", figure["n"])),
            design_effect=known(figure.get("design_effect")),
        )


def measure_frame(rows: Sequence[FigureRow], measure: str, *, pooled: bool) -> pd.DataFrame:
    """One measure of rows as statistics takes it: key, k, n, share, low, high.

    Of pooled shares also respondents and n_effective.
    """
    found = [row.measures[measure] for row in rows]
    columns: dict[str, list[Any]] = {"key": [row.key for row in rows]}
    for name in ("k", "n", "share", "low", "high"):
        columns[name] = [getattr(one, name) for one in found]
    if pooled:
        columns["respondents"] = [row.n for row in rows]
        columns["n_effective"] = [one.n_effective for one in found]
    return pd.DataFrame(columns)


def _compare(rows: Sequence[FigureRow], survey: Survey, centre: Centre) -> None:
    """Set each row's comparisons with the references of the same survey and measure."""
    for reference in centre.references:
        if why_not_comparable(survey, reference):
            continue
        figures = measure_frame(rows, reference.measure, pooled=bool(survey.pooled_measures))
        published = Published(reference.value, reference.n)
        compared = compare(figures, published, centre.minimum_ratings)
        for row, found in zip(rows, compared.to_dict("records"), strict=True):
            row.comparisons.append(
                Comparison(
                    reference=reference,
                    measure=reference.measure,
                    difference=known(found["difference"]),
                    low=known(found["low"]),
                    high=known(found["high"]),
                    p=known(found["p"]),
                    p_adjusted=known(found["p_adjusted"]),
                    p_bh=known(found["p_bh"]),
                    test=found["test"],
                    verdict=found["verdict"],
                )
            )


def why_not_comparable(survey: Survey, reference: Reference) -> str | None:
    """The message key of why a survey's figure cannot be held against a reference, or None.

    Only the same instrument and the same measure compare: a top-box share from a tap at the
    counter and a top-two-box share pooled over 22 criteria are different quantities.
    """
    if reference.survey != survey.id:
        return "other_instrument"
    if not survey.measured or reference.measure not in survey.measures_of(survey.measured[0]):
        return "other_measure"
    return None


def why_no_index(survey: Survey, selection: Selection, by: Grouping) -> str | None:
    """The message key of why rows show no figure that references are published of, or None.

    That figure is the survey's only measured question, or the pool of all: one question of
    many, or one factor, is another quantity.
    """
    whole = selection.questions is None and bool(survey.pooled_measures)
    alone = len(survey.measured) == 1 and selection.questions in (None, (survey.measured[0].id,))
    return None if by not in ("question", "factor") and (whole or alone) else "part_of_survey"


def _labels(
    survey: Survey, centre: Centre, selection: Selection, by: Grouping, found: Iterable[Any]
) -> dict[Any, Text]:
    """The keys of a table in their order, with what to call them.

    Departments and counters are listed though nobody rated them; an answer without a
    department counts for the centre alone.
    """
    departments = [
        department
        for department in centre.departments
        if selection.department in (None, department.id)
    ]
    tables: dict[str, Callable[[], dict[Any, Text]]] = {
        "centre": lambda: {"centre": centre.name},
        "department": lambda: {d.id: d.name for d in departments},
        "counter": lambda: {c.id: c.name for d in departments for c in d.counters},
        "factor": lambda: {factor.id: factor.name for factor in survey.factors if factor.questions},
        "channel": lambda: {name: CHANNELS[name] for name in sorted(set(map(str, found)))},
        "day": lambda: {day: _day_label(day) for day in sorted(set(found))},
    }
    return tables[by]()


def _day_label(day: date) -> Text:
    return Text(vi=f"{day:%d/%m/%Y}", en=f"{day:%Y-%m-%d}")


def _counts_by_key(levels: pd.DataFrame) -> dict[str, dict[int, int]]:
    return {
        str(key): {int(str(code)): int(n) for code, n in counts.items()}
        for key, counts in levels.to_dict("index").items()
    }


def known(value: float | None) -> float | None:
    """NaN, which is no figure, as None."""
    return None if value is None or pd.isna(value) else float(value)
