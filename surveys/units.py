"""Departments and counters: what they are and were called, when they opened, what they became.

All days are local days of the centre. ``closed`` and ``until`` are the first day on which it is
no longer so. An id is never used again: answers hold it for good.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations, pairwise
from typing import Self

from pydantic import model_validator

from surveys.definition import Identifier, Model, Text
from surveys.refusals import CentreError
from surveys.text import as_read


class Former(Model):
    """What a unit was until a day: its name, or the department at which a counter stood."""

    until: date
    name: Text | None = None
    department: Identifier | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.name is None and self.department is None:
            raise CentreError("former_of_nothing", until=self.until)
        return self


class Unit(Model):
    """A department or counter.

    ``successor`` is what a closed unit was merged into: its answers are also its successor's.
    ``formerly`` is in the order of days; a name that was only put right is not in it.
    """

    id: Identifier
    name: Text
    opened: date | None = None
    closed: date | None = None
    successor: Identifier | None = None
    formerly: tuple[Former, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.successor and not self.closed:
            raise CentreError("successor_of_open", unit=self.id)
        days = [self.opened, *(former.until for former in self.formerly), self.closed]
        known = [day for day in days if day]
        for earlier, later in pairwise(known):
            if later <= earlier:
                raise CentreError("back_in_time", unit=self.id, earlier=earlier, later=later)
        return self

    def name_on(self, day: date) -> Text:
        """What it was called on a day."""
        names = (one.name for one in self.formerly if one.name and day < one.until)
        return next(names, self.name)

    def is_open_on(self, day: date) -> bool:
        return self.is_open_within(day, day)

    def is_open_within(self, since: date | None, until: date | None) -> bool:
        """Whether it is open on any of the days; None stands for no end."""
        opened = self.opened is None or until is None or self.opened <= until
        return opened and (self.closed is None or since is None or since < self.closed)


class Counter(Unit):
    """A counter, which stands at the department that lists it."""

    @property
    def departments(self) -> Iterator[str]:
        """The departments at which it stood before, the oldest first."""
        return (one.department for one in self.formerly if one.department)


class Department(Unit):
    counters: tuple[Counter, ...] = ()

    @model_validator(mode="after")
    def _stands_nowhere(self) -> Self:
        if any(one.department for one in self.formerly):
            raise CentreError("department_at_department", unit=self.id)
        return self


def heirs(units: Iterable[Unit]) -> dict[str, str]:
    """By the id of each merged unit, the one that its answers belong to today.

    Raises CentreError where a successor does not exist, or a chain of them does not end.
    """
    by_id = {unit.id: unit for unit in units}
    found = {}
    for unit in by_id.values():
        chain, last = [unit.id], unit
        while last.successor:
            if last.successor not in by_id:
                raise CentreError("unknown_successor", unit=last.id, successor=last.successor)
            if last.successor in chain:
                raise CentreError("merged_in_a_circle", chain=" → ".join([*chain, last.successor]))
            last = by_id[last.successor]
            chain.append(last.id)
        if last is not unit:
            found[unit.id] = last.id
    return found


def check(departments: Sequence[Department]) -> None:
    """Raise CentreError where departments and counters contradict each other. Ids are unique."""
    counters = [counter for department in departments for counter in department.counters]
    for units in (departments, counters):
        _check_mergers({unit.id: unit for unit in units})
    by_id = {department.id: department for department in departments}
    _check_names(departments)
    for department in departments:
        _check_names(department.counters)
        for counter in department.counters:
            _check_stands(counter, department, by_id)


def _check_mergers(units: Mapping[str, Unit]) -> None:
    heirs(units.values())
    for id, unit in units.items():
        day, successor = unit.closed, unit.successor
        if successor and day and not units[successor].is_open_on(day):
            raise CentreError("successor_not_open", unit=id, successor=successor, day=day)


def _check_names(units: Iterable[Unit]) -> None:
    """Units that are open at the same time must be told apart, in both languages."""
    read = [(unit, as_read(unit.name.vi), as_read(unit.name.en)) for unit in units]
    for (one, vi, en), (other, other_vi, other_en) in combinations(read, 2):
        if (vi == other_vi or en == other_en) and one.is_open_within(other.opened, _last(other)):
            raise CentreError("same_name", unit=one.id, other=other.id)


def _last(unit: Unit) -> date | None:
    """A day before which it closed, as is_open_within takes it."""
    return date.fromordinal(unit.closed.toordinal() - 1) if unit.closed else None


def _check_stands(counter: Counter, own: Department, by_id: Mapping[str, Department]) -> None:
    """A counter stands at departments that exist and are open, each another than the last."""
    stood = [(one.department, one.until) for one in counter.formerly if one.department]
    for department, until in [*stood, (own.id, counter.closed)]:
        if department not in by_id:
            raise CentreError("stood_nowhere", unit=counter.id, department=department)
        closed = by_id[department].closed
        if closed and (until is None or until > closed):
            key = "open_counter" if department == own.id else "stood_at_closed"
            raise CentreError(key, unit=counter.id, department=department, day=closed)
    for (earlier, _), (later, day) in pairwise([*stood, (own.id, counter.closed)]):
        if earlier == later:
            raise CentreError("moved_to_itself", unit=counter.id, department=later, day=day or "")
