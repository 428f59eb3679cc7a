"""The centre: its departments, counters, opening hours, surveys, and published references."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, PrivateAttr, field_validator, model_validator

from surveys.alerts import MOST_RULES, RULES, AlertRule, Alerts, with_rules
from surveys.definition import (
    MOST_FILES,
    Channel,
    DefinitionError,
    Identifier,
    Model,
    Survey,
    Text,
    check_chains,
    load_instruments,
    load_toml,
)
from surveys.guards import Flags, PhoneForm
from surveys.laws import KNOWN, MOST_LAWS, Law, refuse_unclear
from surveys.looks import Looks
from surveys.refusals import CentreError
from surveys.units import Counter as Counter
from surveys.units import Department as Department
from surveys.units import check, heirs
from surveys.wifi import Wifi

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
RATING = "rating"  # the question behind the faces
# The last visitors are served after the doors are shut, the first wait before they open.
AROUND = timedelta(minutes=15)
ROUNDED = 0.005  # how far printed shares that belong together may be from 1


class OpeningHours(Model):
    days: tuple[Weekday, ...]
    opens: time
    closes: time

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.opens.tzinfo or self.closes.tzinfo:
            raise CentreError("hours_with_offset")
        if self.opens >= self.closes:
            raise CentreError("opens_after_closes")
        return self


class Reference(Model):
    """A published figure with everything needed to know what it may be compared with.

    ``share`` is a fraction. A reference with ``k`` and ``n`` is itself uncertain; one with a
    share alone is a fixed value. With ``department`` it is about that one alone. ``dossiers``
    and ``visits`` are how many there were, so that it can be told how few of them it speaks for.
    """

    id: Identifier
    label: Text
    department: Identifier | None = None
    survey: Identifier
    measure: Identifier
    k: Annotated[int, Field(ge=0)] | None = None
    n: Annotated[int, Field(gt=0)] | None = None
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    dossiers: Annotated[int, Field(gt=0)] | None = None
    visits: Annotated[int, Field(gt=0)] | None = None
    scale: Text
    mode: Text
    population: Text
    period_from: date
    period_to: date
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _figure(self) -> Self:
        if (self.k is None) != (self.n is None):
            raise CentreError("k_without_n")
        if (self.k is None) == (self.share is None):
            raise CentreError("k_and_share")
        if self.k is not None and self.n is not None and self.k > self.n:
            raise CentreError("k_above_n")
        if self.period_from > self.period_to:
            raise CentreError("period_backwards")
        return self

    _partial: bool = PrivateAttr(default=False)

    def of_a_part(self, department: str) -> Self:
        """The same for a department that has taken others in: it is about a part of it alone."""
        copy = self.model_copy(update={"department": department})
        copy._partial = True
        return copy

    @property
    def is_of_a_part(self) -> bool:
        return self._partial

    @property
    def value(self) -> float:
        """The figure as a fraction: k/n where both are known."""
        if self.k is not None and self.n is not None:
            return self.k / self.n
        assert self.share is not None  # noqa: S101 - the validator saw to it
        return self.share

    def answers_of(self, count: int | None) -> float | None:
        """Its answers for each of ``count`` dossiers or visits; None where one is not known."""
        return self.n / count if self.n is not None and count else None


class SeriesBreak(Model):
    """A day from which a survey's figures are another series: no line and no test across it."""

    survey: Identifier
    day: date
    reason: Text


class Margin(Model):
    """How a population divides by one variable, to which a survey's answers may be weighted.

    ``variable`` is ``channel`` or a profile question of the survey; ``shares`` are fractions by
    channel or by code, and add up to 1 but for rounding. With ``department`` the population is
    that of the one department.
    """

    survey: Identifier
    department: Identifier | None = None
    variable: Identifier
    population: Text
    source: str = Field(min_length=1)
    shares: Mapping[str, Annotated[float, Field(ge=0, le=1)]] = Field(min_length=2)

    @property
    def key(self) -> str:
        """What no other margin of the centre has."""
        return ".".join(filter(None, (self.department, self.survey, self.variable)))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs((total := sum(self.shares.values())) - 1) > ROUNDED:
            raise CentreError("not_whole", total=total)
        return self


