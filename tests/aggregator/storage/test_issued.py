"""Texts of reports and issued reports, in both databases: kept as they were, told who was first."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.exc import DBAPIError

from aggregator.storage.audit import Search, entry
from aggregator.storage.issued import Issued, Of, OvertakenError, RegisteredError, Texts
from aggregator.storage.store import Store
from tests.aggregator.conftest import NOW

OCTOBER = Of("in_centre", "month", date(2026, 10, 1))
FIGURES = [{"key": "headline", "rows": [["Toàn Trung tâm", 0.963, None]]}]
FILES = {"pdf": b"%PDF-1.7 \x00", "xlsx": b"PK"}
WRITTEN = entry(NOW, "an", "report.written", period="2026-10")


def new(registered: int = 5, **changes: object) -> Issued:
    made = Issued(
        number=0,
        at=NOW,
        actor="an",
        of=OCTOBER,
        until=date(2026, 10, 31),
        organisation="then",
        published=False,
        language="vi",
        registered=registered,
        symbol=f"{registered:02}/BC-TTPVHCC",
        day=date(2026, 11, 23),
        replaces=None,
        texts=0,
        basis="b" * 64,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def issue(store: Store, one: Issued, seen: int = 0) -> Issued:
    told = entry(NOW, "an", "report.issued", symbol=one.symbol, period="2026-10")
    return store.issued.issue(one, FIGURES, FILES, told, seen)


def test_the_newest_texts_count_and_who_was_overtaken_is_told(store: Store) -> None:
    assert store.issued.texts(OCTOBER) == Texts()
    store.issued.write(OCTOBER, {"limits": "Còn chờ lâu."}, 0, WRITTEN)
    first = store.issued.texts(OCTOBER)
    assert (first.limits, first.causes, first.actor, first.at) == ("Còn chờ lâu.", "", "an", NOW)
    with pytest.raises(OvertakenError) as overtaken:
        store.issued.write(OCTOBER, {"limits": "Khác"}, 0, WRITTEN)
    assert overtaken.value.texts == first
    store.issued.write(OCTOBER, {"causes": "Thiếu người."}, first.number, WRITTEN)
    assert store.issued.texts(OCTOBER).limits == ""
    assert store.issued.texts(replace(OCTOBER, kind="week")) == Texts()
    assert store.audit.count(Search(kind="report")) == 2


def test_an_issued_report_gives_the_same_bytes_and_is_linked(store: Store) -> None:
    first = issue(store, new())
    assert first.files.keys() == FILES.keys()
    assert store.issued.get(first.number) == first
    assert store.issued.newest(9, OCTOBER) == store.issued.newest(9) == [first]
    assert store.issued.figures(first.number) == FIGURES
    assert {name: store.issued.file(first.number, name) for name in FILES} == FILES
    assert store.issued.file(first.number, "docx") is None
    second = issue(store, new(6, replaces=first.number), first.number)
    assert (second.number, second.before) == (2, first.hash)
    assert list(store.issued.broken()) == []


def test_a_number_of_a_year_s_register_is_given_once(store: Store) -> None:
    first = issue(store, new())
    with pytest.raises(RegisteredError) as taken:
        issue(store, new(), first.number)
    assert taken.value.issued == first
    next_year = new(day=date(2027, 1, 4))
    assert issue(store, next_year, first.number).registered == 5


def test_nothing_is_issued_that_its_issuer_has_not_seen(store: Store) -> None:
    first = issue(store, new())
    with pytest.raises(OvertakenError) as overtaken:
        issue(store, new(6))
    assert overtaken.value.issued == first
    store.issued.write(OCTOBER, {"limits": "Mới"}, 0, WRITTEN)
    with pytest.raises(OvertakenError) as overtaken:
        issue(store, new(6), first.number)
    assert overtaken.value.texts == store.issued.texts(OCTOBER)
    assert store.issued.newest(9) == [first]


@pytest.mark.parametrize("table", ["report_text", "issued_report", "issued_file"])
def test_the_database_refuses_changes_and_what_was_changed_is_found(
    store: Store, table: str
) -> None:
    store.issued.write(OCTOBER, {"limits": "Còn chờ lâu."}, 0, WRITTEN)
    first = issue(store, new(texts=store.issued.texts(OCTOBER).number))
    second = issue(store, new(6, texts=first.texts), first.number)
    changes = [f"DELETE FROM {table}"]
    column = {"report_text": "limits", "issued_report": "symbol", "issued_file": "sha256"}[table]
    changes.append(f"UPDATE {table} SET {column} = 'x'")
    if store.engine.dialect.name == "sqlite":
        changes.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    for change in changes:
        with (
            pytest.raises(DBAPIError, match="append-only"),
            store.engine.begin() as connection,
        ):
            connection.exec_driver_sql(change)
    if table == "report_text":
        return
    with store.engine.begin() as connection:
        if store.engine.dialect.name == "sqlite":
            connection.exec_driver_sql(f"DROP TRIGGER {table}_update")
        else:
            connection.exec_driver_sql(f"DROP TRIGGER {table}_row ON {table}")
        key = "number" if table == "issued_report" else "report"
        changed = f"UPDATE {table} SET {column} = 'x' WHERE {key} = 1"
        connection.exec_driver_sql(changed)
    assert list(store.issued.broken()) == [first.number]
    assert second.number == 2
