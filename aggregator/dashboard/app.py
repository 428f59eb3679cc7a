"""The aggregator's application: its routes, and what starts and stops with it."""

import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount, Route

import aggregator.lean_pandas  # noqa: F401 - before whatever imports pandas
from aggregator.alerts.watch import Watch
from aggregator.dashboard import api, device_api, one_stop_api, pages, receipt_api, sign_in
from aggregator.dashboard.accounts import Accounts
from aggregator.dashboard.context import Context, Metrics
from aggregator.dashboard.health import Health
from aggregator.dashboard.menu import Menu
from aggregator.dashboard.screens import accounts as accounts_screen
from aggregator.dashboard.screens import alerts as alerts_screen
from aggregator.dashboard.screens import (
    attitude,
    audit,
    ballot_entry,
    ballots,
    board,
    briefing,
    business,
    cases,
    closings,
    comments,
    comparison,
    coverage,
    ddci,
    desk,
    desk_file,
    devices,
    documents,
    exports,
    handling,
    hours,
    issuing,
    method,
    oidc,
    operations,
    organisation,
    published,
    reports,
    roster,
    sipas,
    sipas_weighted,
    surveys,
    tally,
    trends,
)
from aggregator.dashboard.screens import settings as settings_screen
from aggregator.dashboard.shared import Shared
from aggregator.dashboard.throttle import Throttle
from aggregator.demo.citizens import with_population
from aggregator.documents.worker import DocumentError, Worker
from aggregator.intake.ballots.serials import BallotError
from aggregator.intake.ddci import load_ddci
from aggregator.intake.ingest import GroupCommit, Ingest
from aggregator.organisation.current import Organisation, now_utc
from aggregator.settings import Settings
from aggregator.storage.database import StorageError
from aggregator.storage.definitions import UndefinedAnswersError
from aggregator.storage.store import Store
from aggregator.wording.periods import PeriodError
from surveys.definition import DefinitionError
from surveys.published import load_published
from web import Application, Assets

# Who may enter, and what they did: the same for a centre and for a province.
PEOPLE = [
    Route("/sign-in", sign_in.sign_in, methods=["GET", "POST"]),
    Route("/sign-in/{secret}", sign_in.sign_in_by_link),
    Route("/sign-out", sign_in.sign_out, methods=["POST"]),
    Route("/account", sign_in.account, methods=["GET", "POST"]),
    Route("/account/sign-out", accounts_screen.sign_out_everywhere, methods=["POST"]),
    Route("/invitation/{secret}", accounts_screen.invitation, methods=["GET", "POST"]),
    Route("/oidc/start", oidc.start),
    Route("/oidc/callback", oidc.callback),
    Route("/audit.csv", audit.audit_csv),
]

ACCOUNTS = Route("/accounts", accounts_screen.accounts, methods=["GET", "POST"], name="accounts")
AUDIT = Route("/audit", audit.audit, name="audit")

# The menu: its doors, and the pages behind each. Both are called by their names (nav.NAME).
# What the centre's managers need daily comes first, what an auditor asks for last.
MENU: Menu = {
    "today": [
        Route("/briefing", briefing.morning, name="briefing"),
        Route("/", tally.tally, name="tally"),
    ],
    "results": [
        Route("/comparison", comparison.comparison, name="comparison"),
        Route("/trends", trends.trends, name="trends"),
        Route("/hours", hours.hours, name="hours"),
        Route("/attitude", attitude.attitude, name="attitude"),
        Route("/coverage", coverage.coverage, name="coverage"),
        Route("/operations", operations.operations, name="operations"),
        Route("/sipas", sipas.sipas, name="sipas"),
        Route("/business", business.business, name="business"),
        Route("/ddci", ddci.ddci, name="ddci"),
        Route("/handling", handling.handling, name="handling"),
    ],
    "feedback": [
        Route("/comments", comments.comments, name="comments"),
        Route("/reasons", comments.reasons, name="reasons"),
        Route("/cases", cases.cases, name="cases"),
    ],
    "reports": [Route("/documents", documents.documents, name="documents")],
    "administration": [
        Route(
            "/organisation",
            organisation.organisation,
            methods=["GET", "POST"],
            name="organisation",
        ),
        Route("/settings", settings_screen.settings, name="settings"),
        Route("/surveys", surveys.surveys, name="surveys"),
        Route("/roster", roster.roster, methods=["GET", "POST"], name="roster"),
        Route("/desk", desk.desk, methods=["GET", "POST"], name="desk"),
        Route("/ballots", ballots.ballots, methods=["GET", "POST"], name="ballots"),
        Route("/devices", devices.devices, methods=["GET", "POST"], name="devices"),
        Route("/alerts", alerts_screen.alerts, methods=["GET", "POST"], name="alerts"),
        ACCOUNTS,
        AUDIT,
    ],
    "method": [
        Route("/method", method.method, name="method"),
        Route("/published", published.published, name="published"),
        Route("/closings", closings.closings, methods=["GET", "POST"], name="closings"),
    ],
}

