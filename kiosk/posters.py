"""The printable page of posters, one for each QR code."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import Context, context_of
from kiosk.qr_codes import AUDIENCES, QrCode
from kiosk.qr_images import Drawing, draw
from kiosk.screens import Page, show

ALL = "all"  # posters of every department and counter


@dataclass(frozen=True)
class Poster:
    """A QR code, the address that it holds as people type it, and its drawing."""

    qr_code: QrCode
    address: str
    drawing: Drawing


@dataclass(frozen=True, kw_only=True)
class PostersPage(Page):
    """The posters of an audience and a department, both "" for any, and the size of paper."""

    posters: Sequence[Poster]
    audience: str
    department: str
    paper: str
    every: str = ALL


def address_of(context: Context, qr_code: QrCode) -> str:
    """The address that a QR code holds."""
    return f"{context.settings.deep_link}{qr_code.path}"


async def posters(request: Request) -> Response:
    """The printable page: A5 posters, one a page, or two on an A4 sheet."""
    context, query = context_of(request), request.query_params
    audience, department = query.get("audience", ""), query.get("department", "")
    # By default the few for the whole centre: all of them are many sheets of paper.
    if audience not in ("", *AUDIENCES) or department not in ("", ALL, *context.centre.department):
        raise HTTPException(404)
    chosen = [
        Poster(qr_code, address.partition("://")[2], drawing)
        for qr_code in context.qr_codes.values()
        if not qr_code.former
        and audience in ("", qr_code.audience)
        and department in (ALL, qr_code.place.department_id or "")
        for address in [address_of(context, qr_code)]
        for drawing in [await anyio.to_thread.run_sync(draw, address)]
    ]
    page = PostersPage(
        posters=chosen,
        audience=audience,
        department=department,
        paper="a4" if query.get("paper") == "a4" else "a5",
    )
    # Many posters take longer than a tap may wait, to draw and to write.
    written = partial(show, request, "posters", page, layout="print.html")
    return await anyio.to_thread.run_sync(written)
