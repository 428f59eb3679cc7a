"""Ingest and pages of another commit and of this one, in turn, in one run.

Each runs from its own files, with the libraries of the present set-up. Rounds are short and
many, so that what else the machine has to do meets both alike; processor time does not see it.
"""

import random
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import orjson

from surveys.centre import load_centre
from tests.bench.bench_ingest import BATCH, Maker
from tests.bench.bench_page import alternate
from tests.bench.load import median, post_all, request
from tests.bench.report import Row
from tests.bench.servers import CENTRE, ROOT, Aggregator, aggregator, processor

CLIENTS = 16
ROUNDS = 40
SINGLES = 300  # a round
BATCHES = 4  # a round
RATINGS = 20 * BATCH  # behind the pages
DAYS = 30  # a device hands in nothing from long before it was enrolled
PATH = "/api/v1/submissions"
Pair = tuple[Aggregator, Aggregator]


def rows(commit: str) -> Iterator[Row]:
    """Rows of the other commit's speed, and of this one's as a ratio to it."""
    with checked_out(commit) as root, aggregator(root=root) as before, aggregator() as after:
        pair = before, after
        make = Maker(3)
        for name, each, number in (
            ("22 answers, durable, one a request", 1, SINGLES),
            (f"the same in batches of {BATCH}", BATCH, BATCHES),
        ):
            spent = [-processor(server.pid) for server in pair]
            speeds = _speeds(pair, make, each, number)
            old, new = (processor(one.pid) + since for one, since in zip(pair, spent, strict=True))
            yield Row(f"{name}, {commit}", median([one for one, _ in speeds]), "submissions/s")
            ratio = median([other / one for one, other in speeds])
            yield Row("… here, against it", ratio, "ratio", 0.9, "min")
            yield Row("… processor time here, against it", new / old, "ratio", 1.1, "max")
        _rate(pair)
        for name, path in (("today", "/"), ("this month", "/?period=month")):
            alternate(before, after, path, rounds=0)  # the first visit rolls days up, once
            spent = [-processor(server.pid) for server in pair]
            olds, news = alternate(before, after, path)
            old, new = (processor(one.pid) + since for one, since in zip(pair, spent, strict=True))
            yield Row(f"page, {name}, {commit}", median(olds) * 1000, "ms")
            ratio = median([one / other for one, other in zip(news, olds, strict=True)])
            yield Row("… here, against it", ratio, "ratio", 1.1, "max")
            yield Row("… processor time here, against it", new / old, "ratio", 1.1, "max")


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """The files of a commit in a worktree of their own, with this one's browser files."""
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as folder:
        root = Path(folder) / "files"
        _git("worktree", "add", "--quiet", "--detach", str(root), commit)
        try:
            (root / "static" / "vendor").symlink_to(ROOT / "static" / "vendor")
            (root / "var").mkdir(exist_ok=True)
            yield root
        finally:
            _git("worktree", "remove", "--force", str(root))


def _git(*words: str) -> None:
    subprocess.run(["git", *words], cwd=ROOT, check=True)


def _speeds(pair: Pair, make: Maker, each: int, number: int) -> list[tuple[float, float]]:
    """Submissions a second of both in rounds, who begins changing from round to round."""
    found = []
    for turn in range(ROUNDS + 1):
        speeds: dict[int, float] = {}
        for at in (0, 1) if turn % 2 else (1, 0):
            speeds[at] = each * _sent(pair[at], lambda: make.one(make.place()), each, number)
        found.append((speeds[0], speeds[1]))
    return found[1:]  # the first one warms up


def _sent(
    server: Aggregator, one: Callable[[], dict[str, object]], each: int, number: int
) -> float:
    """Requests a second that a server takes, of so many submissions each."""
    headers = {"Authorization": f"Bearer {server.token}"}
    bodies = (orjson.dumps({"submissions": [one() for _ in range(each)]}) for _ in range(number))
    waiting = [request(server.url, PATH, body, headers) for body in bodies]
    return post_all(server.url, waiting, CLIENTS)


def _rate(pair: Pair) -> None:
    """The same ratings for both, spread over days, counters and levels."""
    chance, now = random.Random(5), datetime.now(UTC)
    centre = load_centre(CENTRE)
    places = list(centre.department_of.items())

    def moment() -> datetime:
        """In opening hours, as honest ratings are: others would all be flagged."""
        while True:
            day = now.astimezone(centre.zone) - timedelta(days=chance.randrange(DAYS))
            opened = day.replace(hour=8, minute=0) + timedelta(minutes=chance.uniform(0, 200))
            if opened.weekday() < 5 and opened < now:
                return opened

    def rating() -> dict[str, object]:
        counter, department = chance.choice(places)
        return {
            "id": str(uuid4()),
            "survey": "in_centre",
            "department": department,
            "counter": counter,
            "channel": "kiosk",
            "answered_at": moment().isoformat(),
            "answers": {"rating": chance.choice((5, 5, 5, 5, 4, 3, 2, 1))},
        }

    for server in pair:
        chance.seed(5)
        _sent(server, rating, BATCH, RATINGS // BATCH)
