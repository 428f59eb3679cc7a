"""Who may do what: accounts with passwords, sessions, sign-in links, device and reader tokens."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.exceptions import HTTPException

from aggregator.storage.credentials import Role, TokenKind
from aggregator.storage.store import Store
from aggregator.storage.tables import User
from surveys.messages import MessageError

SESSION = timedelta(hours=12)
LINK = timedelta(days=1)
MIN_PASSWORD = 10  # characters
MAX_FAILURES = 5
MAX_WAITING = 10  # checks of passwords, some tenth of a second each
T = TypeVar("T")
LOCKOUT = timedelta(minutes=5)
REMEMBER = timedelta(seconds=30)  # how long a removed token may still pass


class AccountError(MessageError):
    """Something about an account or token that cannot be done."""

    section = "account_error."


class BusyError(HTTPException):
    """More people sign in at this moment than passwords can be checked."""

    def __init__(self) -> None:
        super().__init__(429, headers={"retry-after": "5"})


class Accounts:
    """Checks and makes credentials. Secrets are kept as hashes only and never logged."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._credentials = store.credentials
        self._clock = clock
        # OWASP's second choice for argon2id: 19 MiB a check, so that a small PC stays small.
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._failures: dict[str, tuple[int, datetime]] = {}
        # One thread for all checks: each takes 19 MiB, and every thread would keep its own.
        self._checker = ThreadPoolExecutor(1, thread_name_prefix="password")
        self._waiting = 0
        self._remembered: dict[tuple[TokenKind, str], tuple[str, datetime]] = {}

    @cached_property
    def _nobody(self) -> str:
        """Checked when the name is unknown, so that the time taken does not tell names apart."""
        return self._hasher.hash(secrets.token_urlsafe())

    # Bearer tokens

    def new_token(self, kind: TokenKind, name: str, lasts: timedelta | None = None) -> str:
        """Make a secret of 256 bits; only its hash is stored, so it is shown this once."""
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        self._credentials.add_token(
            kind, name, _digest(secret), now, now + lasts if lasts else None
        )
        return secret

    def holder(self, kind: TokenKind, secret: str) -> str | None:
        """The name behind a valid secret, or None."""
        digest, now = _digest(secret), self._clock()
        token = self._credentials.token(kind, digest)
        if token is None or not hmac.compare_digest(token.hash, digest):
            return None
        if token.expires_at is not None and token.expires_at <= now:
            return None
        if kind in ("device", "reader"):
            self._remembered[kind, digest] = (token.name, now + REMEMBER)
        return token.name

    def remembered(self, kind: TokenKind, secret: str) -> str | None:
        """The name behind a device's or reader's secret that was valid a moment ago, or None."""
        name, until = self._remembered.get((kind, _digest(secret)), (None, None))
        return name if until is not None and self._clock() < until else None

    # Signing in

    def sign_in(self, name: str, password: str) -> str | None:
        """A session's secret, or None for a wrong name or password or after too many failures."""
        return self.new_token("session", name, SESSION) if self.knows(name, password) else None

    def knows(self, name: str, password: str) -> bool:
        """Whether this is the account's password; never while the account rests."""
        now = self._clock()
        if self.rests(name):
            return False
        count, since = self._failures.get(name, (0, now))
        nobody = self._nobody  # made here for known names too, or the first check would tell
        user = self._credentials.user(name) if name.isprintable() else None
        stored = (user and user.password_hash) or nobody
        try:
            correct = self._hasher.verify(stored, password) and stored != nobody
        except (VerificationError, InvalidHashError):
            correct = False
        if not correct:
            if len(self._failures) > 10_000:  # made-up names must not fill the memory
                self._failures.clear()
            self._failures[name] = (count + 1 if now - since < LOCKOUT else 1, now)
            return False
        self._failures.pop(name, None)
        return True

    async def in_turn(self, check: Callable[..., T], *values: object) -> T:
        """Run a check of passwords after those that wait. Raises BusyError where many do."""
        if self._waiting >= MAX_WAITING:
            raise BusyError()
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._checker, partial(check, *values))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._checker.shutdown()

    def rests(self, name: str) -> bool:
        """Whether too many failures have locked a name, of an account or not, for a while."""
        count, since = self._failures.get(name, (0, self._clock()))
        return count >= MAX_FAILURES and self._clock() - since < LOCKOUT

    def sign_in_by_link(self, secret: str) -> str | None:
        """A session's secret for a sign-in link, which works once."""
        name = self.holder("link", secret)
        if name is None or not self._credentials.remove_token("link", _digest(secret)):
            return None
        return self.new_token("session", name, SESSION)

    def new_link(self, name: str, address: str) -> str:
        """An address that signs an account in, once, within a day."""
        return f"{address}/sign-in/{self.new_token('link', name, LINK)}"

    def user_of(self, session: str) -> User | None:
        name = self.holder("session", session)
        return self._credentials.user(name) if name else None

    def sign_out(self, session: str) -> None:
        self._credentials.remove_token("session", _digest(session))

    # Accounts

    def add_user(self, name: str, role: Role, password: str | None = None) -> None:
        """Raises AccountError for a bad name, a known one, or a short password."""
        if not name or len(name) > 64 or not name.isprintable() or name != name.strip():
            raise AccountError("bad_name")
        if self._credentials.user(name):
            raise AccountError("name_taken", name=name)
        hashed = self._hash(password) if password is not None else None
        self._credentials.add_user(
            User(name=name, role=role, password_hash=hashed, created_at=self._clock())
        )

    def set_password(self, name: str, password: str) -> None:
        """Set a password and end the account's sessions. Raises AccountError when too short."""
        self._credentials.set_password(name, self._hash(password))
        self._credentials.remove_tokens_of(name, "session", "link")

    def _hash(self, password: str) -> str:
        if not MIN_PASSWORD <= len(password) <= 1_000:
            raise AccountError("short_password", least=MIN_PASSWORD)
        return self._hasher.hash(password)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
