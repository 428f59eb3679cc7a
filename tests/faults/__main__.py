"""``make faults N=10000``: so many schedules, a table of the faults, and the seed to repeat it.

Half of the houses lie on SQLite, the others on PostgreSQL. Exit status 1 where anything was lost,
doubled or wrong; a schedule that failed is named by its own seed, and runs alone by
``make faults SEED=… N=1 ON=sqlite``.
"""

import random
import sys
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from tests.faults.house import Nurseries
from tests.faults.schedule import TEMPLATE, Tally, house_on, run_all, server_of_its_own
from tests.postgresql import programs

OF_ONE_HOUSE = 50


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=1_000, help="how many schedules")
    parser.add_argument("--seed", type=int, help="of the first; by default another each time")
    parser.add_argument("--on", choices=("sqlite", "postgresql"), help="by default in turn")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if options.seed is None else options.seed
    print(f"seed {seed}, {options.number} schedules", flush=True)
    began, total, failed = time.monotonic(), Tally(), 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="hailong-faults-")))
        nurseries = Nurseries.open()
        stack.callback(nurseries.close)
        kinds = [options.on] if options.on else ["sqlite", "postgresql"][: 2 if programs() else 1]
        server = None
        if "postgresql" in kinds:
            server = stack.enter_context(server_of_its_own())
        template = folder / "template.sqlite3"
        store = Store(f"sqlite:///{template}")
        migrate(store.engine)
        store.close()
        for first in range(0, options.number, OF_ONE_HOUSE):
            seeds = range(seed + first, seed + min(first + OF_ONE_HOUSE, options.number))
            on = server if kinds[first // OF_ONE_HOUSE % len(kinds)] == "postgresql" else None
            try:
                with house_on(nurseries, TEMPLATE if on else template, on) as house:
                    run_all(house, seeds, total)
            except AssertionError as error:
                print(error, file=sys.stderr, flush=True)
                failed += 1
            if sys.stderr.isatty():
                print(f"{total.schedules} schedules", end="\r", file=sys.stderr, flush=True)
    print("\n".join(table(total)))
    minutes = (time.monotonic() - began) / 60
    print(
        f"\n{total.schedules} schedules, {total.ratings} visitors, {total.thanked} thanked, "
        f"{total.tries.total()} faults; {failed} houses failed; {minutes:.0f} minutes; seed {seed}"
    )
    return 1 if failed else 0


def table(total: Tally) -> list[str]:
    """Fault, tries, lost, doubled, as a Markdown table."""
    lines = ["| fault | tries | lost | doubled |", "| --- | --- | --- | --- |"]
    for name in sorted(total.tries):
        cells = (name, total.tries[name], total.lost[name], total.doubled[name])
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
