"""Accounts: the last administrator stays, also when two remove each other at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from aggregator.storage.audit import Search, entry
from aggregator.storage.credentials import LastAdministratorError
from aggregator.storage.store import Store
from aggregator.storage.tables import User
from tests.aggregator.conftest import NOW

TOLD = entry(NOW, "an", "account.disabled", name="an")


def add(store: Store, *names: str, role: str = "administrator") -> None:
    for name in names:
        told = entry(NOW, "", "account.added", name=name, role=role)
        store.credentials.add_user(User(name=name, role=role, created_at=NOW), told)


def test_the_last_administrator_stays_and_nothing_is_half_changed(store: Store) -> None:
    add(store, "an", "chi")
    add(store, "binh", role="reader")
    credentials = store.credentials
    credentials.add_token("session", "an", "0" * 64, NOW, NOW + timedelta(hours=1))
    assert credentials.change_user("chi", TOLD, disabled=True)
    before = store.audit.count(Search())
    for change in ({"role": "reader"}, {"disabled": True}):
        with pytest.raises(LastAdministratorError):
            credentials.change_user("an", TOLD, **change)
    with pytest.raises(LastAdministratorError):
        credentials.remove_user("an", TOLD)
    assert store.audit.count(Search()) == before
    assert credentials.token("session", "0" * 64) is not None
    # Others may go, and where there is no administrator nobody has to become one.
    assert credentials.remove_user("binh", TOLD)
    assert not credentials.remove_user("binh", TOLD)
    assert not credentials.remove_user("chi", TOLD, within=("head", "reader"))


def test_two_who_remove_each_other_leave_one(store: Store) -> None:
    add(store, "an", "chi")

    def remove(name: str) -> bool:
        try:
            return store.credentials.remove_user(name, TOLD)
        except LastAdministratorError:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, ("an", "chi"))) == [False, True]
    assert len(store.credentials.users()) == 1
