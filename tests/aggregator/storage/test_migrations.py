"""The migrated schema is the tables', on both databases, and migrating again changes nothing."""

from datetime import timedelta
from pathlib import Path
from typing import get_type_hints

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlmodel import SQLModel

from aggregator.storage.alerts import Finding
from aggregator.storage.database import StorageError
from aggregator.storage.migrations import _config, is_current, migrate
from aggregator.storage.store import Store
from aggregator.storage.tables import SubmissionRow
from aggregator.storage.writer import NewRow
from tests.aggregator.conftest import Intake, stored, submission, tallies


def of_index(name: str | None) -> bool:
    """Whether a table is the index of comments, which each database has a kind of its own for."""
    return (name or "").startswith("comment_words")


def test_the_migrated_schema_is_that_of_the_tables(store: Store) -> None:
    with store.engine.connect() as connection:
        opts = {"compare_type": True, "include_name": lambda name, *_: not of_index(name)}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, SQLModel.metadata) == []
        names = {n for n in inspect(connection).get_table_names() if not of_index(n)}
    assert names == {*SQLModel.metadata.tables, "alembic_version"}


def test_what_is_read_by_ranges_is_clustered_by_its_key_in_sqlite(store: Store) -> None:
    if store.engine.dialect.name == "sqlite":
        with store.engine.connect() as connection:
            query = "SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%'"
            found = set(connection.exec_driver_sql(query).scalars())
        assert {name for name in found if not of_index(name)} == {"handling_tally", "shift"}
    else:
        key = inspect(store.engine).get_pk_constraint("shift")["constrained_columns"]
        assert key[0] == "day"


def test_migrating_again_changes_nothing(intake: Intake) -> None:
    intake([submission()])
    before = (stored(intake.store), tallies(intake.store))
    migrate(intake.store.engine)
    assert is_current(intake.store.engine)
    assert (stored(intake.store), tallies(intake.store)) == before


def test_an_empty_database_is_not_current_and_refuses_work(database_url: str) -> None:
    store = Store(database_url)
    assert not is_current(store.engine)
    with pytest.raises(StorageError):
        store.has_submissions()
    migrate(store.engine)
    assert is_current(store.engine)
    assert not store.has_submissions()
    store.close()


def test_a_step_that_fails_leaves_nothing_behind(database_url: str) -> None:
    """A table in the way of the third one: the first two are taken back."""
    store = Store(database_url)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE pooled_tally (x INTEGER)")
    with pytest.raises(SQLAlchemyError):
        migrate(store.engine)
    assert set(inspect(store.engine).get_table_names()) <= {"pooled_tally", "alembic_version"}
    assert not is_current(store.engine)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE pooled_tally")
    migrate(store.engine)
    assert is_current(store.engine)
    store.close()


def test_the_ingest_row_has_the_tables_columns_in_order() -> None:
    columns = [column.name for column in SQLModel.metadata.tables["submission"].columns]
    assert columns[0] == "number"
    assert tuple(columns[1:]) == NewRow._fields
    assert set(get_type_hints(SubmissionRow)) >= set(columns)


def test_the_database_itself_forbids_an_id_twice(intake: Intake) -> None:
    intake([submission()])
    columns = ", ".join(NewRow._fields)
    copy = f"INSERT INTO submission ({columns}) SELECT {columns} FROM submission"
    with intake.store.engine.connect() as connection, pytest.raises(IntegrityError):
        connection.exec_driver_sql(copy)


def test_the_first_manager_becomes_the_administrator(database_url: str) -> None:
    store = Store(database_url)
    with store.engine.connect().execution_options(hailong_write=True) as connection:
        config = _config()
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, "0007")
            people = [("an", "manager", 3), ("binh", "viewer", 1), ("chi", "manager", 2)]
            values = ", ".join(
                f"('{name}', '{role}', 'hash', '2026-01-0{day} 00:00:00')"
                for name, role, day in people
            )
            connection.exec_driver_sql(
                f"INSERT INTO account (name, role, password_hash, created_at) VALUES {values}"
            )
    migrate(store.engine)
    found = [(user.name, user.role, user.disabled) for user in store.credentials.users()]
    assert found == [
        ("an", "manager", False),
        ("binh", "reader", False),
        ("chi", "administrator", False),
    ]
    store.close()


def test_an_alert_of_low_ratings_that_lives_goes_on_as_that_of_its_rule(database_url: str) -> None:
    store = Store(database_url)
    with store.engine.connect().execution_options(hailong_write=True) as connection:
        config = _config()
        config.attributes["connection"] = connection
        with connection.begin():
            command.upgrade(config, "0018")
            rows = "('{0}', '{1}', '{{\"k\": 3, \"n\": 7}}', '2026-11-23 01:00:00', 1)"
            alerts = (("low_ratings", "q05"), ("refused", "1"))
            values = ", ".join(rows.format(rule, subject) for rule, subject in alerts)
            connection.exec_driver_sql(
                f"INSERT INTO alert (rule, subject, details, begun_at, live) VALUES {values}"
            )
    migrate(store.engine)
    other, low = store.alerts.open()
    assert (other.subject, other.details) == ("1", {"k": 3, "n": 7})
    found = Finding("low_ratings", "counter:q05:low_counter", low.details)
    assert low.details["level_vi"] == "Không hài lòng"
    now = low.begun_at + timedelta(days=1)
    assert store.alerts.update([found], now, []) == 0
    assert [one.live for one in store.alerts.open()] == [False, True]
    store.close()


def test_a_sqlite_database_is_for_its_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "hailong.db"

    def modes() -> dict[str, int]:
        return {one.name: one.stat().st_mode & 0o777 for one in file.parent.iterdir()}

    store = Store(f"sqlite:///{file}")
    migrate(store.engine)
    assert modes() == {"hailong.db": 0o600, "hailong.db-wal": 0o600, "hailong.db-shm": 0o600}
    for one in file.parent.iterdir():
        one.chmod(0o644)  # as an older release left it
    again = Store(f"sqlite:///{file}")
    assert is_current(again.engine)
    assert modes()["hailong.db"] == modes()["hailong.db-wal"] == 0o600
    store.close()
    again.close()
