"""Reads JSON from outside strictly: what two readers may understand differently is refused."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from surveys.wire import Refused

MAX_LEVELS = 254  # of nesting, as many as orjson writes; a submission has three
UNREADABLE_LEVELS = 10_000  # of nesting at which the whole document is refused
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]|NaN|Infinity', re.DOTALL)
_TOO_DEEP = b"Infinity"  # replaces parts that are nested too deep; valid JSON has none


class NotJson(ValueError):
    """A document that is not JSON; the message says where."""


class Flaw(NamedTuple):
    """Replaces a value that cannot be taken; the reason is the message ``refused.KEY``."""

    key: str


def read_json(body: bytes) -> tuple[Any, bool]:
    """The value of a JSON document, and whether it may hold flaws. Raises NotJson.

    A Flaw replaces each value that cannot be taken: of a name that is given more than once, a
    number that no 64-bit integer or double holds, nesting deeper than MAX_LEVELS.

    A document without flaws is read by orjson. Of equal names that keeps the last one, so
    colons are counted: written out again, a document that lost a name has fewer.
    """
    try:
        value = orjson.loads(body)
        if rb"\u003" not in body and body.count(b":") == orjson.dumps(value).count(b":"):
            return value, False
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # not JSON, or flawed
        pass
    try:
        return _read_slowly(body), True
    except ValueError as error:
        raise NotJson(str(error)) from None


def flaws(value: object, path: str = "") -> Iterator[Refused]:
    """The flaws in a value that read_json returned, as errors that name the field's path."""
    if isinstance(value, Flaw):
        yield Refused(path, value.key)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from flaws(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for member in value:
            yield from flaws(member, path)


def _read_slowly(body: bytes) -> Any:
    return json.loads(
        _without_deep_parts(body).decode(),
        object_pairs_hook=_names_once,
        parse_int=lambda digits: int(digits) if len(digits) < 20 else Flaw("number_too_large"),
        parse_float=_float,
        parse_constant=lambda _: Flaw("nested_too_deep"),
    )


def _without_deep_parts(body: bytes) -> bytes:
    """The document with _TOO_DEEP in place of each part nested deeper than MAX_LEVELS.

    Raises ValueError for a document that is not JSON or exceeds UNREADABLE_LEVELS.
    """
    kept, end, level = [], 0, 0
    for token in _TOKEN.finditer(body):
        match token[0]:
            case b"NaN" | b"Infinity":
                raise ValueError(f"{token[0].decode()} at byte {token.start()} is no JSON")
            case b"[" | b"{":
                level += 1
                if level == MAX_LEVELS + 1:
                    kept += [body[end : token.start()], _TOO_DEEP]
                if level > UNREADABLE_LEVELS:
                    raise ValueError("nested too deep")
            case b"]" | b"}":
                if level == MAX_LEVELS + 1:
                    end = token.end()
                level -= 1
    if level > MAX_LEVELS:
        raise ValueError("the end is missing")
    return b"".join([*kept, body[end:]])


def _names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        value |= {name: Flaw("given_more_than_once") for name, n in counted.items() if n > 1}
    return value


def _float(digits: str) -> float | Flaw:
    number = float(digits)
    return number if abs(number) != float("inf") else Flaw("number_too_large")
