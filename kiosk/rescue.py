"""An outbox file whose bytes were damaged: noticed, kept aside, and what can be read taken over.

SQLite notices what breaks its pages, and says nothing of the end of a log (``-wal``) that follows
a damaged part. Rows are read by SQLite as far as it can, and what it cannot is looked for in the
bytes: a row of the queue has its own digest, so what is found is what was said. One-time codes are
taken over with whether they were used (code_rows.py).
"""

import fcntl
import json
import re
import shutil
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from kiosk import code_rows
from kiosk.sealing import LostKeyError

BROKEN_FILE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
BROKEN = (sqlite3.Error, UnicodeDecodeError)  # what reading a damaged file raises
# Those that are not there have nothing to give. The chain is left: the numbers that it gave last
# may not be known any more, and none may be given twice.
TABLES = ("queue", "delivered", "draft", "one_time")
OURS = (b"SQLite format 3\0", b"CREATE TABLE queue", b"CREATE TABLE delivered")
DAMAGED = "kiosk: damaged on the disk; it is not what was said"  # of a row
SHARED_BYTES = 510, 0x4000_0002  # how many, from where; see SQLite's os.h
WAL_HEADER, FRAME_HEADER = 32, 24

STAMP = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"
ID = rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
BODY = rb'\{"id":"\1".{20,3900}?\}|sealed:[0-9a-f]{16}:[A-Za-z0-9+/]+=*'
# As their columns follow each other in a page: id, digest, body, added; and id, body, expires.
ROW = re.compile(rb"(%b)([0-9a-f]{64})(%b)(%b)" % (ID, BODY, STAMP), re.DOTALL)
DRAFT = re.compile(rb"(%b)(%b)(%b)" % (ID, BODY, STAMP), re.DOTALL)
# What was a body, however it or what stands around it was damaged: one of two marks begins it,
# and one of two parts of a moment follows.
BEGIN = rb'(?:\{"id":"(.{36})|.{43}(?=","survey":"))'
MOMENT = rb"(?=\d{4}-\d\d-\d\dT|.{26}\+00:00)"
LEFT = re.compile(rb"(?:%b.{20,3900}?\}|sealed:.{20,6000}?)%b" % (BEGIN, MOMENT), re.DOTALL)
UNFIT = -1  # in place of the checksum of what is known to be damaged: no text has it

# Of what was said, from an id and a body as it is stored. Raises ValueError where it cannot be
# read, and LostKeyError.
Digest = Callable[[str, str], str]
# Done in the new file with what was taken over, in the same transaction.
Afterwards = Callable[[sqlite3.Connection], None]


def checksum(id: str, body: str) -> int:
    """By which a row is known that was damaged where SQLite does not notice: CRC-32."""
    return zlib.crc32(f"{id}{body}".encode("utf-8", "surrogatepass"))


def is_whole(id: str, body: str, stored: int | None) -> bool:
    """Whether a row is what was stored; older releases stored no checksum."""
    if stored is None:
        return body.startswith(f'{{"id":"{id}"') and body.endswith("}")
    return checksum(id, body) == stored


def lenient(text: bytes) -> str:
    """A text as it is read: where a byte of it is none any more, its checksum tells so.

    By itself sqlite3 would refuse every row with it, and put what was said into the reason.
    """
    return text.decode("utf-8", "replace")


