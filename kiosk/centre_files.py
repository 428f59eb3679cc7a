"""The centre's own files as they are served: emblem, colours, voices."""

from pathlib import Path

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import context_of
from kiosk.looks import Served
from kiosk.voices import LARGEST, TYPES, digest

KEPT = {"cache-control": "public, max-age=31536000, immutable"}  # its address names its content
# An emblem that someone opens as a page of its own may style itself, and nothing else.
ALONE = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}


async def emblem(request: Request) -> Response:
    """The emblem; 404 for a centre without one."""
    return _response(context_of(request).looks.emblem, {**KEPT, **ALONE})


async def colours(request: Request) -> Response:
    """The colours as a stylesheet; 404 for a centre without its own."""
    return _response(context_of(request).looks.colours, KEPT)


async def voice(request: Request) -> Response:
    """A file of sound; 404 for any other name than those of ``Voices.files``.

    Also for a file that was changed since the start: its address names what it was.
    """
    file = request.path_params["file"]
    path = context_of(request).voices.files.get(file)
    data = await anyio.to_thread.run_sync(_content, path) if path else b""
    if path is None or file != digest(data) + path.suffix:
        raise HTTPException(404)
    return Response(data, media_type=TYPES[path.suffix], headers=KEPT)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError:
        return b""


def _response(served: Served | None, headers: dict[str, str]) -> Response:
    if served is None:
        raise HTTPException(404)
    return Response(served.body, media_type=served.media_type, headers=headers)
