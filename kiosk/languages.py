"""In which language a request is answered: on the touch screen, and on a phone."""

from starlette.requests import Request

from surveys.messages import Language
from web import language_of


def on_phone(request: Request) -> bool:
    """Whether the request came through a QR code."""
    return request.url.path.startswith("/f/")


def asker_language(request: Request) -> Language:
    """The language of the answer: that chosen, or on a phone the phone's own.

    What the kiosk's browser prefers does not count: no visitor has set it.
    """
    return language_of(request, negotiate=on_phone(request))
