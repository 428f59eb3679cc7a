"""The span of local days that a page or a report shows, its neighbours and its parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from surveys.messages import FieldError

PeriodKind = Literal["day", "week", "month", "quarter", "year", "range"]
PERIOD_KINDS: tuple[PeriodKind, ...] = get_args(PeriodKind)
MONTHS: Mapping[PeriodKind, int] = {"month": 1, "quarter": 3, "year": 12}
# Far from the ends of the calendar, so that every period has neighbours to step to.
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)
LONGEST = timedelta(days=50 * 366)
ONE_DAY = timedelta(days=1)


class PeriodError(FieldError):
    """A period that does not exist; ``field`` is the query parameter at fault."""

    section = "error."


@dataclass(frozen=True)
class Period:
    """``since`` and ``until`` are local days, both included.

    A period may still be running. Its share so far may be compared with the whole period before,
    since shares do not grow with time. Its counts may not: see until_today.
    """

    kind: PeriodKind
    since: date
    until: date

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def code(self) -> str:
        """Its name in data: 2026-11-23, 2026-W48 (ISO 8601), 2026-11, 2026-Q4, 2026."""
        year, week, _ = self.since.isocalendar()
        codes: Mapping[PeriodKind, str] = {
            "week": f"{year}-W{week:02}",
            "month": f"{self.since:%Y-%m}",
            "quarter": f"{self.since.year}-Q{self.quarter}",
            "year": str(self.since.year),
            "range": f"{self.since}/{self.until}",
        }
        return codes.get(self.kind, str(self.since))

    @property
    def quarter(self) -> int:
        """The number, 1 to 4, of the quarter in which the period begins."""
        return (self.since.month + 2) // 3

    @property
    def months(self) -> "Period":
        """The whole months that the period touches."""
        since, until = (period_of("month", day) for day in (self.since, self.until))
        if (since.since, until.until) == (self.since, self.until):
            return self
        return since if since == until else Period("range", since.since, until.until)

    def shifted(self, steps: int) -> "Period":
        """The period of the same kind ``steps`` later, or earlier where negative.

        Ranges move by their own length.
        """
        if self.kind in MONTHS:
            return period_of(self.kind, _months_on(self.since, MONTHS[self.kind] * steps))
        by = timedelta(days=self.days * steps)
        return Period(self.kind, self.since + by, self.until + by)

    @property
    def before(self) -> "Period":
        return self.shifted(-1)

    @property
    def year_before(self) -> "Period":
        """The period of the same kind a year earlier.

        Weeks keep their ISO number, and days their weekday in that week, so that working days
        meet working days; week 53 meets the last week of a year that has only 52. A range keeps
        its dates, 29 February becoming the 28th.
        """
        if self.kind == "range":
            return Period("range", _months_on(self.since, -12), _months_on(self.until, -12))
        if self.kind in MONTHS:
            return period_of(self.kind, _months_on(self.since, -12))
        year, week, weekday = self.since.isocalendar()
        last = date(year - 1, 12, 28).isocalendar().week  # 28 December is always in the last week
        return period_of(self.kind, date.fromisocalendar(year - 1, min(week, last), weekday))

    def until_today(self, today: date) -> "Period":
        """The range of its days until today where it is still running; else the period itself.

        Its counts so far may be compared with those of a range of the same length.
        """
        if not self.since <= today < self.until:
            return self
        return Period("range", self.since, today)

    def parts(self, kind: PeriodKind) -> Iterator["Period"]:
        """The days, weeks, months, quarters or years of the period, in order, without gaps.

        A part that the period holds only in part is a range of the days that it does hold.
        """
        day = self.since
        while day <= self.until:
            whole = period_of(kind, day)
            since, until = max(whole.since, self.since), min(whole.until, self.until)
            cut = (since, until) != (whole.since, whole.until)
            yield Period("range", since, until) if cut else whole
            day = until + ONE_DAY

    def parameters(self) -> dict[str, str]:
        if self.kind == "range":
            return {"from": self.since.isoformat(), "to": self.until.isoformat()}
        return {"period": self.kind, "date": self.since.isoformat()}


def period_of(kind: PeriodKind, day: date) -> Period:
    """The day, week, month, quarter or year that a day is in; the range of that day alone."""
    if kind == "week":
        monday = day - timedelta(days=day.weekday())
        return Period(kind, monday, monday + timedelta(days=6))
    if kind in MONTHS:
        months = MONTHS[kind]
        first = day.replace(month=(day.month - 1) // months * months + 1, day=1)
        return Period(kind, first, _months_on(first, months) - ONE_DAY)
    return Period(kind, day, day)


def _months_on(day: date, months: int) -> date:
    """The same day of the month that many months on, or that month's last."""
    count = day.year * 12 + day.month - 1 + months
    first = date(count // 12, count % 12 + 1, 1)
    following = (first + timedelta(days=31)).replace(day=1)
    return min(first + timedelta(days=day.day - 1), following - ONE_DAY)


def read_period(given: Mapping[str, str], today: date) -> Period:
    """The period of the parameters ``period``, ``date``, ``from`` and ``to``; default: today.

    Raises PeriodError, which names the parameter.
    """
    kind = given.get("period") or ("range" if given.get("from") or given.get("to") else "day")
    if kind == "range":
        until = _day(given, "to", today)
        since = _day(given, "from", until)
        if since > until:
            raise PeriodError("from", "from_after_to")
        if until - since > LONGEST:
            raise PeriodError("from", "too_long")
        return Period("range", since, until)
    day = _day(given, "date", today)
    if kind not in PERIOD_KINDS:
        raise PeriodError("period", "unknown_period")
    return period_of(kind, day)


def _day(given: Mapping[str, str], name: str, default: date) -> date:
    text = given.get(name)
    if not text:
        return default
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PeriodError(name, "not_a_day") from None
    if not EARLIEST <= day <= LATEST:
        raise PeriodError(name, "far_day")
    return day
