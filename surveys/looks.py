"""What the screens of a centre look like: its own emblem and colours, checked for contrast."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from surveys.definition import Model

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]

CONTRAST = 4.5  # of text: WCAG 2.2, criterion 1.4.3
TINT = 0.1  # how much colour a tint has on white
DEEP = 0.36  # how much black a deep colour has: 9:1 on white, as focus rings of the two need


class Looks(Model):
    """A centre's emblem, the name of a file beside the centre file, and its two colours.

    White text stands on ``colour`` and ``accent``, and both are text on their own tints: each
    has a contrast of at least CONTRAST with its tint, and so with white.
    """

    emblem: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*\.(svg|png)$")
    colour: Colour | None = None
    accent: Colour | None = None

    @model_validator(mode="after")
    def _legible(self) -> Self:
        for key, colour in (("colour", self.colour), ("accent", self.accent)):
            if colour is not None and (ratio := contrast(colour, tint(colour))) < CONTRAST:
                # Rounded down: 4.49 must not read as the 4.5 that it misses.
                raise ValueError(
                    f"{key} {colour} has a contrast of {int(ratio * 10) / 10}:1 with its tint; "
                    f"at least {CONTRAST}:1 is needed, so take a darker one"
                )
        return self


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
