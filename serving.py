"""How both rooms are served: uvicorn, with bounds on what a stranger may hold open.

Where a bound is reached, the connection that has kept the server waiting longest is closed: those
who ask and read at once get in. uvicorn's own ``limit_concurrency`` closes none: it answers 503
to everybody who comes later.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from ipaddress import IPv6Address
from time import monotonic  # finer than the loop's clock: tells who waited longer
from typing import Any, Literal, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Two servers (standalone.py), each with a full backlog, leave a quarter of the 1,024 file handles
# of a process to databases and documents.
CONNECTIONS = 256  # open at one server
BACKLOG = 128  # connections that the system keeps until the server takes them
# Phones behind one router have one address. Half is more than a hall needs in the same seconds,
# and the other half stays for everybody else.
CONNECTIONS_OF_ADDRESS = 128
PROXIES = ("127.0.0.1", "::1")  # a reverse proxy on this machine sends the requests of all clients

HEAD_LIMIT = 65_536  # bytes of one request's first line and headers
HEADER_LIMIT = 100  # headers of one request: the smallest takes fifty times its bytes in memory
PIPELINE_LIMIT = 16  # requests that came before an earlier one of their connection is answered

SMALL_BODY = 65_536  # bytes that the body of any connection may hold in memory
LARGE_BODIES = 64 * 1024 * 1024  # bytes that all larger bodies together may hold

HEAD_SECONDS = 20.0  # until a new connection must have sent the head of a request
# Between two requests: longer than a reverse proxy keeps a connection (nginx: 60 s), so that it
# sends no request into one that is just being closed.
IDLE_SECONDS = 75
# Until the rest of a request must have come, or an answer must have been read. web.py answers 408
# sooner where it reads a body; this is for bodies that no handler reads.
CLIENT_SECONDS = 90.0
STOP_SECONDS = 5  # that a server which is stopping still has for its answers

Awaited = Literal["head", "body", "reading", "next request"]


class BoundedProtocol(HttpToolsProtocol):
    """HTTP with bounds on what one connection, and all of a server, send and leave unread."""

    since = 0.0  # when the server began to wait for the client (time.monotonic)
    body_bytes = 0  # received of requests that are not answered yet
    source: str | bytes = ""  # the client's address
    _receiving: Literal["head", "body"] | None = "head"
    _head_bytes = 0
    _only_head = False  # the data read last is a part of one head
    _timer: asyncio.TimerHandle | None = None

    @property
    def awaited(self) -> Awaited | None:
        """What the server waits for; None while the client waits for the server."""
        if self.flow.write_paused or self.transport.is_closing():
            return "reading"
        if self._receiving:
            return self._receiving
        if self.pipeline or not self.cycle.response_complete:
            return None
        return "next request"

    def close_at_once(self) -> None:
        """Close the connection, whatever has not been sent."""
        self._open_connections.discard(self)
        self.transport.abort()

    # What happens on a connection

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.source = _source(self.client[0] if self.client else "")
        self._touch()
        self._make_room()
        self._close_when_late()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._receiving is None:
            self._expect_head()
        self._only_head = self._receiving == "head"
        if self._only_head:
            self._head_bytes += len(data)
        super().data_received(data)
        # The parser itself keeps headers for as long as they come.
        if self._only_head and (
            self._head_bytes > HEAD_LIMIT or len(self.headers or ()) > HEADER_LIMIT
        ):
            self.close_at_once()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._receiving is None:  # another request in the same data
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Start the request. The errors that this raises become an answer 400."""
        self._only_head = False
        # The size is looked at in detail only where head and body may have come together.
        if len(self.headers) > HEADER_LIMIT or (
            self._head_bytes > HEAD_LIMIT and self._size_of_head() > HEAD_LIMIT
        ):
            raise ValueError("the request's head is too large")
        if len(self.pipeline) >= PIPELINE_LIMIT:
            raise ValueError("too many requests wait for their answers")
        self._receiving = "body"
        self._touch()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if not self.cycle.response_complete:
            self.body_bytes += len(body)
            if self.body_bytes > SMALL_BODY:
                self._bound_bodies()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._receiving, self._head_bytes = None, 0

    def on_response_complete(self) -> None:
        if not self.pipeline:
            self.body_bytes = 0
        self._touch()
        super().on_response_complete()

    def pause_writing(self) -> None:
        self._touch()
        super().pause_writing()

    def shutdown(self) -> None:
        """Stop soon: requests that are here are answered, and nobody waits for the others."""
        if self._receiving and self.cycle is not None:
            self.close_at_once()
        else:
            super().shutdown()
            # What is not read by then would keep the server from ending.
            self.loop.call_later(STOP_SECONDS - 1, self._stop_waiting)

    # Bounds

    @property
    def _open_connections(self) -> "set[BoundedProtocol]":
        return cast("set[BoundedProtocol]", self.connections)

    def _make_room(self) -> None:
        """Close a connection if this new one is one too many, of its address or in all."""
        everyone = self._open_connections
        neighbours = {each for each in everyone if each.source == self.source}
        if self.source not in PROXIES and len(neighbours) > CONNECTIONS_OF_ADDRESS:
            crowd = neighbours
        elif len(everyone) > CONNECTIONS:
            crowd = everyone
        else:
            return
        others = _latest_first(crowd - {self})
        # Where all others are being answered, there is no room for this one.
        (others[0] if others else self).close_at_once()

    def _bound_bodies(self) -> None:
        """Close the slowest of the large bodies until the others are within the bound."""
        large = {each for each in self._open_connections if each.body_bytes > SMALL_BODY}
        excess = sum(each.body_bytes for each in large) - LARGE_BODIES
        for each in _latest_first(large):
            if excess <= 0:
                break
            excess -= each.body_bytes
            each.close_at_once()

    def _close_when_late(self) -> None:
        """Close the connection if the client is late; otherwise look again when it might be."""
        now = monotonic()
        patience = HEAD_SECONDS if self.awaited == "head" else CLIENT_SECONDS
        left = self.since + patience - now if self.awaited else HEAD_SECONDS
        if left <= 0:
            self.close_at_once()
        else:
            self._timer = self.loop.call_later(min(left, HEAD_SECONDS), self._close_when_late)

    def _stop_waiting(self) -> None:
        if self.awaited:
            self.close_at_once()

    def _expect_head(self) -> None:
        self._receiving = "head"
        self._touch()

    def _touch(self) -> None:
        self.since = monotonic()

    def _size_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)


def _latest_first(connections: Iterable[BoundedProtocol]) -> list[BoundedProtocol]:
    """Those that the server waits for, in the order in which they are closed.

    Unfinished ones come before those that are idle between two requests, and of each kind
    those that it has waited for longest.
    """
    waiting = [connection for connection in connections if connection.awaited]
    return sorted(waiting, key=lambda c: (c.awaited == "next request", c.since))


def _source(address: str) -> str | bytes:
    """What counts as one address: an IPv4 address, or the network that IPv6 gives to one host."""
    if ":" in address and address not in PROXIES:
        return IPv6Address(address).packed[:8]
    return address


def config(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    """uvicorn's settings for both rooms."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_SECONDS,
        access_log=False,  # it would tell who answered when, and from which address
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=STOP_SECONDS,
    )


class Server(uvicorn.Server):
    """A server that prints its address as soon as it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"http://{self.config.host}:{self.config.port}/", flush=True)


def serve(app: ASGIApp, host: str, port: int) -> int:
    """Serve until a signal. Returns 0, or 1 where the port is not free (uvicorn logs why)."""
    server = Server(config(app, host, port))
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run()
    return 0 if server.started else 1
