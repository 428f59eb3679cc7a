"""The journal: what figures are made of besides submissions, and how it stood after each change.

A dossier count, a shift, a frozen block, a definition or a version of the centre's document is a
row that no root of a day has in it. So each change of such rows adds an entry here in the same
transaction: the digest of all rows under a key, such as a day, joined to the entry before. The
database itself refuses to change or delete entries.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, String, cast, column, insert, literal_column, select, table
from sqlmodel import col

from aggregator.storage.database import Lock, hold
from aggregator.storage.findings import Finding, finding
from aggregator.storage.tables import JournalRow
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
}


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
    found = digests(connection, kind, wanted)
    of = select(col(JournalRow.number), col(JournalRow.key), col(JournalRow.digest)).where(
        col(JournalRow.kind) == kind, col(JournalRow.key).in_(wanted)
    )
    known = {key: digest for _, key, digest in sorted(map(tuple, connection.execute(of)))}
    last = select(col(JournalRow.number), col(JournalRow.hash))
    newest = connection.execute(last.order_by(col(JournalRow.number).desc()).limit(1)).first()
    number, before = (newest[0], newest[1]) if newest else (0, START)
    rows = []
    for key in wanted:
        if found.get(key, "") == known.get(key, ""):
            continue
        number += 1
        made = Entry(number, kind, key, found.get(key, ""), before, "")
        before = made.own_hash
        rows.append(made._replace(hash=before)._asdict())
    if rows:
        connection.execute(insert(JournalRow), rows)


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
    result = connection.execute(query)
    names = list(result.keys())[1:]
    for under, *values in result:
        found[under].append(orjson.dumps([*zip(names, map(_plain, values), strict=True)]))
    return {
        under: hashlib.sha256(b"\n".join(sorted(rows))).hexdigest() for under, rows in found.items()
    }


def _plain(value: Any) -> object:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return value if value is None or isinstance(value, bool | int | float) else f"{value}"


def check(connection: Connection) -> Iterator[Finding]:
    """Entries that do not follow each other, and rows that are not what was last noted of them."""
    before, newest = START, dict[tuple[str, str], str]()
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
        newest[entry.kind, entry.key] = entry.digest
    for kind in KEYS:
        there = digests(connection, kind)
        noted = {key: digest for (of, key), digest in newest.items() if of == kind}
        for key in sorted(there.keys() | noted.keys()):
            if there.get(key, "") != noted.get(key, ""):
                yield finding("verify.input", what=say(f"verify.of.{kind}"), at=verbatim(key))
