"""A cheap HTTP client for load: prepared requests over kept connections, on loopback only.

It runs on the machine of the server that is measured, so it must cost little: one thread,
sockets that are ready, and no parsing but of the status and length of the answer.
"""

import re
import selectors
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def request(url: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """One POST as bytes."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def post_all(url: str, requests: Sequence[bytes], clients: int) -> float:
    """Send all requests over that many connections at once; returns requests a second.

    Raises RuntimeError when an answer is not 200.
    """
    parts = urlsplit(url)
    waiting = iter(requests)
    with selectors.DefaultSelector() as ready:
        for _ in range(clients):
            connection = socket.create_connection((parts.hostname, parts.port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.register(connection, selectors.EVENT_READ, bytearray())
        began = time.perf_counter()
        for key in list(ready.get_map().values()):
            _next(ready, key, waiting)
        while ready.get_map():
            for key, _ in ready.select():
                if _answered(key):
                    _next(ready, key, waiting)
        return len(requests) / (time.perf_counter() - began)


def _next(
    ready: selectors.BaseSelector, key: selectors.SelectorKey, waiting: Iterator[bytes]
) -> None:
    """Send the next request over a connection, or close it where none is left."""
    connection: socket.socket = key.fileobj  # type: ignore[assignment]
    sent = next(waiting, None)
    if sent is None:
        ready.unregister(connection)
        connection.close()
    else:
        connection.sendall(sent)


def _answered(key: selectors.SelectorKey) -> bool:
    """Read what has come over a connection; whether the answer is whole."""
    connection: socket.socket = key.fileobj  # type: ignore[assignment]
    answer: bytearray = key.data
    answer += connection.recv(262_144)
    head = answer.find(b"\r\n\r\n")
    if head < 0 and answer:
        return False
    length = LENGTH.search(answer, 0, head + 4)
    if not answer.startswith(b"HTTP/1.1 200") or length is None:
        raise RuntimeError(answer[:200].decode(errors="replace") or "the server hung up")
    if len(answer) < head + 4 + int(length[1]):
        return False
    answer.clear()
    return True


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
