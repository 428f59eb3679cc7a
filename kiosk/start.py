"""Where every visitor of the touch screen begins and ends: tiles, faces, farewell."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import context_of
from kiosk.places import WHOLE_CENTRE, Place
from kiosk.receipts import Receipt, receipt_shown
from kiosk.screens import Page, redirect, show
from surveys.definition import Survey
from surveys.receipts import read_code
from web import wants_fragment

FAREWELL_SECONDS = 8


@dataclass(frozen=True, kw_only=True)
class FacesPage(Page):
    """The five faces of the rating: for a new visit, or to choose again.

    ``recorded`` is the code of the face that the visit chose before, and 0 for a new visit;
    ``untouched`` as in touch.ThanksPage; ``test`` is a tap of staff that counts nowhere.
    """

    survey: Survey
    visit: UUID = field(default_factory=uuid4)
    recorded: int = 0
    test: bool = False
    untouched: int = 0


@dataclass(frozen=True, kw_only=True)
class FarewellPage(Page):
    """The farewell; ``again``: an earlier answer of this visit is the one that was kept.

    With the ``receipt`` of a comment it waits as long as every screen: its code is written down.
    """

    again: bool
    receipt: Receipt | None = None
    idle: int = FAREWELL_SECONDS


async def start(request: Request) -> Response:
    """The first screen: the faces, or in the lobby the departments."""
    context = context_of(request)
    if "staff" in request.cookies:  # whoever comes next is not staff
        context.staff.leave(request.cookies["staff"])
    # Each visitor begins in Vietnamese; only the switch on this very screen says otherwise.
    switched = request.query_params.get("lang", "")
    language = switched if switched in context.languages.names else "vi"
    if context.in_lobby:
        return show(request, "tiles", Page(), language=language)
    page = FacesPage(place=context.place, survey=context.rating_survey)
    return show(request, "faces", page, language=language)


async def faces(request: Request) -> Response:
    """In the lobby: the faces for one department."""
    context = context_of(request)
    department = request.path_params["department"]
    if not context.in_lobby:
        return redirect("/")
    if department not in (WHOLE_CENTRE, *context.centre.department):
        raise HTTPException(404)
    place = Place(context.centre.department.get(department))
    return show(request, "faces", FacesPage(place=place, survey=context.rating_survey))


async def farewell(request: Request) -> Response:
    """The farewell, which leads to the start after FAREWELL_SECONDS."""
    again = request.query_params.get("again") == "1"
    code = read_code(request.query_params.get("receipt", ""))
    return show(request, "farewell", _farewell(request, again=again, code=code))


async def show_farewell(request: Request, *, again: bool, code: str | None = None) -> Response:
    """The farewell after a post; ``again`` as in FarewellPage, ``code`` of a receipt."""
    if wants_fragment(request):
        return show(request, "farewell", _farewell(request, again=again, code=code))
    query = "?again=1" if again else f"?receipt={code}" if code else ""
    return redirect(f"/farewell{query}")


def _farewell(request: Request, *, again: bool, code: str | None) -> FarewellPage:
    if code is None or again:
        return FarewellPage(again=again)
    return FarewellPage(again=False, receipt=receipt_shown(context_of(request), code), idle=0)
