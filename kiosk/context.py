"""What a running kiosk is made of: built once in create_app and handed to every handler."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from starlette.exceptions import HTTPException
from starlette.requests import Request

from kiosk.drafts import Drafts
from kiosk.enrolment import Enrolment
from kiosk.floods import Floods
from kiosk.levels import Levels
from kiosk.looks import OwnLooks
from kiosk.outbox import Outbox
from kiosk.places import Place
from kiosk.puzzles import Puzzles
from kiosk.qr_codes import QrCode, citizens_code
from kiosk.settings import Settings
from kiosk.staff_access import StaffAccess
from kiosk.translations import Languages
from kiosk.uploader import Uploader
from kiosk.voices import Voices
from surveys.centre import Centre, Department, TouchScreen
from surveys.definition import Survey
from surveys.receipts import normal_code
from web import Pages


@dataclass(frozen=True)
class Context:
    """One running kiosk. ``place`` is where it stands; without a department it is the lobby.
    ``waits`` is how long its screens wait for a touch.

    ``departments`` are those that are open today, each with its open counters. ``enrolment`` is
    what the kiosk got for a code, None where it has none or works by the token of the settings.
    """

    settings: Settings
    centre: Centre
    departments: Callable[[], Sequence[Department]]
    surveys: Mapping[str, Survey]
    languages: Languages
    place: Place
    waits: TouchScreen
    qr_codes: Mapping[str, QrCode]
    floods: Floods
    puzzles: Puzzles
    outbox: Outbox
    drafts: Drafts
    uploader: Uploader
    staff: StaffAccess
    levels: Levels
    enrolment: Enrolment | None
    pages: Pages
    looks: OwnLooks
    voices: Voices
    clock: Callable[[], datetime]

    @property
    def rating_survey(self) -> Survey:
        """The survey behind the five faces."""
        return self.surveys[self.centre.instruments.rating]

    def citizens_code(self, place: Place) -> QrCode:
        """The QR code of a place for citizens. Raises UnknownPlaceError where it has none."""
        return citizens_code(self.qr_codes, place.department_id, place.counter_id)

    @property
    def in_lobby(self) -> bool:
        """Whether visitors choose their department first."""
        return self.place.department is None

    def now(self) -> datetime:
        """This moment in the centre's time zone."""
        return self.clock().astimezone(self.centre.zone)


def context_of(request: Request) -> Context:
    """The kiosk that serves a request."""
    return cast(Context, request.app.state.context)


def qr_code_of(request: Request) -> QrCode:
    """The QR code that a phone came through.

    Raises HTTPException 404 for an unknown one, 410 for one that is not taken any more.
    """
    context = context_of(request)
    qr_code = context.qr_codes.get(normal_code(request.path_params["code"]))
    if qr_code is None:
        raise HTTPException(404)
    if qr_code.last_day is not None and context.now().date() > qr_code.last_day:
        raise HTTPException(410)
    return qr_code
