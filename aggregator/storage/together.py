"""The tallies of several centres read together: each centre is one department of a whole."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Literal, Self, TypeVar

from aggregator.storage.blocks import Block, Keys, Stack, merged, one_stack
from aggregator.storage.database import StorageError
from aggregator.storage.flags import Flagging, taken_off
from aggregator.storage.newest import Ends, Mark, Tail
from aggregator.storage.rollups import Layout, Tallies
from aggregator.storage.store import Selection, Store

# Why a centre's answers are not in a figure: its store cannot be read, it asks in another form.
Missing = Literal["away", "other_form"]
T = TypeVar("T")


MOST_STACKS = 24  # that are kept of a centre, those that were read last


@dataclass(frozen=True)
class Part:
    """A centre as it is read: its store, what it asks, and which submissions it flags.

    ``asked`` gives the fingerprint of each survey by its id, in a version of its document;
    ``flagging`` the layout of flags of a survey by the centre's own rules.
    """

    store: Store
    asked: Callable[[int], Mapping[str, str]]
    flagging: Callable[[str], Flagging | None] = lambda survey: None


@dataclass(frozen=True)
class Kept:
    """What was read of a centre in a state of its store: its days, by channel."""

    id: str
    mark: Mark
    part: Part
    asked: Mapping[str, str]
    stacks: dict[tuple[Layout, Selection], Stack] = field(default_factory=dict)
    flaggings: dict[str, Flagging | None] = field(default_factory=dict)  # the centre's, by survey
    ends: Mapping[str, Ends | None] = field(default_factory=dict)  # of surveys, see Tail
    settled: dict[tuple[date, date], Sequence[tuple[date, str, int]]] = field(default_factory=dict)

    def dossiers(self, since: date, until: date) -> Sequence[tuple[date, str, int]]:
        """As Store._settled: the dossiers settled by day and department."""
        if (since, until) not in self.settled:
            self.settled[since, until] = self.part.store._settled(since, until)
        return self.settled[since, until]

    def stack(self, layout: Layout, selection: Selection) -> Stack | None:
        """The days of a selection; flags are by the centre's own rules.

        None where it has none.
        """
        own: Layout | None = layout
        if isinstance(layout, Flagging):
            if selection.survey not in self.flaggings:
                self.flaggings[selection.survey] = self.part.flagging(selection.survey)
            own = self.flaggings[selection.survey]
        if own is None:
            return None
        key = own, selection
        found = self.stacks.pop(key, None)
        if found is None:
            days = self.part.store._blocks(own, selection, daily=True)
            at_centre = [(day, _at(self.id, own, block)) for day, block in days]
            found = one_stack(at_centre, len(own.sums))
        self.stacks[key] = found
        for least in [*self.stacks][:-MOST_STACKS]:
            self.stacks.pop(least, None)
        return found

    def now(self) -> "Kept | None":
        """The same as it is now; None where more has changed than that some answers came in.

        Raises StorageError.
        """
        stacks: dict[tuple[Layout, Selection], Stack] = {}
        with self.part.store.database.begin() as connection:
            tail = Tail(connection, self.ends)
            if not (rows := tail.after(self.mark)):
                return None if rows is None else self
            changed = {(row.survey, row.day) for row in rows}
            for (layout, selection), stack in [*self.stacks.items()]:
                if later := self._later(tail, layout, selection, stack, changed):
                    stacks[layout, selection] = later
            mark = self.mark._replace(number=rows[-1].number, id=rows[-1].id)
        settled = {**self.settled}
        return replace(self, mark=mark, stacks=stacks, ends=tail.known, settled=settled)

    def _later(
        self,
        tail: Tail,
        layout: Layout,
        selection: Selection,
        stack: Stack,
        changed: Collection[tuple[str, date]],
    ) -> Stack | None:
        """A stack with the present blocks of the days that changed; None where it is read anew."""
        own, ends = selection.survey, tail.ends(selection.survey)
        flags = isinstance(layout, Flagging)
        if flags and ends and any(of == own and day < ends[1] for of, day in changed):
            return None  # the usual days of later ones may be others now
        for survey, day in changed:
            # A flag may be of something else that was said in a visit.
            if selection.has_day(day) and (flags or survey == own):
                block = self.part.store.of_day(tail, layout, own, day)
                stack = _with_day(stack, day, _at(self.id, layout, block))
        return stack


class Together(Store):
    """The province's own store, in which tallies are read from its centres' stores.

    Whatever is read by department is by centre, keyed by its id; counters have none. Everything
    else, such as accounts and the audit log, is the province's own. What was read of a centre is
    kept, and follows the answers that come in there.
    """

    def __init__(
        self, url: str, parts: Mapping[str, Callable[[], Part]], asked: Mapping[str, str]
    ) -> None:
        """``parts`` give a centre's Part by its id, or raise StorageError.

        ``asked`` has the fingerprints of the surveys by which centres are compared.
        """
        super().__init__(url)
        self._parts = parts
        self._asked = asked
        self._kept: dict[str, Kept] = {}  # of all snapshots
        self.missing: dict[str, Missing] = {}  # of the centres that were to be read so far
        self._seen: dict[str, Kept] = {}  # those that were read

    def snapshot(self) -> Self:
        """As Store.snapshot; it also remembers which centres could not be read."""
        view = super().snapshot()
        if view is not self:
            view.missing, view._seen = {}, {}
        return view

    def _blocks(
        self, layout: Layout, selection: Selection, *, daily: bool
    ) -> list[tuple[date, Block]]:
        found = [one for stack in self._stacks(layout, selection) for one in stack.blocks]
        return sorted(found, key=lambda one: one[0])

    def _stacks(self, layout: Layout, selection: Selection) -> list[Stack]:
        return [*self._of_each(layout, selection), *self._stacks_off(layout, selection)]

    def _whole(self, layout: Layout, selection: Selection) -> Block:
        whole, days = self._rollups_of(layout, selection).whole, (selection.since, selection.until)
        if days not in whole:
            every = self._of_each(layout, replace(selection, department=None))
            whole[days] = merged([stack.whole for stack in every], len(layout.sums))
        less = [stack.whole for stack in self._stacks_off(layout, selection)]
        return merged([whole[days], *less], len(layout.sums)) if less else whole[days]

    def _of_each(self, layout: Layout, selection: Selection) -> list[Stack]:
        """The days of all centres of a selection."""
        days = Selection(selection.survey, since=selection.since, until=selection.until)
        found = self._each(lambda kept: kept.stack(layout, days), selection)
        return [stack for _, stack in found if stack and stack.days]

    def _stacks_off(self, layout: Layout, selection: Selection) -> list[Stack]:
        """What flagged submissions added to the tallies of a selection, below 0."""
        flagging = self._flagging
        if flagging is None or flagging.survey.id != selection.survey:
            return []
        if not isinstance(layout, Tallies):
            return []
        less = [taken_off(stack, layout) for stack in self._of_each(flagging, selection)]
        return [stack for stack in less if stack.items]

    def _settled(self, since: date, until: date) -> list[tuple[date, str, int]]:
        """As Store._settled, by centre: a day's number of the whole, else the sum of its parts."""
        found = []
        for id, rows in self._each(lambda kept: kept.dossiers(since, until)):
            parts: Counter[date] = Counter()
            for day, department, n in rows:
                parts[day] += n if department else 0
            days = parts | Counter({day: n for day, department, n in rows if not department})
            found += [(day, id, n) for day, n in days.items()]
        return found

    def _each(
        self, read: Callable[[Kept], T], selection: Selection | None = None
    ) -> Iterator[tuple[str, T]]:
        """What is read of each centre of a selection that can be read and asks what we ask.

        Others are named where this is a snapshot, else StorageError is raised. So it is where one
        was read and then fails: it would be in some figures of a page and not in others.
        """
        for id in self._parts:
            if id in self.missing or (selection and selection.department not in (None, id)):
                continue
            was_read = id in self._seen
            try:
                kept = self._looked_at(id)
                if selection and kept.asked.get(selection.survey) != self._asked[selection.survey]:
                    self._leave_out(id, "other_form")
                    continue
                found = read(kept)
            except StorageError:
                if was_read:
                    raise
                self._seen.pop(id, None)
                self._leave_out(id, "away")
                continue
            yield id, found

    def _leave_out(self, id: str, why: Missing) -> None:
        """Name a centre as missing. Raises StorageError where nobody would read of it."""
        if self._rollups is None:  # no snapshot: a program asks
            raise StorageError(f"{id}: {why}")
        self.missing[id] = why

    def _looked_at(self, id: str) -> Kept:
        """What is kept of a centre, which stays the same for a snapshot. Raises StorageError."""
        if id not in self._seen:
            part, kept = self._parts[id](), self._kept.get(id)
            kept = kept and kept.now()
            if kept is None:
                # Looked at before the answers are read: what comes in later is looked at again.
                state = part.store.state()
                kept = Kept(id, state.mark, part, part.asked(state.version))
            self._kept[id] = self._seen[id] = kept
        return self._seen[id]


@lru_cache(maxsize=4_096)  # a centre's blocks share their places
def _places(id: str, names: tuple[str, ...], places: Keys) -> Keys:
    own = {"department": id, "counter": ""}
    return Keys(
        tuple(own.get(name, part) for name, part in zip(names, place, strict=True))
        for place in places
    )


def _at(id: str, layout: Layout, block: Block) -> Block:
    return block._replace(places=_places(id, tuple(layout.places), block.places))


def _with_day(stack: Stack, day: date, block: Block) -> Stack:
    """A stack with another block of one day, several of whose places may be the same."""
    if not block.items and day not in stack.days:
        return stack
    try:
        return stack.with_day(day, block)
    except KeyError:
        others = [one for one in stack.blocks if one[0] != day]
        days = sorted([*others, (day, block)], key=lambda one: one[0])
        return one_stack(days, len(block.values))
