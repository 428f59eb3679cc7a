"""What a stranger may hold open: real sockets against the real server."""

import asyncio
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.server import ServerState

import serving
from tests.conftest import Servers


async def length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


APP = Starlette(routes=[Route("/", length, methods=["GET", "POST"])])


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20)


def answer(connection: socket.socket) -> bytes:
    """All that comes until the server closes; b'' where it just closes."""
    got = b""
    try:
        while chunk := connection.recv(65_536):
            got += chunk
    except ConnectionResetError:
        pass
    return got


def test_a_head_without_end_is_cut_off(serve: Servers) -> None:
    with connect(serve(APP)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ")
        sent = 0
        with suppress(ConnectionResetError, BrokenPipeError):
            while sent < 64 * serving.HEAD_LIMIT:
                sent += connection.send(b"a" * 16_384)
    assert sent < 64 * serving.HEAD_LIMIT


def test_a_silent_connection_is_closed(serve: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.05)
    url = serve(APP)
    with connect(url) as silent, connect(url) as slow:
        slow.sendall(b"GET / HT")
        assert answer(silent) == b""
        assert answer(slow) == b""


def test_requests_one_after_the_other_and_large_bodies_pass(serve: Servers) -> None:
    body = b"b" * (4 * serving.HEAD_LIMIT)
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n".encode()
    with connect(serve(APP)) as connection:
        connection.sendall(head + b"\r\n" + body + head + b"Connection: close\r\n\r\n" + body)
        got = answer(connection)
    assert got.count(b"HTTP/1.1 200 OK") == 2
    assert got.count(str(len(body)).encode()) == 2


def test_a_whole_request_larger_than_a_head_may_come_at_once() -> None:
    """The protocol itself is fed, as the size of what one read brings is the system's choice."""
    body = b"b" * (2 * serving.HEAD_LIMIT)
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    aborted: list[bool] = []

    class Transport(asyncio.Transport):
        def write(self, data: bytes | bytearray | memoryview) -> None:
            pass

        def abort(self) -> None:
            aborted.append(True)

        def is_closing(self) -> bool:
            return bool(aborted)

        def close(self) -> None:
            pass

        def pause_reading(self) -> None:
            pass

        def resume_reading(self) -> None:
            pass

    async def feed() -> None:
        config = serving.config(APP, "", 0)
        config.load()
        protocol = serving.BoundedProtocol(config, ServerState(), {})
        protocol.connection_made(Transport())
        for _ in range(3):
            protocol.data_received(head + body)
        assert aborted == []
        protocol.data_received(head[:-2] + b"X-A: " + b"a" * serving.HEAD_LIMIT)
        assert aborted == [True]
        protocol.connection_lost(ConnectionResetError())

    asyncio.run(feed())
