"""Two years of tallies of a large centre: 17 departments of 5 counters, 3 channels, every day.

The tallies are written as rows, without the answers behind them: pages read nothing else.
"""

import random
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from aggregator.indices.circular_01_2018 import BY_DOSSIER
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from aggregator.storage.tallies import Cell, Deltas
from surveys.centre import load_centre
from surveys.definition import Question, Survey, load_surveys
from tests.bench.servers import CENTRE, ROOT

DEPARTMENTS, COUNTERS, CHANNELS = 17, 5, ("kiosk", "paper", "qr")
DAYS, TODAY = 730, date.today()
HOURS = (8, 9, 10, 11, 13, 14, 15, 16)
Row = tuple[object, ...]

# So that the page of weighted figures has something to weight by.
MARGIN = """
[[margins]]
survey = "sipas_2020"
variable = "channel"
population = { vi = "Giả định", en = "Invented" }
source = "tests/bench"
shares = { kiosk = 0.5, paper = 0.3, qr = 0.2 }
"""


@dataclass(frozen=True)
class Large:
    """Its folder and centre file, and the seconds that writing it and rolling it up took."""

    folder: TemporaryDirectory[str]  # removed when nothing refers to it any more
    centre: Path
    filling: float
    rolling: float

    @property
    def var(self) -> Path:
        return Path(self.folder.name)


@cache
def two_years() -> Large:
    """Made once for all benches of a run."""
    folder = TemporaryDirectory(dir=ROOT / "var")
    var = Path(folder.name)
    (var / "aggregator").mkdir()
    centre, database = centre_file(var), var / "aggregator" / "hailong.sqlite3"
    began = time.perf_counter()
    fill(database, centre, TODAY)
    filled = time.perf_counter()
    store = Store(f"sqlite:///{database}")
    surveys = load_surveys()
    store.roll_up(surveys[asked] for _, asked in load_centre(centre).instruments)
    store.close()
    return Large(folder, centre, filled - began, time.perf_counter() - filled)


def centre_file(folder: Path) -> Path:
    """A centre of 17 departments, with the hours and published figures of the sample's."""
    lines = CENTRE.read_text("utf-8").splitlines(keepends=True)
    first, last = lines.index("[[departments]]\n"), lines.index("[[references]]\n")
    for beside in CENTRE.parent.glob("lai_chau_*.toml"):  # files that the sample names
        shutil.copy(beside, folder)
    made = folder / "centre.toml"
    made.write_text("".join([*lines[:first], *_departments(), *lines[last:], MARGIN]), "utf-8")
    return made


def _departments() -> Iterator[str]:
    """The sample's departments and as many more as are missing, each with its counters."""
    names = [department.id for department in load_centre(CENTRE).departments]
    names += [f"another_{number}" for number in range(len(names), DEPARTMENTS)]
    for number, name in enumerate(names, 1):
        counters = ", ".join(
            f'{{ id = "q{number:02}_{n}", name = {{ vi = "Quầy {n}", en = "Counter {n}" }} }}'
            for n in range(1, COUNTERS + 1)
        )
        label = f'{{ vi = "Cơ quan {number}", en = "Department {number}" }}'
        yield f'[[departments]]\nid = "{name}"\nname = {label}\ncounters = [{counters}]\n\n'


def fill(database: Path, centre: Path, until: date) -> None:
    """Every working day of two years: ratings in every cell, one SIPAS answer, some firms, and
    what the departments settled and how.
    """
    store = Store(f"sqlite:///{database}")
    migrate(store.engine)
    store.close()
    surveys, chance = load_surveys(), random.Random(17)
    places = list(load_centre(centre).department_of.items())
    days = [until - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for day in days:
            if day.weekday() > 4 and day != until:
                continue
            cells = [
                Cell(day.isoformat(), channel, department, counter)
                for channel in CHANNELS
                for counter, department in places
            ]
            rows = _day(surveys, cells, chance)
            connection.execute("BEGIN")
            for table, added in zip(("tally", "pooled_tally", "hour_tally"), rows, strict=True):
                marks = ", ".join("?" * len(added[0]))
                # Hours are of a month, whose days come one after the other.
                add = " ON CONFLICT DO UPDATE SET n = n + excluded.n" if "hour" in table else ""
                insert = f"INSERT INTO {table} VALUES ({marks}){add}"
                connection.executemany(insert, sorted(added))
            settled = [(day.isoformat(), d) for d in sorted({d for _, d in places})]
            connection.executemany("INSERT INTO transactions VALUES (?, ?, 60)", settled)
            handled = [(d, indicator, day) for day, d in settled for indicator in BY_DOSSIER]
            connection.executemany(
                "INSERT INTO handling_tally VALUES (?, ?, ?, 1, 4, 15, 40)", handled
            )
            connection.execute("COMMIT")


def _day(
    surveys: dict[str, Survey], cells: Sequence[Cell], chance: random.Random
) -> tuple[list[Row], list[Row], list[Row]]:
    """Rows of the tables of tallies for one day."""
    deltas = Deltas(surveys)
    criteria, firms = surveys["sipas_2020"], surveys["business"]
    for cell in cells:
        for code, n in zip((5, 4, 3, 2, 1), (20, 9, 3, 2, 1), strict=True):
            for _ in range(chance.randint(0, n)):
                answers = {"rating": code, "reasons": [chance.randint(1, 5)]}
                deltas.add("in_centre", cell, answers, chance.choice(HOURS))
        chosen = chance.choices((5, 4, 3, 2, 1), (60, 25, 8, 5, 2), k=len(criteria.measured))
        deltas.add(
            criteria.id, cell, {q.id: c for q, c in zip(criteria.measured, chosen, strict=True)}, 8
        )
    for cell in chance.sample(cells, 5):
        views = {q.id: _answer(firms, q, chance) for q in firms.all_questions()}
        deltas.add(firms.id, cell, views, 8)
    return deltas.rows()


def _answer(survey: Survey, question: Question, chance: random.Random) -> int | list[int]:
    scale = survey.scale_of(question)
    if scale is None:
        return chance.randint(question.minimum or 0, min(question.maximum or 0, 60))
    code = chance.choice(scale.codes)
    return [code] if question.kind == "many" else code
