"""Where every visitor of the touch screen begins and ends: tiles, faces, farewell."""

from collections.abc import Mapping
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.doors import Place
from kiosk.room import Room, go_to, room_of, show
from surveys.messages import Language
from web import wants_fragment

EVERYWHERE = "all"  # the tile for those who do not know their department
FAREWELL_SECONDS = 8


async def start(request: Request) -> Response:
    """The first screen: faces, or in the lobby the departments."""
    room = room_of(request)
    # Each visitor begins in Vietnamese; only the switch on this very screen says otherwise.
    language: Language = "en" if request.query_params.get("lang") == "en" else "vi"
    if not room.in_lobby:
        return show(request, "faces", faces_of(room, room.bound), language=language)
    context = {"departments": room.centre.departments, "everywhere": EVERYWHERE}
    return show(request, "tiles", context, language=language)


async def faces(request: Request) -> Response:
    """In the lobby: the faces for one department."""
    room = room_of(request)
    wanted = request.path_params["department"]
    if not room.in_lobby:
        return go_to("/")
    if wanted == EVERYWHERE:
        return show(request, "faces", faces_of(room, Place()))
    if wanted not in room.centre.department:
        raise HTTPException(404)
    return show(request, "faces", faces_of(room, Place(room.centre.department[wanted])))


async def farewell(request: Request) -> Response:
    """Thanks for what was sent, for a few seconds."""
    return show(request, "farewell", farewell_of(again=request.query_params.get("again") == "1"))


async def take_leave(request: Request, *, again: bool) -> Response:
    """Take leave after a post; ``again``: of somebody whose first answer is the one kept."""
    if wants_fragment(request):
        return show(request, "farewell", farewell_of(again=again))
    return go_to("/farewell" + ("?again=1" if again else ""))


def farewell_of(*, again: bool) -> Mapping[str, object]:
    """What the screen that takes leave shows."""
    return {"idle": FAREWELL_SECONDS, "again": again}


def faces_of(room: Room, place: Place, notice: str | None = None) -> Mapping[str, object]:
    """What the screen with the five faces shows."""
    survey = room.rating
    question = survey.questions["rating"]
    return {
        "place": place,
        "survey": survey,
        "question": question,
        "levels": survey.scales[question.scale or ""].levels,
        "visit": uuid4(),
        "notice": notice,
        "lobby": room.in_lobby,
        "everywhere": EVERYWHERE,
    }
