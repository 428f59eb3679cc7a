"""In which language a request is answered: on the touch screen, and on a phone."""

from starlette.requests import Request

from surveys.messages import LANGUAGES, Language
from web import language_of


def on_phone(request: Request) -> bool:
    """Whether the request came through a QR code."""
    return request.url.path.startswith("/f/")


def touch_language(request: Request) -> Language:
    """Vietnamese, unless the person before the touch screen chose another language.

    What the kiosk's browser prefers does not count: no visitor has set it.
    """
    chosen = request.query_params.get("lang") or request.cookies.get("lang")
    return chosen if chosen in LANGUAGES else "vi"


def asker_language(request: Request) -> Language:
    """The language of the answer: a phone's own preference counts, the kiosk's does not."""
    return language_of(request) if on_phone(request) else touch_language(request)
