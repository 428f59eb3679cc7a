"""How the managers' pages are rendered, and the pages that say what went wrong."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from aggregator.dashboard.context import MESSAGES, context_of
from aggregator.dashboard.menu import doors, selected
from aggregator.dashboard.permissions import Open, Permission, may, need_of
from aggregator.dashboard.schemas import ErrorJson
from aggregator.figures.figure import Figure
from aggregator.figures.participation import bounds_figure, participation_figure
from aggregator.figures.references import question_figure, reference_figure
from aggregator.storage.tables import User
from aggregator.wording import numbers
from aggregator.wording.channels import CHANNELS
from aggregator.wording.periods import PERIOD_KINDS
from surveys.messages import Language, MessageError
from web import language_of, path_of, wants_fragment

log = logging.getLogger("aggregator.pages")
# Filled in by %, which escapes as Markup.format does and is several times as fast: a page may have
# hundreds of them.
LINK, SMALL = Markup('<a class="ask" href="%s%s">%s%s</a>'), Markup("<small>%s</small>")
BESIDE = Markup(' <span class="beside">%s</span>')


class Links:
    """Writes a page's figures as links to how they were computed, and remembers them by name.

    ``address`` is that of the page. No list of figures is needed: each that was written is known.
    """

    def __init__(self, language: Language, address: str) -> None:
        self._language = language
        self._address = f"{address}{'&' if '?' in address else '?'}how="
        self._figures: dict[str, Figure] = {}

    def ask(self, figure: Figure, text: str | None = None, small: str | None = None) -> Markup:
        """The figure as a link: its value or ``text``, with the line ``small`` below it.

        What stands beside it follows, after the link.
        """
        self._figures[figure.name] = figure
        written = figure.written(self._language) if text is None else text
        below = "" if small is None else SMALL % (small,)
        link = LINK % (self._address, figure.name, written, below)
        # What is written in the figure's place, such as a verdict, has nothing beside it.
        if figure.beside is None or figure.written(self._language) not in written:
            return link
        return link + BESIDE % (figure.beside.get(self._language),)

    def asked(self, name: str | None) -> Figure | None:
        """The figure of a name; None where the page has not written it."""
        return self._figures.get(name or "")


def render(request: Request, name: str, page: object, status: int = 200) -> Response:
    """Render the template ``name`` with its ``page`` and with what all pages share.

    Shared are the centre, the day, the signed-in user and how numbers and days are written.
    Where a figure is asked for (``?how=NAME``), htmx gets its explanation alone.
    """
    context = context_of(request)
    language = language_of(request, negotiate=False)
    query = urlencode([pair for pair in request.query_params.multi_items() if pair[0] != "how"])
    here = f"{request.url.path}?{query}" if query else request.url.path
    links = Links(language, here)
    user: User | None = getattr(request.state, "user", None)
    visiting = getattr(request.state, "visiting", False)
    # What a page refuses must not be in its links: none of them would lead out.
    selection = selected(request, context.store.department) if status == 200 else {}

    def permitted(permission: Permission | Open) -> bool:
        return may(user, permission) and not (visiting and permission == "self")

    how = request.query_params.get("how")
    values = {
        "page": page,
        "view": getattr(page, "view", None),
        "centre": context.centre,
        "changed_organisation": context.store.department is None
        and context.organisation.centre.has_changed,
        "today": context.today,
        "now": context.clock().astimezone(context.centre.zone),
        "asked_surveys": {asked for _, asked in context.centre.instruments},
        "surveys": context.surveys,
        "channels": CHANNELS,
        "period_kinds": PERIOD_KINDS,
        "oidc": bool(context.settings.oidc_issuer),
        "demo": context.settings.demo,
        "how": how,
        "here": here,
        "doors": doors(context.menu, request, lambda page: permitted(need_of(page.endpoint))),
        "selection": selection,
        "onward": f"?{urlencode(selection)}" if selection else "",
        "stay": lambda **changes: _changed(request, changes),
        "user": user,
        "may": permitted,
        "visiting": visiting,
        "above": context.above is not None,
        "is_province": context.is_province,
        "has": lambda key: key in MESSAGES.texts[language],
        **writers(language),
        **_figures(links),
    }
    response = context.pages.render(request, name, values, language=language, status=status)
    if (
        how and status == 200 and wants_fragment(request)
    ):  # the page itself was rendered only to collect its figures
        response = context.pages.render(request, "how", values, language=language)
    if (wish := request.query_params.get("lang")) in ("vi", "en"):
        response.set_cookie("lang", wish, samesite="lax", httponly=True, max_age=31_536_000)
    return response


def _changed(request: Request, changes: Mapping[str, str | None]) -> str:
    """The query of a page with some parameters changed or (None) left out."""
    given: dict[str, str | None] = {**request.query_params, "how": None, **changes}
    return urlencode({name: value for name, value in given.items() if value})


def writers(language: Language) -> dict[str, Callable[..., str]]:
    """How numbers are written, in the reader's language."""
    return {
        "percent": lambda share, digits=1: numbers.percent(share, language, digits),
        "integer": lambda value: numbers.integer(value, language),
        "decimal": lambda value, digits=1: numbers.decimal(value, language, digits),
        "points": lambda difference: numbers.points(difference, language),
        "day": lambda value: numbers.day(value, language),
        "clock": numbers.clock,
        "roman": numbers.roman,
        "between": lambda low, high: numbers.between(str(low), str(high), language),
    }


