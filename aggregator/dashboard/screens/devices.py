"""The devices of the centre: where each is, whether it is alive, and who may hand in answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aggregator.dashboard.accounts import AccountError
from aggregator.dashboard.context import Context, context_of
from aggregator.dashboard.pages import render
from aggregator.dashboard.permissions import needs
from aggregator.dashboard.sign_in import FORM_LIMIT, NAME_LIMIT
from aggregator.storage.audit import Entry
from aggregator.storage.centres import OlderVersionError
from aggregator.storage.chains import Standing
from aggregator.storage.devices import Device, stays
from aggregator.storage.tables import DeviceRow, User
from qr_images import ON_SCREEN, Drawing
from surveys.centre import Centre
from surveys.definition import Text
from surveys.text import cleaned, composed
from surveys.units import Unit
from web import read_form, root_of, under

SILENT = timedelta(minutes=10)  # a kiosk tells of itself every minute

State = Literal["revoked_state", "never", "active", "silent", "resting"]
Form = Mapping[str, str]


@dataclass(frozen=True)
class Line:
    """A device and its state; ``place`` is the value of its choice in the form.

    ``moving`` is whether it was moved and has not told yet that it works by its new place.
    ``told`` is the name of the place by which one works that is not bound, where it has one.
    ``chains`` are those by which it numbers what it hands in, the newest first. ``off`` is whether
    its clock is so wrong that times are set right. ``awaited`` is whether it has an unused code.
    """

    row: DeviceRow
    state: State
    place: str
    moving: bool
    told: Text | None
    chains: Sequence[Standing]
    off: bool
    awaited: bool


@dataclass(frozen=True, kw_only=True)
class DevicesPage:
    """All devices; ``code`` is a new one for ``named``, shown this once.

    ``address`` is the dashboard's, which a kiosk asks for; the QR code holds both.
    """

    lines: Sequence[Line]
    address: str
    code: str = ""
    named: str = ""
    qr: Drawing | None = None
    error: AccountError | None = None


@needs("devices")
async def devices(request: Request) -> Response:
    """The list with its forms; a posted form changes or adds one device."""
    context, user = context_of(request), request.state.user
    if request.method != "POST":
        return render(request, "devices", await run_in_threadpool(_page, request))
    form = await _fields(request)
    try:
        code = await run_in_threadpool(_act, context, user, form)
    except (AccountError, OlderVersionError) as raised:
        error = raised if isinstance(raised, AccountError) else AccountError("changed_meanwhile")
        page = await run_in_threadpool(partial(_page, request, error=error))
        return render(request, "devices", page, status=422)
    if code is None:
        return RedirectResponse(under(request, "/devices"), 303)
    build = partial(_page, request, code=code, named=form["name"])
    return render(request, "devices", await run_in_threadpool(build))


def _page(request: Request, **more: object) -> DevicesPage:
    context = context_of(request)
    rows, chains = context.store.devices.rows(), context.store.chains.standings()
    awaited = context.store.devices.awaited(context.clock())
    allowed = 60 * context.centre.clock_minutes
    lines = [
        Line(
            row,
            _state(context, row),
            _choice(context.centre, row),
            _is_moving(context, row),
            _told(context.centre, row),
            chains.get(row.number or 0, ()),
            abs(row.drift or 0) > allowed,
            row.name in awaited,
        )
        for row in rows
    ]
    # Where the settings name none, the one that led the manager here.
    here = f"{request.url.scheme}://{request.url.netloc}"
    address = context.settings.dashboard_url or here + root_of(request)
    if code := more.get("code"):
        # To a kiosk's scanner address and code; to a phone this page, and the code is not sent.
        more["qr"] = Drawing.of(f"{address}/devices#{code}", ON_SCREEN)
    return DevicesPage(lines=lines, address=address, **more)  # type: ignore[arg-type]


def _choice(centre: Centre, of: DeviceRow | Device) -> str:
    """The place of a device, or what that was merged into, as a choice of the form."""
    if of.counter is not None:
        return f"counter:{centre.counter_heirs.get(of.counter, of.counter)}"
    if of.department is not None:
        return f"department:{centre.department_heirs.get(of.department, of.department)}"
    return ""


def _told(centre: Centre, row: DeviceRow) -> Text | None:
    if row.department or row.counter:
        return None
    units: Mapping[str, Unit] = centre.counter if row.told_counter else centre.department
    unit = units.get(row.told_counter or row.told_department or "")
    return unit.name if unit else None


def _is_moving(context: Context, row: DeviceRow) -> bool:
    now = context.clock()
    return row.revoked_at is None and any(now < stay.until for stay in stays(row.formerly))


def _state(context: Context, row: DeviceRow) -> State:
    now = context.clock()
    if row.revoked_at is not None:
        return "revoked_state"
    if row.seen_at is None:
        return "never"
    if now - row.seen_at <= SILENT:
        return "active"
    return "silent" if context.centre.is_open(now) else "resting"


def _act(context: Context, user: User, form: Form) -> str | None:
    """Do what a form asks for; returns a new code, where there is one.

    Raises AccountError, HTTPException, and OlderVersionError where the place of which it asks may
    have closed meanwhile.
    """
    number, _, centre, _ = context.organisation.in_force
    action, name, store = form.get("action", ""), form.get("name", ""), context.store.devices

    def told(event: str, **values: str) -> Entry:
        return Entry(context.clock(), user.name, f"device.{event}", {"name": name, **values})

    if action == "add":
        place = _place(context, centre, form.get("place", ""))
        return _written(context.accounts.enrolment_code(name, place, user.name, number))
    device = store.named(name)
    if device is None:
        raise AccountError("unknown_name", name=name)
    if action == "again":
        try:
            _place(context, centre, _choice(centre, device))
        except HTTPException:
            raise AccountError("closed_place", name=name) from None
        return _written(context.accounts.enrolment_code(name, None, user.name, number))
    if action == "move":
        department, counter = _place(context, centre, form.get("place", ""))
        where = counter or department
        new = told("placed", place=where) if where else told("unplaced")
        store.place(device.number, department, counter, new, number)
    elif action == "rename":
        to = form.get("new", "")
        context.accounts.check_label(to)
        if not store.rename(name, to, told("renamed", new=to)):
            raise AccountError("device_taken", name=to)
    elif action == "revoke":
        store.revoke(name, context.clock(), told("removed"))
    else:
        raise HTTPException(400, "unknown_choice")
    context.accounts.forget_devices()
    return None


def _written(code: str) -> str:
    return f"{code[:4]}-{code[4:]}"


def _place(context: Context, centre: Centre, choice: str) -> tuple[str | None, str | None]:
    """The department or counter of a choice. Raises HTTPException where there is none such."""
    kind, _, id_ = choice.partition(":")
    if not choice:
        return None, None
    open_ = centre.open_departments(context.today)
    if kind == "counter" and any(id_ == one.id for own in open_ for one in own.counters):
        return None, id_
    if kind == "department" and any(id_ == one.id for one in open_):
        return id_, None
    raise HTTPException(400, "unknown_choice")


async def _fields(request: Request) -> dict[str, str]:
    """The first value of each field; names as they are stored, one that is too long not cut."""
    form = await read_form(request, limit=FORM_LIMIT)
    fields = {field: values[0][: NAME_LIMIT + 1] for field, values in form.items()}
    fields["name"] = composed(fields.get("name", "")).strip()
    if fields.get("action") == "add":
        fields["name"] = cleaned(fields["name"])
    fields["new"] = cleaned(composed(fields.get("new", ""))).strip()
    return fields