def is_damage(error: Exception) -> bool:
    """Whether an error tells of a file that is broken, not of one that is full or locked.

    A name within it that is no text any more breaks even SQLite's own messages.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, UnicodeDecodeError) or code in BROKEN_FILE


def is_ours(path: Path) -> bool:
    """Whether a file that SQLite cannot read has been an outbox: no other is set aside."""
    with path.open("rb") as file:
        first = file.read(65_536)
    return any(mark in first for mark in OURS)


def is_in_use(path: Path) -> bool:
    """Whether another process has the file open: only who has it alone may look at it or move it.

    As long as a connection in WAL mode is open SQLite holds a shared lock on these bytes. A
    process must not ask while it has the file open itself: to close it lets go of its own locks.
    """
    try:
        with path.open("rb+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, *SHARED_BYTES)
    except OSError:
        return True
    return False


def look_over(path: Path) -> str | None:
    """What is wrong with the bytes of a file; None where nothing is, or nobody can look now.

    It is looked at in a copy, since opening a file changes its log.
    """
    if not path.exists() or is_in_use(path):
        return None
    for left in path.parent.glob(f"{path.name}-look-*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    prefix = f"{path.name}-look-"
    try:
        with TemporaryDirectory(prefix=prefix, dir=path.parent) as folder:
            copy = _copied(path, Path(folder))
            written = _frames(log) if (log := log_of(copy)).exists() else 0
            with closing(_opened(copy)) as connection:
                (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                _, read, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except BROKEN as error:
        return str(error) if is_damage(error) and is_ours(path) else None
    except OSError:
        return None
    if verdict != "ok":
        return str(verdict)
    return "the log is damaged" if written > max(read, 0) else None


def is_under_way(path: Path) -> bool:
    """Whether a rescue was begun and not ended."""
    return _mark(path).exists()


def set_aside(path: Path, name: str) -> Path:
    """Rename a damaged file and its log, and note that it is being rescued; returns its new path.

    Begun again, it goes on where it was. ``name`` tells this damage from others.
    """
    mark = _mark(path)
    if not mark.exists():
        mark.write_text(name, "ascii")
    aside = path.with_name(f"{path.name}.damaged-{mark.read_text('ascii')}")
    if not aside.exists():
        with suppress(FileNotFoundError):
            log_of(path).rename(log_of(aside))
        path.rename(aside)
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return aside


def settle(path: Path, fresh: Path) -> None:
    """Put the new file in the place of the one that was set aside."""
    fresh.rename(path)
    _mark(path).unlink()


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.rescue")


def log_of(path: Path) -> Path:
    """SQLite's log of a file."""
    return path.with_name(f"{path.name}-wal")


def salvage(aside: Path, connection: sqlite3.Connection, digest: Digest, now: str) -> None:
    """Take over into a new file, inside a transaction, what can be read of a damaged one.

    One more row tells of the damage, so that it is seen wherever refused rows are.
    """
    prefix = f"{aside.name.partition('.damaged-')[0]}-look-"
    with TemporaryDirectory(prefix=prefix, dir=aside.parent) as folder:
        copy = _copied(aside, Path(folder))
        raw = b"\n".join(one.read_bytes() for one in (copy, log_of(copy)) if one.exists())
        with suppress(*BROKEN), closing(_opened(copy)) as damaged:
            for table in TABLES:
                _take_over(damaged, connection, table)
    rows = connection.execute("SELECT id, body, checksum, seq FROM queue").fetchall()
    for *row, seq in rows:
        if not is_whole(*row):
            connection.execute("UPDATE queue SET refused = ? WHERE seq = ?", (DAMAGED, seq))
    found = _found(raw, connection, digest, now)
    code_rows.take_over(raw, connection)
    id = str(uuid4())
    body = json.dumps({"id": id, "survey": "?", "department": None, "unread": aside.name})
    reason = (
        f"kiosk: the outbox was damaged; {len(rows)} rows were read and {found} found in its "
        f"bytes. It is kept as {aside.name}"
    )
    connection.execute(
        "INSERT INTO queue (id, digest, body, added, refused, checksum) VALUES (?, '', ?, ?, ?, ?)",
        (id, body, now, reason, checksum(id, body)),
    )


def _found(raw: bytes, connection: sqlite3.Connection, digest: Digest, now: str) -> int:
    """Take over the rows and drafts that are found in the bytes; returns how many were unknown."""
    before = connection.total_changes
    for id, said, body, added in _texts(ROW, raw):
        if not _known(connection, id) and _holds(id, body, digest, said):
            connection.execute(
                "INSERT INTO queue (id, digest, body, added, checksum) VALUES (?, ?, ?, ?, ?)",
                (id, said, body, added, checksum(id, body)),
            )
    # Of a draft that was changed the bytes of before may be there, too: the last one expires last.
    for id, body, _ in sorted(_texts(DRAFT, raw), key=lambda one: one[2], reverse=True):
        if not _known(connection, id) and _holds(id, body, digest):
            connection.execute(
                "INSERT INTO draft (id, body, expires, checksum) VALUES (?, ?, ?, ?)",
                (id, body, now, checksum(id, body)),
            )
    for id, body, refused in _left(raw, digest):
        if not _known(connection, id):
            check = UNFIT if refused else checksum(id, body)
            connection.execute(
                "INSERT INTO queue (id, digest, body, added, refused, checksum)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (id, "" if refused else digest(id, body), body, now, refused, check),
            )
    return connection.total_changes - before


