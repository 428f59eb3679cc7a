"""Alerts: what should be looked at, and by whom it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.alerts.post import UNREACHABLE
from aggregator.alerts.words import moment, sentence
from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.storage.alerts import Alert, Post
from aggregator.storage.audit import Entry
from aggregator.wording.phrases import Words
from surveys.text import LONGEST_TEXT, cleaned, composed
from web import read_form, under

SHOWN = 50  # alerts that have ended and nobody has looked at
PAST = 50  # those that were looked at


@dataclass(frozen=True, kw_only=True)
class Line:
    """An alert with its sentence, its times, and where it was or is to be sent."""

    alert: Alert
    text: Words
    begun: Words
    ended: Words | None
    seen: Words | None
    posts: Sequence[Post]


@dataclass(frozen=True, kw_only=True)
class AlertsPage:
    """Those that last, those that nobody has looked at, and ``more`` of these, then the past ones.

    ``number`` is of one whose note could not be taken, because ``error``; ``sends`` is whether
    anything is sent at all.
    """

    open: Sequence[Line]
    more: int
    past: Sequence[Line]
    sends: bool
    number: int | None = None
    error: str = ""

    longest = LONGEST_TEXT
    unreachable = UNREACHABLE


@needs("alerts")
async def alerts(request: Request) -> Response:
    """The list; a posted form says that its sender has looked at one, with a note."""
    context = context_of(request)
    if request.method != "POST":
        return render(request, "alerts", await run_in_threadpool(_page, context))
    form = await read_form(request)
    given = form.get("number", [""])[0]
    number = int(given) if given.isdecimal() and len(given) < 10 else 0
    note = cleaned(composed(form.get("note", [""])[0])).strip()
    error = await run_in_threadpool(_see, context, request.state.user.name, number, note)
    if error:
        page = await run_in_threadpool(_page, context, number=number, error=error)
        return render(request, "alerts", page, status=422 if error == "long_note" else 409)
    return RedirectResponse(under(request, "/alerts"), 303)


def _see(context: Context, by: str, number: int, note: str) -> str:
    """Note that somebody has looked at an alert; returns why not. Raises HTTPException 404."""
    if len(note) > LONGEST_TEXT:
        return "long_note"
    alert = context.store.alerts.alert(number)
    if alert is None:
        raise HTTPException(404)
    told: dict[str, str | int] = {"what": alert.rule, "number": number}
    new = Entry(context.clock(), by, "alert.seen", told)
    return "" if context.store.alerts.see(number, note, new) else "seen_before"


def _page(context: Context, number: int | None = None, error: str = "") -> AlertsPage:
    log, settings = context.store.alerts, context.settings
    open, past = log.open(SHOWN), log.past(PAST)
    posts = log.posts([one.number for one in (*open, *past)])
    return AlertsPage(
        open=[_line(context, one, posts) for one in open],
        more=max(0, log.unseen() - SHOWN),
        past=[_line(context, one, posts) for one in past],
        sends=bool(settings.smtp.get_secret_value() or settings.webhook_url),
        number=number,
        error=error,
    )


def _line(context: Context, alert: Alert, posts: Mapping[int, Sequence[Post]]) -> Line:
    centre = context.centre
    return Line(
        alert=alert,
        text=sentence(alert, centre),
        begun=moment(alert.begun_at, centre),
        ended=moment(alert.ended_at, centre) if alert.ended_at else None,
        seen=moment(alert.seen_at, centre) if alert.seen_at else None,
        posts=posts.get(alert.number, ()),
    )
