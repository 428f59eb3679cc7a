"""One kiosk, one aggregator, a wire between them, and visitors of whom each is remembered.

``check`` holds what lies on both disks against what the visitors were told.
"""

import os
import random
import re
import resource
import signal
import socket
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx2

from aggregator.dashboard.accounts import Accounts
from aggregator.intake.ingest import rebuild
from aggregator.storage.store import Store
from aggregator.storage.verify import Verification
from kiosk.qr_codes import qr_codes
from kiosk.sealing import Sealing
from kiosk.submissions import part_id
from secret_files import add_key, read_key
from surveys.centre import load_centre
from surveys.definition import load_surveys
from tests.aggregator.conftest import CENTRE, ZONE, stored, tallies
from tests.faults.cluster import Cluster
from tests.faults.nursery import Nursery, Room
from tests.faults.wire import Wire
from tests.postgresql import Postgresql
from tests.programs import free_port

COUNTER = "q05"
THANKS = "Xin cảm ơn"
SURVEYS = load_surveys()
FINGERPRINT = SURVEYS["in_centre"].fingerprint
# What is kept for a human may be a text within a text.
ID_IN_TEXT = re.compile(r'id\\*":\s?\\*"([0-9a-f-]{36})')
PATIENCE = 60.0  # seconds until a program is given up


@dataclass
class Nurseries:
    """Where both programs come from."""

    kiosk: Nursery
    aggregator: Nursery

    @classmethod
    def open(cls) -> "Nurseries":
        return cls(Nursery("kiosk"), Nursery("aggregator"))

    def close(self) -> None:
        self.kiosk.close()
        self.aggregator.close()


class Process:
    """One of the two programs, which is started, killed and started again at its port."""

    def __init__(self, nursery: Nursery, folder: Path, room: Room, **settings: object) -> None:
        self.port = free_port()
        self.log = folder / f"{room}.log"
        self._nursery = nursery
        self._settings = settings | {"port": self.port, "var": folder / room}
        self.pid: int | None = None
        self.ended = 0  # how it last did, as of os.waitpid

    def start(self, ahead: int = 0, **instead: object) -> bool:
        """Start it where it does not run; whether it listens then, or False where it ended."""
        if self.pid is None:
            self.pid = self._nursery.start(self.log, ahead, **(self._settings | instead))
        for _ in range(int(PATIENCE / 0.01)):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True
            if _ended(self.pid):
                self.kill()
                return False
            threading.Event().wait(0.01)
        raise AssertionError(f"it does not listen:\n{self.log.read_text('utf-8')}")

    def kill(self) -> None:
        """SIGKILL; it is gone afterwards."""
        if self.pid is not None:
            pid, self.pid = self.pid, None
            os.kill(pid, signal.SIGKILL)
            self.ended = self._nursery.wait(pid)

    def limit_files(self, size: int | None) -> None:
        """Let no file of it grow beyond a size in bytes, as on a full disk; None: let them."""
        if self.pid is not None:
            _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(
                self.pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard)
            )


def _ids_in(file: Path) -> set[str]:
    """Ids of the submissions in a SQLite file, the newest first, as far as it can be read."""
    ids: set[str] = set()
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(file)) as opened:
        for (id,) in opened.execute("SELECT id FROM submission ORDER BY number DESC"):
            ids.add(id)
    return ids


