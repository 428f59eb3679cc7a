"""Rows of one-time codes in the outbox's file: told from damaged ones, and found in its bytes.

Whether a code was used is one bit, which SQLite would read as the other where a byte is damaged.
So each row has a checksum over what it says, by which the bit is known even where it was hurt.
"""

import re
import sqlite3
import zlib
from contextlib import suppress

# As the columns of a row follow each other in a page: hash, form, until, checksum. Its bit has no
# byte of its own there.
ROW = re.compile(rb"([0-9a-f]{64})([0-9A-Za-z]{1,40}?)(\d{4}-\d\d-\d\d)([0-9a-f]{8})")


def row_of(hash: str, form: str, until: str, *, burnt: bool) -> tuple[str, str, str, int, str]:
    """A row as it is stored: hash, form, until, burnt, checksum."""
    text = f"{hash}|{form}|{until}|{burnt:d}".encode()
    return hash, form, until, int(burnt), f"{zlib.crc32(text):08x}"


def is_burnt(hash: str, form: str, until: str, stored: object, checksum: object) -> bool:
    """Whether a code was used, as its checksum says; as its bit does where neither fits."""
    for burnt in (True, False):
        if row_of(hash, form, until, burnt=burnt)[-1] == checksum:
            return burnt
    return bool(stored)


def take_over(raw: bytes, connection: sqlite3.Connection) -> None:
    """Take over the codes that are found in the bytes of a damaged file, inside a transaction.

    There may be pages of before a code was used beside the last one: a code is used where any
    says so.
    """
    for found in ROW.finditer(raw):
        with suppress(UnicodeDecodeError):
            hash, form, until, checksum = (part.decode() for part in found.groups())
            for burnt in (True, False):
                row = row_of(hash, form, until, burnt=burnt)
                if row[-1] == checksum:
                    connection.execute(
                        "INSERT INTO one_time (hash, form, until, burnt, checksum)"
                        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (hash) DO UPDATE SET"
                        " burnt = excluded.burnt, checksum = excluded.checksum"
                        " WHERE excluded.burnt > burnt",
                        row,
                    )
