"""A search in a million comments, over two years and all places of a large centre."""

import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import orjson

from aggregator.demo.citizens import PRAISE, WISHES
from aggregator.storage.comments import Search
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from surveys.centre import load_centre
from tests.bench.load import median
from tests.bench.report import Row
from tests.bench.servers import CENTRE, ROOT
from tests.bench.years import DAYS, TODAY

COMMENTS = int(os.environ.get("HAILONG_BENCH_COMMENTS", 1_000_000))
SHOWN = 25
GOAL = 200  # ms
ROUNDS = 5


def rows() -> Iterator[Row]:
    with TemporaryDirectory(dir=ROOT / "var") as folder:
        database = Path(folder) / "comments.sqlite3"
        store = Store(f"sqlite:///{database}")
        migrate(store.engine)
        fill(database)
        began = time.perf_counter()
        with store.writing() as writer:
            writer.index_all_comments()
        yield Row(f"{COMMENTS:,} comments indexed to set this up", time.perf_counter() - began, "s")
        for name, search in searches().items():
            times = [_milliseconds(store, search) for _ in range(ROUNDS)]
            yield Row(f"search in {COMMENTS:,} comments: {name}", median(times), "ms", GOAL, "max")
        store.close()


def searches() -> dict[str, Search]:
    """Words that many comments have, few or none, together with what a reader filters by."""
    place = next(iter(load_centre(CENTRE).departments)).id
    year_ago, two_ago = (TODAY - timedelta(days=days) for days in (400, 700))
    return {
        "all": Search(),
        "a common word": Search("chờ"),
        "common words without diacritics": Search("thoi gian cho con dai"),
        "a rare word": Search("ky19999"),
        "a common and a rare word": Search("chờ ky19999"),
        "common words that are never together": Search("ghe muon"),
        "no such word": Search("không hề có từ này"),
        "a department, a level and a reason": Search(
            departments=[place], answers=[("rating", 1), ("reasons", 3)]
        ),
        "a word in a period": Search("chờ", since=year_ago, until=TODAY),
        "a word on a day long ago": Search("chờ", since=two_ago, until=two_ago),
        "nothing hidden": Search("chờ", hidden=True),
    }


def _milliseconds(store: Store, search: Search) -> float:
    """How long a page of a search takes, with the count beside it."""
    began = time.perf_counter()
    store.comments.found(search, SHOWN)
    store.comments.count(search, 1_000)
    return (time.perf_counter() - began) * 1000


def fill(database: Path) -> None:
    """Write the submissions with a comment, in the order of their days, without an index."""
    chance = random.Random(23)
    places = [(d, c) for c, d in load_centre(CENTRE).department_of.items()]
    said = (*PRAISE, *WISHES)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO submission (id, survey, department, counter, channel, visit, answered_at,"
            " answers, comment, day, received_at, digest) "
            "VALUES (?, 'in_centre', ?, ?, 'kiosk', ?, ?, ?, ?, ?, ?, '')",
            (_one(chance, places, said, number) for number in range(COMMENTS)),
        )
        connection.execute("COMMIT")


def _one(
    chance: random.Random, places: list[tuple[str, str]], said: tuple[str, ...], number: int
) -> tuple[object, ...]:
    day = TODAY - timedelta(days=DAYS - 1 - number * DAYS // COMMENTS)
    moment = datetime(day.year, day.month, day.day, 2, 0, number % 60).isoformat(" ")
    rating = chance.choices((5, 4, 3, 2, 1), (60, 25, 8, 5, 2))[0]
    answers = orjson.dumps({"rating": rating, "reasons": [chance.randint(1, 5)]}).decode()
    comment = f"{chance.choice(said)} {chance.choice(said)} Kỳ{chance.randrange(20_000)}"
    id, visit = (str(UUID(int=chance.getrandbits(128), version=4)) for _ in "ab")
    return (id, *chance.choice(places), visit, moment, answers, comment, day.isoformat(), moment)
