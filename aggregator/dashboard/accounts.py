"""Who may do what: accounts with passwords, sessions, sign-in links, device and reader tokens."""

import asyncio
import hashlib
import hmac
import math
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from aggregator.dashboard.throttle import Bucket, Throttle, buckets_of
from aggregator.storage.audit import COMMAND_LINE, Entry
from aggregator.storage.credentials import Role, TokenKind
from aggregator.storage.database import TakenError
from aggregator.storage.devices import Device, Place
from aggregator.storage.store import Store
from aggregator.storage.tables import Token, User
from surveys.definition import Channel
from surveys.messages import MessageError
from surveys.text import composed

SESSION = timedelta(hours=12)
LINK = timedelta(days=1)
INVITATION = timedelta(days=7)
BROWSER = timedelta(days=180)  # how long a browser stays known after a sign-in
ATTEMPT = timedelta(minutes=10)  # to sign in at a provider and come back
CODE = timedelta(minutes=15)  # how long a device may be enrolled by a code
CODE_LENGTH = 8  # characters of 5 bits
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # as on posters: no I, L, O, U to misread
MIN_PASSWORD = 10  # characters
MAX_WAITING = 10  # checks of passwords, less than a tenth of a second each
# How often it is noted that a device was heard of, or that a password was wrong.
NOTED = timedelta(minutes=1)
REMEMBER = timedelta(seconds=5)  # how long a removed token may still pass
VISITOR = "@"  # before the name of who acts in a centre with an account of the province
T = TypeVar("T")
K = TypeVar("K")


class AccountError(MessageError):
    """An account or token cannot be made or changed as asked; the message gives the reason."""

    section = "account_error."


class BusyError(HTTPException):
    """Too many passwords wait to be checked; the answer is 429."""

    def __init__(self) -> None:
        super().__init__(429, headers={"retry-after": "5"})


class RefusedError(Exception):
    """A password that is wrong or, with ``checked`` false, was not looked at.

    ``wait`` is in how many seconds, rounded up, the next one will be looked at; 0: at once.
    """

    def __init__(self, *, checked: bool, wait: float) -> None:
        super().__init__("wrong name or password" if checked else "too many wrong passwords")
        self.checked = checked
        self.wait = math.ceil(wait)


@dataclass(frozen=True)
class SignedIn:
    """The secrets of a browser in which an account was just signed in.

    ``session`` shows who sends a request. ``browser`` shows that the account was signed in here
    before: wrong passwords from elsewhere do not delay its next sign-in.
    """

    name: str
    session: str
    browser: str


