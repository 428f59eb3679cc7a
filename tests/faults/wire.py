"""A wire of our own between kiosk and aggregator: real sockets, on which deliveries go wrong."""

import asyncio
import json
import random
import re
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.faults.nursery import KIOSK_PATIENCE
from tests.listening import accept_nobody

PATIENCE = 4 * KIOSK_PATIENCE  # seconds for an answer; the kiosk has given it up long before
HTML = b"<!doctype html><title>Cong thong tin</title><p>Xin loi, trang nay dang bao tri."


@dataclass
class Exchange:
    """One request of the kiosk on its way; ``chance`` decides what a fault leaves open."""

    wire: "Wire"
    request: bytes
    writer: asyncio.StreamWriter
    chance: random.Random

    async def answered(self) -> bytes:
        """What the aggregator says to the request."""
        return await self.wire.ask(self.request)

    async def answer(self, answer: bytes) -> None:
        self.writer.write(answer)
        await self.writer.drain()


Fault = Callable[[Exchange], Awaitable[None]]  # after which the connection is closed


class Wire:
    """Passes on what the kiosk sends. Deliveries meet the faults that were planned, in turn."""

    def __init__(self, target: int) -> None:
        self.target = target  # the aggregator's port
        self.wrong: list[str] = []  # what should not have been answered
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections: set[asyncio.StreamWriter] = set()  # until they are closed
        self._plan: deque[tuple[Fault, int]] = deque()
        self._meeting = 0
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._thread.start()
        self.open()

    def open(self) -> None:
        """Listen, at the same port as before."""
        self._do(self._listen())

    def shut(self) -> None:
        """Listen no longer: whoever connects is refused."""
        self._do(self._end())

    def close(self) -> None:
        """Listen no longer, and close every connection; all of them are closed afterwards."""
        self.shut()
        self._do(self._hang_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def plan(self, fault: Fault, seed: int) -> None:
        """Let a fault happen to the next delivery, behind those that are planned already."""
        with self._changed:
            self._plan.append((fault, seed))

    def until_met(self, seconds: float) -> bool:
        """Wait until deliveries have met all faults; whether they did. The rest is forgotten.

        What has begun to happen is waited for: it must not go on into what comes next.
        """
        with self._changed:
            met = self._changed.wait_for(lambda: not (self._plan or self._meeting), seconds)
            self._plan.clear()
            self._changed.wait_for(lambda: not self._meeting, 10 * PATIENCE)
        return met

    async def ask(self, request: bytes) -> bytes:
        """Send a request to the aggregator on a connection of its own; returns its answer."""
        async with self.connected() as (reader, writer), asyncio.timeout(PATIENCE):
            writer.write(request)
            await writer.drain()
            return await read_message(reader)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to the aggregator, which is closed afterwards."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._connections.add(writer)
        try:
            yield reader, writer
        finally:
            await self._closed(writer)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something go on beside the deliveries, until the wire is closed at most."""
        self._tasks.add(task := asyncio.create_task(work))
        task.add_done_callback(self._tasks.discard)

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._came, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            await accept_nobody(server)
            server.close()

    async def _hang_up(self) -> None:
        # A connection that was accepted just now is nobody's yet: it is waited for.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in self._tasks:
                task.cancel()
            for writer in self._connections:
                writer.transport.abort()
            await asyncio.wait(others)
        for writer in list(self._connections):
            writer.transport.abort()
            await self._closed(writer)

    async def _closed(self, writer: asyncio.StreamWriter) -> None:
        """Close a connection, and wait until it is: what is written may still be on its way."""
        writer.close()
        with suppress(OSError):
            await asyncio.shield(writer.wait_closed())  # else whoever is cancelled cancels it
        self._connections.discard(writer)

    def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        self.begin(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await read_message(reader)
                fault = self._next() if is_delivery(request) else None
                if fault is None:
                    writer.write(await self.ask(request))
                    await writer.drain()
                    continue
                try:
                    happens, seed = fault
                    await happens(Exchange(self, request, writer, random.Random(seed)))
                finally:
                    with self._changed:
                        self._meeting -= 1
                        self._changed.notify_all()
                return
        except (OSError, EOFError):
            pass  # the one side or the other is gone
        finally:
            await self._closed(writer)

    def _next(self) -> tuple[Fault, int] | None:
        with self._changed:
            if not self._plan:
                return None
            self._meeting += 1
            return self._plan.popleft()


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer with its body, uncompressed. Raises EOFError where it is cut."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
    body = await reader.readexactly(int(length[1])) if length else b""
    return re.sub(rb"(?i)\naccept-encoding:[^\n]*", b"", head) + body


def is_delivery(request: bytes) -> bool:
    return request.startswith(b"POST /api/v1/submissions")


def reply(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def part_of(message: bytes, chance: random.Random) -> bytes:
    return message[: chance.randrange(len(message))]


def with_receipts(answer: bytes, change: Callable[[list[Any]], list[Any]]) -> bytes:
    """An answer with other receipts; one that has none stays."""
    body = answer.partition(b"\r\n\r\n")[2]
    with suppress(ValueError, KeyError, TypeError):
        return reply(json.dumps({"receipts": change(json.loads(body)["receipts"])}).encode())
    return answer


# The faults of a delivery.


async def refused(at: Exchange) -> None:
    """Closed before anything was passed on."""


async def batch_cut(at: Exchange) -> None:
    """A part of the batch comes through, then both sides lose each other."""
    async with at.wire.connected() as (_, writer):
        writer.write(part_of(at.request, at.chance))
        await writer.drain()


async def batch_late(at: Exchange) -> None:
    """It comes through when the kiosk has sent it again already."""

    async def later() -> None:
        await asyncio.sleep(KIOSK_PATIENCE * at.chance.uniform(0.5, 1.5))
        with suppress(OSError, EOFError):
            await at.answered()

    at.wire.begin(later())


async def batch_doubled(at: Exchange) -> None:
    """It comes through twice at the same moment."""
    first, _ = await asyncio.gather(at.answered(), at.answered())
    await at.answer(first)


async def receipt_lost(at: Exchange) -> None:
    """Stored, but nobody hears of it."""
    await at.answered()


async def receipt_cut(at: Exchange) -> None:
    """A part of the receipts comes back."""
    await at.answer(part_of(await at.answered(), at.chance))


async def receipt_late(at: Exchange) -> None:
    """The receipts come back when the kiosk has nearly or entirely given them up."""
    answer = await at.answered()
    await asyncio.sleep(KIOSK_PATIENCE * at.chance.uniform(0.5, 1.5))
    await at.answer(answer)


async def receipt_doubled(at: Exchange) -> None:
    """Each receipt comes back twice, in any order."""

    def doubled(receipts: list[Any]) -> list[Any]:
        return at.chance.sample(receipts * 2, len(receipts) * 2)

    await at.answer(with_receipts(await at.answered(), doubled))


async def receipts_missing(at: Exchange) -> None:
    """Some of the receipts come back, and some of what nobody sent."""

    def fewer(receipts: list[Any]) -> list[Any]:
        left = [one for one in receipts if at.chance.random() < 0.5]
        others = [{"id": "0190a0c0-0000-7000-8000-000000000001", "status": "accepted"}]
        return left + others + [{"id": None, "status": "accepted"}, 7]

    await at.answer(with_receipts(await at.answered(), fewer))


async def batch_altered(at: Exchange) -> None:
    """Bits of its body were turned over: the aggregator takes nothing, the kiosk sends again."""
    head, mark, body = at.request.partition(b"\r\n\r\n")
    answer = await at.wire.ask(head + mark + turned_over(body, at.chance))
    if answer.startswith(b"HTTP/1.1 200"):
        at.wire.wrong.append(f"an altered batch was taken: {at.request!r}: {answer!r}")
    await at.answer(answer)


async def head_altered(at: Exchange) -> None:
    """A bit of its head was turned over: what comes of it depends on which."""
    head, mark, body = at.request.partition(b"\r\n\r\n")
    await at.answer(await at.wire.ask(turned_over(head, at.chance, 1) + mark + body))


async def receipts_altered(at: Exchange) -> None:
    """Bits of the answer, head and body, were turned over."""
    await at.answer(turned_over(await at.answered(), at.chance))


def turned_over(message: bytes, chance: random.Random, most: int = 8) -> bytes:
    """The same with 1 to ``most`` bits at random places turned over."""
    altered = bytearray(message)
    for place in chance.sample(range(len(message)), min(len(message), chance.randint(1, most))):
        altered[place] ^= 1 << chance.randrange(8)
    return bytes(altered)


async def status_500(at: Exchange) -> None:
    """500, whether it was stored or not."""
    await _instead(at, reply(b'{"error": "x"}', "500 Internal Server Error"))


async def status_503(at: Exchange) -> None:
    """503, whether it was stored or not."""
    await _instead(at, reply(b'{"error": "x"}', "503 Service Unavailable"))


async def html(at: Exchange) -> None:
    """The page of a portal with status 200, whether it was stored or not."""
    await _instead(at, reply(HTML, kind="text/html"))


async def garbage(at: Exchange) -> None:
    """Bytes that are no HTTP, no JSON, or no receipts, whether it was stored or not."""
    others = (b"[]", b'{"receipts": 7}', b'{"receipts": [{"status": "accepted"}]}', b"\xff{", b"")
    odd = reply(at.chance.choice(others))
    await _instead(at, at.chance.choice((odd, at.chance.randbytes(200))))


async def _instead(at: Exchange, answer: bytes) -> None:
    if at.chance.random() < 0.5:
        await at.answered()
    await at.answer(answer)
