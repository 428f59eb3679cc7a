"""What the aggregator gave this kiosk for a one-time code: its token and its place, on its disk."""

import json
import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from hosts import host_names
from kiosk.centre_copy import CentreCopy, CentreCopyError
from kiosk.uploader import NETWORK_ERRORS, is_local
from surveys.messages import MessageError
from surveys.receipts import normal_code

SECONDS = 15.0
CODE = re.compile("[0-9A-Z]{8}")
PAGE = "/devices"  # the page that shows the code, at which its QR code leads a phone


class EnrolmentError(MessageError):
    """A code that cannot be used, or a file that cannot be; the message gives the reason."""

    section = "enrol_error."


@dataclass(frozen=True)
class Enrolment:
    """The device's name, its token, and the counter or department that it is bound to.

    ``centre`` is the id of the aggregator's centre. ``aggregator`` is its address where that is
    not the one of the settings.
    """

    name: str
    token: str
    department: str | None
    counter: str | None
    centre: str | None = None
    aggregator: str | None = None

    @classmethod
    def of(cls, found: object) -> "Enrolment":
        """From JSON. Raises ValueError where it is no enrolment."""
        found = found if isinstance(found, dict) else {}
        name, token = found.get("name"), found.get("token")
        others = [found.get(one) for one in ("department", "counter", "centre", "aggregator")]
        fits = isinstance(name, str) and isinstance(token, str) and token.isascii()
        if not fits or not all(one is None or isinstance(one, str) for one in others):
            raise ValueError("no enrolment")
        return cls(str(name), str(token), *others)


def load_enrolment(path: Path) -> Enrolment | None:
    """The enrolment on the disk; None where there is none. Raises EnrolmentError."""
    try:
        return Enrolment.of(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        # Not its text: that of a broken file may hold the token.
        raise EnrolmentError("unreadable", path=path, reason=type(error).__name__) from None


def follow(path: Path, own: Enrolment, said: object) -> bool:
    """Keep the place that the aggregator says this device has now; whether it is a new one.

    ``own`` is what this process works by, ``said`` the answer to what it told of itself. Raises
    EnrolmentError where the file cannot be written.
    """
    said = said if isinstance(said, dict) else {}
    try:
        now = Enrolment.of({**asdict(own), **{one: said[one] for one in ("department", "counter")}})
    except (KeyError, ValueError):  # an older aggregator does not say
        return False
    if now != load_enrolment(path):
        _try_to_keep(path)
        _keep(path, now)
    return now != own


def enrol(aggregator: str, typed: str, path: Path, address: str = "") -> Enrolment:
    """Use a code up at the aggregator, and keep what it gives. Raises EnrolmentError.

    ``aggregator`` is the address of the settings, ``address`` what was typed in its place, if
    anything was. ``typed`` is the code, or what the QR code beside it holds: an address and the
    code behind "#".
    """
    scanned, hash_, code = typed.strip().rpartition("#")
    if hash_:
        address = scanned.removesuffix(PAGE)
    url, code = _checked(address) or aggregator, normal_code(code)
    if not CODE.fullmatch(code):
        raise EnrolmentError("wrong_code")  # not worth asking
    _try_to_keep(path)  # before the code is used up
    try:
        with httpx2.Client(timeout=SECONDS, trust_env=not is_local(url)) as client:
            answer = client.post(f"{url}/api/v1/devices", json={"code": code})
            told = answer.json() if answer.status_code in (200, 403) else None
    except NETWORK_ERRORS as error:
        raise EnrolmentError("away", url=url, reason=type(error).__name__) from None
    except ValueError:  # no JSON: it is another kind of server
        told = None
    if answer.status_code == 403 and isinstance(told, dict):
        raise EnrolmentError("wrong_code")
    if answer.status_code == 429:
        raise EnrolmentError("too_often", seconds=answer.headers.get("retry-after", "60"))
    try:
        found = Enrolment.of(told if answer.status_code == 200 else None)
    except ValueError:
        raise EnrolmentError("odd_answer", url=url, status=answer.status_code) from None
    found = replace(found, aggregator=None if url == aggregator else url)
    _keep(path, found)
    return found


def fetch_centre(copy: CentreCopy, url: str, token: str) -> None:
    """Keep the document of the centre at which this kiosk is enrolled.

    Raises EnrolmentError where there is none to be had: by another centre's document answers
    would be given at places that are not this kiosk's.
    """
    try:
        with httpx2.Client(timeout=SECONDS, trust_env=not is_local(url)) as client:
            headers = {"authorization": f"Bearer {token}"}
            answer = client.get(f"{url}/api/v1/centre", headers=headers)
        if answer.status_code != 200:
            raise CentreCopyError(f"HTTP {answer.status_code}")
        copy.take(answer.content, answer.headers.get("etag", ""))
    except CentreCopyError as error:
        raise EnrolmentError("no_centre", url=url, reason=error) from None
    except NETWORK_ERRORS as error:
        raise EnrolmentError("no_centre", url=url, reason=type(error).__name__) from None


def _checked(address: str) -> str:
    """An address as it was typed, without a slash at its end. Raises EnrolmentError."""
    address = address.strip().rstrip("/")
    try:
        if address and (urlsplit(address).scheme not in ("http", "https") or "@" in address):
            raise ValueError(address)
        host_names(address)
    except ValueError:
        raise EnrolmentError("bad_address", url=address[:60]) from None
    return address


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
