"""A schedule: some faults in a row on one house, and then a look at both disks."""

import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from tests.faults.cluster import Cluster
from tests.faults.faults import FULL, faults_of
from tests.faults.house import House, Nurseries
from tests.postgresql import WITHOUT_DISK, Postgresql, database

FAULTS_OF_ONE = 2
# One restart takes a second and more; a cluster is there to fail over.
WEIGHTS = {"PostgreSQL restarted": 0.25, FULL: 0.25, "PostgreSQL failed over": 20.0}


@dataclass
class Tally:
    """What schedules have done: faults by name, and after which of them something was wrong."""

    schedules: int = 0
    ratings: int = 0
    thanked: int = 0
    tries: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        for name, counted in vars(other).items():
            setattr(self, name, getattr(self, name) + counted)


def run(house: House, seed: int, total: Tally) -> None:
    """Let the faults of a seed happen, and look at both disks.

    Raises AssertionError where something is wrong then.
    """
    chance = random.Random(seed)
    known = faults_of(house)
    names = list(known)
    weights = [WEIGHTS.get(name, 1.0) for name in names]
    before = len(house.ratings)
    chosen = chance.choices(names, weights, k=FAULTS_OF_ONE)
    total.schedules += 1
    total.tries.update(chosen)
    for name in chosen:
        known[name](house, chance)
        house.heal()
        house.send_again()
    given = house.ratings[before:]
    total.ratings += len(given)
    total.thanked += sum(one.thanked for one in given)
    _look(house, seed, chosen, total, at_rest=False)


def run_all(house: House, seeds: Iterable[int], total: Tally) -> None:
    """Run schedules, and deliver what is left at their end.

    Raises AssertionError with the seed of the first after which something was wrong.
    """
    seed = -1
    for seed in seeds:
        run(house, seed, total)
    house.until_delivered()
    _look(house, seed, ["the end"], total, at_rest=True)


def _look(house: House, seed: int, chosen: Iterable[str], total: Tally, *, at_rest: bool) -> None:
    """Note what was lost or doubled after some faults; raises AssertionError where it was."""
    if not (found := house.check(at_rest=at_rest)).wrong:
        return
    for name in set(chosen):
        total.lost[name] += found.lost
        total.doubled[name] += found.doubled
    on = "postgresql" if house.is_postgresql else "sqlite"
    on = "cluster" if isinstance(house.postgresql, Cluster) else on
    again = f"seed {seed}: {', '.join(chosen)}; again: make faults SEED={seed} N=1 ON={on}"
    raise AssertionError("\n".join([again, *found.wrong, house.said()]))


TEMPLATE = "template1"  # the database of server_of_its_own that has the schema


@contextmanager
def small_disk(folder: str) -> Iterator[bool]:
    """A folder is a disk of its own while this lasts; False where nobody may mount one here."""
    options = ("-t", "tmpfs", "-o", "size=256m,mode=0700", "hailong")
    mounted = subprocess.run(["mount", *options, folder], capture_output=True, check=False)
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def server_of_its_own() -> Iterator[Postgresql]:
    """A PostgreSQL that schedules may stop; a new database of it has the schema."""
    temporary = TemporaryDirectory(prefix="hailong-postgresql-", ignore_cleanup_errors=True)
    with temporary as folder, small_disk(folder) as small:
        server = Postgresql(Path(folder), f"{WITHOUT_DISK} -c max_wal_size=32MB", segment=1)
        server.small = small
        server.start()
        try:
            store = Store(server.url.rpartition("/")[0] + f"/{TEMPLATE}")
            migrate(store.engine)
            store.close()
            yield server
        finally:
            server.stop()


@contextmanager
def house_on(
    nurseries: Nurseries,
    template: str | Path,
    postgresql: Postgresql | None = None,
    *,
    sealed: bool = False,
) -> Iterator[House]:
    """A house with an empty database copied from a template: a file, or a database's name.

    ``sealed`` as for House.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="hailong-faults-")))
        if postgresql is not None:
            name = f"house_{folder.name.rpartition('-')[2].lower()}"
            url = stack.enter_context(database(postgresql.url, name, str(template)))
        else:
            file = folder / "hailong.sqlite3"
            shutil.copy(template, file)
            url = f"sqlite:///{file}"
        house = House(folder, nurseries, url, postgresql, sealed=sealed)
        stack.callback(house.close)
        yield house


@contextmanager
def house_on_cluster(nurseries: Nurseries) -> Iterator[House]:
    """A house with an empty database on two servers of its own."""
    with ExitStack() as stack:
        home = TemporaryDirectory(prefix="hailong-cluster-", ignore_cleanup_errors=True)
        cluster = Cluster(Path(stack.enter_context(home)))
        stack.callback(cluster.close)
        store = Store(cluster.url)
        migrate(store.engine)
        store.close()
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="hailong-faults-")))
        house = House(folder, nurseries, cluster.url, cluster)
        stack.callback(house.close)
        yield house
