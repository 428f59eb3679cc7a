"""Which columns a table has in a spreadsheet, and which of its figures are live formulas."""

from collections.abc import Mapping

import numpy as np

from aggregator.documents.reports.model import CellValue, Column, Table
from aggregator.statistics import wilson

RANGES = ("interval", "points_interval", "number_interval", "ranks")
# The 97.5 % point of the normal distribution, a name of the workbook.
Z, Z_FORMULA = "z_95", "=NORMSINV(0.975)"
CLOSE = 1e-9


def spread(table: Table) -> list[tuple[Column, int | None]]:
    """The columns of a sheet; a range has two, numbered 0 and 1, all others None."""
    return [
        (column, end)
        for column in table.columns
        for end in ((0, 1) if column.unit in RANGES else (None,))
    ]


def formula(
    column: Column,
    end: int | None,
    number: float,
    values: Mapping[str, CellValue],
    cells: Mapping[str, str],
) -> str | None:
    """The live formula of a share or a Wilson interval; None where it would not give the figure."""
    if column.of is None:
        return None
    first, second = (values[key] for key in column.of)
    if not isinstance(first, int | float) or not isinstance(second, int | float) or not second:
        return None
    a, n = (cells[key] for key in column.of)
    if column.unit == "share":
        return f"={a}/{n}" if abs(first / second - number) < CLOSE else None
    bounds = wilson(np.array([first * second]), np.array([float(second)]))
    if end is None or abs(bounds[end][0] - number) > CLOSE:
        return None
    root = f"{Z}*SQRT({a}*(1-{a})/{n}+{Z}^2/(4*{n}^2))"
    bound = f"({a}+{Z}^2/(2*{n}){'-+'[end]}{root})/(1+{Z}^2/{n})"
    return f"=MAX(0,{bound})" if end == 0 else f"=MIN(1,{bound})"
