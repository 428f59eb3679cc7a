"""One centre on one machine: kiosk and aggregator in one process, for ``make run`` and ``demo``."""

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import uvicorn
from pydantic import Field, SecretStr, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette

import serving
from aggregator.alerts.watch import Watch
from aggregator.dashboard.accounts import Accounts
from aggregator.dashboard.app import create_app as create_aggregator
from aggregator.demo import simulate
from aggregator.demo.bad_day import last_day
from aggregator.demo.mergers import REASON, Mergers
from aggregator.intake.ingest import Ingest
from aggregator.organisation.changes import OrganisationError
from aggregator.organisation.current import Organisation
from aggregator.settings import Settings as AggregatorSettings
from aggregator.storage.database import StorageError
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from aggregator.wording.messages import MESSAGES
from kiosk.app import create_app as create_kiosk
from kiosk.outbox import OutboxError
from kiosk.places import UnknownPlaceError
from kiosk.posters import address_of, warning_of
from kiosk.settings import Settings as KioskSettings
from kiosk.settings import TogetherSettings
from qr_images import terminal
from secret_files import KeyFileError
from surveys.definition import DefinitionError, Survey, load_instruments
from surveys.messages import LANGUAGES, MessageError

LOOK_SECONDS = 5.0  # how often the kiosk looks for another version of the document
KIOSK = "standalone"  # the name of this process's device token
MANAGER = "quan_ly"
DDCI = Path("deploy/ddci.toml")  # the sample, for a demonstration that names no other


class Settings(TogetherSettings):
    """Settings that exist only where kiosk and aggregator run in one process."""

    touch_remote: bool = Field(
        default=False,
        description="With `make run`: let other machines use the touch screen and posters.",
    )


class StandaloneServer(uvicorn.Server):
    """A server without signal handlers of its own: ``run`` has them, to stop two in order."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Set a centre up where there is none, and run it until Ctrl-C. 1 where it cannot start."""
    parser = argparse.ArgumentParser(prog="python standalone.py", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="a simulated quarter, in var/demo")
    parser.add_argument(
        "--no-link",
        action="store_true",
        help="print no sign-in link (the output is kept)",
    )
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        try:
            counting, own = AggregatorSettings.from_env(), Settings()
            if counting.province is not None:
                raise DefinitionError(
                    "HAILONG_PROVINCE: this runs one centre; see deploy/README.md"
                )
            # Before anything is changed: a second start by mistake must end here.
            sockets = [
                stack.enter_context(listen("PORT", counting.host, counting.port)),
                stack.enter_context(listen("KIOSK_PORT", own.kiosk_host, own.kiosk_port)),
            ]
            counting, asking = prepare(counting, own, demo=options.demo)
            aggregator = create_aggregator(counting)
            organisation = aggregator.state.context.organisation
            kiosk = create_kiosk(asking, centre=organisation.stored)
            aggregator.state.context.pages.prepare()
            if notice := organisation.notice:
                print(f"{notice.get('vi')}\n{notice.get('en')}", file=sys.stderr)
        except ValidationError as error:
            found = error.errors()[0]
            print(f"HAILONG_{str(found['loc'][0]).upper()}: {found['msg']}", file=sys.stderr)
            return 1
        except REASONS as error:
            print(error, file=sys.stderr)
            return 1
        except MessageError as error:
            print(*(error.text(MESSAGES, one) for one in LANGUAGES), sep="\n", file=sys.stderr)
            return 1
        except SQLAlchemyError as error:  # the driver's message, such as no database or no rights
            print(f"HAILONG_DATABASE_URL: {getattr(error, 'orig', None) or error}", file=sys.stderr)
            return 1
        greeting = greet(aggregator, counting, kiosk, asking, link=not options.no_link)

        def newer() -> Starlette:
            return create_kiosk(asking, centre=organisation.stored)

        return asyncio.run(run(aggregator, kiosk, newer, sockets, greeting))


class PortError(OSError):
    """A port that cannot be listened on; the message names setting, address and reason."""


# Why a centre cannot start, in words that are printed as they are.
REASONS = (
    DefinitionError,
    OrganisationError,
    StorageError,
    OutboxError,
    UnknownPlaceError,
    KeyFileError,
    PortError,
)


