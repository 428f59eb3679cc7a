"""Documents made in a process of their own: one at a time, bounded, nothing left behind."""

import asyncio
import http.client
import os
import sys
from collections.abc import Awaitable
from pathlib import Path

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from aggregator.dashboard.permissions import COOKIE
from aggregator.documents import worker
from aggregator.documents.worker import DocumentError, environment, send
from aggregator.settings import Settings
from tests.aggregator.conftest import Room, submission
from tests.conftest import Servers


@pytest.fixture
def folder(room: Room) -> Path:
    room.take([submission()])
    return room.settings.var / "documents"


def left(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def test_a_document_is_the_callers_until_it_is_sent(room: Room, folder: Path) -> None:
    path = asyncio.run(room.context.worker.make(["export"], ".csv"))
    assert path.read_text("utf-8-sig").count("\n") == 2
    assert path.stat().st_mode & 0o77 == 0 or path.parent.stat().st_mode & 0o77 == 0
    answer = send(path, "Phiếu trả lời.csv", "text/csv")
    assert left(folder) == []

    async def body() -> bytes:
        return b"".join([bytes(chunk) async for chunk in answer.body_iterator])  # type: ignore

    assert len(asyncio.run(body())) == int(answer.headers["content-length"])
    assert "Phi%E1%BA%BFu" in answer.headers["content-disposition"]


def test_documents_are_made_one_after_the_other(room: Room, folder: Path) -> None:
    async def three() -> list[Path]:
        making = (room.context.worker.make(["export"], f".{n}") for n in range(3))
        return await asyncio.gather(*making)

    paths = asyncio.run(three())
    assert len({path.parent for path in paths}) == 3
    assert all(path.is_file() for path in paths)


def raised(coroutine: Awaitable[Path]) -> str:
    async def wait() -> Path:
        return await coroutine

    with pytest.raises(DocumentError) as found:
        asyncio.run(wait())
    return found.value.key


def test_a_command_that_fails_leaves_nothing(
    room: Room, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert raised(room.context.worker.make(["export", "--survey=census"], ".csv")) == "failed"
    assert "census" in caplog.text  # the reason is in the log, for whoever runs the server
    assert raised(room.context.worker.make(["no-such-command"], ".csv")) == "failed"
    assert raised(room.context.worker.make(["user", "list"], ".csv")) == "failed"  # no file
    assert left(folder) == []


def test_whoever_waits_too_long_is_sent_away(
    room: Room, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PATIENCE", 0.01)

    async def taken() -> Path:
        async with room.context.worker._turn:
            return await room.context.worker.make(["export"], ".csv")

    assert raised(taken()) == "busy"
    monkeypatch.setattr(worker, "PATIENCE", 60.0)
    assert asyncio.run(room.context.worker.make(["export"], ".csv")).is_file()


@pytest.fixture
def endless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in place of Python that never ends; its process writes its number to a file."""
    program, number = tmp_path / "endless", tmp_path / "number"
    program.write_text(
        f"#!/bin/sh\necho $$ > {number}.part\nmv {number}.part {number}\nexec tail -f /dev/null\n"
    )
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    return number


def wait_for(path: Path) -> None:
    while not path.exists():
        pass


def is_running(number: Path) -> bool:
    return Path(f"/proc/{number.read_text().strip()}").exists()


def test_a_command_that_takes_too_long_is_ended(
    room: Room, folder: Path, endless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SECONDS", 1.0)
    assert raised(room.context.worker.make(["export"], ".csv")) == "too_slow"
    assert not is_running(endless)
    assert left(folder) == []


def test_a_server_that_stops_ends_the_command(room: Room, folder: Path, endless: Path) -> None:
    async def stopped() -> None:
        making = asyncio.create_task(room.context.worker.make(["export"], ".csv"))
        await asyncio.to_thread(wait_for, endless)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making

    asyncio.run(stopped())
    assert not is_running(endless)
    assert left(folder) == []


def test_what_a_killed_server_left_is_removed(room: Room, folder: Path) -> None:
    old, new = folder / "old", folder / "new"
    for each in (old, new):
        each.mkdir(parents=True)
        (each / "document.csv").write_text("personal")
    os.utime(old, (0, 0))
    path = asyncio.run(room.context.worker.make(["export"], ".csv"))
    assert sorted(left(folder)) == sorted([new, path.parent])


def test_the_command_has_the_settings_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Settings(var=tmp_path, database_url="sqlite:///x.db", port=8123, demo=True)
    monkeypatch.setenv("HAILONG_PORT", "1")
    monkeypatch.setenv("HAILONG_OUTBOX", "another room's")
    found = environment(given)
    assert "HAILONG_OUTBOX" not in found
    for name in list(os.environ):
        if name.startswith("HAILONG_"):
            monkeypatch.delenv(name)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    assert Settings.from_env() == given


def test_whoever_leaves_ends_the_document(
    room: Room, folder: Path, endless: Path, serve: Servers
) -> None:
    room.sign_in()
    app = room.another()
    connection = http.client.HTTPConnection(serve(app).removeprefix("http://"), timeout=60)
    cookie = {"cookie": f"{COOKIE}={room.client.cookies[COOKIE]}"}
    connection.request("GET", "/reports/quarter.pdf", headers=cookie)
    wait_for(endless)
    connection.close()
    while app.state.context.worker._turn.locked():
        pass
    assert not is_running(endless)
    assert left(folder) == []


def test_whoever_leaves_is_out_of_the_queue(room: Room, folder: Path, endless: Path) -> None:
    messages: list[Message] = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return messages.pop(0)

    async def taken() -> None:
        request = Request({"type": "http", "app": room.app, "state": {}}, receive)
        async with room.context.worker._turn:
            with pytest.raises(ClientDisconnect):
                await room.context.worker.make_for(request, ["export"], ".csv")
        assert not room.context.worker._turn.locked()

    asyncio.run(taken())
    assert not endless.exists()
    assert left(folder) == []
