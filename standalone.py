"""One centre on one machine: kiosk and aggregator in one process, for ``make run`` and ``demo``."""

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import FrameType

import uvicorn
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette

from aggregator.accounts import Accounts
from aggregator.app import create_app as create_aggregator
from aggregator.database import StorageError
from aggregator.demo import simulate
from aggregator.ingest import Ingest
from aggregator.migrations import migrate
from aggregator.settings import Settings as AggregatorSettings
from aggregator.store import Store
from kiosk.app import create_app as create_kiosk
from kiosk.doors import UnknownPlaceError
from kiosk.outbox import OutboxError
from kiosk.posters import address_of, terminal
from kiosk.settings import Settings as KioskSettings
from surveys.centre import load_definitions
from surveys.definition import DefinitionError

KIOSK = "standalone"  # the name of this process's device token
MANAGER = "quan_ly"


class Settings(BaseSettings):
    """What only the two rooms together need."""

    model_config = SettingsConfigDict(env_prefix="HAILONG_", frozen=True, env_ignore_empty=True)

    kiosk_host: str = Field(
        default="0.0.0.0",  # noqa: S104 - phones of the hall must reach the form
        description="With `make run`: address the kiosk listens on.",
    )
    kiosk_port: int = Field(
        default=8001, ge=0, le=65535, description="With `make run`: port the kiosk listens on."
    )
    touch_remote: bool = Field(
        default=False,
        description="With `make run`: let other machines use the touch screen and posters.",
    )


class Server(uvicorn.Server):
    """A server that leaves the signals to ``run``, which stops two of them in order."""

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
    """Set a centre up where there is none, and run it until Ctrl-C. 1: could not start."""
    parser = argparse.ArgumentParser(prog="python standalone.py", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="a simulated quarter, in var/demo")
    demo = parser.parse_args(arguments).demo
    try:
        counting, asking = prepare(demo=demo)
        aggregator, kiosk = create_aggregator(counting), create_kiosk(asking)
    except ValidationError as error:
        found = error.errors()[0]
        print(f"HAILONG_{str(found['loc'][0]).upper()}: {found['msg']}", file=sys.stderr)
        return 1
    except (DefinitionError, StorageError, OutboxError, UnknownPlaceError) as error:
        print(error, file=sys.stderr)
        return 1
    except SQLAlchemyError as error:  # the driver's words: a file that is no database, no rights
        print(f"HAILONG_DATABASE_URL: {getattr(error, 'orig', None) or error}", file=sys.stderr)
        return 1
    return asyncio.run(run(aggregator, counting, kiosk, asking))


def prepare(*, demo: bool) -> tuple[AggregatorSettings, KioskSettings]:
    """Database, account and device token, ready; and the settings of both rooms."""
    counting, own = AggregatorSettings.from_env(), Settings()
    if demo:
        counting = counting.model_copy(
            update={"demo": True, "var": counting.var / "demo", "database_url": ""}
        )
    store = Store(counting.database)
    migrate(store.engine)
    if demo and not store.has_submissions():
        print("Đang tạo một quý mô phỏng · making a simulated quarter …", flush=True)
        now = datetime.now(UTC)
        centre, surveys = load_definitions(counting.centre)
        ingest = Ingest(store, surveys, centre)
        print(f"  {simulate(store, ingest, centre, surveys, now)} phiếu · submissions")
    accounts = Accounts(store, lambda: datetime.now(UTC))
    if not store.credentials.users():
        accounts.add_user(MANAGER, "manager")
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
        "public_url": asked.public_url or f"http://{_lan_address(own.kiosk_host)}:{own.kiosk_port}",
    }
    if demo:
        changes["outbox"] = None
    return counting, asked.model_copy(update=changes)


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared only


def _lan_address(host: str) -> str:
    """This machine's address as phones of the same network see it."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - compared only
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: connecting a datagram socket only chooses the way out.
            probe.connect(("10.255.255.255", 1))
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address


async def run(
    aggregator: Starlette, counting: AggregatorSettings, kiosk: Starlette, asking: KioskSettings
) -> int:
    """Serve both until a signal; then stop the kiosk first, so that it can still deliver."""
    servers = [
        Server(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                access_log=False,  # who answered when, from which address, is nobody's business
                server_header=False,
                log_level="warning",
                timeout_graceful_shutdown=5,
            )
        )
        for app, settings in ((aggregator, counting), (kiosk, asking))
    ]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    tasks: list[asyncio.Task[None]] = []
    try:
        for server in servers:
            tasks.append(asyncio.create_task(_serve(server)))
            ready = asyncio.create_task(server.ready.wait())
            await asyncio.wait([tasks[-1], ready], return_when=asyncio.FIRST_COMPLETED)
            if not server.started:
                return 1
        greet(aggregator, counting, kiosk, asking)
        ended = [*tasks, asyncio.create_task(stop.wait())]
        await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for server, task in reversed(list(zip(servers, tasks, strict=False))):
            server.should_exit = True
            await asyncio.wait([task])
    print("\nĐã dừng; mọi lượt đã ghi đều còn trên đĩa. · Stopped; nothing is lost.")
    return 0


async def _serve(server: Server) -> None:
    with contextlib.suppress(SystemExit):  # a taken port: uvicorn has said so
        await server.serve()


def greet(
    aggregator: Starlette, counting: AggregatorSettings, kiosk: Starlette, asking: KioskSettings
) -> None:
    """Print where everything is, a sign-in link, and a QR code to scan."""
    room = kiosk.state.room
    door = next(iter(room.doors.values()))
    form = address_of(room, door)
    context = aggregator.state.context
    managers = [name for name, role, _ in context.store.credentials.users() if role == "manager"]
    name = MANAGER if MANAGER in managers else next(iter(managers), None)
    link = context.accounts.new_link(name, counting.address) if name else "–"
    print(
        f"""
  Hài lòng · {room.centre.name.vi}{"   [MÔ PHỎNG · DEMO]" if counting.demo else ""}

  Màn hình cảm ứng · touch screen   http://127.0.0.1:{asking.port}/
  Áp phích mã QR   · QR posters     http://127.0.0.1:{asking.port}/posters
  Bảng tổng hợp    · dashboard      {counting.address}/
  Đăng nhập một lần · sign in once  {link}
                                    ({name or "chưa có tài khoản quản lý · no manager's account"})
  Phiếu trên điện thoại · phone     {form}

{terminal(form)}
  Ctrl-C để dừng · to stop
""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
