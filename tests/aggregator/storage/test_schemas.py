"""Stores that share one PostgreSQL, each in a schema of its own."""

import pytest
from sqlalchemy import Engine, inspect

from aggregator.intake.ingest import Ingest, Offer, rebuild
from aggregator.storage.database import Database, Lock, StorageError, hold
from aggregator.storage.migrations import is_current, migrate
from aggregator.storage.store import Store
from surveys.centre import Centre
from surveys.definition import Survey
from tests.aggregator.conftest import ratings, statuses, stored, tallies


def at(url: str, schema: str) -> str:
    return f"{url}?schema={schema}"


def shared_pool(engine: Engine) -> object:
    return engine.pool


def test_what_one_store_holds_no_other_does(
    fresh_postgresql: str, surveys: dict[str, Survey], centre: Centre
) -> None:
    """Two new schemas, one a word of SQL, beside the tables of a centre that was there before."""
    stores = [Store(fresh_postgresql)]
    stores += [Store(at(fresh_postgresql, schema)) for schema in ("user", "dien_bien", "public")]
    try:
        for store in stores[:3]:
            assert not is_current(store.engine)
            migrate(store.engine)
            migrate(store.engine)
            assert is_current(store.engine)
        whole, first, second, old = stores
        assert shared_pool(first.engine) is shared_pool(second.engine)
        assert {"user", "dien_bien"} <= set(inspect(whole.engine).get_schema_names())
        for store, codes in ((whole, [1]), (first, [5, 5]), (second, [4, 3, 3])):
            [receipts] = Ingest(store, surveys, centre).accept([Offer(ratings(codes), "en")])
            assert statuses(receipts) == {"accepted": len(codes)}
        for store, n in ((whole, 1), (first, 2), (second, 3), (old, 1)):
            assert len(stored(store)) == n
            assert list(store.definitions.kept()) == [surveys["in_centre"].fingerprint]
            before = tallies(store)
            rebuild(store, lambda _: None)
            assert tallies(store) == before
    finally:
        for store in stores:
            store.close()


def test_stores_in_two_schemas_do_not_wait_for_each_other(fresh_postgresql: str) -> None:
    """What one holds, another process of the same store waits for, and none of another store."""
    one, other, again = (
        Database(at(fresh_postgresql, schema), lock_timeout=0.05)
        for schema in ("lai_chau", "dien_bien", "lai_chau")
    )
    plain, public = Database(fresh_postgresql, 0.05), Database(at(fresh_postgresql, "public"), 0.05)
    try:
        for lock in Lock:
            with one.locked(lock), plain.begin(write=True) as connection:
                hold(connection, lock)
                with other.locked(lock):
                    pass
                for waiting in (again, public):  # a centre that stays in public has its old lock
                    with pytest.raises(StorageError), waiting.locked(lock):
                        pass
    finally:
        for database in (one, plain, public):
            database.engine.dispose()


@pytest.mark.parametrize("name", ["pg_catalog", "information_schema", 'a"b', "Sở", "a;b", "Ab"])
def test_a_name_that_cannot_be_a_schema_is_refused(name: str) -> None:
    with pytest.raises(StorageError, match="cannot be a schema"):
        Database(at("postgresql://127.0.0.1/hailong", name))
