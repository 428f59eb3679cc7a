"""The closed days: their roots, what came late of each, and proofs of submissions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.sign_in import FORM_LIMIT
from aggregator.storage.closings import Entry, as_json
from aggregator.storage.restores import MOST_REASON, Restore
from surveys.receipts import read_code, receipt_of
from surveys.text import cleaned, composed
from web import read_form

NEWEST = 120  # entries that the page looks at


@dataclass(frozen=True)
class ClosedDay:
    """A day as it was closed, and what came late of it, the first first."""

    day: date
    entry: Entry
    late: Sequence[Entry] = ()


@dataclass(frozen=True, kw_only=True)
class ClosingsPage:
    """The days of the newest entries; ``code`` was asked for, and has no proof.

    ``said`` is what came of answering for a restore; ``given`` is what was typed.
    """

    days: Sequence[ClosedDay]
    restores: Sequence[Restore]
    code: str = ""
    said: str = ""
    given: Mapping[str, str] = field(default_factory=dict)


@needs("figures")
async def closings(request: Request) -> Response:
    """The newest closed days; a posted receipt code is answered with its proof, a JSON file."""
    context = context_of(request)
    if request.method != "POST":
        return render(request, "closings", await run_in_threadpool(_page, context))
    form = await read_form(request, limit=FORM_LIMIT)
    typed = next(iter(form.get("code", ())), "")[:40]
    code = read_code(typed)
    store = context.store
    proofs = await run_in_threadpool(store.closings.proofs, receipt_of(code)) if code else []
    if not proofs:
        page = replace(await run_in_threadpool(_page, context), code=typed.strip() or "–")
        return render(request, "closings", page, status=404)
    headers = {
        "content-disposition": 'attachment; filename="proof.json"',
        "cache-control": "no-store",
    }
    body = json.dumps(as_json(proofs), ensure_ascii=False, indent=1)
    return Response(body, headers=headers, media_type="application/json")


@needs("audit")
async def restored(request: Request) -> Response:
    """Answer for a restore: for the numbers of devices that are missing now."""
    context = context_of(request)
    form = await read_form(request, limit=FORM_LIMIT)
    given = {name: cleaned(composed(one[0])).strip() for name, one in form.items()}
    said = await run_in_threadpool(_answer_for, context, request.state.user.name, given)
    page = await run_in_threadpool(_page, context)
    if said == "confirmed":
        given = {}
    page = replace(page, said=said, given=given)
    return render(request, "closings", page, status=200 if said == "confirmed" else 422)


def _answer_for(context: Context, by: str, given: Mapping[str, str]) -> str:
    """Note a restore; the word for what came of it."""
    reason = given.get("reason", "")
    try:
        day = date.fromisoformat(given.get("restored", ""))
    except ValueError:
        return "bad_restore"
    if day > context.today or not 0 < len(reason) <= MOST_REASON:
        return "bad_restore"
    missing = context.store.restores.lacking()
    if not missing:
        return "nothing_missing"
    context.store.restores.add(day, context.clock(), by, reason, missing)
    return "confirmed"


def _page(context: Context) -> ClosingsPage:
    found: dict[date, list[Entry]] = {}
    for entry in context.store.closings.newest(NEWEST):
        found.setdefault(entry.day, []).insert(0, entry)
    days = [
        ClosedDay(day, of_day[0], of_day[1:]) for day, of_day in sorted(found.items(), reverse=True)
    ]
    return ClosingsPage(days=days, restores=context.store.restores.all())
