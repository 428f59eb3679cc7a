"""A streaming writer of SPSS system files (.sav): labelled variables, any number of cases.

The format after the PSPP developers' guide, "System File Format": little-endian, UTF-8, compressed
by bytecode. The libraries that write it hold all cases in memory. Knows nothing of surveys.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import BinaryIO

from aggregator.documents.exports.sav_cases import compressed
from aggregator.documents.exports.sav_variables import BIAS, SavValue, Variable, dictionary, padded
from aggregator.wording.numbers import MONTHS


def write_sav(
    file: BinaryIO,
    variables: Sequence[Variable],
    cases: int,
    rows: Iterable[Sequence[SavValue]],
    *,
    title: str,
    now: datetime,
) -> None:
    """Write a file of that many cases; a row has a value a variable, None where missing.

    A moment is a local time (its offset is dropped), a day a date. A text longer than its
    variable is cut, and so is a label longer than SPSS holds.
    """
    file.write(_header(variables, cases, title, now))
    file.writelines(dictionary(variables))
    file.writelines(compressed(rows, variables))


def _header(variables: Sequence[Variable], cases: int, title: str, now: datetime) -> bytes:
    size = sum(variable.elements for variable in variables)
    day = f"{now.day:02} {MONTHS[now.month - 1][:3]} {now.year % 100:02}"
    parts = (
        b"$FL2",
        padded("@(#) SPSS DATA FILE - Hailong", 60),
        struct.pack("<5id", 2, size, 1, 0, cases, BIAS),  # layout, size, compressed, no weight
        padded(day, 9),
        padded(f"{now:%H:%M:%S}", 8),
        padded(title, 64),
        bytes(3),
    )
    return b"".join(parts)
