"""The organisation: departments and counters on a day, its versions, and forms to change it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.context import MESSAGES, Context, context_of
from aggregator.dashboard.pages import render, version_seen
from aggregator.dashboard.permissions import needs
from aggregator.organisation import acts
from aggregator.organisation.changes import LONGEST_NAME, Kind, OrganisationError
from aggregator.organisation.current import LONGEST_REASON, OvertakenError
from aggregator.organisation.seen import seen
from aggregator.storage.centres import Version
from aggregator.wording.phrases import Words
from surveys.centre import Centre, Counter, Department
from surveys.definition import DefinitionError, Text
from surveys.messages import Language, MessageError, reason_of
from surveys.text import composed
from surveys.units import Unit
from web import language_of, read_form, under

FORM_LIMIT = 16_384  # bytes


@dataclass(frozen=True, kw_only=True)
class OrganisationPage:
    """Departments and counters as they were on a ``day``, and every version with its changes.

    ``number`` is the version in force; ``saved`` that one where it has just been saved.
    """

    day: date
    centre: Centre
    number: int
    history: Sequence[tuple[Version, Sequence[Words]]]
    saved: str = ""

    @property
    def open(self) -> Sequence[Department]:
        return self.centre.open_departments(self.day)

    @property
    def closed(self) -> Sequence[Department]:
        """Departments that had closed by the day, the last first."""
        found = [one for one in self.centre.departments if one.closed and one.closed <= self.day]
        return sorted(found, key=lambda one: one.closed or date.max, reverse=True)

    @property
    def later(self) -> Sequence[Department]:
        return [one for one in self.centre.departments if one.opened and one.opened > self.day]


@dataclass(frozen=True, kw_only=True)
class UnitPage:
    """A department or counter with the forms for what may be done to it."""

    kind: Kind
    unit: Unit
    centre: Centre
    number: int

    @property
    def others(self) -> Sequence[Department | Counter]:
        """What it may be merged into."""
        units: Mapping[str, Department | Counter] = (
            self.centre.department if self.kind == "department" else self.centre.counter
        )
        return [one for one in units.values() if one.id != self.unit.id and not one.closed]

    @property
    def own(self) -> Department | None:
        """The department at which a counter stands."""
        return (
            self.centre.department[self.centre.department_of[self.unit.id]]
            if (self.kind == "counter")
            else None
        )


@dataclass(frozen=True, kw_only=True)
class PreviewPage:
    """What an act would change, before it is saved; ``error`` is why it cannot be.

    ``fields`` are those of the form, to be sent again. ``answers`` is how many answers are
    stored under the unit, and ``late`` how many of them were given from the day of the act on.
    ``meanwhile`` are the changes that somebody else has saved.
    """

    fields: Mapping[str, str]
    number: int
    changes: Sequence[Words] = ()
    error: str = ""
    meanwhile: Sequence[Words] = ()
    unit: Unit | None = None
    answers: int = 0
    late: int = 0
    longest: int = LONGEST_REASON
    back: str = "/organisation"


@dataclass(frozen=True)
class Act:
    """One act as a form asks for it. Methods raise OrganisationError for what is missing."""

    fields: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.fields.get(name, "")
        if not value:
            raise OrganisationError("missing", field=name)
        if len(value) > LONGEST_NAME:
            raise OrganisationError("too_long", field=name, most=LONGEST_NAME)
        return value

    def name(self) -> Text:
        return Text(vi=self.text("name_vi"), en=self.text("name_en"))

    def day(self) -> date:
        written = self.text("day")
        try:
            return date.fromisoformat(written)
        except ValueError:
            raise OrganisationError("no_day", day=written[:20]) from None

    def optional_day(self) -> date | None:
        return self.day() if self.fields.get("day") else None

    @property
    def kind(self) -> Kind:
        return "counter" if self.fields.get("kind") == "counter" else "department"

    def new_id(self) -> str:
        """The id of a new unit: as given, else made of its Vietnamese name, ``no_12`` of "12"."""
        words = self.fields.get("id") or self.text("name_vi")
        if not (id := acts.made_id(words)):
            raise OrganisationError("no_id", name=words[:40])
        return id if id[0].isalpha() else f"no_{id}"[:40]

    def on(self, centre: Centre) -> Centre:
        """The next document. Raises what acts raise, and HTTPException 400 for another act."""
        made: Mapping[str, Callable[[], Centre]] = {
            "open_department": lambda: acts.open_department(
                centre, self.new_id(), self.name(), self.optional_day()
            ),
            "open_counter": lambda: acts.open_counter(
                centre, self.new_id(), self.name(), self.text("department"), self.optional_day()
            ),
            "rename": lambda: acts.rename(
                centre, self.kind, self.text("id"), self.name(), self.optional_day()
            ),
            "close": lambda: acts.close(centre, self.kind, self.text("id"), self.day()),
            "merge": lambda: acts.merge(
                centre, self.kind, self.text("id"), self.text("successor"), self.day()
            ),
            "move": lambda: acts.move(centre, self.text("id"), self.text("department"), self.day()),
        }
        if self.fields.get("act") not in made:
            raise HTTPException(400, "unknown_choice")
        return made[self.fields["act"]]()


FIELDS = ("act", "kind", "id", "name_vi", "name_en", "day", "successor", "department")


@needs("organisation")
async def organisation(request: Request) -> Response:
    """The organisation on a day and its history; when posted, an act to preview or to save."""
    if request.method == "POST":
        return await _act(request)
    context = context_of(request)
    try:
        day = date.fromisoformat(request.query_params.get("on") or str(context.today))
    except ValueError:
        raise HTTPException(400, "unknown_choice") from None
    held = context.organisation
    page = OrganisationPage(
        day=day,
        centre=seen(held.stored, "then", day),
        number=held.number,
        history=await run_in_threadpool(held.history),
        saved=request.query_params.get("saved", "")[:9],
    )
    return render(request, "organisation", page)


@needs("organisation")
async def unit(request: Request) -> Response:
    """One department or counter, and what may be done to it."""
    held, kind = context_of(request).organisation, request.path_params["kind"]
    units: Mapping[str, Department | Counter] = (
        held.stored.department if kind == "department" else held.stored.counter
    )
    found = units.get(request.path_params["id"])
    if found is None or kind not in ("department", "counter"):
        raise HTTPException(404)
    page = UnitPage(kind=kind, unit=found, centre=held.stored, number=held.number)
    return render(request, "organisation_unit", page)


async def _act(request: Request) -> Response:
    form = await read_form(request, limit=FORM_LIMIT)
    most = max(LONGEST_NAME, LONGEST_REASON)
    given = {name: composed(values[0])[: most + 1] for name, values in form.items()}
    fields = {name: given[name].strip() for name in FIELDS if name in given}
    reason, after = given.get("reason", "").strip(), version_seen(given)
    context, language = context_of(request), language_of(request, negotiate=False)
    by = request.state.user.name if "save" in given else None
    page = await run_in_threadpool(_try, context, fields, reason, after, by, language)
    if page is None:
        query = urlencode({"saved": context.organisation.number})
        return RedirectResponse(under(request, f"/organisation?{query}"), 303)
    return render(request, "organisation_preview", page, status=422 if page.error else 200)


def _try(
    context: Context,
    fields: Mapping[str, str],
    reason: str,
    after: int,
    by: str | None,
    language: Language,
) -> PreviewPage | None:
    """The preview of an act, or why it cannot be; None where ``by`` is given and it is saved."""
    held, act = context.organisation, Act(fields)
    back = f"/organisation/{act.kind}/{fields.get('id')}" if "id" in fields else "/organisation"
    page = {"fields": {**fields, "reason": reason}, "back": back}
    try:
        new = act.on(held.stored)
        found = held.preview(new)
        if by is not None:
            held.save(new, by, reason, after)
            return None
        if after != held.number:
            raise held.overtaken(after)
    except OvertakenError as error:
        return PreviewPage(
            **page,  # type: ignore[arg-type]
            number=held.number,
            error=error.text(MESSAGES, language),
            meanwhile=error.changes,
        )
    except (MessageError, DefinitionError) as error:
        said = reason_of(error, MESSAGES, language)
        return PreviewPage(**page, number=held.number, error=said)  # type: ignore[arg-type]
    one, day = _unit(held.stored, act), act.optional_day()
    return PreviewPage(
        **page,  # type: ignore[arg-type]
        number=held.number,
        changes=found,
        unit=one,
        answers=_answers(context, act, one, None) if one else 0,
        late=_answers(context, act, one, day) if one and day else 0,
    )


def _unit(centre: Centre, act: Act) -> Unit | None:
    units: Mapping[str, Unit] = centre.department if act.kind == "department" else centre.counter
    return units.get(act.fields.get("id", ""))


def _answers(context: Context, act: Act, one: Unit, since: date | None) -> int:
    """How many answers are stored under a unit, of the days from ``since`` on."""
    at = 0 if act.kind == "department" else 1
    counted = context.store.centres.submissions(since)
    return sum(n for place, n in counted.items() if place[at] == one.id)
