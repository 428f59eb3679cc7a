"""Where every visitor of the touch screen begins and ends: tiles, faces, farewell."""

from collections.abc import Mapping
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import Context, context_of
from kiosk.places import Place
from kiosk.screens import redirect, show
from surveys.messages import Language
from web import wants_fragment

WHOLE_CENTRE = "all"  # in addresses: the tile for those who do not know their department
FAREWELL_SECONDS = 8


async def start(request: Request) -> Response:
    """The first screen: the faces, or in the lobby the departments."""
    context = context_of(request)
    # Each visitor begins in Vietnamese; only the switch on this very screen says otherwise.
    language: Language = "en" if request.query_params.get("lang") == "en" else "vi"
    if not context.in_lobby:
        return show(request, "faces", faces_values(context, context.place), language=language)
    values = {"departments": context.centre.departments, "whole_centre": WHOLE_CENTRE}
    return show(request, "tiles", values, language=language)


async def faces(request: Request) -> Response:
    """In the lobby: the faces for one department."""
    context = context_of(request)
    department = request.path_params["department"]
    if not context.in_lobby:
        return redirect("/")
    if department == WHOLE_CENTRE:
        return show(request, "faces", faces_values(context, Place()))
    if department not in context.centre.department:
        raise HTTPException(404)
    place = Place(context.centre.department[department])
    return show(request, "faces", faces_values(context, place))


async def farewell(request: Request) -> Response:
    """The farewell, which leads to the start after FAREWELL_SECONDS."""
    again = request.query_params.get("again") == "1"
    return show(request, "farewell", farewell_values(again=again))


async def show_farewell(request: Request, *, again: bool) -> Response:
    """The farewell after a post.

    ``again`` says that an earlier answer of this visit is the one that was kept.
    """
    if wants_fragment(request):
        return show(request, "farewell", farewell_values(again=again))
    return redirect("/farewell" + ("?again=1" if again else ""))


def farewell_values(*, again: bool) -> Mapping[str, object]:
    """What the farewell's template shows."""
    return {"idle": FAREWELL_SECONDS, "again": again}


def faces_values(context: Context, place: Place, notice: str | None = None) -> Mapping[str, object]:
    """What the template with the five faces shows, for a new visit."""
    survey = context.rating_survey
    question = survey.questions["rating"]
    return {
        "place": place,
        "survey": survey,
        "question": question,
        "levels": survey.scales[question.scale or ""].levels,
        "visit": uuid4(),
        "notice": notice,
        "lobby": context.in_lobby,
        "whole_centre": WHOLE_CENTRE,
    }
