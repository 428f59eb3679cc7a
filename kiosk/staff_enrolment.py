"""The screen of the staff corner on which a kiosk enrols by a code of the managers' page."""

from dataclasses import dataclass

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kiosk import enrolment
from kiosk.context import Context, context_of
from kiosk.enrolment import EnrolmentError
from kiosk.forms import optional_value, read_posted_form
from kiosk.screens import Page, redirect_page, show
from kiosk.staff import by_systemd, restarting, signed_in

LONGEST = 200  # characters of an address


@dataclass(frozen=True, kw_only=True)
class EnrolPage(Page):
    """The form for address and code; or what the kiosk was enrolled as, once it was."""

    address: str
    error: EnrolmentError | None = None
    device: str = ""


def _admitted(request: Request) -> bool:
    """Whether staff is signed in. Raises HTTPException 404 where the settings have a token."""
    known = signed_in(request)
    if context_of(request).settings.device_token.get_secret_value():
        raise HTTPException(404)
    return known


async def form(request: Request) -> Response:
    """The form for address and code."""
    context = context_of(request)
    if not _admitted(request):
        return redirect_page(request, "/staff")
    page = EnrolPage(place=context.place, address=_known_address(context))
    return show(request, "staff_enrol", page)


async def enrol(request: Request) -> Response:
    """Enrol, then end this process where systemd starts it again: by the new token and place."""
    context = context_of(request)
    fields = await read_posted_form(request, {"address", "code"})
    if not _admitted(request):
        return redirect_page(request, "/staff")
    address = optional_value(fields, "address")[:LONGEST]
    code = optional_value(fields, "code")[:LONGEST]
    settings = context.settings
    try:
        found = await anyio.to_thread.run_sync(
            enrolment.enrol, settings.aggregator_url, code, settings.enrolment_file, address
        )
    except EnrolmentError as error:
        page = EnrolPage(place=context.place, address=address, error=error)
        return show(request, "staff_enrol", page, status=422)
    if by_systemd():
        return restarting(request, found.name)
    page = EnrolPage(place=context.place, address="", device=found.name)
    return show(request, "staff_enrol", page)


def _known_address(context: Context) -> str:
    found = context.enrolment
    return (found and found.aggregator) or context.settings.aggregator_url
