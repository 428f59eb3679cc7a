"""Columns and cells of rows of figures, the same for every table of a report."""

from collections.abc import Iterable, Sequence
from typing import Literal

from aggregator.documents.reports.model import (
    WITHHELD,
    WITHHELD_PART,
    CellValue,
    Column,
    Range,
    Table,
)
from aggregator.documents.reports.occasion import Occasion
from aggregator.figures.figure import Figure
from aggregator.figures.rows import Comparison, FigureRow
from surveys.centre import Reference
from surveys.definition import Survey

Levels = Literal["printed", "sheet"]


class Figures:
    """Columns for the rows of one survey, and their cells.

    The ``main`` measure is printed with its interval, the others as shares alone. k, and the
    effective n of pooled figures, stand in spreadsheets only.
    """

    def __init__(
        self, on: Occasion, survey: Survey, main: str, others: Sequence[str], levels: Levels
    ) -> None:
        self._on = on
        self._pooled = bool(survey.pooled_measures)
        self._main, self._measures = main, (main, *others)
        scale = survey.scale_of(survey.measured[0])
        self._scale = scale.levels if scale else ()
        self._levels = levels

    def columns(self) -> tuple[Column, ...]:
        say = self._on.say
        columns = [Column("n", say("respondents" if self._pooled else "ratings"), "integer", 0.8)]
        for level in self._scale:
            title, sheet = self._on.label(level), self._levels == "sheet"
            columns.append(Column(f"level_{level.code}", title, "integer", 1.02, sheet=sheet))
        for name in self._measures:
            columns += self._measure(name)
        return tuple(columns)

    def _measure(self, name: str) -> list[Column]:
        say, printed = self._on.say, name == self._main
        title, k, share = say(f"measure.{name}"), f"k_{name}", f"share_{name}"
        base, size, behind = "n", "n", []
        if self._pooled:
            base, size = f"answers_{name}", f"effective_{name}"
            behind = [
                Column(base, say("answers"), "integer", sheet=True),
                Column(size, say("n_effective"), "number", sheet=True),
            ]
        around = say("interval") if printed else say("interval_of", measure=title)
        # The name of the measure alone would look like one more count of a level.
        beside = self._levels == "printed"
        head = say("share_of", measure=title.lower()) if beside else title
        wide = 2.25 if beside else 1.85  # one line also in the smaller print of a day's sheet
        return [
            *behind,
            Column(k, say("k_of", measure=title), "integer", sheet=True),
            Column(share, head, "share", 1.05, (k, base)),
            Column(f"interval_{name}", around, "interval", wide, (share, size), sheet=not printed),
        ]

    def cells(self, row: FigureRow) -> tuple[CellValue, ...]:
        if row.withheld:
            return (WITHHELD,) * len(self.columns())
        cells: list[CellValue] = [row.n, *(row.counts.get(level.code, 0) for level in self._scale)]
        for name in self._measures:
            measure = row.measures[name]
            cells += [measure.n, measure.n_effective] if self._pooled else []
            cells += [measure.k, measure.share, span(measure.low, measure.high)]
        return tuple(cells)


class Against:
    """Columns of a comparison with one reference, and their cells."""

    def __init__(self, on: Occasion, reference: Reference) -> None:
        self._on, self._reference = on, reference

    def columns(self) -> tuple[Column, ...]:
        say = self._on.say
        between = say("difference_interval")
        return (
            Column("difference", say("difference"), "points", 1.0),
            Column("difference_interval", between, "points_interval", sheet=True),
            Column("p", say("p"), "p", sheet=True),
            Column("p_adjusted", say("p_adjusted"), "p", sheet=True),
            Column("p_bh", say("p_bh"), "p", sheet=True),
            Column("verdict", say("verdict_title"), "text", 2.1),
        )

    def cells(self, row: FigureRow) -> tuple[CellValue, ...]:
        if row.withheld:
            return (WITHHELD,) * 6
        comparison = self.of(row)
        if comparison is None or not row.n:
            return (None,) * 6
        return (
            comparison.difference,
            span(comparison.low, comparison.high),
            comparison.p,
            comparison.p_adjusted,
            comparison.p_bh,
            self._on.say(f"verdict_{comparison.verdict}"),
        )

    def of(self, row: FigureRow) -> Comparison | None:
        return next((c for c in row.comparisons if c.reference is self._reference), None)


def span(low: float | None, high: float | None) -> Range | None:
    return None if low is None or high is None else Range(low, high)


def table(
    on: Occasion,
    key: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[CellValue, ...]],
    strong: Sequence[int] = (),
    groups: Sequence[int] = (),
    notes: Sequence[str] = (),
    **words: object,
) -> Table:
    """A table with its words from the catalogue, and a note wherever a cell is withheld."""
    marked = {"withheld": WITHHELD, "withheld_part": WITHHELD_PART}
    about = tuple(
        on.say(note, minimum=on.centre.minimum_cell)
        for note, mark in marked.items()
        if any(value is mark for row in rows for value in row)
    )
    return Table(
        key=key,
        name=on.say(f"sheet_{key}"),
        title=on.say(f"table_{key}", **words),
        columns=tuple(columns),
        rows=tuple(rows),
        strong=frozenset(strong),
        groups=frozenset(groups),
        notes=(*about, *notes),
    )


def without_flagged(on: Occasion, figures: Iterable[tuple[str, Figure | None]]) -> list[str]:
    """As ``beside``, in internal documents alone: others would tell of groups not guarded."""
    return beside(on, figures) if on.internal else []


def beside(on: Occasion, figures: Iterable[tuple[str, Figure | None]]) -> list[str]:
    """A note with what stands beside labelled figures, that is, their values without flags."""
    found = [
        f"{label}: {one.beside.get(on.language)}"
        for label, one in figures
        if one is not None and one.beside is not None
    ]
    return ["; ".join(found)] if found else []
