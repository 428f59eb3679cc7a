"""One-time codes that the one-stop software asked for, until the kiosk has them that serves them.

Kept is a hash of each, with the place whose form it opens. Each code belongs to one kiosk, whose
address is printed with it: that kiosk fetches all of its codes together, and what it has is
deleted here. So a code is known in one place only, and nothing here tells when one was used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from aggregator.storage.database import Database
from aggregator.storage.tables import CodeServer, DeviceRow, OneTimeCode

INSERT: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
AT_ONCE = 500  # codes that a kiosk fetches


@dataclass(frozen=True)
class Waiting:
    """A code that its kiosk has not got yet."""

    number: int
    hash: str
    department: str | None
    counter: str | None
    until: date


class OneTimeCodes:
    """Reads and writes tables.OneTimeCode and CodeServer. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def server(self) -> tuple[int, str] | None:
        """The number and address of the kiosk heard of last that phones reach; None without one."""
        query = (
            select(col(CodeServer.device), col(CodeServer.address))
            .join(DeviceRow, col(DeviceRow.number) == col(CodeServer.device))
            .where(col(DeviceRow.revoked_at).is_(None))
            .order_by(col(DeviceRow.seen_at).desc(), col(DeviceRow.number).desc())
        )
        with self._database.begin() as connection:
            row = connection.execute(query.limit(1)).one_or_none()
        return None if row is None else (row[0], row[1])

    def add(
        self,
        device: int,
        hashes: Sequence[str],
        department: str | None,
        counter: str | None,
        until: date,
    ) -> None:
        """Keep the hashes of new codes for a kiosk."""
        place = {"department": department, "counter": counter, "until": until}
        rows = [{"device": device, "hash": hash, **place} for hash in hashes]
        with self._database.begin(write=True) as connection:
            connection.execute(insert(OneTimeCode), rows)

    def fetched(self, device: int, after: int, address: str, today: date) -> list[Waiting]:
        """The codes that wait for a kiosk, which has those numbered up to ``after``.

        These are deleted, and so are codes that have expired. ``address`` is where phones reach it.
        """
        own = col(OneTimeCode.device) == device
        query = select(OneTimeCode.__table__).where(own)  # type: ignore[attr-defined]
        serves = select(col(CodeServer.address)).where(col(CodeServer.device) == device)
        with self._database.begin() as connection:
            rows = connection.execute(query.order_by(col(OneTimeCode.number))).all()
            known = connection.execute(serves).scalar_one_or_none()
        if known != address or any(row.number <= after or row.until < today for row in rows):
            with self._database.begin(write=True) as connection:
                had = (col(OneTimeCode.number) <= after) | (col(OneTimeCode.until) < today)
                connection.execute(delete(OneTimeCode).where(own, had))
                statement = INSERT[connection.dialect.name](CodeServer)
                new = {"device": device, "address": address}
                connection.execute(
                    statement.values(**new).on_conflict_do_update(
                        index_elements=["device"], set_={"address": address}
                    )
                )
        left = [row for row in rows if row.number > after and row.until >= today]
        return [
            Waiting(row.number, row.hash, row.department, row.counter, row.until)
            for row in left[:AT_ONCE]
        ]
