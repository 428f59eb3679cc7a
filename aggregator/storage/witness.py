"""What a check has seen of a database, to be kept outside of it.

A database that was put in its place from an older copy fits together, and tells nothing.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select
from sqlmodel import col

from aggregator.storage.findings import Finding, finding
from aggregator.storage.store import Store
from aggregator.storage.tables import ClosingRow, SubmissionRow
from aggregator.wording.phrases import day, integer

Columns = tuple[Any, Any]  # a number that grows, and a digest
SUBMISSION: Columns = (col(SubmissionRow.number), col(SubmissionRow.digest))
ENTRY: Columns = (col(ClosingRow.number), col(ClosingRow.hash))


class Witness(NamedTuple):
    """The newest submission at a moment, with its digest, and entry of the ledger, with its hash.

    Numbers are 0 where there was none.
    """

    at: datetime
    submission: int = 0
    digest: str = ""
    entry: int = 0
    hash: str = ""


def seen(store: Store, at: datetime) -> Witness:
    """What there is now. Raises StorageError."""
    with store.database.begin() as connection:
        rows = [
            connection.execute(select(*own).order_by(own[0].desc()).limit(1)).one_or_none()
            for own in (SUBMISSION, ENTRY)
        ]
    (submission, digest), (entry, hash) = (row or (0, "") for row in rows)
    return Witness(at, submission, digest, entry, hash)


def older(store: Store, before: Witness) -> Finding | None:
    """That what was seen before is not here; None where somebody has answered for a restore since.

    Raises StorageError.
    """
    with store.database.begin() as connection:
        is_here = _has(connection, SUBMISSION, before.submission, before.digest) and _has(
            connection, ENTRY, before.entry, before.hash
        )
    if is_here or any(one.at >= before.at for one in store.restores.all()):
        return None
    numbers = {"n": integer(before.submission), "entry": integer(before.entry)}
    return finding("verify.older_copy", day=day(before.at.date()), **numbers)


def _has(connection: Connection, own: Columns, number: int, digest: str) -> bool:
    key, value = own
    query = select(value).where(key == number)
    return not number or bool(connection.execute(query).scalar_one_or_none() == digest)
