"""The kiosk's web application: its routes, and what starts and stops with it."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kiosk import (
    centre_files,
    errors,
    kept,
    one_time,
    phone,
    posters,
    receipts,
    rest,
    staff,
    staff_enrolment,
    staff_visit,
    start,
    status,
    survey_screens,
    tablet,
    touch,
)
from kiosk.centre_copy import CentreCopy
from kiosk.context import Context
from kiosk.drafts import Drafts
from kiosk.enrolment import Enrolment, EnrolmentError, fetch_centre, follow, load_enrolment
from kiosk.floods import Floods
from kiosk.levels import Levels
from kiosk.line_breaks import keep_words_whole
from kiosk.looks import load_looks
from kiosk.outbox import Outbox, OutboxError
from kiosk.pictogram_files import finder, load_pictograms
from kiosk.places import WHOLE_CENTRE, UnknownPlaceError, bind
from kiosk.puzzles import Puzzles
from kiosk.qr_codes import citizens_code, qr_codes
from kiosk.reach import reach_of
from kiosk.sealing import Sealing
from kiosk.settings import Settings
from kiosk.staff_access import StaffAccess
from kiosk.survey_draft import finish_expired, finish_ratings
from kiosk.translations import load_languages
from kiosk.uploader import Uploader
from kiosk.voices import load_voices
from secret_files import KEY_BYTES, read_key
from surveys.centre import Centre, Department, check_definitions, load_centre
from surveys.definition import Survey, load_instruments
from surveys.looks import Looks
from surveys.messages import Messages
from web import Application, Assets, Pages

log = logging.getLogger("kiosk")

RESTART_SECONDS = 30.0


class HereOnly:
    """Hides the touch screen from other machines where the settings say so.

    With ``make run`` phones of the whole network reach this kiosk, for the form behind its
    codes; a rating given on such a phone must not pass for one given at the centre.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings: Settings = scope["app"].state.context.settings
        if not settings.touch_remote and not _is_here(scope["client"]):
            raise HTTPException(403)
        await self.app(scope, receive, send)


def _is_here(client: tuple[str, int] | None) -> bool:
    try:
        return client is not None and ip_address(client[0]).is_loopback
    except ValueError:
        return False


HERE = [Middleware(HereOnly)]

ROUTES = [
    # The touch screen
    Route("/", start.start, middleware=HERE),
    Route("/rate/{department}", start.faces, middleware=HERE),
    Route("/rate", touch.rate, methods=["POST"], middleware=HERE),
    Route("/thanks", touch.thanks, middleware=HERE),
    Route("/choose-again", touch.choose_again, middleware=HERE),
    Route("/follow-up", touch.follow_up, methods=["POST"], middleware=HERE),
    Route("/survey/{id}/{step}", survey_screens.step_screen, middleware=HERE),
    Route("/survey/{id}/{step}", survey_screens.save_step, methods=["POST"], middleware=HERE),
    Route("/farewell", start.farewell, middleware=HERE),
    Route("/rest", rest.rest, middleware=HERE),
    Route("/centre/emblem", centre_files.emblem),
    Route("/centre/colours.css", centre_files.colours),
    Route("/centre/voices/{file}", centre_files.voice, middleware=HERE),
    # The form behind a QR code
    Route("/f/{code}", phone.show_form),
    Route("/f/{code}", phone.submit, methods=["POST"]),
    Route("/f/{code}/thanks", phone.received),
    Route("/f/{code}/survey", phone.full_survey, methods=["POST"]),
    Route("/f/{code}/survey/{id}/{step}", survey_screens.step_screen),
    Route("/f/{code}/survey/{id}/{step}", survey_screens.save_step, methods=["POST"]),
    Route("/f/{code}/finished", survey_screens.finished),
    Route("/o/{code}", one_time.open_form),
    # What became of a comment
    Route("/c", receipts.find),
    Route("/c/{code}", receipts.follow),
    Route("/c/{code}", receipts.change, methods=["POST"]),
    # For the touch screen's browser while this server is away
    Route("/alive", kept.alive, middleware=HERE),
    Route("/worker.js", kept.worker, middleware=HERE),
    Route("/screens.json", kept.screens, middleware=HERE),
    Route("/manifest.webmanifest", tablet.manifest, middleware=HERE),
    Route("/submissions", tablet.take, methods=["POST"], middleware=HERE),
    # For the people who run it
    Route("/staff", staff.corner, middleware=HERE),
    Route("/staff", staff.act, methods=["POST"], middleware=HERE),
    Route("/staff/enrol", staff_enrolment.form, middleware=HERE),
    Route("/staff/enrol", staff_enrolment.enrol, methods=["POST"], middleware=HERE),
    Route("/staff/test", staff_visit.faces, middleware=HERE),
    Route("/staff/test", staff_visit.tap, methods=["POST"], middleware=HERE),
    Route("/staff/test/{step}", staff_visit.step, methods=["POST"], middleware=HERE),
    Route("/posters", posters.posters, middleware=HERE),
    Route("/status", status.status, middleware=HERE),
]


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    centre: Centre | None = None,
) -> Starlette:
    """Build the application, of a centre that is given or of that of the settings' file.

    Raises DefinitionError, UnknownPlaceError, OutboxError, EnrolmentError or KeyFileError when it
    could not work.
    """
    context = build_context(settings, clock, centre)
    app = Application(
        routes=[*ROUTES, Mount("/static", Assets(), name="static")],
        exception_handlers=errors.HANDLERS,
        lifespan=lifespan,
        hosts=settings.hosts,
    )
    app.state.context = context
    return app


