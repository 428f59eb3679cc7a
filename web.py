"""What the web sides of kiosk and aggregator share: pages, fragments, headers, bounds on input.

Knows nothing of surveys, kiosks or figures.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any
from urllib.parse import parse_qs

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hosts import asked_host
from surveys.messages import LANGUAGES, Language, Messages, choose_language

ROOT = Path(__file__).parent
STATIC = ROOT / "static"

BODY_SECONDS = 60.0  # a slow phone on a bad network needs far less
FORM_LIMIT = 65_536  # bytes: twice what the longest survey and comment take

UNKNOWN_HOST = (
    "Máy chủ này không có tên như vậy (HAILONG_ALLOWED_HOSTS).\n"
    "This server does not go by that name (HAILONG_ALLOWED_HOSTS).\n"
)
CROSS_SITE = "Yêu cầu từ trang khác. / Cross-site request.\n"

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; worker-src 'self'; manifest-src 'self'"
    ),
    "x-content-type-options": "nosniff",
    # same-origin, not no-referrer: with no-referrer a browser posts forms with "Origin: null".
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


ROOT_PATH = "hailong.root_path"  # in a request's scope, where the application is mounted
# As browsers write them: RFC 7578, and RFC 2046 of the boundary.
MULTIPART = re.compile(
    r"multipart/form-data\s*;\s*boundary=\"?([0-9A-Za-z'()+_,./:=?-]{1,70})\"?\s*", re.IGNORECASE
)
PART_NAME = re.compile(
    rb'^content-disposition:\s*form-data\s*;[^\r\n]*?\bname="([^"\r\n]*)"',
    re.IGNORECASE | re.MULTILINE,
)
FILE_NAME = re.compile(
    rb'^content-disposition:\s*form-data\s*;[^\r\n]*?\bfilename="([^"\r\n]*)"',
    re.IGNORECASE | re.MULTILINE,
)

LOOPBACK = ("localhost", "127.0.0.1", "::1")
COMPRESSED_FROM = 500  # bytes

_ALWAYS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_ALWAYS.append((b"cache-control", b"no-store"))  # unless an answer says how long it may be kept


class Guard:
    """Checks each request to an application, and completes each answer.

    A request must be addressed to one of our hosts, or a stranger's page could reach us under
    its own name (DNS rebinding) and redirects would lead where the sender wants. It must not
    change anything for another site's page. An answer gets the security headers, no-store
    where it does not say how long it may be kept, and with 405 the methods that are allowed.

    All in one layer, because every request pays for each layer.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, minimum_size=COMPRESSED_FROM)
        self._hosts = {*LOOPBACK, *hosts}
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Starlette changes root_path of the scope for a path of its static files.
        scope[ROOT_PATH] = scope.get("root_path", "")
        # Of two headers of one name the first counts, as for Starlette.
        headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

        async def send_completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._complete(message, scope)
            await send(message)

        answer: ASGIApp | None = self._refusal(scope, headers)
        if answer is None:
            # For a GET it also adds "Vary: accept-encoding", without which caches mix answers up.
            packs = scope["method"] == "GET" or b"gzip" in headers.get(b"accept-encoding", b"")
            answer = self._compressing if packs else self._app
        await answer(scope, receive, send_completed)

    def _refusal(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Response | None:
        host, server = asked_host(headers.get(b"host", b"")), scope.get("server")
        # The address that the connection came to is this machine's own, in whatever network.
        if host not in self._hosts and (host is None or server is None or host != server[0]):
            return PlainTextResponse(UNKNOWN_HOST, 400)
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and not _same_origin(headers):
            return PlainTextResponse(CROSS_SITE, 403)
        return None

    def _complete(self, message: Message, scope: Scope) -> None:
        headers: list[tuple[bytes, bytes]] = message["headers"]
        present = {name for name, _ in headers}
        headers += [header for header in _ALWAYS if header[0] not in present]
        if message["status"] == 405:
            allowed = (b"allow", _methods(self._routes, scope).encode())
            headers[:] = [*(header for header in headers if header[0] != b"allow"), allowed]


def _same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the headers of a browser name our own page as sender, or there are none."""
    if headers.get(b"sec-fetch-site", b"none") not in (b"same-origin", b"none"):
        return False
    origin = headers.get(b"origin")
    return origin is None or origin.partition(b"://")[2] == headers[b"host"]


def _methods(routes: Sequence[BaseRoute], asked: Scope) -> str:
    """What an Allow header says of a path: the methods of all routes that match it."""
    scope = {**asked, "method": "", "root_path": asked[ROOT_PATH]}
    matching = [route for route in routes if route.matches(scope)[0] is not Match.NONE]
    methods = [getattr(route, "methods", None) or {"GET", "HEAD"} for route in matching]
    return ", ".join(sorted(set().union(*methods)))


async def _client_left(request: Request, error: Exception) -> Response:
    """End a request whose client closed the connection before all of it had come.

    The answer is not sent. Without this handler the server would log an error of its own.
    """
    return Response(status_code=400)


class Application(Starlette):
    """A Starlette application inside a Guard.

    ``hosts``: names and addresses by which it may be addressed, besides the loopback's and
    the address a connection comes to.
    """

    def __init__(
        self,
        *,
        exception_handlers: Mapping[Any, Any],
        hosts: Collection[str] = (),
        **options: Any,
    ) -> None:
        handlers = {ClientDisconnect: _client_left, **exception_handlers}
        self._hosts = hosts
        super().__init__(exception_handlers=handlers, **options)

    def build_middleware_stack(self) -> ASGIApp:
        # Outermost: Starlette answers uncaught errors outside the middleware that it is given.
        return Guard(super().build_middleware_stack(), self._hosts, self.routes)


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
    """The request's body, of at most ``limit`` bytes.

    Raises HTTPException 413 for a larger one, before it has come where its length is announced,
    and 408 for one that takes longer than BODY_SECONDS.
    """
    try:
        announced = int(request.headers.get("content-length", ""))
    except ValueError:  # no length, or none that anyone could read
        announced = 0
    if announced > limit:
        raise HTTPException(413)
    # Mostly the first message is all of it. Only for further ones a timer is set here: for the
    # first one the connection has a timer (serving.py).
    body, more = _chunk(await request.receive())
    if not more and len(body) <= limit:
        return body
    parts = [body]
    size = len(body)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while size <= limit and more:
                body, more = _chunk(await request.receive())
                parts.append(body)
                size += len(body)
    except TimeoutError:
        raise HTTPException(408) from None
    if size > limit:
        raise HTTPException(413)
    return b"".join(parts)


def _chunk(message: Message) -> tuple[bytes, bool]:
    """What came of a body, and whether more will. Raises ClientDisconnect."""
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


async def read_form(
    request: Request, limit: int = FORM_LIMIT, most: int = 500
) -> dict[str, list[str]]:
    """The fields of a posted form (urlencoded), at most so many of ``limit`` bytes together.

    Raises HTTPException 400, 408, 413 or 415.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    body = await read_body(request, limit)
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=most, errors="strict")
    except ValueError as error:
        raise HTTPException(400) from error


