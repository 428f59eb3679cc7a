"""The screens of a full survey, one step each, on the touch screen and on the phone alike."""

from dataclasses import dataclass, field
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import context_of, qr_code_of
from kiosk.forms import (
    FormAnswers,
    FormFields,
    cut_to_valid,
    fingerprint_of,
    optional_value,
    parse_id,
    read_answers,
    read_posted_form,
    sent_by_timer,
    whole_number,
)
from kiosk.languages import asker_language, on_phone
from kiosk.outbox import Taking
from kiosk.places import Place, place_of
from kiosk.screens import FormPage, keepable, redirect, redirect_page, show, show_stored
from kiosk.start import FarewellPage, show_farewell, start
from kiosk.submissions import is_stored, part_id
from kiosk.survey_draft import (
    SurveyDraft,
    change_draft,
    finish_draft,
    open_draft,
    read_draft,
)
from kiosk.survey_steps import Step, step_after, steps_of
from surveys.definition import Survey
from surveys.receipts import new_code, read_code, receipt_of
from web import wants_fragment


@dataclass(frozen=True, kw_only=True)
class StepPage(FormPage):
    """One of the steps of a survey, which is sent to ``address``.

    ``elsewhere`` is what other steps of a test were answered: its form takes it along, since it is
    stored nowhere.
    """

    steps: tuple[Step, ...]
    step: Step
    address: str
    elsewhere: FormFields = field(default_factory=dict)


async def begin_survey(
    request: Request,
    visit: UUID,
    place: Place,
    short_form: FormAnswers | None = None,
    taking: Taking | None = None,
) -> Response:
    """The first step of a full survey. A visit that has begun one continues its draft.

    ``short_form`` are answers that the same visit has given before: they are kept. ``taking`` is
    the transaction of the outbox in which a new draft is stored, if it is not to be its own.
    """
    context = context_of(request)
    survey = _survey_for(request)
    draft = SurveyDraft(
        id=part_id(visit, survey.id),
        survey=survey.id,
        fingerprint=survey.fingerprint,
        department=place.department_id,
        counter=place.counter_id,
        channel="qr" if on_phone(request) else "kiosk",
        visit=visit,
        language=asker_language(request),
        answered_at=context.now(),
        answers=short_form.answers if short_form else {},
        comment=short_form.comment if short_form else None,
    )
    opened = await open_draft(context, draft, taking)
    if not opened and short_form is not None:
        now = context.now()
        await change_draft(context, draft.id, lambda saved: saved.with_short_form(short_form, now))
    return await _go_to_step(request, draft.id, 1)


async def step_screen(request: Request) -> Response:
    """One step of a survey, with what was answered so far."""
    context, draft_id = context_of(request), _draft_id(request)
    draft = await read_draft(context, draft_id)
    if draft is None:
        return await _already_sent(request, draft_id)
    step = _step(context.surveys[draft.survey], _step_number(request))
    shown = _show_step(request, draft, step)
    return keepable(shown) if on_phone(request) else shown


async def save_step(request: Request) -> Response:
    """Save a step that was sent, then show whatever screen its button leads to."""
    context, draft_id = context_of(request), _draft_id(request)
    draft = await read_draft(context, draft_id)
    if draft is None:
        return await _already_sent(request, draft_id)
    survey = context.surveys[draft.survey]
    step = _step(survey, _step_number(request))
    names = {"fingerprint", "to", "idle", "comment", "lang", *(q.id for q in step.questions)}
    fields = await read_posted_form(request, names)
    form = read_answers(survey, step.questions, fields)
    abandoned = sent_by_timer(fields)
    switched = optional_value(fields, "lang")
    button = optional_value(fields, "to") or "next"
    if abandoned:
        button = "leave"
    elif switched:  # the switch of language stays on its step, and loses nothing of it
        button = str(step.number)
    language = switched if switched in context.languages.names else asker_language(request)
    if abandoned:
        form = cut_to_valid(form)
    elif form.errors:
        return _show_step(
            request, draft, step, form=form, fields=fields, status=422, language=language
        )
    updated = fingerprint_of(fields) != survey.fingerprint and not abandoned
    now = context.now()

    def change(saved: SurveyDraft) -> SurveyDraft:
        current = saved.for_survey(survey)
        return current.with_answers(step.questions, form, language, now, comments=step.last)

    changed = await change_draft(context, draft_id, change)
    if changed is None:
        return await _already_sent(request, draft_id)
    if updated:
        return _show_step(request, changed, step, notice="notice.updated", status=409)
    if button in ("leave", "finish") or (button == "next" and step.last):
        return await _finish(request, draft_id, thank=not abandoned and button != "leave")
    number = step_after(button, step, len(steps_of(survey)))
    if switched:  # head and title speak the other language too: a page of its own
        return redirect_page(request, f"{_address(request, draft_id, number)}?lang={language}")
    return await _go_to_step(request, draft_id, number)


