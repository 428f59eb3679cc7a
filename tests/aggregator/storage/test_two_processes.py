"""Two aggregators, each a process of its own, behind one address on one PostgreSQL."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest

from aggregator.dashboard.accounts import REMEMBER, Accounts
from aggregator.intake.ingest import rebuild
from aggregator.organisation import acts
from aggregator.organisation.current import Organisation
from aggregator.storage.audit import COMMAND_LINE, entry
from aggregator.storage.database import Lock
from aggregator.storage.migrations import is_current
from aggregator.storage.store import Selection, Store
from surveys.definition import Survey, Text, load_surveys
from tests.aggregator.conftest import PASSWORD, SUBMISSIONS, ratings, sipas, stored, tallies
from tests.programs import Program, free_port

CLIENTS = 5


@dataclass
class Pair:
    """The processes, their addresses, and a look into their database."""

    programs: list[Program]
    urls: list[str]
    store: Store
    accounts: Accounts
    device: str

    def client(self, number: int, **options: Any) -> httpx2.Client:
        return httpx2.Client(base_url=self.urls[number], trust_env=False, timeout=30, **options)

    def kiosk(self, number: int) -> httpx2.Client:
        return self.client(number, headers={"authorization": f"Bearer {self.device}"})


def post(client: httpx2.Client, items: list[dict[str, Any]]) -> httpx2.Response:
    return client.post(SUBMISSIONS, json={"submissions": items})


@pytest.fixture
def pair(fresh_postgresql: str, tmp_path: Path) -> Iterator[Pair]:
    """Two processes that serve; two have brought the empty database up to date at one time."""
    shared = {"database_url": fresh_postgresql, "var": tmp_path}
    store = Store(fresh_postgresql)
    with store.database.locked(Lock.MIGRATION):
        programs = [Program("-m", "aggregator", "migrate", **shared) for _ in range(2)]
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        for _ in range(300):
            with store.engine.connect() as connection:
                if connection.exec_driver_sql(waiting).scalar() == len(programs):
                    break
            threading.Event().wait(0.1)
        else:
            pytest.fail("the two do not wait for who migrates", pytrace=False)
    try:
        for program in programs:
            assert program.wait() == 0, program.output
        assert is_current(store.engine)
        assert store.centres.newest_number() == 1
        ports = [free_port(), free_port()]
        programs += [Program("-m", "aggregator", "serve", port=port, **shared) for port in ports]
        for program in programs[2:]:
            program.until("http:")
        accounts = Accounts(store, lambda: datetime.now(UTC))
        device = accounts.enrol("q05")
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        yield Pair(programs[2:], urls, store, accounts, device)
        accounts.close()
    finally:
        for program in programs:
            program.end()
        store.close()


def test_what_five_clients_send_to_both_counts_once_though_one_is_killed(
    pair: Pair, surveys: dict[str, Survey]
) -> None:
    now = datetime.now(UTC)
    moments = [(now - timedelta(days=days)).isoformat() for days in (0, 1, 2)]
    sent = [
        one
        for moment in moments
        for one in ratings([5, 4, 3, 2, 1] * 16, answered_at=moment)
        + [sipas([4] * 22, answered_at=moment) for _ in range(16)]
    ]
    batches = [sent[at : at + 6] for at in range(0, len(sent), 6)]
    told: list[dict[str, Any]] = []
    changed, lost = threading.Condition(), Counter[int]()

    def hand_in(client: int) -> None:
        """Every batch, to the one or the other, again where the connection broke."""
        shift = client * len(batches) // CLIENTS
        servers = cycle([client % 2, 1 - client % 2])
        with pair.kiosk(0) as one, pair.kiosk(1) as other:
            for batch in batches[shift:] + batches[:shift]:
                for server in servers:
                    try:
                        answer = post((one, other)[server], batch)
                    except httpx2.TransportError:
                        lost[server] += 1
                        continue
                    break
                assert answer.status_code == 200, answer.text
                with changed:
                    told.extend(answer.json()["receipts"])
                    changed.notify_all()

    with ThreadPoolExecutor(CLIENTS) as threads:
        clients = [threads.submit(hand_in, client) for client in range(CLIENTS)]
        with changed:
            assert changed.wait_for(lambda: len(told) >= len(sent), 60)
        # Blocks of the past days are stored, and have to go when more is counted.
        assert pair.store.counts(Selection("in_centre"), "day")["n"].sum() > 0
        pair.programs[1].kill()
        for client in clients:
            client.result()
    assert set(lost) == {1}, "killed too late to mean anything"

    assert len(told) == CLIENTS * len(sent)
    assert {receipt["status"] for receipt in told} == {"accepted", "duplicate"}
    accepted = Counter(one["id"] for one in told if one["status"] == "accepted")
    assert max(accepted.values()) == 1
    assert sorted(row.id for row in stored(pair.store)) == sorted(one["id"] for one in sent)
    counted = tallies(pair.store)
    assert sorted(n for (n,) in counted["tally"].values()) == [16] * (5 + 22) * 3
    assert pair.store.counts(Selection("in_centre"), "day")["n"].sum() == 240
    rebuild(pair.store, lambda done: None)
    assert tallies(pair.store) == counted


def test_what_one_process_did_the_other_knows(pair: Pair) -> None:
    pair.accounts.add_user("giam_doc", "manager", PASSWORD)
    with pair.client(0) as browser:
        entered = browser.post("/sign-in", data={"name": "giam_doc", "password": PASSWORD})
        assert entered.status_code == 303, entered.text
        cookies = dict(browser.cookies)
    kiosks = [pair.kiosk(0), pair.kiosk(1)]
    with pair.client(0, cookies=cookies) as one, pair.client(1, cookies=cookies) as other:
        # A third process saves a version of the centre: both have it with their next page.
        organisation = Organisation(pair.store.centres, load_surveys())
        renamed = Text(vi="Phòng Tư pháp thử", en="Department of Trial")
        document = organisation.stored
        found = acts.rename(document, "department", "so_tu_phap", renamed, None)
        organisation.save(found, "", "thử", 1)
        for client in (one, other):
            page = client.get("/department/so_tu_phap")
            assert page.status_code == 200
            assert renamed.vi in page.text

        # Answers that the one takes stand in the other's figures, of days it has read before too.
        past = (datetime.now(UTC) - timedelta(days=3)).isoformat()
        reader = {"authorization": f"Bearer {pair.accounts.new_token('reader', 'cổng')}"}
        address = f"/api/v1/satisfaction?from={past[:10]}&by=day&survey=in_centre"
        seen = []
        for giving in (
            ratings([5]),
            ratings([4], answered_at=past),
            ratings([3], answered_at=past),
        ):
            assert post(kiosks[1], giving).json()["receipts"][0]["status"] == "accepted"
            asked = [client.get(address, headers=reader) for client in (one, other)]
            assert [answer.status_code for answer in asked] == [200, 200], asked[0].text
            assert asked[0].json()["rows"] == asked[1].json()["rows"]
            seen.append(asked[0].text)
        assert all(before != after for before, after in pairwise(seen))

        # Signed out of one is out of the other.
        assert one.get("/").status_code == other.get("/").status_code == 200
        assert one.post("/sign-out").status_code == 303
        assert [client.get("/").status_code for client in (one, other)] == [303, 303]

    # Wrong passwords count together: counted apart, nine would all be looked at.
    checked = 0
    for number in cycle((0, 1)):
        with pair.client(number) as stranger:
            answer = stranger.post("/sign-in", data={"name": "giam_doc", "password": "wrong"})
        if answer.status_code == 429:
            break
        assert answer.status_code == 403
        checked += 1
    assert 5 <= checked <= 8

    # A token that both have just seen is refused by both within the stated time.
    assert [post(kiosk, []).status_code for kiosk in kiosks] == [200, 200]
    told = entry(datetime.now(UTC), COMMAND_LINE, "device.removed", name="q05")
    assert pair.store.devices.revoke("q05", told.at, told)
    start = time.monotonic()
    for kiosk in kiosks:
        while post(kiosk, []).status_code != 401:
            assert time.monotonic() - start < REMEMBER.total_seconds() + 1
            threading.Event().wait(0.2)
        kiosk.close()
