"""The faults of a schedule: each lets visitors come while something goes wrong, once."""

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal

import psycopg

from deploy import backup, restore
from tests.faults import wire
from tests.faults.cluster import Cluster
from tests.faults.house import House, Process
from tests.faults.nursery import FAKETIME
from tests.postgresql import Postgresql

Fault = Callable[[House, random.Random], None]
FAULTS: dict[str, Fault] = {}
ON_SQLITE = {"database full", "database read-only", "database damaged, then restored"}
FULL = "PostgreSQL's disk full"
ON_ONE_SERVER = {"PostgreSQL restarted", FULL, "database locked"}
ON_CLUSTER = {"PostgreSQL failed over"}

SOON = 1.5  # seconds within which a delivery meets a fault
SECONDS = {"an hour": 3_600, "a day": 86_400, "a year": 365 * 86_400}


def fault(name: str) -> Callable[[Fault], Fault]:
    def known(run: Fault) -> Fault:
        FAULTS[name] = run
        return run

    return known


def moment(chance: random.Random, most: float = 0.04) -> None:
    """Let a random part of a second pass: faults may come anywhere between tap and tally."""
    threading.Event().wait(chance.uniform(0, most))


# -- on the wire ----------------------------------------------------------------------------------


def on_the_wire(name: str, happens: wire.Fault) -> None:
    def run(house: House, chance: random.Random) -> None:
        for _ in range(chance.randint(1, 2)):
            house.wire.plan(happens, chance.getrandbits(32))
        with house.visitors(chance, 3):
            pass
        house.wire.until_met(SOON)

    FAULTS[name] = run


for _name, _happens in {
    "connection closed": wire.refused,
    "batch cut": wire.batch_cut,
    "batch late": wire.batch_late,
    "batch doubled": wire.batch_doubled,
    "receipt lost": wire.receipt_lost,
    "receipt cut": wire.receipt_cut,
    "receipt late": wire.receipt_late,
    "receipt doubled": wire.receipt_doubled,
    "receipts missing": wire.receipts_missing,
    "bits of the batch altered": wire.batch_altered,
    "bits of its head altered": wire.head_altered,
    "bits of the receipts altered": wire.receipts_altered,
    "answer 500": wire.status_500,
    "answer 503": wire.status_503,
    "answer HTML": wire.html,
    "answer garbage": wire.garbage,
}.items():
    on_the_wire(_name, _happens)


@fault("nobody listens")
def nobody_listens(house: House, chance: random.Random) -> None:
    house.wire.shut()
    with house.visitors(chance, 3):
        pass
    house.wire.open()


@fault("no such name (DNS)")
def no_such_name(house: House, chance: random.Random) -> None:
    house.kiosk.kill()
    house.kiosk.start(aggregator_url="http://tong-hop.invalid:8000")
    with house.visitors(chance, 3):
        pass
    house.kiosk.kill()


# -- killed ---------------------------------------------------------------------------------------


@fault("kiosk killed, visitors at it")
def kiosk_killed(house: House, chance: random.Random) -> None:
    with house.visitors(chance, 4):
        moment(chance)
        house.kiosk.kill()


@fault("kiosk killed, receipt on its way")
def kiosk_killed_before_receipt(house: House, chance: random.Random) -> None:
    async def happens(at: wire.Exchange) -> None:
        await at.answered()
        house.kiosk.kill()

    house.wire.plan(happens, 0)
    with house.visitors(chance, 2):
        pass
    house.wire.until_met(SOON)


@fault("kiosk killed, receipt come")
def kiosk_killed_after_receipt(house: House, chance: random.Random) -> None:
    async def happens(at: wire.Exchange) -> None:
        await at.answer(await at.answered())
        moment(chance, 0.004)
        house.kiosk.kill()

    house.wire.plan(happens, 0)
    with house.visitors(chance, 3):
        pass
    house.wire.until_met(SOON)


@fault("kiosk killed as it starts")
def kiosk_killed_starting(house: House, chance: random.Random) -> None:
    with house.visitors(chance, 2):
        pass
    house.kiosk.kill()
    house.kiosk.start()
    moment(chance, 0.02)
    house.kiosk.kill()


