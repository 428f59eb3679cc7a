"""How many forms of a QR code came lately, and whether one more is beyond the centre's limits.

Nobody is turned away by a limit: what is beyond one is taken with a solved puzzle. Forms of a code
are counted in the outbox's file, in the transaction that takes them, by all processes that share
it; one that cannot be stored is not counted. Networks are counted in the memory of each process,
for nothing of an address may lie on a disk: an address is never counted alone, since a whole
centre may stand behind one, but as a hash of it with the code, by a key that is thrown away each
hour.
"""

import hmac
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from kiosk.disk import Disk, stamp
from kiosk.puzzles import Puzzle
from kiosk.qr_codes import QrCode
from surveys.guards import PhoneForm

HOUR = timedelta(hours=1)
FULL = 2.0  # a count stops at so many times its limit: after a flood an hour empties it
HARDEST = 16  # times the effort, where a count is full


class FloodError(Exception):
    """A form is beyond a limit: it is taken once the puzzle is solved."""

    def __init__(self, puzzle: Puzzle) -> None:
        super().__init__("beyond a limit")
        self.puzzle = puzzle


@dataclass
class _Count:
    """So many forms at a time; it runs off as fast as its limit fills it."""

    n: float
    at: datetime


@dataclass(frozen=True)
class Form:
    """A form that came: by which code, which stands for so many ``counters``, and from where.

    ``address`` is None where that is not known.
    """

    qr_code: QrCode
    counters: int
    address: str | None


class Floods:
    """Counts of forms by code, and by code and network."""

    def __init__(self, limits: PhoneForm, disk: Disk, clock: Callable[[], datetime]) -> None:
        self._limits = limits
        self._disk = disk
        self._clock = clock
        self._networks: dict[bytes, _Count] = {}
        self._key, self._since = secrets.token_bytes(32), clock()

    @contextmanager
    def taking(self, form: Form, beyond: Callable[[float], None]) -> Iterator[bool]:
        """A transaction of the outbox that counts a form, in which it is to be stored.

        Gives whether its network has sent many of this code. ``beyond`` is asked first where the
        form is beyond a limit, with how far, from 0 to 1 (as far as is counted); what it raises
        refuses the form. Whatever fails inside, the form is not counted. Raises OutboxError.
        """
        key = None
        try:
            # One at a time: of many forms that come at once no more get through.
            with self._disk.transaction() as connection:
                by_code = self._limits.forms_an_hour * form.counters
                by_network = self._limits.network_an_hour * form.counters
                network = self._network(form)
                sent = _read(connection, form.qr_code.code)
                many = self._over(self._networks.get(network) if network else None, by_network)
                if excess := max(self._over(sent, by_code), many):
                    beyond(excess)
                if by_code:
                    _write(connection, form.qr_code.code, self._one_more(sent, by_code))
                if network and by_network:
                    key = network
                    self._networks[key] = self._one_more(self._networks.get(key), by_network)
                yield many > 0
        except BaseException:
            if key in self._networks:
                self._networks[key].n -= 1
            raise

    def _over(self, count: _Count | None, limit: int) -> float:
        if count is None or not limit:
            return 0.0
        beyond = self._left(count, limit) + 1 - limit
        return min(max(beyond / limit, 0.0), 1.0)

    def _left(self, count: _Count, limit: int) -> float:
        """What of a count has not run off; a clock that was set back lets nothing run off."""
        passed = max((self._clock() - count.at) / HOUR, 0.0)
        return max(count.n - passed * limit, 0.0)

    def _one_more(self, count: _Count | None, limit: int) -> _Count:
        left = self._left(count, limit) if count else 0.0
        return _Count(min(left + 1, limit * FULL), self._clock())

    def _network(self, form: Form) -> bytes | None:
        now = self._clock()
        if abs(now - self._since) >= HOUR:
            self._key, self._since = secrets.token_bytes(32), now
            self._networks.clear()
        network = network_of(form.address)
        if network is None:
            return None
        return hmac.digest(self._key, f"{network}|{form.qr_code.code}".encode(), "sha256")


def _read(connection: sqlite3.Connection, code: str) -> _Count | None:
    row = connection.execute("SELECT n, at FROM sent WHERE code = ?", (code,)).fetchone()
    return None if row is None else _Count(float(row[0]), datetime.fromisoformat(row[1]))


def _write(connection: sqlite3.Connection, code: str, count: _Count) -> None:
    connection.execute(
        "INSERT INTO sent (code, n, at) VALUES (?, ?, ?)"
        " ON CONFLICT (code) DO UPDATE SET n = excluded.n, at = excluded.at",
        (code, count.n, stamp(count.at)),
    )


def network_of(address: str | None) -> str | None:
    """An IPv4 address, or the network that IPv6 gives to one house; None for this very machine.

    From this machine comes what a proxy hands on without telling the address.
    """
    try:
        found = ip_address(address or "")
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback:
        return None
    return str(found) if found.version == 4 else found.packed[:8].hex()
