"""A kiosk with real files, and a stand-in for the aggregator that answers with receipts."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from aggregator.dashboard.app import create_app as create_aggregator
from aggregator.dashboard.context import Context as AggregatorContext
from aggregator.settings import Settings as AggregatorSettings
from kiosk.app import create_app
from kiosk.context import Context
from kiosk.outbox import Outbox, body_of
from kiosk.qr_codes import Audience, signed_code
from kiosk.settings import Settings
from kiosk.submissions import part_id
from secret_files import read_key
from surveys.wire import Receipt, Submission
from tests.conftest import Servers

ROOT = Path(__file__).parents[2]
CENTRE = ROOT / "deploy" / "lai_chau.toml"
NOW = datetime(2026, 11, 23, 1, 15, tzinfo=UTC)
RealAggregator = Callable[..., tuple[AggregatorContext, str]]


@dataclass
class Clock:
    """A clock that a test moves."""

    moment: datetime = NOW

    def __call__(self) -> datetime:
        return self.moment


class Kiosk:
    """One kiosk without its uploader, as its visitors see it."""

    # Not a dataclass: a failing property test would print the whole centre with it.
    def __init__(self, client: TestClient, context: Context, clock: Clock) -> None:
        self.client, self.context, self.clock = client, context, clock

    def stored(self) -> list[dict[str, Any]]:
        """What is on disk: the submissions in the outbox, oldest first, then the open ratings."""
        rows = self.context.outbox.pending(1000)
        with self.context.outbox.disk.transaction(write=False) as connection:
            drafts = [json.loads(row[0]) for row in connection.execute("SELECT body FROM draft")]
        rating = self.context.rating_survey.id
        return [body_of(row) for row in rows] + [one for one in drafts if one["survey"] == rating]

    def queued(self) -> list[dict[str, Any]]:
        """The submissions in the outbox, oldest first."""
        return [body_of(row) for row in self.context.outbox.pending(1000)]

    def fingerprint(self, survey: str = "in_centre") -> str:
        return self.context.surveys[survey].fingerprint

    def code(self, audience: Audience = "citizen", counter: str | None = "q05") -> str:
        return poster_code(self.context.settings.var, "so_tu_phap", counter, audience)

    def tap(self, rating: int = 5, **changes: str) -> Any:
        fields = {
            "visit": str(uuid4()),
            "fingerprint": self.fingerprint(),
            "rating": str(rating),
            **changes,
        }
        return self.client.post("/rate", data=fields)

    def thanked(self, rating: int = 5) -> str:
        """A visit that stands at the thank-you: its rating is open."""
        visit = str(uuid4())
        self.tap(rating, visit=visit, department="")
        return visit

    def rated(self) -> str:
        """A visit whose rating is delivered already: what is stored from here on is the rest."""
        visit = self.thanked()
        fields = {"visit": visit, "fingerprint": self.fingerprint(), "department": ""}
        self.client.post("/follow-up", data={**fields, "then": "done"})
        rating = str(part_id(UUID(visit), "rating"))
        assert self.context.outbox.settle({rating: Receipt(rating, "accepted")}) == 1
        return visit


def poster_code(
    var: Path, department: str | None, counter: str | None, audience: Audience = "citizen"
) -> str:
    """The signed code of a place, by the key of the kiosk whose data lie in a folder."""
    key = read_key(Settings(var=var).code_key_file)
    return signed_code(key, "lai_chau", department, counter, audience)


def hidden(html: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no hidden field {name}"
    return found[1]


def submission(key: UUID | None = None, **changes: Any) -> Submission:
    """A rating as the kiosk makes it."""
    return Submission.model_validate(
        {
            "id": str(key or uuid4()),
            "survey": "in_centre",
            "department": "so_tu_phap",
            "counter": "q05",
            "channel": "kiosk",
            "visit": str(uuid4()),
            "answered_at": NOW.isoformat(),
            "language": "vi",
            "answers": {"rating": 5},
            **changes,
        }
    )


@pytest.fixture
def real_aggregator(tmp_path: Path, sqlite_template: Path, serve: Servers) -> RealAggregator:
    """Serves a real aggregator of a centre's file; gives its parts and its address."""

    def make(centre: Path = CENTRE) -> tuple[AggregatorContext, str]:
        settings = AggregatorSettings(centre=centre, var=tmp_path / "aggregator")
        file = settings.var / "aggregator" / "hailong.sqlite3"
        file.parent.mkdir(parents=True)
        shutil.copy(sqlite_template, file)
        app = create_aggregator(settings)
        return app.state.context, serve(app)

    return make


@pytest.fixture
def make_kiosk(tmp_path: Path) -> Iterator[Callable[..., Kiosk]]:
    """Makes a kiosk from settings; all of one test share an outbox."""
    made: list[Kiosk] = []

    def make(**settings: Any) -> Kiosk:
        clock = Clock()
        known = {"centre": CENTRE, "var": tmp_path, **settings}
        app = create_app(Settings(**known), clock=clock)
        kiosk = Kiosk(TestClient(app, follow_redirects=False), app.state.context, clock)
        made.append(kiosk)
        return kiosk

    yield make
    for kiosk in made:
        kiosk.client.close()
        kiosk.context.outbox.close()


@pytest.fixture
def desk(make_kiosk: Callable[..., Kiosk]) -> Kiosk:
    """A kiosk at counter q05 of the department of justice."""
    return make_kiosk(counter="q05")


@pytest.fixture
def lobby(make_kiosk: Callable[..., Kiosk]) -> Kiosk:
    """A kiosk in the hall."""
    return make_kiosk()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """An empty outbox."""
    box = Outbox(tmp_path / "outbox.sqlite3", busy_seconds=0.05)
    yield box
    box.close()


@dataclass
class StandIn:
    """An aggregator in memory: the first content of an id is accepted, and receipted."""

    taken: dict[str, Any] = field(default_factory=dict)
    calls: int = 0
    tokens: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    answers: list[Callable[[list[dict[str, Any]]], Response | None]] = field(default_factory=list)

    async def submissions(self, request: Request) -> Response:
        self.calls += 1
        self.tokens.append(request.headers.get("authorization", ""))
        items = json.loads(await request.body())["submissions"]
        self.sizes.append(len(items))
        # An answer set by the test comes once; None means that the usual one follows.
        early = self.answers.pop(0)(items) if self.answers else None
        return early or JSONResponse({"receipts": [self.receipt(item) for item in items]})

    def receipt(self, item: dict[str, Any]) -> dict[str, Any]:
        if item["department"] == "so_y_te":
            return {"id": item["id"], "status": "refused", "reason": "department: not here"}
        known = self.taken.setdefault(item["id"], item)
        status = "accepted" if known is item else "duplicate" if known == item else "conflict"
        return {"id": item["id"], "status": status, "reason": None}

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/api/v1/submissions", self.submissions, methods=["POST"])])


@pytest.fixture
def aggregator() -> StandIn:
    return StandIn()
