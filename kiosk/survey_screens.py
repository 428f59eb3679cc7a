"""The screens of a walk through a full survey, on the touch screen and on the phone alike."""

from uuid import UUID

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.doors import Place, normal_code
from kiosk.drafts import Finished
from kiosk.forms import (
    Fields,
    Filled,
    fill,
    fingerprint_of,
    left_alone,
    optional,
    posted,
    shortened,
    typed,
    visit_of,
    whole_number,
)
from kiosk.room import (
    Room,
    asker_language,
    go_to,
    leave_for,
    on_phone,
    part_id,
    room_of,
    show,
)
from kiosk.start import farewell_of, start, take_leave
from kiosk.walk import Draft, Step, steps_of
from surveys.definition import Survey
from surveys.messages import LANGUAGES, Language
from surveys.wire import Submission
from web import wants_fragment


async def open_walk(
    request: Request, visit: UUID, place: Place, filled: Filled | None = None
) -> Response:
    """Begin a walk, or go on with the one that this visit has begun already."""
    room = room_of(request)
    survey = room.surveys[_survey_behind(request)]
    draft = Draft(
        id=part_id(visit, survey.id),
        survey=survey.id,
        fingerprint=survey.fingerprint,
        department=place.department_id,
        counter=place.counter_id,
        channel="qr" if on_phone(request) else "kiosk",
        visit=visit,
        language=asker_language(request),
        answered_at=room.now(),
        answers=filled.answers if filled else {},
        comment=filled.comment if filled else None,
    )
    opened = await anyio.to_thread.run_sync(
        room.drafts.open, str(draft.id), draft.model_dump_json(), draft.expires
    )
    if not opened and filled is not None:

        def add(body: str) -> str:
            return Draft.model_validate_json(body).with_form(filled, room.now()).model_dump_json()

        await anyio.to_thread.run_sync(room.drafts.change, str(draft.id), add, draft.expires)
    return await _screen(request, draft.id, 1, moved=True)


async def step_screen(request: Request) -> Response:
    """One step of a walk, as it was answered so far."""
    return await _screen(request, _walk_id(request), _number(request))


async def save_step(request: Request) -> Response:
    """A step was sent: saved on disk, then wherever the button leads."""
    room, key = room_of(request), _walk_id(request)
    draft = await _draft(room, key)
    if draft is None:
        return await _gone(request, room, key)
    survey = room.surveys[draft.survey]
    step = _step(survey, _number(request))
    names = {"fingerprint", "to", "idle", "comment", "lang", *(q.id for q in step.questions)}
    fields = await posted(request, names)
    filled = fill(survey, step.questions, fields)
    left = left_alone(fields)
    switched = optional(fields, "lang")
    # The switch of language stays on its step, and loses nothing of it.
    to = "leave" if left else str(step.number) if switched else optional(fields, "to") or "next"
    language = switched if switched in LANGUAGES else asker_language(request)
    if left:
        filled = shortened(filled)
    elif filled.errors:
        return _show_step(
            request, room, draft, step, filled=filled, fields=fields, status=422, language=language
        )
    updated = fingerprint_of(fields) != survey.fingerprint and not left
    now = room.now()

    def change(body: str) -> str:
        saved = Draft.model_validate_json(body).for_survey(survey)
        return saved.with_step(
            step, filled.answers, filled.comment, language, now
        ).model_dump_json()

    expires = draft.model_copy(update={"answered_at": now}).expires
    body = await anyio.to_thread.run_sync(room.drafts.change, str(key), change, expires)
    if body is None:
        return await _gone(request, room, key)
    if updated:
        saved = Draft.model_validate_json(body)
        return _show_step(request, room, saved, step, notice="notice.updated", status=409)
    if to in ("leave", "finish") or (to == "next" and step.last):
        return await _finish(request, room, key, thank=not left and to != "leave")
    number = _target(to, step, len(steps_of(survey)))
    if switched:  # head and title speak the other language too: a page of its own
        return leave_for(request, f"{_address(request, key, number)}?lang={language}")
    return await _screen(request, key, number, moved=True)


async def finished(request: Request) -> Response:
    """The end of a walk on the phone, for one that is on disk."""
    room, behind, query = room_of(request), _behind(request, room_of(request)), request.query_params
    key = query.get("id", "")
    if not key or not await anyio.to_thread.run_sync(room.outbox.knows, str(visit_of(key))):
        return leave_for(request, str(behind["home"]))
    again = query.get("again") == "1"
    return show(request, "finished", {**behind, "id": key, "again": again})


