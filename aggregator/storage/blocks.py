"""Blocks: the tallies of a day or a month as one matrix, and sums over many blocks."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import Any, Literal, NamedTuple

import numpy as np

Grouping = Literal[
    "centre", "department", "counter", "channel", "day", "week", "month", "quarter", "year",
    "question", "factor", "code", "measure", "weekday", "hour", "rules",
]  # fmt: skip
Key = tuple[Any, ...]
NUMBERS = frozenset({"code", "weekday", "hour"})  # the groupings whose keys are whole numbers


# By grouping of time: a function from a day to the first day of its week, month, …
TIMES: Mapping[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda day: day.replace(month=1, day=1),
}


class Keys(tuple[Key, ...]):
    """The keys of a block's items or places. The hash is kept: many blocks share their keys."""

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _at(self) -> Mapping[Key, int]:
        return {key: number for number, key in enumerate(self)}

    def positions(self, keys: Iterable[Key]) -> np.ndarray:
        """Where these keys are among them. Raises KeyError for one that is not."""
        at = self._at
        return np.array([at[key] for key in keys], dtype=np.int64)


class Block(NamedTuple):
    """The tallies of one day or several as a matrix.

    ``values`` are whole numbers of shape (sums, items, places). An item is a tuple such as
    (question, code), a place one such as (channel, department, counter); see rollups.Layout.
    """

    items: Keys
    places: Keys
    values: np.ndarray

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[Any]], items: int, places: int, sums: int) -> "Block":
        """Make a block of rows whose columns are the parts of an item, of a place, then the sums.

        ``items``, ``places`` and ``sums`` are the numbers of columns of each. No two rows may
        have the same item and place.
        """
        width = items + places
        columns = list(zip(*rows, strict=True)) or [()] * (width + sums)
        of_rows = (
            list(zip(*columns[:items], strict=True)),
            list(zip(*columns[items:width], strict=True)),
        )
        keys = [Keys(sorted(set(parts))) for parts in of_rows]
        values = np.zeros((sums, *map(len, keys)), dtype=np.int64)
        at = [among.positions(parts) for parts, among in zip(of_rows, keys, strict=True)]
        values[:, at[0], at[1]] = np.array(columns[width:], dtype=np.int64)
        return cls(keys[0], keys[1], values)

    def plus(self, other: "Block") -> "Block":
        """The sums of both, of one layout; either may have keys that the other has not."""
        try:
            values = added_at(self.values.astype(np.int64), self.items, self.places, other)
        except KeyError:
            return merged([self, other], len(self.values))
        return self._replace(values=values)


@dataclass(frozen=True)
class Totals:
    """What add_up returns: ``values`` of shape (times, sums, items, places), and the labels."""

    times: list[Any]
    items: list[Any]
    places: list[Any]
    values: np.ndarray


class Stack(NamedTuple):
    """The tallies of days, ascending, each a matrix of the same items and places.

    ``values`` are whole numbers of shape (days, sums, items, places). On a day that is not among
    ``days`` nobody answered.
    """

    days: tuple[date, ...]
    items: Keys
    places: Keys
    values: np.ndarray

    @property
    def blocks(self) -> list[tuple[date, Block]]:
        """The days with their blocks."""
        return [
            (day, Block(self.items, self.places, values))
            for day, values in zip(self.days, self.values, strict=True)
        ]

    @property
    def whole(self) -> Block:
        """The sums of all days."""
        return Block(self.items, self.places, self.values.sum(axis=0, dtype=np.int64))

    def with_day(self, day: date, block: Block) -> "Stack":
        """The same with another block of one day, whose items and places are among these.

        Several of its places may be the same. Raises KeyError where one is not among these.
        """
        at = bisect_left(self.days, day)
        there = self.days[at : at + 1] == (day,)
        none = np.zeros(self.values.shape[1:], dtype=np.int64)
        values = added_at(none, self.items, self.places, block)
        parts = [self.values[:at], values[None], self.values[at + there :]]
        days = (*self.days[:at], day, *self.days[at + there :])
        return self._replace(days=days, values=np.concatenate(parts))


def added_at(values: np.ndarray, items: Keys, places: Keys, block: Block) -> np.ndarray:
    """Add a block's numbers to ``values`` of shape (sums, items, places), which are returned.

    Raises KeyError for an item or a place that is not among these.
    """
    rows, columns = items.positions(block.items), places.positions(block.places)
    np.add.at(values, np.ix_(np.arange(len(values)), rows, columns), block.values)
    return values