IdleSeconds = Annotated[int, Field(ge=20, le=600)]
ThanksSeconds = Annotated[int, Field(ge=5, le=120)]
RestSeconds = Annotated[int, Field(ge=0, le=86_400)]


class TouchScreen(Model):
    """How long the touch screens wait, in seconds without a touch.

    ``idle_seconds`` until a screen starts anew, the last 20 of them with a countdown (WCAG
    2.2.1); ``thanks_seconds`` until an untouched thank-you gives the screen back;
    ``rest_seconds`` until the start shows a moving picture, 0 for never.
    """

    idle_seconds: IdleSeconds = 45
    thanks_seconds: ThanksSeconds = 8
    rest_seconds: RestSeconds = 120


class Documents(Model):
    """What stands at the head and foot of official documents (decree 30/2020/ND-CP).

    ``agency`` is the agency that issues them, where that is not the centre's name, and
    ``abbreviation`` how it stands in their numbers; ``place`` is where it issues them, where that
    is not the province. ``addressees`` are those whom they are for, ``copies`` others who get
    them, one a line; ``filed`` is what follows "Lưu:". Who signs: ``on_behalf`` is a line such
    as "KT. GIÁM ĐỐC" above the office, ``title`` the office, ``signer`` the full name below the
    signature.
    """

    agency: Text | None = None
    abbreviation: Annotated[str, Field(pattern=r"^[A-ZĐ0-9&.-]{1,30}$")] | None = None
    place: Text | None = None
    addressees: Text | None = None
    copies: Text | None = None
    filed: str | None = Field(default=None, min_length=1)
    on_behalf: Text | None = None
    title: Text | None = None
    signer: str | None = Field(default=None, min_length=1)


class Cases(Model):
    """How cases and comments are handled; the numbers are our choice, open to change.

    ``answer_hours``: opening hours of the centre until an answer is due. ``contact_days``: days
    after closing until contact details are deleted. ``receipt_days``: days after closing until a
    receipt code opens nothing any more, and of a comment that nobody made a case of, after it was
    given. ``comment_days``: days after which the text of a comment is deleted, 0: never.
    """

    answer_hours: Annotated[int, Field(ge=1, le=2_000)] = 80
    contact_days: Annotated[int, Field(ge=1, le=365)] = 30
    receipt_days: Annotated[int, Field(ge=1, le=730)] = 180
    comment_days: Annotated[int, Field(ge=0, le=3_650)] = 0


class Board(Model):
    """The public board: figures for everybody, without signing in. ``enabled``: whether there is.

    ``settle_days``: days after the end of a month until its figures are made; what devices
    deliver later is in no published figure.
    """

    enabled: bool = False
    settle_days: Annotated[int, Field(ge=0, le=31)] = 2


class Ballots(Model):
    """Paper ballots: how many of a batch a second person types again, in percent and at least."""

    again_percent: Annotated[int, Field(ge=0, le=100)] = 5
    again_least: Annotated[int, Field(ge=0, le=2_000)] = 10


class Instruments(Model):
    """Which surveys the centre asks: the tap, and the full form for citizens and for firms."""

    rating: Identifier = "in_centre"
    citizens: Identifier = "sipas_2020"
    businesses: Identifier = "business"


