"""``make faults N=10000``: so many schedules, a table of the faults, and the seed to repeat it.

Houses lie on SQLite, on PostgreSQL and, where Patroni is installed, on two servers, in turn. Exit
status 1 where anything was lost, doubled or wrong; a schedule that failed is named by its own seed,
and runs alone by ``make faults SEED=… N=1 ON=sqlite``.
"""

import random
import signal
import sys
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from tests.faults.cluster import is_installed
from tests.faults.house import Nurseries
from tests.faults.schedule import (
    TEMPLATE,
    Tally,
    house_on,
    house_on_cluster,
    run_all,
    server_of_its_own,
)
from tests.postgresql import programs

OF_ONE_HOUSE = 50


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
    began, total, failed = time.monotonic(), Tally(), 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="hailong-faults-")))
        nurseries = Nurseries.open()
        stack.callback(nurseries.close)
        template = folder / "template.sqlite3"
        store = Store(f"sqlite:///{template}")
        migrate(store.engine)
        store.close()
        kinds = [options.on] if options.on else there()
        server = stack.enter_context(server_of_its_own()) if "postgresql" in kinds else None
        for first, kind in zip(range(0, options.number, OF_ONE_HOUSE), cycle(kinds)):
            left = min(OF_ONE_HOUSE, options.number - first)
            # A failover takes ten times as long as anything else.
            number = left if options.on or kind != "cluster" else max(1, left // 10)
            try:
                with (
                    house_on_cluster(nurseries)
                    if kind == "cluster"
                    else house_on(nurseries, TEMPLATE, server)
                    if kind == "postgresql"
                    else house_on(nurseries, template)
                ) as house:
                    run_all(house, range(seed + first, seed + first + number), total)
            except AssertionError as error:
                print(error, file=sys.stderr, flush=True)
                failed += 1
            except KeyboardInterrupt:  # the table says how far it came
                break
            print(f"{total.schedules} schedules", file=sys.stderr, flush=True)
    print("\n".join(table(total)))
    minutes = (time.monotonic() - began) / 60
    print(
        f"\n{total.schedules} schedules, {total.ratings} visitors, {total.thanked} thanked, "
        f"{total.tries.total()} faults; {failed} houses failed; {minutes:.0f} minutes; seed {seed}"
    )
    return 1 if failed else 0


def there() -> list[str]:
    """On what houses can lie here, most on what is quick."""
    kinds = ["sqlite"]
    if programs():
        kinds = ["sqlite", "postgresql"] * 3
    return [*kinds, "cluster"] if is_installed() else kinds


def table(total: Tally) -> list[str]:
    """Fault, tries, lost, doubled, as a Markdown table."""
    lines = ["| fault | tries | lost | doubled |", "| --- | --- | --- | --- |"]
    for name in sorted(total.tries):
        cells = (name, total.tries[name], total.lost[name], total.doubled[name])
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
