"""Tests of aggregator.storage.blocks: sums over many blocks against adding up cell by cell."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aggregator.storage.blocks import Block, Key, by_day, stacked

SUMS = 2
cells = st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.sampled_from("xyz"))
tables = st.dictionaries(cells, st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6)
days = st.integers(0, 3).map(lambda number: date(2026, 11, 23) + timedelta(days=number))


def item(key: Key) -> Any:
    return None if key[1] == 3 else key[0]


def place(key: Key) -> Any:
    return None if key[0] == "z" else key[0]


@given(st.lists(st.tuples(days, tables), max_size=8))
def test_days_are_added_up_whoever_answered_on_them(
    found: list[tuple[date, dict[tuple[str, int, str], tuple[int, int]]]],
) -> None:
    """Several blocks may be of one day, such as those of several centres."""
    found.sort(key=lambda one: one[0])
    blocks = [
        (day, Block.of_rows([(*key, *sums) for key, sums in table.items()], 2, 1, SUMS))
        for day, table in found
    ]
    totals = by_day(stacked(blocks), SUMS, item, place)
    expected: Counter[tuple[Any, ...]] = Counter()
    for day, table in found:
        for (question, code, at), sums in table.items():
            if code != 3 and at != "z":
                for number, value in enumerate(sums):
                    expected[day, number, question, at] += value
    given_ = {
        (day, number, label, at): int(totals.values[t, number, i, p])
        for t, day in enumerate(totals.times)
        for number in range(SUMS)
        for i, label in enumerate(totals.items)
        for p, at in enumerate(totals.places)
    }
    assert totals.times == sorted({day for day, _ in found})
    assert {key: n for key, n in given_.items() if n} == {k: n for k, n in expected.items() if n}
