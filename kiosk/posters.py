"""QR codes: on printable posters, in the terminal, and as files."""

import io
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache, partial

import anyio.to_thread
import qrcode  # type: ignore[import-untyped]
from qrcode.constants import ERROR_CORRECT_M  # type: ignore[import-untyped]
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.doors import AUDIENCES, Door
from kiosk.room import Room, room_of, show

ALL = "all"  # posters of every department and counter
QUIET = 4  # modules of white around a code, as the standard asks


def address_of(room: Room, door: Door) -> str:
    """What the code of a door says."""
    return f"{room.settings.deep_link}/f/{door.code}"


def matrix(text: str) -> list[list[bool]]:
    """The modules of a QR code, without its quiet zone."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    found: list[list[bool]] = code.get_matrix()
    return found


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
                bars.append(f"M{x + QUIET} {y + QUIET}h{width}v1h-{width}z")
            x += width or 1
    return "".join(bars)


@dataclass(frozen=True)
class Drawing:
    """A QR code as a poster shows it: the length of its side, and its dark bars."""

    side: int
    path: str


@lru_cache(maxsize=1000)
def draw(text: str) -> Drawing:
    """A QR code for a poster; a door keeps its code, so it is drawn once."""
    modules = matrix(text)
    return Drawing(len(modules) + 2 * QUIET, svg_path(modules))


def svg(text: str) -> str:
    """A QR code as an SVG file."""
    modules = matrix(text)
    side = len(modules) + 2 * QUIET
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path shape-rendering="crispEdges" d="{svg_path(modules)}"/></svg>\n'
    )


def png(text: str, scale: int = 12) -> bytes:
    """A QR code as a PNG file of one bit a pixel."""
    modules = matrix(text)
    blank = [False] * (len(modules) + 2 * QUIET)
    framed = [blank] * QUIET
    framed += [[False] * QUIET + row + [False] * QUIET for row in modules]
    framed += [blank] * QUIET
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
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET)
    code.add_data(text)
    out = io.StringIO()
    code.print_ascii(out=out, invert=True)
    return out.getvalue()


async def posters(request: Request) -> Response:
    """The printable page: A5 posters, one a page, or two on an A4 sheet."""
    room, query = room_of(request), request.query_params
    audience, department = query.get("audience", ""), query.get("department", "")
    # By default the few for the whole centre: all of them are many sheets of paper.
    if audience not in ("", *AUDIENCES) or department not in ("", ALL, *room.centre.department):
        raise HTTPException(404)
    chosen = [
        {
            "door": door,
            "address": address_of(room, door).partition("://")[2],
            "code": drawing,
        }
        for door in room.doors.values()
        if audience in ("", door.audience) and department in (ALL, door.place.department_id or "")
        for drawing in [await anyio.to_thread.run_sync(draw, address_of(room, door))]
    ]
    context = {
        "posters": chosen,
        "audience": audience,
        "department": department,
        "paper": "a4" if query.get("paper") == "a4" else "a5",
        "departments": room.centre.departments,
        "every": ALL,
    }
    # Many posters take longer than a tap may wait, to draw and to write.
    page = partial(show, request, "posters", {**context, "layout": "print.html"})
    return await anyio.to_thread.run_sync(page)
