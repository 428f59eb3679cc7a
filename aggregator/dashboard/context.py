"""What every handler of the aggregator needs: built once, in create_app, and handed down."""

from asyncio import Semaphore
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from prometheus_client import CollectorRegistry, Counter
from starlette.requests import Request

from aggregator.dashboard.accounts import Accounts
from aggregator.dashboard.health import Health
from aggregator.dashboard.menu import Menu
from aggregator.dashboard.throttle import Throttle
from aggregator.documents.worker import Worker
from aggregator.indices.ddci_definition import Ddci
from aggregator.intake.ingest import GroupCommit
from aggregator.organisation.current import Organisation
from aggregator.settings import Settings
from aggregator.storage.store import Store
from aggregator.wording.messages import MESSAGES as MESSAGES
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.published import PublishedTables
from web import Pages


@dataclass(frozen=True)
class Metrics:
    """What /metrics answers with: counts that are neither of persons nor of departments."""

    registry: CollectorRegistry
    receipts: Counter


@dataclass(frozen=True)
class Context:
    """The parts of one running aggregator.

    ``clock`` gives the present time with its zone. ``large_batches`` bounds how many large
    batches of submissions are read at the same time, ``large_tables`` files of the desk.
    ``wrong_codes`` are receipt codes. ``published`` and ``ddci`` are None where the centre has
    no such file. ``seen`` is the centre as a request's page is made under; see
    permissions.needs. ``above`` are the accounts of the province that a centre belongs to,
    whose people may enter it, too; ``is_province`` is true for the province itself.
    """

    settings: Settings
    store: Store
    organisation: Organisation
    published: PublishedTables | None
    ddci: Ddci | None
    commits: GroupCommit
    health: Health
    worker: Worker
    accounts: Accounts
    pages: Pages
    metrics: Metrics
    menu: Menu
    clock: Callable[[], datetime]
    wrong_codes: Throttle
    large_batches: Semaphore = field(default_factory=lambda: Semaphore(6))
    large_tables: Semaphore = field(default_factory=lambda: Semaphore(1))
    seen: Centre | None = None
    above: Accounts | None = None
    is_province: bool = False

    @property
    def centre(self) -> Centre:
        """The centre as the request sees it, else as it is now."""
        return self.seen or self.organisation.centre

    @property
    def first_page(self) -> str:
        """What people see when they come in the morning."""
        return "/" if self.is_province else "/briefing"

    @property
    def surveys(self) -> Mapping[str, Survey]:
        """Every instrument by id, also those that are not asked."""
        return self.organisation.surveys

    @property
    def today(self) -> date:
        """The present day where the centre is."""
        return self.centre.local_day(self.clock())


def context_of(request: Request) -> Context:
    """The context of a request.

    That is the application's, or where ``permissions.needs`` has set one for the request, that
    one, whose store is a snapshot.
    """
    own: Context | None = request.scope.get("state", {}).get("context")
    return own or request.app.state.context
