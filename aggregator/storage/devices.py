"""The devices that hand submissions in: where each is, and what it last told of itself."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from aggregator.storage.audit import COMMAND_LINE, Entry, record
from aggregator.storage.centres import OlderVersionError, newest_number
from aggregator.storage.database import Database, Lock, TakenError
from aggregator.storage.tables import DeviceRow, Token
from surveys.definition import Channel

CHANNELS: tuple[Channel, ...] = ("kiosk", "qr")  # what a device may use that was given no others
# How long before it was enrolled a device may have taken answers: a kiosk keeps them till then.
BEFORE = timedelta(days=31)
MOVING = timedelta(days=30)  # within which a device that is moved tells that it knows
Place = tuple[str | None, str | None]  # a department or a counter, or neither


@dataclass(frozen=True)
class Stay:
    """A place to which a device was bound (neither: to none), until a moment by its own clock.

    While it has not been heard of at its new place the moment is to come: MOVING after the move.
    """

    department: str | None
    counter: str | None
    until: datetime


@dataclass(frozen=True)
class Device:
    """A device as its token shows it: the server's knowledge, never the sender's word.

    One that is bound has a ``counter`` or a ``department``, and hands in answers of that place
    alone, and of each it was bound to before those that were given there until it left. One
    that is not has neither, and hands in those of the whole centre: so must a kiosk whose forms
    phones open for other places. Nothing it hands in was answered before ``since``, or by another
    channel than its own.
    """

    number: int
    name: str
    department: str | None = None
    counter: str | None = None
    formerly: tuple[Stay, ...] = ()
    since: datetime | None = None
    channels: tuple[str, ...] = CHANNELS

    def places(self, at: datetime) -> Iterator[Place]:
        """The places of which it may hand in what was answered at a moment, the present first."""
        yield self.department, self.counter
        for stay in self.formerly:
            if at < stay.until:
                yield stay.department, stay.counter


@dataclass(frozen=True)
class Beat:
    """What a device tells of itself: ``drift`` is by how many seconds its clock is ahead.

    ``told_department`` and ``told_counter`` are the place by which it works, where it tells.
    ``settled`` is whether that is the one that it has now, or it does not tell of places.
    """

    pending: int
    refused: int
    drift: int
    version: str
    told_department: str | None = None
    told_counter: str | None = None
    settled: bool = True


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
        place = (DeviceRow.department, DeviceRow.counter, DeviceRow.formerly)
        columns = (DeviceRow.number, DeviceRow.name, *place)
        more = (DeviceRow.enrolled_at, DeviceRow.channels)
        query = select(*map(col, (*columns, *more))).where(col(DeviceRow.name) == name)
        with self._database.begin() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        own = (row.number, row.name, row.department, row.counter, stays(row.formerly))
        return Device(*own, row.enrolled_at - BEFORE, tuple(row.channels or CHANNELS))

    def offer(
        self, name: str, place: Place | None, digest: str, until: datetime, new: Entry, seen: int
    ) -> bool:
        """Let a device be enrolled by the code of this hash, in place of an earlier code.

        With a ``place`` the device is new: False, and nothing changed, where the name is taken.
        ``seen`` as for place, for the place that a device has, too.
        """
        codes = delete(Token).where(col(Token.kind) == "enrolment", col(Token.name) == name)
        token = insert(Token).values(
            hash=digest, kind="enrolment", name=name, created_at=new.at, expires_at=until
        )
        try:
            with self._placing(seen) as connection:
                if place is not None:
                    row = {"department": place[0], "counter": place[1]}
                    connection.execute(
                        insert(DeviceRow).values(name=name, enrolled_at=new.at, **row)
                    )
                connection.execute(codes)
                connection.execute(token)
                record(connection, new)
        except TakenError:
            return False
        return True

    def enrol(self, code: str, digest: str, now: datetime) -> Device | None:
        """Use a code up, by its hash: the device gets another token, as by renew.

        So one whose enrolment is cut off goes on with the token that it has. None, and nothing
        changed, where the code is wrong, used or expired.
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
            own: ColumnElement[bool] = col(DeviceRow.name) == name
            back: dict[str, object] = {"revoked_at": None}
            if not _give(connection, name, digest, now):
                # It learns its place with its only token; one that has another tells when it has.
                back |= {"formerly": _left(connection, own, now)}
            connection.execute(update(DeviceRow).where(own).values(**back))
            record(connection, Entry(now, COMMAND_LINE, "device.enrolled", {"name": name}))
        return self.named(name)

    def add(
        self,
        name: str,
        digest: str,
        now: datetime,
        new: Entry | None = None,
        channels: Sequence[Channel] = (),
    ) -> bool:
        """Make a device with a token, or give a revoked one a token again, at its place.

        Without ``channels`` it may use CHANNELS. False, and nothing changed, where a device of
        this name has a token.
        """
        token = insert(Token).values(hash=digest, kind="device", name=name, created_at=now)
        back = update(DeviceRow).where(
            col(DeviceRow.name) == name, col(DeviceRow.revoked_at).is_not(None)
        )
        try:
            with self._database.begin(write=True) as connection:
                # When it was enrolled first stays: its disk may hold answers from before.
                may = {"channels": list(channels) if channels else None}
                if not connection.execute(back.values(revoked_at=None, **may)).rowcount:
                    new_row = insert(DeviceRow).values(name=name, enrolled_at=now, **may)
                    connection.execute(new_row)
                connection.execute(token)
                if new is not None:
                    record(connection, new)
        except TakenError:
            return False
        return True

    def renew(self, name: str, digest: str, new: Entry) -> bool:
        """Give a device another token; the one that it works by is valid until that was used.

        One that was given before, and never used, is not valid any more. False, and nothing
        changed, where no device of this name has a token.
        """
        query = select(col(Token.hash)).where(col(Token.kind) == "device", col(Token.name) == name)
        with self._database.begin(write=True) as connection:
            if connection.execute(query).first() is None:
                return False
            _give(connection, name, digest, new.at)
            record(connection, new)
            return True

    def settle(self, token: Token, now: datetime) -> bool:
        """Delete the tokens that a device had before this one, which it has used; whether any."""
        earlier = (
            col(Token.kind) == "device",
            col(Token.name) == token.name,
            col(Token.created_at) < token.created_at,
        )
        with self._database.begin() as connection:
            if connection.execute(select(col(Token.hash)).where(*earlier)).first() is None:
                return False
        with self._database.begin(write=True) as connection:
            if not connection.execute(delete(Token).where(*earlier)).rowcount:
                return False
            told = {"name": token.name}
            record(connection, Entry(now, COMMAND_LINE, "device.renewal_used", told))
            return True

    def place(
        self, number: int, department: str | None, counter: str | None, new: Entry, seen: int
    ) -> bool:
        """Bind a device to a place, move it, or unbind it; False where there is none.

        ``seen`` is the number of the version of the centre's document in which the place was
        seen to be open. Raises centres.OlderVersionError where there is a newer one.

        Where it was stays its place, too, until it is heard of at the new one, for MOVING at
        most; that of a device which tells nothing of itself ends now.
        """
        own = col(DeviceRow.number) == number
        columns = (DeviceRow.department, DeviceRow.counter, DeviceRow.version, DeviceRow.formerly)
        with self._placing(seen) as connection:
            row = connection.execute(select(*map(col, columns)).where(own)).one_or_none()
            if row is None:
                return False
            place = department, counter
            former = [one for one in row.formerly or () if tuple(one[:2]) != place]
            if (row.department, row.counter) != place:
                until = new.at + MOVING if row.version else new.at
                former.append([row.department, row.counter, until.isoformat()])
            query = update(DeviceRow).where(own)
            connection.execute(
                query.values(department=department, counter=counter, formerly=former or None)
            )
            record(connection, new)
        return True

    @contextmanager
    def _placing(self, seen: int) -> Iterator[Connection]:
        """A transaction in which no other version can be saved; see place."""
        with self._database.locked(Lock.WRITER) as connection:
            if newest_number(connection) != seen:
                raise OlderVersionError
            yield connection

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
        except TakenError:
            return False
        return True

    def revoke(self, name: str, now: datetime, new: Entry) -> bool:
        """Delete a device's tokens and its code; False where that was done, or there is none."""
        kinds = ("device", "enrolment")
        tokens = delete(Token).where(col(Token.kind).in_(kinds), col(Token.name) == name)
        own = (col(DeviceRow.name) == name, col(DeviceRow.revoked_at).is_(None))
        query = update(DeviceRow).where(*own).values(revoked_at=now)
        with self._database.begin(write=True) as connection:
            revoked = connection.execute(query).rowcount
            # A revoked one may have a code by which it is to come back.
            if not connection.execute(tokens).rowcount and not revoked:
                return False
            record(connection, new)
        return True

    def awaited(self, now: datetime) -> set[str]:
        """The names of the devices that have a code by which they can enrol now."""
        query = select(col(Token.name)).where(
            col(Token.kind) == "enrolment", col(Token.expires_at) > now
        )
        with self._database.begin() as connection:
            return set(connection.execute(query).scalars())

    def note(self, number: int, now: datetime, beat: Beat | None, drift: int | None = None) -> None:
        """Note that a device was heard of now, and what it told of itself where it did.

        ``drift`` is by how many seconds its clock was ahead when it handed something in.
        """
        told: dict[str, object] = dict(vars(beat)) if beat else {}
        if beat is None and drift is not None:
            told["drift"] = drift
        own = col(DeviceRow.number) == number
        with self._database.begin(write=True) as connection:
            if told.pop("settled", False) and beat is not None:
                told["formerly"] = _left(connection, own, now + timedelta(seconds=beat.drift))
            connection.execute(update(DeviceRow).where(own).values(seen_at=now, **told))


