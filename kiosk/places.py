"""Where an answer is given: at a counter, at a department, or somewhere in the centre."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from surveys.centre import Centre, Counter, Department

WHOLE_CENTRE = "all"  # in addresses: the tile for those who do not know their department


class UnknownPlaceError(ValueError):
    """A department or counter that the centre file does not name."""


@dataclass(frozen=True)
class Place:
    """A counter with its department, a department, or (both absent) the whole centre."""

    department: Department | None = None
    counter: Counter | None = None

    @property
    def department_id(self) -> str | None:
        return self.department.id if self.department else None

    @property
    def counter_id(self) -> str | None:
        return self.counter.id if self.counter else None

    def counters(self, centre: Centre) -> int:
        """How many counters the place has, at least one."""
        if self.counter is not None:
            return 1
        departments = centre.departments if self.department is None else (self.department,)
        return max(sum(len(one.counters) for one in departments), 1)

    def name(self, language: str) -> str:
        """Department and counter as one line; empty for the whole centre."""
        parts = [part.name.get(language) for part in (self.department, self.counter) if part]
        # The counter stays on one line, and the dot with the department before it.
        return "\u00a0· ".join([*parts[:1], *(part.replace(" ", "\u00a0") for part in parts[1:])])


def bind(centre: Centre, department: str, counter: str) -> Place:
    """The place where a kiosk stands, from its two settings; both empty: in the lobby.

    A counter implies its department. What has moved or was merged since is followed. Raises
    UnknownPlaceError, which names the setting and the centre.
    """
    if counter and counter not in centre.counter:
        raise UnknownPlaceError(f"HAILONG_COUNTER: {centre.id} has no counter {counter!r}")
    if department and department not in centre.department:
        raise UnknownPlaceError(f"HAILONG_DEPARTMENT: {centre.id} has no department {department!r}")
    if (counter, department) in centre.stood:
        department = ""
    counter = centre.counter_heirs.get(counter, counter)
    department = centre.department_heirs.get(department, department)
    owner = centre.department_of[counter] if counter else ""
    if department and owner and department != owner:
        raise UnknownPlaceError(
            f"HAILONG_COUNTER: counter {counter!r} belongs to {owner!r}, not to {department!r}"
        )
    return place_of(centre, department or owner or None, counter or None)


def place_of(centre: Centre, department: str | None, counter: str | None) -> Place:
    """The place of two ids; None where there is no such part. Raises UnknownPlaceError."""
    try:
        return Place(
            centre.department[department] if department else None,
            centre.counter[counter] if counter else None,
        )
    except KeyError as error:
        raise UnknownPlaceError(f"{centre.id} has no {error.args[0]!r}") from None


def places(centre: Centre, today: date) -> Iterator[Place]:
    """Every open place: the whole centre, then each department followed by its counters."""
    yield Place()
    for department in centre.open_departments(today):
        yield Place(department)
        for counter in department.counters:
            yield Place(department, counter)


def former_places(centre: Centre, today: date) -> Iterator[tuple[str, str | None, Place]]:
    """The ids of a department and counter of the past, and the place that they are today.

    A counter that moved is followed to where it stands, a merged unit to its successor.
    """
    now = {(place.department_id, place.counter_id): place for place in places(centre, today)}
    past: list[tuple[str, str | None]] = [(one.id, None) for one in centre.departments]
    past += [(department, counter) for counter, department in sorted(centre.stood)]
    for department, counter in past:
        heir = centre.counter_heirs.get(counter, counter) if counter else None
        owner = centre.department_of[heir] if heir else department
        follows = centre.department_heirs.get(owner, owner), heir
        if (department, counter) not in now and follows in now:
            yield department, counter, now[follows]
