"""The days behind rows of figures: what verdicts bet on, and what intervals allow for."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, get_args

import numpy as np

from aggregator.figures.rows import FigureRow, PartOfTime, RowKey
from aggregator.organisation.seen import Stand
from aggregator.statistics import DaySums, Method
from aggregator.statistics.days import day_columns, usual_effects
from aggregator.statistics.shares import Columns
from aggregator.storage.blocks import TIMES, Key, Totals
from aggregator.storage.rollups import FACTORS, POOL, SUMS, TALLIES
from aggregator.storage.store import Selection, Store
from aggregator.wording.periods import PeriodKind, period_of
from surveys.centre import Centre
from surveys.definition import Survey


@dataclass(frozen=True)
class Days:
    """Sums by day of each measure, a row for each of ``keys``; see statistics.DaySums.

    ``counts`` are the answers of all days to one question, by code: of each place with answers, of
    a part of time by its first day. Of other sums there are none.
    """

    keys: Sequence[str] = ()
    sums: Mapping[str, DaySums] = field(default_factory=dict)
    counts: Mapping[Any, Mapping[int, int]] = field(default_factory=dict)

    def of(self, measure: str, keys: Sequence[Any]) -> DaySums:
        """The sums of a measure of some keys, in their order; 0 for keys without answers."""
        places = {key: number for number, key in enumerate(self.keys)}
        at = [places.get(str(key), -1) for key in keys]

        def rows(sums: np.ndarray) -> np.ndarray:
            return np.vstack([sums, np.zeros((1, sums.shape[1]), sums.dtype)])[at]

        return DaySums(*(rows(getattr(self.sums[measure], one.name)) for one in fields(DaySums)))

    def usual_effects(self, measure: str, grain: PeriodKind) -> Mapping[str, float]:
        """Of rows of a day each, by key: statistics.days.usual_effects within parts of time."""
        parts = [period_of(grain, date.fromisoformat(key)).code for key in self.keys]
        found = usual_effects(self.of(measure, self.keys), parts)
        return dict(zip(self.keys, found.tolist(), strict=True))

    def allowed_for(self, figures: Columns, method: Method) -> Columns:
        """A table of shares or pooled_shares with intervals that allow for days."""
        keys: dict[str, list[object]] = defaultdict(list)
        for measure, key in zip(figures["measure"], figures["key"], strict=True):
            keys[measure].append(key)
        days = {measure: self.of(measure, own) for measure, own in keys.items()}
        return {**dict(figures.items()), **day_columns(figures, days, method)}

    @classmethod
    def side_by_side(cls, wholes: Mapping[str, "Days"], measure: str) -> "Days":
        """The days of several wholes, each of one row, as rows by the keys of ``wholes``."""
        found = [own.of(measure, own.keys[:1] or [""]) for own in wholes.values() if own.sums]
        if not found:
            return cls()
        longest = max(sums.m.shape[1] for sums in found)

        def rows(name: str) -> np.ndarray:
            parts = [getattr(sums, name)[0] for sums in found]
            return np.array([np.pad(part, (0, longest - len(part))) for part in parts])

        sums = DaySums(*(rows(one.name) for one in fields(DaySums)))
        return cls(list(wholes), {measure: sums})

    def set_on(self, rows: Sequence[FigureRow]) -> None:
        """Give rows the shares of their days."""
        for measure in self.sums:
            found = self.of(measure, [row.key for row in rows]).shares
            for row, own in zip(rows, found, strict=True):
                row.days = {**row.days, measure: own}


def days_of(store: Store, survey: Survey, selection: Selection, by: RowKey, centre: Centre) -> Days:
    """The days of a selection, of the pool or of the one question that it names, by row.

    ``by`` is not question. Rows of a part of time have the days within it. Raises
    database.StorageError.
    """
    place, counts = _place_of(by), {}
    if by == "factor":
        totals = store.daily(FACTORS, selection, lambda item: item, place)
        factors = [factor.id for factor in survey.factors if factor.questions]
        return Days(
            factors,
            {
                measure: _stacked([_pooled(totals, (factor, measure)) for factor in factors])
                for measure in survey.pooled_measures
            },
        )
    if selection.questions is None:
        totals = store.daily(POOL, selection, lambda item: item[1], place)
        found = {measure: _pooled(totals, measure) for measure in survey.pooled_measures}
    else:
        [asked] = selection.questions
        question = survey.questions[asked]
        totals = store.daily(
            TALLIES, selection, lambda item: item[1] if item[0] == asked else None, place
        )
        scale = survey.scale_of(question)
        answers = _of_codes(totals, scale.codes if scale else ())
        found = {
            measure: DaySums.single(_of_codes(totals, favourable), answers)
            for measure, favourable in survey.measures_of(question).items()
        }
        counts = _counted(totals, by)
    keys = [str(key.key(centre) if isinstance(key, Stand) else key) for key in totals.places]
    if by not in get_args(PartOfTime):
        return Days(keys, found, counts)
    firsts = [period_of(by, day).code for day in totals.times]  # type: ignore[arg-type]
    keys, of_part = _parts(firsts)
    return Days(keys, {measure: of_part(sums) for measure, sums in found.items()}, counts)


def answers_by_day(store: Store, selection: Selection, questions: Collection[str]) -> Totals:
    """The answers to single questions by day, whose items are pairs of a question and a code.

    Raises database.StorageError.
    """
    return store.daily(
        TALLIES, selection, lambda item: item if item[0] in questions else None, lambda at: "centre"
    )


def days_of_questions(
    answers: Totals, questions: Sequence[str], measures: Mapping[str, Collection[int]]
) -> Days:
    """The days of single questions, a row for each, from answers_by_day.

    ``measures`` are favourable answers of each.
    """
    items: dict[str, list[int]] = {question: [] for question in questions}
    for number, (question, _) in enumerate(answers.items):
        if question in items:
            items[question].append(number)
    counts = answers.values[:, 0].sum(axis=2).T  # of shape (items, days)

    def single(measure: str) -> DaySums:
        favourable = [code in measures[measure] for _, code in answers.items]
        kept = np.where(np.array(favourable, dtype=bool)[:, None], counts, 0)
        k, n = (
            np.array([table[at].sum(axis=0) for at in items.values()]) for table in (kept, counts)
        )
        return DaySums.single(k, n)

    return Days(questions, {measure: single(measure) for measure in measures})


def _stacked(rows: Sequence[DaySums]) -> DaySums:
    names = [one.name for one in fields(DaySums)]
    return DaySums(*(np.array([getattr(row, name).sum(axis=0) for row in rows]) for name in names))


def _place_of(by: RowKey) -> Callable[[Key], str | Stand | None]:
    """The row that a place (channel, department, counter) belongs to, None for none."""
    match by:
        case "channel":
            return lambda at: at[0]
        case "department":
            return lambda at: at[1] or None
        case "counter":
            return lambda at: Stand(at[2], at[1])
        case _:
            return lambda at: "centre"


def _of_codes(totals: Totals, codes: Sequence[int]) -> np.ndarray:
    """The answers with some codes, of shape (places, days)."""
    wanted = [number for number, code in enumerate(totals.items) if code in codes]
    return np.asarray(totals.values[:, 0, wanted].sum(axis=1).T)


def _counted(totals: Totals, by: RowKey) -> dict[Any, dict[int, int]]:
    """The answers of all days as Days.counts has them."""
    if by in TIMES:
        keys, every = [TIMES[by](day) for day in totals.times], totals.values[:, 0].sum(axis=2)
    else:
        keys, every = totals.places, totals.values[:, 0].sum(axis=0).T
    found: dict[Any, dict[int, int]] = defaultdict(lambda: dict.fromkeys(totals.items, 0))
    for key, counts in zip(keys, every.tolist(), strict=True):
        own = found[key]
        for code, n in zip(totals.items, counts, strict=True):
            own[code] += n
    return {key: own for key, own in found.items() if any(own.values())}


def _pooled(totals: Totals, item: Hashable) -> DaySums:
    if item not in totals.items:
        none = np.zeros((len(totals.places), len(totals.times)), dtype=np.int64)
        return DaySums.single(none, none)
    values = totals.values[:, :, totals.items.index(item)]
    named = dict(zip(SUMS, values.transpose(1, 2, 0), strict=True))
    return DaySums(*(named[one.name] for one in fields(DaySums)))


def _parts(firsts: Sequence[str]) -> tuple[list[str], Callable[[DaySums], DaySums]]:
    """The parts of time that successive days are in, and a function from one row to theirs."""
    sizes: dict[str, int] = {}
    order = []
    for first in firsts:
        order.append(sizes.get(first, 0))
        sizes[first] = order[-1] + 1
    keys = list(sizes)
    rows = [number for number, first in enumerate(sizes) for _ in range(sizes[first])]

    def rows_of(sums: np.ndarray) -> np.ndarray:
        found = np.zeros((len(keys), max(sizes.values(), default=0)), dtype=np.int64)
        if len(sums):
            found[rows, order] = sums[0]
        return found

    return keys, lambda days: DaySums(*(rows_of(getattr(days, one.name)) for one in fields(days)))
