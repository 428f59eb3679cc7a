"""Kiosk and aggregator as they meet: killed, offline, back again, and every rating counts once."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx2
import pytest
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.dashboard.app import create_app
from aggregator.dashboard.context import Context
from aggregator.settings import Settings
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Selection, Store
from tests.conftest import Servers
from tests.programs import ROOT, Program, free_port, tap

SOON = 20.0  # seconds


class Aggregator:
    """A real aggregator on one database and one port, started and stopped at will."""

    def __init__(self, var: Path, serve: Servers) -> None:
        self.settings = Settings(
            centre=ROOT / "deploy" / "lai_chau.toml", var=var, port=free_port()
        )
        self._serve = serve
        self.store = Store(self.settings.database)
        migrate(self.store.engine)
        self.url = f"http://127.0.0.1:{self.settings.port}"
        self.context = self._new()
        self.context.accounts.add_user("giam_doc", "manager")
        self.token = self.context.accounts.new_token("device", "sanh")

    def _new(self) -> Context:
        self._app = create_app(self.settings)
        context: Context = self._app.state.context
        return context

    def start(self) -> None:
        self.context = self._new()
        assert self._serve(self._app, port=self.settings.port) == self.url

    def stop(self) -> None:
        self._serve.stop(self.url)

    def counts(self) -> dict[int, int]:
        """Ratings by level, from the tallies."""
        found = self.store.counts(Selection("in_centre"), "centre")
        return {int(row["code"]): int(row["n"]) for row in found.to_dict("records")}


@dataclass
class Between:
    """Stands between kiosk and aggregator: passes batches on, and may keep the receipts back."""

    url: str
    holding: bool = False
    committed: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    statuses: list[Counter[str]] = field(default_factory=list)

    async def pass_on(self, request: Request) -> Response:
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.post(
                f"{self.url}{request.url.path}",
                content=await request.body(),
                headers={
                    name: request.headers[name] for name in ("authorization", "content-digest")
                },
            )
        receipts = answer.json()["receipts"]
        self.statuses.append(Counter(receipt["status"] for receipt in receipts))
        if self.holding:
            self.committed.set()
            await anyio.to_thread.run_sync(self.release.wait)
        return Response(answer.content, answer.status_code, media_type="application/json")

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/api/v1/submissions", self.pass_on, methods=["POST"])])


class Kiosk:
    """A kiosk as a process of its own."""

    def __init__(self, var: Path, aggregator_url: str, token: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.program = Program(
            "-m",
            "kiosk",
            "serve",
            var=var,
            port=self.port,
            aggregator_url=aggregator_url,
            device_token=token,
        )
        self.program.until(r"http://127\.0\.0\.1:\d+/")

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx2.get(f"{self.url}/status", trust_env=False).json()
        return found

    def delivered(self) -> None:
        """Ask until nothing waits any more."""
        deadline = time.monotonic() + SOON
        while (standing := self.status())["pending"]:
            assert time.monotonic() < deadline, (standing, self.program.output)


@pytest.fixture
def aggregator(tmp_path: Path, serve: Servers) -> Iterator[Aggregator]:
    made = Aggregator(tmp_path / "centre", serve)
    yield made
    made.store.close()


@pytest.fixture
def start_kiosk(tmp_path: Path, aggregator: Aggregator) -> Iterator[Callable[..., Kiosk]]:
    """Starts kiosks, one after the other, on one outbox."""
    made: list[Kiosk] = []

    def start(url: str = "") -> Kiosk:
        made.append(Kiosk(tmp_path / "hall", url or aggregator.url, aggregator.token))
        return made[-1]

    yield start
    for kiosk in made:
        kiosk.program.end()


def test_a_kiosk_killed_between_send_and_receipt_counts_once(
    aggregator: Aggregator, start_kiosk: Callable[..., Kiosk], serve: Servers
) -> None:
    aggregator.start()
    between = Between(aggregator.url, holding=True)
    address = serve(between.app)
    kiosk = start_kiosk(address)
    tap(kiosk.url, 5)
    assert between.committed.wait(SOON)
    tap(kiosk.url, 1)  # while the first one's receipt is still owed
    kiosk.program.kill()
    between.holding = False
    between.release.set()
    assert aggregator.counts() == {5: 1}

    kiosk = start_kiosk(address)
    tap(kiosk.url, 4)
    kiosk.delivered()
    assert aggregator.counts() == {5: 1, 4: 1, 1: 1}
    total = sum(between.statuses, Counter())
    assert total == {"accepted": 3, "duplicate": 1}
    assert kiosk.status()["refused"] == 0
    assert kiosk.program.interrupt() == 0


def test_a_kiosk_killed_right_after_the_thank_you_has_kept_the_rating(
    aggregator: Aggregator, start_kiosk: Callable[..., Kiosk]
) -> None:
    kiosk = start_kiosk()
    tap(kiosk.url, 2, leave=False)
    assert kiosk.status()["pending"] == 0
    kiosk.program.kill()
    aggregator.start()
    start_kiosk().delivered()
    assert aggregator.counts() == {2: 1}


def test_taps_go_on_while_the_aggregator_is_away(
    aggregator: Aggregator, start_kiosk: Callable[..., Kiosk]
) -> None:
    aggregator.start()
    kiosk = start_kiosk()
    tap(kiosk.url, 5)
    kiosk.delivered()
    aggregator.stop()
    for rating in (5, 4, 3, 2, 1):
        tap(kiosk.url, rating)
    standing = kiosk.status()
    assert standing["pending"] == 5
    assert standing["oldest_pending"]
    aggregator.start()
    assert kiosk.program.interrupt() == 0  # a restart does not wait for the next attempt
    start_kiosk().delivered()
    assert aggregator.counts() == {5: 2, 4: 1, 3: 1, 2: 1, 1: 1}


def test_offline_then_reconnect_from_touch_screen_to_dashboard(
    aggregator: Aggregator, start_kiosk: Callable[..., Kiosk], browser: Browser
) -> None:
    kiosk = start_kiosk()
    hall = browser.new_context(viewport={"width": 1280, "height": 800}, has_touch=True)
    screen = hall.new_page()
    screen.goto(kiosk.url)
    screen.get_by_role("link", name="Sở Tư pháp").tap()
    screen.get_by_role("button", name="Rất hài lòng", exact=True).tap()
    expect(screen.get_by_text("Xin cảm ơn Ông/Bà!")).to_be_visible()
    screen.get_by_role("button", name="Người tiếp theo").tap()
    expect(screen.get_by_role("link", name="Sở Tư pháp")).to_be_visible()
    assert kiosk.status()["pending"] == 1
    assert aggregator.counts() == {}

    aggregator.start()
    office = browser.new_context()
    page = office.new_page()
    page.goto(aggregator.context.accounts.new_link("giam_doc", aggregator.url))
    kiosk.delivered()
    page.goto(aggregator.url)
    expect(page.get_by_role("row", name=re.compile(r"^Sở Tư pháp 1 1 0 0 0 0"))).to_be_visible()
    hall.close()
    office.close()
