"""The largest files, and the worst, are read in little memory."""

import os
import subprocess
import sys
from pathlib import Path

from aggregator.intake.desk.sheets import LARGEST, MOST_ROWS
from tests.aggregator.conftest import ROOT
from tests.files.making import tcvn3, xlsx
from tests.files.offices import CASES

MOST = 60  # MB beside what the program has before: a server of 230 stays below 300
READ = """
import resource, sys
from aggregator.intake.desk.sheets import SheetError, Workbook
from aggregator.intake.desk.workbooks import read_workbook

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

before = peak()
for name in sys.argv[1:]:
    try:
        with open(name, "rb") as file:
            book = Workbook.unpacked(read_workbook(file.read()).packed())
        print(sum(1 for _ in book.sheets[0].rows()))
    except SheetError as error:
        print(error.key)
print(peak() - before)
"""


def lines() -> bytes:
    """As many rows as may be, in an old encoding, in nearly as many bytes as may be."""
    row = tcvn3("20/11/2026,Sở Nông nghiệp,5\r\n")
    return (tcvn3("Ngày,Cơ quan,Mức độ\r\n") + row * (MOST_ROWS - 1)).encode("latin-1")


def test_the_largest_and_the_worst_files_are_read_in_little_memory(tmp_path: Path) -> None:
    """One process reads them one after the other, so that its peak is that of the worst."""
    files = {
        "a number in each row": xlsx([(f"H35.{row:09d}", 46346, 5) for row in range(10_000)]),
        "as many rows as may be": lines(),
        "blank lines": b"a\n" + b"\n" * (LARGEST - 10),
        "no encoding": b"\xff\n" * (LARGEST // 2),
    }
    found = ["10000", str(MOST_ROWS), "too_many_rows", "unknown_encoding"]
    for case in CASES:
        if case.name in ("bom.xlsx", "chu-dai.xlsx", "the-dai.xlsx", "mot-dong.csv"):
            files[case.name] = case.data
            found.append(case.refused)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    read = [sys.executable, "-c", READ, *files]
    path = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(read, cwd=tmp_path, env=path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *said, more = done.stdout.split()
    assert said == found
    assert int(more) < MOST
