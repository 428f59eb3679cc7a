"""Drains the outbox: batches over HTTP, receipts back, and patience in between."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import httpx2
from pydantic import ValidationError

from kiosk.outbox import Outbox, OutboxError, Row
from surveys.wire import Receipt, read_receipt

log = logging.getLogger("kiosk.uploader")

BATCH = 200
LONGEST_PAUSE = 300.0  # seconds
NOT_ADMITTED = "401: no or wrong HAILONG_DEVICE_TOKEN"
REQUEST_SECONDS = 30.0
ROUND_SECONDS = 30.0  # how often an idle uploader looks by itself

Outcome = Literal["empty", "delivered", "stuck"]


class Uploader:
    """Sends waiting rows, oldest first, and keeps each until it has a receipt."""

    def __init__(
        self,
        outbox: Outbox,
        url: str,
        token: str,
        *,
        housekeeping: Callable[[], None] = lambda: None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._address = f"{url}/api/v1/submissions"
        self._headers = {"content-type": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._housekeeping = housekeeping
        self._pause = pause
        self._chance = chance
        self._batch = BATCH
        self._woken = asyncio.Event()
        self._complaints: dict[str, str] = {}
        self._noted: str | None = ""  # what the file says of it is not known yet

    def wake(self) -> None:
        """A row is new: do not wait for the next round."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver for ever, whatever goes wrong; cancelling is safe at any moment."""
        failures = 0
        while True:
            try:
                async with self._client() as client:
                    while await self._round(client):
                        failures = 0
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(ROUND_SECONDS):
                                await self._woken.wait()
            except Exception as error:
                # The text of an unforeseen error may hold an answer, or the token.
                self._complain("delivery", _name(error))
            failures += 1
            await self._pause(backoff(failures, self._chance()))

    async def _round(self, client: httpx2.AsyncClient) -> bool:
        """Put the file in order and send what waits; False where something stayed behind."""
        self._woken.clear()
        try:
            await asyncio.to_thread(self._housekeeping)
        except Exception as error:  # nothing there is a reason not to send what is safe already
            self._complain("housekeeping", _name(error))
        else:
            self._complaints.pop("housekeeping", None)
        await self._checkpoint()
        outcome = await self.drain(client)
        await self._note()
        return outcome != "stuck"

    async def _note(self) -> None:
        """Leave word of the last problem in the file, where the command line finds it."""
        problem = self._complaints.get("delivery")
        if problem == self._noted:
            return
        with contextlib.suppress(OutboxError):  # a courtesy: nothing is held up for it
            await asyncio.to_thread(self._outbox.note_problem, problem)
            self._noted = problem

    async def _checkpoint(self) -> None:
        try:
            await asyncio.to_thread(self._outbox.disk.checkpoint)
        except OutboxError as error:
            self._complain("checkpoint", _name(error))
        else:
            self._complaints.pop("checkpoint", None)

    async def drain(self, client: httpx2.AsyncClient) -> Outcome:
        """Send everything that waits. ``stuck``: something stayed behind without a receipt."""
        after, outcome = 0, "empty"
        while rows := await asyncio.to_thread(self._outbox.pending, self._batch, after):
            status, receipts = await self._send(client, rows)
            if status == 413 and len(rows) > 1:
                self._batch = max(1, len(rows) // 2)
                continue
            if status == 413:
                # One row alone is too large: a human decides, the others go on.
                receipts = [Receipt(id=rows[0].id, status="refused", reason="too large (413)")]
            elif status != 200:
                return "stuck"
            else:
                self._batch = min(BATCH, self._batch * 2)
            known = {row.id for row in rows}
            fitting = {one.id: one for one in receipts if one.id in known}
            after = rows[-1].seq
            try:
                settled = await asyncio.to_thread(
                    self._outbox.settle, {key: one for key, one in fitting.items() if key}
                )
            except OutboxError as error:
                # A full disk cannot note receipts, but what lies on it can still be sent:
                # sent once more it is a duplicate.
                self._complain("delivery", _name(error))
                outcome = "stuck"
                continue
            await self._checkpoint()
            if settled < len(rows):
                # Rows without a receipt stay; go on past them so that they block nobody.
                missing = f"{len(rows) - settled} of {len(rows)} rows came back unreceipted"
                self._complain("delivery", missing)
                outcome = "stuck"
            elif outcome == "empty":
                outcome = "delivered"
        if outcome != "stuck":
            self._complaints.pop("delivery", None)
        return outcome  # type: ignore[return-value]

    async def _send(
        self, client: httpx2.AsyncClient, rows: Sequence[Row]
    ) -> tuple[int, list[Receipt]]:
        # The bodies are JSON already; joining them spares the event loop a second encoding.
        content = '{"submissions":[' + ",".join(row.body for row in rows) + "]}"
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                response = await client.post(
                    self._address, content=content.encode(), headers=self._headers
                )
            if response.status_code != 200:
                status = response.status_code
                said = NOT_ADMITTED if status == 401 else str(status)
                self._complain("delivery", f"the aggregator answered {said}")
                return response.status_code, []
            return 200, read_receipts(response.json())
        except Exception as error:  # whatever a stranger's reply may bring about
            self._complain("delivery", _name(error))
            return 0, []

    def _client(self) -> httpx2.AsyncClient:
        # A proxy from the environment is for the way out, not for this very machine.
        local = httpx2.URL(self._address).host in ("127.0.0.1", "localhost", "::1")
        return httpx2.AsyncClient(timeout=httpx2.Timeout(10.0), trust_env=not local)

    def _complain(self, about: str, complaint: str) -> None:
        """Say a complaint once, not at every attempt of a week offline."""
        if complaint != self._complaints.get(about):
            self._complaints[about] = complaint
            log.warning("%s: %s", about, complaint)


def _name(error: Exception) -> str:
    """An error for the log: its text only where it can hold neither an answer nor the token."""
    told = isinstance(error, OutboxError | httpx2.ConnectError)
    return f"{type(error).__name__}: {error}" if told else type(error).__name__


def backoff(failures: int, chance: float) -> float:
    """Seconds to wait: exponential, full jitter, five minutes at most."""
    return chance * min(LONGEST_PAUSE, 2.0 ** min(failures, 20))


def read_receipts(reply: object) -> list[Receipt]:
    """The receipts in a reply that can be understood; nonsense counts as no receipt."""
    items = reply.get("receipts") if isinstance(reply, dict) else None
    receipts = []
    for item in items if isinstance(items, list) else []:
        with contextlib.suppress(ValidationError):
            receipts.append(read_receipt(item))
    return receipts
