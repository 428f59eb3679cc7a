"""Comments: what people wrote, searched and filtered; tagged, hidden from the public, unmasked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.view import FigurePage, View, read_view
from aggregator.figures.reasons import reason_rows
from aggregator.figures.rows import FigureRow
from aggregator.organisation.seen import merged_into
from aggregator.storage.audit import entry
from aggregator.storage.comments import (
    LONGEST_SEARCH,
    LONGEST_TAG,
    MOST_TAGS,
    Act,
    Comment,
    Search,
    tag_of,
)
from aggregator.storage.reasons import Reasons
from aggregator.wording.channels import CHANNELS
from aggregator.wording.charts import tone
from aggregator.wording.likert import Diverging
from aggregator.wording.periods import EARLIEST, read_period
from aggregator.wording.screening import screened
from surveys.centre import Centre, Counter, Department
from surveys.definition import Level, Survey, Text
from surveys.text import LONGEST_TEXT, cleaned
from web import read_form, under

T = TypeVar("T")

PAGE = 25  # comments on a page
MOST_COUNTED = 1_000  # found comments are counted up to here
LEAST_REASON = 5  # characters of the reason for an unmasking: one cannot be told in less
LARGEST_NUMBER = 2**63 - 1
CONDITIONS = (
    *("q", "department", "counter", "level", "reason", "from", "to", "period", "date"),
    *("channel", "tag", "hidden"),
)
RECORDED: Mapping[Act, str] = {
    "tag": "comment.tagged",
    "untag": "comment.untagged",
    "hide": "comment.hidden",
    "show": "comment.shown",
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """A comment as it is shown: ``text`` is masked unless it was unmasked for this one answer.

    ``level`` and ``tone`` are of the rating of its visit, ``reasons`` those that it chose.
    """

    comment: Comment
    text: str
    masked: bool
    at: datetime
    department: Text | None
    counter: Text | None
    level: Level | None
    tone: int
    reasons: Sequence[Level]


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a search may choose from; counters and departments are those that serve now."""

    departments: Sequence[Department]
    levels: Sequence[Level]
    reasons: Sequence[tuple[str, Level]]
    tags: Sequence[tuple[str, int]]


@dataclass(frozen=True, kw_only=True)
class CommentsPage:
    """A page of comments, newest first. ``count`` stops at MOST_COUNTED.

    ``given`` are the conditions that were asked for, ``older`` the query string of the next
    page. ``number`` is of a comment with which something could not be done, because ``error``.
    """

    lines: Sequence[Line]
    count: int
    given: Mapping[str, str]
    chosen: Filters
    since: date | None
    until: date | None
    before: str | None
    older: str
    number: int | None = None
    error: str = ""
    written: str = ""

    most_counted = MOST_COUNTED
    longest_search = LONGEST_SEARCH
    longest_tag = LONGEST_TAG
    longest_reason = LONGEST_TEXT
    least_reason = LEAST_REASON
    most_tags = MOST_TAGS

    @property
    def parameters(self) -> str:
        return urlencode(self.given)

    @property
    def here(self) -> str:
        """The query string of this very page, which a form sends along."""
        return urlencode({**self.given, **({"before": self.before} if self.before else {})})

    def with_tag(self, tag: str) -> str:
        return urlencode({**self.given, "tag": tag})


@dataclass(frozen=True, kw_only=True)
class ReasonsPage(FigurePage):
    """Reasons by the level of the same visit; ``whole`` is None where none are asked.

    ``department`` is the one whose visits are counted, None for the centre.
    """

    department: Department | None
    whole: FigureRow | None = None
    rows: Sequence[FigureRow] = ()
    levels: Sequence[Level] = ()  # the worst first
    bars: Diverging | None = None

    @property
    def tones(self) -> Mapping[int, int]:
        """The colour of each level, by its code."""
        return _tones(self.levels[::-1])


@needs("comments")
async def comments(request: Request) -> Response:
    """What people wrote, newest first; a search has its conditions in the address."""
    context = context_of(request)
    return render(request, "comments", await run_in_threadpool(_page, context, _given(request)))


@needs("department")
async def reasons(request: Request) -> Response:
    """How many visits chose a reason with which level."""
    context = context_of(request)
    rating = context.centre.instruments.rating
    # Without a department it is the centre's table, which a department's head does not see.
    everywhere = () if context.store.department else ("",)
    choices = {"department": (*everywhere, *context.centre.department)}
    view = read_view(request, survey=rating, choices=choices)
    page = await run_in_threadpool(_reasons_page, context_of(request), view)
    return render(request, "comments_reasons", page)


