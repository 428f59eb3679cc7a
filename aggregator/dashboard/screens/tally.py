"""The tally: today or another period, by department, counter and question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import (
    Choice,
    FigurePage,
    View,
    channel_modes,
    choose,
    not_asked_now,
    read_view,
)
from aggregator.figures.figures import figure_rows
from aggregator.figures.participation import respondents_twice, taking_part
from aggregator.figures.rows import FigureRow, RowKey
from aggregator.statistics.participation import CENTRE, Participation
from aggregator.storage.closings import Entry
from aggregator.wording.charts import Axis, tone
from surveys.centre import Department
from surveys.definition import Level, Survey
from web import under


@dataclass(frozen=True, kw_only=True)
class TallyPage(FigurePage):
    """The figures of the centre by department, or of one department by counter.

    ``total`` is None, and ``parts`` empty, where the survey has no one share: then the first
    measure of its questions stands for it. ``participation`` is by department, ``place`` the key
    of the whole; ``span`` are the period's working days until today. ``closed`` are the closings
    of the one day that the centre's page shows: those after the first restated it.
    """

    department: Department | None
    total: FigureRow | None
    parts: Sequence[FigureRow]
    unplaced: int
    questions: Sequence[FigureRow]
    factors: Sequence[FigureRow]
    levels: Sequence[Level]
    axis: Axis
    modes: Sequence[str]
    participation: Mapping[str, Participation]
    span: int
    asked_now: bool
    closed: Sequence[Entry] = ()

    @property
    def place(self) -> str:
        return self.department.id if self.department else CENTRE

    @property
    def measures(self) -> Sequence[str]:
        return self.choice.measures or tuple(self.survey.measures_of(self.survey.measured[0]))

    @property
    def tones(self) -> Mapping[int, int]:
        """The colour of each level, by its code."""
        return {level.code: tone(at, len(self.levels)) for at, level in enumerate(self.levels)}

    @property
    def most_answers(self) -> int:
        """The answers to the question that most people answered: at least as many took part."""
        single = [row for row in self.questions if row.question and row.question.kind != "many"]
        return max((row.n for row in single), default=0)

    @property
    def published_sources(self) -> Mapping[int, str]:
        """Year and source of the figures that stand beside single questions."""
        published = [row.question.published for row in self.questions if row.question]
        return {figure.year: figure.source for figure in published if figure is not None}


@needs("department")
async def tally(request: Request) -> Response:
    """Today, or another period, by department; to a department's head the own one."""
    if own := context_of(request).store.department:
        return RedirectResponse(f"{under(request, f'/department/{own}')}?{request.url.query}", 303)
    view = read_view(request, kind="day")
    context = context_of(request)
    page = await run_in_threadpool(_page, context, view, None)
    return render(request, "tally", page)


@needs("department")
async def department(request: Request) -> Response:
    """One department by counter and by question; under today's organisation its successor."""
    asked, heirs = request.path_params["department"], context_of(request).centre.department_heirs
    view = read_view(request, kind="day")
    context, heir = context_of(request), heirs.get(asked)
    chosen = context.centre.department.get(asked)
    if chosen is None and heir:
        return RedirectResponse(under(request, f"/department/{heir}?{view.parameters()}"), 303)
    if chosen is None:
        raise HTTPException(404)
    page = await run_in_threadpool(_page, context, view, chosen)
    return render(request, "department", page)


def _page(context: Context, view: View, department: Department | None) -> TallyPage:
    """Everything the page shows, read from tallies. Raises database.StorageError."""
    survey, centre, store = view.survey, context.centre, context.store
    selection = view.selection(department.id if department else None)
    choice = choose(view, centre, department.id if department else None)
    total, parts = _places(context, view, department) if survey.has_total else (None, [])
    asked_now = total is None or not not_asked_now(centre, survey, total.n)
    until = min(view.period.until, context.today)
    return TallyPage(
        view=view,
        choice=choice,
        department=department,
        total=total,
        parts=parts,
        unplaced=total.n - sum(row.n for row in parts) if total else 0,
        questions=figure_rows(store, survey, centre, selection, "question", known=total),
        factors=figure_rows(store, survey, centre, selection, "factor")
        if survey.pooled_measures
        else [],
        levels=_levels(survey),
        axis=_axis([*([total] if total else []), *parts], choice),
        modes=channel_modes(store, view),
        participation=_participation(context, view) if total and asked_now else {},
        span=centre.days_open(view.period.since, until),
        asked_now=asked_now,
        closed=_closings(context, view) if department is None else (),
    )


def _closings(context: Context, view: View) -> Sequence[Entry]:
    one_day = view.period.since == view.period.until
    return context.store.closings.entries(view.period.since) if one_day else ()


def _places(
    context: Context, view: View, department: Department | None
) -> tuple[FigureRow, list[FigureRow]]:
    """The whole that the page is of, and its departments or counters.

    A department's counters are compared among all of the centre's, as it is itself: the
    verdict of the same ratings must not depend on the page.
    """

    def rows(by: RowKey) -> list[FigureRow]:
        return figure_rows(context.store, view.survey, context.centre, view.selection(), by)

    if department is None:
        [whole] = rows("centre")
        return whole, rows("department")
    counters = [row for row in rows("counter") if row.department == department.id]
    own = [row for row in rows("department") if row.key == department.id]
    if not own:  # closed in all of the period, and without answers
        alone = view.selection(department.id)
        own = figure_rows(context.store, view.survey, context.centre, alone, "department")
    return own[0], counters


def _levels(survey: Survey) -> Sequence[Level]:
    return survey.scales[survey.measured[0].scale or ""].levels if survey.has_total else ()


def _axis(rows: Sequence[FigureRow], choice: Choice) -> Axis:
    """An axis that shows every interval and the reference."""
    lows = [row.measures[choice.measure].low for row in rows if choice.measure]
    return Axis.around([*lows, choice.reference.value if choice.reference else None])


def _participation(context: Context, view: View) -> Mapping[str, Participation]:
    dossiers = context.store.transactions(view.period.since, view.period.until)
    if dossiers.empty:
        return {}
    store, survey, centre = context.store, view.survey, context.centre
    ratings, others = respondents_twice(store, survey, centre, view.selection())
    return taking_part(ratings, dossiers, centre, others)
