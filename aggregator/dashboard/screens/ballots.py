"""Paper ballots: their batches, what becomes of each, and the sheets to print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.pages import refuse_other_parameters, render
from aggregator.dashboard.permissions import needs
from aggregator.documents.papers import PAPERS
from aggregator.documents.worker import send
from aggregator.figures.ballots import ErrorRow, error_rows, returned_figure
from aggregator.figures.figure import Figure
from aggregator.intake.ballots.entering import ASKED, MOST_PRINTED, BallotDesk
from aggregator.intake.ballots.keys import Field
from aggregator.intake.ballots.sample import Pair, pairs
from aggregator.intake.ballots.serials import BallotError, shown
from aggregator.intake.ingest import Ingest
from aggregator.storage.ballots import Held, Outcome, standing
from aggregator.storage.tables import BallotBatch, BallotEntry
from surveys.definition import Survey
from surveys.messages import Language
from surveys.text import cleaned, composed
from web import language_of, read_form, under

Form = Mapping[str, str]
OUTCOMES: tuple[Outcome, ...] = ("valid", "blank", "invalid")


@dataclass(frozen=True, kw_only=True)
class BallotsPage:
    """The batches, each with how many were typed, and the form for a new one."""

    batches: Sequence[Held]
    typed: Mapping[int, int]
    surveys: Mapping[str, Survey]
    error: str = ""
    given: Form = field(default_factory=dict)

    most, asked = MOST_PRINTED, ASKED


@dataclass(frozen=True, kw_only=True)
class BatchPage:
    """A batch of ballots: how far it is, how well it was typed, and what is to be decided."""

    held: Held
    survey: Survey
    entries: Sequence[BallotEntry]
    fields: Sequence[Field]
    drawn: set[int]
    reader: str
    error: str = ""
    given: Form = field(default_factory=dict)

    papers = PAPERS

    @property
    def batch(self) -> BallotBatch:
        return self.held.batch

    @property
    def counted(self) -> Mapping[str, int]:
        """How many ballots were typed, by what they are."""
        serials: dict[int, list[BallotEntry]] = {}
        for one in self.entries:
            serials.setdefault(one.serial, []).append(one)
        now = [stands for own in serials.values() if (stands := standing(own))]
        return {what: sum(one.outcome == what for one in now) for what in OUTCOMES}

    @property
    def typed(self) -> int:
        return sum(self.counted.values())

    @property
    def missing(self) -> int | None:
        """How many came back and are not typed; less than none where too few were counted."""
        return None if self.batch.returned is None else self.batch.returned - self.typed

    @property
    def returned(self) -> Figure | None:
        return returned_figure(self.batch)

    @property
    def pairs(self) -> Sequence[Pair]:
        return pairs(self.entries, [one.name for one in self.fields])

    @property
    def compared(self) -> Sequence[Pair]:
        """The ballots that were drawn and typed again."""
        return [one for one in self.pairs if one.other.kind == "second"]

    @property
    def alone(self) -> int:
        """How many of these were typed by one account both times."""
        return sum(one.alone for one in self.compared)

    @property
    def errors(self) -> Sequence[ErrorRow]:
        return error_rows(self.compared, self.fields)

    @property
    def unsettled(self) -> Sequence[Pair]:
        """The newest of each ballot that is to be decided."""
        return list({one.serial: one for one in self.pairs if not one.settled}.values())

    @property
    def waiting(self) -> int:
        """How many drawn ballots are still to be typed again."""
        return len(self.drawn - {one.serial for one in self.compared})

    def shown(self, serial: int) -> str:
        return shown(self.batch.number, self.batch.printed, serial)

    def labels(self, pair: Pair) -> list[Field]:
        return [one for one in self.fields if one.name in pair.differing]


@needs("ballots")
async def ballots(request: Request) -> Response:
    """The batches; a posted form makes one."""
    context, language = context_of(request), language_of(request, negotiate=False)
    if request.method != "POST":
        return render(request, "ballots", await run_in_threadpool(_ballots, context))
    form = await form_of(request)
    try:
        number = await run_in_threadpool(_make, context, form, request.state.user.name, language)
    except BallotError as error:
        page = await run_in_threadpool(_ballots, context, error.text(MESSAGES, language), form)
        return render(request, "ballots", page, status=422)
    return RedirectResponse(under(request, f"/ballots/{number}"), 303)


@needs("ballots")
async def batch(request: Request) -> Response:
    """A batch; a posted form says how many ballots were handed out and came back."""
    context, language = context_of(request), language_of(request, negotiate=False)
    held = await run_in_threadpool(held_of, context, request)
    desk, reader = desk_of(context, language), request.state.user.name
    error = ""
    form: Form = {}
    if request.method == "POST":
        form = await form_of(request)
        try:
            out, back = (whole(form.get(name, "")) for name in ("handed_out", "returned"))
            await run_in_threadpool(desk.count, held.batch, out, back, reader)
            return RedirectResponse(under(request, f"/ballots/{held.batch.number}"), 303)
        except BallotError as wrong:
            error = wrong.text(MESSAGES, language)
    page = await run_in_threadpool(_batch, context, desk, held, reader, error, form)
    return render(request, "ballot_batch", page, status=422 if error else 200)


@needs("ballots")
async def sheets(request: Request) -> Response:
    """The ballots of a batch as PDF, made by the command of the same name.

    Raises BallotError for a withdrawn batch, HTTPException, and what Worker.make_for raises.
    """
    context, language = context_of(request), language_of(request, negotiate=False)
    held = await run_in_threadpool(held_of, context, request)
    refuse_other_parameters(request, "paper", "bilingual", "faces", "from", "to", "lang")
    asked, last = request.query_params, held.batch.printed
    paper = asked.get("paper", PAPERS[0])
    first, until = (_serial(asked.get(name, ""), last) for name in ("from", "to"))
    if paper not in PAPERS or (first or 1) > (until or last):
        raise HTTPException(400, "unknown_choice")
    if held.withdrawn:
        raise BallotError("withdrawn")
    arguments = ["--lang", language, "ballots", f"--batch={held.batch.name}", "--paper", paper]
    arguments += ["--from", str(first or 1), "--to", str(until or last)]
    arguments += [f"--{name}" for name in ("bilingual", "faces") if asked.get(name) == "1"]
    arguments.append(f"--actor={request.state.user.name}")
    file = await context.worker.make_for(request, arguments, ".pdf")
    called = MESSAGES.get(language, "ballots.file", number=held.batch.number)
    return send(file, f"{called}.pdf", "application/pdf")


def desk_of(context: Context, language: Language) -> BallotDesk:
    held = context.organisation
    ingest = Ingest(context.store, held.files, context.centre, context.clock, held.refreshed)
    return BallotDesk(context.store, ingest, context.centre, language, context.clock())


def held_of(context: Context, request: Request) -> Held:
    """The batch that a path names. Raises HTTPException 404."""
    number = request.path_params["number"]
    held = context.store.ballots.numbered(number) if number < 2**31 else None
    if held is None:
        raise HTTPException(404)
    return held


async def form_of(request: Request) -> Form:
    read = await read_form(request, most=1_000)
    return {name: cleaned(composed(one[0])) for name, one in read.items()}


def whole(text: str) -> int | None:
    """A number from a form; None where it is empty. Raises BallotError."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 7):
        raise BallotError("not_whole")
    return int(text)


