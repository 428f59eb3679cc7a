"""Where shares, differences and points in time lie on a chart, and a level's colour."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, Protocol, TypeVar


@dataclass(frozen=True)
class Axis:
    """An axis of shares from ``floor`` to 1. Positions are % of the drawing's width, as in SVG."""

    floor: float

    @classmethod
    def around(cls, values: Iterable[float | None]) -> "Axis":
        """The axis that begins at a whole tenth below all values, at most at 80 %."""
        lowest = min((value for value in values if value is not None), default=1.0)
        tenths = min(8, math.floor(lowest * 10))
        # Below a half the ticks stand two tenths apart, so the axis begins at an even one.
        return cls((tenths if tenths >= 5 else tenths - tenths % 2) / 10)

    def x(self, share: float) -> str:
        place = (share - self.floor) / (1 - self.floor)
        return f"{2 + 96 * min(1.0, max(0.0, place)):.2f}%"

    @property
    def ticks(self) -> list[float]:
        """Three to six round shares, both ends included."""
        tenths = round((1 - self.floor) * 10)
        step = 0.05 if tenths <= 2 else 0.1 if tenths <= 5 else 0.2
        count = round((1 - self.floor) / step)
        return [self.floor + step * number for number in range(count + 1)]

    @property
    def labelled(self) -> list[float]:
        """The ticks with a label. Of five or more, those next to the ends have no room for one."""
        ticks = self.ticks
        return ticks if len(ticks) < 5 else [ticks[0], *ticks[2:-2], ticks[-1]]


class Differences:
    """An axis of differences of shares, zero in the middle. Positions are % of the width."""

    def __init__(self, reach: float) -> None:
        self.reach = reach

    @classmethod
    def around(cls, values: Iterable[float | None]) -> "Differences":
        """The axis that holds all values: a multiple of five percentage points, at least five."""
        furthest = max((abs(value) for value in values if value is not None), default=0.0)
        return cls(max(1, -int(-furthest // 0.05)) * 0.05)

    def x(self, value: float) -> str:
        return f"{50 + 48 * min(1.0, max(-1.0, value / self.reach)):.2f}%"

    @property
    def ticks(self) -> tuple[float, ...]:
        return (-self.reach, 0.0, self.reach)


def span(shares: Sequence[float]) -> tuple[float, float, float]:
    """An axis around shares: start and end, at least 0.1 apart, and the step of its ticks."""
    low, high = min(shares, default=0.0), max(shares, default=1.0)
    for step in (0.02, 0.05, 0.1, 0.2):
        floor = math.floor(low / step + 1e-9) * step
        ceiling = min(1.0, math.ceil(high / step - 1e-9) * step)
        floor = max(0.0, min(floor, ceiling - 5 * step))
        if (ceiling - floor) / step <= 7:
            return floor, ceiling, step
    return 0.0, 1.0, 0.2


def tone(place: int, levels: int) -> int:
    """The colour, 5 (best) to 1, of a level by its place (0 is best) among ``levels`` levels."""
    return 5 - round(4 * place / (levels - 1))


class Dot(Protocol):
    """A point of a timeline: a share of n answers. Lines join points of one series only."""

    @property
    def n(self) -> float: ...
    @property
    def share(self) -> float | None: ...
    @property
    def series(self) -> int: ...


D = TypeVar("D", bound=Dot, covariant=True)


@dataclass(frozen=True)
class Timeline(Generic[D]):
    """Positions of the points of a line: x in percent of the width, y in pixels from the top."""

    axis: Axis
    points: Sequence[D]
    height: float = 240.0
    top: float = 14.0

    def x(self, place: float) -> str:
        """The x of a point by its number, from 0; halves are the borders between two points."""
        return f"{6 + 93 * (place + 0.5) / len(self.points):.2f}%"

    def y(self, share: float) -> str:
        part = (1 - share) / (1 - self.axis.floor)
        return f"{self.top + (self.height - self.top) * min(1.0, max(0.0, part)):.1f}"

    def joined(self) -> list[tuple[int, D, D]]:
        """Neighbours to join by a line, after the first one's number.

        Both have answers, and both are of one series.
        """
        return [
            (number, before, after)
            for number, (before, after) in enumerate(pairwise(self.points))
            if before.n and after.n and before.series == after.series
        ]

    @property
    def labelled(self) -> list[int]:
        """Numbers of the points with a label: about ten, evenly spaced, the newest among them."""
        last, step = len(self.points) - 1, -(-len(self.points) // 10)
        return [place for place in range(len(self.points)) if (last - place) % step == 0]
