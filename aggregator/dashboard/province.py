"""Many centres behind one address: each is an application under its own path, beside the province.

The province itself is an application, too: its store holds its people and its audit log, and
reads tallies from the centres' stores.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from aggregator.alerts.watch import each_minute
from aggregator.dashboard import api
from aggregator.dashboard.accounts import Accounts
from aggregator.dashboard.app import (
    ACCOUNTS,
    AUDIT,
    EXCEPTION_HANDLERS,
    PEOPLE,
    context_for,
    create_app,
)
from aggregator.dashboard.context import MESSAGES, Context
from aggregator.dashboard.health import OTHER_SCHEMA
from aggregator.dashboard.menu import Menu
from aggregator.dashboard.screens import method
from aggregator.dashboard.screens import province as screen
from aggregator.dashboard.shared import Shared
from aggregator.organisation.current import Held, Organisation, now_utc
from aggregator.organisation.province import Province
from aggregator.settings import Settings
from aggregator.storage.database import StorageError, is_missing
from aggregator.storage.flags import Flagging
from aggregator.storage.migrations import is_current
from aggregator.storage.store import Store
from aggregator.storage.together import Part, Together
from surveys.centre import Centre
from surveys.definition import DefinitionError, Survey, Text
from surveys.messages import MessageError, reason_of
from web import Application, Assets

log = logging.getLogger("aggregator.province")

AT_ONCE = 4  # centres whose health is looked at at a time: each costs a flush of the disk
HELD = timedelta(seconds=10)  # how long their health holds, since anybody may ask
AGAIN = timedelta(seconds=5)  # until a centre that could not be opened is tried again

MENU: Menu = {
    "province": [Route("/", screen.province, name="province")],
    "administration": [ACCOUNTS, AUDIT],
    "method": [Route("/method", method.method, name="method")],
}
ROUTES = [
    Route("/api/v1/satisfaction", api.get_satisfaction),  # by department is by centre
    Route("/health", screen.health),
    Route("/metrics", api.get_metrics),
    *(page for pages in MENU.values() for page in pages),
    *PEOPLE,
]


class Branch:
    """One centre of the province: its application, opened when it is first asked for."""

    def __init__(
        self,
        id: str,
        settings: Settings,
        create: Callable[[], Starlette],
        clock: Callable[[], datetime],
    ) -> None:
        self.id = id
        self._settings = settings
        self._create = create
        self._clock = clock
        self._opening = Lock()
        self._starting = asyncio.Lock()
        self._app: Starlette | None = None
        self._started = False
        self._failed: tuple[StorageError, datetime] | None = None

    def opened(self) -> Starlette:
        """The application, which answers no request before it was started.

        Raises StorageError where it cannot be opened; the reason is in the log.
        """
        if self._app is None:
            with self._opening:
                if self._app is None:
                    self._app = self._open()
        return self._app

    def _open(self) -> Starlette:
        if self._failed and abs(self._clock() - self._failed[1]) < AGAIN:
            raise self._failed[0]
        try:
            self._require_current()
            return self._create()
        except (StorageError, DefinitionError, MessageError) as error:
            reason = reason_of(error, MESSAGES, "en")
            log.error("centre %s cannot be opened: %s", self.id, reason)  # noqa: TRY400
            failure = error if isinstance(error, StorageError) else StorageError(str(error))
            self._failed = failure, self._clock()
            raise failure from error

    def _require_current(self) -> None:
        store = Store(self._settings.database)
        try:
            # A file that is not there would be made.
            if is_missing(store.engine) or not is_current(store.engine):
                raise StorageError(OTHER_SCHEMA)
        finally:
            store.close()

    async def started(self, ends: contextlib.AsyncExitStack) -> Starlette:
        """The application, running until ``ends`` is closed. Raises StorageError."""
        if self._app is None:
            await run_in_threadpool(self.opened)
        app = self.opened()
        if not self._started:
            async with self._starting:
                if not self._started:
                    await ends.enter_async_context(app.router.lifespan_context(app))
                    self._started = True
        return app

    def close(self) -> None:
        """Close the store of a centre that was opened and never started."""
        if self._app is not None and not self._started:
            self.context.store.close()

    @property
    def context(self) -> Context:
        """The parts of the opened centre. Raises StorageError."""
        context: Context = self.opened().state.context
        return context

    def part(self) -> Part:
        """The centre as the province reads it. Raises StorageError."""
        organisation = self.context.organisation

        def asked(version: int) -> dict[str, str]:
            if version != organisation.number:
                try:
                    organisation.refreshed()
                except DefinitionError as error:  # saved by a newer release
                    log.error("centre %s cannot be read: %s", self.id, error)  # noqa: TRY400
                    raise StorageError(str(error)) from error
            return fingerprints(organisation.surveys)

        def flagging(survey: str) -> Flagging:
            return Flagging(organisation.surveys[survey], organisation.centre)

        return Part(self.context.store, asked, flagging)

    @property
    def name(self) -> Text | None:
        """What the centre is called now; None before it was opened."""
        return self._app.state.context.organisation.centre.name if self._app else None

    async def ready(self, ends: contextlib.AsyncExitStack) -> bool:
        """Whether the centre would take a submission now."""
        try:
            await self.started(ends)
        except StorageError:
            return False
        return await self.context.health.ready()


class Provincial(Organisation):
    """The province as the document of a centre, whose departments are its centres."""

    def __init__(
        self,
        province: Province,
        branches: Mapping[str, Branch],
        store: Store,
        files: Mapping[str, Survey],
    ) -> None:
        super().__init__(store.centres, files)
        self._province = province
        self._branches = branches
        self._names: dict[str, Text] = {}

    @property
    def in_force(self) -> Held:
        called = {
            id: branch.name or self._province.names[id] for id, branch in self._branches.items()
        }
        if self._held is None or called != self._names:
            self._hold(0, self._province.as_centre(called))
            self._names = called
        return super().in_force

    def refreshed(self) -> Centre:
        return self.centre


class ProvinceApp(Application):
    """The province's own application, and before it those of the centres, by the first part."""

    def __init__(self, branches: Mapping[str, Branch], **options: Any) -> None:
        super().__init__(**options)
        self.branches = branches
        self.ends = contextlib.AsyncExitStack()  # of the centres that run
        self._looking = asyncio.Lock()
        self._health: tuple[Mapping[str, bool], datetime] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, first, *rest = (scope["path"] if scope["type"] == "http" else "/").split("/", 2)
        branch = self.branches.get(first) if rest else None
        try:
            app = await branch.started(self.ends) if branch else None
        except StorageError:
            app = None  # screens.province.away says so
        if app is None:
            await super().__call__(scope, receive, send)
        else:
            await app({**scope, "root_path": f"/{first}"}, receive, send)

    async def start_all(self) -> None:
        """Start each centre that can be: one that nobody asks for is watched, too."""
        for branch in self.branches.values():
            with contextlib.suppress(StorageError):
                await branch.started(self.ends)

    async def health(self) -> Mapping[str, bool]:
        """Which centres would take a submission now; each finding holds for HELD."""
        async with self._looking:
            now = self.state.context.clock()
            if self._health is None or abs(now - self._health[1]) >= HELD:
                turns = asyncio.Semaphore(AT_ONCE)

                async def ready(branch: Branch) -> bool:
                    async with turns:
                        return await branch.ready(self.ends)

                found = await asyncio.gather(*map(ready, self.branches.values()))
                self._health = dict(zip(self.branches, found, strict=True)), now
            return self._health[0]


