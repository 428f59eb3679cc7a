"""An aggregator over real databases, and builders of what clients send to it."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update
from sqlalchemy.engine import make_url
from starlette.applications import Starlette
from starlette.testclient import TestClient

from aggregator.dashboard.app import create_app
from aggregator.dashboard.context import Context
from aggregator.intake.ingest import Ingest, Offer
from aggregator.settings import Settings
from aggregator.storage.rollups import FACTORS, POOL, TALLIES, Tallies, hours_in
from aggregator.storage.store import Grouping, Selection, Store
from aggregator.storage.tables import DeviceRow
from surveys.centre import Centre, load_centre
from surveys.chain import content_digest
from surveys.definition import Channel, Survey, load_surveys
from surveys.messages import Language
from surveys.wire import Receipt

ROOT = Path(__file__).parents[2]
CENTRE = ROOT / "deploy" / "lai_chau.toml"
GOLDEN = ROOT / "tests" / "golden" / "lai_chau_2020.csv"
NOW = datetime(2026, 11, 23, 1, 15, tzinfo=UTC)  # 08:15 at the centre
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")  # the centre's
SUBMISSIONS = "/api/v1/submissions"
PASSWORD = "đúng mười hai ký tự"


@dataclass
class Clock:
    """A clock that a test moves."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment


def submission(**changes: Any) -> dict[str, Any]:
    """A valid rating as a kiosk sends it; ``changes`` replace or add fields."""
    return {
        "id": str(uuid4()),
        "survey": "in_centre",
        "department": "so_tu_phap",
        "counter": "q05",
        "channel": "kiosk",
        "visit": "v-1",
        "answered_at": "2026-11-23T08:10:00+07:00",
        "language": "vi",
        "answers": {"rating": 5},
        **changes,
    }


def sipas(codes: Sequence[int] = (5,) * 22, **changes: Any) -> dict[str, Any]:
    """A SIPAS answer: codes of q1, q2, … in order; 0 skips a question."""
    answers = {f"q{number}": code for number, code in enumerate(codes, 1) if code}
    return submission(survey="sipas_2020", answers=answers, **changes)


def ratings(codes: Sequence[int], **changes: Any) -> list[dict[str, Any]]:
    """One rating a code."""
    return [submission(answers={"rating": code}, **changes) for code in codes]


def over_days(codes: Sequence[int], days: int = 10, /, **changes: Any) -> list[dict[str, Any]]:
    """The same ratings on each of as many days, the last of which is the clock's."""
    last = date(2026, 11, 23)
    return [
        one
        for back in range(days)
        for one in ratings(codes, answered_at=f"{last - timedelta(back)}T08:10:00+07:00", **changes)
    ]


# The example of contract.md: 120 ratings of one department.
EXAMPLE = (5,) * 100 + (4,) * 15 + (3,) * 3 + (2, 1)


def statuses(receipts: Sequence[Receipt]) -> Counter[str]:
    return Counter(receipt.status for receipt in receipts)


def may_hand_in_anything(store: Store) -> None:
    """Let the devices hand in answers of any channel and of years before they were enrolled."""
    anything = {
        "channels": list(get_args(Channel)),
        "enrolled_at": datetime(2002, 1, 1, tzinfo=UTC),
    }
    with store.database.begin(write=True) as connection:
        connection.execute(update(DeviceRow).values(**anything))


# By kind of tallies its layouts, and the parts of a key; the sums of the layout come after it.
PLACED: tuple[Grouping, ...] = ("channel", "department", "counter")
POOLED: tuple[Grouping, ...] = ("factor", "measure", "day", *PLACED)
KEYS: dict[str, tuple[tuple[Tallies, ...], tuple[Grouping, ...]]] = {
    "tally": ((TALLIES,), ("question", "day", *PLACED, "code")),
    "pooled_tally": ((POOL, FACTORS), POOLED),
    "hour_tally": ((hours_in(ZONE),), ("month", *PLACED, "weekday", "hour", "code")),
}


def tallies(store: Store) -> dict[str, dict[tuple[str, ...], tuple[int, ...]]]:
    """All tallies by their kind: the survey and the values of the key, as text, to the sums."""
    found: dict[str, dict[tuple[str, ...], tuple[int, ...]]] = {kind: {} for kind in KEYS}
    for survey in {one.survey.id for one in store.definitions.kept().values()}:
        for kind, (layouts, by) in KEYS.items():
            for layout in layouts:
                columns = store.sums(layout, Selection(survey), by, layout.sums)
                for row in zip(*columns.values(), strict=True):
                    key = (survey, *map(str, row[: len(by)]))
                    found[kind][key] = tuple(map(int, row[len(by) :]))
    return found


def zeroed(store: Store) -> str:
    """The SQL of a block's numbers that are all 0."""
    if store.engine.dialect.name == "sqlite":
        return "zeroblob(length(numbers))"
    return "decode(repeat('00', length(numbers)), 'hex')"


def stored(store: Store) -> list[Any]:
    """Every stored submission in the order of arrival."""
    return list(store.submissions(None, None))


@dataclass
class Intake:
    """The one way in, without HTTP."""

    store: Store
    ingest: Ingest

    def __call__(self, items: Sequence[object], language: Language = "en") -> list[Receipt]:
        [receipts] = self.ingest.accept([Offer(items, language)])
        return receipts