def _left(raw: bytes, digest: Digest) -> Iterator[tuple[str, str, str | None]]:
    """Bodies by their ids, and why a human must look: None of those that are what was said.

    Whose own id is damaged has that of its row or draft, which stands before it.
    """
    for found in LEFT.finditer(raw):
        start, body = found.start(), lenient(found[0])
        said, own = lenient(raw[max(0, start - 64) : start]), lenient(found[1] or b"")
        if own and _holds(own, body, digest, said):
            yield own, body, None
            continue
        columns = (raw[max(0, start - back) : start][:36] for back in (100, 36))
        for id in (*columns, found[1] or b""):
            if re.fullmatch(ID, id):
                yield id.decode(), body, DAMAGED
                break


def _known(connection: sqlite3.Connection, id: str) -> bool:
    query = " UNION ALL ".join(f"SELECT 1 FROM {one} WHERE id = :id" for one in TABLES[:3])  # noqa: S608
    return connection.execute(query, {"id": id}).fetchone() is not None


def _texts(pattern: re.Pattern[bytes], raw: bytes) -> Iterator[tuple[str, ...]]:
    for found in pattern.finditer(raw):
        with suppress(UnicodeDecodeError):
            yield tuple(part.decode() for part in found.groups())


def _holds(id: str, body: str, digest: Digest, said: str = "") -> bool:
    """Whether a body is what was said, as far as its key is here to tell; without ``said`` any."""
    try:
        found = digest(id, body)
    except LostKeyError:
        return True
    except ValueError:
        return False
    return found == (said or found)


def _take_over(damaged: sqlite3.Connection, connection: sqlite3.Connection, table: str) -> None:
    """Copy the rows of a table, from its first on and from its last back, as far as each goes."""
    columns = _columns(connection, table)
    if not columns:
        return
    for order in ("ASC", "DESC"):
        with suppress(*BROKEN):
            there = _columns(damaged, table)
            names = ", ".join(name for name in columns if name in there)
            query = f"SELECT {names} FROM {table} ORDER BY {columns[0]} {order}"  # noqa: S608
            marks = ", ".join("?" * (names.count(",") + 1))
            insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
            for row in damaged.execute(query):
                with suppress(sqlite3.IntegrityError):  # a value that is none any more
                    connection.execute(insert, row)


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def _copied(path: Path, folder: Path) -> Path:
    copy = folder / path.name
    shutil.copy(path, copy)
    with suppress(FileNotFoundError):
        shutil.copy(log_of(path), log_of(copy))
    return copy


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = lenient
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _frames(log: Path) -> int:
    """How many frames a log has up to its last commit, whether they can be read or not.

    The format is that of https://www.sqlite.org/fileformat2.html#walformat. Frames of before the
    log began anew have other salts than its head.
    """
    raw = log.read_bytes()
    if len(raw) < WAL_HEADER + FRAME_HEADER:
        return 0
    magic, _, page, _ = struct.unpack_from(">4I", raw)
    if page < 512 or page > 65_536:
        page = 4_096
    salts = raw[16:24] if _head_holds(raw, magic) else raw[WAL_HEADER + 8 : WAL_HEADER + 16]
    last = 0
    places = range(WAL_HEADER, len(raw) - FRAME_HEADER - page + 1, FRAME_HEADER + page)
    for number, at in enumerate(places, 1):
        _, committed = struct.unpack_from(">2I", raw, at)
        if raw[at + 8 : at + 16] == salts and committed:
            last = number
    return last


def _head_holds(raw: bytes, magic: int) -> bool:
    """Whether the head of a log has the checksum that it says."""
    words = struct.unpack_from(("<" if magic & 1 == 0 else ">") + "6I", raw)
    first = second = 0
    for left, right in zip(words[::2], words[1::2], strict=True):
        first = (first + left + second) & 0xFFFFFFFF
        second = (second + right + first) & 0xFFFFFFFF
    return struct.unpack_from(">2I", raw, 24) == (first, second)
