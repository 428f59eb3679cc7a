"""The data desk: a table is put on it, looked at cell by cell, and taken as a batch."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.indices.operations import Span
from aggregator.intake.desk.fields import Field, Kind, folded
from aggregator.intake.desk.kinds import ANSWERS, KINDS, kind_of
from aggregator.intake.desk.reading import Columns, Reading, columns_of, header_of
from aggregator.intake.desk.sheets import LARGEST, Row, Sheet, SheetError, cell_name, read_sheet
from aggregator.intake.desk.taking import (
    LONGEST_NAME,
    Change,
    Desk,
    Taken,
    file_hash,
    label_of,
    name_of,
    suggested_name,
)
from aggregator.intake.ingest import Ingest
from aggregator.storage.batches import BatchChangedError, NewBatch
from aggregator.storage.tables import BatchRow, DeskFile
from surveys.messages import Language
from surveys.text import cleaned, composed
from web import language_of, read_form, read_parts, under

UPLOAD = LARGEST + 64 * 1024  # bytes of a form with the largest file
SHOWN_ROWS = 8
SHOWN_PROBLEMS = 30
SHOWN_LEFT_OUT = 12
HEADERS = 12  # rows that may be chosen as the header
LONGEST_FILE = 120
DAY = re.compile(r"^([0-9]{4})-([0-9]{2})-([0-9]{2})\b")

Form = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class DeskPage:
    """The batches there are, and the form for a file; ``given`` is what was chosen in it."""

    batches: Sequence[BatchRow]
    surveys: Mapping[str, str]
    change: Change | None = None
    error: str = ""
    given: Form = field(default_factory=dict)

    kinds = KINDS
    megabytes = LARGEST // 1024 // 1024


@dataclass(frozen=True, kw_only=True)
class PreviewPage:
    """A file on the desk as it would be taken; ``file`` is None where it is no longer there.

    ``unplaced`` are departments as they are written, each with the one chosen or suggested.
    """

    file: DeskFile | None
    sheet: Sheet | None = None
    kind: Kind | None = None
    columns: Columns | None = None
    taken: Taken | None = None
    reading: Reading | None = None
    fields: Sequence[tuple[Field, str]] = ()
    header: Sequence[str] = ()
    unplaced: Sequence[tuple[str, str | None]] = ()
    name: str = ""
    replaces: BatchRow | None = None
    error: str = ""
    problems: Sequence[str] = ()

    longest = LONGEST_NAME

    @property
    def bad(self) -> int:
        return len(self.reading.problems) + self.reading.more_problems if self.reading else 0

    @property
    def more(self) -> int:
        return self.bad - len(self.problems)

    @property
    def first(self) -> Sequence[Row]:
        """The first rows below the header."""
        if self.sheet is None or self.columns is None:
            return ()
        rows = self.sheet.rows[self.columns.header + 1 :][:SHOWN_ROWS]
        return [Row(row.number, [_local(cell) for cell in row.cells]) for row in rows]

    @property
    def letters(self) -> Sequence[str]:
        """The names of the columns: A, B, …"""
        return [cell_name(0, column)[:-1] for column in range(len(self.header))]

    @property
    def of(self) -> Mapping[int, str]:
        """By column the label of the field that it is read as."""
        if self.columns is None:
            return {}
        labels = {one.name: label for one, label in self.fields}
        return {at: labels[name] for name, at in self.columns.columns.items() if name in labels}

    @property
    def bad_cells(self) -> set[str]:
        return {one.cell for one in self.reading.problems} if self.reading else set()

    @property
    def headers(self) -> Sequence[Row]:
        return self.sheet.rows[:HEADERS] if self.sheet else ()

    @property
    def left_out(self) -> tuple[int, str]:
        rows = self.reading.left_out if self.reading else []
        shown = ", ".join(map(str, rows[:SHOWN_LEFT_OUT]))
        return len(rows), f"{shown}, …" if len(rows) > SHOWN_LEFT_OUT else shown


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
        at = _desk(context, language)
        change = await run_in_threadpool(at.withdraw, name, by) if form.get("sure") else None
        return _back(request, change or Change(name, 0, 0))
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


@needs("organisation")
async def preview(request: Request) -> Response:
    """A file on the desk; a posted form says which column is what, takes it, or puts it away."""
    context, language = context_of(request), language_of(request, negotiate=False)
    by: str = request.state.user.name
    id = request.path_params["id"]
    form: Form = {}
    if request.method == "POST":
        read = await read_form(request, most=1_000)
        form = {name: cleaned(composed(one[0])) for name, one in read.items()}
    if form.get("action") == "put_away":
        await run_in_threadpool(context.store.batches.drop_file, id, by)
        return RedirectResponse(under(request, "/desk"), 303)
    async with context.large_tables:
        found = await run_in_threadpool(_look, context, by, id, form, language)
    if isinstance(found, Change):
        return _back(request, found)
    if found.file is None:
        return render(request, "desk_file", found, status=404)
    return render(request, "desk_file", found, status=422 if form and found.error else 200)


def _page(context: Context, request: Request) -> DeskPage:
    asked = request.query_params
    counts = [asked.get(name, "") for name in ("added", "gone")]
    whole = [int(one) for one in counts if one.isascii() and one.isdigit() and len(one) < 7]
    change = Change(name_of(asked.get("batch", "")), *whole) if len(whole) == 2 else None
    language = language_of(request, negotiate=False)
    surveys = {one.id: one.title.get(language) for one in context.surveys.values()}
    return DeskPage(batches=context.store.batches.newest(), surveys=surveys, change=change)


def _put(context: Context, by: str, data: bytes, given: Form) -> str:
    """Put a file on the desk that can be read as a table; its id. Raises SheetError."""
    kind, survey = given["kind"], given["instrument"] or context.centre.instruments.rating
    if kind not in KINDS or survey not in context.surveys:
        raise SheetError("no_table")
    read_sheet(data)
    file = cleaned(composed(given["file.filename"])).replace("\\", "/").rpartition("/")[2]
    new = {"name": file[-LONGEST_FILE:] or "–", "kind": kind, "data": data, "actor": by}
    answers = kind in ANSWERS
    return context.store.batches.put_file(
        {**new, "survey": survey if answers else None}, context.clock()
    )


def _look(
    context: Context, by: str, id: str, form: Form, language: Language
) -> PreviewPage | Change:
    """The page of a file as a form understands it, or what taking it has changed."""
    at, batches = _desk(context, language), context.store.batches
    file = batches.file(id, by, at.now)
    kind = _kind(context, file) if file else None
    if file is None or kind is None:
        return PreviewPage(file=None)
    sheet = read_sheet(file.data)
    columns = _chosen(sheet, kind, form) if "header" in form else at.columns(sheet, kind)
    name = name_of(form.get("name", "")) or suggested_name(file.name, batches.newest(), kind)
    page = PreviewPage(
        file=file,
        sheet=sheet,
        kind=kind,
        columns=columns,
        fields=[(one, label_of(one, language)) for one in kind.fields],
        header=header_of(sheet, columns.header),
        name=name,
        replaces=batches.named(name),
    )
    try:
        taken, reading = at.read(sheet, kind, columns)
        problems = [one.text(MESSAGES, language) for one in reading.problems[:SHOWN_PROBLEMS]]
        chosen = columns.departments
        unplaced = [
            (written, chosen.get(folded(written), near))
            for written, near in reading.unplaced.items()
        ]
        page = replace(page, taken=taken, reading=reading, problems=problems, unplaced=unplaced)
        if form.get("action") != "take":
            return page
        if form.get("found") != str(taken.rows):  # other columns or departments since it was shown
            raise SheetError("found_otherwise")
        if page.bad and not form.get("leave_out"):
            raise SheetError("needs_leave_out")
        about = (file.name, file_hash(file.data), taken.rows, at.now, by)
        survey = kind.survey.id if kind.survey else None
        change = at.take(NewBatch(name, kind.name, survey, *about), taken)
        at.remember(sheet, kind, columns)
        batches.drop_file(id, by)
    except SheetError as error:
        return replace(page, error=error.text(MESSAGES, language))
    except BatchChangedError:
        return replace(page, error=MESSAGES.get(language, "sheet.changed_meanwhile"))
    return change


def _chosen(sheet: Sheet, kind: Kind, form: Form) -> Columns:
    """The columns that a form says; where another row is the header, those that it names."""
    rows = {str(row.number): place for place, row in enumerate(sheet.rows[:HEADERS])}
    header = rows.get(form["header"], 0)
    if form["header"] != form.get("former"):
        return Columns(header, columns_of(header_of(sheet, header), kind), span=_span(form))
    width = len(header_of(sheet, header))
    columns = {
        one.name: int(at)
        for one in kind.fields
        if (at := form.get(f"column.{one.name}", "")).isdecimal() and int(at[:4]) < width
    }
    departments = {
        folded(form[f"written.{number}"]): form[f"department.{number}"]
        for number in range(200)
        if form.get(f"written.{number}") and form.get(f"department.{number}")
    }
    return Columns(header, columns, departments, _span(form))


def _span(form: Form) -> Span | None:
    """The days that a form states for operating figures; None where it does not."""
    try:
        return date.fromisoformat(form["since"]), date.fromisoformat(form["until"])
    except (KeyError, ValueError):
        return None


def _kind(context: Context, file: DeskFile) -> Kind | None:
    if file.kind not in KINDS or (file.survey and file.survey not in context.surveys):
        return None
    return kind_of(file.kind, context.surveys[file.survey] if file.survey else None)


def _desk(context: Context, language: Language) -> Desk:
    held = context.organisation
    ingest = Ingest(context.store, held.files, context.centre, context.clock, held.refreshed)
    return Desk(context.store, ingest, context.centre, language, context.clock())


def _back(request: Request, change: Change) -> Response:
    query = urlencode({"batch": change.name, "added": change.added, "gone": change.gone})
    return RedirectResponse(under(request, f"/desk?{query}"), 303)


def _local(cell: str) -> str:
    """A cell with its day as offices write it: spreadsheets have days as numbers."""
    return DAY.sub(r"\3/\2/\1", cell)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
