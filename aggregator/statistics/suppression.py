"""Small groups withheld from what is published, so that no reader can work them out.

A group is a row or cell of a published table: the answers of a department, a counter, a day, a
crossing of them. What it protects is how the people of a small group answered.
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
ALL = "*"  # the label of a total in a two-way table


@dataclass(frozen=True)
class Sum:
    """What every reader knows: the people of ``total`` are those of its ``parts``, each once."""

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
) -> frozenset[Hashable]:
    """The groups of which nothing may be printed: no n, count, share, interval or comparison.

    ``sizes`` are people by group, totals included; ``levels`` are a group's people by the answer
    that they gave, where those are printed with it. ``unprinted`` are groups that the document
    does not show anyway, empty or not; ``unguarded`` those that are unprinted and no secret, such
    as who skipped a question; ``withheld`` those that are decided already. The rule is ours:

    - A group of 1 to minimum - 1 people is small, and withheld.
    - A reader knows what is printed, the sums, which groups are empty, and so that a group which
      is marked as withheld has somebody in it. For every small group each size from the least
      that its withheld parts leave (1 where it has none) to ``minimum`` must stay possible. So
      no group smaller than ``minimum`` can be had by subtraction.
    - For every answer that somebody in a small group gave it must stay possible that nobody in
      it gave that one, unless all of a group of ``minimum`` or more that it is part of did.
    - Other groups are withheld with the small ones until that holds.
    - An empty group is shown as empty, and a unanimous one of ``minimum`` or more as unanimous.

    The others are found small group by small group: the cheapest shift of people between groups
    and answers that gives it what is wanted and leaves every sum right, at a price for each
    person moved in or out of a printed group (Kelly, Golden, Assad, Networks 22 (1992) 397-417).
    The price is the group's size, and for a total that of its parts too: a total is given up
    last. It depends on sizes and keys, not on their order. audit() proves the result.

    It holds for one document, or for several whose sums are all given.
    """
    table = _Table(sizes, sums, {*unprinted, *unguarded}, levels)
    hidden = table.among({*unprinted, *unguarded, *withheld})
    small = table.small(minimum, unguarded)
    hidden[small] = True
    possible = [table.n]  # tables that agree with what is printed, whatever else is withheld
    for condition in [each for cell in small for each in table.conditions(cell, minimum)]:
        if not any(condition.holds(found) for found in possible):
            found = table.cheapest(condition, np.where(hidden, 0, table.price))
            hidden |= table.size @ (found != table.n) > 0
            possible.append(found)
    return frozenset(table.keys[cell] for cell in np.flatnonzero(hidden))


def audit(
    sizes: Mapping[Hashable, int],
    sums: Iterable[Sum],
    minimum: int,
    withheld: Collection[Hashable],
    unguarded: Collection[Hashable] = (),
    levels: Mapping[Hashable, Sequence[int]] = MappingProxyType({}),
    unprinted: Collection[Hashable] = (),
) -> pd.DataFrame:
    """What a reader can find out of each small group.

    Takes what withhold takes and, as ``withheld``, what it returns.
    Returns key, n; low, high: the least and greatest size possible, infinite where nothing bounds
    it; told: whether an answer is sure to have been given; safe: whether all that withhold
    promises of it is true. A small group that is printed is its own size.
    """
    table = _Table(sizes, sums, {*unprinted, *unguarded}, levels)
    hidden = table.among({*withheld, *unprinted, *unguarded})
    rows = []
    for cell in table.small(minimum, unguarded):
        least, most, *zeros = table.conditions(cell, minimum)
        low, high = table.extremes(cell, hidden)
        told = not all(table.is_possible(condition, hidden) for condition in zeros)
        safe = low <= least.bound and high >= most.bound and not told
        rows.append((table.keys[cell], int(table.people[cell]), low, high, told, safe))
    return pd.DataFrame(rows, columns=["key", "n", "low", "high", "told", "safe"])


def crossing(sizes: pd.DataFrame) -> tuple[dict[Hashable, int], list[Sum]]:
    """Sizes and sums of a two-way table printed with both margins and its grand total.

    Keys are (row, column); a margin has ALL in place of the other.
    """
    rows, columns = list(sizes.index), list(sizes.columns)
    whole = sizes.to_numpy(dtype=np.int64)
    cells: dict[Hashable, int] = {
        (row, column): int(whole[i, j])
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    }
    cells |= {(row, ALL): int(whole[i].sum()) for i, row in enumerate(rows)}
    cells |= {(ALL, column): int(whole[:, j].sum()) for j, column in enumerate(columns)}
    cells[ALL, ALL] = int(whole.sum())
    sums = [Sum((row, ALL), tuple((row, column) for column in columns)) for row in [*rows, ALL]]
    sums += [Sum((ALL, column), tuple((row, column) for row in rows)) for column in [*columns, ALL]]
    return cells, sums


def withhold_crossing(sizes: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Which cells of a two-way table are withheld: a boolean table, with margins under ALL."""
    withheld = withhold(*crossing(sizes), minimum)
    rows, columns = [*sizes.index, ALL], [*sizes.columns, ALL]
    marks = [[(row, column) in withheld for column in columns] for row in rows]
    return pd.DataFrame(marks, index=rows, columns=columns, dtype=bool)


