"""Servers of asyncio in the tests' own process, stopped so that nothing of them is left open."""

import asyncio


async def accept_nobody(server: asyncio.AbstractServer) -> None:
    """Let a server accept nobody else, so that it can be closed.

    Python 3.11 leaves a transport open where a connection is accepted in the turn of the loop in
    which its server is closed.
    """
    assert isinstance(server, asyncio.Server)
    loop = asyncio.get_running_loop()
    for listener in server.sockets:
        loop.remove_reader(listener)
    await asyncio.sleep(0)  # who was accepted before has a transport now
