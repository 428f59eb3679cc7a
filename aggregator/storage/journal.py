"""The journal: what figures are made of besides submissions, and how it stood after each change.

A dossier count, a shift, a frozen block, a definition or a version of the centre's document is a
row that no root of a day has in it. So each change of such rows adds an entry here in the same
transaction: the digest of all rows under a key, such as a day, joined to the entry before. Tables
whose rows are only ever added get an entry for the rows of the days before with each closing,
which has the hash of the newest entry in its own. The database itself refuses to change or delete
entries.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    Connection,
    Select,
    String,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
    table,
)
from sqlmodel import col

from aggregator.storage.database import Lock, hold
from aggregator.storage.findings import Finding, finding
from aggregator.storage.tables import (
    AuditRow,
    BallotEntry,
    BatchRow,
    CaseEventRow,
    CommentEventRow,
    JournalRow,
    PublicAnswerRow,
    PublishedGroupRow,
    ReportTextRow,
    RestoreRow,
)
from aggregator.wording.phrases import integer, say, verbatim
from surveys.chain import START

# Tables, and the column whose value is the key of a row.
KEYS: Mapping[str, str] = {
    "transactions": "day",
    "handling_tally": "day",
    "handling_facts": "day",
    "operation": "day",
    "hard_data": "year",
    "shift": "day",
    "frozen_block": "until",
    "definition": "fingerprint",
    "centre_version": "number",
    "citizen_case": "number",
    "ballot_batch": "number",
    "withdrawal": "batch",
}
# Tables whose rows triggers keep as they are, each with a number and the moment it was added.
ADDED: Mapping[str, Any] = {
    of.__tablename__: of
    for of in (
        *(AuditRow, BallotEntry, BatchRow, CaseEventRow, CommentEventRow),
        *(PublicAnswerRow, PublishedGroupRow, ReportTextRow, RestoreRow),
    )
}
AT_ONCE = 1_000  # rows under one entry


class Entry(NamedTuple):
    number: int
    kind: str
    key: str
    digest: str
    before: str
    hash: str

    @property
    def own_hash(self) -> str:
        """The hash that an entry with this content has."""
        return hashlib.sha256(b"\x03" + orjson.dumps(list(self[:-1]))).hexdigest()


def note(connection: Connection, kind: str, keys: Collection[object]) -> None:
    """Add an entry for each key whose rows are not what they were, in the transaction that does it.

    Raises StorageError.
    """
    wanted = sorted({f"{key}" for key in keys})
    if not wanted:
        return
    hold(connection, Lock.JOURNAL)
    _add(connection, kind, dict.fromkeys(wanted, "") | digests(connection, kind, wanted))


def _add(connection: Connection, kind: str, found: Mapping[str, str]) -> None:
    """Add an entry for each key whose digest is another; the caller holds the lock."""
    wanted = sorted(found)
    of = select(col(JournalRow.number), col(JournalRow.key), col(JournalRow.digest)).where(
        col(JournalRow.kind) == kind, col(JournalRow.key).in_(wanted)
    )
    known = {key: digest for _, key, digest in sorted(map(tuple, connection.execute(of)))}
    number, before = newest(connection)
    rows = []
    for key in wanted:
        if found[key] == known.get(key, ""):
            continue
        number += 1
        made = Entry(number, kind, key, found[key], before, "")
        before = made.own_hash
        rows.append(made._replace(hash=before)._asdict())
    if rows:
        connection.execute(insert(JournalRow), rows)


def newest(connection: Connection) -> tuple[int, str]:
    """The number and the hash of the newest entry; 0 and START where there is none."""
    last = select(col(JournalRow.number), col(JournalRow.hash))
    row = connection.execute(last.order_by(col(JournalRow.number).desc()).limit(1)).first()
    return (row[0], row[1]) if row else (0, START)


def seal(connection: Connection, before: datetime) -> None:
    """Add entries for the rows of ADDED that are older than a moment and have none yet.

    That moment is long past: on PostgreSQL a row may come in after one with a larger number.
    Raises StorageError.
    """
    hold(connection, Lock.JOURNAL)
    for kind, of in ADDED.items():
        keys = select(col(JournalRow.key)).where(col(JournalRow.kind) == kind)
        sealed = max((_range(key)[1] for key in connection.execute(keys).scalars()), default=0)
        number = col(of.number)
        last = connection.execute(select(func.max(number)).where(col(of.at) < before))
        within = number > sealed, number <= (last.scalar_one() or 0)
        numbers = connection.execute(select(number).where(*within).order_by(number)).scalars()
        found, first = {}, sealed + 1
        every = numbers.all()
        for some in (every[at : at + AT_ONCE] for at in range(0, len(every), AT_ONCE)):
            found[f"{first}-{some[-1]}"] = _digest_of(connection, kind, first, some[-1])
            first = some[-1] + 1
        for key, digest in found.items():  # in their order
            _add(connection, kind, {key: digest})


def _range(key: str) -> tuple[int, int]:
    """The numbers under a key of ADDED, both included."""
    first, _, last = key.partition("-")
    return int(first), int(last)


def _digest_of(connection: Connection, kind: str, first: int, last: int) -> str:
    """The digest of the rows of ADDED with these numbers; of the first ones with all below."""
    number: Any = column("number")
    query = select(number.label("journal_key"), literal_column("*")).select_from(table(kind))
    query = query.where(number <= last, *([number >= first] if first > 1 else []))
    return _hash([row for _, row in _rows(connection, query)])


def note_all(connection: Connection) -> None:
    """Add entries for all that is there, as where the journal begins."""
    for kind in KEYS:
        note(connection, kind, digests(connection, kind))


def digests(
    connection: Connection, kind: str, keys: Collection[str] | None = None
) -> dict[str, str]:
    """By key, all or these, the SHA-256 of the rows that a table has under it, in any order.

    Rows are read as the driver gives them: what a column means may change, not what is stored.
    """
    key = cast(column(KEYS[kind]), String)
    query: Any = select(key.label("journal_key"), literal_column("*")).select_from(table(kind))
    if keys is not None:
        query = query.where(key.in_(keys))
    found: dict[str, list[bytes]] = defaultdict(list)
    for under, row in _rows(connection, query):
        found[under].append(row)
    return {under: _hash(rows) for under, rows in found.items()}


def _rows(connection: Connection, query: Select[Any]) -> Iterator[tuple[Any, bytes]]:
    """The first column of each row, and the others as one text."""
    result = connection.execute(query)
    names = list(result.keys())[1:]
    for under, *values in result:
        yield under, orjson.dumps([*zip(names, map(_plain, values), strict=True)])


def _hash(rows: Iterable[bytes]) -> str:
    return hashlib.sha256(b"\n".join(sorted(rows))).hexdigest()


def _plain(value: Any) -> object:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return value if value is None or isinstance(value, bool | int | float) else f"{value}"


def check(connection: Connection, closed: Iterable[tuple[str, Finding]] = ()) -> Iterator[Finding]:
    """Entries that do not follow each other, and rows that are not what was last noted of them.

    ``closed`` are hashes of entries that were the newest when days were closed, each with what is
    to be said where there is none such.
    """
    before, hashes, last = START, {START}, dict[tuple[str, str], str]()
    entries: Iterable[Any] = connection.execute(
        select(*(col(getattr(JournalRow, name)) for name in Entry._fields)).order_by(
            col(JournalRow.number)
        )
    )
    for place, row in enumerate(entries, 1):
        entry = Entry(*row)
        if entry.number != place or entry.before != before or entry.own_hash != entry.hash:
            yield finding("verify.journal", number=integer(entry.number))
        before = entry.hash
        hashes.add(entry.hash)
        last[entry.kind, entry.key] = entry.digest
    yield from (said for head, said in closed if head not in hashes)
    for kind in (*KEYS, *ADDED):
        noted = {key: digest for (of, key), digest in last.items() if of == kind}
        if kind in KEYS:
            there = digests(connection, kind)
        else:
            there = {key: _digest_of(connection, kind, *_range(key)) for key in noted}
        for key in sorted(there.keys() | noted.keys()):
            if there.get(key, "") != noted.get(key, ""):
                yield finding("verify.input", what=say(f"verify.of.{kind}"), at=verbatim(key))
