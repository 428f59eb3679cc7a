"""Under the ledger: which groups may be published beside all that ever were."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from aggregator.statistics import Shown, level_counts
from aggregator.storage.ledger import Decision, Group
from aggregator.storage.store import Selection, Store
from surveys.centre import Centre
from surveys.definition import Survey

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
    """The smallest n that may be shown.

    In a multiple-choice question n counts ticks, and one person may tick all levels: so it is
    the minimum of people times the number of levels.
    """
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
