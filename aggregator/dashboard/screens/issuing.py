"""The report of one period: what the centre writes into it, its issue, and what is other since."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlencode

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.reports import MEDIA_TYPES
from aggregator.documents.reports.frozen import Change
from aggregator.documents.reports.issuing import AT_ONCE, Office, kind_of
from aggregator.documents.reports.model import REPORT_FORMATS, REPORT_KINDS, ReportKind
from aggregator.documents.worker import DocumentError, read_once
from aggregator.organisation.seen import SEEN, THEN
from aggregator.storage.audit import entry
from aggregator.storage.issued import PARTS, Issued, Of, OvertakenError, Part, Texts
from aggregator.wording.periods import Period, period_of, read_period
from aggregator.wording.screening import screened
from surveys.messages import MessageError
from surveys.text import cleaned, fault_of
from web import language_of, read_form, under

LONGEST = 4_000  # characters of a text
FORM_LIMIT = 131_072  # bytes: three texts, each letter of up to nine bytes as a form has it
KINDS: tuple[ReportKind, ...] = REPORT_KINDS[1:]  # the sheet of a day is not issued
LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True)
class Line:
    """An issued report; ``changed``: whether what its figures are made of is other today.

    ``current``: no later one has replaced it. ``former`` is the one that it replaces.
    """

    issued: Issued
    current: bool
    changed: bool = False
    former: Issued | None = None

    @property
    def period(self) -> Period:
        return period_of(kind_of(self.issued), self.issued.of.since)


@dataclass(frozen=True, kw_only=True)
class PeriodPage:
    """The report of a period.

    ``written`` is what the form of texts holds, by part; ``overtaken`` the texts that somebody
    else has saved meanwhile, ``theirs`` the parts of them that are other. ``changes`` are those
    since the newest report was issued, by its number. ``error``, with the part that is ``wrong``,
    and ``issue_error`` are why a form was not taken.
    """

    kind: ReportKind
    period: Period
    over: bool
    texts: Texts
    written: Mapping[Part, str]
    lines: Sequence[Line]
    changes: Mapping[int, Sequence[Change]] = field(default_factory=dict)
    overtaken: Texts | None = None
    theirs: Sequence[Part] = ()
    error: str = ""
    wrong: Part | None = None
    issue_error: str = ""
    number: str = ""
    saved: bool = False

    report_formats = REPORT_FORMATS
    parts = PARTS
    longest = LONGEST

    @property
    def last(self) -> int:
        """The number of the newest issued report, 0 for none."""
        return self.lines[0].issued.number if self.lines else 0


@needs("figures")
async def period(request: Request) -> Response:
    """The texts of a period's report, its issued versions and what is other in them."""
    page = await _page(request)
    return render(request, "period", replace(page, saved="saved" in request.query_params))


@needs("reports")
async def write(request: Request) -> Response:
    """Save the texts, as their sender has seen them."""
    context, form = context_of(request), await _fields(request)
    kind, span, of = _asked(request)
    given: dict[Part, str] = {part: cleaned(form.get(part, "")) for part in PARTS}
    wrong, error = _wrong(given)
    if error:
        page = await _page(request)
        return _again(request, replace(page, written=given, wrong=wrong, error=error), 422)
    seen, store, who = _number(form, "texts"), context.store, request.state.user.name
    told = entry(context.clock(), who, "report.written", period=_days(span))
    try:
        await run_in_threadpool(store.issued.write, of, given, seen, told)
    except OvertakenError as overtaken:
        before = await run_in_threadpool(store.issued.earlier, seen)
        newest = overtaken.texts or Texts()
        page = await _page(request)
        mine = [part for part in PARTS if given[part] != getattr(before, part)]
        theirs = [part for part in PARTS if getattr(newest, part) != getattr(before, part)]
        merged = {part: given[part] if part in mine else getattr(newest, part) for part in PARTS}
        page = replace(page, written=merged, overtaken=newest, theirs=theirs)
        return _again(request, page, 409)
    return RedirectResponse(f"{_path(request, kind, span)}?{urlencode({'saved': 1})}", 303)


@needs("reports")
async def issue(request: Request) -> Response:
    """Issue the report, as its sender has seen it, by the command in a process of its own."""
    context, form = context_of(request), await _fields(request)
    kind, span, _ = _asked(request)
    language, number = language_of(request, negotiate=False), form.get("number", "").strip()
    published, organisation = form.get("publish") == "1", form.get("organisation", THEN)
    if organisation not in SEEN:
        raise HTTPException(400, "unknown_choice")
    seen, texts = _number(form, "after"), _number(form, "texts")
    error = await run_in_threadpool(_refused, request, number, seen, texts, published)
    if not error:
        arguments = [
            *("--lang", language, "report", kind, "--format", "pdf"),
            *("--date", span.since.isoformat(), "--organisation", organisation),
            *("--issue", str(int(number)), "--after", str(seen), "--texts", str(texts)),
            f"--actor={request.state.user.name}",
            *(["--publish"] if published else []),
        ]
        try:
            read_once(await context.worker.make_for(request, arguments, ".pdf"))
        except DocumentError:
            # Another process may have been faster: then that is the reason.
            error = await run_in_threadpool(_refused, request, number, seen, texts, published)
            if not error:
                raise
    if error:
        page = await _page(request)
        return _again(request, replace(page, issue_error=error, number=number), 409)
    return RedirectResponse(f"{_path(request, kind, span)}#issued", 303)