@dataclass
class Room:
    """One aggregator with its tokens, as its clients see it; ``client`` needs no network."""

    app: Starlette
    client: TestClient
    clock: Clock
    settings: Settings
    device: str
    reader: str
    address: str = ""  # the base address, where a test also serves it on a socket

    @property
    def context(self) -> Context:
        context: Context = self.app.state.context
        return context

    def another(self) -> Starlette:
        """A second app on the same database, to serve on a socket: the first one runs already."""
        return create_app(self.settings, self.clock)

    def post(self, items: object, **headers: str) -> Any:
        """POST a batch with the device token; header names with _ for -."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        bearer = {"authorization": f"Bearer {self.device}"}
        return self.client.post(SUBMISSIONS, json={"submissions": items}, headers=bearer | sent)

    def hand_in(self, body: object, **headers: str) -> Any:
        """POST a whole batch as a device does, with what it says of itself and its digest."""
        content = json.dumps(body).encode()
        sent = {"content-type": "application/json", "content-digest": content_digest(content)}
        sent |= {"authorization": f"Bearer {self.device}"}
        return self.client.post(SUBMISSIONS, content=content, headers=sent | headers)

    def get(self, path: str, /, language: str = "en", **parameters: str) -> Any:
        """GET with the reader token; ``from_`` stands for ``from``."""
        asked = {name.rstrip("_"): value for name, value in parameters.items()}
        headers = {"authorization": f"Bearer {self.reader}", "accept-language": language}
        return self.client.get(path, params=asked, headers=headers)

    def take(self, items: Sequence[object]) -> list[dict[str, Any]]:
        """Hand items in; all must be accepted or known."""
        receipts: list[dict[str, Any]] = self.post(items).json()["receipts"]
        assert {receipt["status"] for receipt in receipts} <= {"accepted", "duplicate"}, receipts
        return receipts

    def health(self) -> int:
        """The status of /health, a second later: each answer is kept for one."""
        self.clock.moment += timedelta(seconds=1)
        return self.client.get("/health").status_code

    def sign_in(self, name: str = "giam_doc") -> None:
        """Sign the client in as a manager of this name."""
        accounts = self.context.accounts
        if self.context.store.credentials.user(name) is None:
            accounts.add_user(name, "administrator")
        link = accounts.new_link(name, "")
        assert self.client.get(link).status_code in (200, 303)


@pytest.fixture(scope="session")
def centre() -> Centre:
    return load_centre(CENTRE)


@pytest.fixture(scope="session")
def surveys() -> dict[str, Survey]:
    return load_surveys()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(migrated_url: str) -> Iterator[Store]:
    """An empty migrated database: the test runs once on SQLite and once on PostgreSQL."""
    made = Store(migrated_url, lock_timeout=5)
    yield made
    made.close()


@pytest.fixture
def intake(store: Store, surveys: dict[str, Survey], centre: Centre, clock: Clock) -> Intake:
    return Intake(store, Ingest(store, surveys, centre, clock))


NO_FLAGS = """
[flags]
burst_ratings = 0
run_ratings = 0
outside_hours = false
nobody_served = false
touch_a_day = 0
phone_a_day = 0
"""


@pytest.fixture(scope="session")
def unwatched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample centre's file without flags: tests hand in many ratings of one moment."""
    folder = shutil.copytree(CENTRE.parent, tmp_path_factory.mktemp("centre") / "deploy")
    file = folder / CENTRE.name
    file.write_text(file.read_text("utf-8") + NO_FLAGS, "utf-8")
    return file


@contextmanager
def rooms(folder: Path, template: Path, centre_file: Path) -> Iterator[Callable[..., Room]]:
    """Makes aggregators of settings; ``database_url`` is a new SQLite file if not given.

    A SQLite file that is not there yet gets the schema; PostgreSQL must have it.
    """
    with ExitStack() as stack:

        def make(database_url: str = "", **settings: Any) -> Room:
            url = database_url or f"sqlite:///{folder / 'room.db'}"
            fixed: dict[str, Any] = {"centre": centre_file, "var": folder, "database_url": url}
            given = Settings(**(fixed | settings))
            clock = Clock()
            file = make_url(url).database or ""
            if url.startswith("sqlite") and not Path(file).exists():
                shutil.copy(template, file)
            app = create_app(given, clock)
            accounts = app.state.context.accounts
            device = accounts.new_token("device", f"q05-{uuid4()}")
            may_hand_in_anything(app.state.context.store)
            reader = accounts.new_token("reader", f"province-{uuid4()}")
            client = stack.enter_context(TestClient(app, follow_redirects=False))
            return Room(app, client, clock, given, device, reader)

        yield make


@pytest.fixture
def make_room(
    tmp_path: Path, sqlite_template: Path, unwatched: Path
) -> Iterator[Callable[..., Room]]:
    """Makes an aggregator of settings, as ``rooms`` says."""
    with rooms(tmp_path, sqlite_template, unwatched) as make:
        yield make


@pytest.fixture
def room(make_room: Callable[..., Room]) -> Room:
    """An aggregator on an empty SQLite file."""
    return make_room()


@pytest.fixture
def any_room(make_room: Callable[..., Room], migrated_url: str) -> Room:
    """An aggregator on each kind of database in turn."""
    return make_room(migrated_url)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A centre file without published tables."""
    lines = CENTRE.read_text("utf-8").splitlines()
    path = tmp_path / "bare.toml"
    path.write_text("\n".join(line for line in lines if not line.startswith("published =")))
    return path
