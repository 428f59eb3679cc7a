"""Reads the DDCI file of a province, and its hard data from a CSV file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aggregator.indices.ddci_definition import Ddci
from aggregator.intake.files import read_table
from surveys.definition import DefinitionError, Survey, load_toml
from surveys.messages import Language


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
    """Read a CSV file of numbers: by department and column, and the errors by line.

    Its columns are department and those of ``config.hard``. Raises files.FileError.
    """
    columns = [hard.column for hard in config.hard]
    return read_table(path, "department", departments, columns, language, lambda _, row: row)
