"""Scores from 1 to 10, their weighted composite, and the CSV tables behind them."""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aggregator.intake.files import read_records
from surveys.messages import Language
from surveys.wire import Refused

T = TypeVar("T")

LOWEST, HIGHEST = 1.0, 10.0
NUMBER = re.compile(r"-?[0-9]{1,15}([.,][0-9]{1,15})?")


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def min_max(
    value: ArrayLike, minimum: ArrayLike, maximum: ArrayLike, *, lower_is_better: bool = False
) -> NDArray[np.float64]:
    """1 + 9 (x - min) / (max - min), elementwise; where a high value is bad, 11 less that.

    The standardisation of PCI (VCCI). A value beyond the bounds stays at 1 or 10. Where min and
    max are the same nothing tells the values apart and all are in the middle, 5.5. Both are
    our choice. NaN stays NaN.
    """
    x, low, high = (np.asarray(part, dtype=np.float64) for part in (value, minimum, maximum))
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.where(high == low, np.where(np.isnan(x), np.nan, 0.5), (x - low) / (high - low))
    score = LOWEST + (HIGHEST - LOWEST) * np.clip(place, 0, 1)
    return LOWEST + HIGHEST - score if lower_is_better else score


def composite(scores: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Scores up to 10 by weights in percent, in points of 100: sum of weight × score / 10.

    Raises ValueError where a score or a weight is missing or the weights are not 100 together.
    """
    if odd := set(scores) ^ set(weights):
        raise ValueError(f"a score or a weight is missing: {', '.join(sorted(odd))}")
    if not math.isclose(sum(weights.values()), 100):
        raise ValueError(f"weights: {sum(weights.values()):g} together, not 100")
    return math.fsum(weights[key] * score for key, score in scores.items()) / 10


def read_table(
    path: Path,
    key: str,
    known: Collection[str],
    columns: Sequence[str],
    language: Language,
    row: Callable[[str, Mapping[str, float]], T],
) -> tuple[dict[str, T], list[tuple[int, str]]]:
    """The rows of a CSV file of numbers by name, and the errors by line, each naming its field.

    Column ``key`` holds one of ``known``, once. ``row`` makes a row of its name and numbers, in
    which an empty cell is absent; it may raise Refused. Raises files.FileError for a file that
    cannot be read at all.
    """
    rows: dict[str, T] = {}
    errors: list[tuple[int, str]] = []
    for record in read_records(path, (key, *columns), language):
        try:
            if record.error:
                errors.append((record.line, record.error))
                continue
            name = record.cells[key].strip()
            if name not in known:
                raise Refused(key, "unknown_row", value=name[:40])
            if name in rows:
                raise Refused(key, "given_twice", value=name)
            cells = {column: record.cells[column].strip() for column in columns}
            numbers = {column: _number(column, cell) for column, cell in cells.items() if cell}
            rows[name] = row(name, numbers)
        except Refused as error:
            errors.append((record.line, error.reason(language)))
    return rows, errors


def _number(column: str, cell: str) -> float:
    """A number with a decimal point or comma. Raises Refused."""
    if not NUMBER.fullmatch(cell):
        raise Refused(column, "not_a_number", value=cell[:40])
    return float(cell.replace(",", "."))