class Turns:
    """The one thread of a process for slow work on passwords, and how many wait for it.

    A check takes 19 MiB, and every thread would keep its own.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="password")
        self._waiting = {True: 0, False: 0}  # by whether the browser is known

    async def take(self, known: bool, work: Callable[..., T], *values: object) -> T:
        """Run work on the thread; returns what ``work`` returns.

        Raises BusyError where too many wait. Known and unknown browsers are counted apart, so
        that many unknown ones do not turn known ones away.
        """
        if self._waiting[known] >= MAX_WAITING:
            raise BusyError()
        self._waiting[known] += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, partial(work, *values))
        finally:
            self._waiting[known] -= 1

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()


class Accounts:
    """Checks and makes credentials. Secrets are kept as hashes only and never logged."""

    def __init__(
        self, store: Store, clock: Callable[[], datetime], turns: Turns | None = None
    ) -> None:
        """``turns`` are those of the process, which closes them; without them it has its own."""
        self._credentials = store.credentials
        self._audit = store.audit
        self.devices = store.devices
        self._clock = clock
        # OWASP's second choice for argon2id: 19 MiB a check, so that a small PC stays small.
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        counts = store.wrong_passwords
        self._throttle = Throttle(clock, counts if counts.shared else None)
        self._turns = turns or Turns()
        self._own_turns = turns is None
        self._remembered: dict[tuple[TokenKind, str], tuple[str, datetime]] = {}
        self._devices: dict[str, tuple[Device, datetime]] = {}
        self._heard: dict[int, datetime] = {}  # of devices, by number
        self._told: dict[int, datetime] = {}  # when they told of themselves
        self._failed: dict[str, datetime] = {}  # wrong passwords of accounts, as recorded

    @cached_property
    def _nobody(self) -> str:
        """A hash to check where a name has no account, so that the time taken does not tell."""
        return self._hasher.hash(secrets.token_urlsafe())

    # Bearer tokens

    def new_token(
        self,
        kind: TokenKind,
        name: str,
        lasts: timedelta | None = None,
        new: Entry | None = None,
        *,
        role: Role | None = None,
        department: str | None = None,
    ) -> str:
        """A new secret of 256 bits for ``name``, valid for ever or as long as it ``lasts``.

        Only its hash is stored, so nobody can look it up later. ``new`` is what to record of it.
        """
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        self._credentials.add_token(
            kind,
            name,
            _digest(secret),
            now,
            now + lasts if lasts else None,
            new,
            role,
            department,
        )
        return secret

    def holder(self, kind: TokenKind, secret: str) -> str | None:
        """The name behind a valid secret, or None."""
        token = self._token(kind, secret)
        return token.name if token else None

    def _token(self, kind: TokenKind, secret: str) -> Token | None:
        digest, now = _digest(secret), self._clock()
        token = self._credentials.token(kind, digest)
        if token is None or not hmac.compare_digest(token.hash, digest):
            return None
        if token.expires_at is not None and token.expires_at <= now:
            return None
        if kind == "reader":
            self._remembered[kind, digest] = (token.name, now + REMEMBER)
        return token

    def remembered(self, kind: TokenKind, secret: str) -> str | None:
        """The name behind a reader's secret that was valid a moment ago, or None."""
        name, until = self._remembered.get((kind, _digest(secret)), (None, None))
        return name if until is not None and self._clock() < until else None

    # Devices

    def enrol(self, name: str, new: Entry | None = None, channels: Sequence[Channel] = ()) -> str:
        """The secret of a new device, or of one that was revoked; see Devices.add.

        Raises AccountError for a bad name, or one whose device has a token.
        """
        self.check_label(name)
        secret = secrets.token_urlsafe(32)
        if not self.devices.add(name, _digest(secret), self._clock(), new, channels):
            raise AccountError("device_taken", name=name)
        return secret

    def renew_device(self, name: str, new: Entry) -> str:
        """Another secret for a device, whose own stays valid until this one was used.

        Raises AccountError where no device of this name has one.
        """
        secret = secrets.token_urlsafe(32)
        if not self.devices.renew(name, _digest(secret), new):
            raise AccountError("unknown_name", name=name)
        return secret

    def enrolment_code(self, name: str, place: Place | None, by: str, seen: int) -> str:
        """A code of 40 bits by which a device enrols, once, within CODE; see Devices.offer.

        Raises AccountError for a bad name, or a new device's that is taken, and
        OlderVersionError.
        """
        self.check_label(name)
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        told = self._entry(by, "device.code", name=name)
        if place is not None:
            told = self._entry(by, "device.made", name=name, place=place[1] or place[0] or "–")
        if not self.devices.offer(name, place, _digest(code), self._clock() + CODE, told, seen):
            raise AccountError("device_taken", name=name)
        return code

    def enrol_by_code(self, code: str, address: str) -> tuple[Device, str] | None:
        """The device of a code, which is used up, and its token; None for a wrong code.

        ``address`` is the client's: wrong codes are counted by it, and all together. Raises
        RefusedError, unchecked, while the wait after wrong ones lasts.
        """
        # Apart from those of passwords: nobody keeps an account's holder out by wrong codes.
        buckets = buckets_of("", address, None)
        buckets = [(limit, f"enrolment {of}") for limit, of in buckets]
        secret = secrets.token_urlsafe(32)
        with self._throttle.turn():
            self._check_wait(buckets)
            device = self.devices.enrol(_digest(code), _digest(secret), self._clock())
            if device is None:
                self._throttle.count_wrong(buckets)
                return None
        self.forget_devices()
        return device, secret

    def device(self, secret: str) -> Device | None:
        """The device behind a valid secret, or None; remembered for REMEMBER."""
        token = self._token("device", secret)
        device = self.devices.named(token.name) if token else None
        if token is not None and device is not None:
            if self.devices.settle(token, self._clock()):
                self.forget_devices()
            self._devices[token.hash] = (device, self._clock() + REMEMBER)
        return device

    def remembered_device(self, secret: str) -> Device | None:
        """The device behind a secret that was valid a moment ago, or None."""
        device, until = self._devices.get(_digest(secret), (None, None))
        return device if until is not None and self._clock() < until else None

    def forget_devices(self) -> None:
        """Look at the database again: a device has been changed here."""
        self._devices.clear()

    def is_due(self, number: int, now: datetime, *, tells: bool = False) -> bool:
        """Whether a device that is heard of is to be noted again; then that counts as done.

        What it ``tells`` of itself is noted also where it was heard of a moment ago.
        """
        if not _is_due(self._told if tells else self._heard, number, now):
            return False
        self._heard[number] = now
        return True

    # Signing in

    async def sign_in(
        self, name: str, password: str, address: str, browser: str | None = None
    ) -> SignedIn:
        """Sign in with a password. Parameters and exceptions are those of ``check_password``."""
        await self.check_password(name, password, address, browser)
        return await run_in_threadpool(self._sign_in, name, browser, "sign_in.password")

    async def check_password(
        self, name: str, password: str, address: str, browser: str | None = None
    ) -> None:
        """Return where the account has this password.

        ``address`` is the client's; ``browser`` the secret that the browser was given when the
        account was signed in there before, if it has one. Raises RefusedError for a wrong name
        or password, or unchecked while the wait after wrong ones lasts, and BusyError.
        """
        known = browser and await run_in_threadpool(self.holder, "browser", browser) == name
        buckets = buckets_of(name, address, _digest(browser) if known and browser else None)
        # Who has to wait takes nobody's turn.
        await run_in_threadpool(self._check_wait, buckets)
        await self._turns.take(bool(known), self._check_password, name, password, buckets)

    def _check_password(self, name: str, password: str, buckets: Sequence[Bucket]) -> None:
        with self._throttle.turn():
            self._check_wait(buckets)  # again: other passwords were checked meanwhile
            if self.is_password(name, password):
                return
            self._throttle.count_wrong(buckets)
        raise RefusedError(checked=True, wait=self._throttle.wait(buckets))

    def _check_wait(self, buckets: Sequence[Bucket]) -> None:
        if wait := self._throttle.wait(buckets):
            raise RefusedError(checked=False, wait=wait)

    def is_password(self, name: str, password: str) -> bool:
        """Whether this is the account's password. It takes as long for a name nobody has."""
        nobody = self._nobody  # made for known names too, or the time of the first check would tell
        user = self._credentials.user(name) if name.isprintable() else None
        stored = (user and not user.disabled and user.password_hash) or nobody
        try:
            return self._hasher.verify(stored, composed(password)) and stored != nobody
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        """End the thread that checks passwords, where it is its own."""
        if self._own_turns:
            self._turns.close()

    def sign_in_by_link(self, secret: str, browser: str | None = None) -> SignedIn | None:
        """Sign in with a link's secret, which works once; None where it does not work."""
        name = self.holder("link", secret)
        if name is None or not self._credentials.remove_token("link", _digest(secret)):
            return None
        if (user := self._credentials.user(name)) is None or user.disabled:
            return None
        return self._sign_in(name, browser, "sign_in.link")

    def _sign_in(self, name: str, browser: str | None, event: str) -> SignedIn:
        session = self.new_token("session", name, SESSION, self._entry(name, event))
        return SignedIn(name, session, self._know_browser(name, browser))

    def _know_browser(self, name: str, former: str | None = None) -> str:
        """A new secret for a browser in which the account is signed in, in place of a former."""
        if former is not None:
            self._credentials.remove_token("browser", _digest(former))
        return self.new_token("browser", name, BROWSER)

    def record_failure(self, name: str) -> None:
        """Record a wrong password, where there is such an account.

        What was typed as another name may be a password, and is not written anywhere. Called
        after the answer was sent: its time must not tell which names have an account. Once a
        minute is enough: anybody may enter wrong passwords, and the log only grows.
        """
        if not name.isprintable() or self._credentials.user(name) is None:
            return
        if _is_due(self._failed, name, self._clock()):
            self._audit.add(self._entry(COMMAND_LINE, "sign_in.failed", name=name))

    def _entry(self, actor: str, event: str, **values: str) -> Entry:
        return Entry(self._clock(), actor, event, values)

    def new_link(self, name: str, address: str, by: str = COMMAND_LINE) -> str:
        """A link that signs an account in, once, within a day; ``address`` is the dashboard's."""
        told = self._entry(by, "account.link", name=name)
        return f"{address}/sign-in/{self.new_token('link', name, LINK, told)}"

    def user_of(self, session: str) -> User | None:
        """The account behind a session's secret; None where it has ended or never was."""
        name = self.holder("session", session)
        user = self._credentials.user(name) if name else None
        return user if user and not user.disabled else None

    def sign_out(self, session: str) -> None:
        """End a session. Nothing happens where there is none."""
        self._credentials.remove_token("session", _digest(session))

    # Accounts

    def add_user(
        self,
        name: str,
        role: Role,
        password: str | None = None,
        *,
        department: str | None = None,
        by: str = COMMAND_LINE,
    ) -> None:
        """Make an account, which without a password is entered by links only.

        Raises AccountError for a bad name, a name that is taken, a short password, or a head
        without department.
        """
        self._check_name(name)
        user = self._new_user(name, role, department, password)
        with self._taken(name):
            self._credentials.add_user(user, self._entry(by, "account.added", name=name, role=role))

    @contextmanager
    def _taken(self, name: str) -> Iterator[None]:
        """Raises AccountError where another account gets the name, or the identity, meanwhile."""
        try:
            yield
        except TakenError:
            self._check_name(name)
            raise AccountError("identity_taken") from None

    def _new_user(
        self, name: str, role: Role, department: str | None, password: str | None
    ) -> User:
        if (role == "head") != (department is not None):
            raise AccountError("head_of_what")
        return User(
            name=name,
            role=role,
            department=department,
            password_hash=self._hash(password) if password is not None else None,
            created_at=self._clock(),
        )

    @staticmethod
    def check_label(name: str) -> None:
        if not name or len(name) > 64 or not name.isprintable() or name != name.strip():
            raise AccountError("bad_name")

    def _check_name(self, name: str) -> None:
        self.check_label(name)
        if name.startswith(VISITOR):
            raise AccountError("bad_name")
        if self._credentials.user(name):
            raise AccountError("name_taken", name=name)

    async def change_password(self, name: str, password: str) -> str:
        """Run ``set_password`` on its thread; returns a new secret by which the browser is known.

        Raises AccountError for a short password, and BusyError.
        """
        await self._turns.take(True, self.set_password, name, password, name)
        return await run_in_threadpool(self._know_browser, name)

    def set_password(self, name: str, password: str, by: str = COMMAND_LINE) -> None:
        """Set a password, and forget the account's sessions, links and known browsers.

        Raises AccountError for a password that is too short or too long.
        """
        told = self._entry(by, "account.password", name=name)
        self._credentials.change_user(name, told, password_hash=self._hash(password))

    # Inviting and managing others

    def invite(self, name: str, role: Role, department: str | None, address: str, by: str) -> str:
        """A link by which somebody makes an account of this role, once, within a week.

        ``name`` says whom it is for. Raises AccountError for a bad name or department.
        """
        self.check_label(name)
        if (role == "head") != (department is not None):
            raise AccountError("head_of_what")
        told = self._entry(by, "account.invited", name=name, role=role)
        secret = self.new_token(
            "invitation", name, INVITATION, told, role=role, department=department
        )
        return f"{address}/invitation/{secret}"

    def invitation(self, secret: str) -> Token | None:
        """The invitation behind a secret; None where it was used, withdrawn or has expired."""
        return self._token("invitation", secret)

    async def accept(self, secret: str, name: str, password: str) -> SignedIn | None:
        """Make the account of an invitation and sign it in; None where it is not valid any more.

        Raises AccountError for a name or password that cannot be, and BusyError.
        """
        return await self._turns.take(True, self._accept, secret, name, password, None)

    def accept_identity(self, secret: str, identity: str) -> SignedIn | None:
        """As accept, for who signs in by an OpenID Connect identity; the name is the invitation's.

        Raises AccountError where the name is taken.
        """
        if self._credentials.user_of_identity(identity) is not None:
            raise AccountError("identity_taken")
        return self._accept(secret, None, None, identity)

    def _accept(
        self, secret: str, name: str | None, password: str | None, identity: str | None
    ) -> SignedIn | None:
        invited = self.invitation(secret)
        if invited is None:
            return None
        name = invited.name if name is None else name
        self._check_name(name)
        role: Role = invited.role  # type: ignore[assignment]
        user = self._new_user(name, role, invited.department, password)
        user.identity = identity
        told = self._entry(name, "account.accepted", name=name, role=role)
        with self._taken(name):
            if not self._credentials.accept(_digest(secret), user, told):
                return None
        return self._sign_in(name, None, "sign_in.invitation")

    def is_used(self, secret: str) -> bool:
        """Whether somebody has come back from a provider with this secret of an attempt."""
        return self._token("oidc", secret) is not None

    def use_up(self, secret: str) -> bool:
        """Note that somebody has; False where that was done: of two who do, one gets True.

        Only who was confirmed by the provider is noted: beginning an attempt, which anybody may,
        writes nothing.
        """
        now = self._clock()
        return self._credentials.use_up("oidc", _digest(secret), now, now + ATTEMPT)

    def sign_in_identity(self, identity: str, browser: str | None = None) -> SignedIn | None:
        """Sign in the account that is bound to an identity; None where there is none."""
        user = self._credentials.user_of_identity(identity)
        if user is None or user.disabled:
            return None
        return self._sign_in(user.name, browser, "sign_in.identity")

    def bind(self, name: str, identity: str) -> None:
        """Let an account sign in by an identity from now on. Raises AccountError if it is taken."""
        if self._credentials.user_of_identity(identity) is not None:
            raise AccountError("identity_taken")
        told = self._entry(name, "account.bound", name=name)
        try:
            self._credentials.change_user(name, told, sign_out=False, identity=identity)
        except TakenError:
            raise AccountError("identity_taken") from None

    def _hash(self, password: str) -> str:
        password = composed(password)
        if not MIN_PASSWORD <= len(password) <= 1_000:
            raise AccountError("short_password", least=MIN_PASSWORD)
        return self._hasher.hash(password)


def _is_due(noted: dict[K, datetime], key: K, now: datetime) -> bool:
    """Whether something was not noted within NOTED; then it counts as noted now."""
    last = noted.get(key)
    if last is not None and last <= now < last + NOTED:
        return False
    noted[key] = now
    return True


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
