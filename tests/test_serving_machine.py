"""The bounds of a server as rules that hold after any sequence of events, without a network."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

import serving

PROXY = serving.PROXIES[0]
# The last two are two hosts of one network.
ADDRESSES = [PROXY, PROXY, "10.0.0.7", "10.0.0.8", "2001:db8::1", "2001:db8::2"]


class Transport(asyncio.Transport):
    """A connection without a network: a test feeds its protocol."""

    def __init__(self, address: str, number: int) -> None:
        super().__init__({"peername": (address, number)})
        self.protocol: serving.BoundedProtocol
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def close(self) -> None:
        if not self.closed:
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, OSError())
        self.closed = True

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Client:
    """A connection, its one request, and how much of that it has sent."""

    def __init__(self, server: "Server", address: str, body: int) -> None:
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {body}\r\n\r\n".encode()
        self.head, self.request, self.sent = len(head), head + bytes(body), 0
        self.address = address
        self.may_be_answered = asyncio.Event()
        self.transport = Transport(address, len(server.clients))
        self.protocol = serving.BoundedProtocol(server.config, server.state, {})
        self.transport.protocol = self.protocol
        server.clients.append(self)
        self.protocol.connection_made(self.transport)

    def send(self, size: int) -> None:
        self.protocol.data_received(self.request[self.sent : self.sent + size])
        self.sent = min(self.sent + size, len(self.request))

    @property
    def stands(self) -> Literal["closed", "unfinished", "asks", "idle"]:
        if self.transport.closed:
            return "closed"
        if self.protocol.flow.write_paused or self.sent < len(self.request):
            return "unfinished"
        return "idle" if self.protocol.cycle.response_complete else "asks"

    @property
    def held(self) -> int:
        """Bytes of its body that the server holds."""
        cycle = self.protocol.cycle
        over = self.transport.closed or cycle is None or cycle.response_complete
        return 0 if over else max(0, self.sent - self.head)


class Server:
    """What the connections share; each is answered when the test says so."""

    def __init__(self) -> None:
        self.state = ServerState()
        self.clients: list[Client] = []
        self.config = serving.config(self, "", 0)
        self.config.load()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = self.clients[scope["client"][1]]
        with suppress(ClientDisconnect):
            await Request(scope, receive).body()
            await client.may_be_answered.wait()
            await Response()(scope, receive, send)


class Bounds(RuleBasedStateMachine):
    """Clients of a few addresses come, send parts, stop reading and are answered."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(serving, "CONNECTIONS", 4)
        self.patch.setattr(serving, "CONNECTIONS_OF_ADDRESS", 2)
        self.patch.setattr(serving, "SMALL_BODY", 100)
        self.patch.setattr(serving, "LARGE_BODIES", 1_000)
        self.loop = asyncio.new_event_loop()
        self.server = Server()

    def teardown(self) -> None:
        for client in self.server.clients:
            client.may_be_answered.set()
            self.do(client.transport.abort)
        self.loop.close()
        self.patch.undo()

    @property
    def open(self) -> list[Client]:
        return [each for each in self.server.clients if each.stands != "closed"]

    def do(self, action: Callable[..., object], *arguments: object) -> None:
        """Let something happen, and all that follows from it."""

        async def act() -> None:
            action(*arguments)
            for _ in range(10):
                await asyncio.sleep(0)

        self.loop.run_until_complete(act())

    def try_out(self, action: Callable[..., object], *arguments: object) -> None:
        """Let something happen, and see that nobody is closed for it who should not be."""
        before = {client: client.stands for client in self.open}
        self.do(action, *arguments)
        for client, stood in before.items():
            if client.stands == "closed":
                assert stood != "asks"
                neighbours = [each for each in before if each.address == client.address]
                assert stood != "idle" or "unfinished" not in [each.stands for each in neighbours]

    @rule(address=st.sampled_from(ADDRESSES), body=st.sampled_from([0, 1, 99, 400, 900, 1_200]))
    def come(self, address: str, body: int) -> None:
        self.try_out(Client, self.server, address, body)

    @rule(address=st.sampled_from(ADDRESSES))
    def behave(self, address: str) -> None:
        """Come, ask at once, be answered, stay."""

        def ask() -> None:
            client = Client(self.server, address, 0)
            client.may_be_answered.set()
            client.send(1_000)

        self.try_out(ask)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), size=st.sampled_from([1, 60, 500, 2_000]))
    def send(self, data: st.DataObject, size: int) -> None:
        client = data.draw(st.sampled_from(self.open))
        if client.sent < len(client.request):
            self.try_out(client.send, size)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        self.try_out(data.draw(st.sampled_from(self.open)).may_be_answered.set)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), pauses=st.booleans())
    def read(self, data: st.DataObject, pauses: bool) -> None:
        protocol = data.draw(st.sampled_from(self.open)).protocol
        self.try_out(protocol.pause_writing if pauses else protocol.resume_writing)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(self.open))
        self.do(client.transport.close)

    @invariant()
    def connections_are_bounded(self) -> None:
        assert len(self.open) <= serving.CONNECTIONS
        networks = Counter(each.address.partition("::")[0] for each in self.open)
        del networks[PROXY]
        assert all(number <= serving.CONNECTIONS_OF_ADDRESS for number in networks.values())

    @invariant()
    def bodies_are_bounded(self) -> None:
        large = [each.held for each in self.open if each.held > serving.SMALL_BODY]
        assert sum(large) <= serving.LARGE_BODIES


Bounds.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestBounds = Bounds.TestCase


def test_a_whole_request_larger_than_a_head_may_come_at_once() -> None:
    """The protocol itself is fed, as the size of what one read brings is the system's choice."""

    async def feed() -> None:
        client = Client(Server(), PROXY, 2 * serving.HEAD_LIMIT)
        client.may_be_answered.set()
        protocol, head = client.protocol, client.request[: client.head - 2]
        for _ in range(3):
            protocol.data_received(client.request)
        assert not client.transport.closed
        protocol.data_received(head + b"X-A: " + b"a" * serving.HEAD_LIMIT)
        assert client.transport.closed

    asyncio.run(feed())
