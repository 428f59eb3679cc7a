"""Files of a folder that others fill: what is read is a plain file of that folder, and small."""

from pathlib import Path

LARGEST_FILE = 512 * 1024  # bytes of a TOML file: ten times our own catalogue


class UnusableError(ValueError):
    """Why a file or folder cannot be used."""


def inside(path: Path, folder: Path) -> Path:
    """The file or folder that a path leads to, which must lie in ``folder``.

    Raises UnusableError for a link that leads out of it, or nowhere.
    """
    try:
        real, home = path.resolve(strict=True), folder.resolve(strict=True)
    except OSError as error:
        raise UnusableError(f"cannot be read: {error.strerror}") from error
    except RuntimeError as error:
        raise UnusableError("cannot be read: links in a circle") from error
    if not real.is_relative_to(home):
        raise UnusableError("leads out of its folder")
    return real


def content(path: Path, most: int = LARGEST_FILE, folder: Path | None = None) -> bytes:
    """What a file of a folder, else of its own, holds, ``most`` bytes at most.

    Raises UnusableError.
    """
    real = inside(path, folder or path.parent)
    if not real.is_file():
        raise UnusableError("is no file")
    try:
        with real.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise UnusableError(f"cannot be read: {error.strerror}") from error
    if len(raw) > most:
        raise UnusableError(f"is larger than {most} bytes")
    return raw
