"""A file on the data desk: looked at cell by cell, corrected, and taken as a batch."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from aggregator.intake.desk.groups import FILLED, Counted
from aggregator.intake.desk.kinds import KINDS, kind_of
from aggregator.intake.desk.reading import (
    HEADER_WITHIN,
    Columns,
    Reading,
    columns_of,
    filled_of,
    header_of,
)
from aggregator.intake.desk.sheets import Row, Sheet, SheetError, Workbook, cell_name
from aggregator.intake.desk.spans import told_day
from aggregator.intake.desk.taking import (
    LONGEST_NAME,
    Change,
    Desk,
    Taken,
    chosen_sheet,
    label_of,
    name_of,
    sheet_name,
    suggested_name,
)
from aggregator.intake.ingest import Ingest
from aggregator.storage.batches import BatchChangedError, NewBatch
from aggregator.storage.tables import BatchRow, DeskFile
from surveys.messages import Language
from surveys.text import cleaned, composed
from web import language_of, read_form, under

SHOWN_ROWS = 8
SHOWN_PROBLEMS = 30
SHOWN_NUMBERS = 12  # of rows that are no data
SHOWN_ALIKE = 3
APART = "apart"  # what is chosen for a table that is another than the batches it is like
DAY = re.compile(r"^([0-9]{4})-([0-9]{2})-([0-9]{2})\b")

Form = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class PreviewPage:
    """A file on the desk as it would be taken; ``file`` is None where it is no longer there.

    ``unplaced`` are departments as they are written, each with the one chosen or suggested.
    ``alike`` are batches that the table may be a correction of, ``decision`` what was chosen.
    """

    file: DeskFile | None
    sheets: Sequence[Sheet] = ()
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
    alike: Sequence[BatchRow] = ()
    decision: str = ""
    error: str = ""
    problems: Sequence[str] = ()

    longest = LONGEST_NAME
    shown = SHOWN_PROBLEMS
    apart = APART

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
        rows = self.sheet.head[self.columns.header + 1 :][:SHOWN_ROWS]
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
        return self.sheet.head[:HEADER_WITHIN] if self.sheet else ()

    @property
    def left_out(self) -> tuple[int, str]:
        return _numbered(self.reading.left_out) if self.reading else (0, "")

    @property
    def headings(self) -> tuple[int, str]:
        return _numbered(self.reading.headings) if self.reading else (0, "")

    @property
    def is_without_days(self) -> bool:
        """Whether all rows may be of one day, since there is no column of days."""
        if self.kind is None or self.columns is None or "day" in self.columns.columns:
            return False
        return any(one.name == "day" and one.required for one in self.kind.fields)

    @property
    def day(self) -> date | None:
        """The day that was stated for all rows, else one that stands above the header."""
        if self.sheet is None or self.columns is None or self.columns.day:
            return self.columns.day if self.columns else None
        return told_day(
            cell for row in self.sheet.head[: self.columns.header] for cell in row.cells
        )

    @property
    def fillable(self) -> Sequence[tuple[Field, str]]:
        """The fields whose blank cells may say what is above them."""
        mapped = self.columns.columns if self.columns else {}
        return [
            (one, text) for one, text in self.fields if one.name in FILLED and one.name in mapped
        ]


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
        return done(request, found)
    if found.file is None:
        return render(request, "desk_file", found, status=404)
    return render(request, "desk_file", found, status=422 if form and found.error else 200)


def _look(
    context: Context, by: str, id: str, form: Form, language: Language
) -> PreviewPage | Change:
    """The page of a file as a form understands it, or what taking it has changed."""
    at, batches = desk_at(context, language), context.store.batches
    file = batches.file(id, by, at.now)
    kind = _kind(context, file) if file else None
    if file is None or kind is None:
        return PreviewPage(file=None)
    book = Workbook.unpacked(file.data)
    sheet = chosen_sheet(book, kind, form.get("sheet", ""))
    is_form_of_it = "header" in form and form.get("former_sheet", sheet.name) == sheet.name
    columns = _chosen(sheet, kind, form) if is_form_of_it else at.columns(sheet, kind)
    of = sheet_name(book, sheet)
    name = name_of(form.get("name", "")) if is_form_of_it else ""
    name = name or suggested_name(file.name, of, batches.newest(), kind)
    decision = form.get("alike", "") if is_form_of_it else ""
    page = PreviewPage(
        file=file,
        sheets=book.sheets,
        sheet=sheet,
        kind=kind,
        columns=columns,
        fields=[(one, label_of(one, language)) for one in kind.fields],
        header=header_of(sheet, columns.header),
        name=name,
        replaces=batches.named(name),
        decision=decision,
    )
    try:
        taken, reading = at.read(sheet, kind, columns)
        problems = [one.text(MESSAGES, language) for one in reading.problems]
        chosen = columns.departments
        unplaced = [
            (written, chosen.get(folded(written), near))
            for written, near in reading.unplaced.items()
        ]
        alike = at.alike(taken, kind, name)[:SHOWN_ALIKE]
        page = replace(page, taken=taken, reading=reading, problems=problems, unplaced=unplaced)
        page = replace(page, alike=alike)
        if form.get("action") != "take":
            return page
        if form.get("found") != str(taken.rows):  # other columns or departments since it was shown
            raise SheetError("found_otherwise")
        if page.bad and not form.get("leave_out"):
            raise SheetError("needs_leave_out")
        if alike and decision != APART:
            name = next((one.name for one in alike if one.name == decision), "")
            if not name:
                raise SheetError("needs_alike")
        survey = kind.survey.id if kind.survey else None
        about = (file.name, book.hash, taken.rows, at.now, by, of, taken.sketch)
        change = at.take(NewBatch(name, kind.name, survey, *about), taken)
        at.remember(sheet, kind, columns)
        if len(book.sheets) == 1:  # the other sheets stay, for an hour
            batches.drop_file(id, by)
    except SheetError as error:
        return replace(page, error=error.text(MESSAGES, language))
    except BatchChangedError:
        return replace(page, error=MESSAGES.get(language, "sheet.changed_meanwhile"))
    return change


def _chosen(sheet: Sheet, kind: Kind, form: Form) -> Columns:
    """The columns that a form says; where another row is the header, those that it names."""
    rows = {str(row.number): place for place, row in enumerate(sheet.head[:HEADER_WITHIN])}
    header = rows.get(form["header"], 0)
    if form["header"] != form.get("former"):
        columns = columns_of(header_of(sheet, header), kind)
        filled = filled_of(sheet, header, columns, kind)
        return Columns(header, columns, filled=filled, span=_span(form))
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
    filled = [one.name for one in kind.fields if form.get(f"filled.{one.name}")]
    day = None if "day" in columns else _day(form)
    return Columns(header, columns, departments, filled, _span(form), day)


def _day(form: Form) -> date | None:
    """The day that a form states for all rows; None where it does not."""
    try:
        return date.fromisoformat(form["day"])
    except (KeyError, ValueError):
        return None


def _span(form: Form) -> Span | None:
    """The days that a form states for operating figures; None where it does not."""
    try:
        return date.fromisoformat(form["since"]), date.fromisoformat(form["until"])
    except (KeyError, ValueError):
        return None


def _kind(context: Context, file: DeskFile) -> Kind | None:
    if file.kind not in KINDS or (file.survey and file.survey not in context.surveys):
        return None
    survey = context.surveys[file.survey] if file.survey else None
    businesses = context.surveys.get(context.centre.instruments.businesses)
    return kind_of(file.kind, survey, businesses, context.ddci)


def desk_at(context: Context, language: Language) -> Desk:
    held = context.organisation
    ingest = Ingest(context.store, held.files, context.centre, context.clock, held.refreshed)
    return Desk(context.store, ingest, context.centre, language, context.clock())


def done(request: Request, change: Change) -> Response:
    """Back to the batches, which say what has changed."""
    query = urlencode({"batch": change.name, "added": change.added, "gone": change.gone})
    return RedirectResponse(under(request, f"/desk?{query}"), 303)


def _local(cell: str) -> str:
    """A cell with its day as offices write it: spreadsheets have days as numbers."""
    return DAY.sub(r"\3/\2/\1", cell)


def _numbered(rows: Counted) -> tuple[int, str]:
    """How many rows, and the numbers of the first."""
    shown = ", ".join(map(str, rows.first[:SHOWN_NUMBERS]))
    return rows.n, f"{shown}, …" if rows.n > SHOWN_NUMBERS else shown
