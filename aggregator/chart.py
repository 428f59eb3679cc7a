"""Where a share lies on the interval chart, whose axis ends at 100 %, and a level's colour."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """From ``floor`` (a fraction) to 1. Positions are percentages of the width, as SVG takes."""

    floor: float

    @classmethod
    def around(cls, values: Iterable[float | None]) -> "Axis":
        """An axis that shows all values, beginning at a round share, at most at 80 %."""
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
        """The ticks with a label: of many, those beside the ends have no room for one."""
        ticks = self.ticks
        return ticks if len(ticks) < 5 else [ticks[0], *ticks[2:-2], ticks[-1]]


def tone(place: int, levels: int) -> int:
    """The colour, 5 best to 1 worst, of a level by its place (0 best) on a scale."""
    return 5 - round(4 * place / (levels - 1))
