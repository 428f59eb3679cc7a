"""Cases: what citizens wrote and complained of, who answers it until when, and whether he did."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import may, needs
from aggregator.figures.cases import cases_in_time, in_time_figure
from aggregator.figures.figure import Figure
from aggregator.storage.audit import Entry
from aggregator.storage.cases import (
    BY_HAND,
    STATES,
    Case,
    Comment,
    Event,
    Filters,
    Kind,
    OvertakenError,
)
from aggregator.storage.public_answers import PublicAnswer
from aggregator.storage.tables import User
from aggregator.wording.periods import Period, period_of
from aggregator.wording.screening import screened
from surveys.centre import Department
from surveys.receipts import new_code, receipt_of
from surveys.text import LONGEST_TEXT, cleaned, fault_of
from surveys.wire import UUID_FORM
from web import FORM_LIMIT, read_form, under

PAGE = 50  # cases
SHOWN = 160  # characters of a text in the list
ACTS: tuple[Kind, ...] = ("assigned", "answered", "closed")
LONGEST_CONTACT = 200  # characters
LONGEST_TOLD = 600  # characters of each text for the public

Form = Mapping[str, str]


@dataclass(frozen=True)
class Line:
    """A case in the list; ``text`` is what was written, masked and cut, "" for who may not see."""

    case: Case
    text: str
    overdue: bool


@dataclass(frozen=True, kw_only=True)
class CasesPage:
    """Cases in the order in which they have to be looked at; ``counts`` are of all, by state.

    ``typed`` is a form of a case entered by hand that had an ``error``.
    """

    lines: Sequence[Line]
    counts: Mapping[str, int]
    given: Mapping[str, str]
    older: str
    newer: str
    departments: Sequence[Department]
    quarter: Period
    in_time: Sequence[tuple[Department | None, Figure]]
    typed: Form = field(default_factory=dict)
    error: str = ""

    choices = ("overdue", *STATES)
    ways = BY_HAND
    longest = LONGEST_TEXT
    longest_contact = LONGEST_CONTACT


@dataclass(frozen=True, kw_only=True)
class CasePage:
    """One case. ``text`` is what the citizen wrote, masked, None for who may not see it.

    ``overtaken`` are the events that the sender of a form had not seen. ``code`` is a receipt code
    that is shown this once, ``contact`` what a manager asked to see, "" where it cannot be read.
    """

    case: Case
    events: Sequence[tuple[Event, str | None]]
    text: str | None
    comment: Comment | None
    overdue: bool
    departments: Sequence[Department]
    suggested: str
    has_contact: bool
    may_answer: bool
    overtaken: Sequence[Event] = ()
    typed: Form = field(default_factory=dict)
    error: str = ""
    code: str = ""
    contact: str | None = None
    told: PublicAnswer | None = None
    may_tell: bool = False

    longest = LONGEST_TEXT
    longest_told = LONGEST_TOLD


# The list


@needs("department")
async def cases(request: Request) -> Response:
    """The cases that the reader may see: those whose answer is due first."""
    return render(request, "cases", await run_in_threadpool(_list, request))


def _list(request: Request, **more: str | Form) -> CasesPage:
    context, user = context_of(request), request.state.user
    given = {name: request.query_params.get(name, "") for name in ("state", "department", "page")}
    given = {name: value for name, value in given.items() if value}
    number, now = _page_number(given.pop("page", "")), context.clock()
    filters = _filters(context, given)
    found = context.store.cases.page(filters, now, PAGE + 1, PAGE * (number - 1))
    texts = context.store.cases.texts(found) if may(user, "answers") else {}
    quarter = period_of("quarter", context.today)
    return CasesPage(
        lines=[
            Line(one, _cut(texts.get(one.number, "")), one.is_overdue(now)) for one in found[:PAGE]
        ],
        counts=context.store.cases.counts(now),
        given=given,
        older=urlencode({**given, "page": number + 1}) if len(found) > PAGE else "",
        newer=urlencode({**given, "page": number - 1}) if number > 1 else "",
        departments=context.centre.open_departments(context.today),
        quarter=quarter,
        in_time=_in_time(context, quarter, now),
        **more,  # type: ignore[arg-type]
    )


def _page_number(text: str) -> int:
    return max(1, int(text)) if re.fullmatch(r"[0-9]{1,4}", text) else 1


def _filters(context: Context, given: Mapping[str, str]) -> Filters:
    """Raises HTTPException 400 for what no page of ours sends."""
    state, department = given.get("state"), given.get("department")
    if state not in (None, "overdue", *STATES):
        raise HTTPException(400, "unknown_choice")
    if department is not None and department not in context.centre.department:
        raise HTTPException(400, "unknown_choice")
    if state == "overdue":
        return Filters(department=department, overdue=True)
    return Filters(state=state, department=department)  # type: ignore[arg-type]


def _cut(text: str) -> str:
    masked = " ".join(screened(text).split())
    return masked if len(masked) <= SHOWN else f"{masked[:SHOWN].rstrip()}…"


def _in_time(
    context: Context, quarter: Period, now: datetime
) -> list[tuple[Department | None, Figure]]:
    """The share answered in time in a quarter: of the centre (None), then of each department."""
    centre = context.centre
    decided = cases_in_time(context.store, centre, quarter.since, quarter.until, now)
    total = sum(n for n, _ in decided.values()), sum(k for _, k in decided.values())
    figures: list[tuple[Department | None, Figure]] = []
    if context.store.department is None:
        figures.append((None, in_time_figure("centre", centre.name, total)))
    return figures + [
        (centre.department[id], in_time_figure(id, centre.department[id].name, one))
        for id, one in decided.items()
        if id in centre.department
    ]


# A new case


@needs("cases")
async def add(request: Request) -> Response:
    """Make a case of a submission, or enter one by hand; leads to it."""
    context, user, form = context_of(request), request.state.user, await _fields(request)
    if submission := form.get("submission"):
        number = await run_in_threadpool(_of_submission, context, user, submission.lower())
        return RedirectResponse(under(request, f"/cases/{number}"), 303)
    if form.get("way") not in BY_HAND:
        raise HTTPException(400, "unknown_choice")
    error = fault_of(form["text"]) or ("contact" if len(form["contact"]) > LONGEST_CONTACT else "")
    if error:
        build = partial(_list, request, typed=form, error=error)
        return render(request, "cases", await run_in_threadpool(build), status=422)
    code = new_code()
    number = await run_in_threadpool(_by_hand, context, user, form, code)
    page = await run_in_threadpool(partial(_one, request, number, code=code))
    return render(request, "case", page)


def _of_submission(context: Context, user: User, submission: str) -> int:
    """Raises HTTPException 404 for a submission that is not there, or has no comment."""

    if not re.fullmatch(UUID_FORM, submission):
        raise HTTPException(404)
    comment = context.store.cases.comments([submission]).get(submission)
    if comment is None or not comment.text:
        raise HTTPException(404)
    now = context.clock()
    return context.store.cases.open(
        now, _due(context, now), user.name, "comment", submission=submission
    )


def _by_hand(context: Context, user: User, form: Form, code: str) -> int:
    now, receipt = context.clock(), receipt_of(code)
    number = context.store.cases.open(
        now,
        _due(context, now),
        user.name,
        form["way"],  # type: ignore[arg-type]
        text=form["text"],
        receipt=receipt,
    )
    if form["contact"]:
        key = context.settings.contact_key_file
        context.store.contacts.leave(receipt, form["contact"], now, key)
    return number


def _due(context: Context, now: datetime) -> datetime:
    return context.centre.after_open(now, context.centre.cases.answer_hours)


# One case


@needs("department")
async def case(request: Request) -> Response:
    """What a case is about and what has happened, with the forms of what may be done."""
    number = _number(request)
    return render(request, "case", await run_in_threadpool(partial(_one, request, number)))


@needs("answers")
async def act(request: Request) -> Response:
    """Assign, answer or close a case as its sender has seen it; or show its contact details."""
    context, user, number = context_of(request), request.state.user, _number(request)
    form = await _fields(request)
    kind = form.get("act", "")
    if kind == "tell":
        return await _tell(request, context, user, number, form)
    if kind not in (*ACTS, "contact"):
        raise HTTPException(400, "unknown_choice")
    if kind != "answered" and not may(user, "cases"):
        raise HTTPException(403)
    if kind == "contact":
        contact = await run_in_threadpool(_contact, context, user, number)
        page = await run_in_threadpool(partial(_one, request, number, contact=contact or ""))
        return render(request, "case", page)
    error = fault_of(form["text"])
    if error == "missing" and kind != "answered":
        error = None
    build = partial(_one, request, number, typed=form)
    if error:
        page = await run_in_threadpool(partial(build, error=error))
        return render(request, "case", page, status=422)
    try:
        await run_in_threadpool(_act, context, user, number, form)
    except OvertakenError as overtaken:
        page = await run_in_threadpool(partial(build, overtaken=overtaken.events))
        return render(request, "case", page, status=409)
    return RedirectResponse(under(request, f"/cases/{number}"), 303)


async def _tell(
    request: Request, context: Context, user: User, number: int, form: Form
) -> Response:
    """Tell the public of a closed case in a manager's own words, or take that back."""
    if not may(user, "cases"):
        raise HTTPException(403)
    said, done = form["said"], form["done"]
    if form.get("withdraw"):
        said = done = ""
    else:
        for text in (said, done):
            error = fault_of(text, LONGEST_TOLD) or ("personal" if screened(text) != text else "")
            if error:
                page = await run_in_threadpool(
                    partial(_one, request, number, typed=form, error=error)
                )
                return render(request, "case", page, status=422)
    await run_in_threadpool(_told, context, user, number, said, done)
    return RedirectResponse(under(request, f"/cases/{number}"), 303)


