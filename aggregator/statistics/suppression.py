"""Withholds small groups from what is published, so that no reader can work them out.

A group is a row or cell of a published table: the people of a department, a counter, a day, or
of several of these at once. What is protected is how the people of a small group answered.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, eye_array, hstack

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Sum:
    """A sum that readers know: each of the people of ``total`` is in exactly one of ``parts``."""

    total: Hashable
    parts: tuple[Hashable, ...]


def withhold(
    sizes: Mapping[Hashable, int],
    sums: Iterable[Sum],
    minimum: int,
    unprinted: Collection[Hashable] = (),
    unguarded: Collection[Hashable] = (),
    levels: Mapping[Hashable, Sequence[int]] = MappingProxyType({}),
    withheld: Collection[Hashable] = (),
    questions: int = 1,
) -> frozenset[Hashable]:
    """The groups of which nothing may be printed: no n, count, share, interval or comparison.

    - ``sizes``: people by group, totals included.
    - ``levels``: answers by level of a group, where these are printed with it.
    - ``questions``: how many answers a person may have given; each gave at least one.
    - ``unprinted``: groups that the document does not show anyway, empty or not.
    - ``unguarded``: unprinted groups that need no guard, such as who skipped a question.
    - ``withheld``: groups that are already decided to be withheld.

    Raises ValueError where the parts of a sum do not add up to its total. The rule is ours:

    - A group of 1 to minimum - 1 people is small, and withheld.
    - A reader knows what is printed, the sums, and that every group marked as withheld has
      somebody in it, since empty groups are shown. For every small group each size up to
      ``minimum`` must stay possible for this reader: from 1, or from the least that its
      withheld parts leave. So the size of no small group can be found by subtraction.
    - For every answer given in a small group it must stay possible that nobody in it gave this
      answer, unless it is in a group of ``minimum`` or more people who all gave it.
    - Other groups are withheld with the small ones until both hold.
    - An empty group is shown as empty, and a unanimous one of ``minimum`` or more as unanimous.

    The others are found small group by small group, by an integer program: of all tables that
    fulfil what must stay possible and keep every sum, it takes the one nearest to the true one,
    and the groups in which the two differ are withheld (Kelly, Golden, Assad, Networks 22 (1992)
    397-417). The distance counts each person moved in or out of a printed group, weighted by
    the group's size plus its parts' weights, so that totals are withheld last. The result
    depends on sizes and keys, not on their order; audit() checks it.

    It protects one document, or several whose sums are all given.
    """
    table = _Table(sizes, sums, {*unprinted, *unguarded}, levels, questions)
    hidden = table.among({*unprinted, *unguarded, *withheld})
    small = table.small(minimum, unguarded)
    hidden[small] = True
    possible = [table.n]  # tables that agree with what is printed, whatever else is withheld
    conditions = [needed for cell in small for needed in table.conditions(cell, minimum)]
    for condition in conditions:
        if not any(condition.holds(other) for other in possible):
            nearest = table.cheapest(condition, hidden)
            hidden |= table.moved(nearest)
            possible.append(nearest)
    return frozenset(table.keys[cell] for cell in np.flatnonzero(hidden))


def audit(
    sizes: Mapping[Hashable, int],
    sums: Iterable[Sum],
    minimum: int,
    withheld: Collection[Hashable],
    unguarded: Collection[Hashable] = (),
    levels: Mapping[Hashable, Sequence[int]] = MappingProxyType({}),
    unprinted: Collection[Hashable] = (),
    questions: int = 1,
) -> pd.DataFrame:
    """What a reader can find out of each small group.

    Takes what withhold takes and, as ``withheld``, what it returns. Columns returned, a row a
    small group: key; n, its true size; low and high, the least and greatest size possible for a
    reader (infinite without a bound, n where it is printed); told, whether some answer is sure
    to have been given in it; safe, whether the rule of withhold holds for it.
    """
    table = _Table(sizes, sums, {*unprinted, *unguarded}, levels, questions)
    hidden = table.among({*withheld, *unprinted, *unguarded})
    rows = []
    for cell in table.small(minimum, unguarded):
        least, most, *zeros = table.conditions(cell, minimum)
        low, high = table.extremes(cell, hidden)
        told = not all(table.is_possible(condition, hidden) for condition in zeros)
        safe = low <= least.bound and high >= most.bound and not told
        rows.append((table.keys[cell], int(table.people[cell]), low, high, told, safe))
    return pd.DataFrame(rows, columns=["key", "n", "low", "high", "told", "safe"])


def is_guarded(
    sizes: Mapping[Hashable, int],
    sums: Iterable[Sum],
    minimum: int,
    unprinted: Collection[Hashable],
    levels: Mapping[Hashable, Sequence[int]] = MappingProxyType({}),
    questions: int = 1,
) -> bool:
    """Whether a reader to whom all but the unprinted groups are printed learns of no small one.

    Takes what audit takes. Beyond the rule of withhold it looks at small groups together: of any
    of them that have fewer than ``minimum`` people it must stay possible that nobody in all of
    them gave an answer. False also where there are more than MOST_TOGETHER such sets.
    """
    table = _Table(sizes, sums, unprinted, levels, questions)
    hidden = table.among(unprinted)
    small = table.small(minimum, ())
    possible = [table.n]
    for cell in small:
        for condition in table.conditions(cell, minimum)[:2]:
            if not any(condition.holds(other) for other in possible):
                other = table.possible(condition, hidden)
                if other is None:
                    return False
                possible.append(other)
    together = _together([int(table.people[cell]) for cell in small], minimum)
    if together is None:
        return False
    deepest = max((len(table.levels_of(cell)) for cell in small), default=0)
    return all(
        table.may_be_without(level, small, together, minimum, hidden, possible)
        for level in range(deepest)
    )


MOST_TOGETHER = 2_000


def _together(people: Sequence[int], minimum: int) -> list[tuple[int, ...]] | None:
    """The sets of groups with fewer than ``minimum`` people, to which no other can be added.

    None where there are more than MOST_TOGETHER.
    """
    found: list[tuple[int, ...]] = []

    def extend(chosen: tuple[int, ...], left: int) -> bool:
        after = chosen[-1] + 1 if chosen else 0
        fitting = [one for one, n in enumerate(people) if n <= left and one not in chosen]
        if not fitting:
            found.append(chosen)
        return len(found) <= MOST_TOGETHER and all(
            extend((*chosen, one), left - people[one]) for one in fitting if one >= after
        )

    return [one for one in found if one] if extend((), minimum - 1) else None


def withhold_parts(sizes: Mapping[Key, int], minimum: int) -> frozenset[Key]:
    """Which parts of one form are withheld: of its factors, or of the questions of a factor.

    ``sizes`` are respondents by part. These are the small parts and, with them, the smallest
    part of ``minimum`` or more: it guards them against subtraction from the pool. Small parts
    cannot guard each other, since the same few people may have answered them.
    """
    small = {key for key, n in sizes.items() if 0 < n < minimum}
    others = [(n, repr(key), key) for key, n in sizes.items() if n >= minimum]
    return frozenset(small | {min(others)[2]} if small and others else small)


class _Condition(NamedTuple):
    """What must stay possible: the number in a column is at most, or at least, ``bound``."""

    column: int
    bound: int
    at_most: bool

    def holds(self, table: np.ndarray) -> bool:
        value = int(table[self.column])
        return value <= self.bound if self.at_most else value >= self.bound


class _Table:
    """The groups that may have people in them, smallest first, and what readers know of them.

    A table is a vector of whole numbers: for each group its people, then its answers by level,
    if it has levels. ``n`` is the true table. A table is possible if ``equations`` @ table is 0,
    ``links`` @ table is at least 0, and no number is below ``floor``.
    """

    def __init__(
        self,
        sizes: Mapping[Hashable, int],
        sums: Iterable[Sum],
        unprinted: Collection[Hashable],
        levels: Mapping[Hashable, Sequence[int]],
        questions: int,
    ) -> None:
        filled = [key for key, n in sizes.items() if n or key in unprinted]
        self.keys = sorted(filled, key=lambda key: (sizes[key], repr(key)))
        self.people = np.array([sizes[key] for key in self.keys], dtype=np.int64)
        groups = [(sizes[key], *levels.get(key, ())) for key in self.keys]
        self.n = np.array([n for numbers in groups for n in numbers], dtype=np.int64)
        widths = [len(numbers) for numbers in groups]
        ends = np.cumsum(widths)
        self._columns = [range(end - width, end) for width, end in zip(widths, ends, strict=True)]
        self._owner = np.repeat(np.arange(len(groups)), widths)
        self.floor = np.zeros(len(self.n), dtype=np.int64)
        self.floor[[columns[0] for columns in self._columns]] = (self.people > 0) & ~self.among(
            unprinted
        )
        sums = sorted(sums, key=lambda known: (repr(known.total), sorted(map(repr, known.parts))))
        self._totals: dict[int, set[int]] = defaultdict(set)  # the totals of a group
        self.equations = self._equations(sums)
        self.links = self._links(questions)
        if np.any(self.equations @ self.n) or np.any(self.links @ self.n < 0):
            raise ValueError("the parts of a sum do not add up to its total")
        self.price = _prices(self.keys, sizes, sums, questions)[self._owner]
        # Where a person gives one answer, the two move together: only the answer has a price.
        if questions == 1:
            self.price[[columns[0] for columns in self._columns if len(columns) > 1]] = 0

    def _equations(self, sums: Sequence[Sum]) -> Any:
        """A row of people for each sum, and where all of it has levels one for each of these."""
        place = {key: number for number, key in enumerate(self.keys)}
        entries: list[tuple[int, int, int]] = []
        rows = 0
        for each in sums:
            parts = [place[part] for part in each.parts if part in place]
            signed = [(part, 1) for part in parts]
            if each.total in place:
                total = place[each.total]
                signed.append((total, -1))
                for part in parts:
                    self._totals[part].add(total)
            depth = min((len(self._columns[cell]) for cell, _ in signed), default=1)
            for cell, sign in signed:
                columns = self._columns[cell][:depth]
                entries += [(rows + number, at, sign) for number, at in enumerate(columns)]
            rows += depth
        return _matrix(entries, rows, len(self.n))

    def _links(self, questions: int) -> Any:
        """Two rows for each group with levels: its people gave 1 to ``questions`` answers each."""
        entries: list[tuple[int, int, int]] = []
        rows = 0
        for people, *answers in self._columns:
            if answers:
                entries += [(rows, people, -1), *((rows, at, 1) for at in answers)]
                entries += [(rows + 1, people, questions), *((rows + 1, at, -1) for at in answers)]
                rows += 2
        return _matrix(entries, rows, len(self.n))

    def among(self, keys: Collection[Hashable]) -> np.ndarray:
        """Which groups are among the keys, as a mask."""
        return np.array([key in keys for key in self.keys], dtype=bool)

    def small(self, minimum: int, unguarded: Collection[Hashable]) -> list[int]:
        """The numbers of the groups of 1 to minimum - 1 people that are to be guarded."""
        few = (self.people > 0) & (self.people < minimum) & ~self.among(unguarded)
        return [int(cell) for cell in np.flatnonzero(few)]

    def conditions(self, cell: int, minimum: int) -> list[_Condition]:
        """What must stay possible of a small group: least size, ``minimum``, no such answer."""
        people, *answers = self._columns[cell]
        everybodys = self._unanimous(cell, minimum)
        return [
            _Condition(people, self._least(cell), at_most=True),
            _Condition(people, minimum, at_most=False),
            *(
                _Condition(at, 0, at_most=True)
                for level, at in enumerate(answers)
                if self.n[at] and level != everybodys
            ),
        ]

    def _unanimous(self, cell: int, minimum: int) -> int | None:
        """The level that everybody gave in a total of ``minimum`` or more, or None."""
        above: set[int] = set()
        todo = [cell]
        while todo:
            for total in self._totals[todo.pop()] - above:
                above.add(total)
                todo.append(total)
        for total in sorted(above):
            given = np.flatnonzero(self.n[self._columns[total][1:]])
            if self.people[total] >= minimum and len(given) == 1:
                return int(given[0])
        return None

    def _least(self, cell: int) -> int:
        """The least size of a group that is possible when every group is withheld."""
        if not any(cell in totals for totals in self._totals.values()):
            return 1
        everything = np.ones(len(self.keys), dtype=bool)
        return int(self.extremes(cell, everything)[0])

    def levels_of(self, cell: int) -> range:
        """The columns of a group's answers by level."""
        return self._columns[cell][1:]

    def may_be_without(
        self,
        level: int,
        small: Sequence[int],
        together: Iterable[Sequence[int]],
        minimum: int,
        hidden: np.ndarray,
        possible: list[np.ndarray],
    ) -> bool:
        """Whether for a reader nobody in each set of small groups may have given a level.

        ``together`` are numbers in ``small``, ``possible`` tables, to which others are added.
        Groups of which all gave it, with ``minimum`` or more, are left out of their sets.
        """
        column = {
            number: self.levels_of(cell)[level]
            for number, cell in enumerate(small)
            if level < len(self.levels_of(cell)) and self._unanimous(cell, minimum) != level
        }
        columns = np.array([*column.values()], dtype=np.int64)
        if not self.n[columns].any():
            return True
        price = np.zeros(len(self.n))
        price[columns] = 1
        fewest = self._possible(price, hidden)  # it serves many sets at once
        possible.append(np.rint(np.asarray(fewest.x)).astype(np.int64))
        for numbers in together:
            at = [column[number] for number in numbers if number in column]
            if not self.n[at].any() or any(not other[at].any() for other in possible):
                continue
            found = self._possible(np.zeros(len(self.n)), hidden, none_at=at)
            if not found.success:
                return False
            possible.append(np.rint(np.asarray(found.x)).astype(np.int64))
        return True

    def moved(self, table: np.ndarray) -> np.ndarray:
        """Which groups differ from the true table, as a mask."""
        return np.bincount(self._owner, table != self.n, len(self.keys)) > 0

    def cheapest(self, condition: _Condition, hidden: np.ndarray) -> np.ndarray:
        """The possible table nearest to the true one in which a condition holds.

        Changes in hidden groups cost nothing. There always is such a table, since in the
        extreme all groups may change.
        """
        # Each number is n + more - less, so that the distance from n has a price.
        solution = self._solve(
            np.tile(np.where(hidden[self._owner], 0, self.price), 2),
            Bounds(0, np.concatenate([np.full(len(self.n), np.inf), self.n - self.floor])),
            hstack([eye_array(len(self.n)), -eye_array(len(self.n))]).tocsr(),
            self.n,
            condition,
        )
        more, less = np.split(np.rint(np.asarray(solution.x)).astype(np.int64), 2)
        return np.asarray(self.n + more - less)

    def extremes(self, cell: int, hidden: np.ndarray) -> tuple[float, float]:
        """The least and greatest size of a group, where only the hidden ones are unknown."""
        size = np.zeros(len(self.n))
        size[self._columns[cell][0]] = 1
        lowest, highest = (self._possible(sign * size, hidden) for sign in (1, -1))
        # The true table is possible, so a maximum without a solution is unbounded.
        return round(lowest.fun), -round(highest.fun) if highest.success else math.inf

    def is_possible(self, condition: _Condition, hidden: np.ndarray) -> bool:
        """Whether a condition holds in a table in which only the hidden groups are unknown."""
        return self.possible(condition, hidden) is not None

    def possible(self, condition: _Condition, hidden: np.ndarray) -> np.ndarray | None:
        """A table in which a condition holds, and only the hidden groups differ; None for none."""
        found = self._possible(np.zeros(len(self.n)), hidden, condition)
        return np.rint(np.asarray(found.x)).astype(np.int64) if found.success else None

    def _possible(
        self,
        objective: np.ndarray,
        hidden: np.ndarray,
        condition: _Condition | None = None,
        none_at: Sequence[int] = (),
    ) -> Any:
        unknown = hidden[self._owner]
        most = np.where(unknown, np.inf, self.n)
        most[list(none_at)] = 0
        bounds = Bounds(np.where(unknown, self.floor, self.n), most)
        zero = np.zeros(len(self.n), dtype=np.int64)
        return self._solve(objective, bounds, eye_array(len(self.n)).tocsr(), zero, condition)

    def _solve(
        self,
        price: np.ndarray,
        bounds: Bounds,
        step: Any,
        start: np.ndarray,
        condition: _Condition | None,
    ) -> Any:
        """Find the x of least ``price @ x`` for which ``start + step @ x`` is a possible table."""
        constraints = []
        for matrix, most in ((self.equations, 0), (self.links, np.inf)):
            if matrix.shape[0]:
                begun = matrix @ start
                constraints.append(LinearConstraint(matrix @ step, -begun, most - begun))
        if condition is not None:
            left = condition.bound - start[condition.column]
            low, high = (-np.inf, left) if condition.at_most else (left, np.inf)
            constraints.append(LinearConstraint(step[[condition.column]], low, high))
        return milp(
            price,
            integrality=np.ones(len(price), dtype=np.int64),
            bounds=bounds,
            constraints=constraints,
            options={"mip_rel_gap": 0},
        )


def _matrix(entries: Sequence[tuple[int, int, int]], rows: int, columns: int) -> Any:
    """A sparse matrix of entries (row, column, number)."""
    at, of, numbers = np.array(entries, dtype=np.int64).reshape(-1, 3).T
    return coo_array((numbers, (at, of)), (rows, columns)).tocsr()


def _prices(
    keys: Sequence[Hashable],
    sizes: Mapping[Hashable, int],
    sums: Iterable[Sum],
    questions: int,
) -> np.ndarray:
    """The price of moving one person or answer of each group: its size plus its parts' prices.

    The parts' prices count ``questions`` times, since with a person so many answers may move.
    """
    parts: dict[Hashable, set[Hashable]] = defaultdict(set)
    for each in sums:
        parts[each.total].update(each.parts)

    @cache
    def price(key: Hashable) -> int:
        return sizes[key] + questions * sum(map(price, parts[key]))

    return np.array([price(key) for key in keys], dtype=np.int64)
