"""How often a password may be guessed: waits that grow with wrong ones and pass by themselves."""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime


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


class Throttle:
    """The wrong passwords of the last minutes, in memory only.

    Only checked passwords are counted, and checks are slow. So however many names and addresses a
    stranger uses, there are few buckets, and none has to be dropped before its wait is over, which
    a stranger could use to end his own wait.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        # By bucket: the number of wrong passwords, without the forgotten, and the time of the last.
        self._wrong: dict[Bucket, tuple[float, float]] = {}
        self._tidy_at = 1_000  # buckets

    def __len__(self) -> int:
        return len(self._wrong)

    def wait(self, buckets: Sequence[Bucket]) -> float:
        """Seconds until a password that counts in these buckets may be checked; 0 for now."""
        now = self._clock().timestamp()
        return max(self._wait(bucket, now) for bucket in buckets)

    def count_wrong(self, buckets: Sequence[Bucket]) -> None:
        """Count a password that was checked and is wrong."""
        now = self._clock().timestamp()
        if len(self._wrong) >= self._tidy_at:
            kept = {
                bucket: state
                for bucket, state in self._wrong.items()
                if self._remembered(bucket, now) > 0
            }
            self._wrong, self._tidy_at = kept, max(1_000, 2 * len(kept))
        for bucket in buckets:
            self._wrong[bucket] = (self._remembered(bucket, now) + 1, now)

    def _wait(self, bucket: Bucket, now: float) -> float:
        wrong, since = self._wrong.get(bucket, (0.0, now))
        if now < since:  # the clock was set back: the wait begins again, and ends
            self._wrong[bucket] = (wrong, now)
            since = now
        limit, _ = bucket
        beyond = wrong - limit.free
        pause = min(2 ** (beyond - 1), limit.longest) if beyond > 0 else 0
        return max(0.0, since + pause - now)

    def _remembered(self, bucket: Bucket, now: float) -> float:
        """How many wrong passwords of a bucket are not yet forgotten."""
        wrong, since = self._wrong.get(bucket, (0.0, now))
        limit, _ = bucket
        return max(0.0, wrong - max(0.0, now - since) / limit.longest)
