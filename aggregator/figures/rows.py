"""A row of figures: its counts, shares and comparisons, and the explained figures of these."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from aggregator.figures.figure import Figure
from aggregator.figures.flagged import Flagged
from aggregator.statistics.shares import Columns
from aggregator.wording.phrases import (
    Words,
    decimal,
    integer,
    joined,
    listed,
    p_value,
    percent,
    say,
    verbatim,
)
from surveys.centre import Reference
from surveys.definition import Question, Survey, Text

PartOfTime = Literal["day", "week", "month", "quarter", "year"]
# What a table of figures may have a row for.
RowKey = Literal["centre", "department", "counter", "channel", PartOfTime, "factor", "question"]


@dataclass(frozen=True)
class Measure:
    """A share of favourable answers: k of n, with a 95 % interval; None where n is 0.

    ``n_effective``: how many independent answers would be as precise; below n if pooled, and
    where answers of one day are alike: then ``day_effect`` is by how much that widens the
    variance. ``design_effect`` is that of pooled questions. ``alone``: the interval before it was
    widened to published shares that the measure cannot be told apart from; None if it was not.
    """

    k: int
    n: int
    share: float | None
    low: float | None
    high: float | None
    method: str
    n_effective: float = 0.0
    design_effect: float | None = None
    day_effect: float | None = None
    alone: tuple[float, float] | None = None

    def reaching(self, share: float) -> "Measure":
        """The measure with its interval widened to a share that lies outside of it."""
        if self.low is None or self.high is None or self.low <= share <= self.high:
            return self
        low, high = min(self.low, share), max(self.high, share)
        return replace(self, low=low, high=high, alone=self.alone or (self.low, self.high))

    def not_widened(self) -> "Measure":
        if self.alone is None:
            return self
        return replace(self, low=self.alone[0], high=self.alone[1], alone=None)


NOTHING = Measure(0, 0, None, None, None, "wilson")  # of no answers


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A measure less another share, with its test; see statistics.compare, changes and others.

    ``p_adjusted`` is Holm's and ``p_bh`` Benjamini-Hochberg's, which a test that may be looked at
    on any day, ``day_bets``, does not have. All numbers are None where one side has no answers.
    """

    measure: str
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    p_bh: float | None
    test: str
    verdict: str

    @property
    def p_facts(self) -> tuple[tuple[Words, Words], ...]:
        """The p-values as an explanation lists them."""
        return (
            (say("how.p"), p_value(self.p)),
            (say("how.p_holm"), p_value(self.p_adjusted)),
            *(() if self.daily else ((say("how.p_bh"), p_value(self.p_bh)),)),
        )

    @property
    def daily(self) -> bool:
        """Whether the verdict may be looked at on any day."""
        return self.test == "day_bets"

    @property
    def test_methods(self) -> tuple[str, ...]:
        """How the verdict was made: keys of how_method."""
        return ("day_bets", "holm_days") if self.daily else (self.test, "holm")


def tested(record: Mapping[Any, Any]) -> dict[str, Any]:
    """The fields of a Difference from a row of statistics.compare or changes."""
    numbers = ("difference", "low", "high", "p", "p_adjusted", "p_bh")
    return {
        **{name: known(record[name]) for name in numbers},
        "test": record["test"],
        "verdict": record["verdict"],
    }


@dataclass(frozen=True, kw_only=True)
class Comparison(Difference):
    """The difference between a measure and a published figure of the same measure."""

    reference: Reference


