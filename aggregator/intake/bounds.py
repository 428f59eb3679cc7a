"""Reads the lowest and highest province by statement, which PCI scores need, from a CSV file."""

from collections.abc import Mapping
from pathlib import Path

from aggregator.indices.pci import ProvinceBounds, extremes
from aggregator.intake.files import read_table
from surveys.definition import Survey
from surveys.messages import Language
from surveys.wire import Refused


def read_bounds(
    path: Path, survey: Survey, language: Language
) -> tuple[dict[str, ProvinceBounds], list[tuple[int, str]]]:
    """Bounds by question from a CSV file with columns statement, min, max; errors by line.

    Raises files.FileError for a file that cannot be read at all.
    """
    questions = {q.id: q for factor in survey.factors for q in factor.questions}

    def bounds(name: str, numbers: Mapping[str, float]) -> ProvinceBounds:
        for column in ("min", "max"):
            if column not in numbers:
                raise Refused(column, "missing_number")
            low, high = extremes(questions[name])
            if not low <= numbers[column] <= high:
                raise Refused(column, "out_of_bounds", low=low, high=high)
        if numbers["min"] >= numbers["max"]:
            raise Refused("max", "not_above_minimum")
        return ProvinceBounds(numbers["min"], numbers["max"])

    return read_table(path, "statement", questions, ("min", "max"), language, bounds)
