"""QR codes drawn: as bars of an SVG for posters, as files, and in the terminal."""

import io
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

import qrcode  # type: ignore[import-untyped]
from qrcode.constants import ERROR_CORRECT_M  # type: ignore[import-untyped]

QUIET_ZONE = 4  # modules of white around a code, as ISO/IEC 18004 asks


@dataclass(frozen=True)
class Drawing:
    """A QR code for a poster: the length of its side in modules, and an SVG path of its bars."""

    side: int
    path: str


def matrix(text: str) -> list[list[bool]]:
    """The modules of a QR code by row, True where dark, without the quiet zone."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    modules: list[list[bool]] = code.get_matrix()
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


@lru_cache(maxsize=1000)
def draw(text: str) -> Drawing:
    """A QR code for a poster. Codes never change, so each is drawn once."""
    modules = matrix(text)
    return Drawing(len(modules) + 2 * QUIET_ZONE, svg_path(modules))


def svg(text: str) -> str:
    """A QR code as the text of an SVG file."""
    drawing = draw(text)
    side = drawing.side
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path shape-rendering="crispEdges" d="{drawing.path}"/></svg>\n'
    )


def png(text: str, scale: int = 12) -> bytes:
    """A QR code as a PNG file of one bit a pixel, ``scale`` pixels a module."""
    modules = matrix(text)
    blank = [False] * (len(modules) + 2 * QUIET_ZONE)
    framed = [blank] * QUIET_ZONE
    framed += [[False] * QUIET_ZONE + row + [False] * QUIET_ZONE for row in modules]
    framed += [blank] * QUIET_ZONE
    side = len(framed) * scale
    lines = bytearray()
    for row in framed:
        bits = "".join(("0" if dark else "1") * scale for dark in row).ljust(-(-side // 8) * 8, "1")
        line = b"\0" + int(bits, 2).to_bytes(len(bits) // 8)
        lines += line * scale
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(lines), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def terminal(text: str) -> str:
    """A QR code in characters, two modules high each, dark on light."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE)
    code.add_data(text)
    out = io.StringIO()
    code.print_ascii(out=out, invert=True)
    return out.getvalue()