async def finished(request: Request) -> Response:
    """The end of a survey on the phone, where it is stored; otherwise leads back to the form."""
    qr_code, query = qr_code_of(request), request.query_params
    survey_id = query.get("id", "")
    if not survey_id or not await is_stored(context_of(request), parse_id(survey_id)):
        return redirect_page(request, qr_code.path)
    again, receipt = query.get("again") == "1", read_code(query.get("receipt", "")) or ""
    return show_stored(request, "finished", parse_id(survey_id), again=again, receipt=receipt)


async def _go_to_step(request: Request, draft_id: UUID, number: int) -> Response:
    """A step after a post: in place with htmx, else at an address of its own."""
    context = context_of(request)
    draft = await read_draft(context, draft_id)
    if draft is None:
        return await _already_sent(request, draft_id)
    if not wants_fragment(request):
        return redirect(_address(request, draft_id, number))
    step = _step(context.surveys[draft.survey], number)
    address = _address(request, draft_id, number) if on_phone(request) else None
    return _show_step(request, draft, step, address=address)


def _show_step(
    request: Request,
    draft: SurveyDraft,
    step: Step,
    *,
    form: FormAnswers | None = None,
    fields: FormFields | None = None,
    notice: str | None = None,
    status: int = 200,
    address: str | None = None,
    language: str | None = None,
) -> Response:
    """The screen of a step, with the draft's answers, or those of a form that had errors."""
    context = context_of(request)
    survey = context.surveys[draft.survey]
    page = StepPage(
        place=place_of(context.centre, draft.department, draft.counter),
        survey=survey,
        steps=steps_of(survey),
        step=step,
        address=_address(request, draft.id, step.number),
        typed={**draft.typed, **(fields or {})},
        errors=form.errors if form else {},
        notice=notice,
    )
    return show(request, "step", page, status=status, address=address, language=language)


async def _finish(request: Request, draft_id: UUID, *, thank: bool) -> Response:
    """Send the draft, then show the thanks, or without ``thank`` the start."""
    context = context_of(request)
    draft = await read_draft(context, draft_id) if thank else None
    code = new_code() if draft is not None and draft.comment else ""
    receipt = receipt_of(code) if code else None
    result = await finish_draft(context, draft_id, receipt=receipt)
    if result is None:
        return await _already_sent(request, draft_id)
    again = result == "conflict"  # another answer of this visit was quicker: no thanks for this one
    if on_phone(request):
        home = qr_code_of(request).path
        if result == "empty":
            return redirect_page(request, home)
        code = "" if again else code
        address = f"{home}/finished?id={draft_id}" + ("&again=1" if again else "")
        address += f"&receipt={code}" if code else ""
        if not wants_fragment(request):
            return redirect(address)
        return show_stored(
            request, "finished", draft_id, again=again, address=address, receipt=code
        )
    if result == "empty" or not (thank or again):
        return await start(request) if wants_fragment(request) else redirect("/")
    return await show_farewell(request, again=again, code=code or None)


async def _already_sent(request: Request, draft_id: UUID) -> Response:
    """The page for a draft that was sent already. Raises HTTPException 404 for an unknown one."""
    if not await is_stored(context_of(request), draft_id):
        raise HTTPException(404)
    if on_phone(request):
        return show_stored(request, "finished", draft_id, again=True)
    return show(request, "farewell", FarewellPage(again=True))


def _draft_id(request: Request) -> UUID:
    return parse_id(request.path_params["id"])


def _step_number(request: Request) -> int:
    return whole_number(request.path_params["step"]) or 0


def _step(survey: Survey, number: int) -> Step:
    """A step by its number. Raises HTTPException 404 where there is no such step."""
    steps = steps_of(survey)
    if not 1 <= number <= len(steps):
        raise HTTPException(404)
    return steps[number - 1]


def _address(request: Request, draft_id: UUID, number: int) -> str:
    """Where a step is. Raises HTTPException 404 for a QR code that there is not."""
    base = qr_code_of(request).path if on_phone(request) else ""
    return f"{base}/survey/{draft_id}/{number}"


def _survey_for(request: Request) -> Survey:
    """The full survey for whoever asks: on the touch screen always that for citizens."""
    context = context_of(request)
    instruments = context.centre.instruments
    for_business = on_phone(request) and qr_code_of(request).audience == "business"
    return context.surveys[instruments.businesses if for_business else instruments.citizens]
