"""Contact details of who asked to be called back: encrypted, apart from the answer, for a time.

The key lies in a file beside the database, never in it: whoever has a copy of the database alone
reads nothing.
"""

import base64
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import and_, delete, exists, or_, select
from sqlmodel import col

from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database, StorageError
from aggregator.storage.tables import CaseRow, ContactRow, ReceiptRow
from secret_files import KeyFileError, read_key

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
        return read_key(path)
    except KeyFileError as error:
        raise StorageError(str(error)) from error