def stacked(blocks: Iterable[tuple[date, Block]]) -> list[Stack]:
    """Blocks of a day each, in the order of their days, as stacks: one of those whose keys agree.

    A day may be in several of them.
    """
    alike: dict[tuple[Keys, Keys], dict[date, np.ndarray]] = defaultdict(dict)
    for day, block in blocks:
        of_keys = alike[block.items, block.places]
        before = of_keys.get(day)
        values = block.values
        of_keys[day] = values if before is None else before.astype(np.int64) + values
    return [
        Stack(tuple(days), *keys, np.stack(list(days.values()))) for keys, days in alike.items()
    ]


def one_stack(blocks: Sequence[tuple[date, Block]], sums: int) -> Stack:
    """Blocks of a day each, of ``sums`` sums, in the order of their days, as a single stack."""
    totals = add_up(blocks, sums, _same, _same, _same)
    keys = _shared(Keys(totals.items)), _shared(Keys(totals.places))
    return Stack(tuple(totals.times), *keys, totals.values)


def merged(blocks: Sequence[Block], sums: int) -> Block:
    """Add blocks of one layout, which has ``sums`` sums, up to a single block."""
    totals = add_up([(date.min, block) for block in blocks], sums, _same, _same, _same)
    items, places = _shared(Keys(totals.items)), _shared(Keys(totals.places))
    return Block(items, places, totals.values.sum(axis=0))


@lru_cache(512)
def _shared(keys: Keys) -> Keys:
    """The first of equal keys: to find what shares them takes no look at each."""
    return keys


def _same(key: Any) -> Any:
    return key


def add_up(
    blocks: Sequence[tuple[date, Block]],
    sums: int,
    time: Callable[[date], Hashable],
    item: Callable[[Key], Hashable | None],
    place: Callable[[Key], Hashable | None],
) -> Totals:
    """Add up all numbers of blocks that have the same labels.

    ``blocks`` are pairs of a first day and its block. ``time``, ``item`` and ``place`` return
    the label of a first day, an item and a place; items and places with the label None are left
    out. Only the first ``sums`` sums of each block are added.

    For speed, blocks with the same time label, items and places are added as they are, before
    their numbers are sorted by label: most blocks of a survey share items and places.
    """
    times, items, places = _Labels(time), _Labels(item), _Labels(place)
    alike: dict[tuple[int, Keys, Keys], list[Block]] = defaultdict(list)
    for day, block in blocks:
        alike[times.of_key(day), block.items, block.places].append(block)
    plan = [
        (at, items.of_keys(of_items), places.of_keys(of_places), group)
        for (at, of_items, of_places), group in alike.items()
    ]
    shape = (len(items.labels), len(places.labels) + 1)  # the last column collects what is left out
    # np.bincount adds doubles, which hold whole numbers exactly up to 2^53.
    totals = np.zeros((len(times.labels), sums, *shape))
    for at, rows, columns, group in plan:
        kept = rows >= 0
        cells = (rows[kept, None] * shape[1] + columns % shape[1]).ravel()
        values = sum(block.values[:sums, kept].astype(np.int64) for block in group)
        for into, added in zip(totals[at], np.asarray(values), strict=True):
            into += np.bincount(cells, added.ravel(), into.size).reshape(shape)
    whole = totals[..., :-1].astype(np.int64)
    return Totals(list(times.labels), list(items.labels), list(places.labels), whole)


def by_day(
    stacks: Sequence[Stack],
    sums: int,
    item: Callable[[Key], Hashable | None],
    place: Callable[[Key], Hashable | None],
) -> Totals:
    """As add_up, of the blocks of stacks, by their days, which are in order."""
    items, places = _Labels(item), _Labels(place)
    labelled = [(one, items.of_keys(one.items), places.of_keys(one.places)) for one in stacks]
    times = {day: n for n, day in enumerate(sorted({day for one in stacks for day in one.days}))}
    totals = np.zeros((len(times), sums, len(items.labels), len(places.labels)), dtype=np.int64)
    for one, of_items, of_places in labelled:
        rows, columns = _runs(of_items.tobytes()), _runs(of_places.tobytes())
        at = np.array([times[day] for day in one.days])
        cells = np.ix_(at, np.arange(sums), rows.labels, columns.labels)
        totals[cells] += _added(one.values[:, :sums], rows, columns)
    return Totals(list(times), list(items.labels), list(places.labels), totals)


