"""The HTML doors: the manager's pages, and the door in front of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from aggregator import numbers
from aggregator.accounts import MAX_FAILURES, SESSION, AccountError
from aggregator.api import Period as CsvPeriod
from aggregator.api import stream_csv
from aggregator.chart import Axis
from aggregator.context import MESSAGES, Context, context_of
from aggregator.figures import CHANNELS, FigureRow, figure_rows, why_not_comparable
from aggregator.participation import CENTRE, Participation, participation
from aggregator.periods import KINDS, Period, PeriodError, read_period
from aggregator.store import Grouping, Selection
from surveys.definition import Survey
from web import language_of, read_form, wants_fragment

COOKIE = "hailong_session"
Handler = Callable[[Request], Awaitable[Response]]


def signed_in(handler: Handler) -> Handler:
    """Lets signed-in people through; sends the others to the door and back."""

    @wraps(handler)
    async def guarded(request: Request) -> Response:
        accounts = context_of(request).accounts
        secret = request.cookies.get(COOKIE, "")
        user = await run_in_threadpool(accounts.user_of, secret) if secret else None
        if user is not None:
            request.state.user = user
            return await handler(request)
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        door = f"/sign-in?{urlencode({'next': back})}"
        if wants_fragment(request):
            return Response(status_code=401, headers={"hx-redirect": door})
        return RedirectResponse(door, 303)

    return guarded


@dataclass(frozen=True)
class View:
    """What a page was asked to show."""

    survey: Survey
    period: Period
    channel: str | None
    measure: str | None

    def parameters(self, **changes: str | None) -> str:
        """A query string for this view with some parameters changed or (None) left out."""
        given: dict[str, str | None] = {
            "survey": self.survey.id,
            **self.period.parameters(),
            "channel": self.channel,
            "measure": self.measure,
            **changes,
        }
        return urlencode({name: value for name, value in given.items() if value})

    def selection(self, department: str | None = None) -> Selection:
        since, until = self.period.since, self.period.until
        return Selection(self.survey.id, None, since, until, self.channel, department)


def _view(request: Request) -> View:
    """Raises HTTPException 400 with the message's key for a parameter that cannot be."""
    context, given = context_of(request), request.query_params
    survey = context.surveys.get(given.get("survey") or context.centre.instruments.rating)
    channel = given.get("channel") or None
    if survey is None or (channel is not None and channel not in CHANNELS):
        raise HTTPException(400, "unknown_choice")
    measures = list(survey.measures_of(survey.measured[0])) if survey.measured else []
    # The form says which survey its measure was chosen for: another one begins with its own.
    same = given.get("of", survey.id) == survey.id
    measure = given.get("measure") if same else None
    try:
        period = read_period(given, context.today)
    except PeriodError as error:
        raise HTTPException(400, error.key) from None
    return View(survey, period, channel, measure if measure in measures else None)


@signed_in
async def tally(request: Request) -> Response:
    """Today, or another period, by department."""
    view = _view(request)
    return await _figures_page(request, view, None)


@signed_in
async def department(request: Request) -> Response:
    """One department by counter and by question."""
    context = context_of(request)
    found = context.centre.department.get(request.path_params["department"])
    if found is None:
        raise HTTPException(404)
    return await _figures_page(request, _view(request), found.id)


async def _figures_page(request: Request, view: View, department_id: str | None) -> Response:
    figures = await run_in_threadpool(_figures, context_of(request), view, department_id)
    return _render(request, "tally" if department_id is None else "department", figures)


def _figures(context: Context, view: View, department_id: str | None) -> dict[str, Any]:
    """Everything the figure pages show, read from tallies."""
    survey, centre, store = view.survey, context.centre, context.store
    selection = view.selection(department_id)
    has_total = len(survey.measured) == 1 or bool(survey.pooled_measures)
    parts: list[FigureRow] = []
    total: FigureRow | None = None
    if has_total:
        by_place: Grouping = "department" if department_id is None else "counter"
        parts = figure_rows(store, survey, centre, selection, by_place)
        if department_id is None:
            [total] = figure_rows(store, survey, centre, selection, "centre")
        else:
            rows = figure_rows(store, survey, centre, view.selection(), "department")
            total = next(row for row in rows if row.key == department_id)
    questions = figure_rows(store, survey, centre, selection, "question")
    factors = (
        figure_rows(store, survey, centre, selection, "factor") if survey.pooled_measures else []
    )
    measures = list(survey.measures_of(survey.measured[0]))
    references = [r for r in centre.references if not why_not_comparable(survey, r)]
    published = [name for name in measures if any(r.measure == name for r in references)]
    measure = view.measure or [*published, *measures][0]
    rows = [*([total] if total else []), *parts]
    lows = [row.measures[measure].low for row in rows]
    reference = next((r for r in references if r.measure == measure), None)
    return {
        "view": view,
        "today": context.today,
        "now": context.clock().astimezone(centre.zone),
        "survey": survey,
        "department": centre.department[department_id] if department_id else None,
        "total": total,
        "parts": parts,
        "elsewhere": total.n - sum(row.n for row in parts) if total else 0,
        "questions": questions,
        "factors": factors,
        "measures": measures,
        "measure": measure,
        "codes": survey.scales[survey.measured[0].scale or ""].levels if has_total else (),
        "reference": reference,
        "axis": Axis.around([*lows, reference.value if reference else None]),
        "not_compared": [(r, why_not_comparable(survey, r)) for r in centre.references],
        "participation": _participation(context, view) if total else {},
        "part_key": department_id or CENTRE,
        "span": (view.period.until - view.period.since).days + 1,
    }


