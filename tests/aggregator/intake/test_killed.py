"""An aggregator killed at any moment: every acknowledged rating is there, every one counts once."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine, event

from aggregator.dashboard.accounts import Accounts
from aggregator.intake.ingest import Ingest, Offer, rebuild
from aggregator.storage.store import Store
from surveys.centre import Centre, load_centre
from surveys.definition import Survey, load_surveys
from tests.aggregator.conftest import (
    CENTRE,
    ROOT,
    SUBMISSIONS,
    Clock,
    ratings,
    sipas,
    stored,
    tallies,
)
from tests.programs import free_port


class Program:
    """``python -m aggregator serve`` as its own process."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._log = folder / "serve.log"
        settings = {
            "HAILONG_DATABASE_URL": database_url,
            "HAILONG_CENTRE": str(CENTRE),
            "HAILONG_PORT": self.url.rpartition(":")[2],
            "HAILONG_VAR": str(folder),
        }
        with self._log.open("w") as log:
            command = [sys.executable, "-m", "aggregator", "serve"]
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | settings, stdout=log, stderr=log
            )

    def wait_until_ready(self) -> None:
        address = ("127.0.0.1", int(self.url.rpartition(":")[2]))
        for _ in range(600):
            with suppress(ConnectionRefusedError), socket.create_connection(address):
                return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
                break
        pytest.fail(f"serve did not start: {self._log.read_text('utf-8')}")

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)


def hand_in(
    url: str, token: str, batches: list[list[dict[str, Any]]], heard: Callable[[list[Any]], None]
) -> None:
    """Post batches until the server is gone; tell of every receipt that arrived."""
    headers = {"authorization": f"Bearer {token}"}
    with httpx2.Client(headers=headers, timeout=30) as client, suppress(httpx2.TransportError):
        for batch in batches:
            answer = client.post(f"{url}{SUBMISSIONS}", json={"submissions": batch})
            assert answer.status_code == 200, answer.text
            heard(answer.json()["receipts"])


def test_a_server_killed_under_load_loses_nothing_it_acknowledged(
    store: Store, migrated_url: str, tmp_path: Path, surveys: dict[str, Survey]
) -> None:
    token = Accounts(store, lambda: datetime.now(UTC)).new_token("device", "q05")
    answered = datetime.now(UTC).isoformat()
    sent = ratings([5, 4, 3, 2, 1] * 120, answered_at=answered)
    sent += [sipas([4] * 22, answered_at=answered) for _ in range(200)]
    parts = [sent[number::4] for number in range(4)]
    acknowledged: set[str] = set()
    changed = threading.Condition()

    def heard(receipts: list[dict[str, Any]]) -> None:
        with changed:
            assert {receipt["status"] for receipt in receipts} <= {"accepted", "duplicate"}
            acknowledged.update(receipt["id"] for receipt in receipts)
            changed.notify_all()

    for enough in (1, 150, 500):
        program = Program(migrated_url, tmp_path)
        try:
            program.wait_until_ready()
            with ThreadPoolExecutor(len(parts)) as threads:
                for mine in parts:
                    left = [one for one in mine if one["id"] not in acknowledged]
                    batches = [left[at : at + 5] for at in range(0, len(left), 5)]
                    threads.submit(hand_in, program.url, token, batches, heard)
                with changed:
                    assert changed.wait_for(lambda: len(acknowledged) >= enough, 30)  # noqa: B023
                program.kill()
        finally:
            program.kill()
        assert acknowledged <= {row.id for row in stored(store)}
    assert len(acknowledged) < len(sent), "killed too late to mean anything"

    program = Program(migrated_url, tmp_path)
    try:
        program.wait_until_ready()
        receipts: list[dict[str, Any]] = []
        hand_in(program.url, token, [sent], receipts.extend)
    finally:
        program.kill()
    assert [receipt["id"] for receipt in receipts] == [one["id"] for one in sent]
    assert {receipt["status"] for receipt in receipts} == {"accepted", "duplicate"}
    duplicates = {r["id"] for r in receipts if r["status"] == "duplicate"}
    assert acknowledged <= duplicates
    assert sorted(row.id for row in stored(store)) == sorted(one["id"] for one in sent)
    counted = tallies(store)
    assert sorted(n for (n,) in counted["tally"].values()) == [120] * 5 + [200] * 22
    rebuild(store, lambda done: None)
    assert tallies(store) == counted


@pytest.mark.parametrize("moment", ["INSERT INTO submission", "commit", "receipt"])
def test_a_process_killed_inside_the_transaction_leaves_all_or_nothing(
    store: Store, migrated_url: str, surveys: dict[str, Survey], centre: Centre, moment: str
) -> None:
    sent = [*ratings([5, 4]), sipas()]
    ids = [one["id"] for one in sent]
    done = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import die; die()", migrated_url, moment, *ids],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    committed = moment == "receipt"
    assert len(stored(store)) == (3 if committed else 0)
    assert bool(tallies(store)["tally"]) == committed
    assert bool(tallies(store)["pooled_tally"]) == committed
    [receipts] = Ingest(store, surveys, centre, Clock()).accept([Offer(sent, "en")])
    assert [r.status for r in receipts] == ["duplicate" if committed else "accepted"] * 3
    assert sorted(row.id for row in stored(store)) == sorted(ids)
    assert [n for (n,) in tallies(store)["tally"].values()] == [1] * 24


def die() -> None:
    """In the process above: hand three submissions in and end with SIGKILL at the moment given."""
    url, moment, first, second, third = sys.argv[1:]
    store = Store(url)
    _kill_at(store.engine, moment)
    ingest = Ingest(store, load_surveys(), load_centre(CENTRE), Clock())
    items = [*ratings([5]), *ratings([4]), sipas()]
    for item, key in zip(items, (first, second, third), strict=True):
        item["id"] = key
    ingest.accept([Offer(items, "en")])
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_at(engine: Engine, moment: str) -> None:
    def before(connection: Any, cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith(moment + " "):
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", before)
    if moment == "commit":
        event.listen(engine, "commit", lambda _: os.kill(os.getpid(), signal.SIGKILL))
