"""The page of officials, with two years of a roster and of answers behind it."""

import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import orjson

from aggregator.figures.attitude import join
from aggregator.storage.store import Store
from surveys.centre import load_centre
from surveys.definition import load_surveys
from tests.bench.bench_pages import GOAL, PERIODS, Browser
from tests.bench.load import median
from tests.bench.report import Row
from tests.bench.servers import ROOT, aggregator, processor
from tests.bench.years import DAYS, TODAY, two_years

ANSWERS = 200_000
SHIFTS = ((450, 690), (810, 1_020))  # from when until when, in minutes of a day
ROUNDS = 7


def rows() -> Iterator[Row]:
    large = two_years()
    with TemporaryDirectory(dir=ROOT / "var") as folder:
        var = Path(folder) / "var"
        shutil.copytree(large.var, var)
        database = var / "aggregator" / "hailong.sqlite3"
        centre, surveys = load_centre(large.centre), load_surveys()
        fill(database, list(centre.department_of.items()))
        began = time.perf_counter()
        store = Store(f"sqlite:///{database}")
        join(store, surveys, centre, [TODAY - timedelta(days=back) for back in range(DAYS)])
        store.close()
        yield Row(f"{ANSWERS:,} answers joined to a roster", time.perf_counter() - began, "s")
        with aggregator(var, large.centre) as server:
            browser = Browser(server)
            for name in ("quarter", "two years"):
                view = f"/attitude?{PERIODS[name]}"
                browser.get(view)
                spent = -processor(server.pid)
                times = [browser.get(view) or 0 for _ in range(ROUNDS)]
                spent += processor(server.pid)
                yield Row(f"officials, {name}", median(times), "ms", GOAL, "max")
                yield Row("… of which the processor works", spent / ROUNDS * 1000, "ms")


def fill(database: Path, places: list[tuple[str, str]]) -> None:
    """Two officials a counter, in turn, on every working day, and answers given to them."""
    chance = random.Random(29)
    days = [TODAY - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    working = [day for day in days if day.weekday() < 5]
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO shift (day, counter, begins, ends, official) VALUES (?, ?, ?, ?, ?)",
            (
                (day.isoformat(), counter, *hours, str(100 + 2 * at + (turn + day.day) % 2))
                for day in working
                for at, (counter, _) in enumerate(places)
                for turn, hours in enumerate(SHIFTS)
            ),
        )
        connection.executemany(
            "INSERT INTO submission (id, survey, department, counter, channel, visit, answered_at,"
            " answers, day, received_at, digest) VALUES (?, ?, ?, ?, 'kiosk', ?, ?, ?, ?, ?, '')",
            (_answer(chance, chance.choice(working), places, at) for at in range(ANSWERS)),
        )
        connection.execute("COMMIT")


def _answer(
    chance: random.Random, day: date, places: list[tuple[str, str]], number: int
) -> tuple[object, ...]:
    """Of ten answers nine are ratings with a reason, one is a full survey."""
    counter, department = chance.choice(places)
    hour = chance.choice((1, 2, 3, 7, 8, 9))  # UTC: 8 to 10 and 14 to 16 at the centre
    moment = datetime(day.year, day.month, day.day, hour, number % 60).isoformat(" ")
    id, visit = (str(UUID(int=chance.getrandbits(128), version=4)) for _ in "ab")

    def level() -> int:
        return chance.choices((5, 4, 3, 2, 1), (60, 25, 8, 5, 2))[0]

    survey, answers = "in_centre", {"rating": level(), "reasons": [chance.randint(1, 5)]}
    if number % 10 == 0:
        survey, answers = "sipas_2020", {name: level() for name in CRITERIA}
    written = orjson.dumps(answers).decode()
    return id, survey, department, counter, visit, moment, written, day.isoformat(), moment


CRITERIA = [question.id for question in load_surveys()["sipas_2020"].measured]