def _told(context: Context, user: User, number: int, said: str, done: str) -> None:
    """Raises HTTPException 409 for a case that is not closed, or of a hidden comment."""
    _found(context, number)
    event = "case.told" if said else "case.untold"
    new = Entry(context.clock(), user.name, event, {"number": number})
    if not context.store.public_answers.tell(number, said, done, new):
        raise HTTPException(409)


def _act(context: Context, user: User, number: int, form: Form) -> None:
    """Raises OvertakenError; HTTPException 400 for what no page of ours sends, 404 for no case."""
    cases, kind = context.store.cases, form["act"]
    one, seen = _found(context, number), form.get("last", "")
    if not (seen.isascii() and seen.isdecimal() and len(seen) < 16):
        raise HTTPException(400, "unknown_choice")
    if int(seen) != one.last or not one.may(kind):  # type: ignore[arg-type]
        raise OvertakenError(cases.events(number, int(seen)))
    department = form.get("department") if kind == "assigned" else None
    open_ = {each.id for each in context.centre.open_departments(context.today)}
    if kind == "assigned" and department not in open_:
        raise HTTPException(400, "unknown_choice")
    text = form["text"] or None
    cases.act(one, kind, context.clock(), user.name, department=department, text=text)  # type: ignore[arg-type]


def _contact(context: Context, user: User, number: int) -> str | None:
    """The contact details of a case, whose reading goes to the audit log."""
    one = _found(context, number)
    receipt = context.store.cases.receipt_of(one)
    if receipt is None:
        return None
    new = Entry(context.clock(), user.name, "case.contact", {"number": number})
    return context.store.contacts.read(receipt, context.settings.contact_key_file, new)


