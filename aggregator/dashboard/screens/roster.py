"""The roster: who sits where, taken from a file or entered shift by shift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.figures.attitude import join
from aggregator.intake.files import FileError
from aggregator.intake.roster import (
    COLUMNS,
    LONGEST_NUMBER,
    Lines,
    RosterError,
    overlapping,
    read_roster,
    read_shift,
    told,
)
from aggregator.storage.audit import Entry
from aggregator.storage.roster import Overlap, Shift
from aggregator.wording.periods import read_period
from surveys.messages import Language
from surveys.text import cleaned, composed
from surveys.wire import Refused
from web import language_of, read_form, read_parts, under

LARGEST = 2_000_000  # bytes of a file: some fifty thousand shifts
MOST_PROBLEMS = 20  # lines at fault that the page lists

Form = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RosterPage:
    """The shifts of a day, with the forms.

    ``taken`` is how many were added and taken out before. ``problems`` are lines of a file that
    was refused, ``more`` how many further ones; ``error`` why a single shift was, ``given`` what
    was entered for it.
    """

    day: date
    shifts: Sequence[Shift]
    taken: tuple[int, int] | None = None
    problems: Sequence[tuple[int, str]] = ()
    more: int = 0
    file: str = ""
    error: str = ""
    given: Form = field(default_factory=dict)

    columns = COLUMNS
    longest = LONGEST_NUMBER

    @property
    def before(self) -> date:
        return self.day - timedelta(days=1)

    @property
    def after(self) -> date:
        return self.day + timedelta(days=1)


class _Wrong(Exception):
    """What was posted is refused; ``more`` are the fields of the page that say why."""

    def __init__(self, **more: object) -> None:
        super().__init__(more)
        self.more = more


@needs("organisation")
async def roster(request: Request) -> Response:
    """The shifts of a day; a posted form takes a file, or adds or takes out a shift."""
    context, language = context_of(request), language_of(request, negotiate=False)
    if request.method != "POST":
        day = read_period({"date": request.query_params.get("date", "")}, context.today).since
        counts = [request.query_params.get(name, "") for name in ("added", "removed")]
        whole = [int(one) for one in counts if one.isascii() and one.isdigit() and len(one) < 7]
        taken = (whole[0], whole[1]) if len(whole) == 2 else None
        return render(request, "roster", await run_in_threadpool(_page, context, day, taken=taken))
    by = request.state.user.name
    try:
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            data = (await read_parts(request, LARGEST)).get("file", b"")
            day, added, removed = await run_in_threadpool(_take, context, by, data, language)
        else:
            form = await read_form(request)
            given = {name: cleaned(composed(one[0])).strip() for name, one in form.items()}
            day, added, removed = await run_in_threadpool(_change, context, by, given, language)
    except _Wrong as error:
        page = await run_in_threadpool(partial(_page, context, context.today, **error.more))
        return render(request, "roster", page, status=422)
    query = f"date={day.isoformat()}&added={added}&removed={removed}"
    return RedirectResponse(under(request, f"/roster?{query}"), 303)


def _page(context: Context, day: date, **more: object) -> RosterPage:
    shifts = context.store.roster.shifts(day, day)
    return RosterPage(day=day, shifts=shifts, **more)  # type: ignore[arg-type]


def _take(context: Context, by: str, data: bytes, language: Language) -> tuple[date, int, int]:
    """Take a file as a whole; its first day, how many shifts came and went. Raises _Wrong."""
    name = "CSV"
    lines: Lines = {}
    try:
        lines = read_roster(data, name, context.centre, context.today, language)
        if not lines:
            raise _Wrong(problems=[(1, Refused("file", "missing").reason(language))])
        added, removed = context.store.roster.put(
            lines,
            lambda added, removed: Entry(
                context.clock(),
                by,
                "roster.imported",
                {"file": name, "added": added, "removed": removed},
            ),
        )
    except FileError as error:
        raise _Wrong(file=str(error)) from error
    except RosterError as error:
        found = error.problems
        raise _Wrong(problems=found[:MOST_PROBLEMS], more=len(found[MOST_PROBLEMS:])) from error
    except Overlap as error:
        raise _Wrong(problems=[told(error, lines, language)]) from error
    days = {one.day for one in lines}
    join(context.store, context.surveys, context.centre, days)
    return min(days), added, removed


def _change(context: Context, by: str, form: Form, language: Language) -> tuple[date, int, int]:
    """Add a shift or take one out. Raises _Wrong, and HTTPException for another action."""
    action = form.get("action", "")
    if action not in ("add", "remove"):
        raise HTTPException(400, "unknown_choice")
    try:
        shift = read_shift(form, context.centre, context.today)
        begins, ends = shift.hours
        about = {"day": shift.day.isoformat(), "begins": begins, "ends": ends}
        about |= {"official": shift.official, "counter": shift.counter}
        if action == "remove":
            new = Entry(context.clock(), by, "roster.removed", about)
            return shift.day, 0, int(context.store.roster.remove(shift, new))
        new = Entry(context.clock(), by, "roster.added", about)
        added, _ = context.store.roster.put([shift], lambda *_: new, whole_days=False)
    except Overlap as error:
        reason = overlapping(error.field, error.other).reason(language)
        raise _Wrong(error=reason, given=form) from error
    except Refused as error:
        raise _Wrong(error=error.reason(language), given=form) from error
    return shift.day, added, 0