# A screen is a page in the menu.
SCREENS = [page for pages in MENU.values() for page in pages]

# Tried in this order, one after the other: first what machines ask for all day.
ROUTES = [
    Route("/api/v1/submissions", api.post_submissions, methods=["POST"]),
    Route("/api/v1/centre", device_api.get_centre),
    Route("/api/v1/devices", device_api.post_code, methods=["POST"]),
    Route("/api/v1/devices/me", device_api.post_beat, methods=["POST"]),
    Route("/api/v1/receipts", receipt_api.post_receipt, methods=["POST"]),
    Route("/api/v1/dossiers", one_stop_api.post_dossiers, methods=["POST"]),
    Route("/api/v1/codes", one_stop_api.post_fetch, methods=["POST"]),
    Route("/api/v1/satisfaction", api.get_satisfaction),
    Route("/api/v1/submissions.csv", api.get_submissions_csv),
    Route("/api/v1/openapi.json", api.get_openapi),
    Route("/public", board.board),
    Route("/public/hall", board.hall),
    Route("/public/data.csv", board.data_csv),
    Route("/public/data.json", board.data_json),
    Route("/health", api.get_health),
    Route("/metrics", api.get_metrics),
    *SCREENS,
    Route("/cases", cases.add, methods=["POST"]),
    Route("/cases/{number}", cases.case),
    Route("/cases/{number}", cases.act, methods=["POST"]),
    Route("/ballots/{number:int}.pdf", ballots.sheets),
    Route("/ballots/{number:int}", ballots.batch, methods=["GET", "POST"]),
    Route("/ballots/{number:int}/{word}", ballot_entry.entering, methods=["GET", "POST"]),
    Route(
        "/ballots/{number:int}/{word}/{serial:int}",
        ballot_entry.entering,
        methods=["GET", "POST"],
    ),
    Route("/desk/{id}", desk_file.preview, methods=["GET", "POST"]),
    Route("/department/{department}", tally.department),
    Route("/organisation/{kind}/{id}", organisation.unit),
    Route("/surveys/{id}", surveys.survey),
    Route("/surveys/{id}/edit", surveys.edit, methods=["GET", "POST"]),
    Route("/settings/{section}", settings_screen.section, methods=["GET", "POST"]),
    Route("/settings/{kind}/{key}", settings_screen.row, methods=["GET", "POST"]),
    Route("/sipas/weighted", sipas_weighted.sipas_weighted),
    Route("/attitude.{format}", attitude.document),
    Route("/reports/{kind}.{format}", reports.report),
    Route("/documents/{kind}/{day}", issuing.period),
    Route("/documents/{kind}/{day}/texts", issuing.write, methods=["POST"]),
    Route("/documents/{kind}/{day}/issue", issuing.issue, methods=["POST"]),
    Route("/issued/{number:int}.{format}", issuing.issued_file),
    Route("/closings/restored", closings.restored, methods=["POST"]),
    Route("/exports/submissions.{format}", exports.submissions),
    Route("/exports/codebook.csv", exports.codebook_csv),
    Route("/exports/definitions.json", exports.definitions_json),
    *PEOPLE,
    Route("/comments/{number:int}/tag", comments.tag, methods=["POST"]),
    Route("/comments/{number:int}/hide", comments.hide, methods=["POST"]),
    Route("/comments/{number:int}/unmask", comments.unmask, methods=["POST"]),
    # After the routes of the files themselves, whose paths end with a format such as ".pdf".
    Route("/reports/{kind:str}", documents.fetch),
    Route("/exports/submissions", documents.fetch),
]


