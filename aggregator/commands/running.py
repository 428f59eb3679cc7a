"""Commands that run a centre's aggregator: its schema, and its doors."""

import argparse

from sqlalchemy.exc import SQLAlchemyError

import serving
from aggregator.app import create_app
from aggregator.commands.store import opened
from aggregator.database import Database, StorageError
from aggregator.migrations import migrate
from aggregator.settings import Settings


def serve(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    with opened(settings):
        app = create_app(settings)
    return serving.serve(app, settings.host, settings.port)


def run_migrate(options: argparse.Namespace) -> int:
    engine = Database(Settings.from_env().database).engine
    try:
        migrate(engine)
    except SQLAlchemyError as error:
        raise StorageError(str(getattr(error, "orig", error))) from error
    finally:
        engine.dispose()
    return 0
