"""To the OpenID Connect provider and back: to sign in, to accept an invitation, to be bound."""

import hmac
import secrets
from urllib.parse import parse_qs, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.accounts import ATTEMPT, AccountError, SignedIn
from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.oidc import Attempt, OidcError, Provider
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import cookie_of, open_to
from aggregator.dashboard.sign_in import SignInPage, enter, own_path
from web import under

PATH = "/oidc"
KEPT = "hailong_oidc"  # the cookie of an attempt


@open_to("anyone")
async def start(request: Request) -> Response:
    """Send the browser to the provider.

    ``next`` is where to go afterwards, ``invitation`` the secret of one to accept; with
    ``bind`` the account that is signed in here will sign in that way, too.
    """
    context = context_of(request)
    provider = _provider(context)
    secret = secrets.token_urlsafe(32)
    given = request.query_params
    kept = {"secret": secret, "next": own_path(request, given.get("next"))}
    kept |= {name: given[name][:100] for name in ("invitation", "bind") if given.get(name)}
    try:
        address = await provider.address(Attempt(secret))
    except OidcError as error:
        return render(request, "sign_in", SignInPage(error.message), status=502)
    response = RedirectResponse(address, 303)
    response.set_cookie(
        KEPT,
        urlencode(kept),
        path=under(request, PATH),
        max_age=int(ATTEMPT.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=context.settings.secure_cookies,
    )
    return response


@open_to("anyone")
async def callback(request: Request) -> Response:
    """Where the provider sends the browser back to, with a code for the ID token."""
    context = context_of(request)
    provider = _provider(context)
    kept = {name: values[0] for name, values in parse_qs(request.cookies.get(KEPT, "")).items()}
    attempt = Attempt(kept.get("secret", ""))
    try:
        given = request.query_params
        same = hmac.compare_digest(given.get("state", "").encode(), attempt.state.encode())
        if not same or await run_in_threadpool(context.accounts.is_used, attempt.secret):
            raise OidcError("replayed")
        if not given.get("code"):
            raise OidcError("refused")
        identity = await provider.identity(attempt, given["code"])
        # Each attempt works once, whoever comes back with it.
        if not await run_in_threadpool(context.accounts.use_up, attempt.secret):
            raise OidcError("replayed")
        entered = await run_in_threadpool(_entered, request, context, kept, identity)
    except OidcError as error:
        response = render(request, "sign_in", SignInPage(error.message), status=403)
    else:
        response = RedirectResponse(under(request, "/account"), 303)
        if entered is not None:
            response = enter(request, entered, own_path(request, kept.get("next")))
    response.delete_cookie(KEPT, path=under(request, PATH))
    return response


def _entered(
    request: Request, context: Context, kept: dict[str, str], identity: str
) -> SignedIn | None:
    """Whom the identity signs in; None where it was bound to who is signed in already.

    An identity that nobody was bound to enters by an invitation alone: neither a name nor an
    e-mail address that the provider tells makes or opens an account. Raises OidcError.
    """
    accounts = context.accounts
    if "bind" in kept:
        user = accounts.user_of(request.cookies.get(cookie_of(context), ""))
        if user is None:
            raise OidcError("replayed")
        try:
            accounts.bind(user.name, identity)
        except AccountError:
            raise OidcError("bound_already") from None
        return None
    if "invitation" in kept:
        try:
            entered = accounts.accept_identity(kept["invitation"], identity)
        except AccountError as error:
            raise OidcError(
                "name_taken" if error.key == "name_taken" else "bound_already"
            ) from None
    else:
        entered = accounts.sign_in_identity(identity)
    if entered is None:
        raise OidcError("unknown")
    return entered


def _provider(context: Context) -> Provider:
    if not context.settings.oidc_issuer:
        raise HTTPException(404)
    return Provider(context.settings, context.clock)
