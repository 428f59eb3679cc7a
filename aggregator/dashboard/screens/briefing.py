"""The morning briefing: what a manager reads at half past seven, in ten seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.alerts.words import sentence
from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, choose, read_view
from aggregator.figures.briefing import Attention, Briefing, briefing
from aggregator.storage.alerts import Alert
from aggregator.storage.closings import Entry
from aggregator.storage.comments import Search
from aggregator.wording.phrases import Words
from surveys.centre import WEEKDAYS
from web import under

MOST_COMMENTS = 99  # counted
# Rules whose alerts stand elsewhere on the page.
OWN_PLACE = ("silent_minutes", "overdue")


@dataclass(frozen=True, kw_only=True)
class BriefingPage(FigurePage):
    """The briefing; without ``found`` the centre's ratings have no one share.

    ``told`` are what needs attention, each with the sentence of its alert, if it is one.
    ``silent`` names devices that are silent, ``comments`` counts those since the last
    working day, up to ``most``; ``overdue`` numbers overdue cases, ``others`` are
    the other alerts that last, each with its sentence. ``closed`` are the ledger's entries of the
    day: what came late of it after the first.
    """

    found: Briefing | None
    told: Sequence[tuple[Attention, Words | None]] = ()
    silent: Sequence[str] = ()
    others: Sequence[tuple[Alert, Words]] = ()
    overdue: Sequence[int] = ()
    comments: int = 0
    closed: Sequence[Entry] = ()

    most = MOST_COMMENTS
    weekdays = WEEKDAYS


@needs("department")
async def morning(request: Request) -> Response:
    """The briefing of today's morning; a head's is the own department's tally."""
    context = context_of(request)
    if own := context.store.department:
        return RedirectResponse(under(request, f"/department/{own}"), 303)
    view = read_view(request, survey=context.centre.instruments.rating, by_channel=False)
    page = await run_in_threadpool(_page, context_of(request), view)
    return render(request, "briefing", page)


def _page(context: Context, view: View) -> BriefingPage:
    """Everything the page shows. Raises database.StorageError."""
    centre, survey = context.centre, view.survey
    choice = choose(view, centre)
    live = context.store.alerts.live()
    if not survey.has_total or choice.measure is None:
        return BriefingPage(view=view, choice=choice, found=None)
    found = briefing(
        context.store, survey, centre, context.today, choice.measure, choice.reference, live
    )
    told = [one.alert for one in found.attention]
    return BriefingPage(
        view=view,
        choice=choice,
        found=found,
        told=[(one, sentence(one.alert, centre) if one.alert else None) for one in found.attention],
        silent=[str(one.details["device"]) for one in live if one.rule == "silent_minutes"],
        overdue=[one.number for one in context.store.cases.overdue(context.clock())],
        comments=context.store.comments.count(
            Search(since=found.day, until=context.today), MOST_COMMENTS
        ),
        closed=context.store.closings.entries(found.day),
        others=[
            (one, sentence(one, centre))
            for one in live
            if one.rule not in OWN_PLACE and one not in told
        ],
    )
