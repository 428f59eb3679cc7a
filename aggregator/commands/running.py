"""Commands that run an aggregator: migrate its schema, serve it."""

import argparse
import sys

from sqlalchemy.exc import SQLAlchemyError

import serving
from aggregator.commands.store import opened
from aggregator.dashboard.app import create_app
from aggregator.organisation.current import centre_in_force
from aggregator.settings import Settings
from aggregator.storage.database import StorageError
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from surveys.definition import load_instruments


def serve(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    with opened(settings) as store:
        files = load_instruments(settings.surveys)
        centre = centre_in_force(store.centres, settings.centre, files)
        store.definitions.check(centre.instruments_with(files))
        app = create_app(settings)
    notice = app.state.context.organisation.notice
    if notice is not None:
        print(notice.get(options.lang), file=sys.stderr)
    app.state.context.pages.prepare()
    return serving.serve(app, settings.host, settings.port)


def run_migrate(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    store, files = Store(settings.database), load_instruments(settings.surveys)
    try:
        migrate(store.engine)
        store.definitions.adopt_first(files)
        centre = centre_in_force(store.centres, settings.centre, files)
        store.roll_up(centre.instruments_with(files))
    except SQLAlchemyError as error:
        raise StorageError(str(getattr(error, "orig", error))) from error
    finally:
        store.close()
    return 0
