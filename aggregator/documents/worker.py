"""Makes a document in a process of its own, whose libraries then take no memory of the server.

The process is a command of ``python -m aggregator`` that writes one file, its last argument; or
of the kiosk, for a preview of its screens, which the aggregator has no code to draw.
"""

import asyncio
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from aggregator.settings import Settings
from surveys.messages import MessageError

ROOT = Path(__file__).parents[2]
SECONDS = 300.0  # for one document, which takes a few seconds
PATIENCE = 60.0  # seconds to wait for the documents asked for before
CHUNK = 65_536  # bytes

Program = Literal["aggregator", "kiosk"]

log = logging.getLogger("aggregator.documents.worker")


class DocumentError(MessageError):
    """A document that was not made: too many wait, it took too long, or it failed."""

    section = "export."
    status = 503

    def __init__(self, key: Literal["busy", "too_slow", "failed"]) -> None:
        super().__init__(key)


class Worker:
    """Makes documents with these settings, one at a time."""

    def __init__(self, settings: Settings, turn: asyncio.Semaphore | None = None) -> None:
        """``turn`` is held while one is made; several workers may share it."""
        self._settings = settings
        self._turn = turn or asyncio.Semaphore(1)

    async def make(
        self,
        arguments: Sequence[str],
        suffix: str,
        *,
        program: Program = "aggregator",
        given: bytes | None = None,
    ) -> Path:
        """The file that a command wrote, in a new folder that is the caller's to remove.

        ``arguments`` are the command and its options, made of checked values only; the file,
        whose name ends with ``suffix`` (such as ``.pdf``), is added to them, before it one that
        holds what is ``given``. Raises DocumentError.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                await self._turn.acquire()
        except TimeoutError:
            raise DocumentError("busy") from None
        folder = None
        try:
            folder = _new_folder(self._settings.var / "documents")
            file = folder / f"document{suffix}"
            files = [str(file)]
            if given is not None:
                source = folder / "given"
                await asyncio.to_thread(source.write_bytes, given)
                files.insert(0, str(source))
            await _run(self._settings, program, [*arguments, *files])
            if not file.is_file():
                raise DocumentError("failed")
        except BaseException:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            self._turn.release()
        return file

    async def make_for(
        self,
        request: Request,
        arguments: Sequence[str],
        suffix: str,
        *,
        program: Program = "aggregator",
        given: bytes | None = None,
    ) -> Path:
        """As ``make``, but given up as soon as the client closes the connection.

        Raises DocumentError and ClientDisconnect.
        """
        made = self.make(arguments, suffix, program=program, given=given)
        making = asyncio.create_task(made)
        leaving = asyncio.create_task(_left(request))
        leaving.add_done_callback(lambda _: making.cancel())
        try:
            return await making
        except asyncio.CancelledError:
            if leaving.done():
                raise ClientDisconnect from None
            raise
        finally:
            leaving.cancel()


async def _left(request: Request) -> None:
    """Returns when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def read_once(file: Path) -> bytes:
    """What a Worker wrote into a file, which is removed with its folder."""
    content = file.read_bytes()
    shutil.rmtree(file.parent, ignore_errors=True)
    return content


def send(file: Path, name: str, media_type: str) -> Response:
    """A file that a Worker made, under a name, as a download.

    Its folder is removed at once: an open file can still be read, and nothing is left behind
    if the reader closes the connection.
    """
    opened = file.open("rb")
    shutil.rmtree(file.parent, ignore_errors=True)

    def chunks() -> Iterator[bytes]:
        with opened:
            while chunk := opened.read(CHUNK):
                yield chunk

    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "content-length": str(os.fstat(opened.fileno()).st_size),
    }
    return StreamingResponse(chunks(), media_type=media_type, headers=headers)


def environment(settings: Settings, program: Program = "aggregator") -> dict[str, str]:
    """The environment of the new process: that of this one, with ``settings`` as variables.

    The kiosk keeps settings of its own, such as the folder of the centre's pictograms.
    """
    own = program == "aggregator"
    kept = {
        name: value
        for name, value in os.environ.items()
        if not (own and name.startswith("HAILONG_"))
    }
    settled = settings.model_dump(exclude_none=True)
    given = {f"HAILONG_{name.upper()}": str(value) for name, value in settled.items()}
    paths = (str(ROOT), os.environ.get("PYTHONPATH", ""))
    return {**kept, **given, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _new_folder(home: Path) -> Path:
    """A new folder that only this user can read. Removes what a killed server left behind."""
    home.mkdir(parents=True, exist_ok=True)
    for old in home.iterdir():
        with suppress(FileNotFoundError):  # another process has removed it already
            if time.time() - old.stat().st_mtime > PATIENCE + SECONDS:
                shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=home))


async def _run(settings: Settings, program: Program, arguments: Sequence[str]) -> None:
    """Run a command to its end. Raises DocumentError."""
    with tempfile.TemporaryFile() as errors:
        process = _start(settings, program, arguments, errors)
        try:
            # A thread waits for it, since asyncio's own processes can hang when they are cancelled.
            loop = asyncio.get_running_loop()
            status = await loop.run_in_executor(None, process.wait, SECONDS)
        except subprocess.TimeoutExpired:
            raise DocumentError("too_slow") from None
        finally:  # also when the server stops
            process.kill()
            process.wait()
        if status:
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace").strip()
            log.error("%s: %s", arguments[0], said[-2_000:])
            raise DocumentError("failed")


def _start(
    settings: Settings, program: Program, arguments: Sequence[str], errors: IO[bytes]
) -> subprocess.Popen[bytes]:
    # -P: no module is imported from the folder that the server was started in.
    command = [sys.executable, "-P", "-m", program, *arguments]
    return subprocess.Popen(  # noqa: S603 - our own program and no shell
        command,
        env=environment(settings, program),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
    )