def _participation(context: Context, view: View) -> dict[str, Participation]:
    """By department, and of the centre under ''; empty where no dossiers are known."""
    dossiers = context.store.transactions(view.period.since, view.period.until)
    if dossiers.empty:
        return {}
    headline = (view.survey.measured[0].id,) if len(view.survey.measured) == 1 else None
    asked = replace(view.selection(), questions=headline)
    return participation(context.store.respondents(asked), dossiers)


def _render(request: Request, name: str, values: dict[str, Any], status: int = 200) -> Response:
    context = context_of(request)
    language = language_of(request, negotiate=False)
    shared = {
        "centre": context.centre,
        "surveys": context.surveys,
        "channels": CHANNELS,
        "kinds": KINDS,
        "demo": context.settings.demo,
        "user": getattr(request.state, "user", None),
        "session_hours": SESSION.seconds // 3600,
        "percent": lambda share, digits=1: numbers.percent(share, language, digits),
        "integer": lambda value: numbers.integer(value, language),
        "decimal": lambda value, digits=1: numbers.decimal(value, language, digits),
        "points": lambda difference: numbers.points(difference, language),
        "day": lambda value: numbers.day(value, language),
        "clock": numbers.clock,
        "published": lambda question: numbers.published(question, language),
    }
    response = context.pages.render(
        request, name, {**shared, **values}, language=language, status=status
    )
    if (wish := request.query_params.get("lang")) in ("vi", "en"):
        response.set_cookie("lang", wish, samesite="lax", httponly=True, max_age=31_536_000)
    return response


@signed_in
async def download(request: Request) -> Response:
    """The joined table of a period for managers, who may read what people wrote."""
    if request.state.user.role != "manager":
        raise HTTPException(403)
    period = _view(request).period
    return await stream_csv(
        context_of(request), CsvPeriod.model_validate({"from": period.since, "to": period.until})
    )


# The door


async def sign_in(request: Request) -> Response:
    """Ask for name and password, check them, and go where the asker wanted to go."""
    if request.method == "GET":
        return _render(request, "sign_in", {"next": _next(request.query_params.get("next"))})
    form = await read_form(request, limit=16_384)
    name, password = (form.get(field, [""])[0] for field in ("name", "password"))
    where = _next(form.get("next", [""])[0])
    accounts = context_of(request).accounts
    session = await run_in_threadpool(accounts.sign_in, name[:64], password[:1_000])
    if session is None:
        values = {"next": where, "name": name[:64], "failed": True, "failures": MAX_FAILURES}
        return _render(request, "sign_in", values, status=403)
    return _enter(request, session, where)


async def sign_in_by_link(request: Request) -> Response:
    """A link from the command line; it works once."""
    accounts, secret = context_of(request).accounts, request.path_params["secret"]
    session = await run_in_threadpool(accounts.sign_in_by_link, secret)
    if session is None:
        return _render(request, "sign_in", {"next": "/", "spent": True}, status=403)
    return _enter(request, session, "/")


def _enter(request: Request, session: str, where: str) -> Response:
    response = RedirectResponse(where, 303)
    response.set_cookie(
        COOKIE,
        session,
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=context_of(request).settings.secure_cookies,
    )
    return response


def _next(wish: str | None) -> str:
    """Where to go after the door: only a path of our own."""
    own = wish and wish.startswith("/") and not wish.startswith(("//", "/\\", "/sign-"))
    return wish if own and wish else "/"


async def sign_out(request: Request) -> Response:
    secret = request.cookies.get(COOKIE, "")
    await run_in_threadpool(context_of(request).accounts.sign_out, secret)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE)
    return response


@signed_in
async def account(request: Request) -> Response:
    """Set one's password."""
    if request.method == "GET":
        return _render(request, "account", {})
    form = await read_form(request, limit=16_384)
    password, again = (form.get(field, [""])[0] for field in ("password", "again"))
    if password != again:
        return _render(request, "account", {"error": "account.differ"}, status=422)
    accounts = context_of(request).accounts
    try:
        await run_in_threadpool(accounts.set_password, request.state.user.name, password)
    except AccountError:
        return _render(request, "account", {"error": "account.short"}, status=422)
    return RedirectResponse("/sign-in", 303)


async def http_error(request: Request, error: Exception) -> Response:
    """A kind page for whatever went wrong, or JSON for a machine."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = f"error.{status}"
    if status == 400 and isinstance(error, HTTPException) and error.detail != "Bad Request":
        message = f"error.{error.detail}"
    if message not in MESSAGES.texts["vi"]:
        message = "error.other"
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": MESSAGES.get(language_of(request), message)}, status)
    return _render(request, "error", {"message": message}, status=status)
