"""What a manager may do to the organisation: each act makes the next document of the centre.

Every function returns a valid document and changes nothing. They raise OrganisationError, and
CentreError or DefinitionError where the result would contradict itself.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from aggregator.organisation.changes import Kind, OrganisationError
from aggregator.wording.phrases import day as written
from surveys.centre import Centre, Counter, Department
from surveys.definition import DefinitionError, Text
from surveys.messages import MessageError
from surveys.text import without_marks
from surveys.units import Former, Unit


def open_department(centre: Centre, id: str, name: Text, day: date | None) -> Centre:
    """Add a department that opens on a day; None: it has always been there."""
    _unused(centre, id)
    return _valid(centre, [*centre.departments, Department(id=id, name=name, opened=day)])


def open_counter(centre: Centre, id: str, name: Text, department: str, day: date | None) -> Centre:
    """Add a counter to an open department."""
    _unused(centre, id)
    own = _known(centre, "department", department)
    made = own.model_copy(
        update={"counters": (*own.counters, Counter(id=id, name=name, opened=day))}
    )
    return _with(centre, made)


def rename(centre: Centre, kind: Kind, id: str, name: Text, day: date | None) -> Centre:
    """Give a unit another name from a day on; None: the name was wrong and is put right."""
    unit = _known(centre, kind, id)
    if day is not None and name != unit.name:
        unit = _formerly(unit, day, name=unit.name)
    return _with(centre, unit.model_copy(update={"name": name}))


def close(centre: Centre, kind: Kind, id: str, day: date) -> Centre:
    """Close a unit; ``day`` is the first on which it is no longer there."""
    unit = _open(_known(centre, kind, id), day)
    return _with(centre, unit.model_copy(update={"closed": day, "successor": None}))


def merge(centre: Centre, kind: Kind, id: str, successor: str, day: date) -> Centre:
    """Close a unit and let another follow it; a department's open counters move there."""
    unit = _open(_known(centre, kind, id), day)
    _known(centre, kind, successor)
    if id == successor:
        raise OrganisationError("into_itself", unit=unit.name)
    if isinstance(unit, Department):
        for counter in unit.counters:
            if counter.closed is None:
                centre = _moved(centre, counter, centre.department[id], successor, day)
        unit = centre.department[id]
    return _with(centre, unit.model_copy(update={"closed": day, "successor": successor}))


def move(centre: Centre, id: str, department: str, day: date) -> Centre:
    """Move a counter to another department from a day on; earlier answers stay where they are."""
    counter = _open(_known(centre, "counter", id))
    own = centre.department[centre.department_of[id]]
    _known(centre, "department", department)
    if own.id == department:
        raise OrganisationError("stands_there", unit=counter.name, department=own.name)
    moved = _moved(centre, counter, own, department, day)
    return _valid(centre, moved.departments)


def made_id(words: str) -> str:
    """An id of plain letters, digits and _ that is like a name; '' where there are none."""
    return re.sub(r"[^a-z0-9]+", "_", without_marks(words.lower())).strip("_")[:40].rstrip("_")


def _moved(centre: Centre, counter: Any, own: Department, department: str, day: date) -> Centre:
    """The centre with a counter at another department; not validated yet."""
    leaving = own.model_copy(
        update={"counters": tuple(one for one in own.counters if one.id != counter.id)}
    )
    at = centre.department[department]
    arrived = _formerly(counter, day, department=own.id)
    joined = at.model_copy(update={"counters": (*at.counters, arrived)})
    both = {own.id: leaving, department: joined}
    return _unchecked(centre, [both.get(one.id, one) for one in centre.departments])


def _formerly(unit: Any, day: date, **what: Any) -> Any:
    """The unit with what it was until a day; two changes of one day are one entry.

    Raises OrganisationError where it was changed after that day, or moved on it already: a place
    that it had for less than a day could not be told, and answers were given there.
    """
    *earlier, last = [*unit.formerly] or [None]
    if last is not None and last.until > day:
        raise OrganisationError("changed_since", unit=unit.name, day=written(last.until))
    if last is not None and last.until == day:
        if last.department and "department" in what:
            raise OrganisationError("moved_that_day", unit=unit.name, day=written(day))
        told = {name: getattr(last, name) or value for name, value in what.items()}
        entries = [*earlier, last.model_copy(update=told)]
    else:
        entries = [*unit.formerly, Former(until=day, **what)]
    return unit.model_copy(update={"formerly": tuple(entries)})


def _known(centre: Centre, kind: Kind, id: str) -> Any:
    units: Mapping[str, Unit] = centre.department if kind == "department" else centre.counter
    if id not in units:
        raise OrganisationError(f"unknown_{kind}", id=id[:40])
    return units[id]


def _open(unit: Any, closes: date | None = None) -> Any:
    """The unit, where it is open, and where it changed last before the day on which it closes."""
    if unit.closed:
        raise OrganisationError("closed_already", unit=unit.name, day=written(unit.closed))
    changed = unit.formerly[-1].until if unit.formerly else unit.opened
    if closes and changed and closes <= changed:
        raise OrganisationError("closes_too_early", unit=unit.name, day=written(changed))
    return unit


def _unused(centre: Centre, id: str) -> None:
    if id in centre.department or id in centre.counter:
        raise OrganisationError("id_taken", id=id[:40])


def _with(centre: Centre, unit: Department | Counter) -> Centre:
    """The centre with a unit in the place of the one of the same id."""

    def exchanged(department: Department) -> Department:
        if isinstance(unit, Department):
            return unit if department.id == unit.id else department
        counters = tuple(unit if one.id == unit.id else one for one in department.counters)
        return department.model_copy(update={"counters": counters})

    return _valid(centre, [exchanged(department) for department in centre.departments])


def _unchecked(centre: Centre, departments: list[Department]) -> Centre:
    fields = {name: getattr(centre, name) for name in Centre.model_fields}
    return Centre.model_construct(**{**fields, "departments": tuple(departments)})


def _valid(centre: Centre, departments: Any) -> Centre:
    return valid({**centre.model_dump(), "departments": [one.model_dump() for one in departments]})


def valid(document: Mapping[str, object]) -> Centre:
    """A document as a centre. Raises CentreError, or DefinitionError with the first reason."""
    return checked(lambda: Centre.model_validate(document))


def checked(read: Callable[[], Centre]) -> Centre:
    """What ``read`` returns, with a reason of ours instead of pydantic's where there is one."""
    try:
        return read()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if isinstance(reason := first.get("ctx", {}).get("error"), MessageError):
            raise reason from None
        place = ".".join(map(str, first["loc"]))
        raise DefinitionError(f"{place}: {first['msg']}") from None
