"""The data desk: the batches there are; a file is put on the desk, a batch is withdrawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.desk_file import desk_at, done
from aggregator.intake.desk.kinds import ANSWERS, KINDS
from aggregator.intake.desk.sheets import LARGEST, SheetError
from aggregator.intake.desk.taking import Change, name_of
from aggregator.intake.desk.workbooks import read_workbook
from aggregator.storage.tables import BatchRow, DeskFile
from surveys.text import cleaned, composed
from web import language_of, read_form, read_parts, under

UPLOAD = LARGEST + 64 * 1024  # bytes of a form with the largest file
LONGEST_FILE = 120

Form = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class DeskPage:
    """The batches there are, and the form for a file; ``given`` is what was chosen in it.

    ``waiting`` are files that the reader put on the desk and neither took nor put away.
    """

    batches: Sequence[BatchRow]
    waiting: Sequence[DeskFile]
    surveys: Mapping[str, str]
    change: Change | None = None
    error: str = ""
    given: Form = field(default_factory=dict)

    kinds = KINDS
    megabytes = LARGEST // 1024 // 1024


@needs("organisation")
async def desk(request: Request) -> Response:
    """The batches; a posted file is put on the desk, a posted batch is withdrawn."""
    context, language = context_of(request), language_of(request, negotiate=False)
    if request.method != "POST":
        return render(request, "desk", await run_in_threadpool(_page, context, request))
    by: str = request.state.user.name
    if not request.headers.get("content-type", "").lower().startswith("multipart/"):
        form = {name: one[0] for name, one in (await read_form(request)).items()}
        name = name_of(form.get("name", ""))
        at = desk_at(context, language)
        change = await run_in_threadpool(at.withdraw, name, by) if form.get("sure") else None
        return done(request, change or Change(name, 0, 0))
    parts = await read_parts(request, UPLOAD)
    given = {name: _text(parts.get(name, b"")) for name in ("kind", "instrument", "file.filename")}
    async with context.large_tables:
        try:
            id = await run_in_threadpool(_put, context, by, parts.get("file", b""), given)
        except SheetError as error:
            page = await run_in_threadpool(_page, context, request)
            refused = replace(page, error=error.text(MESSAGES, language), given=given)
            return render(request, "desk", refused, status=422)
    return RedirectResponse(under(request, f"/desk/{id}"), 303)


def _page(context: Context, request: Request) -> DeskPage:
    asked = request.query_params
    counts = [asked.get(name, "") for name in ("added", "gone")]
    whole = [int(one) for one in counts if one.isascii() and one.isdigit() and len(one) < 7]
    change = Change(name_of(asked.get("batch", "")), *whole) if len(whole) == 2 else None
    language = language_of(request, negotiate=False)
    surveys = {one.id: one.title.get(language) for one in context.surveys.values()}
    batches, by = context.store.batches, request.state.user.name
    waiting = batches.waiting(by, context.clock())
    return DeskPage(batches=batches.newest(), waiting=waiting, surveys=surveys, change=change)


def _put(context: Context, by: str, data: bytes, given: Form) -> str:
    """Put a file on the desk that can be read as a table; its id. Raises SheetError."""
    kind, survey = given["kind"], given["instrument"] or context.centre.instruments.rating
    if kind not in KINDS or survey not in context.surveys:
        raise SheetError("no_table")
    book = read_workbook(data)
    file = cleaned(composed(given["file.filename"])).replace("\\", "/").rpartition("/")[2]
    new = {"name": file[-LONGEST_FILE:] or "–", "kind": kind, "actor": by, "data": book.packed()}
    of = survey if kind in ANSWERS else None
    return context.store.batches.put_file({**new, "survey": of}, context.clock())


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
