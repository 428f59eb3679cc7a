"""The audit log: entries stay as they were written, beside the change that they tell of."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import SQLAlchemyError

from aggregator.storage.audit import KINDS, Search, entry, record, sentence
from aggregator.storage.store import Store
from aggregator.wording.messages import MESSAGES
from tests.aggregator.conftest import NOW


def told(store: Store, search: Search | None = None) -> list[str]:
    return [row.event for row in store.audit.entries(search or Search(), 100)]


def test_the_database_lets_nobody_change_or_delete_an_entry(store: Store) -> None:
    store.audit.add(entry(NOW, "Lò Thị Đào", "account.removed", name="an"))
    before = store.audit.entries(Search(), 10)
    attempts = [
        "UPDATE audit SET actor = 'another'",
        "DELETE FROM audit",
        "INSERT INTO audit SELECT * FROM audit",
    ]
    if store.engine.dialect.name == "postgresql":
        attempts += ["TRUNCATE audit"]
    else:
        attempts += ["REPLACE INTO audit SELECT * FROM audit", "UPDATE audit SET number = 9"]
    for attempt in attempts:
        with pytest.raises(SQLAlchemyError), store.engine.begin() as connection:
            connection.exec_driver_sql(attempt)
    assert store.audit.entries(Search(), 10) == before
    assert [row.actor for row in before] == ["Lò Thị Đào"]


def test_an_entry_is_kept_with_its_change_or_not_at_all(store: Store) -> None:
    with store.engine.connect() as connection, connection.begin() as undone:
        record(connection, entry(NOW, "an", "device.added", name="q05"))
        undone.rollback()
    assert told(store) == []
    with store.database.begin(write=True) as connection:
        record(connection, entry(NOW, "an", "device.added", name="q05"))
    assert told(store) == ["device.added"]


@pytest.mark.parametrize(
    ("event", "values"), [("device.melted", {}), ("no_kind.added", {}), ("device.added", {})]
)
def test_what_has_no_sentence_is_not_recorded(
    store: Store, event: str, values: dict[str, str]
) -> None:
    with pytest.raises(KeyError):
        store.audit.add(entry(NOW, "an", event, **values))
    assert told(store) == []


def test_search_by_words_kind_person_and_period(store: Store) -> None:
    hour = timedelta(hours=1)
    store.audit.add(entry(NOW, "Lò Thị Đào", "account.removed", name="Nguyễn Văn An"))
    store.audit.add(entry(NOW + hour, "Tẩn A Sử", "device.added", name="50%_quầy"))
    store.audit.add(entry(NOW + 2 * hour, "", "device.removed", name="quay"))
    for words, found in [
        ("", ["device.removed", "device.added", "account.removed"]),
        ("nguyen van", ["account.removed"]),
        ("NGUYỄN AN xóa", ["account.removed"]),
        ("nguyễn vẩn", []),  # marks that are typed count
        ("dao", ["account.removed"]),
        ("quay", ["device.removed", "device.added"]),
        ("quầy", ["device.added"]),
        ("%_", ["device.added"]),
        ("revoked", ["device.removed"]),
        ("'; DROP TABLE audit; --", []),
    ]:
        assert told(store, Search(words)) == found, words
    assert told(store, Search(kind="device", actor="Tẩn A Sử")) == ["device.added"]
    assert told(store, Search(actor="")) == ["device.removed"]
    assert told(store, Search(since=NOW + hour, until=NOW + 2 * hour)) == ["device.added"]
    newest = store.audit.entries(Search(), 2)
    [last] = store.audit.entries(Search(), 2, before=newest[-1].number)
    assert (last.event, last.at) == ("account.removed", NOW)
    assert store.audit.count(Search(kind="device")) == 2
    assert store.audit.actors() == ["", "Lò Thị Đào", "Tẩn A Sử"]


def test_roles_are_written_as_words() -> None:
    written = sentence("account.added", {"name": "an", "role": "head"}, "vi")
    assert written == "Thêm tài khoản an, vai trò phụ trách cơ quan"


def test_every_kind_has_a_name_and_every_event_a_kind() -> None:
    keys = [key.split(".") for key in MESSAGES.texts["vi"] if key.startswith("audit.")]
    assert [key[2] for key in keys if key[1] == "kinds"] == list(KINDS)
    events = {key[1] for key in keys if len(key) == 3}
    assert events <= {*KINDS, "kinds", "what"}
