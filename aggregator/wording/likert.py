"""Diverging bars of answers by level: unfavourable ones left of zero, favourable ones right.

Robbins and Heiberger (Plotting Likert and other rating scales, JSM Proceedings 2011) split the
middle level over the zero line. Here it stands apart, so that both sides begin at one line.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aggregator.wording.charts import tone
from surveys.definition import Level

GAP = 4.0  # % of the width between the sides and the middle level


@dataclass(frozen=True)
class Piece:
    """One level's piece; ``x`` and ``width`` are percentages of the drawing's width."""

    level: Level
    tone: int
    share: float
    x: float
    width: float


@dataclass(frozen=True)
class Diverging:
    """One axis for many bars. ``levels`` are best first; of an odd number the middle stands apart.

    ``left``, ``right`` and ``apart`` are how far the sides and the middle reach: shares that hold
    every bar, rounded up to tenths.
    """

    levels: Sequence[Level]
    left: float
    right: float
    apart: float

    @classmethod
    def around(cls, levels: Sequence[Level], rows: Iterable[Mapping[int, int]]) -> "Diverging":
        """The axis that holds all rows of counts by code, with at least a tenth on each side."""
        parts = sides(levels)
        reaches = [0.1, 0.1 if parts[1] else 0.0, 0.1]
        for counts in rows:
            n = sum(counts.values())
            for place, side in enumerate(parts):
                share = sum(counts[level.code] for level in side) / n if n else 0.0
                # Without the small number a rounding error could make exactly 0.3 into 0.4.
                reaches[place] = max(reaches[place], math.ceil(share * 10 - 1e-9) / 10)
        right, apart, left = reaches
        return cls(levels, left, right, apart)

    @property
    def zero(self) -> float:
        """Where the two sides begin."""
        return self.left * self._unit

    @property
    def middle(self) -> float:
        """Where the level that stands apart begins."""
        return 100 - self.apart * self._unit

    @property
    def ends(self) -> list[tuple[float, float]]:
        """Place and share of the axis' ends: of the left, of the right, of the middle level."""
        ends = [(0.0, self.left), (self.zero + self.right * self._unit, self.right)]
        return [*ends, (100.0, self.apart)] if self.apart else ends

    def bars(self, counts: Mapping[int, int]) -> list[Piece]:
        """The pieces of a row from left to right, then the middle level; none without answers."""
        n = sum(counts.values())
        if not n:
            return []
        good, middle, bad = sides(self.levels)
        bars: list[Piece] = []
        start = self.zero - sum(counts[level.code] for level in bad) / n * self._unit
        for level in (*reversed(bad), *reversed(good)):
            bars.append(self._bar(level, counts[level.code] / n, start))
            start += bars[-1].width
        return [*bars, *(self._bar(level, counts[level.code] / n, self.middle) for level in middle)]

    @property
    def _unit(self) -> float:
        """Percent of the drawing's width for a share of 1."""
        return (100 - (GAP if self.apart else 0)) / (self.left + self.right + self.apart)

    def _bar(self, level: Level, share: float, x: float) -> Piece:
        colour = tone(self.levels.index(level), len(self.levels))
        return Piece(level, colour, share, x, share * self._unit)


def sides(levels: Sequence[Level]) -> tuple[Sequence[Level], Sequence[Level], Sequence[Level]]:
    """The levels above the middle, in it and below it."""
    half = len(levels) // 2
    return levels[:half], levels[half : len(levels) - half], levels[len(levels) - half :]