def create_province(province: Province, clock: Callable[[], datetime] = now_utc) -> ProvinceApp:
    """The aggregator of a province, whose own schema must be up to date.

    A centre is opened when it is first asked for; one that cannot be keeps no other out. Raises
    DefinitionError and StorageError.
    """
    settings, shared = province.settings, Shared()
    files = shared.surveys(settings.surveys)
    branches: dict[str, Branch] = {}
    parts = {id: partial(_part, branches, id) for id in province.centres}
    store = Together(settings.database, parts, fingerprints(files))
    people = Accounts(store, clock, shared.passwords)
    for id, own in province.centres.items():
        create = partial(create_app, own, clock, shared, people)
        branches[id] = Branch(id, own, create, clock)
    organisation = Provincial(province, branches, store, files)
    context = replace(
        context_for(settings, store, organisation, shared, MENU, clock),
        is_province=True,
    )

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with app.ends, context.commits, each_minute(app.start_all):  # type: ignore[attr-defined]
            yield
        for branch in branches.values():
            branch.close()
        shared.passwords.close()
        store.close()

    app = ProvinceApp(
        branches,
        routes=[*ROUTES, Mount("/static", Assets(), name="static"), *screen.unopened(branches)],
        lifespan=lifespan,
        hosts=settings.hosts,
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.state.context = context
    return app


def fingerprints(surveys: Mapping[str, Survey]) -> dict[str, str]:
    """By a survey's id, what its definition is known by."""
    return {survey.id: survey.fingerprint for survey in surveys.values()}


def _part(branches: Mapping[str, Branch], id: str) -> Part:
    return branches[id].part()
