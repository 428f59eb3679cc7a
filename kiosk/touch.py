"""The touch screen after a tap: the rating stored, the thank-you, and its follow-up."""

from dataclasses import dataclass, replace
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import Context, context_of
from kiosk.forms import (
    BadFormError,
    FormAnswers,
    FormFields,
    cut_to_valid,
    fingerprint_of,
    optional_value,
    parse_id,
    read_answers,
    read_posted_form,
    sent_by_timer,
    single_value,
)
from kiosk.languages import asker_language
from kiosk.outbox import Added
from kiosk.places import Place
from kiosk.screens import FormPage, redirect, redirect_page, show
from kiosk.start import FacesPage, show_farewell, start
from kiosk.submissions import is_stored, new_submission, part_id, store
from kiosk.survey_screens import begin_survey
from surveys.definition import Question
from web import wants_fragment


@dataclass(frozen=True, kw_only=True)
class ThanksPage(FormPage):
    """The thank-you for a stored rating, with the form of its follow-up."""

    visit: UUID

    @property
    def questions(self) -> list[Question]:
        """Those of the follow-up."""
        return [question for question in self.survey.all_questions() if question.id != "rating"]


@dataclass(frozen=True)
class Posted:
    """What a form of the touch screen sent; ``abandoned`` where the idle timer sent it."""

    fields: FormFields
    place: Place
    visit: UUID
    fingerprint: str
    abandoned: bool


async def rate(request: Request) -> Response:
    """Store the rating of one tap, then show the thank-you."""
    context = context_of(request)
    posted = await _read(request, "rating")
    place, visit, survey = posted.place, posted.visit, context.rating_survey
    if posted.fingerprint != survey.fingerprint and not posted.abandoned:
        page = FacesPage(place=place, survey=survey, notice="notice.updated")
        return show(request, "faces", page, status=409)
    form = read_answers(survey, [survey.questions["rating"]], posted.fields)
    if form.errors or form.empty:
        raise BadFormError
    # A bounced finger may send another face: the first one counts, and is thanked for.
    await _store(request, posted, "rating", form)
    if posted.abandoned:  # the timer sent it, from the page that had to say "not recorded yet"
        return await _to_start(request)
    if wants_fragment(request):
        return show(request, "thanks", ThanksPage(place=place, survey=survey, visit=visit))
    return redirect(f"/thanks?visit={visit}&department={place.department_id or ''}")


async def thanks(request: Request) -> Response:
    """The thank-you without JavaScript; leads to the start where no rating is stored."""
    context = context_of(request)
    query = {name: request.query_params.getlist(name) for name in ("visit", "department")}
    visit = parse_id(single_value(query, "visit"))
    if not await is_stored(context, part_id(visit, "rating")):
        return redirect_page(request, "/")
    place = _place(context, query) if context.in_lobby else context.place
    page = ThanksPage(place=place, survey=context.rating_survey, visit=visit)
    return show(request, "thanks", page)


async def follow_up(request: Request) -> Response:
    """Store reasons and comment of a stored rating, then show what the button leads to."""
    context = context_of(request)
    posted = await _read(request, "reasons", "comment", "then")
    place, visit, survey = posted.place, posted.visit, context.rating_survey
    button = optional_value(posted.fields, "then")
    if not await is_stored(context, part_id(visit, "rating")):
        if posted.abandoned:
            return await _to_start(request)
        faces = FacesPage(place=place, survey=survey, notice="notice.no_rating")
        return show(request, "faces", faces, status=409)
    page = ThanksPage(place=place, survey=survey, visit=visit)
    form = read_answers(survey, page.questions, posted.fields)
    if posted.abandoned:
        form = cut_to_valid(form)
    elif form.errors or posted.fingerprint != survey.fingerprint:
        notice = None if form.errors else "notice.updated"
        page = replace(page, typed=posted.fields, errors=form.errors, notice=notice)
        return show(request, "thanks", page, status=422 if form.errors else 409)
    again = not form.empty and await _store(request, posted, "follow-up", form) == "conflict"
    if button == "survey" and not posted.abandoned:
        return await begin_survey(request, visit, place)
    if button == "send" and not posted.abandoned and not form.empty:
        return await show_farewell(request, again=again)
    return await _to_start(request)


async def _read(request: Request, *asked: str) -> Posted:
    """Read a form with the fields that it ``asked`` for. Raises BadFormError."""
    hidden = ("visit", "department", "fingerprint", "idle")
    fields = await read_posted_form(request, {*hidden, *asked})
    place, visit = _place(context_of(request), fields), parse_id(single_value(fields, "visit"))
    return Posted(fields, place, visit, fingerprint_of(fields), sent_by_timer(fields))


async def _store(request: Request, posted: Posted, part: str, form: FormAnswers) -> Added:
    """Put one part of a visit on disk. Raises OutboxError."""
    context = context_of(request)
    submission = new_submission(
        context,
        context.rating_survey,
        part_id(posted.visit, part),
        place=posted.place,
        channel="kiosk",
        visit=posted.visit,
        language=asker_language(request),
        answers=form.answers,
        comment=form.comment,
        fingerprint=posted.fingerprint,
    )
    return (await store(context, submission))[0]


async def _to_start(request: Request) -> Response:
    return await start(request) if wants_fragment(request) else redirect("/")


def _place(context: Context, fields: FormFields) -> Place:
    """Where a form was filled in: the kiosk's own place, or in the lobby what was chosen.

    Raises BadFormError.
    """
    if not context.in_lobby:
        if optional_value(fields, "department") not in ("", context.place.department_id):
            raise BadFormError
        return context.place
    department = single_value(fields, "department")
    if department not in ("", *context.centre.department):
        raise BadFormError
    return Place(context.centre.department.get(department))
