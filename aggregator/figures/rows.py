"""What a line of figures is: its counts, shares and comparisons, and as statistics takes them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from surveys.centre import Reference
from surveys.definition import Question, Text


@dataclass(frozen=True)
class Measure:
    """A share of favourable answers: k of n, with a 95 % interval; None where n is 0.

    ``n_effective``: as many independent answers as tell the same; n, or less of a pooled share.
    """

    k: int
    n: int
    share: float | None
    low: float | None
    high: float | None
    method: str
    n_effective: float = 0.0
    design_effect: float | None = None


@dataclass(frozen=True)
class Comparison:
    """A measure beside a published figure of the same measure; see statistics.compare."""

    reference: Reference
    measure: str
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    p_bh: float | None
    test: str
    verdict: str


@dataclass
class FigureRow:
    """One line of a table: n, counts by level, measures.

    ``n`` counts answers; respondents where questions pool; ticks where many may be chosen.
    A row ``withheld`` has no figures: n is 0, counts and measures are empty (see publishing).
    """

    key: str
    label: Text
    n: int
    counts: Mapping[int, int]
    measures: dict[str, Measure] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    question: Question | None = None
    withheld: bool = False

    @property
    def median(self) -> float | None:
        """The median of the numbers given; None for none."""
        values = pd.Series(self.counts, dtype="int64").sort_index()
        return None if self.n == 0 else float(values.index.repeat(values).to_series().median())


def set_measures(rows: Iterable[FigureRow], figures: pd.DataFrame) -> None:
    """Give rows their measures, from rows of shares or pooled_shares of the same keys."""
    by_key = {row.key: row for row in rows}
    for figure in figures.to_dict("records"):
        by_key[str(figure["key"])].measures[figure["measure"]] = Measure(
            k=int(figure["k"]),
            n=int(figure["n"]),
            share=known(figure["share"]),
            low=known(figure["low"]),
            high=known(figure["high"]),
            method=figure["method"],
            n_effective=float(figure.get("n_effective", figure["n"])),
            design_effect=known(figure.get("design_effect")),
        )


def measure_frame(rows: Sequence[FigureRow], measure: str, *, pooled: bool) -> pd.DataFrame:
    """One measure of rows as statistics takes it: key, k, n, share, low, high.

    Of pooled shares also respondents and n_effective.
    """
    found = [row.measures[measure] for row in rows]
    columns: dict[str, list[Any]] = {"key": [row.key for row in rows]}
    for name in ("k", "n", "share", "low", "high"):
        columns[name] = [getattr(one, name) for one in found]
    if pooled:
        columns["respondents"] = [row.n for row in rows]
        columns["n_effective"] = [one.n_effective for one in found]
    return pd.DataFrame(columns)


def known(value: float | None) -> float | None:
    """NaN, which is no figure, as None."""
    return None if value is None or pd.isna(value) else float(value)
