"""How fast submissions of 22 answers become durable over HTTP."""

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson

from surveys.centre import load_centre
from tests.bench.load import median, post_all, request
from tests.bench.report import Row
from tests.bench.servers import ROOT, Aggregator, aggregator, bare_starlette

CLIENTS = 16
ROUNDS = 5
SINGLES = 8_000  # a round
BATCH = 500
BATCHES = 128  # a round


def rows() -> Iterator[Row]:
    with aggregator() as server:
        yield from singles(server)
        yield Row(
            "aggregator, resident after single submissions", server.resident, "MB", 300, "max"
        )
    with aggregator() as server:
        yield from batches(server)
        yield Row("aggregator, resident after batches of 500", server.resident, "MB", 300, "max")


def singles(server: Aggregator) -> Iterator[Row]:
    """One submission a request, and an empty batch, against empty POSTs to a bare Starlette."""
    make = Maker(1)
    headers = {"Authorization": f"Bearer {server.token}"}
    path = "/api/v1/submissions"
    empty = request(server.url, path, b'{"submissions":[]}', headers)
    rounds = []
    with bare_starlette() as url:
        nothing = request(url, "/", b"", {})
        for _ in range(ROUNDS + 1):
            full = [
                request(
                    server.url,
                    path,
                    orjson.dumps({"submissions": [make.one(make.place())]}),
                    headers,
                )
                for _ in range(SINGLES)
            ]
            base = post_all(url, [nothing] * SINGLES, CLIENTS)
            alone = post_all(server.url, [empty] * SINGLES, CLIENTS)
            rounds.append((base, alone, post_all(server.url, full, CLIENTS)))
    bases, empties, speeds = zip(*rounds[1:], strict=True)  # the first one warms up
    yield Row(f"empty POST to bare Starlette, {CLIENTS} clients", median(bases), "requests/s")
    yield Row("empty batch", median(empties), "requests/s")
    yield Row("… against bare Starlette", _ratio(empties, bases), "ratio", 0.6, "min")
    yield Row("22 answers, durable, one a request", median(speeds), "submissions/s")
    yield Row("… against bare Starlette", _ratio(speeds, bases), "ratio", 0.18, "min")


def _ratio(speeds: Sequence[float], bases: Sequence[float]) -> float:
    """The median over rounds of speed / base: a slower machine slows both of a round."""
    return median([speed / base for speed, base in zip(speeds, bases, strict=True)])


def batches(server: Aggregator) -> Iterator[Row]:
    """Batches of 500 from one kiosk at a time, against a bare executemany of the same rows."""
    make = Maker(2)
    headers = {"Authorization": f"Bearer {server.token}"}
    ratios, speeds, bases = [], [], []
    taken = 0
    for number in range(ROUNDS + 1):
        full = []
        for _ in range(BATCHES):
            place = make.place()
            body = orjson.dumps({"submissions": [make.one(place) for _ in range(BATCH)]})
            full.append(request(server.url, "/api/v1/submissions", body, headers))
        speed = post_all(server.url, full, CLIENTS) * BATCH
        base = bare(server.database, taken, BATCH)
        taken += BATCHES * BATCH
        if number:
            ratios.append(speed / base)
            speeds.append(speed)
            bases.append(base)
    yield Row("bare executemany by 500 into the same file", median(bases), "rows/s")
    yield Row("batches of 500 over HTTP", median(speeds), "submissions/s")
    yield Row("… against the bare executemany", median(ratios), "ratio", 0.25, "min")


def bare(database: Path, start: int, size: int) -> float:
    """Rows a second of the newest submissions written again under other ids, then deleted."""
    with sqlite3.connect(database, isolation_level=None, timeout=30) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        names = [r[1] for r in connection.execute("PRAGMA table_info(submission)")][1:]
        columns = ", ".join(names)
        found = connection.execute(
            f"SELECT {columns} FROM submission WHERE number > ? ORDER BY number", (start,)
        ).fetchall()
        marks = ", ".join("?" * len(names))
        insert = f"INSERT INTO submission ({columns}) VALUES ({marks})"
        fresh = [(f"bare{row[0][4:]}", *row[1:]) for row in found]
        began = time.perf_counter()
        for at in range(0, len(fresh), size):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(insert, fresh[at : at + size])
            connection.execute("COMMIT")
        took = time.perf_counter() - began
        connection.execute("DELETE FROM submission WHERE id LIKE 'bare%'")
    return len(fresh) / took


class Maker:
    """Invented answers to the 22 criteria."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        # Today, as from a kiosk with a network: days that are over are closed while this runs.
        self._at = datetime.now(UTC).isoformat()
        centre = load_centre(ROOT / "deploy" / "lai_chau.toml")
        self._places = [(d, c) for c, d in centre.department_of.items()]

    def place(self) -> tuple[str, str]:
        return self._random.choice(self._places)

    def one(self, place: tuple[str, str]) -> dict[str, object]:
        return {
            "id": str(UUID(int=self._random.getrandbits(128), version=4)),
            "survey": "sipas_2020",
            "department": place[0],
            "counter": place[1],
            "channel": "kiosk",
            "answered_at": self._at,
            "language": "vi",
            "answers": {f"q{n}": self._random.choice((5, 5, 5, 4, 3)) for n in range(1, 23)},
        }
