"""The form behind a QR code: citizens rate, businesses answer a short core or the full set."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.doors import Door, normal_code
from kiosk.drafts import Finished
from kiosk.forms import (
    BadFormError,
    Fields,
    Filled,
    fill,
    fingerprint_of,
    optional,
    posted,
    single,
    typed,
    visit_of,
)
from kiosk.room import Room, asker_language, go_to, leave_for, part_id, room_of, show
from kiosk.survey_screens import finish_draft, open_walk
from surveys.definition import Question, Survey
from surveys.wire import Refused, Submission
from web import wants_fragment

SITTING_SECONDS = 30 * 60  # how long one phone's form stays the same visit


async def form(request: Request) -> Response:
    """The form, empty; or, to a phone that has just sent it, that it was received."""
    room, door = room_of(request), _door(request)
    if request.path_params["code"] != door.code:
        return go_to(f"/f/{door.code}")
    if "new" in request.query_params:  # somebody else has the phone now
        return _remember(go_to(f"/f/{door.code}"), door, uuid4())
    visit = _remembered(request, door)
    if visit is None:
        visit = uuid4()
    elif await anyio.to_thread.run_sync(room.outbox.knows, str(_first_part(room, door, visit))):
        return show(request, "received", _received(door, visit, again=True))
    return _remember(show(request, door.audience, _form(room, door, visit)), door, visit)


async def submit(request: Request) -> Response:
    """The form was sent: stored at once, however often it arrives."""
    room, door = room_of(request), _door(request)
    survey, questions = _asked(room, door)
    names = {"visit", "fingerprint", "then", "comment", *(question.id for question in questions)}
    fields = await posted(request, names)
    visit = visit_of(single(fields, "visit"))
    full = optional(fields, "then") == "full"
    filled = fill(survey, questions, fields)
    errors = dict(filled.errors)
    if door.audience == "citizen" and "rating" not in filled.answers:
        errors.setdefault("rating", Refused("rating", "missing"))
    elif filled.empty and not errors and not full:
        errors["form"] = Refused("form", "nothing_answered")
    updated = fingerprint_of(fields) != survey.fingerprint
    if errors or updated:
        context = _form(room, door, visit, fields=fields, errors=errors, updated=updated)
        return show(request, door.audience, context, status=422 if errors else 409)
    if full and door.audience == "business":
        return await open_walk(request, visit, door.place, filled)
    again = "conflict" in await _store(request, room, door, visit, filled)
    address = f"/f/{door.code}/thanks?visit={visit}" + ("&again=1" if again else "")
    if wants_fragment(request):
        context = _received(door, visit, again=again)
        return _remember(show(request, "received", context, address=address), door, visit)
    return _remember(go_to(address), door, visit)


async def received(request: Request) -> Response:
    """The thank-you for what is on disk; a reload of it sends nothing."""
    room, door = room_of(request), _door(request)
    visit = visit_of(request.query_params.get("visit", ""))
    if not await anyio.to_thread.run_sync(room.outbox.knows, str(_first_part(room, door, visit))):
        return leave_for(request, f"/f/{door.code}")
    again = request.query_params.get("again") == "1"
    return show(request, "received", _received(door, visit, again=again))


async def full_survey(request: Request) -> Response:
    """A citizen takes the offer of the full survey."""
    door = _door(request)
    fields = await posted(request, {"visit"})
    return await open_walk(request, visit_of(single(fields, "visit")), door.place)


def _door(request: Request) -> Door:
    door = room_of(request).doors.get(normal_code(request.path_params["code"]))
    if door is None:
        raise HTTPException(404)
    return door


def _remember(response: Response, door: Door, visit: UUID) -> Response:
    """Let the phone keep the visit for a while, so that Back does not make a second one."""
    response.set_cookie(
        f"visit_{door.code}",
        str(visit),
        max_age=SITTING_SECONDS,
        path=f"/f/{door.code}",
        samesite="lax",
        httponly=True,
    )
    return response


def _remembered(request: Request, door: Door) -> UUID | None:
    try:
        return visit_of(request.cookies.get(f"visit_{door.code}", ""))
    except BadFormError:
        return None


def _first_part(room: Room, door: Door, visit: UUID) -> UUID:
    """The id of what every form of this door sends, whatever else it sends."""
    survey, _ = _asked(room, door)
    return part_id(visit, survey.id if door.audience == "business" else "rating")


def _asked(room: Room, door: Door) -> tuple[Survey, list[Question]]:
    if door.audience == "business":
        survey = room.surveys[room.centre.instruments.businesses]
        return survey, [*survey.core, *survey.profile]
    survey = room.rating
    return survey, list(survey.all_questions())


async def _store(
    request: Request, room: Room, door: Door, visit: UUID, filled: Filled
) -> Sequence[Finished]:
    if door.audience == "business":
        # A walk that this visit has begun goes out together with the form, as one answer.
        added = await finish_draft(room, _first_part(room, door, visit), filled)
        if added is not None:
            return [added]
    return await room.store(*_submissions(request, room, door, visit, filled))


def _submissions(
    request: Request, room: Room, door: Door, visit: UUID, filled: Filled
) -> list[Submission]:
    """The rating and its follow-up, as on the touch screen; a business form is one piece."""
    survey, _ = _asked(room, door)
    first = _first_part(room, door, visit)
    if door.audience == "business":
        # The full set of the same visit has this very id: nobody is counted with both.
        parts = [(first, filled.answers, filled.comment)]
    else:
        rating = {"rating": filled.answers["rating"]}
        reasons = {name: value for name, value in filled.answers.items() if name != "rating"}
        parts = [(first, rating, None)]
        if reasons or filled.comment:
            parts.append((part_id(visit, "follow-up"), reasons, filled.comment))
    return [
        room.submission(
            survey,
            key,
            place=door.place,
            channel="qr",
            visit=visit,
            language=asker_language(request),
            answers=answers,
            comment=comment,
        )
        for key, answers, comment in parts
    ]


def _received(door: Door, visit: UUID, *, again: bool) -> Mapping[str, object]:
    return {
        "place": door.place,
        "door": door,
        "visit": visit,
        "again": again,
        "home": f"/f/{door.code}",
    }


def _form(
    room: Room,
    door: Door,
    visit: UUID,
    *,
    fields: Fields | None = None,
    errors: Mapping[str, Refused] | None = None,
    updated: bool = False,
) -> Mapping[str, object]:
    survey, questions = _asked(room, door)
    shown = typed(questions, fields or {})
    return {
        "place": door.place,
        "door": door,
        "home": f"/f/{door.code}",
        "survey": survey,
        "questions": questions,
        "visit": visit,
        "typed": shown,
        "profile_open": any(question.id in shown for question in survey.profile),
        "errors": errors or {},
        "notice": "notice.updated" if updated else None,
    }
