"""Commands that run an aggregator: migrate its schema, serve it."""

import argparse

from sqlalchemy.exc import SQLAlchemyError

import serving
from aggregator.commands.store import opened
from aggregator.dashboard.app import create_app
from aggregator.settings import Settings
from aggregator.storage.database import StorageError
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from surveys.definition import load_surveys


def serve(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    with opened(settings):
        app = create_app(settings)
    app.state.context.pages.prepare()
    return serving.serve(app, settings.host, settings.port)


def run_migrate(options: argparse.Namespace) -> int:
    store = Store(Settings.from_env().database)
    try:
        migrate(store.engine)
        store.roll_up(load_surveys())
    except SQLAlchemyError as error:
        raise StorageError(str(getattr(error, "orig", error))) from error
    finally:
        store.close()
    return 0
