"""The form behind a QR code: citizens rate, businesses answer a short core or the full survey."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import Context, context_of, qr_code_of
from kiosk.drafts import Finished
from kiosk.floods import HARDEST, FloodError, Form
from kiosk.forms import (
    BadFormError,
    FormAnswers,
    fingerprint_of,
    optional_value,
    parse_id,
    read_answers,
    read_posted_form,
    single_value,
)
from kiosk.languages import asker_language
from kiosk.one_time import UsedCodeError, burn, look_up
from kiosk.outbox import Taking, nothing
from kiosk.qr_codes import Audience, QrCode
from kiosk.screens import FormPage, keepable, redirect, redirect_page, show, show_stored
from kiosk.submissions import is_stored, new_submission, part_id
from kiosk.survey_draft import finish_draft
from kiosk.survey_screens import begin_survey
from surveys.definition import Question, Survey
from surveys.receipts import new_code, normal_code, read_code, receipt_of
from surveys.wire import Refused, Submission
from web import wants_fragment

VISIT_SECONDS = 30 * 60  # how long one phone's form stays the same visit


@dataclass(frozen=True, kw_only=True)
class PhonePage(FormPage):
    """The form behind a QR code. ``receipt`` is the code that is given for a comment.

    It is made with the form, so that a phone without a network can show it. ``once`` is the
    one-time code through which the phone came, or "".
    """

    qr_code: QrCode
    visit: UUID
    questions: Sequence[Question]
    receipt: str = ""
    once: str = ""

    @property
    def profile_open(self) -> bool:
        """Whether something was said of the business itself, which is else folded away."""
        return any(question.id in self.typed for question in self.survey.profile)


async def show_form(request: Request) -> Response:
    """The empty form, or the thank-you on a phone that has just sent it."""
    context, qr_code = context_of(request), qr_code_of(request)
    if request.path_params["code"] != qr_code.code:
        return redirect(qr_code.path)
    if "new" in request.query_params:  # somebody else has the phone now
        return _remember(redirect(qr_code.path), qr_code, uuid4())
    once = normal_code(request.query_params.get("once", ""))
    visit = _remembered_visit(request, once or qr_code.code)
    if visit is None:
        visit = uuid4()
    elif await is_stored(context, _first_part(context, qr_code, visit)):
        return show_stored(request, "received", visit, again=True)
    if once:
        today = context.now().date()
        found = await anyio.to_thread.run_sync(look_up, context.outbox, once, today)
        if found != ("good", qr_code.code):
            raise UsedCodeError
    survey, questions = asked_by(context, qr_code.audience)
    page = PhonePage(
        place=qr_code.place,
        survey=survey,
        questions=questions,
        qr_code=qr_code,
        visit=visit,
        receipt=new_code(),
        once=once,
    )
    return keepable(_remember(show(request, qr_code.audience, page), qr_code, visit, once))


async def submit(request: Request) -> Response:
    """Store a form that was sent, once, however often it arrives."""
    context, qr_code = context_of(request), qr_code_of(request)
    survey, questions = asked_by(context, qr_code.audience)
    names = {
        "visit",
        "fingerprint",
        "then",
        "lang",
        "comment",
        "receipt",
        "proof",
        "once",
        *(question.id for question in questions),
    }
    fields = await read_posted_form(request, names)
    visit = parse_id(single_value(fields, "visit"))
    switched = optional_value(fields, "lang")
    once = normal_code(optional_value(fields, "once"))
    # A form that was kept by a phone since an older release has none.
    code = read_code(optional_value(fields, "receipt")) or ""
    if (
        switched in context.languages.names
    ):  # the form again, in the other language, with all that was typed
        page = PhonePage(
            place=qr_code.place,
            survey=survey,
            questions=questions,
            qr_code=qr_code,
            visit=visit,
            receipt=code,
            once=once,
            typed=fields,
        )
        shown = show(request, qr_code.audience, page, language=switched)
        return _remember(shown, qr_code, visit, once)
    full = optional_value(fields, "then") == "full"
    form = read_answers(survey, questions, fields)
    errors = dict(form.errors)
    if qr_code.audience == "citizen" and "rating" not in form.answers:
        errors.setdefault("rating", Refused("rating", "missing"))
    elif form.empty and not errors and not full:
        errors["form"] = Refused("form", "nothing_answered")
    updated = fingerprint_of(fields) != survey.fingerprint
    if errors or updated:
        page = PhonePage(
            place=qr_code.place,
            survey=survey,
            questions=questions,
            qr_code=qr_code,
            visit=visit,
            receipt=code,
            once=once,
            typed=fields,
            errors=errors,
            notice="notice.updated" if updated else None,
        )
        return show(request, qr_code.audience, page, status=422 if errors else 409)
    # What is stored is not counted again, and needs no second proof: it was only sent again. A
    # one-time code is a right of its own.
    new = not await is_stored(context, _first_part(context, qr_code, visit))
    proof = optional_value(fields, "proof")
    taking = partial(_taking, request, visit, proof) if new and not once else context.outbox.taking
    if full and qr_code.audience == "business":
        return await begin_survey(request, visit, qr_code.place, form, taking)
    hashed = receipt_of(code) if code else None
    again = "conflict" in await _store(request, visit, form, hashed, once, taking)
    address = f"{qr_code.path}/thanks?visit={visit}" + ("&again=1" if again else "")
    given = code if form.comment and not again else ""
    address += f"&receipt={given}" if given else ""
    if wants_fragment(request):
        response = show_stored(
            request, "received", visit, again=again, address=address, receipt=given
        )
        return _remember(response, qr_code, visit, once)
    return _remember(redirect(address), qr_code, visit, once)


def _taking(request: Request, visit: UUID, proof: str) -> AbstractContextManager[bool]:
    """Floods.taking of a form that came.

    Raises FloodError where a puzzle has to be solved first.
    """
    context, qr_code = context_of(request), qr_code_of(request)
    address = request.client.host if request.client else None

    def beyond(excess: float) -> None:
        now = context.now()
        if not context.puzzles.is_solved(proof, qr_code.code, visit, now):
            effort = context.centre.phone_form.effort * 1000
            steps = round(effort * (1 + (HARDEST - 1) * excess))
            raise FloodError(context.puzzles.make(qr_code.code, visit, steps, now))

    form = Form(qr_code, qr_code.place.counters(context.centre), address)
    return context.floods.taking(form, beyond)


async def received(request: Request) -> Response:
    """The thank-you, where the visit is stored; otherwise leads back to the form."""
    context, qr_code = context_of(request), qr_code_of(request)
    visit = parse_id(request.query_params.get("visit", ""))
    if not await is_stored(context, _first_part(context, qr_code, visit)):
        return redirect_page(request, qr_code.path)
    again = request.query_params.get("again") == "1"
    receipt = read_code(request.query_params.get("receipt", "")) or ""
    return show_stored(request, "received", visit, again=again, receipt=receipt)


async def full_survey(request: Request) -> Response:
    """A citizen takes the offer of the full survey, which follows a rating that is on disk."""
    context, qr_code = context_of(request), qr_code_of(request)
    fields = await read_posted_form(request, {"visit"})
    visit = parse_id(single_value(fields, "visit"))
    if not await is_stored(context, _first_part(context, qr_code, visit)):
        return redirect_page(request, qr_code.path)
    return await begin_survey(request, visit, qr_code.place)


def _remember(response: Response, qr_code: QrCode, visit: UUID, once: str = "") -> Response:
    """Set a cookie with the visit, so that Back and send again does not make a second one."""
    response.set_cookie(
        f"visit_{once or qr_code.code}",
        str(visit),
        max_age=VISIT_SECONDS,
        path=qr_code.path,
        samesite="lax",
        httponly=True,
    )
    return response


def _remembered_visit(request: Request, code: str) -> UUID | None:
    """The visit in the phone's cookie for a QR code or one-time code, if any."""
    try:
        return parse_id(request.cookies.get(f"visit_{code}", ""))
    except BadFormError:
        return None


