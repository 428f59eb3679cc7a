"""Delivers the outbox: batches over HTTP, receipts back, and longer waits while it fails."""

import asyncio
import contextlib
import json
import logging
import random
import tomllib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import httpx2
from pydantic import ValidationError

from kiosk.centre_copy import CentreCopy, CentreCopyError
from kiosk.outbox import Outbox, OutboxError, Row
from surveys.chain import content_digest
from surveys.wire import Receipt, read_receipt

log = logging.getLogger("kiosk.uploader")

BATCH = 200  # submissions in one request
CENTRE_SECONDS = 300.0  # how often the centre's document is asked for
LONGEST_PAUSE = 300.0  # seconds between attempts
NOT_ADMITTED = "401: no or wrong HAILONG_DEVICE_TOKEN"
REQUEST_SECONDS = 30.0
REACH_SECONDS = 8.0  # somebody waits before the screen
BEAT_SECONDS = 60.0  # how often the aggregator is told how this kiosk is
CODES_SECONDS = 2.0  # how often one-time codes are asked for at most
NETWORK_ERRORS = (httpx2.HTTPError, OSError)
ROUND_SECONDS = 30.0  # how often an idle uploader looks by itself

Outcome = Literal["empty", "delivered", "stuck"]  # stuck: a row stayed without a receipt


