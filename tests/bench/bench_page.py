"""The manager's page with a million submissions behind it, against one with ten thousand."""

import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener
from uuid import UUID

from aggregator.intake.ingest import Ingest, Offer
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from surveys.centre import Centre, load_centre
from surveys.definition import load_surveys
from tests.bench.load import median
from tests.bench.report import Row
from tests.bench.servers import ROOT, Aggregator, aggregator

FEW, MANY = 10_000, 1_000_000
DAYS = 180
ROUNDS = 40
CHUNK = 2_000


def rows() -> Iterator[Row]:
    centre = load_centre(ROOT / "deploy" / "lai_chau.toml")
    with (
        tempfile.TemporaryDirectory(dir=ROOT / "var") as few,
        tempfile.TemporaryDirectory(dir=ROOT / "var") as many,
    ):
        began = time.perf_counter()
        fill(Path(few), centre, FEW)
        fill(Path(many), centre, MANY)
        speed = (FEW + MANY) / (time.perf_counter() - began)
        yield Row("ratings stored to set this up", speed, "submissions/s")
        with aggregator(Path(few)) as small, aggregator(Path(many)) as large:
            for name, path in (("today", "/"), ("this month", "/?period=month")):
                base, page = alternate(small, large, path)
                yield Row(f"page, {name}, {FEW:,} submissions", median(base) * 1000, "ms")
                yield Row(f"page, {name}, {MANY:,} submissions", median(page) * 1000, "ms")
                pairs = [one / other for one, other in zip(page, base, strict=True)]
                yield Row("… against the page with fewer", median(pairs), "ratio", 1.2, "max")
            yield Row("aggregator, resident after pages", large.resident, "MB", 300, "max")


def fill(var: Path, centre: Centre, wanted: int) -> None:
    """That many ratings over the last days, every counter and day alike."""
    (var / "aggregator").mkdir(parents=True)
    store = Store(f"sqlite:///{var / 'aggregator' / 'hailong.sqlite3'}")
    migrate(store.engine)
    ingest = Ingest(store, load_surveys(), centre)
    chance, now = random.Random(wanted), datetime.now(UTC)
    places = list(centre.department_of.items())
    for start in range(0, wanted, CHUNK):
        items = []
        for _ in range(min(CHUNK, wanted - start)):
            counter, department = chance.choice(places)
            moment = now - timedelta(days=chance.randrange(DAYS), seconds=chance.randrange(60))
            items.append(
                {
                    "id": str(UUID(int=chance.getrandbits(128), version=4)),
                    "survey": "in_centre",
                    "department": department,
                    "counter": counter,
                    "channel": chance.choice(("kiosk", "qr")),
                    "answered_at": moment.isoformat(),
                    "answers": {"rating": chance.choice((5, 5, 5, 5, 4, 3, 2, 1))},
                }
            )
        ingest.accept([Offer(items, "en")])
    store.close()


def alternate(
    small: Aggregator, large: Aggregator, path: str, rounds: int = ROUNDS
) -> tuple[list[float], list[float]]:
    """Seconds of both pages, taken in turn, so that a slower machine slows both."""
    opened = [(server.url, sign_in(server)) for server in (small, large)]
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 3):
        for (url, cookie), seconds in zip(opened, times, strict=True):
            began = time.perf_counter()
            asked = Request(url + path, headers={"Cookie": cookie})
            with build_opener().open(asked) as answer:
                page = answer.read()
            if number >= 3:  # the first ones warm up
                seconds.append(time.perf_counter() - began)
            if b'class="places"' not in page:
                raise RuntimeError("not the manager's page")
    return times


class Stay(HTTPRedirectHandler):
    """Follows no redirect: the cookie is on the response that redirects."""

    def redirect_request(self, *_: object) -> None:
        return None


def sign_in(server: Aggregator) -> str:
    """The cookies of a browser with a new session."""
    path = server.sign_in_link()
    try:
        answer = build_opener(Stay).open(server.url + path)
    except HTTPError as error:
        answer = error
    cookies = SimpleCookie("; ".join(answer.headers.get_all("set-cookie")))
    return "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
