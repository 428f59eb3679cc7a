"""The touch screen while nobody uses it: a picture that invites, and darkness outside the hours."""

from dataclasses import dataclass

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import Context, context_of
from kiosk.posters import Poster, address_of
from kiosk.reach import reach_of
from kiosk.screens import Page, show
from qr_images import draw
from surveys.definition import Text
from surveys.wifi import Wifi


@dataclass(frozen=True, kw_only=True)
class RestPage(Page):
    """The screen at rest; ``asleep`` outside the opening hours.

    ``question`` is the one that the faces answer. ``poster`` is the QR code of this very place;
    None where no phone could open its address. ``wifi`` is named where only its phones could.
    """

    asleep: bool
    question: Text
    poster: Poster | None
    wifi: Wifi | None = None


async def rest(request: Request) -> Response:
    """The screen at rest, in Vietnamese and English at once. A touch leads to the start."""
    context = context_of(request)
    asleep = not context.centre.is_attended(context.now())
    poster = None if asleep else await anyio.to_thread.run_sync(_poster, context)
    question = context.rating_survey.questions["rating"].text
    wifi = context.centre.wifi if reach_of(context.settings.deep_link) == "network" else None
    page = RestPage(place=context.place, asleep=asleep, question=question, poster=poster, wifi=wifi)
    return show(request, "rest", page, language="vi")


def _poster(context: Context) -> Poster | None:
    qr_code = context.citizens_code(context.place)
    address = address_of(context, qr_code)
    if reach_of(address) == "machine":
        return None
    return Poster(qr_code, address.partition("://")[2], draw(address))