def build_context(
    settings: Settings,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    centre: Centre | None = None,
) -> Context:
    """Everything the handlers and the commands need, made from the settings.

    Raises DefinitionError, UnknownPlaceError, OutboxError, EnrolmentError or KeyFileError.
    """
    files, copy = load_instruments(settings.surveys), None
    given = _enrolment(settings)
    token, url = settings.device_token.get_secret_value(), settings.aggregator_url
    own = None if token else given  # a token goes to nobody but who gave it
    if own:
        token, url = own.token, own.aggregator or url
    if centre is None:
        centre = load_centre(settings.centre)
        check_definitions(centre, files, settings.centre.name)
        id = own.centre if own and own.centre else centre.id
        copy = CentreCopy(settings.centre_copy, centre, usable(settings, id, files))
        centre = copy.read()
        if own and own.centre and centre.id != own.centre:
            fetch_centre(copy, url, token)
            centre = copy.read()
    surveys = centre.instruments_with(files)
    looks = load_looks(settings.centre, centre.looks or Looks())
    place = bind(centre, settings.department, settings.counter)
    if given and place.department is None:
        try:
            place = bind(centre, given.department or "", given.counter or "")
        except UnknownPlaceError as error:  # until the document that knows it has come
            log.warning("enrolment: %s", error)
    key = read_key(settings.code_key_file)
    sealing = Sealing.of_file(settings.outbox_keys)
    outbox = Outbox(settings.outbox_file, clock=clock, sealing=sealing)
    drafts = Drafts(outbox)
    messages = Messages.load(Path(__file__).parent / "messages")
    languages = load_languages(settings.languages_folder, messages, surveys)
    messages, surveys = languages.messages, dict(languages.surveys)
    pictograms = load_pictograms(
        settings.pictograms_folder, surveys, centre, expected=settings.pictograms is not None
    )

    voices = load_voices(settings.stand_ins, languages, centre)

    def housekeeping() -> None:
        finish_expired(drafts, surveys, centre, clock().astimezone(centre.zone))

    def renew() -> None:
        """End this process between two visits, where systemd starts it again, by the new centre."""
        if staff.by_systemd() and not drafts.exist():
            log.info("the centre or this device's place has changed: starting again")
            os.kill(os.getpid(), signal.SIGTERM)

    def moved(said: object) -> bool:
        try:
            return own is not None and follow(settings.enrolment_file, own, said)
        except EnrolmentError as error:  # told of again with the next answer
            log.warning("enrolment: %s", error)
            return False

    def take_code(said: object) -> int:
        """Put a one-time code on the disk; its number. Raises ValueError and OutboxError."""
        given = one_time.Given.model_validate(said)
        place = bind(centre, given.department or "", given.counter or "")
        ids = place.department_id, place.counter_id
        one_time.take(outbox, citizens_code(codes, *ids).code, given.hash, given.until)
        return given.number

    def departments() -> Sequence[Department]:
        return centre.open_departments(centre.local_day(clock()))

    codes = qr_codes(centre, centre.local_day(clock()), key)
    waits = settings.waits(centre.touch_screen)
    levels = Levels(settings.var / "kiosk" / "levels.json")

    return Context(
        settings=settings,
        centre=centre,
        departments=departments,
        surveys=surveys,
        languages=languages,
        place=place,
        waits=waits,
        qr_codes=codes,
        floods=Floods(centre.phone_form, outbox.disk, clock),
        puzzles=Puzzles(key),
        outbox=outbox,
        drafts=drafts,
        uploader=Uploader(
            outbox,
            url,
            token,
            housekeeping=housekeeping,
            copy=copy,
            renew=renew,
            place={
                "department": None if place.counter else place.department_id,
                "counter": place.counter_id,
            },
            follow=moved,
            address=None if reach_of(settings.deep_link) == "machine" else settings.deep_link,
            take_code=take_code,
        ),
        levels=levels,
        enrolment=own,
        staff=StaffAccess(settings.staff_pin.get_secret_value(), clock),
        pages=Pages(
            Path(__file__).parent / "templates",
            messages,
            centre=centre,
            departments=departments,
            demo=settings.demo,
            say=messages.get,
            languages=languages.names,
            idle_seconds=waits.idle_seconds,
            rest_seconds=waits.rest_seconds,
            looks=looks,
            levels=levels,
            keyboard=settings.on_screen_keyboard,
            lobby=place.department is None,
            in_full=sum(len(one.questions) for one in surveys[centre.instruments.citizens].factors),
            tablets=settings.tablets,
            staff_corner=bool(settings.staff_pin.get_secret_value()),
            whole_centre=WHOLE_CENTRE,
            keep_words_whole=keep_words_whole,
            pictogram=finder(pictograms),
            voice=voices.address,
        ),
        looks=looks,
        voices=voices,
        clock=clock,
    )


