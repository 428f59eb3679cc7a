"""Accounts and tokens in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Delete, Row, delete, insert, select, update
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database
from aggregator.storage.tables import Token, User

TokenKind = Literal["device", "reader", "link", "session", "browser"]
Role = Literal["manager", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)


class Credentials:
    """Reads and writes tables.User and tables.Token; accounts.py says what these allow."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_token(
        self,
        kind: TokenKind,
        name: str,
        digest: str,
        now: datetime,
        expires: datetime | None,
        new: Entry | None = None,
    ) -> None:
        """Store a token by the hash of its secret, and delete all expired tokens."""
        with self._database.begin(write=True) as connection:
            connection.execute(delete(Token).where(col(Token.expires_at) < now))
            row = {"hash": digest, "kind": kind, "name": name}
            connection.execute(insert(Token).values(**row, created_at=now, expires_at=expires))
            if new is not None:
                record(connection, new)

    def token(self, kind: TokenKind, digest: str) -> Token | None:
        """The token of this kind with this hash, expired or not; None where there is none."""
        query = select(Token.__table__).where(col(Token.hash) == digest, col(Token.kind) == kind)  # type: ignore[attr-defined]
        with self._database.begin() as connection:
            row = connection.execute(query).one_or_none()
        return Token(**row._mapping) if row else None

    def tokens(self, kind: TokenKind) -> Sequence[Row[str, datetime]]:
        query = select(col(Token.name), col(Token.created_at)).where(col(Token.kind) == kind)
        with self._database.begin() as connection:
            return connection.execute(query.order_by(col(Token.created_at))).all()

    def remove_tokens(
        self,
        kinds: Collection[TokenKind],
        *where: ColumnElement[bool],
        new: Entry | None = None,
    ) -> int:
        """Delete the tokens of these kinds that meet all conditions; returns how many."""
        query = delete(Token).where(col(Token.kind).in_(kinds), *where)
        with self._database.begin(write=True) as connection:
            removed = connection.execute(query).rowcount
            if removed and new is not None:
                record(connection, new)
            return removed

    def remove_token(self, kind: TokenKind, digest: str) -> bool:
        """Delete a token; True if it was there. Of two callers one gets True: links work once."""
        return self.remove_tokens([kind], col(Token.hash) == digest) == 1

    def remove_tokens_of(self, name: str, *kinds: TokenKind, new: Entry | None = None) -> int:
        return self.remove_tokens(kinds, col(Token.name) == name, new=new)

    def user(self, name: str) -> User | None:
        query = select(User.__table__).where(col(User.name) == name)  # type: ignore[attr-defined]
        with self._database.begin() as connection:
            row = connection.execute(query).one_or_none()
        return User(**row._mapping) if row else None

    def users(self) -> Sequence[Row[str, str, datetime]]:
        query = select(col(User.name), col(User.role), col(User.created_at))
        with self._database.begin() as connection:
            return connection.execute(query.order_by(col(User.name))).all()

    def add_user(self, user: User, new: Entry) -> None:
        with self._database.begin(write=True) as connection:
            connection.execute(insert(User).values(**user.model_dump()))
            record(connection, new)

    def set_password(self, name: str, password_hash: str, new: Entry) -> None:
        """Set a password, and forget the account's sessions, links and known browsers."""
        with self._database.begin(write=True) as connection:
            query = update(User).where(col(User.name) == name)
            connection.execute(query.values(password_hash=password_hash))
            connection.execute(_tokens_of(name))
            record(connection, new)

    def remove_user(self, name: str, new: Entry) -> bool:
        """Delete an account, its sessions, links and known browsers; False if there was none."""
        with self._database.begin(write=True) as connection:
            if connection.execute(delete(User).where(col(User.name) == name)).rowcount == 0:
                return False
            connection.execute(_tokens_of(name))
            record(connection, new)
            return True


def _tokens_of(name: str) -> Delete:
    """Deletes what lets an account in without its password."""
    kinds = ("session", "link", "browser")
    return delete(Token).where(col(Token.kind).in_(kinds), col(Token.name) == name)
