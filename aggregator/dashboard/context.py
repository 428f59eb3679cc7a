"""What every handler of the aggregator needs, built once in create_app and handed down."""

from asyncio import Semaphore
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from prometheus_client import CollectorRegistry, Counter
from starlette.requests import Request

from aggregator.dashboard.accounts import Accounts
from aggregator.documents.worker import Worker
from aggregator.indices.ddci_definition import Ddci
from aggregator.intake.ingest import GroupCommit
from aggregator.settings import Settings
from aggregator.storage.store import Store
from aggregator.wording.messages import MESSAGES as MESSAGES
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.published import Published
from web import Pages


@dataclass(frozen=True)
class Metrics:
    """Counters for /metrics: nothing personal, nothing by department."""

    registry: CollectorRegistry
    receipts: Counter


@dataclass(frozen=True)
class Context:
    settings: Settings
    store: Store
    surveys: Mapping[str, Survey]
    centre: Centre
    published: Published | None
    ddci: Ddci | None
    commits: GroupCommit
    worker: Worker
    accounts: Accounts
    pages: Pages
    metrics: Metrics
    clock: Callable[[], datetime]
    large_batches: Semaphore = field(default_factory=lambda: Semaphore(6))

    @property
    def today(self) -> date:
        return self.centre.local_day(self.clock())


def context_of(request: Request) -> Context:
    """The request's own context where it has one, else the application's."""
    context: Context = getattr(request.state, "context", request.app.state.context)
    return context
