"""How long an export of 150,000 submissions takes, and how much memory."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aggregator.intake.ingest import Ingest, Offer
from aggregator.storage.store import Store
from surveys.centre import load_centre
from surveys.definition import load_surveys
from tests.bench.bench_ingest import Maker
from tests.bench.load import median
from tests.bench.report import Row
from tests.bench.servers import CENTRE, ROOT, command, environment_of, measured

WANTED = 150_000
BATCH = 2_000
ROUNDS = 3
SECONDS = {"csv": 5.0}
MEGABYTES = {"csv": 150.0}
COMMENT = "Cán bộ hướng dẫn tận tình, hồ sơ được trả đúng hẹn. Số của tôi là 0912 345 678."


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as folder:
        environment = environment_of(Path(folder), 0)
        command(environment, "aggregator", "migrate")
        fill(Path(folder))
        for form in ("csv", "json", "parquet", "sav"):
            # The goal is for CSV; an export of another kind must only not grow with its rows.
            file = Path(folder) / f"out.{form}"
            runs = [measured(environment, "aggregator", "export", str(file)) for _ in range(ROUNDS)]
            name = f"{WANTED:,} submissions as {form.upper()}"
            seconds, size = (median(values) for values in zip(*runs, strict=True))
            yield Row(name, seconds, "s", SECONDS.get(form), "max")
            yield Row("… at its peak resident", size, "MB", MEGABYTES.get(form), "max")


def fill(var: Path) -> None:
    """Half ratings, one in ten of them with reasons and a comment, half SIPAS answers."""
    store = Store(f"sqlite:///{var / 'aggregator' / 'hailong.sqlite3'}")
    ingest = Ingest(store, load_surveys(), load_centre(CENTRE))
    make, chance = Maker(3), random.Random(3)
    for _ in range(WANTED // BATCH):
        items = [make.one(make.place()) for _ in range(BATCH)]
        for item in items[::2]:
            item.update(rating(chance))
        ingest.accept([Offer(items, "vi")])
    store.close()


def rating(chance: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {"survey": "in_centre", "answers": {"rating": chance.randint(1, 5)}}
    if chance.random() < 0.1:
        found |= {"answers": {"rating": 5, "reasons": [1, 3]}, "comment": COMMENT}
    return found
