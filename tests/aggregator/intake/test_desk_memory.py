"""The largest files, and the worst, are read in little memory; a year's dossiers in one file."""

import io
import subprocess
import sys
from collections.abc import Callable

import pytest
import xlsxwriter

from aggregator.intake.desk.sheets import LARGEST, MOST_ROWS
from tests.files.making import tcvn3
from tests.files.offices import CASES

MOST = 60  # MB beside what the program has before: a server of 230 stays below 300
READ = """
import resource, sys
from aggregator.intake.desk.sheets import SheetError, Workbook
from aggregator.intake.desk.workbooks import read_workbook

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

data, before = sys.stdin.buffer.read(), peak()
try:
    book = Workbook.unpacked(read_workbook(data).packed())
    rows = sum(1 for _ in book.sheets[0].rows())
except SheetError as error:
    rows = error.key
print(rows, peak() - before)
"""


def read(data: bytes) -> tuple[str, int]:
    """How many rows a process of its own reads, or why none; the MB that it took."""
    done = subprocess.run([sys.executable, "-c", READ], input=data, capture_output=True, check=True)
    found, more = done.stdout.split()
    return found.decode(), int(more)


def lines() -> bytes:
    """As many rows as may be, in an old encoding, in as many bytes as may be."""
    row = tcvn3("20/11/2026,Sở Nông nghiệp,5\r\n")
    return (tcvn3("Ngày,Cơ quan,Mức độ\r\n") + row * (MOST_ROWS - 1)).encode("latin-1")


def spreadsheet(rows: int) -> bytes:
    """Dossiers with a number each, as the one-stop software exports them."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet()
    for row in range(rows):
        sheet.write_row(row, 0, (f"H35.{row:09d}", 46346, "Sở Y tế", 5))
    book.close()
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(lines, str(MOST_ROWS), id="200 000 rows"),
        pytest.param(lambda: spreadsheet(20_000), "20000", id="a number in each row"),
        pytest.param(lambda: b"a\n" + b"\n" * (LARGEST - 10), "too_many_rows", id="blank lines"),
        pytest.param(lambda: b"\xff\n" * (LARGEST // 2), "unknown_encoding", id="no encoding"),
    ],
)
def test_much_is_read_in_little_memory(data: Callable[[], bytes], found: str) -> None:
    rows, more = read(data())
    assert rows == found
    assert more < MOST


@pytest.mark.parametrize("name", ["bom.xlsx", "chu-dai.xlsx", "the-dai.xlsx", "mot-dong.csv"])
def test_a_file_made_to_fill_the_memory_does_not(name: str) -> None:
    [case] = [one for one in CASES if one.name == name]
    rows, more = read(case.data)
    assert rows == case.refused
    assert more < MOST
