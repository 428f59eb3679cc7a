"""Two years of tallies of a large centre: 17 departments of 5 counters, 3 channels, every day.

Tallies are written as they are kept, without the answers behind them, but for the first and the
newest day: pages read nothing else.
"""

import random
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import insert

from aggregator.indices.circular_01_2018 import BY_DOSSIER
from aggregator.storage.blocks import Block, merged
from aggregator.storage.migrations import migrate
from aggregator.storage.rollups import (
    FACTORS,
    POOL,
    TALLIES,
    Span,
    Tallies,
    hours_in,
    last_of_month,
    packed,
)
from aggregator.storage.store import Store
from aggregator.storage.tables import BlockRow
from aggregator.storage.tallies import Answered
from surveys.centre import load_centre
from surveys.definition import Question, Survey, load_surveys
from tests.bench.answers import BURST, BURST_HOUR, TAPS, Place, burst_at
from tests.bench.servers import CENTRE, ROOT

DEPARTMENTS, COUNTERS, CHANNELS = 17, 5, ("kiosk", "paper", "qr")
DAYS, TODAY = 730, date.today()
HOURS = (8, 9, 10, 11, 13, 14, 15, 16)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

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
    began = perf_counter()
    fill(database, centre, TODAY)
    filled = perf_counter()
    store = Store(f"sqlite:///{database}")
    surveys = load_surveys()
    store.roll_up(surveys[asked] for _, asked in load_centre(centre).instruments)
    store.close()
    return Large(folder, centre, filled - began, perf_counter() - filled)


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
    surveys, chance, found = load_surveys(), random.Random(17), load_centre(centre)
    places = list(found.department_of.items())
    days = [until - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    days = [day for day in days if day.weekday() < 5 or day == until]
    kept: dict[tuple[str, Tallies], list[tuple[date, Block]]] = defaultdict(list)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for day in days:
            answered = _day(surveys, places, day, chance)
            for survey, own in answered.items():
                for layout in (TALLIES, POOL, FACTORS, hours_in(found.zone)):
                    block = layout.of(surveys[survey], own)
                    if block.items:
                        kept[survey, layout].append((day, block))
            connection.execute("BEGIN")
            if day in (days[0], until):
                _store(connection, surveys, day, answered, most=1 if day == days[0] else None)
            settled = [(day.isoformat(), d) for d in sorted({d for _, d in places})]
            connection.executemany("INSERT INTO transactions VALUES (?, ?, 60)", settled)
            handled = [(d, indicator, day) for day, d in settled for indicator in BY_DOSSIER]
            connection.executemany(
                "INSERT INTO handling_tally VALUES (?, ?, ?, 1, 4, 15, 40)", handled
            )
            connection.execute("COMMIT")
    store.definitions.adopt(surveys.values())
    with store.database.begin(write=True) as written:
        for (survey, layout), blocks in kept.items():
            written.execute(insert(BlockRow), [*_packed(survey, layout, blocks, until)])
    store.close()


def _packed(
    survey: str, layout: Tallies, blocks: Sequence[tuple[date, Block]], until: date
) -> Iterator[dict[str, object]]:
    """The rows of blocks of all days and of whole months but the newest ones."""
    for first, month in groupby(blocks, lambda one: one[0].replace(day=1)):
        own = [*month]
        for day, block in own:
            if day < until:
                yield packed(survey, layout.name, Span(day, day), block)
        if (last := last_of_month(first)) < until:
            whole = merged([block for _, block in own], len(layout.sums))
            yield packed(survey, layout.name, Span(first, last), whole)


def _store(
    connection: sqlite3.Connection,
    surveys: Mapping[str, Survey],
    day: date,
    answered: Mapping[str, Sequence[Answered]],
    most: int | None,
) -> None:
    """Write up to ``most`` answers of each survey on a day."""
    names = "id, survey, fingerprint, channel, department, counter, answers, answered_at, day"
    marks = ", ".join("?" * 11)
    rows = [
        (
            str(uuid4()),
            survey,
            surveys[survey].fingerprint,
            *one[:3],
            orjson.dumps(one.answers).decode(),
            str(one.at.astimezone(UTC)) if one.at else None,
            day.isoformat(),
            f"{day} 12:00:00+00:00",
            "",
        )
        for survey, own in answered.items()
        for one in own[:most]
    ]
    connection.executemany(
        f"INSERT INTO submission ({names}, received_at, digest) VALUES ({marks})", rows
    )


def _day(
    surveys: dict[str, Survey], places: Sequence[Place], day: date, chance: random.Random
) -> dict[str, list[Answered]]:
    """What was answered on one day, by survey."""
    cells = [(channel, d, counter) for channel in CHANNELS for counter, d in places]
    criteria, firms = surveys["sipas_2020"], surveys["business"]
    answered: dict[str, list[Answered]] = defaultdict(list)

    def add(survey: str, cell: Sequence[str], answers: Mapping[str, Any], hour: int) -> None:
        channel, department, counter = cell
        at = datetime.combine(day, time(hour), ZONE)
        answered[survey].append(Answered(channel, department, counter, answers, at))

    for cell in cells:
        for code, n in zip((5, 4, 3, 2, 1), (20, 9, 3, 2, 1), strict=True):
            for _ in range(chance.randint(0, n)):
                answers = {"rating": code, "reasons": [chance.randint(1, 5)]}
                add("in_centre", cell, answers, chance.choice(HOURS))
        chosen = chance.choices((5, 4, 3, 2, 1), (60, 25, 8, 5, 2), k=len(criteria.measured))
        given = {q.id: c for q, c in zip(criteria.measured, chosen, strict=True)}
        add(criteria.id, cell, given, 8)
    for cell in chance.sample(cells, 5):
        add(firms.id, cell, {q.id: _answer(firms, q, chance) for q in firms.all_questions()}, 8)
    counter, department = burst_at(day, places)
    for _ in range(TAPS if day.weekday() < 5 else 0):
        add("in_centre", ("kiosk", department, counter), BURST, BURST_HOUR)
    return answered


def _answer(survey: Survey, question: Question, chance: random.Random) -> int | list[int]:
    scale = survey.scale_of(question)
    if scale is None:
        return chance.randint(question.minimum or 0, min(question.maximum or 0, 60))
    code = chance.choice(scale.codes)
    return [code] if question.kind == "many" else code
