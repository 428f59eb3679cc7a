"""The people who may sign in: invited by a link, changed, signed out, disabled, removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.accounts import AccountError
from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import MAY_MANAGE, needs, open_to
from aggregator.dashboard.sign_in import FORM_LIMIT, NAME_LIMIT, PASSWORD_LIMIT, enter
from aggregator.storage.audit import Entry
from aggregator.storage.credentials import OF_CENTRES, LastAdministratorError, Role
from aggregator.storage.tables import Token, User
from surveys.text import cleaned, composed
from web import read_form, under

Form = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class AccountsPage:
    """All accounts, and the invitations that wait, of those whom the reader may manage.

    ``link`` is a new link for ``named``, shown this once; ``error`` is why nothing was changed.
    """

    accounts: Sequence[User]
    invitations: Sequence[Token]
    roles: Sequence[Role]
    link: str = ""
    named: str = ""
    error: AccountError | None = None
    given: Form | None = None


@dataclass(frozen=True, kw_only=True)
class InvitationPage:
    """The form for name and password of a new account; without ``invited`` the link is spent."""

    invited: Token | None
    name: str = ""
    error: AccountError | None = None


@needs("accounts")
async def accounts(request: Request) -> Response:
    """The list with its forms; a posted form changes one account or invites somebody."""
    context, user = context_of(request), request.state.user
    if request.method != "POST":
        return render(request, "accounts", await run_in_threadpool(_page, context, user))
    form = await _fields(request)
    try:
        link = await run_in_threadpool(_act, context, user, form)
    except AccountError as error:
        build = partial(_page, context, user, error=error, given=form)
        return render(request, "accounts", await run_in_threadpool(build), status=422)
    if link is None:
        return RedirectResponse(under(request, "/accounts"), 303)
    build = partial(_page, context, user, link=link, named=form["name"])
    return render(request, "accounts", await run_in_threadpool(build))


def _managed(context: Context, user: User) -> tuple[Role, ...]:
    """The roles of the accounts that a user may make and change."""
    within = MAY_MANAGE[user.role]  # type: ignore[index]
    return tuple(role for role in within if not (context.is_province and role in OF_CENTRES))


def _page(context: Context, user: User, **more: object) -> AccountsPage:
    within = _managed(context, user)
    credentials = context.store.credentials
    invitations = credentials.invitations(context.clock())
    return AccountsPage(
        accounts=credentials.users(),
        invitations=[one for one in invitations if one.role in within],
        roles=within,
        **more,  # type: ignore[arg-type]
    )


def _act(context: Context, user: User, form: Form) -> str | None:
    """Do what a form asks for; returns a link to show once, where there is one.

    Only accounts with a role that the user may manage are changed, which is looked at in the
    transaction of the change. Raises AccountError and HTTPException.
    """
    action, name = form.get("action", ""), form.get("name", "")
    within = _managed(context, user)
    people, credentials = context.accounts, context.store.credentials

    def told(event: str, **values: str) -> Entry:
        return Entry(context.clock(), user.name, f"account.{event}", {"name": name, **values})

    if action in ("invite", "role"):
        role = next((one for one in within if one == form.get("role")), None)
        department = (form.get("department") or None) if role == "head" else None
        if role is None or (department and department not in context.centre.department):
            raise HTTPException(400, "unknown_choice")
        if role == "head" and department is None:
            raise AccountError("head_of_what")
        if action == "invite":
            return people.invite(name, role, department, context.settings.address, user.name)
    before = credentials.user(name)
    if action == "withdraw":
        credentials.withdraw(form.get("invitation", ""), told("withdrawn"), within=within)
        return None
    if before is None or before.role not in within:
        raise AccountError("unknown_name", name=name)
    try:
        if action == "role":
            new = told("role", former=before.role, role=str(role))
            done = credentials.change_user(
                name, new, within=within, role=role, department=department
            )
        elif action in ("disabled", "enabled"):
            done = credentials.change_user(
                name, told(action), within=within, disabled=action == "disabled"
            )
        elif action == "signed_out":
            done = credentials.change_user(name, told(action), within=within)
        elif action == "reset":
            done = credentials.change_user(name, told(action), within=within, password_hash=None)
            if done:
                return people.new_link(name, context.settings.address, user.name)
        elif action == "removed":
            done = credentials.remove_user(name, told(action), within=within)
        else:
            raise HTTPException(400, "unknown_choice")
    except LastAdministratorError:
        raise AccountError("last_administrator") from None
    if not done:
        raise AccountError("unknown_name", name=name)
    return None


@open_to("anyone")
async def invitation(request: Request) -> Response:
    """Who was invited chooses name and password; the link works once, and not by looking at it."""
    people, secret = context_of(request).accounts, request.path_params["secret"]
    invited = await run_in_threadpool(people.invitation, secret)
    if invited is None:
        return render(request, "invitation", InvitationPage(invited=None), status=403)
    if request.method != "POST":
        return render(request, "invitation", InvitationPage(invited=invited, name=invited.name))
    form = await _fields(request)
    name, password = form.get("name", ""), form.get("password", "")
    try:
        if password != form.get("again"):
            raise AccountError("passwords_differ")
        entered = await people.accept(secret, name, password)
    except AccountError as error:
        page = InvitationPage(invited=invited, name=name, error=error)
        return render(request, "invitation", page, status=422)
    if entered is None:  # somebody was faster
        return render(request, "invitation", InvitationPage(invited=None), status=403)
    return enter(request, entered, under(request, "/"))


@needs("self")
async def sign_out_everywhere(request: Request) -> Response:
    """End every session of one's own, this one too, and forget the browsers that were known."""
    context, user = context_of(request), request.state.user
    new = Entry(context.clock(), user.name, "account.signed_out", {"name": user.name})
    await run_in_threadpool(context.store.credentials.change_user, user.name, new)
    return RedirectResponse(under(request, "/sign-in"), 303)


async def _fields(request: Request) -> dict[str, str]:
    """The first value of each field; names as they are stored."""
    form = await read_form(request, limit=FORM_LIMIT)
    fields = {field: values[0][:PASSWORD_LIMIT] for field, values in form.items()}
    # One character more than a name may have: it is refused, not cut.
    fields["name"] = composed(fields.get("name", ""))[: NAME_LIMIT + 1].strip()
    if fields.get("action") == "invite":
        fields["name"] = cleaned(fields["name"])
    return fields
