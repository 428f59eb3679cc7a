"""The tallies of several centres read together: each centre is one department of a whole."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from time import monotonic
from typing import Literal, Self, TypeVar

from aggregator.storage.blocks import Block, Keys, merged
from aggregator.storage.database import StorageError
from aggregator.storage.flags import Flagging, taken_off
from aggregator.storage.rollups import Layout, Span, Tallies
from aggregator.storage.store import Selection, Store

# Why a centre's answers are not in a figure: its store cannot be read, it asks in another form.
Missing = Literal["away", "other_form"]
T = TypeVar("T")


HELD = 300.0  # seconds that what was read of a centre is kept
FURTHER = 1_000  # answers after which all is read anew: an import may have millions


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
    """What was read of a centre in a state of its store, whose snapshot ``view`` is.

    The blocks of its days and months, ``pieces``, are of one place each: the centre itself.
    """

    state: tuple[int, int]
    since: float
    view: Store
    asked: Mapping[str, str]
    flagging: Callable[[str], Flagging | None]
    pieces: dict[tuple[Layout, str], dict[Span, Block]] = field(default_factory=dict)
    wholes: dict[tuple[Layout, Selection], Block] = field(default_factory=dict)
    days: dict[tuple[Layout, Selection], list[tuple[date, Block]]] = field(default_factory=dict)
    settled: dict[tuple[date, date], Sequence[tuple[date, str, int]]] = field(default_factory=dict)

    def dossiers(self, since: date, until: date) -> Sequence[tuple[date, str, int]]:
        """As Store._settled: the dossiers settled by day and department."""
        if (since, until) not in self.settled:
            self.settled[since, until] = self.view._settled(since, until)
        return self.settled[since, until]

    def whole(self, layout: Layout, selection: Selection, centre: str) -> Block:
        """The sums of all days of a selection."""
        key = (layout, selection)
        if key not in self.wholes:
            found = self.blocks(layout, selection, centre, daily=False)
            self.wholes[key] = merged([block for _, block in found], len(layout.sums))
        return self.wholes[key]

    def daily(self, layout: Layout, selection: Selection, centre: str) -> list[tuple[date, Block]]:
        """The blocks of the days of a selection."""
        key = (layout, selection)
        if key not in self.days:
            self.days[key] = self.blocks(layout, selection, centre, daily=True)
        return self.days[key]

    def blocks(
        self, layout: Layout, selection: Selection, centre: str, *, daily: bool
    ) -> list[tuple[date, Block]]:
        """The blocks of a selection, each with its first day."""
        pieces = self.pieces.setdefault((layout, selection.survey), {})
        known = self.view._rollups_of(layout, selection).known
        known |= pieces  # so that they are not read again
        found = self.view._spans(layout, selection, daily=daily)
        for span, block in found:
            if span not in pieces:
                pieces[span] = known[span] = merged([_at(centre, layout, block)], len(layout.sums))
        return [(span.since, pieces[span]) for span, _ in found]

    def own(self, layout: Layout, survey: str) -> Layout | None:
        """The centre's own layout in place of the province's: flags are by each one's rules."""
        return self.flagging(survey) if isinstance(layout, Flagging) else layout

    def later(self, state: tuple[int, int], view: Store, asked: Mapping[str, str]) -> "Kept":
        """What still holds in a later state: all but the days of the answers since."""
        changed = view.days_after(self.state[0]) if state[0] > self.state[0] else []
        pieces = {
            (layout, survey): {
                span: block
                for span, block in blocks.items()
                if not any(of == survey and span.since <= day <= span.until for of, day in changed)
            }
            for (layout, survey), blocks in self.pieces.items()
        }
        return Kept(state, self.since, view, asked, self.flagging, pieces)


class Together(Store):
    """The province's own store, in which tallies are read from its centres' stores.

    Whatever is read by department is by centre, keyed by its id; counters have none. Everything
    else, such as accounts and the audit log, is the province's own. What was read of a day is
    kept until its centre has taken a further answer for it.
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
        found = self._of_each(layout, selection, daily=daily)
        found += self._taken_off(layout, selection, daily=daily)
        return sorted(found, key=lambda one: one[0])

    def _of_each(
        self, layout: Layout, selection: Selection, *, daily: bool
    ) -> list[tuple[date, Block]]:
        """The blocks of all centres, each with its first day."""
        days = replace(selection, department=None)

        def read(id: str, kept: Kept) -> list[tuple[date, Block]]:
            own = kept.own(layout, selection.survey)
            if own is None:
                return []
            if daily:
                return kept.daily(own, days, id)
            return kept.blocks(own, days, id, daily=False)

        return [one for _, blocks in self._each(read, selection) for one in blocks]

    def _taken_off(
        self, layout: Layout, selection: Selection, *, daily: bool
    ) -> list[tuple[date, Block]]:
        flagging = self._flagging
        if flagging is None or flagging.survey.id != selection.survey:
            return []
        if not isinstance(layout, Tallies):
            return []
        found = self._of_each(flagging, selection, daily=daily)
        less = [(since, taken_off(block, layout)) for since, block in found]
        return [one for one in less if one[1].items]

    def _whole(self, layout: Layout, selection: Selection) -> Block:
        days = Selection(selection.survey, None, selection.since, selection.until)
        whole = self._rollups_of(layout, selection).whole
        if (days.since, days.until) not in whole:
            blocks = self._each(
                lambda id, kept: (
                    kept.whole(own, days, id) if (own := kept.own(layout, days.survey)) else None
                ),
                days,
            )
            found = merged([block for _, block in blocks if block], len(layout.sums))
            whole[days.since, days.until] = found
        less = [block for _, block in self._taken_off(layout, days, daily=False)]
        found = whole[days.since, days.until]
        return merged([found, *less], len(layout.sums)) if less else found

    def _settled(self, since: date, until: date) -> list[tuple[date, str, int]]:
        """As Store._settled, by centre: a day's number of the whole, else the sum of its parts."""
        found = []
        for id, rows in self._each(lambda _, kept: kept.dossiers(since, until)):
            parts: Counter[date] = Counter()
            for day, department, n in rows:
                parts[day] += n if department else 0
            days = parts | Counter({day: n for day, department, n in rows if not department})
            found += [(day, id, n) for day, n in days.items()]
        return found

    def _each(
        self, read: Callable[[str, Kept], T], selection: Selection | None = None
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
                found = read(id, kept)
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
            part = self._parts[id]()
            # Looked at before the answers are read: later ones are another state.
            state, kept, now = part.store.state(), self._kept.get(id), monotonic()
            further = state[0] - kept.state[0] if kept else 0
            if kept is None or now - kept.since > HELD or not 0 <= further <= FURTHER:
                asked = part.asked(state[1])
                kept = Kept(state, now, part.store.snapshot(), asked, part.flagging)
            elif kept.state != state:
                kept = kept.later(state, part.store.snapshot(), part.asked(state[1]))
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
