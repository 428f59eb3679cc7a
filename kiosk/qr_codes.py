"""The QR codes of a centre: which form each opens, and for which place."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from kiosk.places import Place, UnknownPlaceError, former_places, places
from surveys.centre import Centre
from surveys.receipts import ALPHABET

Audience = Literal["citizen", "business"]
AUDIENCES: tuple[Audience, ...] = ("citizen", "business")


@dataclass(frozen=True)
class QrCode:
    """A QR code that hangs at a place and opens the form for an audience.

    ``code`` are the eight characters of its ``path``. A ``former`` one hangs on older posters.
    """

    code: str
    place: Place
    audience: Audience
    former: bool = False

    @property
    def path(self) -> str:
        """Where its form is, on this server."""
        return f"/f/{self.code}"


def code_of(centre: str, department: str | None, counter: str | None, audience: Audience) -> str:
    """The eight characters for a place and an audience, made from their ids.

    They are a hash of the ids, so that they never change and a printed poster stays valid.
    """
    name = "|".join(("hailong/1", centre, department or "", counter or "", audience))
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:5])
    return "".join(ALPHABET[number >> shift & 31] for shift in range(35, -1, -5))


def qr_codes(centre: Centre, today: date) -> Mapping[str, QrCode]:
    """Every QR code of a centre by its eight characters.

    A poster that hung before a counter moved or a department was merged still works: its code,
    which is not that of the place it stands for, leads to where they are today. Raises
    UnknownPlaceError where two places have the same characters.
    """
    by_code: dict[str, QrCode] = {}
    own = [(place.department_id, place.counter_id, place) for place in places(centre, today)]
    for department, counter, place in [*own, *former_places(centre, today)]:
        for audience in AUDIENCES:
            code = code_of(centre.id, department, counter, audience)
            if code in by_code:
                raise UnknownPlaceError(f"{centre.id}: two places share the code {code}")
            former = (department, counter) != (place.department_id, place.counter_id)
            by_code[code] = QrCode(code, place, audience, former)
    return by_code
