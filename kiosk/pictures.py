"""Picture files that a centre brings along: checked before a browser is given them."""

import re
from xml.parsers import expat

LARGEST = 200_000  # bytes
WIDEST = 2048  # pixels of a PNG
PNG = b"\x89PNG\r\n\x1a\n"

# A picture shows and does nothing: no script, no page within it, no link, nothing that changes.
ACTIVE = {"script", "foreignobject", "iframe", "embed", "object", "a", "handler", "listener"}
ACTIVE |= {"audio", "video", "animate", "animatemotion", "animatetransform", "set", "image"}
ELSEWHERE = re.compile(r"@import|url\(\s*['\"]?(?!#)", re.IGNORECASE)


class PictureError(ValueError):
    """A picture file that is not shown; the message is the reason."""


def check_picture(data: bytes, kind: str) -> None:
    """Check the content of a file of a ``kind``, svg or png. Raises PictureError."""
    if len(data) > LARGEST:
        raise PictureError(f"larger than {LARGEST // 1000} KB")
    if kind == "svg":
        _check_svg(data)
    else:
        _check_png(data)


def _check_png(data: bytes) -> None:
    if not data.startswith(PNG) or data[12:16] != b"IHDR" or len(data) < 33:
        raise PictureError("not a PNG file")
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if not (0 < width <= WIDEST and 0 < height <= WIDEST):
        raise PictureError(f"{width} x {height} pixels; at most {WIDEST} each way")


def _check_svg(data: bytes) -> None:
    """Read an SVG from its first byte to its last. Raises PictureError for what may act."""
    depth = 0
    words: list[str] = []  # joined before they are judged: a comment may cut one in two

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        local = name.rpartition(":")[2].lower()
        if depth == 0 and local != "svg":
            raise PictureError("not an SVG file")
        depth += 1
        if local in ACTIVE:
            raise PictureError(f"has <{local}>")
        for attribute, value in attributes.items():
            key = attribute.rpartition(":")[2].lower()
            if key.startswith("on"):
                raise PictureError(f"has {key}=")
            elsewhere = key in ("href", "src") and not value.startswith("#")
            if elsewhere or ELSEWHERE.search(value) or (key == "style" and "\\" in value):
                raise PictureError(f"leads elsewhere: {key}=")

    def ended(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refused(*_: object) -> None:
        raise PictureError("has a document type or a processing instruction")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = started, ended
    parser.CharacterDataHandler = words.append
    parser.StartDoctypeDeclHandler = parser.ProcessingInstructionHandler = refused
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise PictureError(f"not an SVG file: {error}") from error
    text = "".join(words)
    if ELSEWHERE.search(text) or "\\" in text:  # in a style a backslash spells what we look for
        raise PictureError("leads elsewhere in its text")