@needs("answers")
async def tag(request: Request) -> Response:
    """Add a tag to a comment, or take it away (the field ``act`` is ``untag``)."""
    form = await read_form(request)
    value = tag_of(form.get("tag", [""])[0])
    kind: Act = "untag" if form.get("act") == ["untag"] else "tag"
    if not value or len(value) > LONGEST_TAG:
        return await _refuse(request, "bad_tag", value)
    return await _act(request, kind, value)


@needs("moderate")
async def hide(request: Request) -> Response:
    """Keep a comment from the public (the field ``act`` is ``hide``), or no longer (``show``)."""
    acts: Mapping[str, Act] = {"hide": "hide", "show": "show"}
    form = await read_form(request)
    return await _act(request, _known(form.get("act", [""])[0], acts), "")


@needs("moderate")
async def unmask(request: Request) -> Response:
    """Show one comment as it was written, in this answer alone; the reason goes into the log."""
    context, form = context_of(request), await read_form(request)
    reason = cleaned(form.get("reason", [""])[0])
    if not LEAST_REASON <= len(reason) <= LONGEST_TEXT:
        return await _refuse(request, "bad_reason", reason)
    comment = await _asked(request)
    told = {"id": comment.id, "reason": reason}
    new = entry(context.clock(), request.state.user.name, "unmasking.comment", **told)
    await run_in_threadpool(context.store.audit.add, new)
    page = await run_in_threadpool(
        _page, context, _given(request), number=comment.number, unmasked=True
    )
    return render(request, "comments", page)


async def _act(request: Request, kind: Act, value: str) -> Response:
    context, comment = context_of(request), await _asked(request)
    told = {"id": comment.id} | ({"tag": value} if value else {})
    new = entry(context.clock(), request.state.user.name, RECORDED[kind], **told)
    done = await run_in_threadpool(context.store.comments.act, comment.number, kind, value, new)
    if not done and kind == "tag" and len(comment.tags) >= MOST_TAGS:
        return await _refuse(request, "many_tags", value)
    query = f"?{request.url.query}" if request.url.query else ""
    # What somebody else has done before is done: the page says how it stands.
    address = f"{under(request, '/comments')}{query}#comment-{comment.number}"
    return RedirectResponse(address, 303)


async def _asked(request: Request) -> Comment:
    """The comment of an address. Raises HTTPException 404."""
    number, store = request.path_params["number"], context_of(request).store
    comment = None
    if number <= LARGEST_NUMBER:
        comment = await run_in_threadpool(store.comments.comment, number)
    if comment is None:
        raise HTTPException(404)
    return comment


async def _refuse(request: Request, error: str, written: str) -> Response:
    comment = await _asked(request)
    page = await run_in_threadpool(
        _page,
        context_of(request),
        _given(request),
        number=comment.number,
        error=error,
        written=written[:LONGEST_TEXT],
    )
    return render(request, "comments", page, status=422)


# Searching


def _given(request: Request) -> dict[str, str]:
    asked = request.query_params
    return {name: asked[name] for name in (*CONDITIONS, "before") if asked.get(name)}


def _page(
    context: Context,
    given: dict[str, str],
    number: int | None = None,
    error: str = "",
    written: str = "",
    *,
    unmasked: bool = False,
) -> CommentsPage:
    """The page of a search. Raises HTTPException 400 and PeriodError."""
    before = given.pop("before", None)
    if before is not None and not (before.isascii() and before.isdecimal() and len(before) < 19):
        raise HTTPException(400, "unknown_choice")
    log, survey = context.store.comments, _rating(context)
    search = _search(context, survey, given)
    found = log.found(search, PAGE + 1, int(before) if before else None)
    older = urlencode({**given, "before": found[PAGE - 1].number}) if len(found) > PAGE else ""
    shown = found[:PAGE]
    if number is not None and all(one.number != number for one in shown):
        shown = [one for one in [log.comment(number)] if one] + shown  # asked for by its number
    return CommentsPage(
        lines=[
            _line(context, survey, one, unmasked=unmasked and one.number == number) for one in shown
        ],
        count=log.count(search, MOST_COUNTED),
        given=given,
        chosen=Filters(
            departments=_departments(context.centre),
            levels=_levels(survey),
            reasons=_reasons(survey),
            tags=log.tags(),
        ),
        since=search.since if search.since != EARLIEST else None,
        until=search.until,
        before=before,
        older=older,
        number=number,
        error=error,
        written=written,
    )


