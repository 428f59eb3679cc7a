"""How the manager's pages are rendered, those about errors included."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from aggregator import numbers
from aggregator.context import MESSAGES, context_of
from aggregator.figures import CHANNELS
from aggregator.periods import KINDS
from web import language_of


def render(request: Request, name: str, values: dict[str, Any], status: int = 200) -> Response:
    """A page with what every page needs: names, the signed-in user, how figures are written."""
    context = context_of(request)
    language = language_of(request, negotiate=False)
    shared = {
        "centre": context.centre,
        "surveys": context.surveys,
        "channels": CHANNELS,
        "kinds": KINDS,
        "demo": context.settings.demo,
        "user": getattr(request.state, "user", None),
        "percent": lambda share, digits=1: numbers.percent(share, language, digits),
        "integer": lambda value: numbers.integer(value, language),
        "decimal": lambda value, digits=1: numbers.decimal(value, language, digits),
        "points": lambda difference: numbers.points(difference, language),
        "day": lambda value: numbers.day(value, language),
        "long_day": lambda value: numbers.long_day(value, language),
        "clock": numbers.clock,
        "published": lambda question: numbers.published(question, language),
    }
    response = context.pages.render(
        request, name, {**shared, **values}, language=language, status=status
    )
    if (wish := request.query_params.get("lang")) in ("vi", "en"):
        response.set_cookie("lang", wish, samesite="lax", httponly=True, max_age=31_536_000)
    return response


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
    return render(request, "error", {"message": message}, status=status)
