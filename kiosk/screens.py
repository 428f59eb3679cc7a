"""Showing a screen: in the layout of the touch screen or of the phone, whole or in part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kiosk.context import context_of, qr_code_of
from kiosk.forms import FormFields
from kiosk.languages import asker_language, on_phone
from kiosk.places import Place
from kiosk.qr_codes import QrCode
from surveys.definition import Survey
from surveys.wire import Refused
from web import wants_fragment


@dataclass(frozen=True, kw_only=True)
class Page:
    """What every screen shows: where it asks, and perhaps a notice, a key of the catalogue.

    After ``idle`` seconds without a touch the start is shown; 0 stands for the setting.
    """

    place: Place = field(default_factory=Place)
    notice: str | None = None
    idle: int = 0


@dataclass(frozen=True, kw_only=True)
class FormPage(Page):
    """Questions of a survey, with what was typed and what is wrong, both by field."""

    survey: Survey
    typed: FormFields = field(default_factory=dict)
    errors: Mapping[str, Refused] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StoredPage(Page):
    """The thanks on a phone for what is stored: a visit or a full survey, by its id.

    ``again`` says that an earlier answer of this visit is the one that was kept. ``receipt`` is the
    code that is given for a comment, or "".
    """

    qr_code: QrCode
    id: UUID
    again: bool
    receipt: str = ""


def show(
    request: Request,
    name: str,
    page: Page,
    *,
    status: int = 200,
    language: str | None = None,
    address: str | None = None,
    layout: str | None = None,
) -> HTMLResponse:
    """The screen of a template name, whole, or its fragment alone to htmx.

    ``address`` is what the browser's address bar should say after a post that htmx answered in
    place. Without a ``layout`` it is that of the phone or of the touch screen, by where the
    request came from.
    """
    language = language or asker_language(request)
    phone = on_phone(request)
    response = context_of(request).pages.render(
        request,
        name,
        {"page": page, "on_phone": phone},
        layout=layout or ("phone.html" if phone else "touch.html"),
        language=language,
        status=status,
    )
    known = {request.cookies.get("lang", "vi"), asker_language(request)}
    if known != {language} or "lang" in request.query_params:
        response.set_cookie("lang", language, samesite="lax", httponly=True)
    if address is not None and wants_fragment(request):
        response.headers["hx-push-url"] = address
    return response


def show_stored(
    request: Request,
    name: str,
    stored_id: UUID,
    *,
    again: bool,
    address: str | None = None,
    receipt: str = "",
) -> Response:
    """The thanks on a phone: ``received`` for a visit, ``finished`` for a full survey."""
    qr_code = qr_code_of(request)
    page = StoredPage(
        place=qr_code.place, qr_code=qr_code, id=stored_id, again=again, receipt=receipt
    )
    return show(request, name, page, address=address)


def keepable(response: Response) -> Response:
    """Let a phone keep a form for Back, also without a network, as it was typed.

    It asks for a new one whenever it can, so what it keeps need not fit other cookies or
    languages: those of the form itself would already be others. Only the phone may keep it.
    """
    response.headers["cache-control"] = "private, no-cache"
    response.headers["vary"] = "HX-Request, HX-Request-Type"
    return response


def redirect(address: str) -> Response:
    """Lead on after a post without JavaScript, so that a reload sends nothing again."""
    return RedirectResponse(address, status_code=303)


def redirect_page(request: Request, address: str) -> Response:
    """Lead to a whole new page, also where htmx would swap only a part of this one."""
    if wants_fragment(request):
        return Response(headers={"hx-redirect": address})
    return redirect(address)