def _one(
    request: Request,
    number: int,
    *,
    typed: Form | None = None,
    overtaken: Sequence[Event] = (),
    error: str = "",
    code: str = "",
    contact: str | None = None,
) -> CasePage:
    context, user = context_of(request), request.state.user
    one, store = _found(context, number), context.store
    comment = store.cases.comments([one.submission]).get(one.submission) if one.submission else None
    sees = may(user, "answers")
    events = store.cases.events(number)
    receipt = store.cases.receipt_of(one) if may(user, "cases") else None
    return CasePage(
        case=one,
        events=[(event, _shown(event, sees)) for event in events],
        text=screened(store.cases.texts([one]).get(number, "")) if sees else None,
        comment=comment,
        overdue=one.is_overdue(context.clock()),
        departments=context.centre.open_departments(context.today),
        suggested=one.department or (comment.department if comment else None) or "",
        has_contact=receipt is not None and store.contacts.exists(receipt),
        may_answer=sees,
        overtaken=overtaken,
        typed=typed or {},
        error=error,
        code=code,
        contact=contact,
        told=store.public_answers.of(number),
        may_tell=may(user, "cases") and store.public_answers.may_tell(number),
    )


def _shown(event: Event, sees: bool) -> str | None:
    """What was written with an event, masked. What a citizen wrote only who ``sees`` answers reads;
    that of the first event stands at the head of the page."""
    if event.text is None or event.kind == "received" or (event.actor is None and not sees):
        return None
    return screened(event.text)


def _found(context: Context, number: int) -> Case:
    """Raises HTTPException 404 where there is none that the reader may see."""
    one = context.store.cases.get(number)
    if one is None:
        raise HTTPException(404)
    return one


def _number(request: Request) -> int:
    text = request.path_params["number"]
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise HTTPException(404)
    return int(text)


async def _fields(request: Request) -> dict[str, str]:
    """The first value of each field; texts cleaned."""
    form = {name: values[0] for name, values in (await read_form(request, FORM_LIMIT)).items()}
    for name in ("text", "contact", "said", "done"):
        form[name] = cleaned(form.get(name, ""))
    return form
