"""The touch screen after a tap: the rating stored, the thank-you, and its follow-up."""

from collections.abc import Mapping
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
    typed_values,
)
from kiosk.languages import touch_language
from kiosk.places import Place
from kiosk.screens import redirect, redirect_page, show
from kiosk.start import faces_values, show_farewell, start
from kiosk.submissions import is_stored, new_submission, part_id, store
from kiosk.survey_screens import begin_survey
from surveys.definition import Question
from web import wants_fragment


async def rate(request: Request) -> Response:
    """Store the rating of one tap, then show the thank-you."""
    context = context_of(request)
    allowed = {"visit", "department", "fingerprint", "rating", "idle"}
    fields = await read_posted_form(request, allowed)
    place, visit = _place(context, fields), parse_id(single_value(fields, "visit"))
    survey, fingerprint = context.rating_survey, fingerprint_of(fields)
    abandoned = sent_by_timer(fields)
    if fingerprint != survey.fingerprint and not abandoned:
        values = faces_values(context, place, notice="notice.updated")
        return show(request, "faces", values, status=409)
    form = read_answers(survey, [survey.questions["rating"]], fields)
    if form.errors or form.empty:
        raise BadFormError
    submission = new_submission(
        context,
        survey,
        part_id(visit, "rating"),
        place=place,
        channel="kiosk",
        visit=visit,
        language=touch_language(request),
        answers=form.answers,
        fingerprint=fingerprint,
    )
    # A bounced finger may send another face: the first one counts, and is thanked for.
    await store(context, submission)
    if abandoned:  # the timer sent it, from the page that had to say "not recorded yet"
        return await _to_start(request)
    if wants_fragment(request):
        return show(request, "thanks", _thanks_values(context, place, visit))
    return redirect(f"/thanks?visit={visit}&department={place.department_id or ''}")


async def thanks(request: Request) -> Response:
    """The thank-you without JavaScript; leads to the start where no rating is stored."""
    context = context_of(request)
    query = {name: request.query_params.getlist(name) for name in ("visit", "department")}
    visit = parse_id(single_value(query, "visit"))
    if not await is_stored(context, part_id(visit, "rating")):
        return redirect_page(request, "/")
    place = _place(context, query) if context.in_lobby else context.place
    return show(request, "thanks", _thanks_values(context, place, visit))


async def follow_up(request: Request) -> Response:
    """Store reasons and comment of a stored rating, then show what the button leads to."""
    context = context_of(request)
    allowed = {"visit", "department", "fingerprint", "reasons", "comment", "then", "idle"}
    fields = await read_posted_form(request, allowed)
    place, visit = _place(context, fields), parse_id(single_value(fields, "visit"))
    fingerprint, button = fingerprint_of(fields), optional_value(fields, "then")
    abandoned = sent_by_timer(fields)
    if not await is_stored(context, part_id(visit, "rating")):
        if abandoned:
            return await _to_start(request)
        values = faces_values(context, place, notice="notice.no_rating")
        return show(request, "faces", values, status=409)
    survey = context.rating_survey
    form = read_answers(survey, _follow_up_questions(context), fields)
    if abandoned:
        form = cut_to_valid(form)
    elif form.errors or fingerprint != survey.fingerprint:
        notice = None if form.errors else "notice.updated"
        values = _thanks_values(context, place, visit, form=form, fields=fields, notice=notice)
        return show(request, "thanks", values, status=422 if form.errors else 409)
    again = False
    if not form.empty:
        submission = new_submission(
            context,
            survey,
            part_id(visit, "follow-up"),
            place=place,
            channel="kiosk",
            visit=visit,
            language=touch_language(request),
            answers=form.answers,
            comment=form.comment,
            fingerprint=fingerprint,
        )
        again = await store(context, submission) == ["conflict"]
    if button == "survey" and not abandoned:
        return await begin_survey(request, visit, place)
    if button == "send" and not abandoned and not form.empty:
        return await show_farewell(request, again=again)
    return await _to_start(request)


async def _to_start(request: Request) -> Response:
    return await start(request) if wants_fragment(request) else redirect("/")


def _follow_up_questions(context: Context) -> list[Question]:
    survey = context.rating_survey
    return [question for question in survey.all_questions() if question.id != "rating"]


def _place(context: Context, fields: FormFields) -> Place:
    """Where a form was filled in: the kiosk's own place, or in the lobby what was chosen.

    Raises BadFormError.
    """
    if not context.in_lobby:
        if optional_value(fields, "department") not in ("", context.place.department_id):
            raise BadFormError
        return context.place
    department = single_value(fields, "department")
    if not department:
        return Place()
    if department not in context.centre.department:
        raise BadFormError
    return Place(context.centre.department[department])


def _thanks_values(
    context: Context,
    place: Place,
    visit: UUID,
    *,
    form: FormAnswers | None = None,
    fields: FormFields | None = None,
    notice: str | None = None,
) -> Mapping[str, object]:
    """What the thank-you's template shows: the follow-up empty, or as it was typed."""
    questions = _follow_up_questions(context)
    return {
        "place": place,
        "survey": context.rating_survey,
        "questions": questions,
        "visit": visit,
        "typed": typed_values(questions, fields or {}),
        "errors": form.errors if form else {},
        "notice": notice,
        "lobby": context.in_lobby,
    }
