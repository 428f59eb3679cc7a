"""Figures of business feedback by statement and factor, compared with the province's PCI."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from aggregator.figures.figure import Figure
from aggregator.figures.flagged import Flagged
from aggregator.figures.rows import FigureRow
from aggregator.indices.discrepancies import Check, check, exact_text, formula
from aggregator.indices.pci import (
    FactorFeedback,
    ProvinceBounds,
    StatementFeedback,
    business_feedback,
    feedback_composite,
)
from aggregator.indices.scores import Interval
from aggregator.statistics import SHARE_COLUMNS
from aggregator.wording.phrases import (
    Phrase,
    Words,
    decimal,
    integer,
    joined,
    percent,
    say,
    verbatim,
)
from surveys.definition import Survey, Text
from surveys.published import Pci, PublishedTables


@dataclass(frozen=True)
class StatementRow:
    """A statement of the survey: its row of figures, and its comparison with the PCI.

    ``other`` is the statement without flagged forms, where the row has any.
    """

    row: FigureRow
    feedback: StatementFeedback
    other: "StatementRow | None" = None

    def _beside(
        self, figure: Figure | None, of: Callable[["StatementRow"], Figure | None]
    ) -> Figure | None:
        if figure is None or self.other is None or self.row.flagged is None:
            return figure
        return self.row.flagged.beside(figure, of(self.other))

    @property
    def figure(self) -> Figure | None:
        """The share of favourable answers, or the median of a number; None without answers."""
        found, question = self.feedback.figure, self.feedback.question
        if found is None:
            return None
        if question.kind != "number":
            return self.row.share(next(iter(self.row.measures)))
        return self._beside(self._median(found), lambda one: one.figure)

    def _median(self, found: Interval) -> Figure:
        question = self.feedback.question
        unit: Words = question.unit or verbatim("")
        n = self.row.n_effective or self.feedback.n
        alike = n < self.feedback.n
        return Figure(
            name=f"{question.id}.median",
            title=question.text,
            value=found.value,
            unit="score",
            definition=say("business_page.median_how"),
            n=self.feedback.n,
            low=found.low,
            high=found.high,
            methods=(self.feedback.method, *(("days",) if alike else ())),
            facts=((say("how.day_effect"), decimal(self.feedback.n / n, 2)),) if alike else (),
            text=joined(decimal(found.value), unit, by=" "),
        )

    @property
    def difference(self) -> Figure | None:
        """The centre's figure less the published one, positive where the centre is better.

        None where the two are not of one kind.
        """
        found, question = self.feedback, self.feedback.question
        if found.difference is None or question.published is None:
            return None
        direction = say(f"business_page.direction_{question.direction}")
        figure = Figure(
            name=f"{question.id}.difference",
            title=question.text,
            value=found.difference.value,
            unit="score" if question.kind == "number" else "points",
            definition=say("business_page.difference_how", year=question.published.year),
            k=found.k,
            n=found.n,
            low=found.difference.low,
            high=found.difference.high,
            methods=(found.method,),
            facts=(
                (say("business_page.direction"), direction),
                (say("how.verdict"), say(f"business_page.{found.direction}")),
            ),
            source=verbatim(question.published.source),
        )
        return self._beside(figure, lambda one: one.difference)

    @property
    def score(self) -> Figure | None:
        question = self.feedback.question
        figure = _scored(f"{question.id}.score", question.text, self.feedback.score, "min_max")
        return self._beside(figure, lambda one: one.score)


@dataclass(frozen=True)
class BusinessFactor:
    """A factor of the survey with its statements and the PCI sub-index of the same name.

    ``other`` is the factor without flagged forms, where there are any.
    """

    feedback: FactorFeedback
    statements: tuple[StatementRow, ...]
    other: "BusinessFactor | None" = None

    @property
    def flagged(self) -> Flagged | None:
        """Of the statement from which flags take most."""
        found = [one.row.flagged for one in self.statements if one.row.flagged]
        return max(found, key=lambda one: one.n, default=None)

    @property
    def score(self) -> Figure | None:
        factor = self.feedback.factor
        figure = _scored(f"{factor.id}.score", factor.name, self.feedback.score, "min_max")
        if figure is None or self.flagged is None or self.other is None:
            return figure
        return self.flagged.beside(figure, self.other.score)

    @property
    def weight(self) -> Figure | None:
        """The weight of the published sub-index in PCI."""
        if (published := self.feedback.published) is None:
            return None
        return Figure(
            name=f"{self.feedback.factor.id}.weight",
            title=self.feedback.factor.name,
            value=None,
            unit="count",
            definition=say("business_page.weight_how"),
            source=say("business_page.weight_source"),
            text=percent(published.weight / 100, 0),
            filtered=False,
        )

    def published(self, year: int, source: Text) -> Figure | None:
        """The sub-index as printed for a year, with its rank."""
        if (published := self.feedback.published) is None:
            return None
        score = published.score[year]
        return Figure(
            name=f"{self.feedback.factor.id}.{year}",
            title=joined(verbatim(f"PCI {year}"), self.feedback.factor.name),
            value=None,
            unit="score",
            definition=say("business_page.published_score_how"),
            facts=((say("comparison.rank"), integer(published.rank[year])),),
            source=source,
            text=Phrase(lambda language: exact_text(score, language)),
            filtered=False,
        )


def business_factors(
    survey: Survey,
    rows: Sequence[FigureRow],
    pci: Pci | None,
    bounds: Mapping[str, ProvinceBounds] | None = None,
) -> tuple[BusinessFactor, ...]:
    """The factors of a survey with their figures, from its rows by question.

    ``bounds`` by question make scores possible. Statements without a row are left out.
    """
    others: Sequence[BusinessFactor] = ()
    if any(row.unflagged for row in rows):
        others = business_factors(survey, [row.unflagged or row for row in rows], pci, bounds)
    factor_without = {one.feedback.factor.id: one for one in others}
    without = {one.row.key: one for factor in others for one in factor.statements}
    by_key = {row.key: row for row in rows}
    counts = {row.key: row.counts for row in rows}
    effective = {row.key: row.n_effective for row in rows if row.n_effective is not None}
    found = business_feedback(survey, _shares(rows), counts, pci, bounds, effective)
    return tuple(
        BusinessFactor(
            factor,
            tuple(
                StatementRow(by_key[one.question.id], one, without.get(one.question.id))
                for one in factor.statements
                if one.question.id in by_key
            ),
            factor_without.get(factor.factor.id),
        )
        for factor in found
    )


def _shares(rows: Sequence[FigureRow]) -> pd.DataFrame:
    """The first measure of each row that has one, as a table of SHARE_COLUMNS."""
    records = [
        (row.key, name, m.k, m.n, m.share, m.low, m.high, m.method)
        for row in rows
        for name, m in list(row.measures.items())[:1]
    ]
    return pd.DataFrame(records, columns=list(SHARE_COLUMNS))


def side_figure(side: str, n: int) -> Figure:
    """How many statements are better, or worse, than their published figure."""
    return Figure(
        name=f"side.{side}",
        title=say(f"business_page.{side}"),
        value=n,
        unit="count",
        definition=say("business_page.sides_how"),
    )


def fewest_forms_figure(n: int) -> Figure:
    """The least possible number of forms: the answers of the question that has most."""
    return Figure(
        name="most",
        title=say("card.least"),
        value=n,
        unit="count",
        definition=say("card.least_how"),
        text=say("card.at_least", n=integer(n)),
    )


def composite_figure(factors: Sequence[BusinessFactor]) -> Figure | None:
    """The factors' scores by the weights of PCI, in points of 100."""
    score = feedback_composite(factor.feedback for factor in factors)
    title = say("business_page.composite")
    figure = _scored("composite", title, score, "pci_composite", "min_max")
    flagged = max(
        (one.flagged for one in factors if one.flagged), key=lambda one: one.n, default=None
    )
    if figure is None or flagged is None:
        return figure
    return flagged.beside(figure, composite_figure([one.other or one for one in factors]))


