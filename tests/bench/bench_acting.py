"""Pages that a centre acts by, after two years of answers, cases, alerts and a roster."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from aggregator.figures.attitude import join
from aggregator.figures.ledger import settled
from aggregator.figures.release import board, months_due
from aggregator.intake.ingest import Ingest, Offer
from aggregator.storage.store import Store
from surveys.centre import Centre, load_centre
from surveys.definition import Survey, load_surveys
from tests.bench import answers
from tests.bench.bench_pages import GOAL, PERIODS, Browser
from tests.bench.load import median
from tests.bench.report import Row
from tests.bench.servers import ROOT, aggregator, processor
from tests.bench.years import DAYS, TODAY, two_years

ROUNDS = 7
BOARD = "\n[board]\nenabled = true\n"
PUBLISHED = 3  # months of the board: to decide on one takes seconds
VIEWS = (
    *("/briefing", "/alerts", "/roster", "/cases", "/cases?state=closed", "/cases/100"),
    *("/comments", "/comments?q=cho", "/comments?level=1&reason=reasons.3"),
    *(f"/{page}?{PERIODS[of]}" for page in ("reasons", "hours") for of in ("month", "two years")),
    *(f"/attitude?{PERIODS[of]}" for of in ("month", "quarter", "two years")),
    *("/public", "/public/hall", "/public/data.csv", "/public/data.json"),
)


def rows() -> Iterator[Row]:
    large = two_years()
    with TemporaryDirectory(dir=ROOT / "var") as folder:
        var = Path(folder) / "var"
        shutil.copytree(large.var, var)
        file = var / large.centre.name
        file.write_text(large.centre.read_text("utf-8") + BOARD, "utf-8")
        centre, surveys = load_centre(file), load_surveys()
        database = var / "aggregator" / "hailong.sqlite3"
        began = time.perf_counter()
        fill(database, centre, surveys)
        yield Row("what was acted on in two years written", time.perf_counter() - began, "s")
        with aggregator(var, file) as server:
            browser = Browser(server)
            took = {view: [browser.took(view)] for view in VIEWS}
            spent = dict.fromkeys(VIEWS, 0.0)
            for view in VIEWS:
                spent[view] -= processor(server.pid)
                took[view] += [browser.took(view) for _ in range(ROUNDS)]
                spent[view] += processor(server.pid)
            answer(database, centre, surveys)
            for view, (first, *later) in took.items():
                yield Row(f"{view} at its first view", first, "ms")
                yield Row(view, median(later), "ms", GOAL, "max")
                yield Row("… of which the processor works", spent[view] / ROUNDS * 1000, "ms")
                yield Row("… first after another answer", browser.took(view), "ms")
                answer(database, centre, surveys)


def fill(database: Path, centre: Centre, surveys: dict[str, Survey]) -> None:
    """Answers with what was done about them, joined to the roster; a board of the last months."""
    days = [TODAY - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        working = [day for day in days if day.weekday() < 5]
        answers.fill(connection, list(centre.department_of.items()), working)
        connection.execute("COMMIT")
    store, survey, now = Store(f"sqlite:///{database}"), surveys["in_centre"], datetime.now(UTC)
    with store.writing() as writer:
        writer.index_all_comments()
    store.roll_up([survey])
    join(store, surveys, centre, days)
    for month in months_due(store, survey, centre, now):
        store.ledger.freeze(survey.id, month)
    months, frozen = store.ledger.months(survey.id)[-PUBLISHED:], store.frozen()
    settled(store, survey, now, "", lambda known: board(frozen, survey, centre, known, months))
    store.close()


def answer(database: Path, centre: Centre, surveys: dict[str, Survey]) -> None:
    """Hand in one more rating."""
    store = Store(f"sqlite:///{database}")
    counter, department = next(iter(centre.department_of.items()))
    item = {"id": str(uuid4()), "survey": "in_centre", "channel": "kiosk", "answers": {"rating": 5}}
    item |= {"counter": counter, "department": department}
    item |= {"answered_at": datetime.now(UTC).isoformat()}
    Ingest(store, surveys, centre).accept([Offer([item], "en")])
    store.close()
