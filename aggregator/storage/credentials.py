"""Accounts and tokens in the database."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import (
    Connection,
    Delete,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from aggregator.storage.audit import Entry, record
from aggregator.storage.database import Database, TakenError
from aggregator.storage.tables import DeviceRow, Token, User

TokenKind = Literal[
    "device", "reader", "one_stop", "link", "session", "browser", "invitation", "oidc", "enrolment"
]
Role = Literal["administrator", "manager", "head", "reader", "clerk"]
ROLES: tuple[Role, ...] = get_args(Role)
# Those that only a centre has, since a province has neither departments nor ballots.
OF_CENTRES: tuple[Role, ...] = ("head", "clerk")


# Made once: each page asks for both.
TOKEN: Select[Any] = select(Token.__table__).where(  # type: ignore[attr-defined]
    col(Token.hash) == bindparam("hash"), col(Token.kind) == bindparam("kind")
)
USER: Select[Any] = select(User.__table__).where(col(User.name) == bindparam("name"))  # type: ignore[attr-defined]


class LastAdministratorError(Exception):
    """A change after which nobody could manage the accounts any more; it was not made."""


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
        role: Role | None = None,
        department: str | None = None,
    ) -> None:
        """Store a token by the hash of its secret, and delete all expired tokens.

        ``role`` and ``department`` are those that an invitation gives; ``new`` is recorded.
        """
        with self._database.begin(write=True) as connection:
            connection.execute(delete(Token).where(col(Token.expires_at) < now))
            row: dict[str, object] = {"hash": digest, "kind": kind, "name": name}
            row |= {"role": role, "department": department}
            connection.execute(insert(Token).values(**row, created_at=now, expires_at=expires))
            if kind == "device":
                back = update(DeviceRow).where(col(DeviceRow.name) == name)
                if not connection.execute(back.values(revoked_at=None)).rowcount:
                    connection.execute(insert(DeviceRow).values(name=name, enrolled_at=now))
            if new is not None:
                record(connection, new)

    def use_up(self, kind: TokenKind, digest: str, now: datetime, expires: datetime) -> bool:
        """Note until ``expires`` that a secret was used; False where that was noted before."""
        try:
            self.add_token(kind, "-", digest, now, expires)
        except TakenError:
            return False
        return True

    def token(self, kind: TokenKind, digest: str) -> Token | None:
        """The token of this kind with this hash, expired or not; None where there is none."""
        with self._database.begin() as connection:
            row = connection.execute(TOKEN, {"hash": digest, "kind": kind}).one_or_none()
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
        with self._database.begin() as connection:
            row = connection.execute(USER, {"name": name}).one_or_none()
        return User(**row._mapping) if row else None

    def invitations(self, now: datetime) -> list[Token]:
        """The invitations that nobody has used yet and that have not expired, newest first."""
        query = select(Token.__table__).where(  # type: ignore[attr-defined]
            col(Token.kind) == "invitation", col(Token.expires_at) > now
        )
        with self._database.begin() as connection:
            rows = connection.execute(query.order_by(col(Token.created_at).desc())).all()
        return [Token(**row._mapping) for row in rows]

    def withdraw(self, digest: str, new: Entry, *, within: Collection[str]) -> bool:
        """Delete an invitation for one of the roles; False where there is none."""
        query = delete(Token).where(
            col(Token.hash) == digest, col(Token.kind) == "invitation", col(Token.role).in_(within)
        )
        with self._database.begin(write=True) as connection:
            if connection.execute(query).rowcount == 0:
                return False
            record(connection, new)
            return True

    def user_of_identity(self, identity: str) -> User | None:
        """The account that signs in by an OpenID Connect identity (see tables.User)."""
        query = select(User.__table__).where(col(User.identity) == identity)  # type: ignore[attr-defined]
        with self._database.begin() as connection:
            row = connection.execute(query).one_or_none()
        return User(**row._mapping) if row else None

    def users(self) -> list[User]:
        """All accounts in the order of their names."""
        query = select(User.__table__).order_by(col(User.name))  # type: ignore[attr-defined]
        with self._database.begin() as connection:
            return [User(**row._mapping) for row in connection.execute(query)]

    def add_user(self, user: User, new: Entry) -> None:
        with self._database.begin(write=True) as connection:
            connection.execute(insert(User).values(**user.model_dump()))
            record(connection, new)

    def accept(self, digest: str, user: User, new: Entry) -> bool:
        """Make the account that an invitation allows, and use it up; False where that was done.

        Raises StorageError where the account's name or identity was taken meanwhile.
        """
        query = delete(Token).where(col(Token.hash) == digest, col(Token.kind) == "invitation")
        with self._database.begin(write=True) as connection:
            if connection.execute(query).rowcount == 0:
                return False
            connection.execute(insert(User).values(**user.model_dump()))
            record(connection, new)
            return True

    def change_user(
        self,
        name: str,
        new: Entry,
        *,
        within: Collection[str] = ROLES,
        sign_out: bool = True,
        **values: object,
    ) -> bool:
        """Change columns of an account, and end its sessions; False where there is none.

        Only an account with a role ``within`` those given is changed; for another it is False,
        too. With ``sign_out`` its sessions, links and known browsers are forgotten. Raises
        LastAdministratorError.
        """
        with self._database.begin(write=True) as connection:
            if not _lock(connection, name, within):
                return False
            if values:
                query = update(User).where(col(User.name) == name).values(**values)
                with _administrator_left(connection):
                    connection.execute(query)
            if sign_out:
                connection.execute(_tokens_of(name))
            record(connection, new)
            return True

    def remove_user(self, name: str, new: Entry, *, within: Collection[str] = ROLES) -> bool:
        """Delete an account and what lets it in; as change_user, which see."""
        with self._database.begin(write=True) as connection:
            if not _lock(connection, name, within):
                return False
            with _administrator_left(connection):
                connection.execute(delete(User).where(col(User.name) == name))
            connection.execute(_tokens_of(name))
            record(connection, new)
            return True


def _lock(connection: Connection, name: str, within: Collection[str]) -> bool:
    """Whether there is such an account; no other transaction changes it or an administrator now.

    Locked in the order of names: two administrators who remove each other at the same moment
    wait for one another, and the second one finds itself the last.
    """
    query = select(col(User.name), col(User.role))
    query = query.where(or_(col(User.name) == name, col(User.role) == "administrator"))
    locked = connection.execute(query.order_by(col(User.name)).with_for_update())
    return any(row.name == name and row.role in within for row in locked)


@contextmanager
def _administrator_left(connection: Connection) -> Iterator[None]:
    """Raises LastAdministratorError where the block leaves no enabled administrator."""
    query = select(func.count()).where(col(User.role) == "administrator", ~col(User.disabled))
    before = connection.execute(query).scalar_one()
    yield
    if before and not connection.execute(query).scalar_one():
        raise LastAdministratorError


def _tokens_of(name: str) -> Delete:
    """Deletes what lets an account in without its password."""
    kinds = ("session", "link", "browser")
    return delete(Token).where(col(Token.kind).in_(kinds), col(Token.name) == name)
