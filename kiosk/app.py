"""The kiosk's web application: its routes, and what starts and stops with it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kiosk import errors, phone, posters, start, survey_screens, touch
from kiosk.doors import bind, doors
from kiosk.drafts import Drafts
from kiosk.outbox import Outbox, OutboxError
from kiosk.room import Room, room_of, together
from kiosk.settings import Settings
from kiosk.uploader import Uploader
from kiosk.walk import finish_expired
from surveys.centre import load_definitions
from surveys.messages import Messages
from web import Application, Assets, Pages

log = logging.getLogger("kiosk")

RESTART_SECONDS = 30.0


async def status(request: Request) -> Response:
    """How much waits for delivery, as JSON."""
    try:
        standing = await anyio.to_thread.run_sync(room_of(request).outbox.standing)
    except OutboxError as error:
        return JSONResponse({"error": str(error)}, 503)
    return JSONResponse(
        {
            "pending": standing.pending,
            "oldest_pending": standing.oldest_pending,
            "refused": standing.refused,
            "last_delivery": standing.last_delivery,
        }
    )


class HereOnly:
    """Hides the touch screen from other machines where the settings say so.

    With ``make run`` phones of the whole network reach this kiosk, for the form behind its
    codes; a rating given on such a phone must not pass for one given at the centre.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        settings: Settings = scope["app"].state.room.settings
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
    Route("/follow-up", touch.follow_up, methods=["POST"], middleware=HERE),
    Route("/survey/{id}/{step}", survey_screens.step_screen, middleware=HERE),
    Route("/survey/{id}/{step}", survey_screens.save_step, methods=["POST"], middleware=HERE),
    Route("/farewell", start.farewell, middleware=HERE),
    # The form behind a QR code
    Route("/f/{code}", phone.form),
    Route("/f/{code}", phone.submit, methods=["POST"]),
    Route("/f/{code}/thanks", phone.received),
    Route("/f/{code}/survey", phone.full_survey, methods=["POST"]),
    Route("/f/{code}/survey/{id}/{step}", survey_screens.step_screen),
    Route("/f/{code}/survey/{id}/{step}", survey_screens.save_step, methods=["POST"]),
    Route("/f/{code}/finished", survey_screens.finished),
    # For the people who run it
    Route("/posters", posters.posters, middleware=HERE),
    Route("/status", status, middleware=HERE),
]


def create_app(
    settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Starlette:
    """Build the application.

    Raises DefinitionError, UnknownPlaceError or OutboxError when it could not work.
    """
    room = build_room(settings, clock)
    app = Application(
        routes=[*ROUTES, Mount("/static", Assets(), name="static")],
        exception_handlers=errors.HANDLERS,
        lifespan=lifespan,
        hosts=settings.hosts,
    )
    app.state.room = room
    return app


def build_room(
    settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Room:
    """Everything the handlers and the commands need, made from the settings."""
    centre, surveys = load_definitions(settings.centre)
    bound = bind(centre, settings.department, settings.counter)
    outbox = Outbox(settings.outbox_file, clock=clock)
    drafts = Drafts(outbox)
    messages = Messages.load(Path(__file__).parent / "messages")

    def housekeeping() -> None:
        finish_expired(drafts, surveys, centre, clock().astimezone(centre.zone))

    return Room(
        settings=settings,
        centre=centre,
        surveys=surveys,
        bound=bound,
        doors=doors(centre),
        outbox=outbox,
        drafts=drafts,
        uploader=Uploader(
            outbox,
            settings.aggregator_url,
            settings.device_token.get_secret_value(),
            housekeeping=housekeeping,
        ),
        pages=Pages(
            Path(__file__).parent / "templates",
            messages,
            centre=centre,
            demo=settings.demo,
            say=messages.get,
            idle_seconds=settings.idle_seconds,
            together=together,
        ),
        clock=clock,
    )


async def deliver(uploader: Uploader, pause: float = RESTART_SECONDS) -> None:
    """Keep the uploader running: an end that nobody asked for is told, and another begun."""
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
    """The uploader runs beside the pages; stopping it at any moment loses nothing."""
    room: Room = app.state.room
    delivery = asyncio.create_task(deliver(room.uploader), name="uploader")
    try:
        yield
    finally:
        delivery.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivery
        room.outbox.close()
