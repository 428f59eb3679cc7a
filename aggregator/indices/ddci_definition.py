"""What DDCI is made of: components, weights, statements of a survey, numbers from records."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from aggregator.indices.scores import read_table
from surveys.definition import DefinitionError, Identifier, Model, Survey, Text, load_toml
from surveys.messages import Language


class HardIndicator(Model):
    """A number from records, one a department: a column of the hard data."""

    column: Identifier
    name: Text
    direction: Literal["higher_is_better", "lower_is_better"] = "higher_is_better"


class Component(Model):
    """``statements`` are questions of the survey; ``note`` says what they do and do not tell."""

    id: Identifier
    name: Text
    weight: Annotated[float, Field(gt=0)]
    statements: tuple[Identifier, ...] = ()
    hard: tuple[HardIndicator, ...] = ()
    note: Text | None = None


class Ddci(Model):
    """What a province ranks its departments by. ``hard_data`` is a CSV file beside this one."""

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
        return tuple(one for component in self.components for one in component.statements)

    @property
    def hard(self) -> tuple[HardIndicator, ...]:
        return tuple(hard for component in self.components for hard in component.hard)


def load_ddci(path: Path, surveys: Mapping[str, Survey]) -> Ddci:
    """Read a DDCI file. Raises DefinitionError, which names file, key and reason."""
    config = load_toml(path, Ddci)
    survey = surveys.get(config.survey)
    if survey is None:
        raise DefinitionError(f"{path.name}: survey: there is no survey {config.survey!r}")
    for component in config.components:
        for statement in component.statements:
            if statement not in survey.measured_ids:
                key = f"{path.name}: components.{component.id}.statements"
                raise DefinitionError(f"{key}: {survey.id} has no measured question {statement!r}")
    return config


def read_hard_data(
    path: Path, config: Ddci, departments: Sequence[str], language: Language
) -> tuple[dict[str, Mapping[str, float]], list[tuple[int, str]]]:
    """Numbers by department and column of a CSV file, and the errors by line.

    Its columns are department and those of the configuration. Raises files.FileError.
    """
    columns = [hard.column for hard in config.hard]
    return read_table(path, "department", departments, columns, language, lambda _, row: row)