def _ended(pid: int) -> bool:
    """Whether a process has ended, though nobody has asked yet how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@dataclass
class Rating:
    """What one visitor said: ``codes`` of which one may be counted, ``thanked`` or not."""

    id: str
    visit: UUID
    path: str
    codes: set[int] = field(default_factory=set)
    thanked: bool = False


@dataclass
class Found:
    """What a check found wrong, as sentences; ``lost`` and ``doubled`` are also counted."""

    lost: int = 0
    doubled: int = 0
    wrong: list[str] = field(default_factory=list)


class House:
    """The set of processes that one or many schedules run on, one after the other."""

    def __init__(
        self,
        folder: Path,
        nurseries: Nurseries,
        database_url: str,
        postgresql: Postgresql | Cluster | None = None,
        *,
        sealed: bool = False,
    ) -> None:
        """``database_url`` has the schema, and lies in ``postgresql`` where it is one of it.

        ``sealed``: what waits in the outbox is encrypted.
        """
        self.folder = folder
        self.postgresql = postgresql
        self.database_url = database_url
        self.store = Store(database_url)
        accounts = Accounts(self.store, lambda: datetime.now(UTC))
        token = accounts.new_token("device", COUNTER)
        accounts.close()
        (folder / "aggregator").mkdir()
        self.aggregator = Process(
            nurseries.aggregator, folder, "aggregator", database_url=database_url, centre=CENTRE
        )
        self.wire = Wire(self.aggregator.port)
        keys = folder / "outbox.keys" if sealed else None
        if keys:
            add_key(keys)
        self._sealing = Sealing.of_file(keys)
        self.kiosk = Process(
            nurseries.kiosk,
            folder,
            "kiosk",
            aggregator_url=f"http://127.0.0.1:{self.wire.port}",
            device_token=token,
            centre=CENTRE,
            counter=COUNTER,
            **({"outbox_keys": keys} if keys else {}),
        )
        self.outbox = folder / "kiosk" / "kiosk" / "outbox.sqlite3"
        self._client = httpx2.Client(
            base_url=f"http://127.0.0.1:{self.kiosk.port}",
            trust_env=False,
            timeout=10,
            headers={"hx-request": "true", "hx-request-type": "partial"},
        )
        self.ratings: list[Rating] = []
        self.unsure: list[Rating] = []  # who was not thanked, and will send the same again
        self.closed = 0  # how often the days were closed
        self.lacks_numbers = False  # a file with some of the device's numbers was set aside
        for process in (self.aggregator, self.kiosk):
            assert process.start(), f"{process.ended}\n{process.log.read_text('utf-8')}"
        key = read_key(self.outbox.with_name("codes.key"))  # made at its first start
        codes = qr_codes(load_centre(CENTRE), datetime.now(ZONE).date(), key).values()
        self._form = next(
            one.path
            for one in codes
            if (one.place.counter_id, one.audience, one.former) == (COUNTER, "citizen", False)
        )

    @property
    def is_postgresql(self) -> bool:
        return self.database_url.startswith("postgresql")

    @property
    def database_file(self) -> Path:
        """The file of a SQLite database."""
        return Path(self.store.engine.url.database or "")

    def close(self) -> None:
        self.kiosk.kill()
        self.aggregator.kill()
        self.wire.close()
        self._client.close()
        self.store.close()

    def heal(self) -> None:
        """Everything runs, and nothing is in its way."""
        self.wire.open()
        for process in (self.aggregator, self.kiosk):
            process.limit_files(None)
            assert process.start(), f"{process.log}: {process.ended}\n{self.said()}"

    # -- visitors ---------------------------------------------------------------------------

    def visit(self, chance: random.Random) -> None:
        """One visitor taps, or sends the form of a phone, and may change their mind."""
        visit = UUID(int=chance.getrandbits(128), version=4)
        path = self._form if chance.random() < 0.3 else "/rate"
        rating = Rating(str(part_id(visit, "rating")), visit, path)
        self.ratings.append(rating)
        code = chance.randint(1, 5)
        if chance.random() < 0.1:  # the answer is lost, and the browser sends it again
            self._send_only(rating, code)
        thanked = self._send(rating, code)
        if thanked and chance.random() < 0.1:  # a finger that bounced
            self._send(rating, code)
        if path == "/rate" and thanked:
            if chance.random() < 0.15:
                self._send(rating, chance.randint(1, 5), again="1")
            if chance.random() < 0.7:
                self._post("/follow-up", rating, then="done")
        elif not thanked and chance.random() < 0.7:
            self.unsure.append(rating)

    @contextmanager
    def visitors(self, chance: random.Random, number: int) -> Iterator[None]:
        """Visitors one after the other, while something happens."""
        seed = chance.getrandbits(32)

        def come() -> None:
            own = random.Random(seed)
            for _ in range(number):
                self.visit(own)

        with ThreadPoolExecutor(1) as threads:
            coming = threads.submit(come)
            yield
            coming.result()

    def send_again(self) -> None:
        """Those who were not thanked send the same once more."""
        unsure, self.unsure = self.unsure, []
        for rating in unsure:
            if not self._send(rating, next(iter(rating.codes))):
                self.unsure.append(rating)

    def _send(self, rating: Rating, code: int, **more: str) -> bool:
        rating.codes.add(code)
        thanked = THANKS in self._post(rating.path, rating, rating=str(code), **more)
        rating.thanked = rating.thanked or thanked
        return thanked

    def _post(self, path: str, given: Rating, **fields: str) -> str:
        known = {"visit": str(given.visit), "fingerprint": FINGERPRINT}
        try:
            answer = self._client.post(path, data=known | fields)
        except httpx2.TransportError:
            return ""
        return answer.text if answer.status_code == 200 else ""

    def _send_only(self, rating: Rating, code: int) -> None:
        """Send a form and be gone before the answer comes."""
        rating.codes.add(code)
        body = f"visit={rating.visit}&fingerprint={FINGERPRINT}&rating={code}".encode()
        head = (
            f"POST {rating.path} HTTP/1.1\r\nhost: 127.0.0.1:{self.kiosk.port}\r\n"
            "content-type: application/x-www-form-urlencoded\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.kiosk.port), 1) as connection,
        ):
            connection.sendall(head.encode() + body)

    # -- what lies on the disks -------------------------------------------------------------

    def waiting(self) -> dict[str, str | None]:
        """What is in the outbox by id: None, or the reason why it stays there."""
        # Read-only: the file is the kiosk's, whether that runs or not.
        with closing(sqlite3.connect(f"file:{self.outbox}", uri=True, timeout=10)) as connection:
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            rows = connection.execute("SELECT id, body, refused FROM queue").fetchall()
            drafts = connection.execute("SELECT id FROM draft").fetchall()
        found: dict[str, str | None] = {}
        for id, sealed, refused in rows:
            body = sealed
            with suppress(ValueError):  # damaged
                body = self._sealing.open(id, sealed)
            found |= dict.fromkeys(ID_IN_TEXT.findall(body), refused)
        return found | {id: refused for id, _, refused in rows} | {id: None for (id,) in drafts}

    def until_delivered(self) -> None:
        """Wait until nothing is left in the outbox that has no reason to stay."""
        self.kiosk.kill()  # what is started anew ends all drafts of ratings
        self.heal()
        for _ in range(int(PATIENCE / 0.05)):
            if all(self.waiting().values()):
                return
            threading.Event().wait(0.05)
        raise AssertionError(f"not delivered:\n{self.kiosk.log.read_text('utf-8')}")

    def set_aside(self, file: Path, copy: Path) -> None:
        """Note that a database is not the present one any more: what it has and the copy has not.

        Who gave it an answer is told where that lies now.
        """
        left = _ids_in(file) - _ids_in(copy)
        self.lacks_numbers |= bool(left)
        for rating in self.ratings:
            rating.thanked &= rating.id not in left

    def check(self, *, at_rest: bool) -> Found:
        """Hold both disks against what the visitors were told; ``at_rest``: nothing is on its way.

        Days are closed before, a day further each time, so that late answers come, too.
        """
        found = Found(wrong=self.wire.wrong[:])
        self.closed += 1
        self.store.closings.close(datetime.now(ZONE) + timedelta(days=self.closed))
        # The outbox first: what leaves it afterwards is in the database already.
        waiting = self.waiting()
        rows = {row.id: row for row in stored(self.store) if row.survey == "in_centre"}
        known = {rating.id: rating for rating in self.ratings}
        for rating in self.ratings:
            if rating.thanked and rating.id not in rows and rating.id not in waiting:
                found.lost += 1
                found.wrong.append(f"lost: {rating}")
        for id, row in rows.items():
            if id not in known:
                found.doubled += 1
                found.wrong.append(f"nobody gave this one: {row}")
            elif row.answers.get("rating") not in known[id].codes:
                found.wrong.append(f"counted as another: {row.answers} {known[id]}")
        visits = Counter(row.visit for row in rows.values())
        for visit, n in visits.items():
            if n > 1:
                found.doubled += n - 1
                found.wrong.append(f"counted {n} times: visit {visit}")
        for id, reason in waiting.items():
            if reason is not None and not reason.strip():
                found.wrong.append(f"refused without a reason: {id}")
        if not self.tallies_hold():
            found.wrong.append("tallies are not those of a rebuild")
        may_lack = self.lacks_numbers or not at_rest  # a later batch may come before an earlier one
        for one in self.verification().findings():
            if not (may_lack and one.kind == "number_missing"):
                found.wrong.append(f"verify: {one.get('en')}")
        return found

    def verification(self) -> Verification:
        return Verification(self.store, SURVEYS, load_centre(CENTRE))

    def tallies_hold(self) -> bool:
        """Whether tallies are those of a rebuild, between two deliveries."""
        while True:
            before, counted = len(stored(self.store)), tallies(self.store)
            rows, _ = rebuild(self.store, lambda done: None)
            again = tallies(self.store)
            if before == rows == len(stored(self.store)):
                return counted == again

    def said(self) -> str:
        """What both programs have printed, for a failure."""
        logs = (self.kiosk.log, self.aggregator.log)
        return "\n".join(f"--- {log.name}\n{log.read_text('utf-8')[-4000:]}" for log in logs)