def _search(context: Context, survey: Survey, given: Mapping[str, str]) -> Search:
    """The conditions of a request. Raises HTTPException 400 and PeriodError."""
    centre, answers = context.centre, []
    department, counter = given.get("department"), given.get("counter")
    channel, hidden = given.get("channel"), given.get("hidden")
    if level := given.get("level"):
        codes = {str(one.code): one.code for one in _levels(survey)}
        answers.append((survey.measured[0].id, _known(level, codes)))
    if reason := given.get("reason"):
        known = {
            f"{question}.{one.code}": (question, one.code) for question, one in _reasons(survey)
        }
        answers.append(_known(reason, known))
    if (
        (department and department not in centre.department)
        or (counter and counter not in centre.counter)
        or (channel and channel not in CHANNELS)
        or (hidden and hidden not in ("0", "1"))
    ):
        raise HTTPException(400, "unknown_choice")
    since = until = None
    times = {name: given[name] for name in ("period", "date", "from", "to") if name in given}
    if times:
        if not times.keys() & {"period", "date"}:
            times = {"from": EARLIEST.isoformat()} | times
        period = read_period(times, context.today)
        since, until = period.since, period.until
    alone = context.store.department is not None  # a head has nothing merged into the own one
    merged = () if alone else merged_into(centre, "now", department)
    heirs = {} if alone else centre.counter_heirs
    return Search(
        words=given.get("q", ""),
        departments=(department, *merged) if department else (),
        counters=(counter, *(id for id, heir in heirs.items() if heir == counter))
        if counter
        else (),
        answers=answers,
        since=since,
        until=until,
        channel=channel,
        tag=tag_of(given["tag"]) if "tag" in given else None,
        hidden=None if hidden is None else hidden == "1",
    )


def _known(name: str, among: Mapping[str, T]) -> T:
    if name not in among:
        raise HTTPException(400, "unknown_choice")
    return among[name]


def _rating(context: Context) -> Survey:
    return context.surveys[context.centre.instruments.rating]


def _departments(centre: Centre) -> list[Department]:
    """Departments and counters that were not merged into others."""
    merged = centre.counter_heirs
    return [
        one.model_copy(update={"counters": tuple(c for c in one.counters if c.id not in merged)})
        for one in centre.departments
        if one.id not in centre.department_heirs
    ]


def _levels(survey: Survey) -> Sequence[Level]:
    scale = survey.scale_of(survey.measured[0]) if len(survey.measured) == 1 else None
    return scale.levels if scale else ()


def _reasons(survey: Survey) -> list[tuple[str, Level]]:
    """Every reason that may be chosen, with its question."""
    if not Reasons.are_asked(survey):
        return []
    scales = {id: survey.scale_of(survey.questions[id]) for id in Reasons.of(survey).reasons}
    return [(id, level) for id, scale in scales.items() if scale for level in scale.levels]


# What is shown


def _line(context: Context, survey: Survey, comment: Comment, *, unmasked: bool) -> Line:
    centre, said = context.centre, comment.said
    levels, masked = _levels(survey), screened(comment.text)
    code = said.get(survey.measured[0].id) if levels else None
    department = centre.department.get(comment.department or "")
    counter: Counter | None = centre.counter.get(comment.counter or "")
    day = centre.local_day(comment.answered_at)
    return Line(
        comment=comment,
        text=comment.text if unmasked else masked,
        masked=masked != comment.text and not unmasked,
        at=comment.answered_at.astimezone(centre.zone),
        department=department.name_on(day) if department else None,
        counter=counter.name_on(day) if counter else None,
        level=next((one for one in levels if one.code == code), None),
        tone=_tones(levels).get(code or 0, 0),
        reasons=[one for id, one in _reasons(survey) if one.code in (said.get(id) or ())],
    )


def _tones(levels: Sequence[Level]) -> dict[int, int]:
    """The colour of each level of a scale, best first, by its code."""
    return {level.code: tone(at, len(levels)) for at, level in enumerate(levels)}


def _reasons_page(context: Context, view: View) -> ReasonsPage:
    survey, centre, asked = view.survey, context.centre, view.choices["department"]
    heir = context.organisation.centre.department_heirs.get(asked, "")
    department = centre.department.get(asked) or centre.department.get(heir)
    if not Reasons.are_asked(survey):
        return ReasonsPage(view=view, department=department)
    selection = view.selection(department.id if department else None)
    whole, rows = reason_rows(context.store, survey, context.centre, selection)
    levels = _levels(survey)
    return ReasonsPage(
        view=view,
        department=department,
        whole=whole,
        rows=rows,
        levels=levels[::-1],
        bars=Diverging.around(levels, [row.counts for row in (whole, *rows)]),
    )
