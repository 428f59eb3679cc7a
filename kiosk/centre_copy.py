"""The centre's document as the aggregator has it in force, kept on this kiosk's disk."""

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from surveys.centre import Centre

log = logging.getLogger("kiosk.centre")

LARGEST = 8 * 1024 * 1024  # bytes


class CentreCopyError(Exception):
    """A document that is not whole, or that this kiosk cannot work by; nothing was changed."""


class CentreCopy:
    """The file of the copy. ``check`` raises ValueError where a document cannot be used here.

    ``first`` is what a kiosk works by that has no copy. ``newer`` is whether a document was taken
    that says another thing than the one that this process works by.
    """

    def __init__(self, path: Path, first: Centre, check: Callable[[Centre], object]) -> None:
        self._path = path
        self._in_use = first
        self._check = check
        self._known = ""
        self.newer = False

    def read(self) -> Centre:
        """The kept centre, by which this process works; the first where none can be used."""
        try:
            body = self._path.read_bytes()
            found = self._checked(body)
        except FileNotFoundError:
            return self._in_use
        except (OSError, CentreCopyError) as error:
            log.warning("%s is not used: %s", self._path, error)
            return self._in_use
        self._known, self._in_use = _hash(body), found
        return found

    @property
    def etag(self) -> str:
        """The ETag of the document that is kept; '' where there is none."""
        return f'"{self._known}"' if self._known else ""

    def take(self, body: bytes, etag: str) -> None:
        """Keep a document, whole or not at all. Raises CentreCopyError and OSError.

        Its ETag is the hash of its bytes: what was cut off on the wire has another one.
        """
        if etag.removeprefix("W/") != f'"{_hash(body)}"':
            raise CentreCopyError("the document is not whole")
        centre = self._checked(body)
        if _hash(body) == self._known:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        with draft.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        self._known = _hash(body)
        self.newer = centre != self._in_use

    def _checked(self, body: bytes) -> Centre:
        if len(body) > LARGEST:
            raise CentreCopyError("the document is too large")
        try:
            centre = Centre.model_validate_json(body)
            self._check(centre)
        except ValueError as error:
            raise CentreCopyError(" ".join(str(error).split())[:300]) from error
        return centre


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
