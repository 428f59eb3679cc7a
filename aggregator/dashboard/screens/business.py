"""What businesses say, statement by statement beside the province's PCI; never called PCI."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, read_view
from aggregator.figures.business import (
    BusinessFactor,
    PublishedComposite,
    StatementRow,
    business_factors,
    composite_figure,
    fewest_forms_figure,
    published_composites,
    side_figure,
)
from aggregator.figures.figure import Figure
from aggregator.figures.figures import figure_rows
from aggregator.figures.hard_data import HardTable, sub_index_data
from aggregator.indices.pci import ProvinceBounds
from aggregator.intake.bounds import read_bounds
from aggregator.intake.files import FileError
from aggregator.wording.charts import Axis
from surveys.definition import Survey, Text
from surveys.messages import Language
from web import language_of

SIDES = ("better", "worse", "equal")


@dataclass(frozen=True, kw_only=True)
class BusinessPage(FigurePage):
    """Statements beside the published PCI; scores where ``bounds`` are known.

    ``hard`` are numbers from records. ``errors`` are the lines of the file of bounds that could
    not be read, with the reasons.
    """

    factors: Sequence[BusinessFactor]
    most_answers: int
    composites: Sequence[PublishedComposite]
    source: Text | None
    bounds: Mapping[str, ProvinceBounds]
    errors: Sequence[tuple[int, str]]
    hard: HardTable
    minimum: int

    @property
    def axis(self) -> Axis:
        return Axis(0.0)

    @property
    def compared(self) -> Sequence[StatementRow]:
        """The statements that have a figure of the same kind beside them."""
        every = (statement for factor in self.factors for statement in factor.statements)
        return [statement for statement in every if statement.feedback.direction]

    @property
    def few(self) -> int:
        """How many of these have so few answers that they say little."""
        return sum(statement.feedback.n < self.minimum for statement in self.compared)

    @property
    def sides(self) -> Mapping[str, Figure]:
        counts = Counter(statement.feedback.direction for statement in self.compared)
        return {side: side_figure(side, counts[side]) for side in SIDES}  # type: ignore[index]

    @property
    def fewest_forms(self) -> Figure:
        return fewest_forms_figure(self.most_answers)

    @property
    def composite(self) -> Figure | None:
        return composite_figure(self.factors)

    @property
    def sources(self) -> Mapping[int, str]:
        """Year and source of the figures beside the statements."""
        published = [question.published for question in self.survey.measured]
        return {figure.year: figure.source for figure in published if figure is not None}


@needs("figures")
async def business(request: Request) -> Response:
    """Each statement of a period beside the published figure; scores where bounds are known."""
    view = read_view(request, survey=context_of(request).centre.instruments.businesses)
    language = language_of(request, negotiate=False)
    page = await run_in_threadpool(_page, context_of(request), view, language)
    return render(request, "business", page)


def _page(context: Context, view: View, language: Language) -> BusinessPage:
    survey, tables = view.survey, context.published
    rows = figure_rows(context.store, survey, context.centre, view.selection(), "question")
    bounds, errors = _bounds(context, survey, language)
    return BusinessPage(
        view=view,
        factors=business_factors(survey, rows, tables.pci if tables else None, bounds),
        most_answers=max((row.n for row in rows), default=0),
        composites=published_composites(tables) if tables else (),
        source=tables.source if tables else None,
        bounds=bounds,
        errors=errors,
        hard=sub_index_data(
            context.store.hard_data(view.period.until.year), survey, context.organisation.centre
        ),
        minimum=context.centre.minimum_ratings,
    )


def _bounds(
    context: Context, survey: Survey, language: Language
) -> tuple[Mapping[str, ProvinceBounds], list[tuple[int, str]]]:
    """The lowest and highest province by statement from the file that the tables name."""
    name = context.published.pci.bounds if context.published else None
    if name is None:
        return {}, []
    path: Path = context.settings.centre.parent / name
    try:
        return read_bounds(path, survey, language)
    except FileError as error:
        return {}, [(0, str(error))]
