"""QR codes drawn: as bars of an SVG for pages and posters, as files, and in the terminal."""

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import qrcode  # type: ignore[import-untyped]
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_M  # type: ignore[import-untyped]
from qrcode.image.pure import PyPNGImage  # type: ignore[import-untyped]
from qrcode.util import MODE_8BIT_BYTE, QRData  # type: ignore[import-untyped]

QUIET_ZONE = 4  # modules of white around a code, as ISO/IEC 18004 asks
LEVEL: int = ERROR_CORRECT_H  # up to 30 % may be damaged; measured by `python -m tests.bench codes`
ON_SCREEN: int = ERROR_CORRECT_M  # nothing there is torn or dirty: larger modules read better


@dataclass(frozen=True)
class Drawing:
    """A QR code: the length of its side in modules, and an SVG path of its bars."""

    side: int
    path: str

    @classmethod
    def of(cls, text: str, level: int = LEVEL) -> "Drawing":
        modules = matrix(text, level)
        return cls(len(modules) + 2 * QUIET_ZONE, svg_path(modules))


def matrix(text: str, level: int = LEVEL) -> list[list[bool]]:
    """The modules of a QR code by row, True where dark, without the quiet zone."""
    modules: list[list[bool]] = _qr_code(text, level, border=0).get_matrix()
    return modules


def svg_path(modules: list[list[bool]]) -> str:
    """One SVG path: a run of dark modules is one bar, so that printers show no seams."""
    bars = []
    for y, row in enumerate(modules):
        x = 0
        while x < len(row):
            width = 0
            while x + width < len(row) and row[x + width]:
                width += 1
            if width:
                bars.append(f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h{width}v1h-{width}z")
            x += width or 1
    return "".join(bars)


@dataclass(frozen=True)
class Flips:
    """All QR codes of texts that are alike but for some letters, for whoever cannot draw one.

    The modules of a QR code of bytes are sums, in each of them 0 or 1: every bit of a letter flips
    the same modules whatever the rest says, since Reed-Solomon codes are linear and the mask is
    always the same here (readers take any; ISO/IEC 18004, 7.8). So a code is ``base``, that of the
    text given, with the flips of each bit in which it differs. Numbers have a bit a module, the
    first row first, the lowest bit last; ``flips`` has those of the bits of each letter, the lowest
    first.
    """

    side: int
    base: int
    flips: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, start: str, letters: str, level: int = LEVEL) -> "Flips":
        """Of ``start`` followed by as many letters of seven bits as ``letters`` has."""

        def modules(text: bytes) -> list[list[bool]]:
            code = _empty(level, border=0, mask_pattern=0)
            code.add_data(QRData(text, mode=MODE_8BIT_BYTE))
            code.make(fit=True)
            return code.get_matrix()  # type: ignore[no-any-return]

        def number(text: bytes) -> int:
            return int("".join("01"[dark] for row in modules(text) for dark in row), 2)

        before, after = start.encode(), letters.encode()
        base = number(before + after)
        flips = tuple(
            tuple(
                base ^ number(before + after[:at] + bytes([after[at] ^ 1 << bit]) + after[at + 1 :])
                for bit in range(7)
            )
            for at in range(len(after))
        )
        return cls(len(modules(before + after)), base, flips)


@lru_cache(maxsize=1000)
def draw(text: str) -> Drawing:
    """A QR code for a poster. Codes never change, so each is drawn once."""
    return Drawing.of(text)


def svg(text: str, level: int = LEVEL) -> str:
    """A QR code as the text of an SVG file."""
    drawing = draw(text) if level == LEVEL else Drawing.of(text, level)
    side = drawing.side
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path shape-rendering="crispEdges" d="{drawing.path}"/></svg>\n'
    )


def png(text: str, scale: int = 12, level: int = LEVEL) -> bytes:
    """A QR code as a PNG file of one bit a pixel, ``scale`` pixels a module."""
    file = io.BytesIO()
    _qr_code(text, level, box_size=scale).make_image(image_factory=PyPNGImage).save(file)
    return file.getvalue()


def terminal(text: str) -> str:
    """A QR code in characters, two modules high each, dark on light."""
    out = io.StringIO()
    _qr_code(text).print_ascii(out=out, invert=True)
    return out.getvalue()


def _qr_code(text: str, level: int = LEVEL, **options: int) -> Any:
    """The library's QR code of a text."""
    code = _empty(level, **options)
    code.add_data(text)
    code.make(fit=True)
    return code


def _empty(level: int, **options: int) -> Any:
    return qrcode.QRCode(error_correction=level, **{"border": QUIET_ZONE, **options})
