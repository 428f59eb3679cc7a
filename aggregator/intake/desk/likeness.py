"""How much of two tables is the same, by a few hundred of their rows.

Of the hashes of all rows the smallest are kept, with how often each row stands there: the same
rows of every table, whatever their order (a bottom-k sketch: Cohen, Kaplan, PODC 2007).
"""

import hashlib
from collections.abc import Mapping
from heapq import heappop, heappush

KEPT = 256  # rows
LIKE = 0.5  # of the rows of the smaller table: then it may be the other one corrected (our choice)

Sketch = Mapping[str, int]  # by hash, in hexadecimal of one length, how often


class Sketcher:
    """Takes the rows of a table one by one."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._largest: list[int] = []  # their hashes, negative

    def add(self, row: bytes, times: int = 1) -> None:
        number = int.from_bytes(hashlib.blake2b(row, digest_size=8).digest())
        if number in self._counts:
            self._counts[number] += times
        elif len(self._counts) < KEPT or number < -self._largest[0]:
            self._counts[number] = times
            heappush(self._largest, -number)
            if len(self._counts) > KEPT:
                del self._counts[-heappop(self._largest)]

    @property
    def sketch(self) -> dict[str, int]:
        return {f"{number:016x}": n for number, n in sorted(self._counts.items())}


def shared(one: Sketch, other: Sketch) -> float:
    """Which part of the rows of the smaller table the other has as well, from 0 to 1."""
    # Beyond the largest hash of a full sketch it is not known what its table has.
    last = min((max(some) for some in (one, other) if len(some) == KEPT), default="g")
    sizes = [sum(n for number, n in some.items() if number <= last) for some in (one, other)]
    both = sum(min(n, other.get(number, 0)) for number, n in one.items() if number <= last)
    return both / min(sizes) if all(sizes) else 0.0
