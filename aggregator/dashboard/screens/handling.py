"""How departments handle their dossiers, after Circular 01/2018/TT-VPCP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, read_view
from aggregator.figures.figure import Figure
from aggregator.figures.handling import (
    SUBJECTS,
    SURVEY,
    department_scores,
    indicator_figure,
    total_figure,
)
from aggregator.indices.circular_01_2018 import (
    BANDS,
    INDICATORS,
    MOST,
    DepartmentScore,
    IndicatorScore,
)
from aggregator.intake.handling import DOSSIER_COLUMNS, FACTS_COLUMNS
from aggregator.organisation.laws import cited, notices, rule_of
from aggregator.wording.phrases import Words
from surveys.centre import Centre, Department
from surveys.laws import Subject


@dataclass(frozen=True, kw_only=True)
class HandlingPage(FigurePage):
    """The departments with their nine indicators, in the centre's order."""

    rows: Sequence[tuple[Department, DepartmentScore]]
    centre: Centre

    indicators = INDICATORS
    most = MOST * len(INDICATORS)
    bands = BANDS
    rule = rule_of(SURVEY)

    def total(self, department: Department, score: DepartmentScore) -> Figure:
        return total_figure(department, score, self.cited("classification"))

    def indicator(self, department: Department, one: IndicatorScore) -> Figure:
        return indicator_figure(department, one, self.cited("indicators"))

    def cited(self, subject: Subject) -> Words:
        """The law of a subject in the period."""
        return cited(self.centre, subject, self.view.period.since, self.view.period.until)

    @property
    def notices(self) -> Sequence[Words]:
        period = self.view.period
        return notices(self.centre, SURVEY, SUBJECTS, period.since, period.until)

    @property
    def columns(self) -> Mapping[str, Sequence[str]]:
        """The columns of the files that the indicators are made of, by command."""
        return {"dossiers": DOSSIER_COLUMNS, "handling-facts": FACTS_COLUMNS}

    @property
    def assessed(self) -> int:
        """How many departments have a band."""
        return sum(score.band is not None for _, score in self.rows)

    @property
    def complete(self) -> int:
        """How many departments lack no indicator."""
        return sum(score.band is not None and not score.unanswered for _, score in self.rows)

    @property
    def dossiers(self) -> int:
        return sum(score.dossiers for _, score in self.rows)


@needs("department")
async def handling(request: Request) -> Response:
    """Departments by nine indicators, their total and band."""
    view = read_view(request, survey=SURVEY, by_channel=False)
    return render(request, "handling", await run_in_threadpool(_page, context_of(request), view))


def _page(context: Context, view: View) -> HandlingPage:
    since, until = view.period.since, view.period.until
    scores = department_scores(context.store, context.centre, since, until, context.clock())
    return HandlingPage(
        view=view,
        centre=context.centre,
        rows=[(context.centre.department[id], score) for id, score in scores.items()],
    )
