"""Departments ranked by the firms that they serve, where a province has said by what (DDCI)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, read_view
from aggregator.figures.ddci import DdciRanking, HardData, ddci_ranking
from aggregator.figures.hard_data import HardTable, component_data, latest
from aggregator.indices.ddci_definition import Component, Ddci, HardIndicator
from aggregator.intake.ddci import read_hard_data
from aggregator.intake.files import FileError
from aggregator.wording.charts import Axis
from surveys.messages import Language
from web import language_of


@dataclass(frozen=True, kw_only=True)
class DdciPage(FigurePage):
    """``ddci`` is None where the province has not said by what to rank.

    ``hard`` are numbers from records that the desk has. ``errors`` are the lines of the file of
    hard data that could not be read, with the reasons.
    """

    ddci: DdciRanking | None = None
    errors: Sequence[tuple[int, str]] = ()
    hard: HardTable = field(default_factory=HardTable)

    @property
    def axis(self) -> Axis:
        return Axis(0.0)

    @property
    def components(self) -> Mapping[str, Component]:
        return {c.id: c for c in self.ddci.definition.components} if self.ddci else {}

    @property
    def columns(self) -> Mapping[str, HardIndicator]:
        return {i.column: i for i in self.ddci.definition.hard} if self.ddci else {}


@needs("figures")
async def ddci(request: Request) -> Response:
    """Ranks with their intervals, what they are made of, and who has no rank yet."""
    context = context_of(request)
    definition = context.ddci
    survey = definition.survey if definition else context.centre.instruments.businesses
    view = read_view(request, survey=survey)
    if definition is None:
        return render(request, "ddci", DdciPage(view=view))
    language = language_of(request, negotiate=False)
    page = await run_in_threadpool(_page, context_of(request), view, definition, language)
    return render(request, "ddci", page)


def _page(context: Context, view: View, definition: Ddci, language: Language) -> DdciPage:
    in_file, errors = _hard_data(context, definition, language)
    stored = context.store.hard_data(view.period.until.year)
    on_desk, years = latest(stored, definition)
    hard = _together(in_file, on_desk, years)
    ranking = ddci_ranking(
        context.store, definition, view.survey, context.centre, view.selection(), hard, years
    )
    table = component_data(stored, definition, context.organisation.centre)
    return DdciPage(view=view, ddci=ranking, errors=errors, hard=table)


def _together(in_file: HardData, on_desk: HardData, columns: Collection[str]) -> HardData:
    """The numbers of the file, but for those columns that the desk has."""
    return {
        one: {
            **{name: value for name, value in in_file.get(one, {}).items() if name not in columns},
            **on_desk.get(one, {}),
        }
        for one in {*in_file, *on_desk}
    }


def _hard_data(
    context: Context, definition: Ddci, language: Language
) -> tuple[HardData, list[tuple[int, str]]]:
    """The records' numbers from the file that the definition names, read anew each time."""
    if definition.hard_data is None or context.settings.ddci is None:
        return {}, []
    path: Path = context.settings.ddci.parent / definition.hard_data
    known = list(context.organisation.centre.department)  # also those that were merged since
    try:
        return read_hard_data(path, definition, known, language)
    except FileError as error:
        return {}, [(0, str(error))]
