"""The pages by which managers sign in and out and set their password."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.accounts import BROWSER, SESSION, AccountError, RefusedError, SignedIn
from aggregator.dashboard.context import context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import cookie_of, needs, open_to
from surveys.text import composed
from web import read_form, root_of, under

FORM_LIMIT = 16_384  # bytes
NAME_LIMIT, PASSWORD_LIMIT = 64, 1_000  # characters; no account has a longer one


@dataclass(frozen=True)
class AccountPage:
    """The form for a new password: why the last try failed, and for how long to wait.

    ``error`` is a key of the message catalogue, or empty; ``wait`` is in seconds.
    """

    error: str = ""
    wait: int = 0


@dataclass(frozen=True)
class SignInPage(AccountPage):
    """The form for name and password, and the path to lead to once they are right.

    ``changed`` says that a new password has just been set.
    """

    next: str = "/"
    name: str = ""
    changed: bool = False


@open_to("anyone")
async def sign_in(request: Request) -> Response:
    """The form for name and password; when posted, check them and go to the page asked for."""
    if request.method == "GET":
        target = own_path(request, request.query_params.get("next"))
        page = SignInPage(next=target, changed="changed" in request.query_params)
        return render(request, "sign_in", page)
    form = await read_form(request, limit=FORM_LIMIT)
    name = composed(form.get("name", [""])[0])[:NAME_LIMIT]
    password = form.get("password", [""])[0][:PASSWORD_LIMIT]
    target = own_path(request, form.get("next", [""])[0])
    accounts = context_of(request).accounts
    try:
        entered = await accounts.sign_in(name, password, *_client(request, name))
    except RefusedError as refused:
        page = SignInPage(_reason(refused, "sign_in.failed"), refused.wait, target, name)
        response = _refused(request, "sign_in", page, refused)
        if refused.checked:
            response.background = BackgroundTask(accounts.record_failure, name)
        return response
    return enter(request, entered, target)


@open_to("anyone")
async def sign_in_by_link(request: Request) -> Response:
    """Sign in by a link from the command line, which works once."""
    if request.method == "HEAD":  # a preview must not use the link up
        return Response()
    accounts, secret = context_of(request).accounts, request.path_params["secret"]
    entered = await run_in_threadpool(accounts.sign_in_by_link, secret)
    if entered is None:
        return render(request, "sign_in", SignInPage("sign_in.spent"), status=403)
    return enter(request, entered, under(request, "/"))


@open_to("anyone")
async def sign_out(request: Request) -> Response:
    """End the session, on the server and in the browser."""
    cookie = cookie_of(context_of(request))
    secret = request.cookies.get(cookie, "")
    await run_in_threadpool(context_of(request).accounts.sign_out, secret)
    response = RedirectResponse(under(request, "/sign-in"), 303)
    response.delete_cookie(cookie, path=under(request, "/"))
    return response


@needs("self")
async def account(request: Request) -> Response:
    """The form for a new password; who has a password already must give it as well."""
    if request.method == "GET":
        return render(request, "account", AccountPage())
    form = await read_form(request, limit=FORM_LIMIT)
    password, again = (form.get(field, [""])[0] for field in ("password", "again"))
    if password != again:
        return render(request, "account", AccountPage("account.differ"), status=422)
    accounts, user = context_of(request).accounts, request.state.user
    try:
        if user.password_hash:
            present = form.get("present", [""])[0][:PASSWORD_LIMIT]
            await accounts.check_password(user.name, present, *_client(request, user.name))
        browser = await accounts.change_password(user.name, password)
    except RefusedError as refused:
        page = AccountPage(_reason(refused, "account.wrong"), refused.wait)
        return _refused(request, "account", page, refused)
    except AccountError:
        return render(request, "account", AccountPage("account.short"), status=422)
    response = RedirectResponse(under(request, "/sign-in?changed"), 303)
    _keep(request, response, _browser_cookie(request, user.name), browser, BROWSER)
    return response


def _client(request: Request, name: str) -> tuple[str, str | None]:
    """The client's address, and the secret of a known browser: wrong passwords count by both.

    The address is kept for some minutes, as a hash, in memory or on PostgreSQL. Behind a proxy
    on this machine it is the one that the proxy names.
    """
    address = request.client.host if request.client else ""
    return address, request.cookies.get(_browser_cookie(request, name))


def _browser_cookie(request: Request, name: str) -> str:
    """The cookie by which a browser is known to an account: one for each of its accounts.

    A browser sends the province's to each centre, too, so they have other names there.
    """
    account = (root_of(request) + name).encode("utf-8", "replace")
    return f"hailong_browser_{hashlib.sha256(account).hexdigest()[:16]}"


def _reason(refused: RefusedError, wrong: str) -> str:
    """The key of a message: ``wrong``, or that the password was not checked."""
    return wrong if refused.checked else "sign_in.unchecked"


def _refused(request: Request, name: str, page: AccountPage, refused: RefusedError) -> Response:
    """The form again with the reason. It is the same for names that no account has."""
    response = render(request, name, page, status=403 if refused.checked else 429)
    if refused.wait:
        response.headers["retry-after"] = str(refused.wait)
    return response


def enter(request: Request, entered: SignedIn, target: str) -> Response:
    """Redirect a browser in which somebody has just signed in, with its cookies set."""
    if target == under(request, "/"):
        target = under(request, context_of(request).first_page)
    response = RedirectResponse(target, 303)
    _keep(request, response, _browser_cookie(request, entered.name), entered.browser, BROWSER)
    _keep(request, response, cookie_of(context_of(request)), entered.session, SESSION)
    return response


def _keep(request: Request, response: Response, cookie: str, secret: str, lasts: timedelta) -> None:
    """Set a cookie that holds a secret, which scripts and other sites cannot read."""
    response.set_cookie(
        cookie,
        secret,
        max_age=int(lasts.total_seconds()),
        path=under(request, "/"),
        httponly=True,
        samesite="lax",
        secure=context_of(request).settings.secure_cookies,
    )


def own_path(request: Request, wish: str | None) -> str:
    """The path to go to after signing in: ``wish`` if it is one of ours, else the tally."""
    home = under(request, "/")
    elsewhere = ("//", "/\\", f"{home}/", f"{home}\\", f"{home}sign-")
    return wish if wish and wish.startswith(home) and not wish.startswith(elsewhere) else home
