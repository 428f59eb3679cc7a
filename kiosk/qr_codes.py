"""The QR codes of a centre: which form each opens, and for which place."""

import hashlib
import hmac
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

    ``code`` are the characters of its ``path``. A ``former`` one hangs on older posters, and
    opens nothing after its ``last_day``, where it has one.
    """

    code: str
    place: Place
    audience: Audience
    former: bool = False
    last_day: date | None = None

    @property
    def path(self) -> str:
        """Where its form is, on this server."""
        return f"/f/{self.code}"


def citizens_code(
    known: Mapping[str, QrCode], department: str | None, counter: str | None
) -> QrCode:
    """The QR code of a place for citizens. Raises UnknownPlaceError where it has none."""
    for one in known.values():
        ids = one.place.department_id, one.place.counter_id
        if ids == (department, counter) and one.audience == "citizen" and not one.former:
            return one
    raise UnknownPlaceError(f"no QR code for {counter or department}")


def code_of(centre: str, department: str | None, counter: str | None, audience: Audience) -> str:
    """The eight characters that posters had before codes were signed: anybody can compute them.

    They are a hash of the ids, so that they never change.
    """
    name = "|".join(("hailong/1", centre, department or "", counter or "", audience))
    return _letters(hashlib.sha256(name.encode()).digest(), 8)


def signed_code(
    key: bytes, centre: str, department: str | None, counter: str | None, audience: Audience
) -> str:
    """The twelve characters for a place and an audience, made from their ids and the key.

    They are the first 60 bits of an HMAC, so that a printed poster stays valid while the key is
    the same, and nobody without it can tell the code of another counter.
    """
    name = "|".join(("hailong/2", centre, department or "", counter or "", audience))
    return _letters(hmac.digest(key, name.encode(), "sha256"), 12)


def _letters(digest: bytes, length: int) -> str:
    number = int.from_bytes(digest) >> (8 * len(digest) - 5 * length)
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * length - 5, -1, -5))


def qr_codes(centre: Centre, today: date, key: bytes) -> Mapping[str, QrCode]:
    """Every QR code of a centre by its characters, signed with the key; and those of before.

    A poster that hung before a counter moved or a department was merged still works: its code,
    which is not that of the place it stands for, leads to where they are today. Codes without a
    signature have the last day that the centre says, or one long ago. Raises UnknownPlaceError
    where two places have the same characters.
    """
    last_day = centre.phone_form.unsigned_until or date.min
    by_code: dict[str, QrCode] = {}
    own = [(place.department_id, place.counter_id, place) for place in places(centre, today)]
    for department, counter, place in [*own, *former_places(centre, today)]:
        for audience in AUDIENCES:
            ids = (centre.id, department, counter, audience)
            code, unsigned = signed_code(key, *ids), code_of(*ids)
            if doubled := by_code.keys() & {code, unsigned}:
                raise UnknownPlaceError(f"{centre.id}: two places share the code {min(doubled)}")
            former = (department, counter) != (place.department_id, place.counter_id)
            by_code[code] = QrCode(code, place, audience, former)
            by_code[unsigned] = QrCode(unsigned, place, audience, True, last_day)
    return by_code
