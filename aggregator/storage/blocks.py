"""Blocks: the tallies of a day or a month as one matrix, and sums over many blocks."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from operator import itemgetter
from typing import Any, Literal, NamedTuple

import numpy as np

Grouping = Literal[
    "centre", "department", "counter", "channel", "day", "week", "month", "quarter", "year",
    "question", "factor", "code", "measure",
]  # fmt: skip
Key = tuple[Any, ...]

# The first day of the part of time that a day lies in.
TIMES: Mapping[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda day: day.replace(month=1, day=1),
}


class Keys(tuple[Key, ...]):
    """The keys of a block's rows or columns; hashed once, since many blocks have the same."""

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


class Block(NamedTuple):
    """Sums of some days by item and place.

    ``values`` is an array [sum, item, place] of whole numbers. What the parts of an item (such
    as question and code) and of a place (such as channel and department) are, its layout says.
    """

    items: Keys
    places: Keys
    values: np.ndarray

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[Any]], items: int, places: int, sums: int) -> "Block":
        """A block of rows that each have the parts of an item, those of a place, and the sums.

        ``items``, ``places`` and ``sums`` are how many columns each of these has. No two rows
        have the same item and place.
        """
        width = items + places
        columns = list(zip(*rows, strict=True)) or [()] * (width + sums)
        given = (
            list(zip(*columns[:items], strict=True)),
            list(zip(*columns[items:width], strict=True)),
        )
        keys = [Keys(sorted(set(each))) for each in given]
        values = np.zeros((sums, *map(len, keys)), dtype=np.int64)
        at = [_positions(each, among) for each, among in zip(given, keys, strict=True)]
        values[:, at[0], at[1]] = np.array(columns[width:], dtype=np.int64)
        return cls(keys[0], keys[1], values)


def _positions(keys: Iterable[Key], among: Keys) -> list[int]:
    position = {key: number for number, key in enumerate(among)}
    return [position[key] for key in keys]


@dataclass(frozen=True)
class Totals:
    """Sums by label: ``values`` is [time, sum, item, place] in the order of the labels."""

    times: list[Any]
    items: list[Any]
    places: list[Any]
    values: np.ndarray


def merged(blocks: Sequence[Block], sums: int) -> Block:
    """One block with the sums of all blocks; they have one layout, of ``sums`` sums."""
    found = add_up([(date.min, block) for block in blocks], sums, _same, _same, _same)
    return Block(Keys(found.items), Keys(found.places), found.values.sum(axis=0))


def _same(key: Any) -> Any:
    return key


def add_up(
    blocks: Sequence[tuple[date, Block]],
    sums: int,
    time: Callable[[date], Hashable],
    item: Callable[[Key], Hashable | None],
    place: Callable[[Key], Hashable | None],
) -> Totals:
    """Add blocks up by the labels of their first day, their items and their places.

    The three functions give the labels; what has the label None is left out. ``sums`` says how
    many of the blocks' sums are wanted, from the first on.

    Blocks of one survey mostly have the same items and places: each such list is labelled once,
    and blocks of one time that have both in common are added before they are sorted.
    """
    times, items, places = _Labels(time), _Labels(item), _Labels(place)
    alike: dict[tuple[int, Keys, Keys], list[Block]] = defaultdict(list)
    for day, block in blocks:
        alike[times.of_key(day), block.items, block.places].append(block)
    plan = [
        (at, items.of_keys(of_items), places.of_keys(of_places), group)
        for (at, of_items, of_places), group in alike.items()
    ]
    shape = (len(items.labels), len(places.labels) + 1)  # the last place is for those left out
    # Doubles hold whole numbers exactly up to 2^53, more answers than anyone will count.
    totals = np.zeros((len(times.labels), sums, *shape))
    for at, rows, columns, group in plan:
        kept = rows >= 0
        cells = (rows[kept, None] * shape[1] + columns % shape[1]).ravel()
        values = sum(block.values[:sums, kept].astype(np.int64) for block in group)
        for into, added in zip(totals[at], np.asarray(values), strict=True):
            into += np.bincount(cells, added.ravel(), into.size).reshape(shape)
    whole = totals[..., :-1].astype(np.int64)
    return Totals(list(times.labels), list(items.labels), list(places.labels), whole)


class _Labels:
    """Numbers the labels of keys in the order in which they are met; -1 for None."""

    def __init__(self, label: Callable[[Any], Hashable | None]) -> None:
        self.labels: dict[Hashable, int] = {}
        self._label = label
        self._known: dict[Keys, np.ndarray] = {}

    def of_key(self, key: Hashable) -> int:
        label = self._label(key)
        return -1 if label is None else self.labels.setdefault(label, len(self.labels))

    def of_keys(self, keys: Keys) -> np.ndarray:
        if keys not in self._known:
            self._known[keys] = np.array([self.of_key(key) for key in keys], dtype=np.int64)
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
) -> dict[str, Any]:
    """Sums of blocks, each with its first day, as columns of a table.

    ``items`` and ``places`` name the parts of the blocks' items and places; ``by`` names the
    columns to group by: such parts, keys of TIMES, or centre, which is the same for all.
    ``sums`` names the first of the blocks' sums, each a column too. The rows are those with
    something to count, in the order of their days.
    """
    times = [name for name in by if name in TIMES]
    of_items, of_places = (
        [(name, parts.index(name)) for name in by if name in parts] for parts in (items, places)
    )
    item, place = (_parts([at for _, at in each]) for each in (of_items, of_places))
    found = add_up(
        blocks,
        len(sums),
        lambda day: tuple(TIMES[name](day) for name in times),
        lambda key: item(key) if keep_item(key) else None,
        lambda key: place(key) if keep_place(key) else None,
    )
    there = np.nonzero(found.values[:, 0])  # whatever is counted counts in the first sum
    columns: dict[str, Any] = {"centre": np.full(len(there[0]), "centre", dtype=object)}
    labelled: tuple[tuple[Sequence[str], list[Any]], ...] = (
        (times, found.times),
        ([name for name, _ in of_items], found.items),
        ([name for name, _ in of_places], found.places),
    )
    for (names, labels), at in zip(labelled, there, strict=True):
        for number, name in enumerate(names):
            kind = np.int64 if name == "code" else object
            columns[name] = np.array([label[number] for label in labels], dtype=kind)[at]
    for number, name in enumerate(sums):
        columns[name] = found.values[:, number][there]
    return {name: columns[name] for name in (*by, *sums)}


def _parts(positions: Sequence[int]) -> Callable[[Key], Key]:
    """A function that takes these parts of a key, as a tuple."""
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda key: tuple(key[position] for position in positions)
