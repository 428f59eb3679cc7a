"""In which language a request is answered: on the touch screen, and on a phone."""

from starlette.requests import Request

from kiosk.context import context_of
from surveys.messages import preferred_language
from web import asked_language


def on_phone(request: Request) -> bool:
    """Whether the request came through a QR code, or with a receipt code."""
    return request.url.path == "/c" or request.url.path.startswith(("/f/", "/c/", "/o/"))


def asker_language(request: Request) -> str:
    """The code of the answer's language: that chosen, or on a phone the phone's own.

    What the kiosk's browser prefers does not count: no visitor has set it.
    """
    known = context_of(request).languages.names
    wish = request.headers.get("accept-language", "") if on_phone(request) else ""
    return asked_language(request, known) or preferred_language(wish, known)
