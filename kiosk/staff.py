"""The staff corner: place, volume, brightness, the outbox with reasons, restart, network."""

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import anyio.to_thread
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk.context import Context, context_of
from kiosk.forms import optional_value, read_posted_form
from kiosk.levels import CHOICES, Name
from kiosk.outbox import OutboxStatus, Row
from kiosk.screens import Page, redirect_page, show
from kiosk.uploader import NOT_ADMITTED

COOKIE = "staff"
LISTED = 20  # refused rows on the screen; the command line has all


@dataclass(frozen=True, kw_only=True)
class PinPage(Page):
    """The question for the PIN; ``wait`` is how many seconds none is looked at."""

    wrong: bool = False
    wait: int = 0


@dataclass(frozen=True, kw_only=True)
class StaffPage(Page):
    """The corner itself. ``network`` is a key below ``staff.network`` once it was tried."""

    outbox: OutboxStatus
    problem: tuple[str, str] | None  # since when, and why as the log has it
    refused: Sequence[Row]
    local: dict[str, str]  # stamps of the outbox as the centre's clock shows them
    by_systemd: bool
    network: str = ""
    network_detail: str = ""
    milliseconds: int = 0
    tested: bool = False
    tone: str = ""  # the name of a text that is read to try the volume
    device: str = ""  # as what the kiosk was enrolled
    may_enrol: bool = False

    @property
    def choices(self) -> Mapping[Name, Sequence[int]]:
        """What each level may be, in per cent."""
        return CHOICES

    @property
    def hindrance(self) -> str:
        """What hinders delivery, as a key below ``staff.hindrance``."""
        reason = self.problem[1] if self.problem else ""
        if NOT_ADMITTED in reason:
            return "token"
        if reason.startswith("OutboxError"):
            return "disk"
        if any(word in reason for word in ("Connect", "Timeout", "Network", "Read", "Write")):
            return "away"
        return "other"


@dataclass(frozen=True, kw_only=True)
class RestartingPage(Page):
    """The screen while this process ends; ``device`` is as what it was just enrolled."""

    device: str = ""


def by_systemd() -> bool:
    """Whether systemd runs this process, and starts it again when it ends."""
    return "INVOCATION_ID" in os.environ


def signed_in(request: Request) -> bool:
    """Whether staff is signed in. Raises HTTPException 404 where no PIN was set."""
    access = context_of(request).staff
    if not access.exists:
        raise HTTPException(404)
    return access.admits(request.cookies.get(COOKIE, ""))


def restarting(request: Request, device: str = "") -> Response:
    """The screen while this process ends, and systemd starts it again."""
    page = RestartingPage(place=context_of(request).place, device=device)
    response = show(request, "staff_restarting", page)
    response.background = BackgroundTask(os.kill, os.getpid(), signal.SIGTERM)
    return response


async def corner(request: Request) -> Response:
    """The corner, or the question for the PIN."""
    if not signed_in(request):
        return show(request, "staff_pin", PinPage(wait=context_of(request).staff.wait()))
    return await show_corner(request)


async def act(request: Request) -> Response:
    """What a button of the corner does; without a session only ``pin`` counts."""
    context, known = context_of(request), signed_in(request)
    fields = await read_posted_form(request, {"pin", "do", *CHOICES})
    if not known:
        return await _enter(request, optional_value(fields, "pin"))
    for name, choices in CHOICES.items():
        chosen = optional_value(fields, name)
        if chosen in {str(one) for one in choices}:
            await anyio.to_thread.run_sync(context.levels.choose, name, int(chosen))
    match optional_value(fields, "do"):
        case "network":
            key, detail, milliseconds = await context.uploader.reach()
            return await show_corner(
                request, network=key, network_detail=detail, milliseconds=milliseconds
            )
        case "restart" if by_systemd():
            return restarting(request)
        case "leave":
            context.staff.leave(request.cookies.get(COOKIE, ""))
            gone = redirect_page(request, "/")
            gone.delete_cookie(COOKIE, path="/")
            return gone
        case _:
            return await show_corner(request)


async def _enter(request: Request, pin: str) -> Response:
    access = context_of(request).staff
    cookie = await anyio.to_thread.run_sync(access.enter, pin)
    if cookie is None:
        return show(request, "staff_pin", PinPage(wrong=True, wait=access.wait()), status=403)
    response = await show_corner(request)
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", path="/")
    return response


async def show_corner(
    request: Request,
    *,
    network: str = "",
    network_detail: str = "",
    milliseconds: int = 0,
    tested: bool = False,
) -> Response:
    """The corner for staff that is signed in; the arguments are as in StaffPage."""
    context = context_of(request)
    status, problem, refused = await anyio.to_thread.run_sync(_read, context)
    stamps = [status.oldest_pending, status.last_delivery, problem[0] if problem else None]
    zone = context.centre.zone
    page = StaffPage(
        place=context.place,
        outbox=status,
        problem=problem,
        refused=refused,
        local={
            stamp: datetime.fromisoformat(stamp).astimezone(zone).strftime("%d/%m/%Y %H:%M")
            for stamp in (*stamps, *(row.added for row in refused))
            if stamp
        },
        by_systemd=by_systemd(),
        network=network,
        network_detail=network_detail,
        milliseconds=milliseconds,
        tested=tested,
        tone=f"{context.rating_survey.id}/rating",
        device=context.enrolment.name if context.enrolment else "",
        may_enrol=not context.settings.device_token.get_secret_value(),
    )
    return show(request, "staff", page)


def _read(context: Context) -> tuple[OutboxStatus, tuple[str, str] | None, list[Row]]:
    outbox = context.outbox
    return outbox.status(), outbox.problem(), outbox.refused()[:LISTED]
