"""``make faults N=10000``: so many schedules, a table of the faults, and the seed to repeat it.

Houses lie on SQLite, on PostgreSQL and, where Patroni is installed, on two servers. Exit
status 1 where anything was lost, doubled or wrong; a schedule that failed is named by its own seed,
and runs alone by ``make faults SEED=… N=1 ON=sqlite``.
"""

import random
import signal
import sys
import threading
import time
import traceback
from argparse import ArgumentParser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from tests.faults.cluster import is_installed
from tests.faults.house import House, Nurseries
from tests.faults.schedule import (
    TEMPLATE,
    Tally,
    house_on,
    house_on_cluster,
    run_all,
    server_of_its_own,
)
from tests.postgresql import programs

OF_ONE_HOUSE = 25
Lane = tuple[Callable[[], AbstractContextManager[House]], int]  # a house, schedules in it
OF_A_CLUSTER = 5  # a failover takes ten times as long as anything else


class Run:
    """Seeds that are handed out to lanes, each of which runs house after house of one kind.

    A lane mostly waits, for programs that start and answers that never come, so several go on at
    once; but PostgreSQL can only be stopped by one.
    """

    def __init__(self, number: int, seed: int) -> None:
        self.total, self.failed = Tally(), 0
        self._lock = threading.Lock()
        self._next, self._end = seed, seed + number

    def lane(self, open_house: Callable[[], AbstractContextManager[House]], of_one: int) -> None:
        while seeds := self._take(of_one):
            tally, problem = Tally(), ""
            try:
                with open_house() as house:
                    run_all(house, seeds, tally)
            except AssertionError as error:
                problem = f"{error}" or f"seeds {seeds}\n{traceback.format_exc()}"
            except Exception:
                problem = f"seeds {seeds}\n{traceback.format_exc()}"
            with self._lock:
                self.total.add(tally)
                self.failed += bool(problem)
                said = f"{problem}\n{self.total.schedules} schedules".lstrip()
            print(said, file=sys.stderr, flush=True)

    def stop(self) -> None:
        with self._lock:
            self._end = self._next

    def _take(self, most: int) -> range:
        with self._lock:
            taken = range(self._next, min(self._next + most, self._end))
            self._next = max(self._next, taken.stop)
        return taken


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=1_000, help="how many schedules")
    parser.add_argument("--seed", type=int, help="of the first; by default another each time")
    parser.add_argument("--on", choices=("sqlite", "postgresql", "cluster"), help="default: all")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if options.seed is None else options.seed
    print(f"seed {seed}, {options.number} schedules", flush=True)
    for one in (signal.SIGINT, signal.SIGTERM):  # also where a shell had SIGINT ignored
        signal.signal(one, signal.default_int_handler)
    began, run = time.monotonic(), Run(options.number, seed)
    with ExitStack() as stack:
        found = lanes(options.on, stack)
        with ThreadPoolExecutor(len(found)) as threads:
            running = [threads.submit(run.lane, *one) for one in found]
            try:
                for lane in running:
                    lane.result()
            except KeyboardInterrupt:  # what has begun is brought to its end
                run.stop()
    total = run.total
    print("\n".join(table(total)))
    minutes = (time.monotonic() - began) / 60
    print(
        f"\n{total.schedules} schedules, {total.ratings} visitors, {total.thanked} thanked, "
        f"{total.tries.total()} faults; {run.failed} houses failed; {minutes:.0f} minutes; "
        f"seed {seed}"
    )
    return 1 if run.failed else 0


def lanes(only: str | None, stack: ExitStack) -> list[Lane]:
    """The lanes that can be here, or those of one kind; what they need lasts as the stack does."""
    nurseries = Nurseries.open()
    stack.callback(nurseries.close)
    found: list[Lane] = []
    if only in (None, "sqlite"):
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="hailong-faults-")))
        template = folder / "template.sqlite3"
        store = Store(f"sqlite:///{template}")
        migrate(store.engine)
        store.close()
        found += [(partial(house_on, nurseries, template), OF_ONE_HOUSE)] * 2
    if only == "postgresql" or (only is None and programs()):
        server = stack.enter_context(server_of_its_own())
        found.append((partial(house_on, nurseries, TEMPLATE, server), OF_ONE_HOUSE))
    if only == "cluster" or (only is None and is_installed()):
        found.append((partial(house_on_cluster, nurseries), OF_A_CLUSTER))
    return found


def table(total: Tally) -> list[str]:
    """Fault, tries, lost, doubled, as a Markdown table."""
    lines = ["| fault | tries | lost | doubled |", "| --- | --- | --- | --- |"]
    for name in sorted(total.tries):
        cells = (name, total.tries[name], total.lost[name], total.doubled[name])
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
