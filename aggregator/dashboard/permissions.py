"""What each role may do: one table, and the marks by which every route says what it needs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Literal, get_args
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.accounts import VISITOR
from aggregator.dashboard.context import Context, context_of
from aggregator.organisation.seen import counters_at
from aggregator.storage.credentials import OF_CENTRES, ROLES, Role
from aggregator.storage.tables import User
from surveys.centre import Centre
from web import path_of, under, wants_fragment

Permission = Literal[
    "figures",  # every figure of the centre, and its reports
    "department",  # figures of a department; to a head those of the own one alone
    "comments",  # what people wrote, masked; to a head that of the own department
    "moderate",  # hide comments from the public, and unmask one
    "answers",  # single answers, and tags on comments; to a head those of the own department
    "reports",  # write into reports, and issue them
    "cases",  # enter, assign and close cases, and read contact details
    "officials",  # how officials are rated; to a head those of the own department
    "organisation",  # change departments, counters and settings of the centre
    "ballots",  # print ballots and type them
    "devices",  # enrol and revoke devices
    "references",  # change published figures and margins
    "surveys",  # change surveys
    "alerts",  # look at alerts
    "accounts",  # invite, change and remove those of the roles in MAY_MANAGE
    "audit",  # read the audit log
    "self",  # one's own account
]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
# What needs no session: a page for anybody, or an address that looks at a token by itself.
Open = Literal["anyone", "device_token", "reader_token", "one_stop_token"]

MAY: Mapping[Role, frozenset[Permission]] = {
    "administrator": frozenset(PERMISSIONS),
    "manager": frozenset(PERMISSIONS) - {"audit"},
    "head": frozenset({"department", "comments", "answers", "officials", "self"}),
    "reader": frozenset({"figures", "department", "comments", "self"}),
    "clerk": frozenset({"ballots", "self"}),
}
# Whose accounts those who have "accounts" may make and change.
MAY_MANAGE: Mapping[Role, tuple[Role, ...]] = {
    "administrator": ROLES,
    "manager": ("head", "reader", "clerk"),
    "head": (),
    "reader": (),
    "clerk": (),
}

COOKIE = "hailong_session"
PROVINCE_COOKIE = "hailong_province"  # which a browser sends to each centre, beside its own
Handler = Callable[[Request], Awaitable[Response]]


def may(user: User | None, permission: Permission | Open) -> bool:
    """Whether a signed-in user has a permission; a role that is not known has none."""
    return user is not None and permission in MAY.get(user.role, ())  # type: ignore[call-overload]


def cookie_of(context: Context) -> str:
    """The name of the cookie by which sessions of the context's own accounts are known."""
    return PROVINCE_COOKIE if context.is_province else COOKIE


def need_of(handler: Callable[..., object]) -> Permission | Open:
    """What the handler of a route needs. Every one has to say it."""
    need: Permission | Open = handler.needs  # type: ignore[attr-defined]
    return need


def open_to(whom: Open) -> Callable[[Handler], Handler]:
    """Marks a handler that needs no session."""

    def mark(handler: Handler) -> Handler:
        handler.needs = whom  # type: ignore[attr-defined]
        return handler

    return mark


def needs(permission: Permission) -> Callable[[Handler], Handler]:
    """Makes a handler answer those who have the permission.

    Others get 403; who is not signed in is sent to sign in, and back. The handler's context
    holds a snapshot of the store and the newest version of the centre: all figures of a page are
    of one moment. To a department's head these are a store and a centre without another one.
    """

    def guard(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: Request) -> Response:
            context = context_of(request)
            found = await run_in_threadpool(_entering, context, request.cookies)
            if found is None:
                return _to_sign_in(request)
            user, visiting, centre = found
            request.state.user, request.state.visiting = user, visiting
            # The own account of who is visiting is the province's, not one of the same name here.
            if not may(user, permission) or (visiting and permission == "self"):
                # Who may not see figures has another first page.
                if path_of(request) in ("/", context.first_page) and (home := _home(context, user)):
                    return RedirectResponse(under(request, home), 303)
                raise HTTPException(403)
            request.state.context = _seen_by(user, context, centre)
            try:
                return await handler(request)
            finally:
                # The template keeps the request until garbage is collected. The snapshot holds
                # all that was read for the page, and should not stay in memory that long.
                del request.state.context

        guarded.needs = permission  # type: ignore[attr-defined]
        return guarded

    return guard


def _entering(context: Context, cookies: Mapping[str, str]) -> tuple[User, bool, Centre] | None:
    """Who sends a request, and whether as a visitor, and the newest version of the centre.

    None where nobody is signed in. All in one thread.
    """
    secret = cookies.get(cookie_of(context))
    user = context.accounts.user_of(secret) if secret else None
    visitor = None if user else _visitor(context, cookies.get(PROVINCE_COOKIE))
    if entering := user or visitor:
        return entering, user is None, context.organisation.refreshed()
    return None


def _visitor(context: Context, secret: str | None) -> User | None:
    """Somebody of the province in one of its centres: the same role, under a marked name.

    No account of the centre has such a name, so the centre's audit log tells them apart.
    """
    found = context.above.user_of(secret) if context.above and secret else None
    if found is None or found.role in OF_CENTRES:
        return None
    name = f"{VISITOR}{found.name}"[:64]
    return User(name=name, role=found.role, created_at=found.created_at)


def _home(context: Context, user: User) -> str | None:
    """The first page of the menu that a user may open."""
    pages = (page for door in context.menu.values() for page in door)
    return next((page.path for page in pages if may(user, need_of(page.endpoint))), None)


def _to_sign_in(request: Request) -> Response:
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = f"{under(request, '/sign-in')}?{urlencode({'next': back})}"
    if wants_fragment(request):
        return Response(status_code=401, headers={"hx-redirect": address})
    return RedirectResponse(address, 303)


def _seen_by(user: User, context: Context, centre: Centre) -> Context:
    """The context of a user's request. Raises HTTPException 403 for a head without department."""
    if user.role != "head":
        return replace(context, store=context.store.snapshot(), seen=centre)
    if user.department is None or user.department not in centre.department:
        raise HTTPException(403, "no_department")
    return replace(
        context,
        store=context.store.of_department(user.department).snapshot(),
        seen=alone(centre, user.department),
        published=None,
        ddci=None,
    )


def alone(centre: Centre, department: str) -> Centre:
    """The centre as if it had only this department, and figures of or for no other one.

    References of the centre as a whole stay: they have been published.
    """
    own, counters = centre.department[department], counters_at(centre, department)
    mine = (None, department)
    changes = {
        "departments": (own.model_copy(update={"successor": None, "counters": counters}),),
        "references": tuple(r for r in centre.references if r.department in mine),
        "margins": (),
    }
    # Not model_copy: it would take over what the whole centre has computed and kept.
    fields = {name: getattr(centre, name) for name in Centre.model_fields}
    return Centre.model_construct(**(fields | changes))
