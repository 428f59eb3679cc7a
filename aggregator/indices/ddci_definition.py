"""The definition of a DDCI: components with weights, statements and numbers from records."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from surveys.definition import Identifier, Model, Text


class HardIndicator(Model):
    """A number from records for each department: a column of the hard data."""

    column: Identifier
    name: Text
    direction: Literal["higher_is_better", "lower_is_better"] = "higher_is_better"


class Component(Model):
    """A part of the composite; ``weight`` is in percent, ``statements`` are questions' ids."""

    id: Identifier
    name: Text
    weight: Annotated[float, Field(gt=0)]
    statements: tuple[Identifier, ...] = ()
    hard: tuple[HardIndicator, ...] = ()
    note: Text | None = None


class Ddci(Model):
    """How a province ranks its departments; ``hard_data`` names a CSV file beside this file."""

    survey: Identifier
    source: Text
    minimum_answers: Annotated[int, Field(ge=1)]
    hard_data: str | None = None
    components: tuple[Component, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = math.fsum(component.weight for component in self.components)
        if not math.isclose(total, 100, abs_tol=1e-6):
            raise ValueError(f"components: weights are {total:g} together, not 100")
        names = [name for c in self.components for name in (c.id, *c.statements)]
        names += [hard.column for hard in self.hard]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"components: used twice: {', '.join(sorted(doubled))}")
        return self

    @property
    def statements(self) -> tuple[str, ...]:
        return tuple(name for component in self.components for name in component.statements)

    @property
    def hard(self) -> tuple[HardIndicator, ...]:
        return tuple(hard for component in self.components for hard in component.hard)