def usable(settings: Settings, id: str, files: Mapping[str, Survey]) -> Callable[[Centre], None]:
    """A check whether a document of the centre with this id would work on this kiosk."""

    def check(centre: Centre) -> None:
        """Raises ValueError."""
        if centre.id != id:
            raise ValueError(f"it is that of another centre, {centre.id}")
        check_definitions(centre, files, "centre")
        load_looks(settings.centre, centre.looks or Looks())
        bind(centre, settings.department, settings.counter)
        qr_codes(centre, centre.local_day(datetime.now(UTC)), bytes(KEY_BYTES))

    return check


def _enrolment(settings: Settings) -> Enrolment | None:
    """What lies on the disk; where that is broken, answers are taken without it, and kept."""
    try:
        return load_enrolment(settings.enrolment_file)
    except EnrolmentError as error:
        log.warning("enrolment: %s", error)
        return None


async def deliver(uploader: Uploader, pause: float = RESTART_SECONDS) -> None:
    """Run the uploader; where a defect ends it, log that and start it again after ``pause`` s."""
    while True:
        reason = "without a reason"
        try:
            await uploader.run()
        except Exception as error:  # only its type: the text may hold an answer
            reason = type(error).__name__
        log.critical("delivery ended (%s); it begins again in %s s", reason, pause)
        await asyncio.sleep(pause)


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Run the uploader while the application runs. Cancelling it at any moment loses nothing."""
    context: Context = app.state.context
    try:
        context.outbox.seal_anew()
        finish_ratings(context.drafts, context.surveys, context.centre, context.now())
    except OutboxError as error:  # a disk that is locked or full now: they wait for their time
        log.warning("what was left open is left for later: %s", error)
    delivery = asyncio.create_task(deliver(context.uploader), name="uploader")
    try:
        yield
    finally:
        delivery.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivery
        context.outbox.close()
