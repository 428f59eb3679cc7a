"""The chains of devices (surveys.chain): how far each has come, what is missing, what is double."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlmodel import col

from aggregator.storage.database import Database, StorageError, mark_of
from aggregator.storage.tables import ChainNote, DeviceChain
from surveys.chain import START, link, next_link

MOST_RUNS = 200  # kept of a chain; beyond them the oldest gap counts as lost

# Why a number is noted: a second submission has it; it does not follow the one before; it came,
# and what came by it was not stored: it was refused, or is stored by another number.
Kind = Literal["fork", "broken", "not_stored"]


class Handed(NamedTuple):
    """A numbered submission that came in; ``digest`` is None where it could not be read."""

    chain: int
    seq: int
    mac: str
    digest: str | None
    stored: bool


class Run(NamedTuple):
    """Numbers that have come without a gap, with what is needed to join it at both ends."""

    first: int
    first_mac: str
    first_digest: str | None
    last: int
    last_mac: str


class Broken(NamedTuple):
    """A number whose link is not what the key gives after the one before."""

    seq: int
    mac: str


class Span(NamedTuple):
    """Numbers from one to another, both included."""

    first: int
    last: int


@dataclass
class Progress:
    """What has come of a chain: ``runs`` in order, and how many numbers are given up as lost."""

    number: int
    key: str
    runs: list[Run] = field(default_factory=list)
    lost: int = 0

    def follow(self, came: Sequence[Handed]) -> int:
        """Take what came as long as it follows the last number, fits and is stored; how many.

        So nearly all comes. For speed: ``take`` does the same for one of any kind.
        """
        if self.runs:
            first, first_mac, first_digest, last, mac = self.runs[-1]
        else:
            first, first_mac, first_digest, last, mac = 1, came[0].mac, came[0].digest, 0, START
        key, before, taken = bytes.fromhex(self.key), bytes.fromhex(mac), 0
        for _, seq, mac, digest, stored in came:
            if seq != last + 1 or digest is None or not stored:
                break
            made = next_link(key, before, seq, digest)
            if made.hex() != mac:
                break
            before, last, taken = made, seq, taken + 1
        if taken:
            self.runs[-1:] = [Run(first, first_mac, first_digest, last, before.hex())]
        return taken

    def take(self, seq: int, mac: str, digest: str | None) -> list[Broken] | None:
        """Take a number in; whatever the order in which they come, the same numbers are missing.

        Returns whose link is seen to be broken by it, which may be itself and the one after it;
        None where the number has come before.
        """
        at = len(self.runs)
        while at and self.runs[at - 1].first > seq:
            at -= 1
        before = self.runs[at - 1] if at else None
        if before is not None and seq <= before.last:
            return None
        after = self.runs[at] if at < len(self.runs) else None
        made, broken = Run(seq, mac, digest, seq, mac), []
        if seq == 1 or (before is not None and before.last == seq - 1):
            last = before.last_mac if before is not None else START
            if digest is not None and link(self.key, last, seq, digest) != mac:
                broken.append(Broken(seq, mac))
            if before is not None:
                made = before._replace(last=seq, last_mac=mac)
                at -= 1
                del self.runs[at]
        if after is not None and after.first == seq + 1:
            known = after.first_digest
            if known is not None and link(self.key, mac, after.first, known) != after.first_mac:
                broken.append(Broken(after.first, after.first_mac))
            made = made._replace(last=after.last, last_mac=after.last_mac)
            del self.runs[at]
        self.runs.insert(at, made)
        if len(self.runs) > MOST_RUNS:
            one, two = self.runs[:2]
            self.lost += two.first - one.last - 1
            self.runs[:2] = [one._replace(last=two.last, last_mac=two.last_mac)]
        return broken

    @property
    def gaps(self) -> list[Span]:
        """The numbers that have not come, below the highest that has."""
        ends = [0, *(run.last for run in self.runs)]
        return [
            Span(end + 1, run.first - 1)
            for end, run in zip(ends, self.runs, strict=False)
            if run.first > end + 1
        ]


@dataclass(frozen=True)
class Standing:
    """A chain as the page of devices shows it: its highest number, and what is wrong with it."""

    device: int
    begun_at: datetime
    highest: int
    gaps: Sequence[Span]
    lost: int
    forks: int
    broken: int
    unnumbered: int

    @property
    def missing(self) -> int:
        """How many numbers have not come."""
        return self.lost + sum(gap.last - gap.first + 1 for gap in self.gaps)

    @property
    def whole(self) -> bool:
        return not (self.missing or self.forks or self.broken or self.unnumbered)


class Chains:
    """Reads and registers chains. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def number(self, name: str, key: str, device: int, now: datetime) -> int:
        """The number of a chain, which is registered where nobody has seen it yet.

        Its first key stays: whoever names the chain with another one makes links that do not fit.
        """
        own = col(DeviceChain.name) == name
        with self._database.begin(write=True) as connection:
            query = select(col(DeviceChain.number), col(DeviceChain.device)).where(own)
            row = connection.execute(query).one_or_none()
            if row is None:
                new = {"name": name, "key": key, "device": device, "begun_at": now, "runs": []}
                connection.execute(insert(DeviceChain).values(**new, lost=0, unnumbered=0))
                row = connection.execute(query).one()
            elif row.device != device:
                connection.execute(update(DeviceChain).where(own).values(device=device))
            return int(row.number or 0)

    def standings(self) -> dict[int, list[Standing]]:
        """By the number of each device that chains, its chains, the newest first."""
        kinds = (
            func.count().filter(col(ChainNote.kind) == "fork"),
            func.count().filter(col(ChainNote.kind) == "broken"),
        )
        of = col(ChainNote.chain)
        found: dict[int, list[Standing]] = defaultdict(list)
        with self._database.begin() as connection:
            noted = {
                row[0]: (row[1], row[2])
                for row in connection.execute(select(of, *kinds).group_by(of))
            }
            rows = connection.execute(
                select(DeviceChain.__table__).order_by(col(DeviceChain.begun_at).desc())  # type: ignore[attr-defined]
            ).all()
        for row in rows:
            progress = _progress(row.number, row.key, row.runs, row.lost)
            highest = progress.runs[-1].last if progress.runs else 0
            forks, broken = noted.get(row.number, (0, 0))
            found[row.device].append(
                Standing(
                    row.device, row.begun_at, highest, progress.gaps, row.lost, forks, broken,
                    row.unnumbered,
                )
            )  # fmt: skip
        return found


