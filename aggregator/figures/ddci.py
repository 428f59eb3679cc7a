"""Figures of the DDCI: the departments' ranks, scores, components and the answers behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from aggregator.figures.figure import Figure
from aggregator.indices.ddci import (
    RankedDepartment,
    Ranking,
    Unranked,
    rank_departments,
    statement_counts,
)
from aggregator.indices.ddci_definition import Component, Ddci
from aggregator.organisation.seen import departments_shown
from aggregator.storage.store import Selection, Store
from aggregator.wording import numbers
from aggregator.wording.phrases import (
    Words,
    between,
    decimal,
    integer,
    joined,
    percent,
    say,
    verbatim,
)
from surveys.centre import Centre
from surveys.definition import Survey

HardData = Mapping[str, Mapping[str, float]]  # numbers from records, by department and column


@dataclass(frozen=True)
class DdciRanking:
    """A ranking and its data: ``answers`` are (k, n) by (department, statement).

    ``years`` are those of the numbers from records, by column, where they are known.
    """

    definition: Ddci
    survey: Survey
    centre: Centre
    ranking: Ranking
    answers: Mapping[tuple[str, str], tuple[int, int]]
    hard: HardData
    years: Mapping[str, int] = field(default_factory=dict)

    def rank(self, one: RankedDepartment) -> Figure:
        ranks = between(integer(one.rank_low), integer(one.rank_high))
        return Figure(
            name=f"{one.department}.rank",
            title=joined(self._place(one), say("ddci.rank")),
            value=one.rank,
            unit="count",
            definition=say("ddci_page.rank_how"),
            methods=(self.ranking.method,),
            facts=((say("ddci.rank_interval"), ranks),),
        )

    def score(self, one: RankedDepartment) -> Figure:
        return Figure(
            name=f"{one.department}.score",
            title=joined(self._place(one), say("ddci.score")),
            value=one.score.value,
            unit="score",
            definition=say("ddci_page.score_how"),
            low=one.score.low,
            high=one.score.high,
            methods=(self.ranking.method,),
        )

    def component(self, one: RankedDepartment, component: Component) -> Figure:
        """A department's score of a component, with the statements that it is the mean of."""
        return Figure(
            name=f"{one.department}.{component.id}",
            title=joined(self._place(one), component.name),
            value=one.components[component.id],
            unit="score",
            definition=say("ddci_page.component_how"),
            methods=(self.ranking.method,),
            facts=tuple(self._parts(one.department, component)),
        )

    def answers_of(self, left: Unranked) -> Figure:
        """How many answers an unranked department has to the statement that decided."""
        return Figure(
            name=f"{left.department}.n",
            title=self._place(left),
            value=left.n,
            unit="count",
            definition=say("ddci_page.n_how"),
            facts=((say("questions.question"), self.survey.questions[left.at].text),),
        )

    def weight(self, component: Component) -> Figure:
        """The weight used: rescaled where other components were left out for want of data."""
        used = self.ranking.weights.get(component.id)
        facts: list[tuple[Words, Words]] = [
            (say("ddci_page.weight_set"), percent(component.weight / 100))
        ]
        if component.note:
            facts.append((say("how.note"), component.note))
        return Figure(
            name=f"weight.{component.id}",
            title=component.name,
            value=None,
            unit="score",
            definition=say("ddci_page.weight_how"),
            facts=tuple(facts),
            source=self.definition.source,
            text=verbatim(numbers.DASH) if used is None else percent(used / 100),
            filtered=False,
        )

    @property
    def minimum(self) -> Figure:
        """The fewest answers with which a department is ranked."""
        return Figure(
            name="minimum",
            title=say("ddci_page.minimum"),
            value=self.ranking.minimum_answers,
            unit="count",
            definition=say("ddci_page.minimum_how"),
            source=say("ddci_page.file"),
            filtered=False,
        )

    def _place(self, one: RankedDepartment | Unranked) -> Words:
        return self.centre.department[one.department].name

    def _parts(self, department: str, component: Component) -> list[tuple[Words, Words]]:
        """k of n by statement, and the numbers of records."""
        parts: list[tuple[Words, Words]] = []
        for name in component.statements:
            k, n = self.answers.get((department, name), (0, 0))
            counted = joined(integer(k), integer(n), by=" / ")
            share = percent(k / n if n else None)
            parts.append((self.survey.questions[name].text, joined(counted, share, by=" = ")))
        for hard in component.hard:
            value = self.hard.get(department, {}).get(hard.column)
            if value is not None:
                year = self.years.get(hard.column)
                called = joined(hard.name, verbatim(str(year))) if year else hard.name
                parts.append((called, decimal(value, 2)))
        return parts


def ddci_ranking(
    store: Store,
    definition: Ddci,
    survey: Survey,
    centre: Centre,
    selection: Selection,
    hard: HardData,
    years: Mapping[str, int] | None = None,
) -> DdciRanking:
    """The ranking of a selection's answers. Raises database.StorageError."""
    counts = _counts(store, survey, definition, selection)
    answered = set(counts["department"])
    ranked = departments_shown(centre, selection.since, selection.until, answered)
    ranking = rank_departments(definition, survey, counts, hard, [one.id for one in ranked])
    columns = (counts[name].tolist() for name in ("department", "question", "k", "n"))
    answers = {(place, name): (k, n) for place, name, k, n in zip(*columns, strict=True)}
    return DdciRanking(definition, survey, centre, ranking, answers, hard, years or {})


def _counts(store: Store, survey: Survey, definition: Ddci, selection: Selection) -> pd.DataFrame:
    """k favourable of n valid answers: columns department, question, k, n."""
    columns = ["department", "question", "k", "n"]
    parts: Sequence[pd.DataFrame] = [
        statement_counts(
            survey, name, store.counts(replace(selection, questions=(name,)), "department")
        )
        for component in definition.components
        for name in component.statements
    ]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)
