"""Stores of several centres read as one: nothing is lost, added or told of another one."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aggregator.intake.ingest import Ingest, Offer, rebuild
from aggregator.organisation.province import load_province
from aggregator.storage.database import StorageError, schema_of
from aggregator.storage.store import Selection, Store
from aggregator.storage.together import MOST_STACKS, Part, Together
from surveys.centre import load_centre
from surveys.definition import Survey
from tests.aggregator.conftest import ratings, sipas, statuses, tallies
from tests.aggregator.provinces import PLACES, migrated, settings_of

RATING = Selection("in_centre", ("rating",))
FORMS = Selection("sipas_2020")
DAY = date(2026, 11, 23)


@dataclass
class Three:
    """The stores of three centres, how each takes answers in, and all of them together."""

    stores: dict[str, Store]
    ingests: dict[str, Ingest]
    asked: dict[str, str]
    whole: Together = field(init=False)

    def part(self, id: str) -> Part:
        return Part(self.stores[id], lambda version: self.asked)

    def take(self, id: str, items: list[dict[str, object]]) -> None:
        [receipts] = self.ingests[id].accept([Offer(items, "en")])
        assert set(statuses(receipts)) == {"accepted"}

    def break_(self, id: str) -> None:
        """Take a centre's tables away."""
        engine = self.stores[id].engine
        if engine.dialect.name == "sqlite":
            Path(engine.url.database or "").unlink()
        else:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"DROP SCHEMA {schema_of(engine)} CASCADE")


@pytest.fixture
def three(
    database_url: str, tmp_path: Path, surveys: dict[str, Survey], sqlite_template: Path
) -> Iterator[Three]:
    province = migrated(load_province(settings_of(tmp_path, database_url)), sqlite_template)
    with ExitStack() as stack:
        stores = {id: Store(own.database) for id, own in province.centres.items()}
        ingests = {
            id: Ingest(stores[id], surveys, load_centre(own.centre))
            for id, own in province.centres.items()
        }
        made = Three(stores, ingests, {one.id: one.fingerprint for one in surveys.values()})
        parts = {id: partial(made.part, id) for id in stores}
        made.whole = Together(province.settings.database, parts, dict(made.asked))
        for store in (*stores.values(), made.whole):
            stack.callback(store.close)
        yield made


def place(id: str) -> dict[str, Any]:
    return dict(PLACES[id])


def by_key(table: pd.DataFrame) -> Mapping[tuple[str, int], int]:
    return {(str(key), int(code)): int(n) for key, code, n in table.itertuples(index=False)}


def test_answers_sent_to_random_centres_are_counted_each_in_its_own(
    three: Three, surveys: dict[str, Survey]
) -> None:
    """After each batch: what each centre has, and that the whole is their sum."""
    chance = random.Random(2025)
    sent, forms = Counter[tuple[str, int]](), Counter[str]()
    for _ in range(12):
        id = chance.choice(list(PLACES))
        codes = [chance.randint(1, 5) for _ in range(chance.randint(1, 9))]
        at = f"2026-{chance.randint(9, 11):02}-{chance.randint(1, 20):02}T09:00:00+07:00"
        three.take(id, ratings(codes, answered_at=at, **place(id)))
        three.take(id, [sipas(answered_at=at, **place(id))])
        sent.update((id, code) for code in codes)
        forms[id] += 1
        view = three.whole.snapshot()
        assert by_key(view.counts(RATING, "department")) == sent
        totals = Counter[tuple[str, int]]()
        for (_, code), n in sent.items():
            totals["centre", code] += n
        assert by_key(view.counts(RATING, "centre")) == totals
    for id, store in three.stores.items():
        own = {("centre", code): n for (at, code), n in sent.items() if at == id}
        assert by_key(store.counts(RATING, "centre")) == own
        before = tallies(store)
        rebuild(store, lambda _: None)
        assert tallies(store) == before
    view = three.whole.snapshot()
    pooled = view.pooled(FORMS, "department")
    assert dict(zip(pooled["key"], pooled["respondents"], strict=True)) == forms
    months = view.counts(RATING, ("month", "department"))
    assert int(months["n"].sum()) == sum(sent.values())
    assert set(months["month"]) <= {date(2026, month, 1) for month in (9, 10, 11)}
    assert not view.missing
    assert not any(tallies(three.whole).values())  # the province's own store counts nothing


def test_periods_that_were_asked_for_do_not_pile_up(three: Three) -> None:
    for id in PLACES:
        three.take(id, ratings([5], answered_at=f"{DAY}T09:00:00+07:00", **place(id)))
    for back in range(2 * MOST_STACKS):
        period = Selection("in_centre", since=DAY - timedelta(days=back))
        assert three.whole.snapshot().counts(period, "centre")["n"].tolist() == [len(PLACES)]
    assert [len(kept.stacks) for kept in three.whole._kept.values()] == [MOST_STACKS] * len(PLACES)


def test_what_cannot_be_read_or_compared_is_named_and_never_half_way(three: Three) -> None:
    for id in PLACES:
        three.take(id, ratings([5], **place(id)))
    for id, settled in (("lai_chau", {"a": 3, "b": 4, "": 9}), ("doan_ket", {"a": 3, "b": 4})):
        three.stores[id].put_transactions(
            {"day": DAY, "department": at, "dossiers": n} for at, n in settled.items()
        )
    view = three.whole.snapshot()
    found = view.transactions(DAY, DAY)
    # A centre's own number of all dossiers, where it gave one, else the sum of its departments'.
    counted = dict(zip(found["department"], found["dossiers"], strict=True))
    assert counted == {"lai_chau": 9, "doan_ket": 7}

    three.asked["in_centre"] = "0" * 16
    for id in PLACES:  # what was read by another definition is not kept
        three.take(id, [sipas(**place(id))])
    view = three.whole.snapshot()
    assert view.counts(RATING, "department").empty
    assert view.missing == dict.fromkeys(PLACES, "other_form")

    three.break_("tan_phong")
    view = three.whole.snapshot()
    assert set(view.pooled(FORMS, "department")["key"]) == {"lai_chau", "doan_ket"}
    assert view.missing == {"tan_phong": "away"}
    three.break_("doan_ket")
    with pytest.raises(StorageError):  # it is in figures of this page already
        view.transactions(DAY, DAY)