class Centre(Model):
    """One centre. ``minimum_ratings`` and ``minimum_cell`` are our choices, open to change, and so
    is ``clock_minutes``: where a device's clock is wrong by more, its times are set right.

    ``published`` names a file of published tables beside the centre file; see surveys.published.
    ``parent`` is the agency that the centre belongs to: it stands above it in official documents.
    On ``closed_days`` it is not open, whatever the opening hours say: holidays, and days given off.
    ``surveys`` are instruments that were changed or made on a screen; see ``instruments_with``.
    """

    id: Identifier
    name: Text
    parent: Text | None = None
    province: Text
    time_zone: str
    minimum_ratings: int = Field(default=30, ge=1)
    minimum_cell: int = Field(default=5, ge=1)
    clock_minutes: int = Field(default=10, ge=1, le=1_440)
    instruments: Instruments = Instruments()
    published: str | None = None
    opening_hours: tuple[OpeningHours, ...] = ()
    closed_days: tuple[date, ...] = Field(default=(), max_length=1_000)
    touch_screen: TouchScreen = TouchScreen()
    phone_form: PhoneForm = PhoneForm()
    flags: Flags = Flags()
    alerts: Alerts = Alerts()
    alert_rules: tuple[AlertRule, ...] = Field(default=RULES, max_length=MOST_RULES)
    cases: Cases = Cases()
    board: Board = Board()
    ballots: Ballots = Ballots()
    looks: Looks | None = None
    wifi: Wifi | None = None
    documents: Documents | None = None
    departments: tuple[Department, ...] = Field(min_length=1)
    references: tuple[Reference, ...] = ()
    series_breaks: tuple[SeriesBreak, ...] = ()
    margins: tuple[Margin, ...] = ()
    laws: tuple[Law, ...] = Field(default=KNOWN, max_length=MOST_LAWS)
    surveys: tuple[Survey, ...] = Field(default=(), max_length=MOST_FILES)

    @model_validator(mode="before")
    @classmethod
    def _former(cls, document: Any) -> Any:
        return with_rules(document) if isinstance(document, Mapping) else document

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: "Asia" is a folder
            raise CentreError("unknown_zone", zone=name) from error
        return name

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for kind, ids in (
            ("department", [department.id for department in self.departments]),
            ("counter", [c.id for department in self.departments for c in department.counters]),
            ("reference", [reference.id for reference in self.references]),
            ("margin", [margin.key for margin in self.margins]),
            ("law", [law.id for law in self.laws]),
            ("survey", [survey.id for survey in self.surveys]),
            ("alert_rule", [rule.id for rule in self.alert_rules]),
            ("series_break", [f"{one.survey} {one.day}" for one in self.series_breaks]),
        ):
            if doubled := {one for one in ids if ids.count(one) > 1}:
                raise CentreError(f"twice_{kind}", ids=", ".join(sorted(doubled)))
        if len({rule.looks_at for rule in self.alert_rules}) < len(self.alert_rules):
            raise CentreError("same_alert_rule")
        refuse_unclear(self.laws)
        check(self.departments)
        known = {None, *(department.id for department in self.departments)}
        bound = [reference.department for reference in self.references]
        bound += [margin.department for margin in self.margins]
        bound += [rule.department for rule in self.alert_rules]
        for department in bound:
            if department not in known:
                raise CentreError("unknown_department", department=department)
        return self

    def instruments_with(self, files: Mapping[str, Survey]) -> dict[str, Survey]:
        """Every instrument by id: those of the files, the document's own in place of theirs."""
        return {**files, **{survey.id: survey for survey in self.surveys}}

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @cached_property
    def department(self) -> Mapping[str, Department]:
        return {department.id: department for department in self.departments}

    @cached_property
    def counter(self) -> Mapping[str, Counter]:
        """Counters by id; ids are unique in the centre."""
        return {c.id: c for department in self.departments for c in department.counters}

    @cached_property
    def department_of(self) -> Mapping[str, str]:
        """The department's id by the counter's id."""
        return {c.id: d.id for d in self.departments for c in d.counters}

    @cached_property
    def stood(self) -> frozenset[tuple[str, str]]:
        """Every counter's id with that of each department at which it stands or once stood."""
        return frozenset(
            (counter.id, department)
            for own in self.departments
            for counter in own.counters
            for department in (own.id, *counter.departments)
        )

    @cached_property
    def has_changed(self) -> bool:
        """Whether any unit was merged, moved or renamed: then it matters which day is asked."""
        units = (*self.departments, *self.counter.values())
        return any(unit.successor or unit.formerly for unit in units)

    @cached_property
    def department_heirs(self) -> Mapping[str, str]:
        """By the id of each merged department, that of the one that it belongs to today."""
        return heirs(self.departments)

    @cached_property
    def counter_heirs(self) -> Mapping[str, str]:
        """By the id of each merged counter, that of the one that it belongs to today."""
        return heirs(self.counter.values())

    def open_departments(self, day: date) -> list[Department]:
        """The departments that are open on a day, each with its open counters."""
        return [
            one.model_copy(update={"counters": tuple(c for c in one.counters if c.is_open_on(day))})
            for one in self.departments
            if one.is_open_on(day)
        ]

    def is_open(self, moment: datetime) -> bool:
        """Whether a time with an offset is in the opening hours of a day on which it opens."""
        local = moment.astimezone(self.zone)
        return self.opens_on(local.date()) and (
            not self.opening_hours
            or any(
                WEEKDAYS[local.weekday()] in hours.days
                and hours.opens <= local.time() < hours.closes
                for hours in self.opening_hours
            )
        )

    def opens_on(self, day: date) -> bool:
        """Whether it opens on a day: one of its weekdays, all where it has no hours, not closed."""
        return day.weekday() in self._weekdays() and day not in self.closed_days

    def days_open(self, since: date, until: date) -> int:
        """On how many days of a period, both ends included, it opens."""
        weekdays, length = self._weekdays(), max(0, (until - since).days + 1)
        weeks, more = divmod(length, 7)
        rest = sum((since.weekday() + number) % 7 in weekdays for number in range(more))
        closed = {day for day in self.closed_days if since <= day <= until}
        return weeks * len(weekdays) + rest - sum(day.weekday() in weekdays for day in closed)

    def _weekdays(self) -> frozenset[int]:
        """The weekdays, Monday 0, of its hours; all where it has none."""
        named = (
            WEEKDAYS
            if not self.opening_hours
            else {day for hours in self.opening_hours for day in hours.days}
        )
        return frozenset(at for at, day in enumerate(WEEKDAYS) if day in named)

    def is_attended(self, moment: datetime) -> bool:
        """Whether visitors may be there: in the opening hours, and AROUND before and after."""
        return any(self.is_open(moment + by) for by in (-AROUND, timedelta(0), AROUND))

    def open_between(self, since: datetime, until: datetime) -> timedelta:
        """How much of the time from one moment to another it is open.

        Shifts that overlap count once.
        """
        total, reached = timedelta(0), since
        for opens, closes in self._shifts(self.local_day(since), self.local_day(until)):
            start, end = max(opens, reached), min(closes, until)
            if end > start:
                total, reached = total + (end - start), end
        return total

    def after_open(self, moment: datetime, hours: int) -> datetime:
        """When the centre will have been open for some hours since a moment.

        Where it never opens the answer is ten years later.
        """
        left, reached = timedelta(hours=hours), moment
        first = self.local_day(moment)
        for weeks in range(520):
            start = first + timedelta(weeks=weeks)
            for opens, closes in self._shifts(start, start + timedelta(days=6)):
                begin = max(opens, reached)
                if closes - begin >= left:
                    return begin + left
                if closes > begin:
                    left, reached = left - (closes - begin), closes
        return moment + timedelta(weeks=520)

    def _shifts(self, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
        """The moments between which the centre is open on the days, in their order."""
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            if not self.opens_on(day):
                continue
            if not self.opening_hours:
                ends = (day, day + timedelta(days=1))
                opens, closes = (datetime.combine(end, time.min, self.zone) for end in ends)
                yield opens.astimezone(UTC), closes.astimezone(UTC)
                continue
            yield from sorted(
                (
                    datetime.combine(day, hours.opens, self.zone).astimezone(UTC),
                    datetime.combine(day, hours.closes, self.zone).astimezone(UTC),
                )
                for hours in self.opening_hours
                if WEEKDAYS[day.weekday()] in hours.days
            )

    def local_day(self, moment: datetime) -> date:
        """The calendar day at the centre of a time with an offset."""
        return self.local(moment).date()

    def local(self, moment: datetime) -> datetime:
        """A time with an offset as the clock at the centre shows it."""
        return moment.astimezone(self.zone)


def load_definitions(path: Path, own: Path | None = None) -> tuple[Centre, dict[str, Survey]]:
    """Read a centre file and every instrument, those of the centre's ``own`` folder too.

    Raises DefinitionError, also where the centre names a survey or measure that is not defined.
    """
    centre, files = load_centre(path), load_instruments(own)
    check_definitions(centre, files, path.name)
    return centre, centre.instruments_with(files)


def check_definitions(centre: Centre, files: Mapping[str, Survey], name: str) -> None:
    """Raise DefinitionError where a centre names a survey or measure that is not defined.

    ``files`` are the instruments besides the document's own; ``name`` is what the message calls
    the document.
    """
    surveys = centre.instruments_with(files)
    check_chains(surveys)
    for role, survey in centre.instruments:
        if survey not in surveys:
            raise DefinitionError(f"{name}: instruments.{role}: there is no survey {survey!r}")
    behind_faces = surveys[centre.instruments.rating].questions.get(RATING)
    if behind_faces is None or behind_faces.kind != "one":
        raise DefinitionError(
            f"{name}: instruments.rating: {centre.instruments.rating} has no question {RATING!r} "
            "with one answer"
        )
    scale = surveys[centre.instruments.rating].scale_of(behind_faces)
    for number, rule in enumerate(centre.alert_rules):
        if scale is not None and rule.level is not None and rule.level not in scale.codes[1:]:
            key = f"{name}: alert_rules.{number} ({rule.id})"
            raise DefinitionError(f"{key}: no rating has the level {rule.level}, or it is the best")
    for number, reference in enumerate(centre.references):
        key = f"{name}: references.{number} ({reference.id})"
        measured = surveys[reference.survey].measured if reference.survey in surveys else ()
        if not measured:
            raise DefinitionError(f"{key}: there is no measured survey {reference.survey!r}")
        if reference.measure not in surveys[reference.survey].measures_of(measured[0]):
            raise DefinitionError(f"{key}: {reference.survey} has no measure {reference.measure!r}")
    for number, one in enumerate(centre.series_breaks):
        if one.survey not in surveys:
            key = f"{name}: series_breaks.{number}.survey"
            raise DefinitionError(f"{key}: there is no survey {one.survey!r}")
    for number, law in enumerate(centre.laws):
        if law.instrument is not None and law.instrument not in surveys:
            key = f"{name}: laws.{number} ({law.id})"
            raise DefinitionError(f"{key}: there is no survey {law.instrument!r}")
    for number, margin in enumerate(centre.margins):
        if reason := _why_no_margin(margin, surveys):
            raise DefinitionError(f"{name}: margins.{number}: {reason}")


def _why_no_margin(margin: Margin, surveys: Mapping[str, Survey]) -> str | None:
    """What a margin names that its survey does not have, or None."""
    if margin.survey not in surveys:
        return f"there is no survey {margin.survey!r}"
    survey = surveys[margin.survey]
    question = next((q for q in survey.profile if q.id == margin.variable), None)
    scale = survey.scale_of(question) if question and question.kind == "one" else None
    if margin.variable == "channel":
        levels: dict[str, str] = dict.fromkeys(get_args(Channel), "")
    elif scale is None:
        return f"{margin.survey} has no profile question {margin.variable!r} to weight by"
    else:
        levels = {str(level.code): level.en for level in scale.levels}
    unknown = sorted(set(margin.shares) - set(levels))
    if not unknown:
        return None
    there = ", ".join(f"{level!r} {name}".rstrip() for level, name in levels.items())
    return f"{margin.variable} has no level {unknown[0]!r}; its levels are {there}"


def load_centre(path: Path) -> Centre:
    """Read a centre file. Raises DefinitionError, which names file, key and reason."""
    return load_toml(path, Centre)