def create_app(
    settings: Settings,
    clock: Callable[[], datetime] = now_utc,
    shared: Shared | None = None,
    above: Accounts | None = None,
) -> Starlette:
    """An aggregator on the database of the settings, whose schema must be up to date.

    A database without a version of the centre takes that of the settings' file. A centre of a
    province has things in common with others (``shared``), and the province's people may enter
    it, whose accounts are ``above``. Raises surveys.definition.DefinitionError,
    aggregator.storage.database.StorageError, aggregator.organisation.changes.OrganisationError,
    and what Definitions.check raises where instruments are not those that answers were given by.
    """
    common = shared or Shared()
    files, store = common.surveys(settings.surveys), Store(settings.database)
    finish = with_population if settings.demo else lambda centre: centre
    held = Organisation(store.centres, files, clock, finish)
    with contextlib.ExitStack() as failing:
        if shared is None:
            failing.callback(common.passwords.close)
        failing.callback(store.close)
        held.start(settings.centre)
        with contextlib.suppress(StorageError):  # as at the organisation's start
            store.definitions.check(held.surveys)
        context = replace(
            context_for(settings, store, held, common, MENU, clock),
            published=load_published(settings.centre, held.centre),
            ddci=load_ddci(settings.ddci, held.surveys) if settings.ddci else None,
            above=above,
        )
        ends = failing.pop_all()
    watch = Watch(store, held, settings, clock)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # The garbage collector need not search what is loaded by now, nor a batch that is
        # being read at every few hundred answers: it leaves the first out and runs rarely.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        with ends:
            async with context.commits, watch.running():
                yield

    app = Application(
        routes=[*ROUTES, Mount("/static", Assets(), name="static")],
        lifespan=lifespan,
        hosts=settings.hosts,
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.state.context = context
    return app


def context_for(
    settings: Settings,
    store: Store,
    organisation: Organisation,
    shared: Shared,
    menu: Menu,
    clock: Callable[[], datetime],
) -> Context:
    """The parts of an aggregator on a store, without what only some centres have."""
    centre, files = organisation.centre, organisation.files
    commits = GroupCommit(Ingest(store, files, centre, clock, organisation.refreshed))
    return Context(
        settings=settings,
        store=store,
        organisation=organisation,
        published=None,
        ddci=None,
        commits=commits,
        health=Health(store, commits, clock),
        worker=Worker(settings, shared.documents),
        accounts=Accounts(store, clock, shared.passwords),
        pages=shared.pages,
        metrics=_metrics(),
        menu=menu,
        clock=clock,
        wrong_codes=Throttle(clock, codes if (codes := store.wrong_codes).shared else None),
        large_batches=shared.large_batches,
    )


EXCEPTION_HANDLERS: Mapping[Any, Any] = {
    api.ApiError: api.api_error,
    BallotError: pages.http_error,
    StorageError: api.storage_error,
    DefinitionError: pages.unreadable_error,
    DocumentError: pages.http_error,
    UndefinedAnswersError: pages.http_error,
    PeriodError: pages.http_error,
    HTTPException: pages.http_error,
    Exception: pages.http_error,
}


def _metrics() -> Metrics:
    registry = CollectorRegistry()
    receipts = Counter(
        "hailong_receipts", "Receipts given, by status", ["status"], registry=registry
    )
    return Metrics(registry, receipts)
