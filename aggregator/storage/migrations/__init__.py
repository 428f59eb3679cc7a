"""The database's schema, step by step, for SQLite and PostgreSQL."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from aggregator.storage.database import Lock, hold, schema_of


def migrate(engine: Engine) -> None:
    """Bring the schema up to date, in one transaction; does nothing where it is.

    While another process does so, waits for it.

    Raises sqlalchemy.exc.SQLAlchemyError when the database cannot be changed.
    """
    with engine.connect().execution_options(hailong_write=True) as connection, connection.begin():
        hold(connection, Lock.MIGRATION, patient=True)
        _make_schema(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _make_schema(connection: Connection) -> None:
    """Make the schema of a store that has one to itself, where it is not there yet."""
    schema = schema_of(connection)
    # Not "IF NOT EXISTS": that needs the right to make one, even where it is there.
    if schema is not None and not inspect(connection).has_schema(schema):
        connection.execute(CreateSchema(schema))


def is_current(engine: Engine) -> bool:
    """Whether the database has the schema this code needs; False where it cannot be asked."""
    try:
        with engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError:
        return False
    return revision == _newest()


@cache
def _newest() -> str | None:
    """The revision of this code."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