def _serial(text: str, last: int) -> int | None:
    """A serial of an address, None where there is none. Raises HTTPException 400."""
    try:
        number = whole(text)
    except BallotError:
        raise HTTPException(400, "unknown_choice") from None
    if number is not None and not 1 <= number <= last:
        raise HTTPException(400, "unknown_choice")
    return number


def _ballots(context: Context, error: str = "", given: Form | None = None) -> BallotsPage:
    store = context.store.ballots
    return BallotsPage(
        batches=store.newest(),
        typed=store.typed(),
        surveys=context.surveys,
        error=error,
        given=given or {"day": context.today.isoformat()},
    )


def _make(context: Context, form: Form, by: str, language: Language) -> int:
    survey = context.surveys.get(form.get("instrument", ""))
    try:
        day = date.fromisoformat(form.get("day", ""))
    except ValueError:
        raise BallotError("day") from None
    if survey is None:
        raise BallotError("no_survey")
    printed = whole(form.get("printed", "")) or 0
    desk, place = desk_of(context, language), form.get("place", "")
    return desk.make(form.get("name", ""), survey, place, day, printed, by)


def _batch(
    context: Context, desk: BallotDesk, held: Held, reader: str, error: str, given: Form
) -> BatchPage:
    entries = context.store.ballots.entries(held.batch.number)
    return BatchPage(
        held=held,
        survey=desk.definition(held.batch),
        entries=entries,
        fields=desk.fields(held.batch),
        drawn=desk.drawn(held.batch, entries),
        reader=reader,
        error=error,
        given=given,
    )
