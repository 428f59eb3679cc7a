"""The numbers and links of what this kiosk hands in (surveys.chain), in its outbox's file."""

import secrets
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from surveys.chain import START, digest_of, link, new_salt, said_of, sealed
from surveys.wire import Submission

BOOT = Path("/proc/sys/kernel/random/boot_id")
_RUN = str(uuid4())  # where the system has no name for its start: this process's


@dataclass(frozen=True)
class Chain:
    """A file's chain: its name, its key, and the number and link that were given last."""

    id: str
    key: str
    seq: int
    mac: str


def chain_of(connection: sqlite3.Connection) -> Chain | None:
    """The chain of a file; None where nothing has been numbered."""
    row = connection.execute("SELECT id, key, seq, mac FROM chain").fetchone()
    return None if row is None else Chain(*row)


def numbered(connection: sqlite3.Connection, submission: Submission) -> Submission:
    """The submission with the next number, in the transaction that puts it in the queue.

    One that has a number keeps it. A file's first one begins a chain with a key of its own, so
    another token, name or place of the device changes nothing in it.
    """
    if submission.device_seq is not None:
        return submission
    chain = chain_of(connection) or Chain(secrets.token_hex(16), secrets.token_hex(32), 0, START)
    salt = None
    if submission.comment is not None:
        salt = submission.comment_salt or new_salt()
    seal = sealed(submission.comment, salt) if submission.comment is not None and salt else None
    digest = digest_of(said_of(submission, submission.fingerprint), seal)
    seq = chain.seq + 1
    mac = link(chain.key, chain.mac, seq, digest)
    connection.execute(
        "INSERT INTO chain VALUES (1, ?, ?, ?, ?)"
        " ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, mac = excluded.mac",
        (chain.id, chain.key, seq, mac),
    )
    given = {"device_seq": seq, "device_mac": mac, "comment_salt": salt}
    return submission.model_copy(update=given)


def uptime() -> tuple[str, float]:
    """Which start of the machine this is, and the seconds since it, by a clock nobody sets."""
    try:
        boot = BOOT.read_text("ascii").strip()
    except OSError:
        return _RUN, time.monotonic()
    return boot, time.clock_gettime(time.CLOCK_BOOTTIME)