def _figures(links: Links) -> dict[str, Callable[..., Figure | Markup | None]]:
    """Functions for templates: figures that several pages have, and links to any figure."""
    return {
        "ask": links.ask,
        "asked": links.asked,
        "reference_figure": reference_figure,
        "question_figure": question_figure,
        "participation_figure": participation_figure,
        "bounds_figure": bounds_figure,
    }


@dataclass(frozen=True)
class ErrorPage:
    """What went wrong: a key of the message catalogue, and what its text names."""

    message: str
    values: Mapping[str, object] = field(default_factory=dict)


class ParameterError(HTTPException):
    """A query parameter that is unknown, or given twice: the answer is 400 and names it."""

    def __init__(self, name: str) -> None:
        super().__init__(400, "unknown_parameter")
        self.name = name[:40]


def refuse_other_parameters(request: Request, *names: str) -> None:
    """Raise ParameterError where a parameter is given that has none of these names, or twice.

    For files: a page shows how it is filtered, but a file for which a misspelt filter was
    ignored would hold other answers than its reader believes.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in names or given.count(name) > 1:
            raise ParameterError(name)


def version_seen(given: Mapping[str, str]) -> int:
    """The version of the centre's document that the sender of a form has seen: its ``after``.

    Raises HTTPException 400 for what no page of ours sends.
    """
    after = given.get("after", "")
    if not after.isdecimal() or len(after) > 9:
        raise HTTPException(400, "unknown_choice")
    return int(after)


async def unreadable_error(request: Request, error: Exception) -> Response:
    """503 where this release cannot read what another one has stored; the reason is in the log."""
    log.error("%s", error)
    return await http_error(request, HTTPException(503, "unreadable"))


async def http_error(request: Request, error: Exception) -> Response:
    """Answer an exception that no handler caught: an HTTPException, or any other as 500.

    Below /api/ the answer is JSON ``{"error": …}``, elsewhere a page; both give the message
    ``error.STATUS`` of the catalogue, or of an HTTPException with a detail ``error.DETAIL``.
    """
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    message = f"error.{status}"
    values: Mapping[str, object] = {}
    if isinstance(error, MessageError):
        status, message, values = error.status, error.message, error.values
    elif isinstance(error, ParameterError):
        message, values = f"error.{error.detail}", {"name": error.name}
    elif isinstance(error, HTTPException) and f"error.{error.detail}" in MESSAGES.texts["vi"]:
        message = f"error.{error.detail}"
    if message not in MESSAGES.texts["vi"]:
        message = "error.other"
    if path_of(request).startswith("/api/"):
        reason = ErrorJson(error=MESSAGES.get(language_of(request), message, **values))
        return JSONResponse(reason.model_dump(), status, headers=headers)
    response = render(request, "error", ErrorPage(message, values), status=status)
    response.headers.update(headers or {})
    return response
