"""How both rooms are served: uvicorn, with bounds on what a stranger may hold open."""

import asyncio
import contextlib
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 65_536  # bytes of one request's first line and headers
HEAD_SECONDS = 20.0  # in which a connection must have asked something


class BoundedProtocol(HttpToolsProtocol):
    """HTTP whose request heads end: neither endless headers nor silent connections stay.

    The parser itself keeps whatever comes, for as long as it comes.
    """

    _head_bytes = 0
    _in_head = True
    _head_grew = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_grew = self._in_head
        super().data_received(data)
        if self._head_grew:  # nothing but a part of a head came
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT:
                self.transport.abort()
            elif self._deadline is None:
                self._expect_head()

    def on_headers_complete(self) -> None:
        self._head_is_here()
        self._in_head = self._head_grew = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _head_is_here(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def config(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        access_log=False,  # who answered when, from which address, is nobody's business
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


class Server(uvicorn.Server):
    """A server that says where it is as soon as it is there."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"http://{self.config.host}:{self.config.port}/", flush=True)


def serve(app: ASGIApp, host: str, port: int) -> int:
    """Serve until a signal. 0, or 1 where the port cannot be had (uvicorn says why)."""
    server = Server(config(app, host, port))
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run()
    return 0 if server.started else 1
