"""Ballots are typed: in the order of the box, a second time, put right, or decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.screens.ballots import Form, desk_of, form_of, held_of
from aggregator.intake.ballots.entering import BallotDesk, Mode, read_typed
from aggregator.intake.ballots.keys import Field
from aggregator.intake.ballots.sample import OUTCOME, Pair, differing, pairs, value_of
from aggregator.intake.ballots.serials import DAMM, BallotError, read, shown, width_of
from aggregator.storage.ballots import STANDING, Held, standing
from aggregator.storage.tables import BallotBatch, BallotEntry
from surveys.definition import Survey
from surveys.messages import Language
from surveys.wire import Refused
from web import language_of, under

LAST = 5  # ballots that stay in sight
# By a path's word the mode, and whether the path names the ballot.
MODES: Mapping[str, tuple[Mode, bool]] = {
    "enter": ("first", False),
    "again": ("second", False),
    "correct": ("correction", True),
    "resolve": ("resolution", True),
}


@dataclass(frozen=True, kw_only=True)
class EntryPage:
    """A ballot as it is typed. ``given`` is what was typed, by the form's names.

    ``saved`` is the entry that was just taken, ``last`` are the newest ones of this account.
    ``waiting`` are the ballots to be typed a second time, ``own`` of them typed first by the
    reader. ``pair`` is what is to be decided.
    """

    held: Held
    survey: Survey
    mode: Mode
    word: str
    fields: Sequence[Field]
    id: str
    given: Form
    last: Sequence[BallotEntry] = ()
    next: int | None = None
    saved: BallotEntry | None = None
    differs: bool = False
    serial: int | None = None
    turn: int = 0
    pair: Pair | None = None
    waiting: Sequence[int] = ()
    own: Sequence[int] = ()
    error: str = ""

    damm = " ".join(DAMM)

    @property
    def batch(self) -> BallotBatch:
        return self.held.batch

    @property
    def width(self) -> int:
        """How many digits a serial has as it is typed."""
        return width_of(self.batch.printed) + 1

    @property
    def groups(self) -> Sequence[Sequence[Field]]:
        """The fields, those of one scale that follow each other together: they have one legend."""
        alike = groupby(self.fields, key=lambda one: (one.kind, one.scale or one.name))
        return [list(found) for _, found in alike]

    def shown(self, serial: int) -> str:
        return shown(self.batch.number, self.batch.printed, serial)

    def keys(self, entry: BallotEntry) -> str:
        """What was typed of a ballot, in short."""
        typed = [one.typed(value_of(entry, one.name)) or "0" for one in self.fields]
        return " ".join(typed)

    def words(self, one: Field, entry: BallotEntry) -> list[Any]:
        """What was typed in a field, as the texts of its answers."""
        value = value_of(entry, one.name)
        if one.kind == "number":
            return [] if value is None else [value]
        codes = value if isinstance(value, list) else [value]
        return [choice.label for choice in one.choices if choice.code in codes]


@needs("ballots")
async def entering(request: Request) -> Response:
    """The form for a ballot; posted it is taken, and the form for the next one is given."""
    context, language = context_of(request), language_of(request, negotiate=False)
    word, serial = request.path_params["word"], request.path_params.get("serial")
    mode, named = MODES.get(word, ("first", False))
    if word not in MODES or named != (serial is not None):
        raise HTTPException(404)
    held = await run_in_threadpool(held_of, context, request)
    desk, reader = desk_of(context, language), request.state.user.name
    if request.method != "POST":
        saved = request.query_params.get("saved", "")
        page = await run_in_threadpool(
            _page, context, desk, held, word, serial, reader, saved=saved
        )
        return render(request, "ballot_entry", page)
    form = await form_of(request)
    try:
        taken = await run_in_threadpool(_take, desk, held, mode, serial, form, reader)
    except (BallotError, Refused) as error:
        told = _told(error, language)
        page = await run_in_threadpool(
            _page, context, desk, held, word, serial, reader, given=form, error=told
        )
        return render(request, "ballot_entry", page, status=422)
    number = held.batch.number
    back = f"/ballots/{number}/{'enter' if mode != 'second' else 'again'}?saved={taken.id}"
    to = f"/ballots/{number}#unsettled" if mode == "resolution" else back
    return RedirectResponse(under(request, to), 303)


def _take(
    desk: BallotDesk, held: Held, mode: Mode, serial: int | None, form: Form, reader: str
) -> BallotEntry:
    """Take what a form says. Raises BallotError, and Refused where nobody knows the survey."""
    batch, survey = held.batch, desk.definition(held.batch)
    if serial is None:
        serial = read(batch.number, batch.printed, form.get("serial", ""))
    typed = read_typed(desk.fields(batch), form, serial, comments=survey.comment)
    return desk.enter(held, typed, mode, reader)


def _told(error: BallotError | Refused, language: Language) -> str:
    if isinstance(error, Refused):
        return error.reason(language)
    values = {
        name: value.get(language) if hasattr(value, "get") else value
        for name, value in error.values.items()
    }
    return MESSAGES.get(language, error.message, **values)


def _page(
    context: Context,
    desk: BallotDesk,
    held: Held,
    word: str,
    serial: int | None,
    reader: str,
    *,
    saved: str = "",
    given: Form | None = None,
    error: str = "",
) -> EntryPage:
    batch, survey, fields = held.batch, desk.definition(held.batch), desk.fields(held.batch)
    entries = context.store.ballots.entries(batch.number)
    names = [one.name for one in fields]
    mode, _ = MODES[word]
    page: dict[str, Any] = {"held": held, "survey": survey, "mode": mode, "word": word}
    page |= {"fields": fields, "given": given or {}, "error": error}
    page |= {"id": (given or {}).get("id") or str(uuid4())}
    if serial is not None:
        history = [one for one in entries if one.serial == serial]
        now = standing(history)
        if now is None:
            raise HTTPException(404)
        pair = next((p for p in reversed(pairs(history, names)) if not p.settled), None)
        pair = pair if mode == "resolution" else None
        if mode == "resolution" and pair is None:
            raise HTTPException(404)
        page |= {"serial": serial, "turn": history[-1].turn, "pair": pair}
        if given is None:
            # What two entries differ in is left open, to be read from the paper.
            open_ = () if pair is None else differing(now, pair.other, names)
            comment = context.store.ballots.comment(now.submission) or ""
            page["given"] = _as_typed(now, fields, open_) | {"comment": comment}
        return EntryPage(**page)
    mine = [one for one in entries if one.actor == reader]
    taken = next((one for one in reversed(mine) if one.id == saved), None)
    if mode == "second":
        again = {one.serial for one in entries if one.kind == "second"}
        left = desk.drawn(batch, entries) - again
        own = {one.serial for one in mine if one.kind == "first"} & left
        page |= {"waiting": sorted(left - own), "own": sorted(own)}
        return EntryPage(**page, saved=taken)
    shown_ = [one for one in reversed(mine) if one.kind in (*STANDING, "again")][:LAST]
    page |= {"last": shown_, "saved": taken, "next": _next(batch, entries, taken)}
    if taken is not None and taken.kind == "again":
        of_it = [p for p in pairs(entries, names) if p.other.id == taken.id]
        page["differs"] = any(one.differing for one in of_it)
    return EntryPage(**page)


def _as_typed(
    entry: BallotEntry, fields: Sequence[Field], without: Sequence[str]
) -> dict[str, str]:
    """The form's values of an entry, but for some fields; none where it is of another outcome."""
    if OUTCOME in without:
        return {}
    kept = [one for one in fields if one.name not in without]
    found = {f"a.{one.name}": one.typed(value_of(entry, one.name)) for one in kept}
    return found | {"outcome": "" if entry.outcome == "valid" else entry.outcome}


def _next(
    batch: BallotBatch, entries: Sequence[BallotEntry], taken: BallotEntry | None
) -> int | None:
    """The ballot that most likely comes next: the first one after the last that is not typed."""
    typed = {one.serial for one in entries}
    first = taken.serial + 1 if taken else 1
    order = (*range(first, batch.printed + 1), *range(1, first))
    return next((one for one in order if one not in typed), None)
