"""What lies in the folders that a centre fills: files that the kiosk knows by their names."""

import logging
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

log = logging.getLogger("kiosk")

MOST_ENTRIES = 1_000  # that are looked at in a folder


def is_folder(path: Path) -> bool:
    """Whether a folder is there; what may not be looked at is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, by name; nothing where it cannot be read, which is logged.

    Files that an editor or a system hides there are left out.
    """
    try:
        found = list(islice(folder.iterdir(), MOST_ENTRIES + 1))
    except FileNotFoundError:
        return []
    except OSError as error:
        log.warning("%r is left out: %s", str(folder), error.strerror)
        return []
    if len(found) > MOST_ENTRIES:
        log.warning("%r: only %s of what lies there is looked at", str(folder), MOST_ENTRIES)
    return sorted(path for path in found[:MOST_ENTRIES] if not path.name.startswith("."))


def named_files(
    folder: Path, names: Collection[str], types: Collection[str], kind: str, use: str
) -> Iterator[tuple[str, Path]]:
    """The files ``GROUP/ID.TYPE`` of a folder whose ``GROUP/ID`` is one of the names.

    What else lies there is left out, and named in the log: no ``kind`` of what is ``use``.
    """
    groups = {name.partition("/")[0] for name in names}
    for group in entries(folder):
        if group.name not in groups or not is_folder(group):
            log.warning("%s %r is left out: no survey has this name", kind, str(group))
            continue
        for path in entries(group):
            name = f"{group.name}/{path.stem}"
            if name in names and path.suffix in types:
                yield name, path
            else:
                why = f"nothing that is {use} has this name"
                log.warning("%s %r is left out: %s", kind, str(path), why)
