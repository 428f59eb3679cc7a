"""What a screen was asked to show: survey, period, channel, measure and reference."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request

from aggregator.dashboard.context import Context, context_of
from aggregator.figures.references import why_not_comparable
from aggregator.organisation.seen import SEEN, THEN, Seen, following, seen
from aggregator.storage.store import Selection, Store
from aggregator.wording.channels import CHANNELS, modes
from aggregator.wording.periods import Period, PeriodKind, read_period
from surveys.centre import Centre, Reference
from surveys.definition import Survey


@dataclass(frozen=True)
class View:
    """What a page was asked to show. ``choices`` are the page's own parameters.

    ``day`` is the day that the period was chosen by: a reader who looks at its year and then
    at its week sees the week of that day, not the first of the year. ``organisation``
    is that of the period's time or that of today. ``filters`` names what the page lets its
    reader choose beside the period.
    """

    survey: Survey
    period: Period
    day: date
    channel: str | None = None
    measure: str | None = None
    reference: str | None = None
    organisation: Seen = "then"
    choices: Mapping[str, str] = field(default_factory=dict)
    filters: frozenset[str] = frozenset({"survey", "channel"})

    @property
    def is_now(self) -> bool:
        """Whether it is asked under the organisation of today."""
        return self.organisation == "now"

    def parameters(self, **changes: str | None) -> str:
        """A query string for this view with some parameters changed or (None) left out."""
        given: dict[str, str | None] = {
            "survey": self.survey.id,
            **self.period.parameters(),
            **({} if self.period.kind == "range" else {"date": self.day.isoformat()}),
            "channel": self.channel,
            "measure": self.measure,
            "reference": self.reference,
            "organisation": self.organisation if self.organisation != THEN else None,
            **self.choices,
            **changes,
        }
        return urlencode({name: value for name, value in given.items() if value})

    def selection(self, department: str | None = None) -> Selection:
        since, until = self.period.since, self.period.until
        return Selection(self.survey.id, None, since, until, self.channel, department)


def read_view(
    request: Request,
    *,
    survey: str | None = None,
    kind: PeriodKind = "month",
    choices: Mapping[str, tuple[str, ...]] | None = None,
    by_channel: bool = True,
) -> View:
    """The view of a request's parameters; ``survey`` binds a page to one instrument.

    ``kind`` is the kind of period without any asked for: a month on every page but that of
    today. ``choices`` are the page's own parameters with their allowed values, the first being
    the default. Without ``by_channel`` a
    channel is ignored. Raises HTTPException 400 with a key of ``error`` for a value that is not
    allowed, and PeriodError.

    From here on the request's context is as the view sees it: its centre is the organisation
    asked for, and its store counts answers under that.
    """
    context, given = context_of(request), request.query_params
    wanted = survey or given.get("survey") or context.centre.instruments.rating
    chosen = context.surveys.get(wanted)
    channel = given.get("channel") or None
    if chosen is None or (channel is not None and channel not in CHANNELS):
        raise HTTPException(400, "unknown_choice")
    own = {name: given.get(name) or allowed[0] for name, allowed in (choices or {}).items()}
    for name, allowed in (choices or {}).items():
        # A department that was selected on another page may have nothing on this one.
        if name == "department" and own[name] in context.centre.department:
            own[name] = own[name] if own[name] in allowed else allowed[0]
        if own[name] not in allowed:
            raise HTTPException(400, "unknown_choice")
    measures = list(chosen.measures_of(chosen.measured[0])) if chosen.measured else []
    # ``of`` is the survey that measure and reference were chosen for; another starts without.
    same = given.get("of", chosen.id) == chosen.id
    measure, reference = given.get("measure"), given.get("reference")
    if (measure and measure not in _measures(context)) or (
        reference and all(known.id != reference for known in context.centre.references)
    ):
        raise HTTPException(400, "unknown_choice")
    asked = dict(given)
    if not any(asked.get(name) for name in ("period", "from", "to")):
        asked["period"] = kind
    period = read_period(asked, context.today)
    organisation = read_organisation(request)
    whole = context.centre
    request.state.context = replace(
        context,
        seen=seen(whole, organisation, min(period.until, context.today)),
        store=context.store.following(following(whole, organisation)),
    )
    references = [r.id for r in whole.references if not why_not_comparable(chosen, r, r.department)]
    filters = {"survey": survey is None, "channel": by_channel}
    return View(
        survey=chosen,
        period=period,
        day=_day(given, period, context.today),
        channel=channel if by_channel else None,
        measure=measure if same and measure in measures else None,
        reference=reference if same and reference in references else None,
        organisation=organisation,
        choices=own,
        filters=frozenset(name for name, offered in filters.items() if offered),
    )


def read_organisation(request: Request) -> Seen:
    """Under which organisation figures are asked for: without a wish under that of their time.

    To a head there is that of their time alone: what was merged into the own department was
    answered to another head. Raises HTTPException 400 with a key of ``error``.
    """
    wanted = request.query_params.get("organisation") or THEN
    if wanted == "now" and context_of(request).store.department is not None:
        raise HTTPException(400, "of_their_time")
    for one in SEEN:
        if one == wanted:
            return one
    raise HTTPException(400, "unknown_choice")


def _measures(context: Context) -> set[str]:
    """The measures of all surveys: one of another survey is no error, but is not used."""
    return {
        measure
        for survey in context.surveys.values()
        for question in survey.measured
        for measure in survey.measures_of(question)
    }


def _day(given: Mapping[str, str], period: Period, today: date) -> date:
    """The date asked for, or today, where it is in the period; else the period's first day."""
    try:
        day = date.fromisoformat(given.get("date") or "")
    except ValueError:
        day = today
    return day if period.since <= day <= period.until else period.since


