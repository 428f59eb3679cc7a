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


def read_keys(path: Path) -> list[bytes]:
    """The keys of a file that others may not read, one a line, the newest first.

    Raises KeyFileError; also where the file is not there, or has none.
    """
    try:
        # Of systemd's own files the mode shows what an access list lets this user do.
        if path.parent != credentials() and path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path}: others may read it; chmod 600")
        lines = path.read_text("ascii").split()
        keys = [base64.b64decode(line, validate=True) for line in lines]
    except (OSError, ValueError) as error:
        raise KeyFileError(f"{path}: {type(error).__name__}") from error
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise KeyFileError(f"{path}: not a key of {KEY_BYTES} bytes in base 64 on each line")
    return keys


def add_key(path: Path) -> None:
    """Put a new key above those of a file, whole or not at all. Raises KeyFileError."""
    former = read_keys(path) if path.exists() else []
    lines = [base64.b64encode(key).decode() for key in (secrets.token_bytes(KEY_BYTES), *former)]
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.touch(0o600, exist_ok=False)
        with draft.open("w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise KeyFileError(f"{path}: {type(error).__name__}") from error


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
