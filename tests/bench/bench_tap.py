"""From the tap to its answer, the rating on disk, while the uploader drains a long queue."""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from kiosk.outbox import Outbox
from surveys.definition import load_surveys
from surveys.wire import Submission
from tests.bench.report import Row, quantile
from tests.bench.servers import ROOT, aggregator, kiosk, resident

BEHIND = 100_000  # more than the uploader can deliver while the taps are measured
CHUNK = 5_000
TAPS = 1_000
WARM_UP = 50
HTMX = {"hx-request": "true", "hx-request-type": "partial"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as folder, aggregator() as counting:
        fill(Path(folder))
        with kiosk(Path(folder), counting) as (port, pid):
            yield from measure(port, pid)


def measure(port: int, pid: int) -> Iterator[Row]:
    kiosk = HTTPConnection("127.0.0.1", port)
    fingerprint = load_surveys()["in_centre"].fingerprint
    taps, empties = [], []
    for number in range(WARM_UP + TAPS):
        fields = {"visit": str(uuid4()), "fingerprint": fingerprint, "rating": "5"}
        tap = post(kiosk, urlencode(fields), 200)
        empty = post(kiosk, "", 422)
        if number >= WARM_UP:
            taps.append(tap)
            empties.append(empty)
    waiting = pending(kiosk)
    if not 0 < waiting < BEHIND:
        raise RuntimeError(f"the uploader was not at work all the time: {waiting} rows wait")
    yield Row("tap to stored, uploader busy, p50", quantile(taps, 0.5), "ms")
    yield Row("tap to stored, uploader busy, p99", quantile(taps, 0.99), "ms", 20, "max")
    yield Row("empty POST beside it, p50", quantile(empties, 0.5), "ms")
    yield Row("empty POST beside it, p99", quantile(empties, 0.99), "ms")
    yield Row("kiosk, resident while delivering", resident(pid), "MB", 90, "max")


def fill(var: Path) -> None:
    """A kiosk that was offline for weeks."""
    outbox, now = Outbox(var / "kiosk" / "outbox.sqlite3"), datetime.now(UTC)
    for _ in range(BEHIND // CHUNK):
        outbox.add_all(
            Submission(
                id=str(uuid4()),
                survey="in_centre",
                department="so_tu_phap",
                counter="q05",
                channel="kiosk",
                visit=str(uuid4()),
                answered_at=now,
                language="vi",
                answers={"rating": 5},
            )
            for _ in range(CHUNK)
        )
    outbox.close()


def post(kiosk: HTTPConnection, body: str, expected: int) -> float:
    """Milliseconds until the answer of a POST was read."""
    began = time.perf_counter()
    kiosk.request("POST", "/rate", body, HTMX | FORM)
    answer = kiosk.getresponse()
    answer.read()
    took = (time.perf_counter() - began) * 1000
    if answer.status != expected:
        raise RuntimeError(f"/rate answered {answer.status}")
    return took


def pending(kiosk: HTTPConnection) -> int:
    kiosk.request("GET", "/status")
    standing: Mapping[str, int] = json.loads(kiosk.getresponse().read())
    return standing["pending"]
