"""Where an answer is given: at a counter, at a department, or somewhere in the centre."""

from collections.abc import Iterator
from dataclasses import dataclass

from surveys.centre import Centre, Counter, Department


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

    def name(self, language: str) -> str:
        """Department and counter as one line; empty for the whole centre."""
        parts = [part.name.get(language) for part in (self.department, self.counter) if part]
        # The counter stays on one line, and the dot with the department before it.
        return "\u00a0· ".join([*parts[:1], *(part.replace(" ", "\u00a0") for part in parts[1:])])


def bind(centre: Centre, department: str, counter: str) -> Place:
    """The place where a kiosk stands, from its two settings; both empty: in the lobby.

    A counter implies its department. Raises UnknownPlaceError, which names the setting and the
    centre.
    """
    if counter and counter not in centre.counter:
        raise UnknownPlaceError(f"HAILONG_COUNTER: {centre.id} has no counter {counter!r}")
    owner = centre.department_of[counter] if counter else ""
    if department and department not in centre.department:
        raise UnknownPlaceError(f"HAILONG_DEPARTMENT: {centre.id} has no department {department!r}")
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


def places(centre: Centre) -> Iterator[Place]:
    """Every place: the whole centre, then each department followed by its counters."""
    yield Place()
    for department in centre.departments:
        yield Place(department)
        for counter in department.counters:
            yield Place(department, counter)