def withhold_parts(sizes: Mapping[Key, int], minimum: int) -> frozenset[Key]:
    """Which parts of one form are withheld: its factors, or the questions of a factor.

    ``sizes`` are respondents by part. The same people answer several parts, so parts add up in
    answers and not in people: small ones may be the same few, and only a part of ``minimum`` or
    more guards them against subtraction from the pool. The smallest such part goes with them.
    """
    small = {key for key, n in sizes.items() if 0 < n < minimum}
    others = [(n, repr(key), key) for key, n in sizes.items() if n >= minimum]
    return frozenset(small | {min(others)[2]} if small and others else small)


class _Condition(NamedTuple):
    """What must stay possible: ``part`` @ table is at most, or at least, ``bound``."""

    part: np.ndarray
    bound: int
    at_most: bool

    def holds(self, found: np.ndarray) -> bool:
        value = int(self.part @ found)
        return value <= self.bound if self.at_most else value >= self.bound


class _Table:
    """Groups not known to be empty, smallest first, and what every reader knows of them.

    A table is a vector of people, by group and, where a group has levels, by answer. ``n`` is the
    true one, ``size`` @ table the people of each group, ``floor`` the least that a reader knows
    of them; ``equations`` @ table is 0.
    """

    def __init__(
        self,
        sizes: Mapping[Hashable, int],
        sums: Iterable[Sum],
        unprinted: Collection[Hashable],
        levels: Mapping[Hashable, Sequence[int]],
    ) -> None:
        filled = [key for key, n in sizes.items() if n or key in unprinted]
        self.keys = sorted(filled, key=lambda key: (sizes[key], repr(key)))
        given = [tuple(levels.get(key, (sizes[key],))) for key in self.keys]
        self.people = np.array([sizes[key] for key in self.keys], dtype=np.int64)
        self.n = np.array([n for each in given for n in each], dtype=np.int64)
        owner = np.repeat(np.arange(len(given)), [len(each) for each in given])
        entries = (np.ones(len(owner), dtype=np.int64), (owner, np.arange(len(owner))))
        self.size = coo_array(entries, (len(given), len(owner))).tocsr()
        self.floor = np.where(self.among(unprinted), 0, np.minimum(self.people, 1))
        self._columns = np.split(np.arange(len(owner)), np.flatnonzero(np.diff(owner)) + 1)
        sums = sorted(sums, key=lambda each: (repr(each.total), sorted(map(repr, each.parts))))
        self._totals: dict[int, set[int]] = defaultdict(set)  # those that a group is part of
        self.equations = self._equations(sums, levels)
        if np.asarray(self.equations @ self.n).any() or np.any(self.size @ self.n != self.people):
            raise ValueError("the parts of a sum do not add up to its total")
        self.price = _prices(self.keys, sizes, sums)

    def _equations(self, sums: Sequence[Sum], levels: Collection[Hashable]) -> Any:
        """A row for each sum, or where all of it has levels one for each of these."""
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
            kinds = {len(self._columns[cell]) for cell, _ in signed}
            by_level = len(kinds) == 1 and all(self.keys[cell] in levels for cell, _ in signed)
            for cell, sign in signed:
                for level, column in enumerate(self._columns[cell]):
                    entries.append((rows + by_level * level, int(column), sign))
            rows += kinds.pop() if by_level else 1
        at, columns, signs = np.array(entries, dtype=np.int64).reshape(-1, 3).T
        return coo_array((signs, (at, columns)), (rows, len(self.n))).tocsr()

    def among(self, keys: Collection[Hashable]) -> np.ndarray:
        """Which groups are among the keys, as a mask."""
        return np.array([key in keys for key in self.keys], dtype=bool)

    def small(self, minimum: int, unguarded: Collection[Hashable]) -> list[int]:
        few = (self.people > 0) & (self.people < minimum) & ~self.among(unguarded)
        return [int(cell) for cell in np.flatnonzero(few)]

    def conditions(self, cell: int, minimum: int) -> list[_Condition]:
        """What must stay possible of a small group: its sizes, and answers that nobody gave."""
        size = self.size[[cell]].toarray()[0]
        conditions = [
            _Condition(size, self._least(cell), at_most=True),
            _Condition(size, minimum, at_most=False),
        ]
        columns = self._columns[cell]
        if len(columns) > 1:
            everybodys = self._unanimous(cell, minimum)
            given = [at for level, at in enumerate(columns) if self.n[at] and level != everybodys]
            conditions += [_Condition(self._one(int(at)), 0, at_most=True) for at in given]
        return conditions

    def _one(self, column: int) -> np.ndarray:
        one = np.zeros(len(self.n), dtype=np.int64)
        one[column] = 1
        return one

    def _unanimous(self, cell: int, minimum: int) -> int | None:
        """The answer that all of a group of ``minimum`` or more gave that this one is part of."""
        above: set[int] = set()
        todo = [cell]
        while todo:
            for total in self._totals[todo.pop()] - above:
                above.add(total)
                todo.append(total)
        for total in sorted(above):
            given = self.n[self._columns[total]]
            if self.people[total] >= minimum and np.count_nonzero(given) == 1 and len(given) > 1:
                return int(np.flatnonzero(given)[0])
        return None

    def _least(self, cell: int) -> int:
        """The least size of a group when nothing is printed but marks."""
        if not any(cell in totals for totals in self._totals.values()):
            return 1
        everything = np.ones(len(self.keys), dtype=bool)
        return int(self.extremes(cell, everything)[0])

    def cheapest(self, condition: _Condition, price: np.ndarray) -> np.ndarray:
        """The possible table in which a condition holds that is nearest to the true one by price.

        ``price`` is of a person moved, by group. There always is one: nothing need be printed.
        """
        # Each number is n + more - less, so that the distance from n has a price.
        solution = self._solve(
            np.tile(self.size.T @ price, 2),
            Bounds(0, np.concatenate([np.full(len(self.n), np.inf), self.n])),
            hstack([eye_array(len(self.n)), -eye_array(len(self.n))]),
            self.n,
            condition,
        )
        more, less = np.split(np.rint(np.asarray(solution.x)).astype(np.int64), 2)
        return np.asarray(self.n + more - less)

    def extremes(self, cell: int, hidden: np.ndarray) -> tuple[float, float]:
        """The least and greatest size of a group, where only the hidden ones are unknown."""
        size = self.size[[cell]].toarray()[0]
        lowest, highest = (self._possible(sign * size, hidden) for sign in (1, -1))
        # The true table is possible: what has no solution has no bound.
        return round(lowest.fun), -round(highest.fun) if highest.success else math.inf

    def is_possible(self, condition: _Condition, hidden: np.ndarray) -> bool:
        """Whether a condition holds in a table in which only the hidden groups are unknown."""
        return bool(self._possible(np.zeros(len(self.n)), hidden, condition).success)

    def _possible(
        self, objective: np.ndarray, hidden: np.ndarray, condition: _Condition | None = None
    ) -> Any:
        unknown = self.size.T @ hidden > 0
        bounds = Bounds(np.where(unknown, 0, self.n), np.where(unknown, np.inf, self.n))
        return self._solve(objective, bounds, eye_array(len(self.n)), 0, condition)

    def _solve(
        self, price: np.ndarray, bounds: Bounds, step: Any, start: Any, condition: _Condition | None
    ) -> Any:
        """Solve for the cheapest ``start + step @ x`` that is a possible table."""
        floors = self.size @ (np.zeros(len(self.n)) + start)
        constraints = [LinearConstraint(self.size @ step, self.floor - floors, np.inf)]
        if self.equations.shape[0]:
            constraints.append(LinearConstraint(self.equations @ step, 0, 0))
        if condition is not None:
            left = condition.bound - float(condition.part @ (np.zeros(len(self.n)) + start))
            row = coo_array(condition.part[None, :]) @ step
            low, high = (-np.inf, left) if condition.at_most else (left, np.inf)
            constraints.append(LinearConstraint(row, low, high))
        return milp(
            price,
            integrality=np.ones(len(price), dtype=np.int64),
            bounds=bounds,
            constraints=constraints,
            options={"mip_rel_gap": 0},
        )


def _prices(
    keys: Sequence[Hashable], sizes: Mapping[Hashable, int], sums: Iterable[Sum]
) -> np.ndarray:
    """What it costs to withhold a person of each group: its size, and what its parts cost."""
    parts: dict[Hashable, set[Hashable]] = defaultdict(set)
    for each in sums:
        parts[each.total].update(each.parts)

    @cache
    def price(key: Hashable) -> int:
        return sizes[key] + sum(map(price, parts[key]))

    return np.array([price(key) for key in keys], dtype=np.int64)
