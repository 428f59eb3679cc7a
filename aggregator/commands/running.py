"""Commands that run an aggregator: migrate its schema, serve it."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

import serving
from aggregator.commands import settings_of
from aggregator.commands.store import opened
from aggregator.dashboard.app import create_app
from aggregator.dashboard.province import create_province
from aggregator.figures.layouts import layouts_ahead
from aggregator.organisation.current import centre_in_force
from aggregator.organisation.province import Province, load_province
from aggregator.settings import Settings
from aggregator.storage.database import StorageError
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from aggregator.wording.messages import MESSAGES
from surveys.definition import DefinitionError, load_instruments
from surveys.messages import Language, MessageError, reason_of


def serve(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    if settings.province is not None:
        return _serve_province(load_province(settings), settings, options)
    settings = settings_of(options)
    with opened(settings):
        app = create_app(settings)
    notice = app.state.context.organisation.notice
    if notice is not None:
        print(notice.get(options.lang), file=sys.stderr)
    app.state.context.pages.prepare()
    return serving.serve(app, settings.host, settings.port)


def _serve_province(province: Province, settings: Settings, options: argparse.Namespace) -> int:
    """Serve every centre. One that cannot be read is named, and keeps none of the others out."""
    if options.at is not None:
        raise MessageError("cli.serve_all")
    with opened(province.settings):
        pass
    app = create_province(province)
    for id, branch in app.branches.items():
        try:
            branch.opened()
        except StorageError as error:
            print(_at(id, error.__cause__ or error, options.lang), file=sys.stderr)
    app.state.context.pages.prepare()
    return serving.serve(app, settings.host, settings.port)


def run_migrate(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    if settings.province is None or options.at is not None:
        _migrate(settings_of(options))
        return 0
    province, failed = load_province(settings), 0
    with _migrated(province.settings):
        pass
    for id, own in province.centres.items():
        try:
            _migrate(own)
        except (MessageError, DefinitionError, StorageError) as error:
            print(_at(id, error, options.lang), file=sys.stderr)
            failed = 1
    return failed


def _migrate(settings: Settings) -> None:
    """Bring a centre's schema up to date, with what its answers and pages need."""
    files = load_instruments(settings.surveys)
    with _migrated(settings) as store:
        store.definitions.adopt_first(files)
        centre = centre_in_force(store.centres, settings.centre, files)
        surveys = centre.instruments_with(files)
        store.roll_up(surveys.values(), layouts_ahead(centre))


@contextmanager
def _migrated(settings: Settings) -> Iterator[Store]:
    """The settings' store with an up-to-date schema. Raises StorageError."""
    store = Store(settings.database)
    try:
        migrate(store.engine)
        yield store
    except SQLAlchemyError as error:
        raise StorageError(str(getattr(error, "orig", error))) from error
    finally:
        store.close()


def _at(id: str, error: BaseException, language: Language) -> str:
    reason = reason_of(error, MESSAGES, language)
    return MESSAGES.get(language, "cli.at_centre", id=id, reason=reason)
