"""The printable page of posters, one for each QR code."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import Context, context_of
from kiosk.qr_codes import AUDIENCES, QrCode
from kiosk.reach import Reach, reach_of
from kiosk.screens import Page, show
from qr_images import Drawing, draw
from surveys.messages import Language
from surveys.wifi import Wifi

# A large one, two middle ones, or four cards for counters: each time a page of A4.
Paper = Literal["a4", "a5", "card"]
PAPERS: tuple[Paper, ...] = get_args(Paper)
ON_A_PAGE: dict[Paper, int] = {"a4": 1, "a5": 2, "card": 4}
MODULE: dict[Paper, float] = {"a4": 1.2, "a5": 0.85}  # mm of the Wi-Fi's code; cards have none

ALL = "all"  # posters of every department and counter


@dataclass(frozen=True)
class Poster:
    """A QR code, the address that it holds as people type it, and its drawing."""

    qr_code: QrCode
    address: str
    drawing: Drawing


@dataclass(frozen=True, kw_only=True)
class PostersPage(Page):
    """The posters of an audience and a department, both "" for any, and the size of paper.

    ``reach`` is that of the address ``origin``, which all of them have. Where it is not public
    they are printed only when that was ``confirmed``. ``joining`` is the code of the Wi-Fi, where
    there is one and room for it.
    """

    posters: Sequence[Poster]
    audience: str
    department: str
    paper: Paper
    origin: str
    reach: Reach
    confirmed: bool
    wifi: Wifi | None
    joining: Drawing | None
    every: str = ALL
    papers: Sequence[Paper] = PAPERS

    @property
    def on_a_page(self) -> int:
        return ON_A_PAGE[self.paper]

    @property
    def joining_mm(self) -> int:
        """The side of the Wi-Fi's code on paper, large enough for a phone at half a metre."""
        return round(self.joining.side * MODULE[self.paper]) if self.joining else 0

    @property
    def held(self) -> bool:
        """Whether nothing but a warning is printed."""
        return self.reach != "public" and not self.confirmed


def address_of(context: Context, qr_code: QrCode) -> str:
    """The address that a QR code holds."""
    return f"{context.settings.deep_link}{qr_code.path}"


def warning_of(context: Context, language: Language) -> str:
    """Why posters should not be printed as they would be now; "" where there is no reason."""
    address = context.settings.deep_link
    reach = reach_of(address)
    if reach == "public":
        return ""
    say = context.pages.messages.get
    text = say(language, f"poster.only_{reach}", address=address)
    return f"{say(language, 'poster.warning')}: {text}"


async def posters(request: Request) -> Response:
    """The printable page, for paper of A4."""
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
    paper = next((one for one in PAPERS if one == query.get("paper")), PAPERS[0])
    wifi, origin = context.centre.wifi, context.settings.deep_link
    text = wifi.joining if wifi and paper in MODULE else None
    joining = await anyio.to_thread.run_sync(draw, text) if text else None
    page = PostersPage(
        posters=chosen,
        audience=audience,
        department=department,
        paper=paper,
        origin=origin,
        reach=reach_of(origin),
        confirmed="confirmed" in query,
        wifi=wifi,
        joining=joining,
    )
    # Many posters take longer than a tap may wait, to draw and to write.
    written = partial(show, request, "posters", page, layout="print.html")
    return await anyio.to_thread.run_sync(written)
