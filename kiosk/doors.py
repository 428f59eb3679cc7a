"""Where an answer is given: the place a kiosk stands at, and the door behind each QR code."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from surveys.centre import Centre, Counter, Department
from surveys.messages import Language

Audience = Literal["citizen", "business"]
AUDIENCES: tuple[Audience, ...] = ("citizen", "business")

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U to misread
MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})


class UnknownPlaceError(ValueError):
    """A department or counter that the centre file does not name."""


@dataclass(frozen=True)
class Place:
    """A counter, a department, or (both absent) the whole centre."""

    department: Department | None = None
    counter: Counter | None = None

    @property
    def department_id(self) -> str | None:
        return self.department.id if self.department else None

    @property
    def counter_id(self) -> str | None:
        return self.counter.id if self.counter else None

    def name(self, language: Language) -> str:
        """Department and counter as one line; empty for the whole centre."""
        parts = [part.name.get(language) for part in (self.department, self.counter) if part]
        # The counter stays on one line, and the dot with the department before it.
        return "\u00a0· ".join([*parts[:1], *(part.replace(" ", "\u00a0") for part in parts[1:])])


@dataclass(frozen=True)
class Door:
    """What one QR code opens: a form for an audience at a place."""

    code: str
    place: Place
    audience: Audience


def bind(centre: Centre, department: str, counter: str) -> Place:
    """The place a kiosk is bound to. Raises UnknownPlaceError, which names setting and file."""
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
    """The place of two known ids. Raises KeyError for unknown ones."""
    return Place(
        centre.department[department] if department else None,
        centre.counter[counter] if counter else None,
    )


def places(centre: Centre) -> Iterator[Place]:
    """The whole centre, then each department followed by its counters."""
    yield Place()
    for department in centre.departments:
        yield Place(department)
        for counter in department.counters:
            yield Place(department, counter)


def code_of(centre: str, department: str | None, counter: str | None, audience: Audience) -> str:
    """Eight characters that name the door; the same for ever, so that a poster stays valid."""
    name = "|".join(("hailong/1", centre, department or "", counter or "", audience))
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:5])
    return "".join(ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))


def doors(centre: Centre) -> Mapping[str, Door]:
    """Every door of a centre by its code."""
    found: dict[str, Door] = {}
    for place in places(centre):
        for audience in AUDIENCES:
            code = code_of(centre.id, place.department_id, place.counter_id, audience)
            if code in found:
                raise UnknownPlaceError(f"{centre.id}: two places share the code {code}")
            found[code] = Door(code, place, audience)
    return found


def normal_code(typed: str) -> str:
    """A code as somebody typed it from a poster, in the form of the table."""
    return typed.strip().replace("-", "").upper().translate(MISREAD)