@needs("figures")
async def issued_file(request: Request) -> Response:
    """A file of an issued report, byte for byte; who fetches it is in the audit log."""
    context, file_format = context_of(request), request.path_params["format"]
    number = request.path_params["number"]
    store = context.store
    one = await run_in_threadpool(store.issued.get, number) if number <= LARGEST_NUMBER else None
    content = None
    if one is not None and file_format in MEDIA_TYPES:
        content = await run_in_threadpool(store.issued.file, number, file_format)
    if one is None or content is None:
        raise HTTPException(404)
    told = {"symbol": one.symbol, "format": file_format}
    new = entry(context.clock(), request.state.user.name, "report.fetched", **told)
    await run_in_threadpool(store.audit.add, new)
    name = f"{one.symbol.replace('/', '-')}.{file_format}"
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "cache-control": "no-store",
    }
    return Response(content, headers=headers, media_type=MEDIA_TYPES[file_format])


def lines_of(context: Context, issued: Sequence[Issued]) -> list[Line]:
    """Issued reports, the newest first, and which of the newest ones have other figures today."""
    office = office_of(context)
    replaced = {one.replaces for one in issued}
    by_number = {one.number: one for one in issued}
    return [
        Line(
            one,
            current=(current := one.number not in replaced),
            changed=current and office.has_changed(one),
            former=by_number.get(one.replaces or 0),
        )
        for one in issued
    ]


def office_of(context: Context) -> Office:
    return Office(context.store, context.surveys, context.centre, context.published)


async def _page(request: Request) -> PeriodPage:
    """The page as it is; what is other in newest reports is found by a process of its own."""
    page = await run_in_threadpool(_known, request)
    context, language = context_of(request), language_of(request, negotiate=False)
    found: dict[int, Sequence[Change]] = {}
    for line in page.lines:
        if line.changed:
            arguments = ["--lang", language, "issued", str(line.issued.number)]
            with suppress(DocumentError):  # too many wait: the list still says that it changed
                file = await context.worker.make_for(request, arguments, ".json")
                told = orjson.loads(await run_in_threadpool(read_once, file))
                found[line.issued.number] = [Change(**one) for one in told]
    return replace(page, changes=found)


def _known(request: Request) -> PeriodPage:
    context = context_of(request)
    kind, span, of = _asked(request)
    issued, texts = context.store.issued, context.store.issued.texts(of)
    return PeriodPage(
        kind=kind,
        period=span,
        over=span.until < context.today,
        texts=texts,
        written={part: getattr(texts, part) for part in PARTS},
        lines=lines_of(context, issued.newest(AT_ONCE, of)),
    )


def _refused(request: Request, number: str, seen: int, texts: int, published: bool) -> str:
    """Why a report cannot be issued, in the reader's language; '' where it can."""
    context, language = context_of(request), language_of(request, negotiate=False)
    _, span, of = _asked(request)
    office = office_of(context)
    registered = int(number) if number.isascii() and number.isdecimal() and len(number) < 9 else 0
    try:
        office.unchanged(of, seen, texts)
        office.check(span, registered, context.clock(), published=published)
    except MessageError as error:
        return error.text(MESSAGES, language)
    return ""


def _wrong(given: Mapping[Part, str]) -> tuple[Part | None, str]:
    """The first text that cannot be taken, and the key of the reason; None and '' if all can."""
    for part, text in given.items():
        if text and (fault := fault_of(text, LONGEST)):
            return part, fault
        if screened(text) != text:
            return part, "personal"
    return None, ""


def _asked(request: Request) -> tuple[ReportKind, Period, Of]:
    """The kind and period that the path names. Raises HTTPException 404 and PeriodError."""
    kind, day = request.path_params["kind"], request.path_params["day"]
    if kind not in KINDS:
        raise HTTPException(404)
    context = context_of(request)
    span = read_period({"period": kind, "date": day}, context.today)
    return kind, span, Of(context.centre.instruments.rating, kind, span.since)


def _path(request: Request, kind: ReportKind, span: Period) -> str:
    return under(request, f"/documents/{kind}/{span.since.isoformat()}")


def _again(request: Request, page: PeriodPage, status: int) -> Response:
    return render(request, "period", page, status=status)


def _days(span: Period) -> str:
    return f"{span.since.isoformat()} – {span.until.isoformat()}"


def _number(form: Mapping[str, str], name: str) -> int:
    """A number that a page of ours sends along. Raises HTTPException 400 for anything else."""
    written = form.get(name, "")
    if not (written.isascii() and written.isdecimal() and len(written) < 16):
        raise HTTPException(400, "unknown_choice")
    return int(written)


async def _fields(request: Request) -> dict[str, str]:
    form = await read_form(request, FORM_LIMIT)
    return {name: values[0] for name, values in form.items()}
