"""Whatever happens between tap and tally: who was thanked is counted once, or waits.

``make faults N=10000`` runs more of them, and other ones each time.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.faults import cluster
from tests.faults.house import House, Nurseries
from tests.faults.schedule import (
    TEMPLATE,
    Tally,
    house_on,
    house_on_cluster,
    run_all,
    server_of_its_own,
)
from tests.postgresql import OLDEST, Postgresql, programs

# Schedules mostly wait, for programs that start and answers that never come: houses stand side by
# side in a test. One on PostgreSQL stands alone, since it stops the server.
SIDE_BY_SIDE = 2
SEEDS_ON_SQLITE = range(0, 140, 35)
SEEDS_ON_POSTGRESQL = range(1_000, 1_060, 20)
SEEDS_SEALED = range(3_000, 3_010)
SEEDS_ON_A_CLUSTER = range(2_000, 2_002)


@pytest.fixture(scope="module")
def nurseries() -> Iterator[Nurseries]:
    made = Nurseries.open()
    yield made
    made.close()


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Postgresql]:
    """A server of these tests alone, which they may stop; its database is the template."""
    if programs() is None:
        missing(f"no PostgreSQL {OLDEST} or later (Debian: apt-get install postgresql)")
    with server_of_its_own() as server:
        yield server


@pytest.mark.parametrize("first", SEEDS_ON_SQLITE)
def test_schedules_on_sqlite(nurseries: Nurseries, sqlite_template: Path, first: int) -> None:
    def run(of_one: range) -> None:
        with house_on(nurseries, sqlite_template) as house:
            run_all(house, of_one, Tally())

    seeds = range(first, first + SEEDS_ON_SQLITE.step)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        for one in [threads.submit(run, seeds[n::SIDE_BY_SIDE]) for n in range(SIDE_BY_SIDE)]:
            one.result()


def test_schedules_with_an_encrypted_outbox(nurseries: Nurseries, sqlite_template: Path) -> None:
    with house_on(nurseries, sqlite_template, sealed=True) as house:
        run_all(house, SEEDS_SEALED, Tally())
        assert house.ratings


@pytest.mark.postgresql
@pytest.mark.parametrize("first", SEEDS_ON_POSTGRESQL)
def test_schedules_on_postgresql(nurseries: Nurseries, postgresql: Postgresql, first: int) -> None:
    with house_on(nurseries, TEMPLATE, postgresql) as house:
        run_all(house, range(first, first + SEEDS_ON_POSTGRESQL.step), Tally())


@pytest.fixture(scope="module")
def house_with_a_standby(nurseries: Nurseries) -> Iterator[House]:
    if not cluster.is_installed():
        missing("no Patroni, etcd or PostgreSQL (Debian: apt-get install patroni etcd-server)")
    with house_on_cluster(nurseries) as house:
        yield house


@pytest.mark.postgresql
def test_failing_over_to_a_standby(house_with_a_standby: House) -> None:
    total = Tally()
    run_all(house_with_a_standby, SEEDS_ON_A_CLUSTER, total)
    assert total.tries["PostgreSQL failed over"] >= 1
