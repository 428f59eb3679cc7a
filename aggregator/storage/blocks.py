"""Blocks: the tallies of a day or a month as one matrix, and sums over many blocks."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import itemgetter
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

Grouping = Literal[
    "centre", "department", "counter", "channel", "day", "week", "month", "quarter", "year",
    "question", "factor", "code", "measure",
]  # fmt: skip
Item = tuple[str, str | int]  # a question and a code, or a factor and a measure
Place = tuple[str, str, str]  # channel, department, counter
T = TypeVar("T", bound=Hashable)

# What a grouping makes of a block's first day, and where it is in a place and in an item.
TIMES: Mapping[Grouping, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda day: day.replace(month=1, day=1),
}
PLACES = {"channel": 0, "department": 1, "counter": 2}
ITEMS = {"question": 0, "factor": 0, "code": 1, "measure": 1}


class Block(NamedTuple):
    """Sums of some days by item and place; ``values`` is [sum, item, place], whole numbers."""

    items: tuple[Item, ...]
    places: tuple[Place, ...]
    values: np.ndarray

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[Any]], sums: int) -> "Block":
        """Of rows (item's two, place's three, sums), each item and place together once."""
        columns = list(zip(*rows, strict=True)) or [()] * (5 + sums)
        given = list(zip(*columns[:2], strict=True)), list(zip(*columns[2:5], strict=True))
        items, places = (dict.fromkeys(sorted(set(keys))) for keys in given)
        values = np.zeros((sums, len(items), len(places)), dtype=np.int64)
        at = [_numbered(keys, among) for keys, among in zip(given, (items, places), strict=True)]
        values[:, at[0], at[1]] = np.array(columns[5:], dtype=np.int64)
        return cls(tuple(items), tuple(places), values)


@dataclass(frozen=True)
class Totals:
    """Sums by label; ``values`` is [time, sum, item, place], the labels in the same order."""

    times: list[Any]
    items: list[Any]
    places: list[Any]
    values: np.ndarray


def _numbered(keys: Iterable[Hashable], among: Iterable[Hashable]) -> list[int]:
    number = {key: place for place, key in enumerate(among)}
    return [number[key] for key in keys]


def merged(blocks: Sequence[Block], sums: int) -> Block:
    """One block of all their sums."""
    found = add_up([(date.min, block) for block in blocks], sums, _same, _same, _same)
    return Block(tuple(found.items), tuple(found.places), found.values.sum(axis=0))


def _same(key: T) -> T:
    return key


def add_up(
    blocks: Sequence[tuple[date, Block]],
    sums: int,
    time: Callable[[date], Hashable],
    item: Callable[[Item], Hashable | None],
    place: Callable[[Place], Hashable | None],
) -> Totals:
    """The first sums of blocks by the labels that functions give; None leaves something out.

    Blocks of one survey mostly have the same items and places: each such list is looked at
    once, and blocks of one time that have both in common are added before they are sorted.
    """
    times, items, places = _Labels(time), _Labels(item), _Labels(place)
    alike: dict[tuple[int, int, int], list[Block]] = defaultdict(list)
    for day, block in blocks:
        alike[times.of_key(day), id(block.items), id(block.places)].append(block)
    plan = [
        (at, items.of_keys(group[0].items), places.of_keys(group[0].places), group)
        for (at, _, _), group in alike.items()
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
        self._seen: dict[int, np.ndarray] = {}

    def of_key(self, key: Hashable) -> int:
        label = self._label(key)
        return -1 if label is None else self.labels.setdefault(label, len(self.labels))

    def of_keys(self, keys: tuple[Hashable, ...]) -> np.ndarray:
        """``keys`` must live as long as this object: they are known again by identity."""
        if id(keys) not in self._seen:
            self._seen[id(keys)] = np.array([self.of_key(key) for key in keys], dtype=np.int64)
        return self._seen[id(keys)]


def grouped(
    blocks: Sequence[tuple[date, Block]],
    by: Sequence[Grouping],
    sums: Sequence[str],
    *,
    keep_item: Callable[[Item], bool],
    keep_place: Callable[[Place], bool],
) -> dict[str, Any]:
    """Sums of blocks as columns, one for each grouping and one for each of their first sums.

    Rows are those with something to count, in the order of their days.
    """
    times, items, places = ([key for key in by if key in of] for of in (TIMES, ITEMS, PLACES))
    of_item, of_place = (
        _parts([of[key] for key in keys]) for of, keys in ((ITEMS, items), (PLACES, places))
    )
    found = add_up(
        blocks,
        len(sums),
        lambda day: tuple(TIMES[key](day) for key in times),
        lambda one: of_item(one) if keep_item(one) else None,
        lambda one: of_place(one) if keep_place(one) else None,
    )
    there = np.nonzero(found.values[:, 0])  # whatever is counted counts in the first sum
    columns: dict[str, Any] = {"centre": np.full(len(there[0]), "centre", dtype=object)}
    labelled: tuple[tuple[Sequence[str], list[Any]], ...] = (
        (times, found.times),
        (items, found.items),
        (places, found.places),
    )
    for (names, labels), at in zip(labelled, there, strict=True):
        for number, name in enumerate(names):
            kind = np.int64 if name == "code" else object
            columns[name] = np.array([label[number] for label in labels], dtype=kind)[at]
    for number, name in enumerate(sums):
        columns[name] = found.values[:, number][there]
    return {name: columns[name] for name in (*by, *sums)}


def _parts(positions: Sequence[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Takes these parts of an item or place, as a tuple."""
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda key: tuple(key[position] for position in positions)