# Each transaction of submissions runs these: built once, since that costs more than running them.
_READ = select(
    *map(col, (DeviceChain.number, DeviceChain.key, DeviceChain.runs, DeviceChain.lost))
).where(col(DeviceChain.number).in_(bindparam("numbers", expanding=True)))
_ADVANCE = (
    update(DeviceChain)
    .where(col(DeviceChain.number) == bindparam("chain"))
    .values(runs=bindparam("runs"), lost=bindparam("lost"))
)


def note_numbers(connection: Connection, handed: Iterable[Handed], now: datetime) -> None:
    """Note what came of chains in the transaction that stores it; refuses nothing.

    Raises StorageError where a chain is not registered here: the database was exchanged.
    """
    by_chain: dict[int, list[Handed]] = defaultdict(list)
    for one in handed:
        by_chain[one.chain].append(one)
    if not by_chain:
        return
    rows = connection.execute(_READ, {"numbers": list(by_chain)})
    found = {row[0]: _progress(*row) for row in rows}
    if len(found) < len(by_chain):
        raise StorageError("a chain is not registered")
    notes: list[dict[str, object]] = []
    for chain, came in by_chain.items():
        progress = found[chain]
        doubled = []
        in_order = sorted(came, key=_seq)
        for one in in_order[progress.follow(in_order) :]:
            broken = progress.take(one.seq, one.mac, one.digest)
            if broken is None:
                if one.stored:
                    doubled.append(one)
                continue
            notes += [_note(chain, *each, "broken", now) for each in broken]
            if not one.stored:
                notes.append(_note(chain, one.seq, one.mac, "not_stored", now))
        forks = _forks(connection, chain, doubled)
        notes += [_note(chain, one.seq, one.mac, "fork", now) for one in forks]
        runs = [list(run) for run in progress.runs]
        connection.execute(_ADVANCE, {"chain": chain, "runs": runs, "lost": progress.lost})
    if notes:
        connection.execute(insert(ChainNote), notes)


def note_unnumbered(connection: Connection, devices: Mapping[int, int]) -> None:
    """Count, by device, submissions without a number; it matters where the device has a chain."""
    if devices:
        mark = mark_of(connection)
        counted = [(n, device) for device, n in devices.items()]
        connection.exec_driver_sql(
            f"UPDATE device_chain SET unnumbered = unnumbered + {mark} WHERE device = {mark}",  # noqa: S608
            counted,
        )


def _forks(connection: Connection, chain: int, doubled: Sequence[Handed]) -> list[Handed]:
    """Those whose number had come before, but for what came, was refused, and is stored now."""
    if not doubled:
        return []
    query = select(col(ChainNote.seq), col(ChainNote.mac)).where(
        col(ChainNote.chain) == chain,
        col(ChainNote.kind) == "not_stored",
        col(ChainNote.seq).in_([one.seq for one in doubled]),
    )
    waited = set(map(tuple, connection.execute(query)))
    return [one for one in doubled if (one.seq, one.mac) not in waited]


def _note(chain: int, seq: int, mac: str, kind: Kind, now: datetime) -> dict[str, object]:
    return {"chain": chain, "seq": seq, "mac": mac, "kind": kind, "at": now}


def _seq(one: Handed) -> int:
    return one.seq


def _progress(number: int, key: str, runs: Sequence[Sequence[object]], lost: int) -> Progress:
    return Progress(number, key, [Run(*run) for run in runs], lost)  # type: ignore[arg-type]
