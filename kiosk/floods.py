"""How many forms of a QR code came lately, and whether one more is beyond the centre's limits.

Nobody is turned away by a limit: what is beyond one is taken with a solved puzzle. All of it is
in memory. An address is never counted alone, since a whole centre may stand behind one, and never
kept: what is counted is a hash of it with the code, by a key that is thrown away each hour.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any

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


class Floods:
    """Counts of forms by code, and by code and network."""

    def __init__(self, limits: PhoneForm, clock: Callable[[], datetime]) -> None:
        self._limits = limits
        self._clock = clock
        self._codes: dict[str, _Count] = {}
        self._networks: dict[bytes, _Count] = {}
        self._key, self._since = secrets.token_bytes(32), clock()

    def excess(self, qr_code: QrCode, counters: int, address: str | None) -> float:
        """How far one more form is beyond a limit, from 0 (within all) to 1 (as far as is counted).

        ``counters`` is for how many the code stands, ``address`` where the form came from, None
        where that is not known.
        """
        limits = self._limits
        by_code = self._over(self._codes.get(qr_code.code), limits.forms_an_hour * counters)
        return max(by_code, self._network_excess(qr_code, counters, address))

    def is_crowd(self, qr_code: QrCode, counters: int, address: str | None) -> bool:
        """Whether one more form is beyond the limit of its network and code."""
        return self._network_excess(qr_code, counters, address) > 0

    def count(self, qr_code: QrCode, counters: int, address: str | None) -> None:
        """Count a form that is taken."""
        limits = self._limits
        self._add(self._codes, qr_code.code, limits.forms_an_hour * counters)
        if network := self._network(qr_code, address):
            self._add(self._networks, network, limits.network_an_hour * counters)

    def _network_excess(self, qr_code: QrCode, counters: int, address: str | None) -> float:
        network = self._network(qr_code, address)
        count = self._networks.get(network) if network else None
        return self._over(count, self._limits.network_an_hour * counters)

    def _over(self, count: _Count | None, limit: int) -> float:
        if count is None or not limit:
            return 0.0
        beyond = self._left(count, limit) + 1 - limit
        return min(max(beyond / limit, 0.0), 1.0)

    def _left(self, count: _Count, limit: int) -> float:
        """What of a count has not run off; a clock that was set back lets nothing run off."""
        passed = max((self._clock() - count.at) / HOUR, 0.0)
        return max(count.n - passed * limit, 0.0)

    def _add(self, counts: dict[Any, _Count], key: str | bytes, limit: int) -> None:
        if limit:
            left = self._left(counts[key], limit) if key in counts else 0.0
            counts[key] = _Count(min(left + 1, limit * FULL), self._clock())

    def _network(self, qr_code: QrCode, address: str | None) -> bytes | None:
        now = self._clock()
        if abs(now - self._since) >= HOUR:
            self._key, self._since = secrets.token_bytes(32), now
            self._networks.clear()
        network = network_of(address)
        if network is None:
            return None
        return hmac.digest(self._key, f"{network}|{qr_code.code}".encode(), "sha256")


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
