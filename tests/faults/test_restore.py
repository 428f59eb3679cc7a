"""A copy is made and put back while visitors rate: what was not delivered before it, is counted."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.storage.store import Store
from deploy import backup, restore
from tests.aggregator.conftest import stored
from tests.faults.house import House, Nurseries
from tests.faults.schedule import house_on


@pytest.fixture
def house(sqlite_template: Path) -> Iterator[House]:
    nurseries = Nurseries.open()
    try:
        with house_on(nurseries, sqlite_template) as made:
            yield made
    finally:
        nurseries.close()


def test_a_backup_is_made_and_restored_while_visitors_rate(house: House, tmp_path: Path) -> None:
    chance = random.Random(4)
    with house.visitors(chance, 12):
        assert backup.main(["--to", str(tmp_path), str(house.database_file)]) == 0
    house.until_delivered()
    [copy] = tmp_path.glob("*.db")
    with house.visitors(chance, 12):
        house.aggregator.kill()
        house.store.close()
        assert restore.main([str(copy), str(house.database_file), "--instead"]) == 0
        house.aggregator.start()
    house.until_delivered()
    counted = {row.id for row in stored(house.store)}
    [before] = [
        one
        for one in house.folder.glob(f"{house.database_file.name}.before-*")
        if not one.name.endswith(("-wal", "-shm"))
    ]
    old = Store(f"sqlite:///{before}")
    earlier = {row.id for row in stored(old)}
    old.close()
    thanked = {rating.id for rating in house.ratings if rating.thanked}
    # What was delivered after the copy is not in the restored one: it lies in what was there.
    assert thanked <= counted | earlier
    later = {rating.id for rating in house.ratings[12:] if rating.thanked}
    assert later - earlier <= counted
    # All that verification can say of it is which numbers went with the old file.
    found = list(house.verification().findings())
    assert {one.kind for one in found} <= {"number_missing"}
    assert bool(found) == bool(earlier - counted)
