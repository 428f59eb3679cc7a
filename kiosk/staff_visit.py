"""A test visit of staff on the touch screen: faces, thank-you, full survey. Nothing is stored.

The screens are those of visitors, marked as a test, and their forms lead to here alone.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import context_of
from kiosk.forms import (
    BadFormError,
    FormFields,
    optional_value,
    parse_id,
    read_answers,
    read_posted_form,
    sent_by_timer,
    single_value,
    whole_number,
)
from kiosk.screens import redirect, redirect_page, show
from kiosk.staff import show_corner, signed_in
from kiosk.start import FacesPage, start
from kiosk.survey_screens import StepPage
from kiosk.survey_steps import Step, step_after, steps_of
from kiosk.touch import RATING, ThanksPage
from surveys.definition import Survey
from surveys.wire import Refused
from web import wants_fragment

BAND = "staff.test_band"


async def faces(request: Request) -> Response:
    """The faces as visitors see them, marked as a test; their tap goes to ``tap``."""
    context = context_of(request)
    if not signed_in(request):
        return redirect_page(request, "/staff")
    page = FacesPage(place=context.place, survey=context.rating_survey, notice=BAND, test=True)
    return show(request, "faces", page)


async def tap(request: Request) -> Response:
    """The thank-you of a test tap; what its buttons lead to; at the end the corner again."""
    context = context_of(request)
    survey = context.rating_survey
    names = {"visit", "department", "fingerprint", "comment", "then", "idle"}
    fields = await read_posted_form(request, names | survey.questions.keys())
    if sent_by_timer(fields) or not signed_in(request):
        return await _to_start(request)
    chosen = optional_value(fields, RATING)
    if not chosen:
        match optional_value(fields, "then"):
            case "again":
                return await faces(request)
            case "survey":
                citizens = _citizens(request)
                return _show_step(request, citizens, steps_of(citizens)[0], {})
            case _:
                return await show_corner(request, tested=True)
    scale = survey.scale_of(survey.questions[RATING])
    code = whole_number(chosen)
    if scale is None or code is None or code not in scale.codes:
        raise BadFormError
    page = ThanksPage(
        place=context.place,
        survey=survey,
        visit=parse_id(single_value(fields, "visit")),
        recorded=code,
        notice=BAND,
        test=True,
    )
    return show(request, "thanks", page)


async def step(request: Request) -> Response:
    """The step of the full survey to which a button leads from another; at its end the corner."""
    survey = _citizens(request)
    steps = steps_of(survey)
    number = whole_number(request.path_params["step"]) or 0
    if not 1 <= number <= len(steps):
        raise HTTPException(404)
    asked = {*survey.questions, "comment"}
    fields = await read_posted_form(request, {"fingerprint", "to", "idle", *asked})
    if sent_by_timer(fields) or not signed_in(request):
        return await _to_start(request)
    typed = {name: values for name, values in fields.items() if name in asked}
    this = steps[number - 1]
    errors = read_answers(survey, this.questions, typed).errors
    if errors:
        return _show_step(request, survey, this, typed, errors)
    button = optional_value(fields, "to") or "next"
    if button in ("leave", "finish") or (button == "next" and this.last):
        return await show_corner(request, tested=True)
    return _show_step(request, survey, steps[step_after(button, this, len(steps)) - 1], typed)


def _citizens(request: Request) -> Survey:
    """The full survey that the touch screen asks."""
    context = context_of(request)
    return context.surveys[context.centre.instruments.citizens]


def _show_step(
    request: Request,
    survey: Survey,
    shown: Step,
    typed: FormFields,
    errors: dict[str, Refused] | None = None,
) -> Response:
    here = {"comment"} if shown.last else set()
    here |= {question.id for question in shown.questions}
    page = StepPage(
        place=context_of(request).place,
        survey=survey,
        steps=steps_of(survey),
        step=shown,
        address=f"/staff/test/{shown.number}",
        typed=typed,
        errors=errors or {},
        notice=BAND,
        elsewhere={name: values for name, values in typed.items() if name not in here},
    )
    return show(request, "step", page, status=422 if errors else 200)


async def _to_start(request: Request) -> Response:
    return await start(request) if wants_fragment(request) else redirect("/")
