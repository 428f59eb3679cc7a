"""What the tests of alerts share: a room, its watch, and servers that take what is sent."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.alerts.watch import Watch
from surveys.alerts import AlertRule, Alerts
from tests.aggregator.conftest import Room
from tests.listening import accept_nobody
from tests.programs import free_port


def watch_of(room: Room) -> Watch:
    """A watch as the room's own, which a test lets look and send."""
    context = room.context
    return Watch(context.store, context.organisation, room.settings, room.clock)


def limit(room: Room, **limits: Any) -> None:
    """Save other limits of alerts."""
    held = room.context.organisation
    changed = Alerts(**{**held.stored.alerts.model_dump(), **limits})
    held.save(held.stored.model_copy(update={"alerts": changed}), "giam_doc", "", held.number)


def rule(room: Room, *rules: AlertRule) -> None:
    """Save other rules over ratings."""
    held = room.context.organisation
    held.save(held.stored.model_copy(update={"alert_rules": rules}), "giam_doc", "", held.number)


@dataclass
class Mailbox:
    """A mail server's messages; ``answer`` is what it says to one in place of taking it."""

    messages: list[Any] = field(default_factory=list)
    answer: str = ""
    port: int = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer:
            return self.answer
        self.messages.append(envelope)
        return "250 OK"

    def texts(self) -> list[str]:
        return [envelope.content.decode("utf-8", "replace") for envelope in self.messages]


class _MailServer(Controller):
    """aiosmtpd's, which stops only when all its connections are closed."""

    def __init__(self, box: Mailbox) -> None:
        super().__init__(box, hostname="127.0.0.1", port=free_port())
        self._sessions: list[SMTP] = []
        self._ending: asyncio.Task[None] | None = None

    def factory(self) -> SMTP:
        made = SMTP(self.handler, **self.SMTP_kwargs)
        self._sessions.append(made)
        return made

    def cancel_tasks(self, stop_loop: bool = True) -> None:
        """What aiosmtpd does to stop, on its loop."""
        self._ending = self.loop.create_task(self._end())

    async def _end(self) -> None:
        assert self.server is not None
        await accept_nobody(self.server)
        self.server.close()
        while asyncio.all_tasks() - {self._ending} or any(one.transport for one in self._sessions):
            for one in self._sessions:
                if isinstance(one.transport, asyncio.WriteTransport):
                    one.transport.abort()
            await asyncio.sleep(0)
        self.loop.stop()


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A real mail server on a port of its own."""
    box = Mailbox()
    controller = _MailServer(box)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Hook:
    """A webhook's receiver; ``status`` is what it answers."""

    taken: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    status: int = 204
    lock: threading.Lock = field(default_factory=threading.Lock)

    def app(self) -> Starlette:
        async def take(request: Request) -> Response:
            body = await request.body()
            with self.lock:
                self.taken.append((body, dict(request.headers)))
            return Response(status_code=self.status)

        return Starlette(routes=[Route("/hook", take, methods=["POST"])])
