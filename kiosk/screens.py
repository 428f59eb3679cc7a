"""Showing a screen: in the layout of the touch screen or of the phone, whole or in part."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kiosk.context import context_of
from kiosk.languages import asker_language, on_phone
from surveys.messages import Language
from web import wants_fragment


def show(
    request: Request,
    name: str,
    values: Mapping[str, object] | None = None,
    *,
    status: int = 200,
    language: Language | None = None,
    address: str | None = None,
    layout: str | None = None,
) -> HTMLResponse:
    """The screen of a template name, whole, or its fragment alone to htmx.

    ``values`` are what the template shows. ``address`` is what the browser's address bar should
    say after a post that htmx answered in place. Without a ``layout`` it is that of the phone or
    of the touch screen, by where the request came from.
    """
    language = language or asker_language(request)
    asker = "phone" if on_phone(request) else "touch"
    defaults: dict[str, object] = {
        "frame": f"_{asker}.html",
        "place": None,
        "home": "/",
        "errors": {},
    }
    response = context_of(request).pages.render(
        request,
        name,
        {**defaults, **(values or {})},
        layout=layout or f"{asker}.html",
        language=language,
        status=status,
    )
    if request.cookies.get("lang", "vi") != language or "lang" in request.query_params:
        response.set_cookie("lang", language, samesite="lax", httponly=True)
    if address is not None and wants_fragment(request):
        response.headers["hx-push-url"] = address
    return response


def redirect(address: str) -> Response:
    """Lead on after a post without JavaScript, so that a reload sends nothing again."""
    return RedirectResponse(address, status_code=303)


def redirect_page(request: Request, address: str) -> Response:
    """Lead to a whole new page, also where htmx would swap only a part of this one."""
    if wants_fragment(request):
        return Response(headers={"hx-redirect": address})
    return redirect(address)
