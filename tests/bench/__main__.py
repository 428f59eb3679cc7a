"""``make bench``: every measurement, a row each; exit status 1 when a goal is missed.

With ``--against COMMIT`` ingest and pages of that commit and of this one, in turn.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from functools import partial

from tests.bench import (
    bench_acting,
    bench_against,
    bench_chain,
    bench_codes,
    bench_comments,
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
    "chain": bench_chain.rows,
    "page": bench_page.rows,
    "tap": bench_tap.rows,
    "touch": bench_touch.rows,
    "steps": bench_steps.rows,
    "pages": bench_pages.rows,
    "acting": bench_acting.rows,
    "province": bench_province.rows,
    "report": bench_report.rows,
    "export": bench_export.rows,
    "codes": bench_codes.rows,
    "comments": bench_comments.rows,
}


def main(words: list[str]) -> int:
    parser = ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("wanted", nargs="*", choices=[[], *BENCHES], metavar="NAME")
    parser.add_argument("--against", metavar="COMMIT")
    options = parser.parse_args(words)
    (ROOT / "var").mkdir(exist_ok=True)
    benches: list[Callable[[], Iterator[Row]]]
    if options.against:
        benches = [partial(bench_against.rows, options.against)]
    else:
        benches = [rows for name, rows in BENCHES.items() if name in (options.wanted or BENCHES)]
    missed = False
    for rows in benches:
        for row in rows():
            print(row, flush=True)
            missed = missed or row.met is False
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
