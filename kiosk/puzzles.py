"""A puzzle that costs a phone some seconds and a flood its pace; nobody has to do anything.

The phone looks for a number: the SHA-256 of a salt and the number is given. A puzzle is for one
visit, whose answer counts once however often it is sent; so a solution is good for one answer,
and nothing has to be remembered of it, by whichever process.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

LASTS = timedelta(minutes=20)
LONGEST = 300  # characters of a solution


@dataclass(frozen=True)
class Puzzle:
    """Which number below ``most`` has, after ``salt``, the hash ``target``? Good until ``until``.

    ``signature`` says that it is ours, and for which code and visit.
    """

    salt: str
    target: str
    most: int
    until: int  # seconds since 1970
    signature: str

    def __str__(self) -> str:
        return f"{self.salt} {self.target} {self.most} {self.until} {self.signature}"


class Puzzles:
    """Makes puzzles, and checks solutions: what a puzzle is as text, and the number."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"hailong/puzzle/1", "sha256")

    def make(self, code: str, visit: UUID, steps: int, now: datetime) -> Puzzle:
        """A puzzle that takes ``steps`` steps on average, and twice as many at most."""
        salt, most, until = secrets.token_hex(12), 2 * steps, int((now + LASTS).timestamp())
        target = _hash(salt, secrets.randbelow(most))
        return Puzzle(salt, target, most, until, self._signature(salt, target, until, code, visit))

    def is_solved(self, solution: str, code: str, visit: UUID, now: datetime) -> bool:
        """Whether a text solves a puzzle of ours for this code and visit, in time."""
        parts = solution[:LONGEST].split(" ")
        if len(parts) != 6 or not solution.isascii():
            return False
        salt, target, _, until, signature, number = parts
        if not (until.isdecimal() and number.isdecimal()) or int(until) < now.timestamp():
            return False
        ours = self._signature(salt, target, int(until), code, visit)
        return hmac.compare_digest(ours, signature) and hmac.compare_digest(
            _hash(salt, int(number)), target
        )

    def _signature(self, salt: str, target: str, until: int, code: str, visit: UUID) -> str:
        told = f"{salt}|{target}|{until}|{code}|{visit}"
        return hmac.new(self._key, told.encode(), hashlib.sha256).hexdigest()


def _hash(salt: str, number: int) -> str:
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()
