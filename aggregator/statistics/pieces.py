"""What may be shown beside all that was shown before, so that no small group can be known.

People who are in the same of the groups that were shown are a piece: all that a reader of all
of them knows are sums of pieces. So a piece of the minimum or more guards everybody in it, and
so does an empty one. Smaller pieces are guarded where no subtraction tells of them.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from aggregator.statistics.suppression import Sum, is_guarded

MOST_SMALL = 24  # small pieces that hang together, of which it is still found out
MOST_PIECES = 400  # pieces that hang together with them


class Shown:
    """The groups that were shown, of people in cells: the smallest places and times there are."""

    def __init__(
        self,
        cells: np.ndarray,
        minimum: int,
        questions: int = 1,
        groups: Iterable[np.ndarray] = (),
    ) -> None:
        """``cells`` has a row a cell: its people, then its answers by level.

        ``minimum`` and ``questions`` are those of suppression.withhold. Groups are masks of cells.
        """
        self._filled = cells[:, 0] > 0  # a reader may know which are empty
        self._cells = cells[self._filled]
        self._minimum = minimum
        self._questions = questions
        self._pieces = _Pieces.whole(self._cells)
        for group in groups:
            self.add(group)

    def add(self, group: np.ndarray) -> None:
        """What has been shown."""
        self._pieces = self._pieces.cut(group[self._filled])

    def may_show(self, group: np.ndarray) -> bool:
        """Whether a group may be shown beside the others: then no small piece becomes known.

        A group of fewer than the minimum, empty ones among them, may not. The rule is ours:

        - Pieces of ``minimum`` people or more need no further guard, but where it is a rest, got
          by subtraction, that gave one answer alone: then of everybody in it that would be known.
        - Of every smaller one each size from 0 or 1 to ``minimum`` must stay possible for a
          reader who knows all groups shown; and of any of them that have fewer than ``minimum``
          people together, that nobody in them gave an answer, but for unanimous groups, as
          suppression.withhold has it. Where that would take too long to find out, the group
          may not be shown.

        What was shown stays guarded: whatever this changes is looked at again.
        """
        mask = group[self._filled]
        if self._cells[mask, 0].sum() < self._minimum:
            return False
        pieces = self._pieces.cut(mask)
        before = pieces.connected(pieces.groups[:-1])
        return all(
            self._is_guarded(pieces, sums)
            for sums in pieces.connected(pieces.groups)
            if sums not in before
        )

    def _is_one_answer(self, pieces: "_Pieces", rest: frozenset[int]) -> bool:
        """Whether a rest is known to have given one answer, and lies in no group that did."""

        def one_answer(group: frozenset[int]) -> bool:
            return int((pieces.sums[sorted(group), 1:].sum(axis=0) > 0).sum()) == 1

        return one_answer(rest) and not any(
            rest <= group and one_answer(group) for group in pieces.groups
        )

    def _is_guarded(self, pieces: "_Pieces", sums: frozenset[frozenset[int]]) -> bool:
        if any(self._is_one_answer(pieces, rest) for rest in sums):
            return False
        members = sorted(frozenset[int]().union(*sums))
        small = int((pieces.sums[members, 0] < self._minimum).sum())
        if not small:
            return True
        if small > MOST_SMALL or len(members) > MOST_PIECES:
            return False
        rows: dict[Hashable, np.ndarray] = {("piece", one): pieces.sums[one] for one in members}
        known = []
        for number, parts in enumerate(sorted(sums, key=sorted)):
            rows["sum", number] = pieces.sums[sorted(parts)].sum(axis=0)
            known.append(Sum(("sum", number), tuple(("piece", one) for one in sorted(parts))))
        return is_guarded(
            {key: int(row[0]) for key, row in rows.items()},
            known,
            self._minimum,
            [("piece", one) for one in members],
            {key: tuple(map(int, row[1:])) for key, row in rows.items()},
            self._questions,
        )


@dataclass(frozen=True)
class _Pieces:
    """The pieces that groups cut cells into; those of number 0 are in none of them.

    ``of`` is the number of each cell's piece, ``sums`` have a row a piece. Groups are sets of
    pieces, in the order in which they came.
    """

    cells: np.ndarray
    of: np.ndarray
    sums: np.ndarray
    groups: tuple[frozenset[int], ...] = ()

    @classmethod
    def whole(cls, cells: np.ndarray) -> "_Pieces":
        """One piece, of which nothing is known."""
        sums = cells.sum(axis=0, keepdims=True)
        return cls(cells, np.zeros(len(cells), dtype=np.int64), sums)

    def cut(self, group: np.ndarray) -> "_Pieces":
        """The pieces with one group more, a mask of cells."""
        labels, of = np.unique(np.append(self.of * 2 + group, 0), return_inverse=True)
        of = of[:-1]  # the label 0, appended, keeps the number 0
        sums = np.zeros((len(labels), self.cells.shape[1]), dtype=np.int64)
        np.add.at(sums, of, self.cells)
        parts: dict[int, list[int]] = defaultdict(list)
        for number, label in enumerate(labels.tolist()):
            parts[label // 2].append(number)
        groups = [frozenset(one for old in own for one in parts[old]) for own in self.groups]
        new = frozenset(np.flatnonzero(labels % 2).tolist())
        return _Pieces(self.cells, of, sums, (*groups, new))

    def connected(self, groups: Sequence[frozenset[int]]) -> set[frozenset[frozenset[int]]]:
        """What readers of groups know, as sums of pieces, in parts that have no piece in common.

        From a group those that lie in it are taken away: with them its rest is known, and no
        more. So a year of months that were all shown does not tie these together.
        """
        rests: set[frozenset[int]] = set()
        within = sorted(set(groups), key=lambda group: (len(group), sorted(group)))
        for number, group in enumerate(within):
            rest = group
            for other in reversed(within[:number]):
                if other <= rest:
                    rest -= other
            if rest:
                rests.add(rest)
        parts: list[tuple[set[int], set[frozenset[int]]]] = []
        for rest in rests:
            members, sums = set(rest), {rest}
            apart = []
            for part in parts:
                if members.isdisjoint(part[0]):
                    apart.append(part)
                else:
                    members |= part[0]
                    sums |= part[1]
            parts = [*apart, (members, sums)]
        return {frozenset(sums) for _, sums in parts}
