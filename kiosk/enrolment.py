"""What the aggregator gave this kiosk for a one-time code: its token and its place, on its disk."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx2

from kiosk.qr_codes import normal_code
from kiosk.uploader import NETWORK_ERRORS, is_local
from surveys.messages import MessageError

SECONDS = 15.0


class EnrolmentError(MessageError):
    """A code that cannot be used, or a file that cannot be; the message gives the reason."""

    section = "enrol_error."


@dataclass(frozen=True)
class Enrolment:
    """The device's name, its token, and the counter or department that it is bound to."""

    name: str
    token: str
    department: str | None
    counter: str | None

    @classmethod
    def of(cls, found: object) -> "Enrolment":
        """From JSON. Raises ValueError where it is no enrolment."""
        found = found if isinstance(found, dict) else {}
        name, token = found.get("name"), found.get("token")
        department, counter = found.get("department"), found.get("counter")
        fits = isinstance(name, str) and isinstance(token, str) and token.isascii()
        if not fits or not all(
            one is None or isinstance(one, str) for one in (department, counter)
        ):
            raise ValueError("no enrolment")
        return cls(str(name), str(token), department, counter)


def load_enrolment(path: Path) -> Enrolment | None:
    """The enrolment on the disk; None where there is none. Raises EnrolmentError."""
    try:
        return Enrolment.of(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        # Not its text: that of a broken file may hold the token.
        raise EnrolmentError("unreadable", path=path, reason=type(error).__name__) from None


def enrol(aggregator: str, typed: str, path: Path) -> Enrolment:
    """Use a code up at the aggregator, and keep what it gives. Raises EnrolmentError."""
    _try_to_keep(path)  # before the code is used up
    try:
        with httpx2.Client(timeout=SECONDS, trust_env=not is_local(aggregator)) as client:
            answer = client.post(f"{aggregator}/api/v1/devices", json={"code": normal_code(typed)})
    except NETWORK_ERRORS as error:
        raise EnrolmentError("away", url=aggregator, reason=type(error).__name__) from None
    if answer.status_code == 403:
        raise EnrolmentError("wrong_code")
    if answer.status_code == 429:
        raise EnrolmentError("too_often", seconds=answer.headers.get("retry-after", "60"))
    try:
        if answer.status_code != 200:
            raise ValueError(answer.status_code)
        found = Enrolment.of(answer.json())
    except ValueError:
        raise EnrolmentError("odd_answer", status=answer.status_code) from None
    _keep(path, found)
    return found


def _try_to_keep(path: Path) -> None:
    draft = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise EnrolmentError("unwritable", path=path, reason=error.strerror) from None


def _keep(path: Path, found: Enrolment) -> None:
    """Write the file whole or not at all, readable by its user alone."""
    draft = path.with_suffix(".new")
    try:
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(found), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise EnrolmentError("unwritable", path=path, reason=error.strerror) from None
