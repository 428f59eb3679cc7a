"""The touch screen after a tap: the rating kept as a draft, the thank-you, and its follow-up.

A rating is on disk before anybody is thanked for it, as a draft that stays open while its thank-you
is shown: another face, reasons and a comment change it. The next visitor, silence or a crash
finishes it. Whatever was answered by then is one submission.
"""

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
from kiosk.places import Place
from kiosk.screens import FormPage, redirect, redirect_page, show
from kiosk.start import FacesPage, show_farewell, start
from kiosk.submissions import is_stored, part_id
from kiosk.survey_draft import (
    SurveyDraft,
    change_draft,
    finish_draft,
    open_draft,
    read_draft,
)
from kiosk.survey_screens import begin_survey
from surveys.definition import Question
from surveys.receipts import new_code, receipt_of
from surveys.wire import read_submission
from web import wants_fragment

RATING = "rating"  # the question behind the faces, and the part of a visit that its draft becomes


@dataclass(frozen=True, kw_only=True)
class ThanksPage(FormPage):
    """The thank-you for the rating of a visit, with the form of its follow-up.

    ``recorded`` is the code of the face. After ``untouched`` seconds without a first touch the
    screen is given back; 0 leaves that to ``idle``. ``test``: of a tap that counts nowhere.
    """

    visit: UUID
    recorded: int
    untouched: int = 0
    test: bool = False

    @property
    def questions(self) -> list[Question]:
        """Those of the follow-up."""
        return [question for question in self.survey.all_questions() if question.id != RATING]


@dataclass(frozen=True)
class Posted:
    """What a form of the touch screen sent; ``abandoned`` where the idle timer sent it."""

    fields: FormFields
    place: Place
    visit: UUID
    fingerprint: str
    abandoned: bool

    @property
    def draft_id(self) -> UUID:
        """The id of the visit's rating, as a draft and as a submission."""
        return part_id(self.visit, RATING)


async def rate(request: Request) -> Response:
    """Keep the rating of one tap as a draft, then show the thank-you.

    A second rating of a visit changes the first only where it came from "choose again": a finger
    that bounced may send another face.
    """
    context = context_of(request)
    posted = await _read(request, RATING, "again")
    place, survey = posted.place, context.rating_survey
    again = optional_value(posted.fields, "again") == "1"
    if posted.fingerprint != survey.fingerprint and not posted.abandoned:
        page = FacesPage(place=place, survey=survey, notice="notice.updated_faces")
        return show(request, "faces", page, status=409)
    form = read_answers(survey, [survey.questions[RATING]], posted.fields)
    if form.errors or form.empty:
        raise BadFormError
    opened = await open_draft(context, _new_draft(request, posted, form))
    if not opened and again:
        await _change(request, posted, [survey.questions[RATING]], form, comments=False)
    if posted.abandoned:  # the timer sent it, from the page that had to say "not recorded yet"
        await finish_draft(context, posted.draft_id)
        return await _to_start(request)
    return await _thank(request, posted)


async def thanks(request: Request) -> Response:
    """The thank-you without JavaScript; leads to the start where no rating is open."""
    context = context_of(request)
    visit, place = _visit_and_place(request)
    draft = await read_draft(context, part_id(visit, RATING))
    if draft is None:
        return redirect_page(request, "/")
    return show(request, "thanks", _thanks_page(context, draft, place))


async def choose_again(request: Request) -> Response:
    """The faces for a rating that is still open, without JavaScript; otherwise the start."""
    context = context_of(request)
    visit, place = _visit_and_place(request)
    draft = await read_draft(context, part_id(visit, RATING))
    if draft is None:
        return redirect_page(request, "/")
    return show(request, "faces", _faces_again(context, draft, place))


async def follow_up(request: Request) -> Response:
    """Add reasons and comment to an open rating, then do what the button says.

    ``again`` shows the faces and ``keep`` the thank-you, with the rating still open; every other
    button finishes it.
    """
    context = context_of(request)
    survey = context.rating_survey
    posted = await _read(request, *(survey.questions.keys() - {RATING}), "comment", "then")
    button = optional_value(posted.fields, "then")
    draft = await read_draft(context, posted.draft_id)
    if draft is None:
        return await _too_late(request, posted, button)
    page = _thanks_page(context, draft, posted.place)
    form = read_answers(survey, page.questions, posted.fields)
    if posted.abandoned:
        form = cut_to_valid(form)
    elif form.errors or posted.fingerprint != survey.fingerprint:
        notice = None if form.errors else "notice.updated"
        page = replace(page, typed=posted.fields, errors=form.errors, notice=notice, untouched=0)
        return show(request, "thanks", page, status=422 if form.errors else 409)
    # The faces of "choose again" show no reasons: what they send says nothing about them.
    if not posted.fields.keys().isdisjoint({"comment", *(one.id for one in page.questions)}):
        draft = await _change(request, posted, page.questions, form, comments=True)
        if draft is None:
            return await _too_late(request, posted, button)
    if not posted.abandoned and button == "keep":
        return await _thank(request, posted)
    if not posted.abandoned and button == "again":
        if not wants_fragment(request):
            return redirect(_address("choose-again", posted))
        return show(request, "faces", _faces_again(context, draft, posted.place))
    code = new_code() if form.comment and button == "send" and not posted.abandoned else None
    receipt = receipt_of(code) if code else None
    again = await finish_draft(context, posted.draft_id, receipt=receipt) == "conflict"
    if posted.abandoned:
        return await _to_start(request)
    if button == "survey":
        return await begin_survey(request, posted.visit, posted.place)
    if button == "send" and not form.empty:
        return await show_farewell(request, again=again, code=code)
    return await _to_start(request)


