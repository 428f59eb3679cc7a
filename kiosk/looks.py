"""The centre's own emblem and colours: read and written at the start, for its screens."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from surveys.definition import DefinitionError
from surveys.looks import TYPES, Looks, deep, tint
from surveys.pictures import LARGEST, PictureError, check_picture

LIGHT = 2_500  # bytes as sent: a phone's form has room for an emblem of so many


@dataclass(frozen=True)
class Served:
    """A file as it is served: its address, which follows its content, its type and its bytes."""

    address: str
    media_type: str
    body: bytes


@dataclass(frozen=True)
class OwnLooks:
    """What a centre has of its own; None where it has not."""

    emblem: Served | None = None
    colours: Served | None = None

    @cached_property
    def light_emblem(self) -> Served | None:
        """The emblem, where it is small enough for phones on a slow network."""
        body = self.emblem.body if self.emblem else b""
        return self.emblem if len(gzip.compress(body)) <= LIGHT else None


def load_looks(centre_file: Path, looks: Looks) -> OwnLooks:
    """Read the emblem, and write the colours as a stylesheet.

    Raises DefinitionError, which names file, key and reason.
    """
    return OwnLooks(
        emblem=_emblem(centre_file, looks),
        colours=_colours(looks),
    )


def _emblem(centre_file: Path, looks: Looks) -> Served | None:
    """The emblem of the document itself, or that of the file beside the centre file."""
    if looks.picture:
        data, kind = looks.picture
        return _served("emblem", TYPES[kind], data)
    if not (name := looks.emblem):
        return None
    kind = name.rpartition(".")[2]
    key = f"{centre_file.name}: looks.emblem: {name}"
    try:
        with (centre_file.parent / name).open("rb") as file:
            data = file.read(LARGEST + 1)
        check_picture(data, kind)
    except OSError as error:
        raise DefinitionError(f"{key}: cannot be read: {error.strerror}") from error
    except PictureError as error:
        raise DefinitionError(f"{key}: {error}") from error
    return _served("emblem", TYPES[kind], data)


def _colours(looks: Looks) -> Served | None:
    rules = []
    if looks.colour:
        rules += [f"--blue: {looks.colour}", f"--blue-deep: {deep(looks.colour)}"]
        rules += [f"--blue-tint: {tint(looks.colour)}", f"--own-deep: {deep(looks.colour)}"]
    if looks.accent:
        rules += [f"--accent: {looks.accent}", f"--accent-tint: {tint(looks.accent)}"]
    css = f":root {{ {'; '.join(rules)} }}\n"
    return _served("colours.css", "text/css", css.encode()) if rules else None


def _served(name: str, media_type: str, body: bytes) -> Served:
    version = hashlib.sha256(body).hexdigest()[:10]
    return Served(f"/centre/{name}?v={version}", media_type, body)
