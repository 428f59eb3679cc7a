"""Contact details of who asked to be called back: encrypted, apart from the answer, for a time.

The key lies in a file beside the database, never in it: whoever has a copy of the database alone
reads nothing.
"""

import base64
import os
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import and_, delete, exists, or_, select
from sqlmodel import col

from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database, StorageError
from aggregator.storage.tables import CaseRow, ContactRow, ReceiptRow

KEY_BYTES = 32  # AES-256
NONCE_BYTES = 12  # random for each text, as NIST SP 800-38D asks


class Contacts:
    """Reads and writes tables.ContactRow. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def leave(self, receipt: str, text: str, at: datetime, key: Path) -> None:
        """Keep the contact details for a receipt's hash, in place of earlier ones."""
        row = {"receipt": receipt, "sealed": _sealed(text, receipt, _key(key)), "left_at": at}
        table = ContactRow.__table__  # type: ignore[attr-defined]
        with self._database.begin(write=True) as connection:
            connection.execute(delete(ContactRow).where(col(ContactRow.receipt) == receipt))
            connection.execute(table.insert().values(**row))

    def withdraw(self, receipt: str) -> None:
        """Delete what was left for a receipt's hash, because who left it says so."""
        with self._database.begin(write=True) as connection:
            connection.execute(delete(ContactRow).where(col(ContactRow.receipt) == receipt))

    def exists(self, receipt: str) -> bool:
        """Whether contact details are kept for a receipt's hash."""
        query = select(exists().where(col(ContactRow.receipt) == receipt))
        with self._database.begin() as connection:
            return bool(connection.execute(query).scalar_one())

    def read(self, receipt: str, key: Path, new: Entry) -> str | None:
        """The contact details for a receipt's hash, and ``new`` in the audit log.

        None, and nothing in the log, where there are none, or where the key is another one.
        """
        query = select(col(ContactRow.sealed)).where(col(ContactRow.receipt) == receipt)
        with self._database.begin(write=True) as connection:
            sealed = connection.execute(query).scalar_one_or_none()
            text = None if sealed is None else _opened(sealed, receipt, _key(key))
            if text is not None:
                record(connection, new)
        return text

    def forget(self, now: datetime, days: int) -> int:
        """Delete what is too old; returns how many.

        That is what was left for cases that were closed more than so many days ago, and for
        comments of which nobody has made a case in as many days.
        """
        before = now - timedelta(days=days)
        of = or_(
            col(CaseRow.number) == col(ReceiptRow.case_number),
            col(CaseRow.submission) == col(ReceiptRow.submission),
        )
        same = col(ReceiptRow.hash) == col(ContactRow.receipt)
        case = exists().where(of, same)
        closed = exists().where(of, same, col(CaseRow.closed_at) < before)
        old = or_(closed, and_(~case, col(ContactRow.left_at) < before))
        with self._database.begin() as connection:
            found = list(connection.execute(select(col(ContactRow.receipt)).where(old)).scalars())
        if found:  # mostly there are none, and then no write lock is taken
            with self._database.begin(write=True) as connection:
                connection.execute(
                    delete(ContactRow).where(col(ContactRow.receipt).in_(found), old)
                )
        return len(found)


def _sealed(text: str, receipt: str, key: bytes) -> str:
    """A text encrypted for one receipt: under another one it cannot be read."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(
        nonce + AESGCM(key).encrypt(nonce, text.encode(), receipt.encode())
    ).decode()


def _opened(sealed: str, receipt: str, key: bytes) -> str | None:
    raw = base64.b64decode(sealed)
    try:
        opened = AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], receipt.encode())
    except InvalidTag:
        return None
    return opened.decode()


def _key(path: Path) -> bytes:
    """The key of a file, which is made with the first contact details, for its user alone."""
    try:
        if not path.exists():
            _make(path)
        key = base64.b64decode(path.read_text("ascii").strip(), validate=True)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: {type(error).__name__}") from error
    if len(key) != KEY_BYTES:
        raise StorageError(f"{path}: not a key of {KEY_BYTES} bytes in base 64")
    return key


def _make(path: Path) -> None:
    """Write a new key, whole or not at all; one that another process has just made stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.touch(0o600, exist_ok=False)
    try:
        with draft.open("w", encoding="ascii") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