@dataclass
class FigureRow:
    """One line of a table of a survey's figures: n, counts by level, measures, comparisons.

    ``n`` counts answers, respondents where questions are pooled, and ticks in multiple-choice
    questions. ``question`` is None where several are pooled. ``group`` is a prefix of its
    figures' names, for pages with rows of several kinds. ``department`` is that at which the
    answers of a counter's row were given. ``n_effective``: of a number, how many independent
    answers would tell its median as well; None for n. ``days``: by measure, the shares of
    successive days, NaN for days without answers. ``flagged`` says how many of its
    submissions have a flag, ``unflagged`` is the row without them; None where none has. A
    ``withheld`` row has no figures: n is 0, counts, measures and days are empty (see publishing).
    """

    key: str
    label: Text
    survey: Survey
    n: int
    counts: Mapping[int, int]
    measures: dict[str, Measure] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    question: Question | None = None
    withheld: bool = False
    group: str = ""
    department: str = ""
    n_effective: float | None = None
    days: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)
    flagged: Flagged | None = None
    unflagged: "FigureRow | None" = None

    @property
    def median(self) -> float | None:
        """The median of the answers, of a question for a number; None without answers."""
        if self.n == 0:
            return None
        return float(np.median(np.repeat(list(self.counts), list(self.counts.values()))))

    def against(self, reference: Reference | None) -> Comparison | None:
        """The comparison with a reference, where there is one."""
        return next((found for found in self.comparisons if found.reference is reference), None)

    def verdict(self, found: Comparison) -> str:
        """The key of the catalogue's verdict on a comparison of this row."""
        return verdict_words(found, pooled=self.question is None)

    def emptied(self) -> "FigureRow":
        """The row without any answers."""
        none = {name: replace(NOTHING, method=one.method) for name, one in self.measures.items()}
        counts = dict.fromkeys(self.counts, 0)
        return replace(self, n=0, counts=counts, measures=none, comparisons=[], days={})

    def beside(
        self, figure: Figure, of: Callable[["FigureRow"], Figure | None], *, briefly: bool = False
    ) -> Figure:
        """A figure of the row, and beside it the same ``of`` the row without flagged ones."""
        if self.flagged is None or self.unflagged is None:
            return figure
        return self.flagged.beside(figure, of(self.unflagged), briefly=briefly)

    # Figures of the row, each with its explanation

    @property
    def size(self) -> Figure:
        """The row's n."""
        ticks = self.question is not None and self.question.kind == "many"
        counted = "ticks" if ticks else "respondents" if self.question is None else "answers"
        return Figure(
            name=self._name("n"),
            title=self.label,
            value=self.n,
            unit="count",
            definition=say(f"how.n_{counted}"),
        )

    def level(self, code: int) -> Figure:
        """How often a level of the scale was given."""
        return Figure(
            name=self._name(code),
            title=joined(self.label, self._level(code)),
            value=self.counts.get(code, 0),
            unit="count",
            definition=say("how.count", level=self._level(code)),
            n=sum(self.counts.values()),
        )

    def level_share(self, code: int) -> Figure:
        """The share of a level in all answers."""
        n = self.counts.get(code, 0)
        figure = Figure(
            name=self._name(code, "share"),
            title=joined(self.label, self._level(code)),
            value=n / self.n if self.n else None,
            unit="share",
            definition=say("sipas.level_how", level=self._level(code)),
            k=n,
            n=self.n,
        )
        return self.beside(figure, lambda row: row.level_share(code), briefly=True)

    def share(self, measure: str) -> Figure:
        """The share of a measure, with its interval."""
        found = self.measures[measure]
        facts: tuple[tuple[Words, Words], ...] = ()
        methods: tuple[str, ...] = (found.method,)
        if found.design_effect is not None:
            facts += (
                (say("how.respondents"), integer(self.n)),
                (say("how.design_effect"), decimal(found.design_effect, 2)),
            )
        if found.day_effect is not None:
            methods += ("days",)
            facts += ((say("how.day_effect"), decimal(found.day_effect, 2)),)
        if found.alone is not None:
            methods += ("widened",)
            facts += ((say("how.alone"), joined(*map(percent, found.alone), by=" – ")),)
        figure = Figure(
            name=self._name(measure),
            title=joined(self.label, say(f"measure.{measure}")),
            value=found.share,
            unit="share",
            definition=measure_definition(self.survey, self._asked, measure),
            k=found.k,
            n=found.n,
            low=found.low,
            high=found.high,
            methods=methods,
            facts=facts,
        )
        return self.beside(figure, lambda row: row.share(measure))

    def answers(self, measure: str) -> Figure:
        """How many answers are pooled."""
        return Figure(
            name=self._name("answers"),
            title=joined(self.label, say("sipas.answers")),
            value=self.measures[measure].n,
            unit="count",
            definition=say("sipas.answers_how"),
        )

    def difference(self, found: Comparison) -> Figure:
        """How far a measure lies from a reference, with the verdict and its p-values."""
        own, reference = self.measures[found.measure], found.reference
        figure = Figure(
            name=self._name(found.measure, reference.id),
            title=joined(self.label, say(f"measure.{found.measure}")),
            value=found.difference,
            unit="points",
            definition=say("how.difference", reference=reference.label),
            k=own.k,
            n=own.n,
            low=found.low,
            high=found.high,
            methods=("newcombe" if reference.n else "shifted", *found.test_methods),
            facts=(
                (say("how.verdict"), say(f"verdict.{self.verdict(found)}")),
                *found.p_facts,
                (say("how.their_mode"), reference.mode),
            ),
            source=verbatim(reference.source),
        )

        def other(row: FigureRow) -> Figure | None:
            same = (one for one in row.comparisons if one.measure == found.measure)
            there = next((one for one in same if one.reference is reference), None)
            return None if there is None or there.difference is None else row.difference(there)

        return self.beside(figure, other, briefly=True)

    def apart(
        self,
        found: Difference,
        others: Measure,
        section: str,
        about: str,
        verdict: str,
        caution: str,
    ) -> Figure:
        """How far a measure lies from that of all ``others``, with the test.

        ``section`` is that of the catalogue which defines it; ``about``, ``verdict`` and
        ``caution`` are keys of the catalogue.
        """
        own = self.measures[found.measure]
        return Figure(
            name=self._name(found.measure, "difference"),
            title=joined(self.label, say(about)),
            value=found.difference,
            unit="points",
            definition=say(f"{section}.difference_how"),
            k=own.k,
            n=own.n,
            low=found.low,
            high=found.high,
            methods=("newcombe", found.test, "holm"),
            facts=(
                (say("how.verdict"), say(verdict)),
                (
                    say(f"{section}.others"),
                    joined(percent(others.share), integer(others.n), by=" / "),
                ),
                *found.p_facts,
                (say("hours.caution"), say(caution)),
            ),
        )

    def _name(self, *parts: object) -> str:
        return self.group + ".".join(str(part) for part in (self.key, *parts))

    @property
    def _asked(self) -> Question:
        return self.question or self.survey.measured[0]

    def _level(self, code: int) -> Words:
        scale = self.survey.scale_of(self._asked)
        return next(level for level in (scale.levels if scale else ()) if level.code == code)