class _Runs(NamedTuple):
    """An order in which keys of one label follow one another, where each label starts, and these.

    Keys without a label are not in it.
    """

    order: np.ndarray
    starts: np.ndarray
    labels: np.ndarray


def _added(values: np.ndarray, rows: _Runs, columns: _Runs) -> np.ndarray:
    """Days of matrices, with the items and places of one label added up.

    In whole numbers: by matrices of 0 and 1 it would take the library's threads, which wait for
    each other.
    """
    kept = values.take(rows.order, axis=2).take(columns.order, axis=3)
    added = np.add.reduceat(kept, columns.starts, axis=3, dtype=np.int64)
    return np.add.reduceat(added, rows.starts, axis=2)


@lru_cache(512)
def _runs(labels: bytes) -> _Runs:
    """The runs of what _Labels.of_keys returns, as bytes."""
    numbers = np.frombuffer(labels, dtype=np.int64)
    order = np.argsort(numbers, kind="stable")[np.count_nonzero(numbers < 0) :]
    found, starts = np.unique(numbers[order], return_index=True)
    return _Runs(order, starts, found)


class _Labels:
    """Numbers labels in the order in which they first appear; the label None is -1."""

    def __init__(self, label: Callable[[Any], Hashable | None]) -> None:
        self.labels: dict[Hashable, int] = {}
        self._label = label
        self._numbers: dict[Key, int] = {}
        self._known: dict[Keys, np.ndarray] = {}

    def of_key(self, key: Hashable) -> int:
        label = self._label(key)
        return -1 if label is None else self.labels.setdefault(label, len(self.labels))

    def of_keys(self, keys: Keys) -> np.ndarray:
        if keys not in self._known:  # most of its keys are those of other blocks, too
            numbers = self._numbers
            for key in keys:
                if key not in numbers:
                    numbers[key] = self.of_key(key)
            self._known[keys] = np.array([numbers[key] for key in keys], dtype=np.int64)
        return self._known[keys]


def grouped(
    blocks: Sequence[tuple[date, Block]],
    items: Sequence[str],
    places: Sequence[str],
    by: Sequence[str],
    sums: Sequence[str],
    *,
    keep_item: Callable[[Key], bool],
    keep_place: Callable[[Key], bool],
    follow: Callable[[Key], Key] = lambda key: key,
) -> dict[str, Any]:
    """Group the sums of blocks, given with their first days; returns the columns of a table.

    ``items`` and ``places`` name the parts of the blocks' items and places. ``by`` names the
    columns to group by: such parts, keys of TIMES, or centre, which is the same in all rows.
    ``sums`` names the blocks' first sums, a column each. Only items and places for which
    ``keep_item`` and ``keep_place`` are true count; ``follow`` gives the place that a place counts
    for. Rows without answers are left out; the
    others are in the order of their days.
    """
    times = [name for name in by if name in TIMES]
    of_items, of_places = (
        [(name, parts.index(name)) for name in by if name in parts] for parts in (items, places)
    )
    item, place = (_parts([at for _, at in named]) for named in (of_items, of_places))
    totals = add_up(
        blocks,
        len(sums),
        lambda day: tuple(TIMES[name](day) for name in times),
        lambda key: item(key) if keep_item(key) else None,
        lambda key: place(at) if keep_place(at := follow(key)) else None,
    )
    there = np.nonzero(totals.values[:, 0])  # the first sum is 0 only where nothing was counted
    columns: dict[str, Any] = {"centre": np.full(len(there[0]), "centre", dtype=object)}
    labelled: tuple[tuple[Sequence[str], list[Any]], ...] = (
        (times, totals.times),
        ([name for name, _ in of_items], totals.items),
        ([name for name, _ in of_places], totals.places),
    )
    for (names, labels), at in zip(labelled, there, strict=True):
        for number, name in enumerate(names):
            kind = np.int64 if name in NUMBERS else object
            columns[name] = np.array([label[number] for label in labels], dtype=kind)[at]
    for number, name in enumerate(sums):
        columns[name] = totals.values[:, number][there]
    return {name: columns[name] for name in (*by, *sums)}


def _parts(positions: Sequence[int]) -> Callable[[Key], Key]:
    """A function that returns the parts of a key at these positions, as a tuple."""
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda key: tuple(key[position] for position in positions)
