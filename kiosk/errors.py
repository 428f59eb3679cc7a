"""The pages for what goes wrong: in the asker's language, and with a link that leads on."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import context_of
from kiosk.floods import FloodError
from kiosk.forms import BadFormError, FormFields
from kiosk.languages import on_phone
from kiosk.one_time import UsedCodeError
from kiosk.outbox import OutboxError
from kiosk.screens import Page, show
from surveys.receipts import normal_code
from surveys.wire import Refused

log = logging.getLogger("kiosk")

# Statuses that the catalogue has.
WITH_OWN_TEXT = {400, 403, 404, 405, 410, 413, 415, 422, 429, 500, 503}


@dataclass(frozen=True, kw_only=True)
class ErrorPage(Page):
    """What went wrong, a key of the catalogue below ``error``, and what leads on from it.

    ``fields`` are what may be sent again, to ``address``; ``home`` is the address of the link, or
    "" for none. ``puzzle`` is one that static/js/phone.js solves, and then sends them by itself.
    """

    message: str
    fields: FormFields
    address: str
    home: str
    puzzle: str = ""


async def http_error(request: Request, error: Exception) -> Response:
    """The page for a status that a handler or the framework raised."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    return _page(request, status, headers)


async def bad_form(request: Request, error: Exception) -> Response:
    """422: a form that was altered, or came from a page of an older version."""
    return _page(request, 422)


async def not_stored(request: Request, error: Exception) -> Response:
    """503: the outbox could not take the answer. The page keeps it and offers to try again."""
    log.error("not stored: %s", error)
    return _page(request, 503, {"retry-after": "5"})


async def flooded(request: Request, error: Exception) -> Response:
    """429: very many forms came. The page keeps this one, which a script sends with its proof."""
    puzzle = str(error.puzzle) if isinstance(error, FloodError) else ""
    return _page(request, 429, {"retry-after": "120"}, puzzle)


async def broken(request: Request, error: Exception) -> Response:
    """500: a defect of ours, which the server logs."""
    return _page(request, 500)


async def used(request: Request, error: Exception) -> Response:
    """410: the one-time code was used, or has expired."""
    return _page(request, 410, message="once")


def _page(
    request: Request,
    status: int,
    headers: Mapping[str, str] | None = None,
    puzzle: str = "",
    message: str = "",
) -> Response:
    # What a visitor sends with "try again" must not carry the mark of the idle timer.
    # Only a post that may succeed later is offered again, with the same ids.
    sent = getattr(request.state, "fields", {}) if status in (429, 503) else {}
    code = request.path_params.get("code", "")
    start = "" if status == 403 or on_phone(request) else "/"
    known = status != 410 and normal_code(code) in context_of(request).qr_codes
    page = ErrorPage(
        message=message or _message(request, status),
        fields={name: values for name, values in sent.items() if name not in ("idle", "proof")},
        address=request.url.path,
        home=f"/f/{code}" if known else start,
        puzzle=puzzle,
    )
    response = show(request, "error", page, status=status)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def _message(request: Request, status: int) -> str:
    """The key below ``error`` of the page's text. Only phones are told of QR codes."""
    if status == 404 and not on_phone(request):
        return "no_page"
    return str(status if status in WITH_OWN_TEXT else (400 if status < 500 else 500))


HANDLERS: Mapping[Any, Any] = {
    HTTPException: http_error,
    BadFormError: bad_form,
    OutboxError: not_stored,
    FloodError: flooded,
    UsedCodeError: used,
    Refused: not_stored,  # a form was checked before: only the kiosk's own clock can be at fault
    Exception: broken,
}
