"""The closings: each closed day as one hash over its submissions, each entry joined to the last.

An entry has a day's submissions that came after the day's entry before: the first one nearly all
of it, later ones what came late. The database itself refuses to change or delete an entry; a root
that is printed and signed shows whoever did it all the same. The entry's hash, printed with it,
vouches for all entries before, and for the journal until then.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, insert, select
from sqlmodel import col

from aggregator.storage import journal
from aggregator.storage.database import Database, Lock
from aggregator.storage.merkle import Step, Tree, leaf_hash, path_of
from aggregator.storage.tables import (
    BatchSubmission,
    ClosingRow,
    ReceiptRow,
    SubmissionRow,
    Withdrawal,
)
from surveys.chain import START, Said, digest_of, sealed, written

SETTLE = time(1, 0)  # on the centre's clock: from then on the day before is closed
CHUNK = 1_000  # rows read at once


@dataclass(frozen=True)
class Entry:
    """``n`` submissions of a day, numbered above ``since`` and up to ``until``, under a root.

    ``journal`` is the hash of the journal's newest entry then; None in entries of before 0.3.
    """

    number: int
    day: date
    since: int
    until: int
    n: int
    root: str
    closed_at: datetime
    before: str
    hash: str
    journal: str | None = None

    @property
    def seal(self) -> str:
        """The first 32 digits of its hash, as they are shown and printed beside the root."""
        return self.hash[:32]

    @property
    def own_hash(self) -> str:
        """The hash that an entry with this content has."""
        said: list[object] = [self.number, f"{self.day}", self.since, self.until, self.n, self.root]
        said += [f"{self.closed_at.astimezone(UTC)}", self.before]
        said += [] if self.journal is None else [self.journal]
        return hashlib.sha256(b"\x02" + orjson.dumps(said)).hexdigest()


@dataclass(frozen=True)
class Proof:
    """That a submission is under an entry: its record, and the way from it to the root.

    ``said`` is what its digest is of.
    """

    said: Sequence[object]
    record: Sequence[object]
    steps: Sequence[Step]
    entry: Entry


def said_by(row: Row[Any]) -> Said:
    """What a stored submission's sender said, its comment as it is."""
    return (
        row.id, row.survey, row.fingerprint, row.department, row.counter, row.channel, row.visit,
        f"{row.told_at or row.answered_at}", row.language, written(row.answers), row.comment,
    )  # fmt: skip


def seal_of(row: Row[Any]) -> str | None:
    """What stands for a stored submission's comment in its digest; None: the text itself."""
    if row.comment is not None and row.comment_salt is not None:
        return sealed(row.comment, row.comment_salt)
    seal: str | None = row.comment_seal
    return seal


def is_as_said(row: Row[Any]) -> bool:
    """Whether a stored submission is still what its digest was made of.

    Older releases made that of what was said without a fingerprint.
    """
    said, seal = said_by(row), seal_of(row)
    return row.digest in (digest_of(said, seal), digest_of((*said[:2], None, *said[3:]), seal))


def record_of(row: Row[Any]) -> list[object]:
    """What a leaf is made of: the digest of what was said, and what is known besides.

    With the receipt's hash, if there is one; the comment is in the digest by its seal alone.
    """
    times = (row.answered_at, row.received_at)
    return [
        row.digest, f"{row.day}", *map(str, times), row.device, row.clock_offset,
        row.chain, row.device_seq, row.device_mac, row.receipt,
    ]  # fmt: skip


def leaf_of(row: Row[Any]) -> bytes:
    return leaf_hash(orjson.dumps(record_of(row)))


def rows_of(connection: Connection, *where: Any) -> Iterator[Row[Any]]:
    """Submissions in the order of arrival, in constant memory, those that were withdrawn too.

    With the hash of the ``receipt``; whether it is ``withdrawn``, and of which ``batch``.
    """
    submission, receipt = SubmissionRow.__table__, ReceiptRow.__table__  # type: ignore[attr-defined]
    gone, batch = Withdrawal.__table__, BatchSubmission.__table__  # type: ignore[attr-defined]
    joined = (
        submission.outerjoin(receipt, receipt.c.submission == submission.c.id)
        .outerjoin(gone, gone.c.submission == submission.c.number)
        .outerjoin(batch, batch.c.submission == submission.c.number)
    )
    more = (
        receipt.c.hash.label("receipt"),
        gone.c.submission.label("withdrawn"),
        batch.c.batch.label("batch"),
    )
    query = select(submission, *more).select_from(joined).where(*where)
    streamed = connection.execution_options(stream_results=True, yield_per=CHUNK)
    yield from streamed.execute(query.order_by(submission.c.number))


