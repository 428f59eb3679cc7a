"""How often a password may be guessed: waits that grow with wrong ones and pass by themselves."""

import hashlib
import ipaddress
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aggregator.storage.wrong_passwords import State


@dataclass(frozen=True)
class Limit:
    """How fast wrong passwords may follow each other.

    The first ``free`` cost no wait; with each further one the wait doubles, from one second to
    ``longest`` seconds. One is forgotten every ``longest`` seconds. So of a stranger's guesses
    no more than ``free + log2(longest) + 2 + t / longest`` are checked in any ``t`` seconds.
    """

    free: int
    longest: float


# A browser in which the account was signed in before: nobody but its user makes it wait.
KNOWN_BROWSER = Limit(free=4, longest=60)
# Other browsers, by what they have in common. Who guesses from one address soon waits a minute
# each time: too slow to make anybody at another address wait for the account.
ACCOUNT_AT_ADDRESS = Limit(free=4, longest=60)
ADDRESS = Limit(free=30, longest=2)  # for all accounts: a whole centre may share one address
ACCOUNT = Limit(free=20, longest=15)  # from all addresses

# Wrong passwords are counted by bucket: a limit, and the name, address or browser that it is for.
Bucket = tuple[Limit, str]


def buckets_of(name: str, address: str, browser: str | None) -> list[Bucket]:
    """What an attempt to sign in as ``name`` is counted in.

    ``address`` is the client's, as text; ``browser`` stands for a browser in which the account
    was signed in before, and is None for any other.
    """
    if browser is not None:
        return [(KNOWN_BROWSER, browser)]
    network = _network(address)
    return [(ACCOUNT_AT_ADDRESS, f"{network} {name}"), (ADDRESS, network), (ACCOUNT, name)]


def _network(address: str) -> str:
    """The address; of IPv6 its network of 64 bits, all of whose addresses one client has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a test client or a local socket
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))


class Counts(Protocol):
    """Where wrong passwords are kept: here, or in WrongPasswords, which see."""

    def turn(self) -> AbstractContextManager[object]: ...
    def get(self, buckets: Sequence[str]) -> Mapping[str, State]: ...
    def put(self, states: Mapping[str, tuple[float, float, float]], now: float) -> None: ...


class InMemory:
    """The wrong passwords of the only process that checks any; as WrongPasswords.

    Only checked passwords are counted, and checks are slow. So however many names and addresses a
    stranger uses, there are few buckets, and none has to be dropped before its wait is over, which
    a stranger could use to end his own wait.
    """

    def __init__(self) -> None:
        self._states: dict[str, tuple[float, float, float]] = {}
        self._tidy_at = 1_000  # buckets

    def __len__(self) -> int:
        return len(self._states)

    def turn(self) -> AbstractContextManager[object]:
        return nullcontext()

    def get(self, buckets: Sequence[str]) -> dict[str, State]:
        return {one: self._states[one][:2] for one in buckets if one in self._states}

    def put(self, states: Mapping[str, tuple[float, float, float]], now: float) -> None:
        if len(self._states) >= self._tidy_at:
            kept = {bucket: state for bucket, state in self._states.items() if state[2] > now}
            self._states, self._tidy_at = kept, max(1_000, 2 * len(kept))
        self._states |= states


class Throttle:
    """How long passwords have to wait, by the wrong ones of the last minutes.

    Where several processes share a database they share its counts, by clocks that should agree.
    Methods raise StorageError where these cannot be had.
    """

    def __init__(self, clock: Callable[[], datetime], counts: Counts | None = None) -> None:
        self._clock = clock
        self._counts = InMemory() if counts is None else counts

    def turn(self) -> AbstractContextManager[object]:
        """Held around looking at the wait, checking a password and counting it."""
        return self._counts.turn()

    def wait(self, buckets: Sequence[Bucket]) -> float:
        """Seconds until a password that counts in these buckets may be checked; 0 for now."""
        now = self._clock().timestamp()
        states = self._states(buckets)
        # Where the clock was set back the wait begins again, and ends.
        ahead = {bucket: (n, now) for bucket, (n, since) in states.items() if now < since}
        if ahead:
            self._put(ahead, now)
        return max(_wait(*state, bucket[0], now) for bucket, state in (states | ahead).items())

    def count_wrong(self, buckets: Sequence[Bucket]) -> None:
        """Count a password that was checked and is wrong."""
        now = self._clock().timestamp()
        states = self._states(buckets)
        self._put({at: (_left(*state, at[0], now) + 1, now) for at, state in states.items()}, now)

    def _states(self, buckets: Sequence[Bucket]) -> dict[Bucket, State]:
        """Of each bucket the wrong passwords, without the forgotten, and the time of the last."""
        keys = {bucket: _key(bucket) for bucket in buckets}
        found = self._counts.get(list(keys.values()))
        return {bucket: found.get(key, (0.0, -math.inf)) for bucket, key in keys.items()}

    def _put(self, states: Mapping[Bucket, State], now: float) -> None:
        rows = {
            _key(bucket): (wrong, since, since + wrong * bucket[0].longest)
            for bucket, (wrong, since) in states.items()
        }
        self._counts.put(rows, now)


def _key(bucket: Bucket) -> str:
    """What a bucket is kept under: a hash, so that neither names nor addresses can be read."""
    limit, whom = bucket
    text = f"{limit.free} {limit.longest} {whom}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _wait(wrong: float, since: float, limit: Limit, now: float) -> float:
    beyond = wrong - limit.free
    pause = min(2 ** (beyond - 1), limit.longest) if beyond > 0 else 0
    return max(0.0, since + pause - now)


def _left(wrong: float, since: float, limit: Limit, now: float) -> float:
    """How many wrong passwords are not yet forgotten."""
    return max(0.0, wrong - max(0.0, now - since) / limit.longest)
