"""The database's schema, step by step, for SQLite and PostgreSQL."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from aggregator.storage.database import Lock, hold


def migrate(engine: Engine) -> None:
    """Bring the schema up to date, in one transaction; does nothing where it is.

    While another process does so, waits for it.

    Raises sqlalchemy.exc.SQLAlchemyError when the database cannot be changed.
    """
    with engine.connect().execution_options(hailong_write=True) as connection, connection.begin():
        hold(connection, Lock.MIGRATION, patient=True)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the database has the schema this code needs; False where it cannot be asked."""
    try:
        with engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError:
        return False
    return revision == ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