class Closings:
    """Reads the ledger and closes days. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, day: date | None = None) -> list[Entry]:
        """All entries in their order, or those of a day."""
        query = select(ClosingRow.__table__).order_by(col(ClosingRow.number))  # type: ignore[attr-defined]
        if day is not None:
            query = query.where(col(ClosingRow.day) == day)
        with self._database.begin() as connection:
            return [Entry(**row._mapping) for row in connection.execute(query)]

    def newest(self, limit: int) -> list[Entry]:
        """The newest entries, the last one first."""
        query = select(ClosingRow.__table__).order_by(col(ClosingRow.number).desc())  # type: ignore[attr-defined]
        with self._database.begin() as connection:
            return [Entry(**row._mapping) for row in connection.execute(query.limit(limit))]

    def close(self, local: datetime) -> int:
        """Close what is open of the days before; returns how many entries were made.

        ``local`` is the time at the centre. Once a day, after SETTLE: what comes later belongs to
        the next day's closing, which names its day.
        """
        if local.time() < SETTLE:
            return 0
        last = next(iter(self.newest(1)), None)
        if last is not None and last.closed_at.astimezone(local.tzinfo).date() >= local.date():
            return 0
        with self._database.begin() as connection:
            spans = list(_open(connection, local.date() - timedelta(days=1)))
        closed = [(*span, *self._root(*span)) for span in spans]
        with self._database.locked(Lock.WRITER) as connection:
            query = select(func.coalesce(func.max(col(ClosingRow.number)), 0))
            number = connection.execute(query).scalar_one()
            if number != (last.number if last else 0):
                return 0  # another process was faster
            before, at, made = last.hash if last else START, local.astimezone(UTC), 0
            if any(n for *_, n, _ in closed):
                midnight = datetime.combine(local.date(), time(0), local.tzinfo)
                journal.seal(connection, midnight)
            _, head = journal.newest(connection)
            for day, since, until, n, root in closed:
                if not n:
                    continue
                made += 1
                new = Entry(number + made, day, since, until, n, root, at, before, "", head)
                before = new.own_hash
                connection.execute(insert(ClosingRow).values({**vars(new), "hash": before}))
        return made

    def _root(self, day: date, since: int, until: int) -> tuple[int, str]:
        tree, number = Tree(), col(SubmissionRow.number)
        with self._database.begin() as connection:
            within = (col(SubmissionRow.day) == day, number > since, number <= until)
            for row in rows_of(connection, *within):
                tree.add(leaf_of(row))
        return tree.size, tree.root.hex()

    def proofs(self, receipt: str) -> list[Proof]:
        """Proofs of the submission with this receipt's hash, and of what was said in its visit.

        Those that no entry has yet are left out.
        """
        id, visit = col(SubmissionRow.id), col(SubmissionRow.visit)
        with self._database.begin() as connection:
            query = select(id, visit, col(SubmissionRow.day)).join(
                ReceiptRow, col(ReceiptRow.submission) == id
            )
            found = connection.execute(query.where(col(ReceiptRow.hash) == receipt)).one_or_none()
        if found is None:
            return []
        entries = self.entries(found.day)
        proofs: list[Proof] = []
        for entry in entries:
            number = col(SubmissionRow.number)
            with self._database.begin() as connection:
                within = (col(SubmissionRow.day) == entry.day, number > entry.since)
                leaves: list[bytes] = []
                wanted: list[tuple[int, list[object], list[object]]] = []
                for row in rows_of(connection, *within, number <= entry.until):
                    if row.id == found.id or (row.visit and row.visit == found.visit):
                        said = said_by(row)
                        seal = seal_of(row)
                        hidden: list[object] = [*said[:-1], said[-1] if seal is None else [seal]]
                        wanted.append((len(leaves), hidden, record_of(row)))
                    leaves.append(leaf_of(row))
            proofs += [
                Proof(said, record, path_of(leaves, place), entry) for place, said, record in wanted
            ]
        return proofs


def _open(connection: Connection, limit: date) -> Iterable[tuple[date, int, int]]:
    """What is open of the days up to ``limit``: the day, after which number, up to which."""
    day, number = col(SubmissionRow.day), col(SubmissionRow.number)
    newest = connection.execute(select(func.max(number))).scalar_one()
    if newest is None:
        return []
    of_day = select(col(ClosingRow.day), func.max(col(ClosingRow.until))).group_by(
        col(ClosingRow.day)
    )
    closed = {row[0]: row[1] for row in connection.execute(of_day)}
    late = number > max(closed.values(), default=0)
    fresh = day > max(closed, default=date.min)
    days: set[date] = set()
    for condition in (late, fresh):
        query = select(day).where(condition, day <= limit).distinct()
        days |= set(connection.execute(query).scalars())
    return [(one, closed.get(one, 0), newest) for one in sorted(days)]


HOW = (
    "digest = SHA-256 of the JSON of 'said' without spaces; a comment is there as [seal], its "
    "HMAC-SHA256. record[0] is the digest, record[9] the SHA-256 of 'hailong/receipt/1|' and the "
    "code without dashes. leaf = SHA-256 of a byte 0 and the JSON of 'record'. For each step: "
    "SHA-256 of a byte 1, the left hash, the right hash. The last one is the root on the signed "
    "sheet of the day."
)


def as_json(proofs: Sequence[Proof]) -> dict[str, object]:
    """Proofs as JSON that can be checked without this program, with the words how.

    No comment is in them, but its seal.
    """
    return {
        "how": HOW,
        "submissions": [
            {
                "said": list(one.said),
                "record": list(one.record),
                "leaf": leaf_hash(orjson.dumps(one.record)).hex(),
                "steps": [{"side": step.side, "hash": step.hash.hex()} for step in one.steps],
                "root": one.entry.root,
                "day": f"{one.entry.day}",
                "entry": one.entry.number,
            }
            for one in proofs
        ],
    }
