"""A cheap HTTP client for load: prepared requests over kept connections, on loopback only."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit


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
    waiting = iter(requests)
    began = time.perf_counter()
    asyncio.run(_run(url, waiting, clients))
    return len(requests) / (time.perf_counter() - began)


async def _run(url: str, waiting: Iterator[bytes], clients: int) -> None:
    await asyncio.gather(*(_client(url, waiting) for _ in range(clients)))


async def _client(url: str, waiting: Iterator[bytes]) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        for sent in waiting:
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            await reader.readexactly(_length(head))
    finally:
        writer.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    raise RuntimeError(f"no length in {head!r}")


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