async def read_parts(request: Request, limit: int) -> dict[str, bytes]:
    """The first content of each field of a posted form with files (multipart/form-data).

    What a file is called stands under its field's name with ``.filename`` after it.

    Not Starlette's parser: it takes a body that was cut off for a whole one, and writes files.

    Raises HTTPException 400, 408, 413 or 415.
    """
    kind = MULTIPART.fullmatch(request.headers.get("content-type", ""))
    if kind is None:
        raise HTTPException(415)
    body = b"\r\n" + await read_body(request, limit)
    found: dict[str, bytes] = {}
    try:
        before, *parts, after = body.split(b"\r\n--" + kind[1].encode())
        if before or not after.startswith(b"--"):
            raise ValueError("not whole")
        for part in parts:
            head, _, content = part.partition(b"\r\n\r\n")
            if (name := PART_NAME.search(head)) is None:
                raise ValueError("a part without a name")
            found.setdefault(name[1].decode(), content)
            if file := FILE_NAME.search(head):
                found.setdefault(f"{name[1].decode()}.filename", file[1])
    except ValueError as error:
        raise HTTPException(400) from error
    return found


def language_of(request: Request, *, negotiate: bool = True) -> Language:
    """The reader's language: ``?lang=``, then the cookie ``lang``, then the browser's wish.

    Without ``negotiate`` the browser's wish does not count: the machines of a Vietnamese
    office often speak English by default, and their users do not.
    """
    wish = request.headers.get("accept-language", "") if negotiate else ""
    return choose_language(asked_language(request, LANGUAGES), wish)


def asked_language(request: Request, known: Collection[str]) -> str | None:
    """The one of the ``known`` languages that ``?lang=`` names, or the cookie ``lang``, if any."""
    # Machines have neither: for them nothing is parsed.
    query = request.query_params.get("lang") if request.scope["query_string"] else None
    cookie = request.cookies.get("lang") if "cookie" in request.headers else None
    return next((wish for wish in (query, cookie) if wish in known), None)


def root_of(request: Request) -> str:
    """The path under which the application is mounted, such as ``/lai_chau``; mostly ``""``."""
    root: str = request.scope.get(ROOT_PATH, "")
    return root


def under(request: Request, path: str) -> str:
    """The address of one of the application's own paths, wherever it is mounted."""
    return root_of(request) + path


def path_of(request: Request) -> str:
    """The path that was asked for, as the application's routes name it."""
    return request.url.path.removeprefix(root_of(request))


class _Compiled(BytecodeCache):
    """Compiled templates by file and content, which the applications of one process share."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


COMPILED = _Compiled()


class Pages:
    """Renders a room's pages: a layout around a fragment, or the fragment alone to htmx.

    The template ``_name.html`` is a fragment. What it sets at its top, such as its title, the
    layout reads as ``fragment.title``; where it prints ``fragment`` the fragment itself stands.
    ``shared`` is known to every template, and so is ``root``: paths of our own begin with it.
    """

    def __init__(self, templates: Path, messages: Messages, **shared: object) -> None:
        self.messages = messages
        self.environment = Environment(
            loader=FileSystemLoader(templates),
            bytecode_cache=COMPILED,
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
        values: Mapping[str, object],
        *,
        layout: str = "base.html",
        language: str | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        """The page of a fragment's name with what it shows, or the fragment alone to htmx."""
        language = language or language_of(request)
        known = {
            **values,
            "request": request,
            "root": root_of(request),
            "lang": language,
            "t": lambda key, **places: self.messages.get(language, key, **places),
        }
        fragment = self.environment.get_template(f"_{name}.html").make_module(known)
        html = str(fragment)
        if not wants_fragment(request):
            html = self.environment.get_template(layout).render(known, fragment=fragment)
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
