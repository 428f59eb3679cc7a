"""The door in front of the manager's pages: signing in and out, one's own password."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.accounts import LOCKOUT, MAX_FAILURES, SESSION, AccountError
from aggregator.dashboard.context import context_of
from aggregator.dashboard.pages import render
from web import read_form, wants_fragment

COOKIE = "hailong_session"
Handler = Callable[[Request], Awaitable[Response]]


def signed_in(handler: Handler) -> Handler:
    """Lets signed-in people through; sends the others to the door and back.

    The handler's store is a snapshot: all figures of its page are of one moment.
    """

    @wraps(handler)
    async def guarded(request: Request) -> Response:
        context = context_of(request)
        secret = request.cookies.get(COOKIE, "")
        user = await run_in_threadpool(context.accounts.user_of, secret) if secret else None
        if user is not None:
            request.state.user = user
            request.state.context = replace(context, store=context.store.snapshot())
            try:
                return await handler(request)
            finally:
                # What a template was given, the request too, stays until garbage is collected:
                # all that was read for the page need not.
                del request.state.context
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        door = f"/sign-in?{urlencode({'next': back})}"
        if wants_fragment(request):
            return Response(status_code=401, headers={"hx-redirect": door})
        return RedirectResponse(door, 303)

    return guarded


async def sign_in(request: Request) -> Response:
    """Ask for name and password, check them, and go where the asker wanted to go."""
    if request.method == "GET":
        changed = "changed" in request.query_params
        values = {"next": _next(request.query_params.get("next")), "changed": changed}
        return render(request, "sign_in", values)
    form = await read_form(request, limit=16_384)
    name, password = (form.get(field, [""])[0] for field in ("name", "password"))
    where = _next(form.get("next", [""])[0])
    accounts = context_of(request).accounts
    session = await accounts.in_turn(accounts.sign_in, name[:64], password[:1_000])
    if session is None:
        values = {"next": where, "name": name[:64], **_failed(accounts.rests(name[:64]))}
        return render(request, "sign_in", values, status=403)
    return _enter(request, session, where)


async def sign_in_by_link(request: Request) -> Response:
    """A link from the command line; it works once."""
    if request.method == "HEAD":  # a preview must not use the link up
        return Response()
    accounts, secret = context_of(request).accounts, request.path_params["secret"]
    session = await run_in_threadpool(accounts.sign_in_by_link, secret)
    if session is None:
        return render(request, "sign_in", {"next": "/", "error": "sign_in.spent"}, status=403)
    return _enter(request, session, "/")


def _failed(rests: bool) -> dict[str, Any]:
    """What to say after a wrong password: the same for names that nobody has."""
    minutes = int(LOCKOUT.total_seconds() // 60)
    return {
        "error": "sign_in.rests" if rests else "sign_in.failed",
        "limits": {"failures": MAX_FAILURES, "minutes": minutes},
    }


def _enter(request: Request, session: str, where: str) -> Response:
    response = RedirectResponse(where, 303)
    response.set_cookie(
        COOKIE,
        session,
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=context_of(request).settings.secure_cookies,
    )
    return response


def _next(wish: str | None) -> str:
    """Where to go after the door: only a path of our own."""
    own = wish and wish.startswith("/") and not wish.startswith(("//", "/\\", "/sign-"))
    return wish if own and wish else "/"


async def sign_out(request: Request) -> Response:
    secret = request.cookies.get(COOKIE, "")
    await run_in_threadpool(context_of(request).accounts.sign_out, secret)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE)
    return response


@signed_in
async def account(request: Request) -> Response:
    """Set one's password; whoever has one already proves to know it."""
    if request.method == "GET":
        return render(request, "account", {})
    form = await read_form(request, limit=16_384)
    password, again = (form.get(field, [""])[0] for field in ("password", "again"))
    if password != again:
        return render(request, "account", {"error": "account.differ"}, status=422)
    accounts, user = context_of(request).accounts, request.state.user
    if user.password_hash:
        present = form.get("present", [""])[0]
        if not await accounts.in_turn(accounts.knows, user.name, present[:1_000]):
            values = _failed(accounts.rests(user.name))
            if values["error"] == "sign_in.failed":
                values["error"] = "account.wrong"
            return render(request, "account", values, status=403)
    try:
        await accounts.in_turn(accounts.set_password, user.name, password)
    except AccountError:
        return render(request, "account", {"error": "account.short"}, status=422)
    return RedirectResponse("/sign-in?changed", 303)
