"""Rows of the report: a figure, and the goal it is held against."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Row:
    name: str
    value: float
    unit: str
    goal: float | None = None
    kind: Literal["min", "max"] | None = None

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value >= self.goal if self.kind == "min" else self.value <= self.goal

    def __str__(self) -> str:
        figure = f"{self.value:,.3g}" if self.value < 100 else f"{self.value:,.0f}"
        goal = "" if self.goal is None else f"{'>=' if self.kind == 'min' else '<='} {self.goal:g}"
        mark = {None: "", True: "met", False: "MISSED"}[self.met]
        return f"{self.name:<52} {figure:>10} {self.unit:<14} {goal:<9} {mark}".rstrip()


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
