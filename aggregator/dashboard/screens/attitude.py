"""How officials are rated while they sit at their counters; the list of a quarter as a document."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import refuse_other_parameters, render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.reports import MEDIA_TYPES
from aggregator.dashboard.screens.view import FigurePage, View, choose, read_view
from aggregator.documents.worker import send
from aggregator.figures.attitude import ASKED, COMPARABLE, REASONED, Official, officials, surveys_of
from aggregator.storage.audit import entry
from aggregator.wording.messages import MESSAGES
from aggregator.wording.periods import read_period
from surveys.centre import Department
from surveys.definition import Question
from web import language_of

SHOWN = 30  # officials: what one person reads; the others by department, or where asked for


@dataclass(frozen=True, kw_only=True)
class AttitudePage(FigurePage):
    """The officials of a period's roster, those that stand out below first.

    ``parts`` are what may be told of them, by the surveys that the centre asks. At most ``most``
    are shown, and criteria only where these are all.
    """

    department: Department | None = None
    parts: Sequence[str] = (ASKED, REASONED)
    officials: Sequence[Official] = ()
    most: int | None = None
    closed: bool = False  # whether the period is over
    comparable = COMPARABLE
    asked: Sequence[str] = ()  # the questions of the full survey, in its order

    @property
    def shown(self) -> Sequence[Official]:
        return self.officials[: self.most]

    @cached_property
    def below(self) -> Sequence[Official]:
        return [one for one in self.officials if one.below]

    @cached_property
    def criteria(self) -> Sequence[Question]:
        """The questions that somebody answered of an official, in their order."""
        found = {id: one.row.question for by in self.officials for id, one in by.criteria.items()}
        known = [question for question in found.values() if question is not None]
        return sorted(known, key=lambda question: self.asked.index(question.id))

    @cached_property
    def told(self) -> Sequence[Official]:
        """Those of whom some criterion has enough answers."""
        return [one for one in self.officials if any(c.enough for c in one.criteria.values())]

    @cached_property
    def enough(self) -> int:
        """Of how many there are enough answers to say anything."""
        return sum(one.enough for one in self.officials)


@needs("officials")
async def attitude(request: Request) -> Response:
    """The officials of a period, of the centre or of one department; who looked is recorded."""
    context = context_of(request)
    anywhere = () if context.store.department else ("",)
    choices = {"department": (*anywhere, *context.centre.department), "all": ("", "1")}
    rating = context.centre.instruments.rating
    view = read_view(request, survey=rating, choices=choices, by_channel=False)
    if not request.query_params.get("how"):
        told = entry(
            context.clock(), request.state.user.name, "attitude.opened", period=view.period.code
        )
        await run_in_threadpool(context.store.audit.add, told)
    return render(request, "attitude", await run_in_threadpool(_page, context_of(request), view))


def _page(context: Context, view: View) -> AttitudePage:
    centre, store = context.centre, context.store
    choice = choose(view, centre)
    department = centre.department.get(view.choices["department"])
    if choice.measure is None:
        return AttitudePage(view=view, choice=choice, department=department)
    selection = view.selection(department.id if department else None)
    closed = view.period.until < context.today
    most = None if view.choices["all"] else SHOWN
    return AttitudePage(
        view=view,
        choice=choice,
        department=department,
        parts=[part for part, _ in surveys_of(centre, context.surveys)],
        officials=officials(
            store, context.surveys, centre, selection, choice.measure, closed=closed, most=most
        ),
        most=most,
        closed=closed,
        asked=list(context.surveys[centre.instruments.citizens].questions),
    )


@needs("officials")
async def document(request: Request) -> Response:
    """The list of a quarter, of the whole centre: not for the head of one department."""
    context, file_format = context_of(request), request.path_params["format"]
    if context.store.department is not None:
        raise HTTPException(403)
    if file_format not in MEDIA_TYPES:
        raise HTTPException(404)
    refuse_other_parameters(request, "date", "lang")
    given = {"period": "quarter", "date": request.query_params.get("date", "")}
    day = read_period(given, context.today).since
    language = language_of(request, negotiate=False)
    arguments = ["--lang", language, "attitude", "--format", file_format]
    arguments += ["--date", day.isoformat(), f"--actor={request.state.user.name}"]
    file = await context.worker.make_for(request, arguments, f".{file_format}")
    called = MESSAGES.get(language, "attitude.file")
    return send(file, f"{called}-{day.isoformat()}.{file_format}", MEDIA_TYPES[file_format])
