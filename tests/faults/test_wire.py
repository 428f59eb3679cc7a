"""The wire of the schedules itself: once it is closed, no connection of it is left."""

import gc
import socket
import warnings
from contextlib import ExitStack

from tests.faults import wire

DELIVERY = b"POST /api/v1/submissions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"


def test_a_wire_that_is_closed_leaves_no_connection_open() -> None:
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        target = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        made = wire.Wire(target.getsockname()[1])
        for happens in (wire.batch_late, wire.batch_doubled, wire.receipt_late, wire.batch_cut):
            made.plan(happens, 1)
        for n in range(12):  # some of them say nothing, some wait for an answer in vain
            address = ("127.0.0.1", made.port)
            client = stack.enter_context(socket.create_connection(address))
            if n % 2:
                client.sendall(DELIVERY[: 20 if n == 11 else None])
        made.close()
        gc.collect()  # what was left open warns now, which fails the test
