"""A search in a million comments, over two years and all places of a large centre."""

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from uuid import UUID

import orjson
import psycopg

from aggregator.demo.citizens import PRAISE, WISHES
from aggregator.storage.comments import Search
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from surveys.centre import load_centre
from tests.bench.load import median
from tests.bench.report import Row
from tests.bench.servers import CENTRE, ROOT
from tests.bench.years import DAYS, TODAY
from tests.postgresql import Postgresql, programs

COMMENTS = int(os.environ.get("HAILONG_BENCH_COMMENTS", 1_000_000))
SHOWN = 25
GOAL = 200  # ms
ROUNDS = 5
COLUMNS = (
    *("id", "survey", "department", "counter", "channel", "visit", "answered_at", "answers"),
    *("comment", "day", "received_at", "digest"),
)


def rows() -> Iterator[Row]:
    with TemporaryDirectory(dir=ROOT / "var") as folder:
        database = Path(folder) / "comments.sqlite3"
        store = Store(f"sqlite:///{database}")
        migrate(store.engine)
        fill(database)
        yield from _searched(store, "SQLite")
    if programs() is None:
        return
    with _postgresql() as server:
        store = Store(server.url)
        migrate(store.engine)
        copy(server.url)
        yield from _searched(store, "PostgreSQL")


def _searched(store: Store, kind: str) -> Iterator[Row]:
    began = time.perf_counter()
    with store.writing() as writer:
        writer.index_all_comments()
    took = time.perf_counter() - began
    yield Row(f"{kind}: {COMMENTS:,} comments indexed to set this up", took, "s")
    if kind == "PostgreSQL":
        with store.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
    for name, search in searches().items():
        times = [_milliseconds(store, search) for _ in range(ROUNDS)]
        yield Row(f"{kind}, search in {COMMENTS:,}: {name}", median(times), "ms", GOAL, "max")
    store.close()


@contextmanager
def _postgresql() -> Iterator[Postgresql]:
    """A server of its own, in a folder that its user may enter."""
    home = Path(mkdtemp(prefix="hailong-bench-"))
    try:
        server = Postgresql(home)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home)


def searches() -> dict[str, Search]:
    """Words that many comments have, few or none, together with what a reader filters by."""
    centre = load_centre(CENTRE)
    place, counter = centre.departments[0].id, next(iter(centre.department_of))
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
        "a counter": Search(counters=[counter]),
        "a word in a period": Search("chờ", since=year_ago, until=TODAY),
        "a frequent word in a period long past": Search("chờ", since=two_ago, until=year_ago),
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
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        marks = ", ".join("?" * len(COLUMNS))
        insert = f"INSERT INTO submission ({', '.join(COLUMNS)}) VALUES ({marks})"
        connection.executemany(insert, _submissions())
        connection.execute("COMMIT")


def copy(url: str) -> None:
    """The same into a database of PostgreSQL."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        into = f"COPY submission ({', '.join(COLUMNS)}) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(into.encode()) as copying:
            for row in _submissions():
                copying.write_row(row)


def _submissions() -> Iterator[tuple[object, ...]]:
    chance = random.Random(23)
    places = [(d, c) for c, d in load_centre(CENTRE).department_of.items()]
    said = (*PRAISE, *WISHES)
    return (_one(chance, places, said, number) for number in range(COMMENTS))


def _one(
    chance: random.Random, places: list[tuple[str, str]], said: tuple[str, ...], number: int
) -> tuple[object, ...]:
    day = TODAY - timedelta(days=DAYS - 1 - number * DAYS // COMMENTS)
    moment = datetime(day.year, day.month, day.day, 2, 0, number % 60).isoformat(" ")
    rating = chance.choices((5, 4, 3, 2, 1), (60, 25, 8, 5, 2))[0]
    answers = orjson.dumps({"rating": rating, "reasons": [chance.randint(1, 5)]}).decode()
    comment = f"{chance.choice(said)} {chance.choice(said)} Kỳ{chance.randrange(20_000)}"
    id, visit = (str(UUID(int=chance.getrandbits(128), version=4)) for _ in "ab")
    place, times = chance.choice(places), (day.isoformat(), moment)
    return (id, "in_centre", *place, "kiosk", visit, moment, answers, comment, *times, "")
