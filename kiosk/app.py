"""The kiosk's web application: its routes, and what starts and stops with it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from kiosk import errors, phone, posters, start, survey_screens, touch
from kiosk.doors import bind, doors
from kiosk.drafts import Drafts
from kiosk.outbox import Outbox, OutboxError
from kiosk.room import Room, room_of
from kiosk.settings import Settings
from kiosk.uploader import Uploader
from kiosk.walk import finish_expired
from surveys.centre import load_definitions
from surveys.messages import Messages
from web import MIDDLEWARE, Assets, Pages

HERE = Path(__file__).parent

ROUTES = [
    # The touch screen
    Route("/", start.start),
    Route("/rate/{department}", start.faces),
    Route("/rate", touch.rate, methods=["POST"]),
    Route("/thanks", touch.thanks),
    Route("/follow-up", touch.follow_up, methods=["POST"]),
    Route("/survey/{id}/{step}", survey_screens.step_screen),
    Route("/survey/{id}/{step}", survey_screens.save_step, methods=["POST"]),
    Route("/farewell", start.farewell),
    # The form behind a QR code
    Route("/f/{code}", phone.form),
    Route("/f/{code}", phone.submit, methods=["POST"]),
    Route("/f/{code}/thanks", phone.received),
    Route("/f/{code}/survey", phone.full_survey, methods=["POST"]),
    Route("/f/{code}/survey/{id}/{step}", survey_screens.step_screen),
    Route("/f/{code}/survey/{id}/{step}", survey_screens.save_step, methods=["POST"]),
    Route("/f/{code}/finished", survey_screens.finished),
    # For the people who run it
    Route("/posters", posters.posters),
]


def create_app(
    settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Starlette:
    """Build the application.

    Raises DefinitionError, UnknownPlaceError or OutboxError when it could not work.
    """
    room = build_room(settings, clock)
    app = Starlette(
        routes=[*ROUTES, Route("/status", status), Mount("/static", Assets(), name="static")],
        middleware=MIDDLEWARE,
        exception_handlers=errors.HANDLERS,
        lifespan=lifespan,
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
    messages = Messages.load(HERE / "messages")

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
            HERE / "templates",
            messages,
            centre=centre,
            demo=settings.demo,
            say=messages.get,
            idle_seconds=settings.idle_seconds,
        ),
        clock=clock,
    )


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """The uploader runs beside the pages; stopping it at any moment loses nothing."""
    room: Room = app.state.room
    delivery = asyncio.create_task(room.uploader.run(), name="uploader")
    try:
        yield
    finally:
        delivery.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivery
        room.outbox.close()


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
