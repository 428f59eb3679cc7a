"""Blocks: the tallies of a day or a month as one matrix, and sums over many blocks."""

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

_Numbered = list[tuple[int, np.ndarray]]  # the values of days, by the day's number
AT_ONCE = 2**17  # numbers of days that are added up at once: more would not fit into a cache

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
        at = [_positions(parts, among) for parts, among in zip(of_rows, keys, strict=True)]
        values[:, at[0], at[1]] = np.array(columns[width:], dtype=np.int64)
        return cls(keys[0], keys[1], values)


def _positions(keys: Iterable[Key], among: Keys) -> list[int]:
    position = {key: number for number, key in enumerate(among)}
    return [position[key] for key in keys]


@dataclass(frozen=True)
class Totals:
    """What add_up returns: ``values`` of shape (times, sums, items, places), and the labels."""

    times: list[Any]
    items: list[Any]
    places: list[Any]
    values: np.ndarray


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
    blocks: Sequence[tuple[date, Block]],
    sums: int,
    item: Callable[[Key], Hashable | None],
    place: Callable[[Key], Hashable | None],
) -> Totals:
    """As add_up, of blocks of a day each, in the order of their days, which are the times.

    For speed, days in which the same positions have one label are added up as one stack, in whole
    numbers: by matrices of 0 and 1 it would take the library's threads, which wait for each other.
    """
    items, places = _Labels(item), _Labels(place)
    times = {day: number for number, day in enumerate(dict.fromkeys(day for day, _ in blocks))}
    days_of: dict[tuple[Keys, Keys], _Numbered] = defaultdict(list)
    for day, block in blocks:
        days_of[block.items, block.places].append((times[day], block.values))
    alike: dict[tuple[bytes, bytes], list[tuple[np.ndarray, np.ndarray, _Numbered]]]
    alike = defaultdict(list)
    for (of_items, of_places), days in days_of.items():
        by_item, rows = _alike(items.of_keys(of_items))
        by_place, columns = _alike(places.of_keys(of_places))
        alike[by_item, by_place].append((rows, columns, days))
    totals = np.zeros((len(times), sums, len(items.labels), len(places.labels)), dtype=np.int64)
    for patterns, group in alike.items():
        runs = [_runs(one) for one in patterns]
        lengths = [len(days) for _, _, days in group]
        numbers, values = zip(*(day for _, _, days in group for day in days), strict=True)
        at = np.array(numbers)
        of_rows = np.repeat([rows for rows, _, _ in group], lengths, axis=0)
        of_columns = np.repeat([columns for _, columns, _ in group], lengths, axis=0)
        several = max(1, AT_ONCE // max(1, sums * len(runs[0].order) * len(runs[1].order)))
        for start in range(0, len(at), several):
            some = slice(start, start + several)
            into = (
                at[some, None, None, None],
                np.arange(sums)[:, None, None],
                of_rows[some, None, :, None],
                of_columns[some, None, None, :],
            )
            np.add.at(totals, into, _added(values[some], sums, *runs))
    return Totals(list(times), list(items.labels), list(places.labels), totals)


def _alike(labels: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Which keys share a label, and the labels, which are as _Labels has them, as they appear.

    The first is of each key the position of its label among the second, or -1, as 64 bits.
    """
    seen: dict[int, int] = {}
    found = [-1 if one < 0 else seen.setdefault(one, len(seen)) for one in labels.tolist()]
    return np.array(found, dtype=np.int64).tobytes(), np.array(list(seen), dtype=np.int64)


class _Runs(NamedTuple):
    """An order in which keys of one label follow one another, and where each label starts."""

    order: np.ndarray
    starts: np.ndarray


def _added(values: Sequence[np.ndarray], sums: int, rows: _Runs, columns: _Runs) -> np.ndarray:
    """The first ``sums`` sums of matrices, with the items and places of one label added up."""
    shape = (len(values), len(values[0]), len(rows.order), values[0].shape[2])
    stack = np.concatenate([own.take(rows.order, axis=1) for own in values]).reshape(shape)
    stack = stack[:, :sums, :, columns.order]
    added = np.add.reduceat(stack, columns.starts, axis=-1, dtype=np.int64)
    return np.add.reduceat(added, rows.starts, axis=-2)


@lru_cache(512)
def _runs(pattern: bytes) -> _Runs:
    """The runs of what _alike returns first, without -1."""
    labels = np.frombuffer(pattern, dtype=np.int64)
    order = np.argsort(labels, kind="stable")[np.count_nonzero(labels < 0) :]
    return _Runs(order, np.unique(labels[order], return_index=True)[1])


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