def listen(setting: str, host: str, port: int) -> socket.socket:
    """A listening socket. Raises PortError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=serving.BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        raise PortError(f"HAILONG_{setting}: {host}:{port}: {reason}") from error


def prepare(
    counting: AggregatorSettings, own: Settings, *, demo: bool
) -> tuple[AggregatorSettings, KioskSettings]:
    """Database, account and device token, ready; and the settings of both rooms."""
    if demo:
        changed = {"demo": True, "var": counting.var / "demo", "database_url": ""}
        counting = counting.model_copy(update={"ddci": counting.ddci or DDCI, **changed})
    store = Store(counting.database)
    migrate(store.engine)
    files = load_instruments(counting.surveys)
    store.definitions.adopt_first(files)
    if demo and not store.has_submissions():
        print("Đang tạo một quý mô phỏng · making a simulated quarter …", flush=True)
        now = datetime.now(UTC)
        print(f"  {_simulated(store, counting, files, now)} phiếu · submissions")
    accounts = Accounts(store, lambda: datetime.now(UTC))
    if not store.credentials.users():
        accounts.add_user(MANAGER, "administrator")
    # A new token at each start: none has to be kept in a file.
    store.credentials.remove_tokens_of(KIOSK, "device")
    token = accounts.new_token("device", KIOSK)
    store.close()
    asked = KioskSettings.from_env()
    changes = {
        "host": own.kiosk_host,
        "port": own.kiosk_port,
        "var": counting.var,
        "demo": counting.demo,
        "touch_remote": own.touch_remote,
        "device_token": SecretStr(token),
        "aggregator_url": f"http://{_reachable(counting.host)}:{counting.port}",
        "public_url": asked.public_url or own.address,
    }
    if demo:
        changes["outbox"] = None
    return counting, asked.model_copy(update=changes)


def _simulated(
    store: Store, counting: AggregatorSettings, files: Mapping[str, Survey], now: datetime
) -> int:
    """Fill the store with a quarter in which departments are merged; how many submissions."""
    organisation = Organisation(store.centres, files)
    organisation.start(counting.centre)
    first = organisation.stored
    mergers = Mergers.of(first, first.local_day(now))
    if organisation.number == 1 and mergers.into:
        organisation.save(mergers.applied(first), "", REASON, 1)
    ingest = Ingest(store, files, organisation.centre)
    taken = simulate(store, ingest, first, organisation.surveys, now, mergers)
    # What stood on the page of alerts when the last working day ended.
    Watch(store, organisation, counting, lambda: last_day(first, now)).look()
    return taken


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared only


async def run(
    aggregator: Starlette,
    kiosk: Starlette,
    newer: Callable[[], Starlette],
    sockets: Sequence[socket.socket],
    greeting: str,
) -> int:
    """Serve both until a signal; then stop the kiosk first: it can still deliver.

    Once the centre's document has changed and nobody answers, the kiosk that ``newer`` makes
    takes the place of the one that runs.
    """
    running: list[tuple[StandaloneServer, asyncio.Task[None]]] = []
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)

    async def begin(app: Starlette, listening: socket.socket) -> bool:
        # A server closes its socket. This one goes on listening, so that nobody is turned away
        # while one kiosk takes the place of another.
        server = StandaloneServer(serving.config(app, "", 0))
        running.append((server, asyncio.create_task(server.serve([listening.dup()]))))
        ready = asyncio.create_task(server.ready.wait())
        await asyncio.wait([running[-1][1], ready], return_when=asyncio.FIRST_COMPLETED)
        return server.started

    async def end() -> None:
        server, task = running.pop()
        server.should_exit = True
        await asyncio.wait([task])

    stopped = asyncio.create_task(stop.wait())
    try:
        for app, listening in zip((aggregator, kiosk), sockets, strict=True):
            if not await begin(app, listening):
                return 1
        print(greeting, flush=True)
        while True:
            renewed = asyncio.create_task(_renewed(aggregator, kiosk, newer))
            ended = [*(task for _, task in running), stopped, renewed]
            await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
            if not renewed.done():
                break
            kiosk = renewed.result()
            await end()
            if not await begin(kiosk, sockets[-1]):
                return 1
            number = aggregator.state.context.organisation.number
            print(f"Kiosk: văn bản trung tâm, phiên bản {number} · version {number}", flush=True)
    finally:
        while running:
            await end()
    print("\nĐã dừng; mọi lượt đã ghi đều còn trên đĩa. · Stopped; nothing is lost.")
    return 0


async def _renewed(
    aggregator: Starlette, kiosk: Starlette, newer: Callable[[], Starlette]
) -> Starlette:
    """A kiosk of the newest document, once that is another one and nobody is answering."""
    organisation, drafts = aggregator.state.context.organisation, kiosk.state.context.drafts
    told = 0
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await asyncio.to_thread(organisation.refreshed)
            changed = organisation.stored is not kiosk.state.context.centre
            if changed and not await asyncio.to_thread(drafts.exist):
                return await asyncio.to_thread(newer)
        except REASONS as error:  # the kiosk that runs goes on; said once for each version
            if told != organisation.number:
                print(error, file=sys.stderr, flush=True)
            told = organisation.number


def greet(
    aggregator: Starlette,
    counting: AggregatorSettings,
    kiosk: Starlette,
    asking: KioskSettings,
    *,
    link: bool,
) -> str:
    """The text to print at the start: all addresses, a sign-in link and a QR code to scan."""
    asks, context = kiosk.state.context, aggregator.state.context
    form = address_of(asks, next(iter(asks.qr_codes.values())))
    users = context.store.credentials.users()
    managers = [user.name for user in users if user.role == "administrator"]
    name = MANAGER if MANAGER in managers else next(iter(managers), "TÊN")
    warnings = [warning_of(asks, language) for language in LANGUAGES]
    loud = "".join(f"  *** {warning}\n" for warning in warnings if warning)
    way_in = f"python -m aggregator user link {name}"
    if link and managers:
        way_in = f"{context.accounts.new_link(name, counting.address)}  ({name})"
    return f"""
  Hài lòng · {asks.centre.name.vi}{"   [MÔ PHỎNG · DEMO]" if counting.demo else ""}

  Màn hình cảm ứng · touch screen   http://127.0.0.1:{asking.port}/
  Áp phích mã QR   · QR posters     http://127.0.0.1:{asking.port}/posters
  Bảng tổng hợp    · dashboard      {counting.address}/
  Đăng nhập một lần · sign in once  {way_in}
  Phiếu trên điện thoại · phone     {form}

{terminal(form)}
{loud}
  Ctrl-C để dừng · to stop
"""


if __name__ == "__main__":
    sys.exit(main())
