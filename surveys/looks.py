"""What the screens of a centre look like: its own emblem and colours, checked for contrast."""

import base64
import binascii
import re
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from surveys.definition import Model
from surveys.pictures import PictureError, check_picture
from surveys.refusals import CentreError

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]

CONTRAST = 4.5  # of text: WCAG 2.2, criterion 1.4.3
TINT = 0.1  # how much colour a tint has on white
DEEP = 0.36  # how much black a deep colour has: 9:1 on white, as focus rings of the two need


TYPES = {"svg": "image/svg+xml", "png": "image/png"}
LARGEST_WITHIN = 64_000  # bytes of a picture in the document, which every kiosk gets whole
FILE = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*\.(svg|png)"
WITHIN = re.compile(r"data:image/(?:(?P<svg>svg\+xml)|png);base64,(?P<content>[A-Za-z0-9+/]+=*)")


class Looks(Model):
    """A centre's emblem and its two colours.

    ``emblem`` is the name of a file beside the centre file, or the picture itself as a data
    address (``data:image/png;base64,…``) of at most LARGEST_WITHIN bytes.

    White text stands on ``colour`` and ``accent``, and both are text on their own tints: each
    has a contrast of at least CONTRAST with its tint, and so with white.
    """

    emblem: str | None = Field(default=None, pattern=rf"^({FILE}|data:image/.*)$")
    colour: Colour | None = None
    accent: Colour | None = None

    @field_validator("emblem")
    @classmethod
    def _shown(cls, emblem: str | None) -> str | None:
        if emblem is not None and emblem.startswith("data:"):
            check_picture(*_within(emblem), LARGEST_WITHIN)
        return emblem

    @property
    def picture(self) -> tuple[bytes, str] | None:
        """The emblem where it is in the document itself: its bytes and kind, svg or png."""
        return _within(self.emblem) if self.emblem and self.emblem.startswith("data:") else None

    @model_validator(mode="after")
    def _legible(self) -> Self:
        for key, colour in (("colour", self.colour), ("accent", self.accent)):
            if colour is not None and (ratio := contrast(colour, tint(colour))) < CONTRAST:
                # Rounded down: 4.49 must not read as the 4.5 that it misses.
                told = {"colour": colour, "ratio": int(ratio * 10) / 10, "least": CONTRAST}
                raise CentreError(f"illegible_{key}", **told)
        return self


def data_address(data: bytes, kind: str) -> str:
    """A picture of a kind, svg or png, as ``Looks.emblem`` holds it."""
    return f"data:{TYPES[kind]};base64,{base64.b64encode(data).decode()}"


def _within(address: str) -> tuple[bytes, str]:
    """The bytes and kind of a picture in a data address. Raises PictureError."""
    found = WITHIN.fullmatch(address)
    try:
        data = base64.b64decode(found["content"], validate=True) if found else b""
    except binascii.Error:
        data = b""
    if found is None or not data:
        raise PictureError("no_base64")
    return data, "svg" if found["svg"] else "png"


def tint(colour: str) -> str:
    """A ground so light that it only hints at a colour."""
    return _mixed(colour, "#ffffff", TINT)


def deep(colour: str) -> str:
    """A darker shade of a colour."""
    return _mixed("#000000", colour, DEEP)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG defines it, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mixed(one: str, other: str, share: float) -> str:
    """``share`` of one colour, and of another the rest."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    """The relative luminance of WCAG, 0 black to 1 white."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