def verdict_words(found: Difference, *, pooled: bool) -> str:
    """The key of the catalogue's verdict; too few are days, people or answers."""
    if found.verdict != "too_few":
        return found.verdict
    return "too_few_days" if found.daily else "too_few_people" if pooled else "too_few"


def measure_definition(survey: Survey, question: Question, measure: str) -> Words:
    """The definition of a measure: which levels of the scale count as favourable."""
    favourable = survey.measures_of(question)[measure]
    scale = survey.scale_of(question)
    levels = [level for level in (scale.levels if scale else ()) if level.code in favourable]
    return say("how.share", measure=say(f"measure.{measure}"), levels=listed(levels))


def set_measures(rows: Iterable[FigureRow], figures: Columns) -> None:
    """Set the measures of rows from a table of shares or pooled_shares with the same keys."""
    by_key = {row.key: row for row in rows}
    for figure in records(figures):
        by_key[str(figure["key"])].measures[figure["measure"]] = Measure(
            k=int(figure["k"]),
            n=int(figure["n"]),
            share=known(figure["share"]),
            low=known(figure["low"]),
            high=known(figure["high"]),
            method=figure["method"],
            n_effective=float(figure.get("n_effective", figure["n"])),
            design_effect=known(figure.get("design_effect")),
            day_effect=known(figure.get("day_effect")),
        )


def set_unflagged(
    rows: Sequence[FigureRow],
    flagged: Sequence[Flagged | None],
    others: Callable[[], Sequence[FigureRow]],
) -> None:
    """Give rows that have flagged submissions the rows without them, if any has some.

    ``others`` makes these by their keys; a row that is not among them has no other submissions.
    """
    if not any(flagged):
        return
    by_key = {row.key: row for row in others()}
    for row, given in zip(rows, flagged, strict=True):
        other = by_key.get(row.key) or row.emptied()
        if given is not None and other.n != row.n:
            row.flagged = replace(given, n=row.n - other.n)
            row.unflagged = replace(other, group=row.group)


def measure_frame(rows: Sequence[FigureRow], measure: str, *, pooled: bool) -> pd.DataFrame:
    """One measure of rows as compare and changes take it: key, k, n, share, n_effective.

    With ``pooled`` also respondents.
    """
    return pd.DataFrame(measure_columns(rows, measure, pooled=pooled))


def measure_columns(
    rows: Sequence[FigureRow], measure: str, *, pooled: bool
) -> dict[str, list[Any]]:
    """The columns of measure_frame."""
    shares = [row.measures[measure] for row in rows]
    columns: dict[str, list[Any]] = {"key": [row.key for row in rows]}
    for name in ("k", "n", "share", "n_effective"):
        columns[name] = [getattr(share, name) for share in shares]
    if pooled:
        columns["respondents"] = [row.n for row in rows]
    return columns


def day_shares(rows: Sequence[FigureRow], measure: str) -> np.ndarray:
    """The shares of a measure by row and day; NaN where there are no answers."""
    days = [row.days.get(measure, np.zeros(0)) for row in rows]
    found = np.full((len(rows), max(map(len, days), default=0)), np.nan)
    for row, own in zip(found, days, strict=True):
        row[: len(own)] = own
    return found


def counts_by_key(levels: pd.DataFrame) -> dict[str, dict[int, int]]:
    """A table of level_counts as counts by code, by key."""
    codes = [int(code) for code in levels.columns]
    counts = levels.to_numpy().tolist()
    return {
        str(key): dict(zip(codes, row, strict=True))
        for key, row in zip(levels.index, counts, strict=True)
    }


def records(table: Columns) -> Iterator[dict[str, Any]]:
    """The rows of a table by column. DataFrame.to_dict takes ten times as long for a few rows."""
    names, columns = zip(*((str(name), one.tolist()) for name, one in table.items()), strict=True)
    return (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))


def known(value: float | None) -> float | None:
    """The value as a float; None for NaN."""
    return None if value is None or math.isnan(value) else float(value)