@fault("aggregator killed, batch come")
def aggregator_killed(house: House, chance: random.Random) -> None:
    async def happens(at: wire.Exchange) -> None:
        kill = threading.Timer(at.chance.uniform(0, 0.012), house.aggregator.kill)
        kill.start()
        with suppress(OSError, EOFError):
            await at.answer(await at.answered())
        kill.join()

    house.wire.plan(happens, chance.getrandbits(32))
    with house.visitors(chance, 3):
        pass
    house.wire.until_met(SOON)


@fault("aggregator killed, receipt on its way")
def aggregator_killed_before_receipt(house: House, chance: random.Random) -> None:
    async def happens(at: wire.Exchange) -> None:
        await at.answered()
        house.aggregator.kill()

    house.wire.plan(happens, 0)
    with house.visitors(chance, 2):
        pass
    house.wire.until_met(SOON)


@fault("both killed")
def both_killed(house: House, chance: random.Random) -> None:
    with house.visitors(chance, 4):
        moment(chance)
        processes = [house.kiosk, house.aggregator]
        for process in chance.sample(processes, 2):
            process.kill()


# -- clocks ---------------------------------------------------------------------------------------


def clock_off(whose: Literal["kiosk", "aggregator"], name: str, seconds: int) -> None:
    def run(house: House, chance: random.Random) -> None:
        process: Process = getattr(house, whose)
        process.kill()
        process.start(ahead=chance.choice((-seconds, seconds)))
        with house.visitors(chance, 2):
            pass
        moment(chance, 0.2)
        process.kill()  # and starts by the right time

    FAULTS[f"{whose}'s clock {name} off"] = run


for _name, _seconds in SECONDS.items():
    clock_off("kiosk", _name, _seconds)
    if FAKETIME is not None:
        clock_off("aggregator", _name, _seconds)


# -- disks ----------------------------------------------------------------------------------------


def _limited(process: Process, files: list[Path], chance: random.Random) -> None:
    """A limit at which the next write, or one soon after, no longer fits."""
    sizes = [file.stat().st_size for file in files if file.exists()]
    process.limit_files(chance.choice(sizes or [0]) + chance.choice((0, 4_096, 16_384)))


def _with_log(file: Path) -> list[Path]:
    return [file, file.with_name(f"{file.name}-wal")]


@fault("outbox full")
def outbox_full(house: House, chance: random.Random) -> None:
    _limited(house.kiosk, _with_log(house.outbox), chance)
    with house.visitors(chance, 4):
        pass
    if chance.random() < 0.5:
        house.kiosk.kill()


@fault("database full")
def database_full(house: House, chance: random.Random) -> None:
    _limited(house.aggregator, _with_log(house.database_file), chance)
    with house.visitors(chance, 4):
        pass
    if chance.random() < 0.5:
        house.aggregator.kill()


@contextmanager
def _read_only(file: Path) -> Iterator[None]:
    """The folder and its files may not be written, as on a disk that was mounted so."""
    folder = file.parent
    within = [folder, *folder.glob(f"{file.name}*")]
    modes = {path: path.stat().st_mode for path in within}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            with suppress(FileNotFoundError):
                path.chmod(mode)


@fault("outbox read-only")
def outbox_read_only(house: House, chance: random.Random) -> None:
    if chance.random() < 0.7:
        house.kiosk.kill()
    with _read_only(house.outbox):
        house.kiosk.start()
        with house.visitors(chance, 2):
            pass
        house.kiosk.kill()


@fault("database read-only")
def database_read_only(house: House, chance: random.Random) -> None:
    if chance.random() < 0.7:
        house.aggregator.kill()
    with _read_only(house.database_file):
        house.aggregator.start()
        with house.visitors(chance, 2):
            pass
        house.aggregator.kill()


