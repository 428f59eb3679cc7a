"""How the manager's pages are rendered, those about errors included."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from aggregator.dashboard.context import MESSAGES, context_of
from aggregator.dashboard.explanations import Explained
from aggregator.wording import numbers
from aggregator.wording.channels import CHANNELS
from aggregator.wording.periods import KINDS
from web import language_of, wants_fragment

# The navigation, in its order: paths and what they are called in the catalogue.
SCREENS = (
    ("/", "tally"),
    ("/comparison", "comparison"),
    ("/trends", "trends"),
    ("/coverage", "coverage"),
    ("/sipas", "sipas"),
    ("/business", "business"),
    ("/ddci", "ddci"),
    ("/handling", "handling"),
    ("/documents", "documents"),
    ("/published", "published"),
    ("/method", "method"),
)


def render(
    request: Request,
    name: str,
    values: dict[str, Any],
    status: int = 200,
    explain: Callable[[Explained], None] | None = None,
) -> Response:
    """A page with what every page needs: names, the signed-in user, how figures are written.

    ``explain`` fills in how the page's figures were computed; it is called when one of them
    is asked for (``?how=``), and htmx then gets that answer alone.
    """
    context = context_of(request)
    language = language_of(request, negotiate=False)
    query = urlencode([pair for pair in request.query_params.multi_items() if pair[0] != "how"])
    here = f"{request.url.path}?{query}" if query else request.url.path
    asked = None
    if explain is not None and (wish := request.query_params.get("how")):
        explained = Explained(language)
        explain(explained)
        asked = explained.get(wish)
        if wants_fragment(request):
            name = "how"
    shared = {
        "centre": context.centre,
        "today": context.today,
        "now": context.clock().astimezone(context.centre.zone),
        "asked_surveys": {asked for _, asked in context.centre.instruments},
        "surveys": context.surveys,
        "channels": CHANNELS,
        "kinds": KINDS,
        "demo": context.settings.demo,
        "asked": asked,
        "here": here,
        "asks": f"{here}{'&' if '?' in here else '?'}how=",
        "screens": SCREENS,
        "roman": numbers.roman,
        "user": getattr(request.state, "user", None),
        "percent": lambda share, digits=1: numbers.percent(share, language, digits),
        "integer": lambda value: numbers.integer(value, language),
        "decimal": lambda value, digits=1: numbers.decimal(value, language, digits),
        "points": lambda difference: numbers.points(difference, language),
        "day": lambda value: numbers.day(value, language),
        "clock": numbers.clock,
        "p_value": lambda p: numbers.p_value(p, language),
        "published": lambda question: numbers.published(question, language),
    }
    response = context.pages.render(
        request, name, {**shared, **values}, language=language, status=status
    )
    if (wish := request.query_params.get("lang")) in ("vi", "en"):
        response.set_cookie("lang", wish, samesite="lax", httponly=True, max_age=31_536_000)
    return response


class ParameterError(HTTPException):
    """A parameter that an address does not take, or takes once; the answer (400) names it."""

    def __init__(self, name: str) -> None:
        super().__init__(400, "unknown_parameter")
        self.name = name[:40]


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
    named = error.name if isinstance(error, ParameterError) else ""
    return render(request, "error", {"message": message, "named": named}, status=status)
