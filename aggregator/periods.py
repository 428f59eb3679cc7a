"""The span of local days that a page shows: a day, a week, a month, or any range."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

Kind = Literal["day", "week", "month", "range"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Far from the ends of the calendar, so that every period has neighbours to step to.
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)
LONGEST = timedelta(days=50 * 366)


class PeriodError(ValueError):
    """A period that cannot be; ``field`` is the parameter, ``key`` the message."""

    def __init__(self, field: str, key: str) -> None:
        super().__init__(f"{field}: {key}")
        self.field = field
        self.key = key


@dataclass(frozen=True)
class Period:
    """``since`` and ``until`` are local days, both included."""

    kind: Kind
    since: date
    until: date

    def shifted(self, steps: int) -> "Period":
        """The period of the same kind that many before (negative) or after."""
        if self.kind == "month":
            months = self.since.year * 12 + self.since.month - 1 + steps
            return month_of(date(months // 12, months % 12 + 1, 1))
        length = (self.until - self.since).days + 1
        by = timedelta(days=length * steps)
        return Period(self.kind, self.since + by, self.until + by)

    def parameters(self) -> dict[str, str]:
        if self.kind == "range":
            return {"from": self.since.isoformat(), "to": self.until.isoformat()}
        return {"period": self.kind, "date": self.since.isoformat()}


def month_of(day: date) -> Period:
    first = day.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return Period("month", first, last)


def read_period(given: Mapping[str, str], today: date) -> Period:
    """The period of ``period``, ``date``, ``from`` and ``to``; today without any.

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
    if kind == "day":
        return Period("day", day, day)
    if kind == "week":
        monday = day - timedelta(days=day.weekday())
        return Period("week", monday, monday + timedelta(days=6))
    if kind == "month":
        return month_of(day)
    raise PeriodError("period", "unknown_period")


def _day(given: Mapping[str, str], name: str, default: date) -> date:
    text = given.get(name)
    if not text:
        return default
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PeriodError(name, "not_a_day") from None
    if not EARLIEST <= day <= LATEST:
        raise PeriodError(name, "not_a_day")
    return day
