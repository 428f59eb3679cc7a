"""Who may enter the staff corner: a PIN kept as a hash, growing waits, short sessions.

The waits are for the whole kiosk, as everybody stands before the same screen. They end after
LONGEST_WAIT seconds at most, so a stranger cannot lock staff out; with six digits that still
takes months to guess through.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

PIN = re.compile(r"[0-9]{6,12}")
IDLE = timedelta(minutes=5)
LONGEST_WAIT = 30  # seconds
FREE_TRIES = 2  # a slip of the finger costs nothing

_HASH = re.compile(r"scrypt:([0-9a-f]{32}):([0-9a-f]{64})")


def hash_pin(pin: str) -> str:
    """The text for HAILONG_STAFF_PIN. Raises ValueError where a PIN is not 6 to 12 digits."""
    if not PIN.fullmatch(pin):
        raise ValueError("6-12")
    salt = secrets.token_bytes(16)
    return f"scrypt:{salt.hex()}:{_digest(pin, salt).hex()}"


def is_hash(text: str) -> bool:
    """Whether a text is one that hash_pin makes."""
    return _HASH.fullmatch(text) is not None


def _digest(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


class StaffAccess:
    """The door of the staff corner. ``pin_hash`` is "" where there is none."""

    def __init__(self, pin_hash: str, clock: Callable[[], datetime]) -> None:
        self._hash = pin_hash
        self._clock = clock
        self._wrong = 0
        self._closed_until: datetime | None = None
        self._sessions: dict[str, datetime] = {}  # by the digest of the cookie: when it ends

    @property
    def exists(self) -> bool:
        return self._hash != ""

    def wait(self) -> int:
        """Seconds until a PIN is looked at again."""
        if self._closed_until is None:
            return 0
        left = (self._closed_until - self._clock()).total_seconds()
        # A clock that was set back must not close the door for longer.
        return 0 if left <= 0 or left > LONGEST_WAIT else int(left) + 1

    def enter(self, pin: str) -> str | None:
        """A new session's cookie for the right PIN; None for a wrong one, or during a wait."""
        found = _HASH.fullmatch(self._hash)
        if found is None or self.wait():
            return None
        right = hmac.compare_digest(
            _digest(pin[:64], bytes.fromhex(found[1])), bytes.fromhex(found[2])
        )
        if not right:
            self._wrong += 1
            over = self._wrong - FREE_TRIES
            if over > 0:
                seconds = min(LONGEST_WAIT, 2 ** min(over, 10))
                self._closed_until = self._clock() + timedelta(seconds=seconds)
            return None
        self._wrong, self._closed_until = 0, None
        cookie = secrets.token_urlsafe(24)
        self._sessions = {_key(cookie): self._clock() + IDLE}  # one screen, one session
        return cookie

    def admits(self, cookie: str) -> bool:
        """Whether a cookie's session goes on; it is then prolonged."""
        ends, now = self._sessions.get(_key(cookie)), self._clock()
        if ends is None or not now < ends <= now + IDLE:
            self._sessions.pop(_key(cookie), None)
            return False
        self._sessions[_key(cookie)] = now + IDLE
        return True

    def leave(self, cookie: str) -> None:
        """End a session."""
        self._sessions.pop(_key(cookie), None)


def _key(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