class Uploader:
    """Sends waiting rows, oldest first, and keeps each until it has a receipt.

    ``housekeeping`` is done before each round, ``renew`` once ``copy`` has another centre, or
    ``follow`` says of the aggregator's answer that this device has another ``place`` now;
    ``address`` is where phones reach this kiosk, if they do: then it serves one-time codes, each
    of which ``take_code`` puts on the disk and returns its number.
    ``pause`` and ``chance`` are for tests: how to wait some seconds, and a random number below 1.
    """

    def __init__(
        self,
        outbox: Outbox,
        url: str,
        token: str,
        *,
        housekeeping: Callable[[], None] = lambda: None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
        copy: CentreCopy | None = None,
        renew: Callable[[], None] = lambda: None,
        place: Mapping[str, str | None] | None = None,
        follow: Callable[[object], bool] = lambda said: False,
        address: str | None = None,
        take_code: Callable[[object], int] = lambda said: 0,
    ) -> None:
        self._outbox = outbox
        self._address = f"{url}/api/v1/submissions"
        self._health = f"{url}/health"
        self._receipts = f"{url}/api/v1/receipts"
        self._me = f"{url}/api/v1/devices/me"
        self._codes = f"{url}/api/v1/codes"
        self._address_of_codes = address
        self._take_code = take_code
        self._has_codes = 0  # up to which number they are on the disk
        self._fetched: float | None = None  # when codes were asked for
        self._fetching = asyncio.Lock()
        self._told: float | None = None  # when the aggregator was told how this kiosk is
        self._headers = {"content-type": "application/json"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._centre = f"{url}/api/v1/centre"
        self._copy = copy
        self._renew = renew
        self._place = place
        self._follow = follow
        self._moved = False
        self._asked: float | None = None  # when the centre's document was asked for
        self._housekeeping = housekeeping
        self._pause = pause
        self._chance = chance
        self._batch = BATCH
        self._woken = asyncio.Event()
        self._problems: dict[str, str] = {}  # the present ones, by what fails
        self._noted: str | None = ""  # what the file says of delivery is not known yet

    def wake(self) -> None:
        """Begin the next round now, because there is a new row."""
        self._woken.set()

    async def run(self) -> None:
        """Deliver until cancelled, at any moment; after an error wait, and try again."""
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
                self._report("delivery", _describe(error))
            failures += 1
            await self._pause(backoff(failures, self._chance()))

    async def _round(self, client: httpx2.AsyncClient) -> bool:
        """Do the housekeeping and send what waits; False where something stayed behind."""
        self._woken.clear()
        try:
            await asyncio.to_thread(self._housekeeping)
        except Exception as error:  # no reason not to send what waits
            self._report("housekeeping", _describe(error))
        else:
            self._problems.pop("housekeeping", None)
        await self._checkpoint()
        outcome = await self.drain(client)
        await self._note()
        await self._tell(client)
        await self._refresh(client)
        return outcome != "stuck"

    async def _tell(self, client: httpx2.AsyncClient) -> None:
        """Tell the aggregator now and then what waits here, which release, and this clock's time.

        Whatever comes of it, delivery goes on; what is wrong with the network it tells itself.
        """
        now = asyncio.get_running_loop().time()
        if "authorization" not in self._headers:
            return
        if self._told is not None and now - self._told < BEAT_SECONDS:
            return
        self._told = now
        with contextlib.suppress(OutboxError, ValueError, *NETWORK_ERRORS):
            counts = await asyncio.to_thread(self._outbox.status)
            told = {"pending": counts.pending, "refused": counts.refused, "version": release()}
            told |= {"clock": self._outbox.clock().isoformat(), "place": self._place}
            async with asyncio.timeout(REACH_SECONDS):
                answer = await client.post(self._me, json=told, headers=self._headers)
            if answer.status_code == 200:
                self._moved = await asyncio.to_thread(self._follow, answer.json())
        await self.fetch_codes()

    async def fetch_codes(self) -> bool:
        """Put the one-time codes that wait for this kiosk on its disk; whether any came.

        All of them together, so that nobody learns which of them somebody is about to use; and at
        most every few seconds, since whoever tries a wrong code asks for them.
        """
        if self._address_of_codes is None or "authorization" not in self._headers:
            return False
        async with self._fetching:
            now = asyncio.get_running_loop().time()
            if self._fetched is not None and now - self._fetched < CODES_SECONDS:
                return False
            self._fetched, before = now, self._has_codes
            with contextlib.suppress(TimeoutError, OutboxError, ValueError, *NETWORK_ERRORS):
                async with self._client() as client, asyncio.timeout(REACH_SECONDS):
                    while await self._fetch(client):
                        pass
            return self._has_codes > before

    async def _fetch(self, client: httpx2.AsyncClient) -> bool:
        """Fetch the next one-time codes; False where there were none. Raises ValueError."""
        asked = {"after": self._has_codes, "address": self._address_of_codes}
        answer = await client.post(self._codes, json=asked, headers=self._headers)
        said = answer.json() if answer.status_code == 200 else None
        codes = said.get("codes") if isinstance(said, dict) else None
        for one in codes if isinstance(codes, list) else ():
            number = await asyncio.to_thread(self._take_code, one)
            self._has_codes = max(self._has_codes, number)
        return bool(codes)

    async def _refresh(self, client: httpx2.AsyncClient) -> None:
        """Ask now and then whether the centre has another document; one that is broken is told of.

        Once there is another one, ``renew`` is called in each round.
        """
        now, copy = asyncio.get_running_loop().time(), self._copy
        if self._moved:
            await asyncio.to_thread(self._renew)
        if copy is None or "authorization" not in self._headers:
            return
        if self._asked is None or now - self._asked >= CENTRE_SECONDS:
            self._asked = now
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    known = {**self._headers, "if-none-match": copy.etag}
                    answer = await client.get(self._centre, headers=known)
                if answer.status_code == 200:
                    etag = answer.headers.get("etag", "")
                    await asyncio.to_thread(copy.take, answer.content, etag)
                self._problems.pop("centre", None)
            except (TimeoutError, *NETWORK_ERRORS) as error:
                self._report("centre", _describe(error))
            except CentreCopyError as error:
                self._report("centre", str(error))
        if copy.newer and not self._moved:
            await asyncio.to_thread(self._renew)

    async def _note(self) -> None:
        """Write the present problem of delivery into the file, where the command line reads it."""
        problem = self._problems.get("delivery")
        if problem == self._noted:
            return
        with contextlib.suppress(OutboxError):  # delivery goes on without it
            await asyncio.to_thread(self._outbox.note_problem, problem)
            self._noted = problem

    async def _checkpoint(self) -> None:
        try:
            await asyncio.to_thread(self._outbox.disk.checkpoint)
        except OutboxError as error:
            self._report("checkpoint", _describe(error))
        else:
            self._problems.pop("checkpoint", None)

    async def drain(self, client: httpx2.AsyncClient) -> Outcome:
        """Send everything that waits, in batches; a batch that is too large is cut in half."""
        after = 0
        outcome: Outcome = "empty"
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
            fitting = {
                receipt.id: receipt for receipt in receipts if receipt.id and receipt.id in known
            }
            after = rows[-1].seq
            try:
                settled = await asyncio.to_thread(self._outbox.settle, fitting)
            except OutboxError as error:
                # A full disk cannot note receipts, but what lies on it can still be sent:
                # sent once more it is a duplicate.
                self._report("delivery", _describe(error))
                outcome = "stuck"
                continue
            await self._checkpoint()
            if settled < len(rows):
                # Rows without a receipt stay; go on past them so that they block nobody.
                missing = f"{len(rows) - settled} of {len(rows)} rows came back unreceipted"
                self._report("delivery", missing)
                outcome = "stuck"
            elif outcome == "empty":
                outcome = "delivered"
        if outcome != "stuck":
            self._problems.pop("delivery", None)
        return outcome

    async def _send(
        self, client: httpx2.AsyncClient, rows: Sequence[Row]
    ) -> tuple[int, list[Receipt]]:
        try:
            about = await asyncio.to_thread(self._about, rows)
            # The bodies are JSON already; joining them spares the event loop a second encoding.
            bodies = ",".join(row.body for row in rows)
            content = f'{about[:-1]},"submissions":[{bodies}]}}'.encode()
            headers = {**self._headers, "content-digest": content_digest(content)}
            async with asyncio.timeout(REQUEST_SECONDS):
                response = await client.post(self._address, content=content, headers=headers)
            if response.status_code != 200:
                status = response.status_code
                answer = NOT_ADMITTED if status == 401 else str(status)
                self._report("delivery", f"the aggregator answered {answer}")
                return status, []
            return 200, read_receipts(response.json())
        except Exception as error:  # the reply may be anything
            self._report("delivery", _describe(error))
            return 0, []

    def _about(self, rows: Sequence[Row]) -> str:
        """What a batch says of itself as JSON: the clock's time now, and the chain."""
        now, steps = self._outbox.clock_steps(rows)
        chain = self._outbox.chain()
        about: dict[str, object] = {"sent_at": now.isoformat(), "set_back": steps}
        if chain is not None:
            about["chain"] = {"id": chain.id, "key": chain.key}
        return json.dumps(about)

    async def reach(self) -> tuple[str, str, int]:
        """Ask for the aggregator's /health: ``ready``, ``not_ready`` or ``away``, and why.

        The third is how many milliseconds the answer took.
        """
        began = asyncio.get_running_loop().time()
        try:
            async with self._client() as client, asyncio.timeout(REACH_SECONDS):
                response = await client.get(self._health, headers=self._headers)
        except Exception as error:  # whatever it is, staff is told that nobody answered
            return "away", _describe(error), 0
        milliseconds = round((asyncio.get_running_loop().time() - began) * 1000)
        outcome = "ready" if response.status_code == 200 else "not_ready"
        return outcome, str(response.status_code), milliseconds

    async def ask_receipt(self, asked: Mapping[str, str]) -> tuple[int, object]:
        """Ask what became of a comment; the status of the answer, and what it says.

        The status is 0 where none came. Nothing of it is logged.
        """
        try:
            async with self._client() as client, asyncio.timeout(REACH_SECONDS):
                answer = await client.post(self._receipts, json=asked, headers=self._headers)
            return answer.status_code, answer.json() if answer.status_code == 200 else None
        except (TimeoutError, ValueError, *NETWORK_ERRORS):
            return 0, None

    def _client(self) -> httpx2.AsyncClient:
        # A proxy of the environment is for other machines, not for this one.
        local = is_local(self._address)
        return httpx2.AsyncClient(timeout=httpx2.Timeout(10.0), trust_env=not local)

    def _report(self, task: str, problem: str) -> None:
        """Log a problem when it is new, not at every attempt."""
        if problem != self._problems.get(task):
            self._problems[task] = problem
            log.warning("%s: %s", task, problem)


def is_local(url: str) -> bool:
    """Whether an address is on this machine."""
    return httpx2.URL(url).host in ("127.0.0.1", "localhost", "::1")


@cache
def release() -> str:
    """The release of this program."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    version: str = tomllib.loads(project.read_text("utf-8"))["project"]["version"]
    return version


def _describe(error: Exception) -> str:
    """An error for the log: its text only where it can hold neither an answer nor the token."""
    harmless = isinstance(error, OutboxError | httpx2.ConnectError)
    return f"{type(error).__name__}: {error}" if harmless else type(error).__name__


def backoff(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row; ``chance`` is a random number below 1.

    Exponential backoff with full jitter, at most LONGEST_PAUSE.
    """
    return chance * min(LONGEST_PAUSE, 2.0 ** min(failures, 20))


def read_receipts(reply: object) -> list[Receipt]:
    """The receipts in a reply; whatever is none is left out."""
    items = reply.get("receipts") if isinstance(reply, dict) else None
    receipts = []
    for item in items if isinstance(items, list) else []:
        with contextlib.suppress(ValidationError):
            receipts.append(read_receipt(item))
    return receipts
