"""The audit log for administrators: searched, filtered, page by page, and as a file."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.api import stream
from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.documents.exports.joined import BOM, MEDIA_TYPES
from aggregator.organisation.naming import called, ids_of
from aggregator.storage.audit import KINDS, Entry, Search, sentence, words_of
from aggregator.wording.messages import MESSAGES
from surveys.messages import Language
from web import language_of

PAGE = 50  # entries
CHUNK = 1_000
NOBODY = "-"  # the parameter ``actor`` for the command line, whose name is empty
DANGEROUS = ("=", "+", "-", "@", "\t")  # begins a formula in a spreadsheet


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One line: the local time, the kind's key, who, and what as a sentence."""

    at: datetime
    kind: str
    actor: str
    text: str


@dataclass(frozen=True, kw_only=True)
class AuditPage:
    """A page of entries, newest first, of ``count``; ``older`` asks for those before them."""

    entries: Sequence[AuditEntry]
    count: int
    actors: Sequence[str]
    given: dict[str, str]
    older: str
    first: bool

    kinds = KINDS
    nobody = NOBODY

    @property
    def parameters(self) -> str:
        return urlencode(self.given)


@needs("audit")
async def audit(request: Request) -> Response:
    """Who did what: the entries that a search finds, fifty at a time."""
    language = language_of(request, negotiate=False)
    page = await run_in_threadpool(_page, context_of(request), _given(request), language)
    return render(request, "audit", page)


@needs("audit")
async def audit_csv(request: Request) -> Response:
    """All entries that a search finds, as a file; that is an entry itself."""
    context, given = context_of(request), _given(request)
    search, language = _search(context, given), language_of(request, negotiate=False)
    told = {"what": "audit", "format": "csv", "selection": urlencode(given) or "*"}
    new = Entry(context.clock(), request.state.user.name, "export.file", told)
    await run_in_threadpool(context.store.audit.add, new)
    lines = _lines(context, search, language)
    return await stream(lines, "audit.csv", MEDIA_TYPES["csv"], start=BOM)


def _given(request: Request) -> dict[str, str]:
    names = ("q", "kind", "actor", "since", "until", "before")
    return {name: request.query_params[name] for name in names if request.query_params.get(name)}


def _page(context: Context, given: dict[str, str], language: Language) -> AuditPage:
    search, log = _search(context, given), context.store.audit
    before = given.pop("before", None)
    if before is not None and not (before.isascii() and before.isdecimal() and len(before) < 16):
        raise HTTPException(400, "unknown_choice")
    rows = log.entries(search, PAGE + 1, int(before) if before else None)
    more = len(rows) > PAGE
    return AuditPage(
        entries=[_entry(context, row, language) for row in rows[:PAGE]],
        count=log.count(search),
        actors=log.actors(),
        given=given,
        older=urlencode({**given, "before": rows[PAGE - 1].number}) if more else "",
        first=before is None,
    )


def _search(context: Context, given: dict[str, str]) -> Search:
    """The conditions of a request. Raises HTTPException 400 with a key of ``error``."""
    kind, actor = given.get("kind"), given.get("actor")
    if kind is not None and kind not in KINDS:
        raise HTTPException(400, "unknown_choice")
    since, until = (_day(given.get(name)) for name in ("since", "until"))
    if since and until and since > until:
        raise HTTPException(400, "from_after_to")

    def moment(day: date) -> datetime:
        return datetime.combine(day, time(), context.centre.zone)

    words = given.get("q", "")[:200]
    centre = context.organisation.centre
    return Search(
        words=words,
        named={word: ids_of(word, centre) for word in words_of(words)},
        kind=kind,
        actor="" if actor == NOBODY else actor,
        since=moment(since) if since else None,
        until=moment(until + timedelta(days=1)) if until else None,
    )


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise HTTPException(400, "not_a_day") from None
    if not 2000 <= day.year <= 2999:
        raise HTTPException(400, "far_day")
    return day


def _entry(context: Context, row: Any, language: Language) -> AuditEntry:
    try:
        centre, surveys = context.organisation.centre, context.surveys
        said = {
            name: called(name, value, centre, surveys).get(language)
            for name, value in row.details.items()
        }
        text = sentence(row.event, said, language)
    except (KeyError, IndexError):  # of a version with other words: as it was stored
        text = f"{row.event} {row.details}"
    return AuditEntry(
        at=row.at.astimezone(context.centre.zone), kind=row.kind, actor=row.actor, text=text
    )


def _lines(context: Context, search: Search, language: Language) -> Iterator[str]:
    """The file, in pieces; an entry that is written meanwhile is not in it."""

    def line(*values: str) -> str:
        buffer = io.StringIO()
        safe = [f"'{value}" if value.startswith(DANGEROUS) else value for value in values]
        csv.writer(buffer, lineterminator="\r\n").writerow(safe)
        return buffer.getvalue()

    names = ("at", "kind", "actor", "text")
    yield line(*(MESSAGES.get(language, f"audit_page.{name}") for name in names))
    before = None
    while rows := context.store.audit.entries(search, CHUNK, before):
        before = rows[-1].number
        for row in rows:
            one = _entry(context, row, language)
            actor = one.actor or MESSAGES.get(language, "audit.command_line")
            kind = MESSAGES.get(language, f"audit.kinds.{one.kind}")
            yield line(one.at.isoformat(timespec="seconds"), kind, actor, one.text)
