"""Where every visitor of the touch screen begins and ends: tiles, faces, farewell."""

from collections.abc import Mapping
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.doors import Place
from kiosk.room import Room, go_to, room_of, show
from surveys.messages import Language

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
    return show(request, "farewell", {"idle": FAREWELL_SECONDS})


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
