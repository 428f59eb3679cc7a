"""The touch screen after a tap: the rating stored, the thank-you, and its follow-up."""

from collections.abc import Mapping
from uuid import UUID

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from kiosk.doors import Place
from kiosk.forms import (
    BadFormError,
    Fields,
    Filled,
    fill,
    fingerprint_of,
    left_alone,
    optional,
    posted,
    shortened,
    single,
    typed,
    visit_of,
)
from kiosk.room import Room, go_to, leave_for, part_id, room_of, show, touch_language
from kiosk.start import faces_of, start, take_leave
from kiosk.survey_screens import open_walk
from surveys.definition import Question
from web import wants_fragment


async def rate(request: Request) -> Response:
    """One tap: stored on disk, then thanked for."""
    room = room_of(request)
    fields = await posted(request, {"visit", "department", "fingerprint", "rating", "idle"})
    place, visit = _place(room, fields), visit_of(single(fields, "visit"))
    survey, fingerprint, left = room.rating, fingerprint_of(fields), left_alone(fields)
    if fingerprint != survey.fingerprint and not left:
        return show(request, "faces", faces_of(room, place, notice="notice.updated"), status=409)
    filled = fill(survey, [survey.questions["rating"]], fields)
    if filled.errors or filled.empty:
        raise BadFormError
    submission = room.submission(
        survey,
        part_id(visit, "rating"),
        place=place,
        channel="kiosk",
        visit=visit,
        language=touch_language(request),
        answers=filled.answers,
        fingerprint=fingerprint,
    )
    # A bounced finger may send another face: the first one counts, and is thanked for.
    await room.store(submission)
    if left:  # sent by the clock from the page that had to say "not recorded yet"
        return await start(request) if wants_fragment(request) else go_to("/")
    if wants_fragment(request):
        return show(request, "thanks", _thanks(room, place, visit))
    return go_to(f"/thanks?visit={visit}&department={place.department_id or ''}")


async def thanks(request: Request) -> Response:
    """The thank-you where JavaScript is off, for a rating that is on disk."""
    room = room_of(request)
    query = {name: request.query_params.getlist(name) for name in ("visit", "department")}
    visit = visit_of(single(query, "visit"))
    if not await anyio.to_thread.run_sync(room.outbox.knows, str(part_id(visit, "rating"))):
        return leave_for(request, "/")
    place = _place(room, query) if room.in_lobby else room.bound
    return show(request, "thanks", _thanks(room, place, visit))


async def follow_up(request: Request) -> Response:
    """Reasons and comment, whichever button or the clock sent them."""
    room = room_of(request)
    names = {"visit", "department", "fingerprint", "reasons", "comment", "then", "idle"}
    fields = await posted(request, names)
    place, visit = _place(room, fields), visit_of(single(fields, "visit"))
    fingerprint, then = fingerprint_of(fields), optional(fields, "then")
    left = left_alone(fields)
    survey = room.rating
    filled = fill(survey, _follow_up_questions(room), fields)
    if left:
        filled = shortened(filled)
    elif filled.errors or fingerprint != survey.fingerprint:
        notice = None if filled.errors else "notice.updated"
        context = _thanks(room, place, visit, filled=filled, fields=fields, notice=notice)
        return show(request, "thanks", context, status=422 if filled.errors else 409)
    again = False
    if not filled.empty:
        submission = room.submission(
            survey,
            part_id(visit, "follow-up"),
            place=place,
            channel="kiosk",
            visit=visit,
            language=touch_language(request),
            answers=filled.answers,
            comment=filled.comment,
            fingerprint=fingerprint,
        )
        again = await room.store(submission) == ["conflict"]
    if then == "survey" and not left:
        return await open_walk(request, visit, place)
    if then == "send" and not left and not filled.empty:
        return await take_leave(request, again=again)
    return await start(request) if wants_fragment(request) else go_to("/")


def _follow_up_questions(room: Room) -> list[Question]:
    return [question for question in room.rating.all_questions() if question.id != "rating"]


def _place(room: Room, fields: Fields) -> Place:
    """Where a form was filled in: the kiosk's own place, or in the lobby what was chosen."""
    if not room.in_lobby:
        if optional(fields, "department") not in ("", room.bound.department_id):
            raise BadFormError
        return room.bound
    department = single(fields, "department")
    if not department:
        return Place()
    if department not in room.centre.department:
        raise BadFormError
    return Place(room.centre.department[department])


def _thanks(
    room: Room,
    place: Place,
    visit: UUID,
    *,
    filled: Filled | None = None,
    fields: Fields | None = None,
    notice: str | None = None,
) -> Mapping[str, object]:
    questions = _follow_up_questions(room)
    return {
        "place": place,
        "survey": room.rating,
        "questions": questions,
        "visit": visit,
        "typed": typed(questions, fields or {}),
        "errors": filled.errors if filled else {},
        "notice": notice,
        "lobby": room.in_lobby,
    }
