"""Receipt codes: given with the thanks for a comment, and the page on which the answer is read.

What became of a comment only the aggregator knows; this kiosk asks it for whoever has the code, and
tells it the code's hash alone. So phones need no other server than the one that the QR codes name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import Context, context_of
from kiosk.forms import BadFormError, optional_value, read_posted_form, single_value
from kiosk.reach import reach_of
from kiosk.screens import Page, redirect, show
from qr_images import ON_SCREEN, QUIET_ZONE, Drawing, Flips
from surveys.receipts import GROUP, LENGTH, read_code, receipt_of
from surveys.text import cleaned
from surveys.wire import MAX_COMMENT
from web import wants_fragment

MOST_CONTACT = 200  # characters
BARS = "@bars@"  # stands for the drawing of a code that is made on a tablet


@dataclass(frozen=True)
class Receipt:
    """A code to keep, and the ``address`` at which it is typed.

    ``drawing`` leads to its very page; None where no phone could open that.
    """

    code: str
    address: str
    drawing: Drawing | None


def receipt_of_tablet(context: Context, code: str) -> tuple[Receipt, Flips | None]:
    """A code as a tablet shows it that made it without this process, and how it draws the QR code.

    ``code`` stands for it in the screen, and BARS for the drawing.
    """
    shown = receipt_shown(context, "-".join(["0" * GROUP] * (LENGTH // GROUP)))
    if shown.drawing is None:
        return replace(shown, code=code), None
    start = f"{context.settings.deep_link}/c/"
    flips = Flips.of(start, shown.code, ON_SCREEN)
    drawing = Drawing(flips.side + 2 * QUIET_ZONE, BARS)
    return replace(shown, code=code, drawing=drawing), flips


def receipt_shown(context: Context, code: str) -> Receipt:
    """A code as the touch screen shows it."""
    address = f"{context.settings.deep_link}/c"
    public = reach_of(address) != "machine"
    drawing = Drawing.of(f"{address}/{code}", ON_SCREEN) if public else None
    return Receipt(code, address.partition("://")[2], drawing)


class Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    day: date
    text: str


class Followed(BaseModel):
    """What the aggregator tells of a comment; as dashboard/schemas.FollowedJson."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    state: Literal["unread", "received", "assigned", "answered", "closed"]
    number: int | None = None
    received: date | None = None
    due: date | None = None
    answers: tuple[Answer, ...] = ()
    may_reopen: bool = False
    reopened: bool = False
    contact: bool = False
    contact_days: int


@dataclass(frozen=True, kw_only=True)
class FollowPage(Page):
    """What became of the comment of a ``code``; ``told`` is None where that is not known now.

    ``why`` is a key of the catalogue below ``follow``: what was done, or why not. ``typed`` is a
    text that could not be taken, by what it was for.
    """

    code: str
    told: Followed | None
    why: str = ""
    bad: bool = False
    typed: Mapping[str, str] = field(default_factory=dict)

    most = MAX_COMMENT
    most_contact = MOST_CONTACT


@dataclass(frozen=True, kw_only=True)
class FindPage(Page):
    """Where a code is typed; ``typed`` is one that cannot be any."""

    typed: str = ""


async def find(request: Request) -> Response:
    """A field for a code, or on to the page of the one that was typed."""
    typed = request.query_params.get("code", "")
    if code := read_code(typed):
        return redirect(f"/c/{code}")
    page = FindPage(typed=cleaned(typed[:40]))
    return _private(show(request, "find", page, status=422 if typed else 200))


async def follow(request: Request) -> Response:
    """What became of a comment."""
    code = read_code(request.path_params["code"])
    if code is None:
        typed = cleaned(request.path_params["code"][:40])
        return _private(show(request, "find", FindPage(typed=typed), status=404))
    if code != request.path_params["code"]:
        return redirect(f"/c/{code}")
    status, told = await _ask(request, code, "read", "")
    return _shown(request, code, status, told)


async def change(request: Request) -> Response:
    """Reopen the case, or leave or withdraw contact details."""
    code = read_code(request.path_params["code"])
    fields = await read_posted_form(request, {"act", "text"})
    act, text = single_value(fields, "act"), cleaned(optional_value(fields, "text"))
    if code is None or act not in ("reopen", "call", "withdraw"):
        raise BadFormError
    most = MAX_COMMENT if act == "reopen" else MOST_CONTACT
    if act != "withdraw" and not 0 < len(text) <= most:
        _, told = await _ask(request, code, "read", "")
        why = "too_long" if text else "missing"
        return _shown(request, code, 422, told, why, {act: text})
    status, told = await _ask(request, code, act, text)
    if status == 200 and not wants_fragment(request):
        return redirect(f"/c/{code}")
    if status == 409:  # somebody was quicker: what it is now
        _, told = await _ask(request, code, "read", "")
        return _shown(request, code, 409, told, "changed", {act: text})
    return _shown(request, code, status, told, f"did_{act}", {act: text})


async def _ask(request: Request, code: str, act: str, text: str) -> tuple[int, Followed | None]:
    """The aggregator's answer with its status; 503 where there was none of ours."""
    asked = {"receipt": receipt_of(code), "act": act} | ({"text": text} if text else {})
    status, said = await context_of(request).uploader.ask_receipt(asked)
    if status != 200:
        return status if status in (404, 409, 429) else 503, None
    try:
        return 200, Followed.model_validate(said)
    except ValidationError:
        return 503, None


def _shown(
    request: Request,
    code: str,
    status: int,
    told: Followed | None,
    why: str = "",
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The page; where nothing is told its status says why, and what was typed stays."""
    if status in (404, 429, 503):
        why = {404: "unknown", 429: "too_often", 503: "away"}[status]
    bad = status != 200
    page = FollowPage(code=code, told=told, why=why, bad=bad, typed=(typed or {}) if bad else {})
    response = _private(show(request, "follow", page, status=status))
    if status in (429, 503):
        response.headers["retry-after"] = "5"
    return response


def _private(response: Response) -> Response:
    response.headers["cache-control"] = "no-store"
    return response
