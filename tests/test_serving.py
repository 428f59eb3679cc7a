"""What a stranger may hold open: real sockets against the real server."""

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import serving
from tests.conftest import Servers

PATIENCE = 20.0  # seconds of a client
LONG = 8_000_000  # bytes: more than sockets take that nobody reads
FIRST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def long(request: Request) -> Response:
    return Response(bytes(LONG))


async def gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


APP = Starlette(
    routes=[Route("/", length, methods=["GET", "POST"]), Route("/long", long)],
    exception_handlers={ClientDisconnect: gone},
)


def post(path: str, announced: int, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n\r\n"
    return head.encode() + body


def connect(url: str, source: str = "127.0.0.1") -> socket.socket:
    """A connection from an address of this machine, which may keep little that it did not read."""
    connection = socket.socket()
    connection.settimeout(PATIENCE)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.bind((source, 0))
    connection.connect((urlsplit(url).hostname, urlsplit(url).port))
    return connection


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


@pytest.fixture
def hall() -> Iterator[ExitStack]:
    """Keeps connections open until the test ends."""
    with ExitStack() as stack:
        yield stack


class Citizen:
    """A client that asks, reads and keeps its connection."""

    def __init__(self, url: str, hall: ExitStack) -> None:
        self._client = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
        hall.callback(self._client.close)
        self.ask()
        self._first = self._client.sock

    def ask(self) -> None:
        self._client.request("GET", "/")
        answer = self._client.getresponse()
        assert (answer.status, answer.read()) == (200, b"0")

    @property
    def kept_its_connection(self) -> bool:
        return self._client.sock is self._first


UNFINISHED = {
    "nothing": b"",
    "half a head": b"GET / HT",
    "no head": b"\r\n",
    "half a body": post("/", 1_000, b"a"),
    "a body that nobody takes": post("/nothing", 1_000, b"a"),
    "an answer that nobody reads": FIRST.replace(b"/ ", b"/long "),
    "a request in a request": FIRST + b"GET /",
}


@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED)
def test_whoever_leaves_things_unfinished_makes_room(
    serve: Servers, hall: ExitStack, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS", 6)
    url = serve(APP)
    citizens = [Citizen(url, hall) for _ in range(3)]
    strangers = []
    for _ in range(12):
        strangers.append(hall.enter_context(connect(url)))
        strangers[-1].sendall(sent)
        citizens[0].ask()
    Citizen(url, hall)
    for citizen in citizens:  # also those that were idle for longer than any stranger
        citizen.ask()
        assert citizen.kept_its_connection
    for stranger in strangers[:9]:
        assert len(answer(stranger)) < LONG


def test_where_all_behave_the_longest_idle_makes_room(
    serve: Servers, hall: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS", 6)
    url = serve(APP)
    for _ in range(12):
        citizen = Citizen(url, hall)
        others = [Citizen(url, hall) for _ in range(5)]
        for each in (citizen, *others):
            each.ask()
            assert each.kept_its_connection


def test_an_address_has_half_and_a_proxy_all(
    serve: Servers, hall: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS_OF_ADDRESS", 3)
    url = serve(APP)
    proxied = [Citizen(url, hall) for _ in range(9)]
    neighbour, *_, last = opened = [
        hall.enter_context(connect(url, source)) for source in ("127.0.0.3", *["127.0.0.2"] * 9)
    ]
    for each in opened[1:7]:
        assert answer(each) == b""
    for each in (neighbour, last):
        each.sendall(FIRST)
        assert each.recv(15) == b"HTTP/1.1 200 OK"
    for citizen in proxied:
        citizen.ask()
        assert citizen.kept_its_connection


@pytest.mark.parametrize(
    "sent", [name for name in UNFINISHED if name not in ("nothing", "half a head", "no head")]
)
def test_bodies_and_answers_are_waited_for_in_vain_only_so_long(
    serve: Servers, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(serving, "CLIENT_SECONDS", 0.05)
    with connect(serve(APP)) as stranger:
        stranger.sendall(UNFINISHED[sent])
        assert len(answer(stranger)) < LONG


def test_many_large_bodies_at_once_are_not_all_kept(
    serve: Servers, hall: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "LARGE_BODIES", 1_000_000)
    url = serve(APP)
    citizen = Citizen(url, hall)
    strangers = []
    for _ in range(8):
        strangers.append(hall.enter_context(connect(url)))
        with suppress(ConnectionError):
            strangers[-1].sendall(post("/", 300_001, bytes(300_000)))
        citizen.ask()
    small = hall.enter_context(connect(url))
    small.sendall(post("/", serving.SMALL_BODY, bytes(serving.SMALL_BODY - 1)))
    for stranger in strangers[:5]:
        assert answer(stranger) == b""
    small.sendall(b"a")
    assert small.recv(15) == b"HTTP/1.1 200 OK"
    whole = hall.enter_context(connect(url))
    for _ in range(4):  # each counts until it is answered
        whole.sendall(post("/", 300_000, bytes(300_000)))
        assert whole.recv(4_096).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (FIRST[:-2] + b"a:\r\n" * serving.HEADER_LIMIT + b"\r\n", b"HTTP/1.1 400 "),
        (FIRST[:-2] + b"a:\r\n" * serving.HEADER_LIMIT + b"b", b""),
        (FIRST.replace(b"/", b"/" + b"a" * serving.HEAD_LIMIT, 1), b""),
        (post("/", 9, b"") + FIRST * 2 * serving.PIPELINE_LIMIT, b"HTTP/1.1 400 "),
    ],
    ids=["headers", "headers without end", "an address", "requests before the answer"],
)
def test_requests_that_would_fill_the_memory_are_refused(
    serve: Servers, sent: bytes, said: bytes
) -> None:
    with connect(serve(APP)) as connection:
        connection.sendall(sent)
        got = answer(connection)
    assert got.startswith(said)
    assert b"200 OK" not in got


def test_the_end_of_a_server_waits_for_no_stranger(
    serve: Servers,
    hall: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(serving, "STOP_SECONDS", 2)
    url = serve(APP)
    for sent in UNFINISHED.values():
        hall.enter_context(connect(url)).sendall(sent)
        Citizen(url, hall)
    with caplog.at_level(logging.ERROR):
        serve.stop(url)
    assert not caplog.records


# A request whose end two readers may see in different places: the rest would be a second request,
# which a proxy before us takes for somebody's body and we for a request (RFC 9112, 6.3 and 11.2).
HIDDEN = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
AMBIGUOUS = {
    "both lengths": b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
    "a list of lengths": b"Content-Length: 0, 5\r\n\r\n",
    "a signed length": b"Content-Length: +0\r\n\r\n",
    "a space before the colon": b"Content-Length : 0\r\n\r\n",
    "chunked, and more": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "nearly chunked": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a tab before chunked": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a header in two lines": b"X-A: b\r\n Content-Length: 0\r\n" + CHUNKED + b"\r\n0x0\r\n\r\n",
    "a chunk of no number": CHUNKED + b"\r\n-1\r\n\r\n",
    "a chunk longer than told": CHUNKED + b"\r\n1\r\nab\r\n0\r\n\r\n",
    "a huge chunk": CHUNKED + b"\r\n1000000000000000f\r\n",
    "lines without returns": b"Content-Length: 0\n\n",
    "a zero in a header": b"X-A: \x00\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("headers", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_no_second_request_is_smuggled_behind_an_ambiguous_one(
    serve: Servers, monkeypatch: pytest.MonkeyPatch, headers: bytes
) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.2)  # of what waits for more
    monkeypatch.setattr(serving, "CLIENT_SECONDS", 0.2)
    with connect(serve(APP)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + headers + HIDDEN)
        got = answer(connection)
    assert got.count(b"HTTP/1.1 200 OK") <= 1  # the hidden one was not answered
    assert got.count(b"HTTP/1.1 ") <= 1
    assert b"HTTP/1.1 5" not in got


def test_a_clear_one_lets_the_next_one_through(serve: Servers) -> None:
    with connect(serve(APP)) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" + HIDDEN)
        got = answer(connection)
    assert got.count(b"HTTP/1.1 200 OK") == 2
