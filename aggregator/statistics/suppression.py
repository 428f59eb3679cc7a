"""Small groups withheld from what is published, so that no reader can work them out.

A group is a row or cell of a published table: the answers of a department, a counter, a day, a
crossing of them. What it protects is how the people of a small group answered.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, hstack

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
) -> frozenset[Hashable]:
    """The groups of which nothing may be printed: no n, count, share, interval or comparison.

    ``sizes`` are people by group, totals included; ``unprinted`` are groups that the document
    does not show anyway, empty or not; ``unguarded`` those that are unprinted and no secret,
    such as who skipped a question. The rule is ours:

    - A group of 1 to minimum - 1 people is small, and withheld.
    - For every small group each size from 1 to ``minimum`` must stay possible for a reader who
      knows what is printed, the sums, and which groups are empty. Other groups are withheld
      with it until that holds. So no group smaller than ``minimum`` can be had by subtraction:
      it would bound the size of the small groups in it.
    - An empty group is shown as empty: that nobody answered tells how nobody answered.
    - A unanimous group of ``minimum`` or more is shown.

    The others are found small group by small group: the cheapest shift of people between groups
    that gives it the size wanted and leaves every sum right, at a price for each person moved
    in or out of a printed group (Kelly, Golden, Assad, Networks 22 (1992) 397-417). The price is
    the group's size, and for a total that of its parts too: a total is given up last.
    It depends on sizes and keys, not on their order. audit() proves the result.

    It holds for one document, or for several whose sums are all given. How single answers lie
    in a crossing may still show where a total has none of a kind: sizes are guarded, not zeros.
    """
    unknown = {*unprinted, *unguarded}
    table = _Table(sizes, sums, unknown)
    small = table.small(minimum, unguarded)
    hidden = table.among(unknown)
    hidden[small] = True
    low, high = table.n.copy(), table.n.copy()  # sizes shown to be possible so far
    for cell in small:
        for wanted in (1, minimum):
            if low[cell] <= wanted <= high[cell]:
                continue
            found = table.cheapest(cell, wanted, np.where(hidden, 0, table.price))
            hidden |= found != table.n
            low, high = np.minimum(low, found), np.maximum(high, found)
    return frozenset(table.keys[cell] for cell in np.flatnonzero(hidden))


def audit(
    sizes: Mapping[Hashable, int],
    sums: Iterable[Sum],
    minimum: int,
    withheld: Collection[Hashable],
    unguarded: Collection[Hashable] = (),
) -> pd.DataFrame:
    """What a reader can find out of each small group: the least and greatest size possible.

    ``withheld`` and ``unguarded`` as withhold returns and takes them.
    Returns key, n, low, high, safe: safe where each size from 1 to minimum is possible. ``high``
    is infinite where nothing bounds it. A small group that is printed is its own size.
    """
    unknown = {*withheld, *unguarded}
    table = _Table(sizes, sums, unknown)
    hidden = table.among(unknown)
    rows = [
        (table.keys[cell], int(table.n[cell]), *table.extremes(cell, hidden))
        for cell in table.small(minimum, unguarded)
    ]
    found = pd.DataFrame(rows, columns=["key", "n", "low", "high"])
    return found.assign(safe=(found["low"] <= 1) & (found["high"] >= minimum))


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


class _Table:
    """Groups not known to be empty, smallest first, and the sums between them as equations."""

    def __init__(
        self,
        sizes: Mapping[Hashable, int],
        sums: Iterable[Sum],
        unknown: Collection[Hashable],
    ) -> None:
        filled = [key for key, n in sizes.items() if n or key in unknown]
        self.keys = sorted(filled, key=lambda key: (sizes[key], repr(key)))
        self.n = np.array([sizes[key] for key in self.keys], dtype=np.int64)
        sums = sorted(sums, key=lambda each: (repr(each.total), sorted(map(repr, each.parts))))
        place = {key: number for number, key in enumerate(self.keys)}
        entries = [
            (row, place[key], sign)
            for row, each in enumerate(sums)
            for key, sign in ((each.total, -1), *((part, 1) for part in each.parts))
            if key in place
        ]
        rows, columns, signs = np.array(entries, dtype=np.int64).reshape(-1, 3).T
        self.equations = coo_array((signs, (rows, columns)), (len(sums), len(filled))).tocsr()
        if np.asarray(self.equations @ self.n).any():
            raise ValueError("the parts of a sum do not add up to its total")
        self.price = _prices(self.keys, sizes, sums)

    def among(self, keys: Collection[Hashable]) -> np.ndarray:
        """Which groups are among the keys, as a mask."""
        return np.array([key in keys for key in self.keys], dtype=bool)

    def small(self, minimum: int, unguarded: Collection[Hashable]) -> list[int]:
        few = (self.n > 0) & (self.n < minimum) & ~self.among(unguarded)
        return [int(cell) for cell in np.flatnonzero(few)]

    def cheapest(self, cell: int, wanted: int, price: np.ndarray) -> np.ndarray:
        """Sizes that leave the sums right, a cell's moved as far as ``wanted``, nearest by price.

        There always are some: nobody anywhere, or everybody several times over.
        """
        # Each size is n + more - less, so that the distance from n has a price.
        least, most = np.zeros((2, len(self.n))), np.stack([np.full(len(self.n), np.inf), self.n])
        step = wanted - self.n[cell]
        moved, other = (0, 1) if step > 0 else (1, 0)
        least[moved, cell], most[other, cell] = abs(step), 0
        solution = self._solve(
            np.concatenate([price, price]),
            Bounds(least.ravel(), most.ravel()),
            hstack([self.equations, -self.equations]),
        ).x
        more, less = np.split(np.rint(np.asarray(solution)).astype(np.int64), 2)
        return np.asarray(self.n + more - less)

    def extremes(self, cell: int, hidden: np.ndarray) -> tuple[float, float]:
        """The least and greatest size of a cell, where only the hidden ones are unknown."""
        objective = np.zeros(len(self.n))
        objective[cell] = 1
        bounds = Bounds(np.where(hidden, 0, self.n), np.where(hidden, np.inf, self.n))
        lowest = self._solve(objective, bounds, self.equations)
        highest = self._solve(-objective, bounds, self.equations)
        # The true sizes are possible: what has no solution has no bound.
        return round(lowest.fun), -round(highest.fun) if highest.success else math.inf

    @staticmethod
    def _solve(price: np.ndarray, bounds: Bounds, equations: Any) -> Any:
        constraints = LinearConstraint(equations, 0, 0) if equations.shape[0] else ()
        whole = np.ones(len(price), dtype=np.int64)
        return milp(
            price,
            integrality=whole,
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