@dataclass(frozen=True)
class PublishedComposite:
    """The PCI of a year as printed, and recomputed from its sub-indices where these are known."""

    year: int
    check: Check | None
    rank: int
    source: Text

    @property
    def printed_figure(self) -> Figure | None:
        return self._figure("printed")

    @property
    def recomputed_figure(self) -> Figure | None:
        return self._figure("recomputed")

    @property
    def rank_figure(self) -> Figure:
        return Figure(
            name=f"pci.{self.year}.rank",
            title=joined(verbatim(f"PCI {self.year}"), say("comparison.rank")),
            value=self.rank,
            unit="count",
            definition=say("business_page.rank_how"),
            source=self.source,
            text=say("sipas.rank_of", rank=self.rank),
            filtered=False,
        )

    def _figure(self, which: str) -> Figure | None:
        if (found := self.check) is None:
            return None
        value = found.printed if which == "printed" else found.recomputed
        return Figure(
            name=f"pci.{self.year}.{which}",
            title=joined(verbatim(f"PCI {self.year}"), say(f"published_page.{which}")),
            value=None,
            unit="score",
            definition=say(f"business_page.{which}_how"),
            methods=("pci_composite",),
            facts=(
                (
                    say("published_page.printed"),
                    Phrase(lambda language: exact_text(found.printed, language)),
                ),
                (say("published_page.parts"), Phrase(lambda language: formula(found, language))),
                (say("how.verdict"), say(f"discrepancy.{found.verdict}_long")),
            ),
            source=self.source,
            text=Phrase(lambda language: exact_text(value, language)),
            filtered=False,
        )


def published_composites(tables: PublishedTables) -> Sequence[PublishedComposite]:
    """The province's PCI by year."""
    if (pci := tables.pci) is None:
        return ()
    start = "pci_total."
    claims = {
        one.id.removeprefix(start): one for one in tables.claims() if one.id.startswith(start)
    }
    checks = {year: check(claim) for year, claim in claims.items()}
    return [
        PublishedComposite(year, checks.get(str(year)), pci.total.rank[year], tables.source)
        for year in sorted(pci.total.score)
    ]


def _scored(name: str, title: Words, score: Interval | None, *methods: str) -> Figure | None:
    if score is None:
        return None
    return Figure(
        name=name,
        title=title,
        value=score.value,
        unit="score",
        definition=say("business_page.score_how"),
        low=score.low,
        high=score.high,
        methods=methods,
    )