def not_asked_now(centre: Centre, survey: Survey, answers: int) -> bool:
    """Whether a survey is without answers because the centre does not ask it now."""
    return not answers and survey.id not in {asked for _, asked in centre.instruments}


@dataclass(frozen=True)
class Choice:
    """The measure that a page compares with a reference, and what it could choose from.

    ``measures`` is empty, and ``measure`` None, where the survey has no one share. ``refused``
    are the references that are another quantity, each with the key of the reason.
    """

    measures: tuple[str, ...]
    measure: str | None
    comparable: tuple[Reference, ...]
    reference: Reference | None
    refused: tuple[tuple[Reference, str], ...]


def choose(view: View, centre: Centre, department: str | None = None) -> Choice:
    """A view's measure and reference; without one the first measure that has a reference."""
    survey = view.survey
    measures = tuple(survey.measures_of(survey.measured[0])) if survey.has_total else ()
    unlike = {r.id: why_not_comparable(survey, r, department) for r in centre.references}
    alike = [r for r in centre.references if not unlike[r.id]]
    published = [name for name in measures if any(r.measure == name for r in alike)]
    measure = view.measure or next(iter([*published, *measures]), None)
    comparable = tuple(r for r in alike if r.measure == measure)
    return Choice(
        measures,
        measure,
        comparable,
        next((r for r in comparable if r.id == view.reference), next(iter(comparable), None)),
        tuple(
            (r, unlike[r.id] or "other_measure") for r in centre.references if r not in comparable
        ),
    )


NO_CHOICE = Choice((), None, (), None, ())  # of a page that shows no one measure


@dataclass(frozen=True, kw_only=True)
class FigurePage:
    """What every page of figures has: what it was asked to show, and the measure chosen."""

    view: View
    choice: Choice = NO_CHOICE

    @property
    def survey(self) -> Survey:
        return self.view.survey


def channel_modes(store: Store, view: View) -> list[str]:
    """How a view's answers were taken, by the channels that have any: keys of ``mode``."""
    if view.channel:
        return [view.channel]
    asked = replace(view.selection(), questions=(view.survey.measured[0].id,))
    return modes(set(store.counts(asked, "channel")["key"])) or ["any"]