async def _too_late(request: Request, posted: Posted, button: str) -> Response:
    """What follows a form whose rating is not open: it was finished meanwhile, or never given."""
    context = context_of(request)
    known = await is_stored(context, posted.draft_id)
    if posted.abandoned or (known and button == "done"):
        return await _to_start(request)
    if not known:
        page = FacesPage(
            place=posted.place, survey=context.rating_survey, notice="notice.no_rating"
        )
        return show(request, "faces", page, status=409)
    if button == "survey":
        return await begin_survey(request, posted.visit, posted.place)
    return await show_farewell(request, again=True)


async def _thank(request: Request, posted: Posted) -> Response:
    """The thank-you for the rating on disk, after a post."""
    if not wants_fragment(request):
        return redirect(_address("thanks", posted))
    context = context_of(request)
    draft = await read_draft(context, posted.draft_id)
    if draft is None:  # the same tap once more, after its visit was over
        return await show_farewell(request, again=True)
    return show(request, "thanks", _thanks_page(context, draft, posted.place))


def _thanks_page(context: Context, draft: SurveyDraft, place: Place) -> ThanksPage:
    return ThanksPage(
        place=place,
        survey=context.rating_survey,
        visit=draft.visit,
        recorded=_recorded(draft),
        typed=draft.typed,
        untouched=context.waits.thanks_seconds,
    )


def _faces_again(context: Context, draft: SurveyDraft, place: Place) -> FacesPage:
    return FacesPage(
        place=place,
        survey=context.rating_survey,
        visit=draft.visit,
        recorded=_recorded(draft),
        untouched=context.waits.thanks_seconds,
    )


def _recorded(draft: SurveyDraft) -> int:
    """The code of the face. A definition that no longer has it is the only way to lose it."""
    code = draft.answers.get(RATING)
    return code if isinstance(code, int) else 0


async def _read(request: Request, *asked: str) -> Posted:
    """Read a form with the fields that it ``asked`` for. Raises BadFormError."""
    hidden = ("visit", "department", "fingerprint", "idle")
    fields = await read_posted_form(request, {*hidden, *asked})
    place, visit = _place(context_of(request), fields), parse_id(single_value(fields, "visit"))
    return Posted(fields, place, visit, fingerprint_of(fields), sent_by_timer(fields))


def _new_draft(request: Request, posted: Posted, form: FormAnswers) -> SurveyDraft:
    """The draft of a new rating. Raises Refused where it would make no valid submission.

    So nobody is thanked for what the kiosk's own clock, say, makes worthless.
    """
    context = context_of(request)
    draft = SurveyDraft(
        id=posted.draft_id,
        survey=context.rating_survey.id,
        fingerprint=context.rating_survey.fingerprint,  # it has just been read by this one
        department=posted.place.department_id,
        counter=posted.place.counter_id,
        channel="kiosk",
        visit=posted.visit,
        language=asker_language(request),
        answered_at=context.now(),
        answers=form.answers,
    )
    raw = draft.model_dump(mode="json")
    read_submission(raw, context.surveys, context.centre, draft.answered_at)
    return draft


async def _change(
    request: Request,
    posted: Posted,
    asked: list[Question],
    form: FormAnswers,
    *,
    comments: bool,
) -> SurveyDraft | None:
    """The open rating with new answers to what was asked; None where it is open no longer.

    ``comments`` says whether the form had a field for the comment.
    """
    context = context_of(request)
    language, now = asker_language(request), context.now()

    def change(draft: SurveyDraft) -> SurveyDraft:
        current = draft.for_survey(context.rating_survey)
        return current.with_answers(asked, form, language, now, comments=comments)

    return await change_draft(context, posted.draft_id, change)


async def _to_start(request: Request) -> Response:
    return await start(request) if wants_fragment(request) else redirect("/")


def _address(path: str, posted: Posted) -> str:
    return f"/{path}?visit={posted.visit}&department={posted.place.department_id or ''}"


def _visit_and_place(request: Request) -> tuple[UUID, Place]:
    """The visit and the place that an address names. Raises BadFormError."""
    context = context_of(request)
    query = {name: request.query_params.getlist(name) for name in ("visit", "department")}
    visit = parse_id(single_value(query, "visit"))
    return visit, _place(context, query) if context.in_lobby else context.place


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
