"""Under the ledger: which groups may be published beside all that ever were."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from aggregator.figures.days import days_of
from aggregator.figures.figures import figure_rows
from aggregator.figures.participation import respondents, taking_part
from aggregator.figures.rows import FigureRow
from aggregator.statistics import Shown, level_counts, shares
from aggregator.statistics.participation import CENTRE
from aggregator.storage.ledger import Decision, Group
from aggregator.storage.rollups import Span
from aggregator.storage.store import Selection, Store
from aggregator.wording.periods import ONE_DAY, Period, PeriodKind, period_of
from surveys.centre import Centre
from surveys.definition import Survey

# The periods of the public board. Each lies in the next one, so that they never cut each other.
BOARD: tuple[PeriodKind, ...] = ("month", "quarter", "year")
PLACE = ["day", "channel", "department", "counter"]


@dataclass(frozen=True)
class Cells:
    """Frozen answers to a question, or the pool: a row a day, channel, department and counter.

    ``people`` has the columns n and, where the question has a scale, the answers by level.
    """

    days: np.ndarray
    channels: np.ndarray
    places: Sequence[tuple[str, str]]
    people: np.ndarray

    def mask(self, group: Group) -> np.ndarray:
        """The cells of a group."""
        found = (self.days >= group.since) & (self.days <= group.until)
        if group.channel:
            found &= self.channels == group.channel
        if group.places is not None:
            wanted = set(group.places)
            found &= np.array([place in wanted for place in self.places], dtype=bool)
        return np.asarray(found, dtype=bool)

    def size(self, group: Group) -> int:
        return int(self.people[self.mask(group), 0].sum())


def read_cells(frozen: Store, survey: Survey, question: str, since: date, until: date) -> Cells:
    """The cells of a question, '' the only measured one or the pool. Raises StorageError."""
    pool = not question and len(survey.measured) != 1
    asked = survey.measured if pool else [survey.questions[question or survey.measured[0].id]]
    names = tuple(one.id for one in asked)
    selection = Selection(survey.id, names, since, until)
    counts = frozen.counts(selection, ("day", "channel", "department", "counter"))
    scale = survey.scale_of(asked[0])
    cells = counts.groupby(PLACE)["n"].sum()
    if pool:
        people = frozen.respondents(replace(selection, questions=None), tuple(PLACE))  # type: ignore[arg-type]
        cells = people.set_index(PLACE)["n"]
    index = [tuple(one) for one in cells.index]
    number = {place: at for at, place in enumerate(index)}
    given = zip(*(counts[name] for name in PLACE), strict=True)
    keyed = counts.assign(key=[number.get(place, -1) for place in given])
    levels = level_counts(keyed, range(len(index)), scale.codes if scale else ())
    return Cells(
        days=np.array([one[0] for one in index], dtype=object),
        channels=np.array([one[1] for one in index], dtype=object),
        places=[(one[2], one[3]) for one in index],
        people=np.column_stack([cells.to_numpy(np.int64), levels.to_numpy(np.int64)]),
    )


def minimum_of(survey: Survey, question: str, centre: Centre) -> int:
    """The smallest n that may be shown; where a person may tick several levels, see publishing."""
    one = survey.questions.get(question)
    scale = survey.scale_of(one) if one else None
    many = one is not None and one.kind == "many"
    return centre.minimum_cell * (len(scale.levels) if scale and many else 1)


def judged(
    frozen: Store,
    survey: Survey,
    centre: Centre,
    known: Sequence[Decision],
    wanted: Sequence[Group],
) -> dict[Group, bool]:
    """Whether each of some groups of one question may be shown, in the order that is best.

    ``known`` is what was decided before, which stays. Of the others the first ones go first, and
    where groups are of one span the larger ones. Raises StorageError.
    """
    if not wanted:
        return {}
    question = wanted[0].question
    before = {one.group.key: one.shown for one in known}
    shown = [one.group for one in known if one.shown and one.group.question == question]
    since, until = _hanging_together(shown, wanted)
    cells = read_cells(frozen, survey, question, since, until)
    pooled = not question and len(survey.measured) != 1
    beside = Shown(
        cells.people,
        minimum_of(survey, question, centre),
        len(survey.measured) if pooled else 1,
        [cells.mask(one) for one in shown if since <= one.since and one.until <= until],
    )
    found: dict[Group, bool] = {}
    spans = {(one.since, one.until): number for number, one in enumerate(reversed(wanted))}
    order = sorted(wanted, key=lambda one: (-spans[one.since, one.until], -cells.size(one)))
    for group in order:
        if group.key in before:
            found[group] = before[group.key]
            continue
        mask = cells.mask(group)
        found[group] = beside.may_show(mask)
        if found[group]:
            beside.add(mask)
    return {group: found[group] for group in wanted}


def _hanging_together(shown: Sequence[Group], wanted: Sequence[Group]) -> tuple[date, date]:
    """The days of some groups, and of those shown that overlap with them, one after the other."""
    since, until = min(one.since for one in wanted), max(one.until for one in wanted)
    while True:
        near = [one for one in shown if one.since <= until and since <= one.until]
        wider = (
            min([since, *(one.since for one in near)]),
            max([until, *(one.until for one in near)]),
        )
        if wider == (since, until):
            return wider
        since, until = wider


def settled(
    store: Store,
    survey: Survey,
    at: datetime,
    actor: str,
    decide: Callable[[Sequence[Decision]], Sequence[Decision]],
) -> list[Decision]:
    """Let ``decide`` decide on what was decided before, and write it; all decisions then.

    It decides anew where somebody else was first. Raises StorageError.
    """
    while True:
        known, last = store.ledger.decided(survey.id)
        new = decide(known)
        if not new or store.ledger.add(new, at, actor, last):
            return [*known, *new]


# The public board


def release(store: Store, survey: Survey, centre: Centre, now: datetime, actor: str = "") -> None:
    """Freeze the months that are over, and decide what of them the board shows.

    A month is frozen ``settle_days`` after its end, so that answers of devices without a network
    have come in. What comes later is in no published figure. Raises StorageError.
    """
    for month in months_due(store, survey, centre, now):
        store.ledger.freeze(survey.id, month)
    if survey.has_total:
        frozen = store.frozen()
        settled(store, survey, now, actor, lambda known: board(frozen, survey, centre, known))


def months_due(store: Store, survey: Survey, centre: Centre, now: datetime) -> list[Span]:
    """The months that are over and not frozen, in their order."""
    frozen = store.ledger.months(survey.id)
    first = frozen[-1].until + ONE_DAY if frozen else store.ledger.first_day(survey.id)
    settle, today = timedelta(days=centre.board.settle_days), centre.local_day(now)
    due: list[Span] = []
    while first is not None:
        month = period_of("month", first)
        if month.until + settle >= today:
            break
        due.append(Span(month.since, month.until))
        first = month.until + ONE_DAY
    return due


def board(
    frozen: Store,
    survey: Survey,
    centre: Centre,
    known: Sequence[Decision],
    months: Sequence[Span] | None = None,
) -> list[Decision]:
    """Decisions about the board's periods that end with a frozen month and have none yet.

    A month comes before the quarter and the year that it is in, the centre before its departments.
    ``months`` are the frozen ones, where they are not those of the store.
    """
    frozen_months = frozen.ledger.months(survey.id) if months is None else months
    done = {(one.kind, one.group.since) for one in known if one.kind}
    new: list[Decision] = []
    for month in frozen_months:
        for kind in BOARD:
            period = period_of(kind, month.until)
            if period.until == month.until and (kind, period.since) not in done:
                new += _of_period(frozen, survey, centre, [*known, *new], period)
    return new


def _of_period(
    frozen: Store, survey: Survey, centre: Centre, known: Sequence[Decision], period: Period
) -> list[Decision]:
    whole = Group(survey.id, "", period.since, period.until)
    cells = read_cells(frozen, survey, "", period.since, period.until)
    places = sorted(set(cells.places))
    departments = {
        id: replace(whole, places=tuple(place for place in places if place[0] == id))
        for id in sorted({place[0] for place in places} & set(centre.department))
    }
    groups = {CENTRE: whole, **departments}
    may = judged(frozen, survey, centre, known, list(groups.values()))
    figures = _figures(frozen, survey, centre, period, [id for id in groups if may[groups[id]]])
    return [
        Decision(group, may[group], period.kind, id, figures.get(id, {}))
        for id, group in groups.items()
    ]


def _figures(
    frozen: Store, survey: Survey, centre: Centre, period: Period, shown: Sequence[str]
) -> dict[str, dict[str, object]]:
    """What the board prints of a period: by department, '' the centre, of those shown alone.

    n, answers by code, and by measure k and the ends of the interval. How alike days are is
    learned from rows that are shown, so that no interval tells of another. ``dossiers`` only
    where they are known of each day with an answer: then those who took part are all of n.
    """
    if len(survey.measured) != 1:
        return {}
    selection = Selection(survey.id, None, period.since, period.until)
    ratings = respondents(frozen, survey, selection)
    took_part = taking_part(ratings, frozen.transactions(period.since, period.until), centre)
    found: dict[str, dict[str, object]] = {}
    for by in ("centre", "department"):
        rows = [
            row
            for row in figure_rows(frozen, survey, centre, selection, by)
            if _id(row) in shown and (by == "centre") == (_id(row) == CENTRE)
        ]
        measures = _measures(frozen, survey, centre, selection, by, rows)
        for row in rows:
            id, part = _id(row), took_part.get(_id(row))
            found[id] = {"n": row.n, "counts": {str(code): n for code, n in row.counts.items()}}
            found[id]["measures"] = measures[row.key]
            if part is not None and part.n == row.n and part.dossiers:
                found[id]["dossiers"] = part.dossiers
    return found


def _id(row: FigureRow) -> str:
    return CENTRE if row.key == "centre" else row.key


def _measures(
    frozen: Store,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    by: Literal["centre", "department"],
    rows: Sequence[FigureRow],
) -> dict[str, dict[str, list[float]]]:
    """By row and measure k, and the ends of the interval to three digits."""
    [question] = survey.measured
    scale = survey.scale_of(question)
    levels = pd.DataFrame(
        [[row.counts.get(code, 0) for code in scale.codes] for row in rows] if scale else [],
        [row.key for row in rows],
        scale.codes if scale else (),
    )
    printed: dict[str, dict[str, list[float]]] = {row.key: {} for row in rows}
    if not rows:
        return printed
    asked = replace(selection, questions=(question.id,))
    days = days_of(frozen, survey, asked, by, centre)
    found = days.allowed_for(shares(levels, survey.measures_of(question)), "wilson")
    for one in found.to_dict("records"):
        ends = [round(float(one[name]), 3) for name in ("low", "high")]
        printed[str(one["key"])][str(one["measure"])] = [int(one["k"]), *ends]
    return printed