async def finish_draft(room: Room, key: UUID, filled: Filled | None = None) -> Finished | None:
    """Send a walk as it stands, together with a form that the same visit sent meanwhile."""
    now = room.now()

    def make(body: str) -> tuple[Submission | None, str | None]:
        draft = Draft.model_validate_json(body)
        if filled is not None:
            draft = draft.for_survey(room.surveys[draft.survey]).with_form(filled, now)
        return draft.to_submission(room.surveys, room.centre, now)

    added = await anyio.to_thread.run_sync(room.drafts.finish, str(key), make)
    room.uploader.wake()
    return added


async def _screen(request: Request, key: UUID, number: int, *, moved: bool = False) -> Response:
    """A step; after a post it has an address of its own where JavaScript is off."""
    room = room_of(request)
    draft = await _draft(room, key)
    if draft is None:
        return await _gone(request, room, key)
    step = _step(room.surveys[draft.survey], number)
    if moved and not wants_fragment(request):
        return go_to(_address(request, key, number))
    return _show_step(request, room, draft, step, moved=moved)


def _show_step(
    request: Request,
    room: Room,
    draft: Draft,
    step: Step,
    *,
    filled: Filled | None = None,
    fields: Fields | None = None,
    notice: str | None = None,
    status: int = 200,
    moved: bool = False,
    language: Language | None = None,
) -> Response:
    survey = room.surveys[draft.survey]
    shown = {
        name: [str(one) for one in (value if isinstance(value, list) else [value])]
        for name, value in draft.answers.items()
    }
    if draft.comment:
        shown["comment"] = [draft.comment]
    if fields is not None:
        shown |= typed(step.questions, fields)
    address = _address(request, draft.id, step.number)
    context = {
        **_behind(request, room),
        "place": draft.place(room.centre),
        "survey": survey,
        "steps": steps_of(survey),
        "step": step,
        "address": address,
        "typed": shown,
        "errors": filled.errors if filled else {},
        "notice": notice,
    }
    pushed = address if moved and on_phone(request) else None
    return show(request, "step", context, status=status, address=pushed, language=language)


async def _finish(request: Request, room: Room, key: UUID, *, thank: bool) -> Response:
    added = await finish_draft(room, key)
    if added is None:
        return await _gone(request, room, key)
    again = added == "conflict"  # another answer of this visit was quicker: no thanks for this one
    if on_phone(request):
        behind = _behind(request, room)
        if added == "empty":
            return leave_for(request, str(behind["home"]))
        address = f"{behind['home']}/finished?id={key}" + ("&again=1" if again else "")
        if not wants_fragment(request):
            return go_to(address)
        return show(request, "finished", {**behind, "id": key, "again": again}, address=address)
    if added == "empty" or not (thank or again):
        return await start(request) if wants_fragment(request) else go_to("/")
    return await take_leave(request, again=again)


async def _gone(request: Request, room: Room, key: UUID) -> Response:
    """The draft is no more: sent already, or never there."""
    if not await anyio.to_thread.run_sync(room.outbox.knows, str(key)):
        raise HTTPException(404)
    if on_phone(request):
        return show(request, "finished", {**_behind(request, room), "id": key, "again": True})
    return show(request, "farewell", farewell_of(again=True))


async def _draft(room: Room, key: UUID) -> Draft | None:
    body = await anyio.to_thread.run_sync(room.drafts.read, str(key))
    return None if body is None else Draft.model_validate_json(body)


def _number(request: Request) -> int:
    return whole_number(request.path_params["step"]) or 0


def _walk_id(request: Request) -> UUID:
    return visit_of(request.path_params["id"])


def _step(survey: Survey, number: int) -> Step:
    steps = steps_of(survey)
    if not 1 <= number <= len(steps):
        raise HTTPException(404)
    return steps[number - 1]


def _target(to: str, step: Step, total: int) -> int:
    """The step a button leads to; anything strange stays where it is."""
    if to == "previous":
        return max(1, step.number - 1)
    if to == "next":
        return min(total, step.number + 1)
    wanted = whole_number(to)
    return wanted if wanted is not None and 1 <= wanted <= total else step.number


def _address(request: Request, key: UUID, number: int) -> str:
    base = f"/f/{request.path_params['code']}" if on_phone(request) else ""
    return f"{base}/survey/{key}/{number}"


def _behind(request: Request, room: Room) -> dict[str, object]:
    """What a phone page says of its door; nothing on the touch screen."""
    if not on_phone(request):
        return {}
    door = room.doors.get(normal_code(request.path_params["code"]))
    if door is None:
        raise HTTPException(404)
    return {"place": door.place, "door": door, "home": f"/f/{door.code}", "again": False}


def _survey_behind(request: Request) -> str:
    room = room_of(request)
    asked = room.centre.instruments
    if not on_phone(request):
        return asked.citizens
    door = room.doors[normal_code(request.path_params["code"])]
    return asked.businesses if door.audience == "business" else asked.citizens
