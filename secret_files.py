"""Secrets that lie in files of their own, for their user alone, not in the environment."""

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path

KEY_BYTES = 32


class KeyFileError(Exception):
    """A file that holds no key, or that cannot be read or made; the message names it."""


def credentials() -> Path | None:
    """The folder with the secrets that systemd hands to this process; None where it hands none.

    A file ``hailong_device_token`` there is the setting HAILONG_DEVICE_TOKEN, and so on.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    return Path(folder) if folder and Path(folder).is_dir() else None


def only_for_its_user(path: Path) -> None:
    """Take from all others what they may do with a file. Raises OSError where it is not ours."""
    mode = path.stat().st_mode
    if mode & 0o077:
        path.chmod(mode & 0o700)


def read_key(path: Path) -> bytes:
    """The key of a file: KEY_BYTES random bytes in base 64. It is made where there is none.

    Raises KeyFileError.
    """
    try:
        if not path.exists():
            _make(path)
        key = base64.b64decode(path.read_text("ascii").strip(), validate=True)
    except (OSError, ValueError) as error:
        raise KeyFileError(f"{path}: {type(error).__name__}") from error
    if len(key) != KEY_BYTES:
        raise KeyFileError(f"{path}: not a key of {KEY_BYTES} bytes in base 64")
    return key


def _make(path: Path) -> None:
    """Write a new key, whole or not at all; one that another process has just made stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.touch(0o600, exist_ok=False)
    try:
        with draft.open("w", encoding="ascii") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