def stays(formerly: Sequence[Sequence[str | None]] | None) -> tuple[Stay, ...]:
    """The former places of tables.DeviceRow."""
    return tuple(
        Stay(department, counter, datetime.fromisoformat(str(until)))
        for department, counter, until in formerly or ()
    )


def _give(connection: Connection, name: str, digest: str, now: datetime) -> bool:
    """Give a device another token beside the one that it works by; whether it has one.

    One that was given before, and never used, is not valid any more.
    """
    own = (col(Token.kind) == "device", col(Token.name) == name)
    query = select(col(Token.hash)).where(*own).order_by(col(Token.created_at))
    oldest = connection.execute(query).scalars().first()
    if oldest is not None:
        connection.execute(delete(Token).where(*own, col(Token.hash) != oldest))
    row = {"hash": digest, "kind": "device", "name": name, "created_at": now}
    connection.execute(insert(Token).values(**row))
    return oldest is not None


def _left(
    connection: Connection, own: ColumnElement[bool], until: datetime
) -> list[list[str | None]] | None:
    """The former places of a device that is at its present one since a moment."""
    formerly = connection.execute(select(col(DeviceRow.formerly)).where(own)).scalar_one_or_none()
    return formerly and [
        [one.department, one.counter, min(one.until, until).isoformat()] for one in stays(formerly)
    ]
