"""Pictures that a centre brings along: checked before a browser is given them."""

import re
from xml.parsers import expat

from surveys.files import UnusableError
from surveys.refusals import CentreError

LARGEST = 200_000  # bytes
WIDEST = 2048  # pixels of a PNG
PNG = b"\x89PNG\r\n\x1a\n"

# A picture shows and does nothing: no script, no page within it, no link, nothing that changes.
ACTIVE = {"script", "foreignobject", "iframe", "embed", "object", "a", "handler", "listener"}
ACTIVE |= {"audio", "video", "animate", "animatemotion", "animatetransform", "set", "image"}
ELSEWHERE = re.compile(r"@import|url\(\s*['\"]?(?!#)", re.IGNORECASE)


class PictureError(CentreError, UnusableError):
    """Why a picture is not shown."""

    section = "picture."


def check_picture(data: bytes, kind: str, most: int = LARGEST) -> None:
    """Check the content of a file of a ``kind``, svg or png, of at most so many bytes.

    Raises PictureError.
    """
    if len(data) > most:
        raise PictureError("too_large", most=most // 1000)
    if kind == "svg":
        _check_svg(data)
    else:
        _check_png(data)


def _check_png(data: bytes) -> None:
    if not data.startswith(PNG) or data[12:16] != b"IHDR" or len(data) < 33:
        raise PictureError("no_png")
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if not (0 < width <= WIDEST and 0 < height <= WIDEST):
        raise PictureError("too_wide", width=width, height=height, most=WIDEST)


def _check_svg(data: bytes) -> None:
    """Read an SVG from its first byte to its last. Raises PictureError for what may act."""
    depth = 0
    words: list[str] = []  # joined before they are judged: a comment may cut one in two

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        local = name.rpartition(":")[2].lower()
        if depth == 0 and local != "svg":
            raise PictureError("no_svg", reason=f"<{local[:20]}>")
        depth += 1
        if local in ACTIVE:
            raise PictureError("active", what=f"<{local}>")
        for attribute, value in attributes.items():
            key = attribute.rpartition(":")[2].lower()
            if key.startswith("on"):
                raise PictureError("active", what=f"{key[:40]}=")
            elsewhere = key in ("href", "src") and not value.startswith("#")
            if elsewhere or ELSEWHERE.search(value) or (key == "style" and "\\" in value):
                raise PictureError("elsewhere", what=f"{key[:40]}=")

    def ended(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refused(*_: object) -> None:
        raise PictureError("instructed")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = started, ended
    parser.CharacterDataHandler = words.append
    parser.StartDoctypeDeclHandler = parser.ProcessingInstructionHandler = refused
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise PictureError("no_svg", reason=error) from error
    text = "".join(words)
    if ELSEWHERE.search(text) or "\\" in text:  # in a style a backslash spells what we look for
        raise PictureError("elsewhere_in_text")