def _first_part(context: Context, qr_code: QrCode, visit: UUID) -> UUID:
    """The id of a visit's first submission: the rating, or all that a business answered."""
    survey, _ = asked_by(context, qr_code.audience)
    return part_id(visit, survey.id if qr_code.audience == "business" else "rating")


def asked_by(context: Context, audience: Audience) -> tuple[Survey, list[Question]]:
    """The survey behind the QR codes for an audience, and the questions that their form asks."""
    if audience == "business":
        survey = context.surveys[context.centre.instruments.businesses]
        return survey, [*survey.core, *survey.profile]
    survey = context.rating_survey
    return survey, list(survey.all_questions())


async def _store(
    request: Request, visit: UUID, form: FormAnswers, receipt: str | None, once: str, taking: Taking
) -> Sequence[Finished]:
    """Put a form on disk; returns what became of each of its submissions. Raises OutboxError."""
    context, qr_code = context_of(request), qr_code_of(request)
    if qr_code.audience == "business":
        # A full survey that this visit has begun goes out with the form, as one submission.
        first = _first_part(context, qr_code, visit)
        result = await finish_draft(context, first, form, receipt)
        if result is not None:
            return [result]
    used = partial(burn, code=once, form=qr_code.code, today=context.now().date())

    def store() -> Sequence[Finished]:
        with taking() as crowded:
            submissions = _submissions(request, visit, form, receipt, crowded)
            return context.outbox.add_all(submissions, used if once else nothing)

    added = await anyio.to_thread.run_sync(store)
    context.uploader.wake()
    return added


def _submissions(
    request: Request, visit: UUID, form: FormAnswers, receipt: str | None, crowded: bool
) -> list[Submission]:
    """The rating and its follow-up, as on the touch screen; a business form is one submission."""
    context, qr_code = context_of(request), qr_code_of(request)
    survey, _ = asked_by(context, qr_code.audience)
    first = _first_part(context, qr_code, visit)
    if qr_code.audience == "business":
        # The full survey of the same visit has this very id: nobody is counted with both.
        parts = [(first, form.answers, form.comment)]
    else:
        rating = {"rating": form.answers["rating"]}
        reasons = {name: value for name, value in form.answers.items() if name != "rating"}
        parts = [(first, rating, None)]
        if reasons or form.comment:
            parts.append((part_id(visit, "follow-up"), reasons, form.comment))
    return [
        new_submission(
            context,
            survey,
            submission_id,
            place=qr_code.place,
            channel="qr",
            visit=visit,
            language=asker_language(request),
            answers=answers,
            comment=comment,
            receipt=receipt,
            crowded=crowded,
        )
        for submission_id, answers, comment in parts
    ]
