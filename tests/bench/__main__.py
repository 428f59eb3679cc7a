"""``make bench``: every measurement, a row each; exit status 1 when a goal is missed."""

import sys
from collections.abc import Callable, Iterator

from tests.bench import (
    bench_codes,
    bench_export,
    bench_ingest,
    bench_page,
    bench_pages,
    bench_province,
    bench_report,
    bench_steps,
    bench_tap,
    bench_touch,
)
from tests.bench.report import Row
from tests.bench.servers import ROOT

BENCHES: dict[str, Callable[[], Iterator[Row]]] = {
    "ingest": bench_ingest.rows,
    "page": bench_page.rows,
    "tap": bench_tap.rows,
    "touch": bench_touch.rows,
    "steps": bench_steps.rows,
    "pages": bench_pages.rows,
    "province": bench_province.rows,
    "report": bench_report.rows,
    "export": bench_export.rows,
    "codes": bench_codes.rows,
}


def main(wanted: list[str]) -> int:
    (ROOT / "var").mkdir(exist_ok=True)
    missed = False
    for name, rows in BENCHES.items():
        if wanted and name not in wanted:
            continue
        for row in rows():
            print(row, flush=True)
            missed = missed or row.met is False
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
