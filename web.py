"""What both web rooms share below their own floor: pages, fragments, headers, hostile input.

Knows nothing of surveys' content, kiosks or figures.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from surveys.messages import LANGUAGES, Language, Messages, choose_language

ROOT = Path(__file__).parent
STATIC = ROOT / "static"

BODY_SECONDS = 60.0  # a slow phone on a bad network needs far less

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    # same-origin, not no-referrer: with that one a browser posts forms with "Origin: null".
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """Adds the security headers, and no-store to whatever does not say how long it keeps."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)


class OriginCheck:
    """Refuses a state-changing request that another site's page made a browser send."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            headers = Headers(scope=scope)
            if not _same_origin(headers):
                response = PlainTextResponse("Yêu cầu từ trang khác. / Cross-site request.\n", 403)
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _same_origin(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc == headers.get("host", "")
    except ValueError:  # such as an open bracket
        return False


async def _gone(request: Request, error: Exception) -> Response:
    """Whoever asked has left in the middle: nobody hears this, and no log needs it."""
    return Response(status_code=400)


class Application(Starlette):
    """A Starlette with the doors that both rooms share."""

    def __init__(self, *, exception_handlers: Mapping[Any, Any], **options: Any) -> None:
        shared = [Middleware(OriginCheck), Middleware(GZipMiddleware, minimum_size=500)]
        handlers = {ClientDisconnect: _gone, **exception_handlers}
        super().__init__(middleware=shared, exception_handlers=handlers, **options)

    def build_middleware_stack(self) -> ASGIApp:
        # Around everything: Starlette answers what nobody caught outside its middleware.
        return SecurityHeaders(super().build_middleware_stack())


class Assets(StaticFiles):
    """The static folder. A versioned address never changes its content, so it may be kept."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Any:
        response = await super().get_response(path, scope)
        kept = path.startswith("vendor/") or b"v=" in scope.get("query_string", b"")
        lasting = "public, max-age=31536000, immutable"
        response.headers["cache-control"] = lasting if kept else "no-cache"
        return response


async def read_body(request: Request, limit: int) -> bytes:
    """The request's body.

    Raises HTTPException 413 as soon as it passes ``limit`` bytes, 408 where it takes too long.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    return bytes(body)


async def read_form(request: Request, limit: int = 1_048_576) -> dict[str, list[str]]:
    """The fields of a posted form (urlencoded). Raises HTTPException 400, 413 or 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    body = await read_body(request, limit)
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=500, errors="strict")
    except ValueError as error:
        raise HTTPException(400) from error


def language_of(request: Request, *, negotiate: bool = True) -> Language:
    """The asker's language: ``?lang=``, then the cookie ``lang``, then the browser's wish.

    Without ``negotiate`` the browser's wish does not count: the machines of a Vietnamese
    office often speak English by default, and their users do not.
    """
    for wish in (request.query_params.get("lang"), request.cookies.get("lang")):
        if wish in LANGUAGES:
            return wish
    return choose_language(None, request.headers.get("accept-language", "") if negotiate else "")


class Pages:
    """Renders a room's templates: ``name.html`` whole, or its fragment ``_name.html`` to htmx."""

    def __init__(self, templates: Path, messages: Messages, **shared: object) -> None:
        self.messages = messages
        self.environment = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals.update(asset=asset, vendor=vendor, **shared)

    def prepare(self) -> None:
        """Read every template now, so that nobody who asks for a page has to wait for it."""
        for name in self.environment.list_templates(extensions=["html"]):
            self.environment.get_template(name)

    def render(
        self,
        request: Request,
        name: str,
        context: Mapping[str, object],
        *,
        language: Language | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        """The page of a name, or its fragment alone when htmx asks for a part."""
        language = language or language_of(request)
        template = f"_{name}.html" if wants_fragment(request) else f"{name}.html"
        html = self.environment.get_template(template).render(
            context,
            request=request,
            lang=language,
            t=lambda key, **values: self.messages.get(language, key, **values),
        )
        vary = "HX-Request, HX-Request-Type, Cookie, Accept-Language"
        return HTMLResponse(html, status, headers={"vary": vary, "content-language": language})


def wants_fragment(request: Request) -> bool:
    return (
        request.headers.get("hx-request-type") == "partial"
        and "hx-history-restore-request" not in request.headers
    )


@cache
def asset(path: str) -> str:
    """The address of an own static file, with a version that follows its content."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:10]
    return f"/static/{path}?v={digest}"


@cache
def vendor(package: str, file: str) -> str:
    """The address of a browser library's file that the set-up copied from npm."""
    name = package.removesuffix(".org").rpartition("/")[2]
    version = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"][package]
    return f"/static/vendor/{name}-{version}/{file}"
