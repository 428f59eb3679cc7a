"""The devices that hand submissions in: where each is, and what it last told of itself."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from aggregator.storage.audit import COMMAND_LINE, Entry, record
from aggregator.storage.database import Database, StorageError
from aggregator.storage.tables import DeviceRow, Token

Place = tuple[str | None, str | None]  # a department or a counter, or neither


@dataclass(frozen=True)
class Device:
    """A device as its token shows it: the server's knowledge, never the sender's word.

    One that is bound has a ``counter`` or a ``department``, and hands in answers of that place
    alone. One that is not has neither, and hands in those of the whole centre: so must a kiosk
    whose forms phones open for other places.
    """

    number: int
    name: str
    department: str | None = None
    counter: str | None = None


@dataclass(frozen=True)
class Beat:
    """What a device tells of itself: ``drift`` is by how many seconds its clock is ahead."""

    pending: int
    refused: int
    drift: int
    version: str


class Devices:
    """Reads and writes tables.DeviceRow. Every method raises StorageError.

    A device token belongs to the device of its name. Devices are revoked, never deleted: what
    they handed in says by their number which one it was.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self) -> list[DeviceRow]:
        """All devices in the order of their names, those that are revoked last."""
        order = (col(DeviceRow.revoked_at).is_not(None), col(DeviceRow.name))
        with self._database.begin() as connection:
            found = connection.execute(select(DeviceRow.__table__).order_by(*order))  # type: ignore[attr-defined]
            return [DeviceRow(**row._mapping) for row in found]

    def named(self, name: str) -> Device | None:
        """The device of a name."""
        columns = (DeviceRow.number, DeviceRow.name, DeviceRow.department, DeviceRow.counter)
        query = select(*map(col, columns)).where(col(DeviceRow.name) == name)
        with self._database.begin() as connection:
            row = connection.execute(query).one_or_none()
        return Device(**row._mapping) if row else None

    def offer(
        self, name: str, place: Place | None, digest: str, until: datetime, new: Entry
    ) -> bool:
        """Let a device be enrolled by the code of this hash, in place of an earlier code.

        With a ``place`` the device is new: False, and nothing changed, where the name is taken.
        """
        codes = delete(Token).where(col(Token.kind) == "enrolment", col(Token.name) == name)
        token = insert(Token).values(
            hash=digest, kind="enrolment", name=name, created_at=new.at, expires_at=until
        )
        try:
            with self._database.begin(write=True) as connection:
                if place is not None:
                    row = {"department": place[0], "counter": place[1]}
                    connection.execute(
                        insert(DeviceRow).values(name=name, enrolled_at=new.at, **row)
                    )
                connection.execute(codes)
                connection.execute(token)
                record(connection, new)
        except StorageError as error:
            if isinstance(error.__cause__, IntegrityError):
                return False
            raise
        return True

    def enrol(self, code: str, digest: str, now: datetime) -> Device | None:
        """Use a code up, by its hash: the device gets a token in place of those that it had.

        None, and nothing changed, where the code is wrong, used or expired.
        """
        query = select(col(Token.name)).where(
            col(Token.hash) == code, col(Token.kind) == "enrolment", col(Token.expires_at) > now
        )
        with self._database.begin(write=True) as connection:
            name = connection.execute(query).scalar_one_or_none()
            if (
                not name
                or not connection.execute(delete(Token).where(col(Token.hash) == code)).rowcount
            ):
                return None
            old = delete(Token).where(col(Token.kind) == "device", col(Token.name) == name)
            connection.execute(old)
            row = {"hash": digest, "kind": "device", "name": name, "created_at": now}
            connection.execute(insert(Token).values(**row))
            back = update(DeviceRow).where(col(DeviceRow.name) == name)
            connection.execute(back.values(revoked_at=None, enrolled_at=now))
            record(connection, Entry(now, COMMAND_LINE, "device.enrolled", {"name": name}))
        return self.named(name)

    def add(self, name: str, digest: str, now: datetime, new: Entry | None = None) -> bool:
        """Make a device with a token, or give a revoked one a token again, at its place.

        False, and nothing changed, where a device of this name has a token.
        """
        token = insert(Token).values(hash=digest, kind="device", name=name, created_at=now)
        back = update(DeviceRow).where(
            col(DeviceRow.name) == name, col(DeviceRow.revoked_at).is_not(None)
        )
        try:
            with self._database.begin(write=True) as connection:
                if not connection.execute(back.values(revoked_at=None, enrolled_at=now)).rowcount:
                    connection.execute(insert(DeviceRow).values(name=name, enrolled_at=now))
                connection.execute(token)
                if new is not None:
                    record(connection, new)
        except StorageError as error:
            if isinstance(error.__cause__, IntegrityError):
                return False
            raise
        return True

    def place(self, number: int, department: str | None, counter: str | None, new: Entry) -> bool:
        """Bind a device to a place, move it, or unbind it; False where there is none."""
        with self._database.begin(write=True) as connection:
            query = update(DeviceRow).where(col(DeviceRow.number) == number)
            query = query.values(department=department, counter=counter)
            if not connection.execute(query).rowcount:
                return False
            record(connection, new)
        return True

    def rename(self, former: str, name: str, new: Entry) -> bool:
        """Give a device another name; False, and nothing changed, where another one has it."""
        kinds = ("device", "enrolment")
        tokens = update(Token).where(col(Token.kind).in_(kinds), col(Token.name) == former)
        query = update(DeviceRow).where(col(DeviceRow.name) == former)
        try:
            with self._database.begin(write=True) as connection:
                if not connection.execute(query.values(name=name)).rowcount:
                    return False
                connection.execute(tokens.values(name=name))
                record(connection, new)
        except StorageError as error:
            if isinstance(error.__cause__, IntegrityError):
                return False
            raise
        return True

    def revoke(self, name: str, now: datetime, new: Entry) -> bool:
        """Delete a device's tokens and its code; False where that was done, or there is none."""
        kinds = ("device", "enrolment")
        tokens = delete(Token).where(col(Token.kind).in_(kinds), col(Token.name) == name)
        own = (col(DeviceRow.name) == name, col(DeviceRow.revoked_at).is_(None))
        query = update(DeviceRow).where(*own).values(revoked_at=now)
        with self._database.begin(write=True) as connection:
            if not connection.execute(query).rowcount:
                return False
            connection.execute(tokens)
            record(connection, new)
        return True

    def note(self, number: int, now: datetime, beat: Beat | None) -> None:
        """Note that a device was heard of now, and what it told of itself where it did."""
        told = vars(beat) if beat else {}
        query = update(DeviceRow).where(col(DeviceRow.number) == number)
        with self._database.begin(write=True) as connection:
            connection.execute(query.values(seen_at=now, **told))
