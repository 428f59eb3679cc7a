"""What waits in the outbox, encrypted at rest where the administrator gives keys.

What was said is encrypted row by row (AES-GCM, NIST SP 800-38D); ids, times, numbers and reasons
of refusal are not. The first key of a file is for new rows, all are for reading, so that a new key
goes above the old one. A row is bound to its id, so no row can be passed off as another one.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from secret_files import KeyFileError, read_keys

MARK = "sealed:"
NONCE_BYTES = 12
# A row as it is stored: the name of its key, then nonce and ciphertext in base 64.
SEALED = re.compile(rf"{MARK}([0-9a-f]{{16}}):([A-Za-z0-9+/]+=*)")


class LostKeyError(Exception):
    """A row is encrypted with a key that is not here; the message names the key, never a row."""

    def __init__(self, name: str) -> None:
        super().__init__(f"encrypted with the key {name}, which is not in HAILONG_OUTBOX_KEYS")


class Sealing:
    """Encrypts and decrypts texts by id; without keys texts stay as they are."""

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._ciphers = {}
        if keys:  # imported here: a kiosk without keys needs no cryptography in its memory
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._ciphers = {name_of(key): AESGCM(key) for key in keys}
        self._newest = name_of(keys[0]) if keys else None

    @classmethod
    def of_file(cls, path: Path | None) -> "Sealing":
        """By the keys of a file; without one nothing is encrypted. Raises KeyFileError."""
        if path is None:
            return cls()
        if not path.exists():
            # Not made here: where a file was lost that has encrypted rows, a new key opens none.
            raise KeyFileError(
                f"{path}: there is no such file; make it by `python -m kiosk outbox key`"
            )
        return cls(read_keys(path))

    def close(self, id: str, text: str) -> str:
        """A text as it is stored."""
        if self._newest is None:
            return text
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._ciphers[self._newest].encrypt(nonce, _bytes(text), id.encode())
        return f"{MARK}{self._newest}:{base64.b64encode(sealed).decode()}"

    def open(self, id: str, stored: str) -> str:
        """The text of what is stored.

        Raises LostKeyError, and ValueError where it was changed or is another row's.
        """
        found = SEALED.fullmatch(stored)
        if found is None:
            return stored
        cipher = self._ciphers.get(found[1])
        if cipher is None:
            raise LostKeyError(found[1])
        from cryptography.exceptions import InvalidTag

        raw = base64.b64decode(found[2])
        try:
            opened = cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], id.encode())
        except InvalidTag:
            raise ValueError("changed") from None
        return opened.decode("utf-8", "surrogatepass")

    def is_newest(self, stored: str) -> bool:
        """Whether what is stored is as it would be stored now."""
        found = SEALED.fullmatch(stored)
        return (found[1] if found else None) == self._newest


def name_of(key: bytes) -> str:
    """By which a key is known without being told."""
    return hashlib.sha256(b"hailong/outbox/1|" + key).hexdigest()[:16]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