@fault("outbox damaged")
def outbox_damaged(house: House, chance: random.Random) -> None:
    with house.visitors(chance, 3):
        pass
    house.kiosk.kill()
    file = chance.choice([one for one in _with_log(house.outbox) if one.exists()])
    raw = bytearray(file.read_bytes())
    for place in chance.sample(range(len(raw)), min(len(raw), chance.choice((1, 2, 8)))):
        raw[place] ^= 1 << chance.randrange(8)
    file.write_bytes(raw)
    house.kiosk.start()
    with house.visitors(chance, 2):
        pass


@fault("database damaged, then restored")
def database_damaged(house: House, chance: random.Random) -> None:
    """What cannot be stored in it stays with the kiosk; what it takes all the same is told apart.

    A copy of just before is put back, as from a backup.
    """
    with house.visitors(chance, 2):
        pass
    house.aggregator.kill()
    file, copy = house.database_file, house.folder / "copy.db"
    backup.copy_sqlite(file, copy)  # which also brings what is in the log into it
    copy.chmod(0o600)
    roots = roots_of(file)
    with file.open("r+b") as opened:
        for root in roots if chance.random() < 0.5 else chance.sample(roots, 1):
            opened.seek(root)
            opened.write(chance.randbytes(512))
    house.aggregator.start()
    with house.visitors(chance, 2):
        pass
    house.aggregator.kill()
    house.store.close()  # it opens the new file when it is next asked
    house.set_aside(file, copy)
    assert restore.main([str(copy), str(file), "--instead"]) == 0


def roots_of(file: Path) -> list[int]:
    """Where the first page of each table and index but the schema's lies in a SQLite file."""
    with closing(sqlite3.connect(file)) as opened:
        [[size]] = opened.execute("PRAGMA page_size").fetchall()
        rows = opened.execute("SELECT rootpage FROM sqlite_master WHERE rootpage > 1")
        return [(page - 1) * size for (page,) in rows]


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None, timeout=5)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@fault("outbox locked")
def outbox_locked(house: House, chance: random.Random) -> None:
    with house.visitors(chance, 3):
        moment(chance)
        with suppress(sqlite3.OperationalError), _locked(house.outbox):
            # The kiosk gives up after two seconds: a visitor is told so, now and then.
            moment(chance, 2.2 if chance.random() < 0.03 else 0.2)


@fault("database locked")
def database_locked(house: House, chance: random.Random) -> None:
    with house.visitors(chance, 3):
        moment(chance)
        if house.is_postgresql:
            with psycopg.connect(house.database_url.replace("+psycopg", "")) as other:
                other.execute("LOCK TABLE submission IN ACCESS EXCLUSIVE MODE")
                moment(chance, 0.6)
        else:
            with suppress(sqlite3.OperationalError), _locked(house.database_file):
                moment(chance, 0.6)


@fault("PostgreSQL restarted")
def postgresql_restarted(house: House, chance: random.Random) -> None:
    assert isinstance(house.postgresql, Postgresql)
    with house.visitors(chance, 5):
        moment(chance)
        house.postgresql.stop()
        moment(chance)
        house.postgresql.start()


@fault(FULL)
def postgresql_full(house: House, chance: random.Random) -> None:
    """Tables cannot grow any more, or the server dies since its log cannot."""
    assert isinstance(house.postgresql, Postgresql)
    with house.visitors(chance, 5):
        moment(chance)
        with house.postgresql.full():
            if chance.random() < 0.5:
                house.postgresql.use_up_log()
            moment(chance, 0.5)
        house.postgresql.revive()


@fault("PostgreSQL failed over")
def postgresql_failed_over(house: House, chance: random.Random) -> None:
    assert isinstance(house.postgresql, Cluster)
    with house.visitors(chance, 6):
        moment(chance)
        house.postgresql.fail_over()
    house.postgresql.until_whole()


def faults_of(house: House) -> dict[str, Fault]:
    """Those that can happen to a house."""
    if isinstance(house.postgresql, Cluster):
        never = ON_SQLITE | ON_ONE_SERVER
    elif isinstance(house.postgresql, Postgresql):
        never = ON_SQLITE | ON_CLUSTER | (set() if house.postgresql.small else {FULL})
    else:
        never = {"PostgreSQL restarted", FULL} | ON_CLUSTER
    return {name: run for name, run in FAULTS.items() if name not in never}
