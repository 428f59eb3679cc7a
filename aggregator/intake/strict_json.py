"""JSON from outside, read by one rule: what two readers may take in two ways is refused."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from surveys.wire import Refused

MAX_LEVELS = 254  # of nesting in a document: what orjson writes; a submission has three
UNREADABLE_LEVELS = 10_000  # where looking for the end of a part stops
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]|NaN|Infinity', re.DOTALL)
_TOO_DEEP = b"Infinity"  # put where a part was nested too deep; no JSON has it


class NotJson(ValueError):
    """A document that is not JSON; the message says where."""


class Flaw(NamedTuple):
    """Stands in a document for a value that is JSON and yet no value: a key of ``refused.``."""

    key: str


def read_json(body: bytes) -> tuple[Any, bool]:
    """The value of a JSON document, and whether it may hold flaws.

    A Flaw stands for each part that cannot be taken: a name that is given more than once, a
    number that no 64-bit integer or double holds, nesting deeper than MAX_LEVELS. Raises
    NotJson.

    A document without flaws is read by a fast library. It keeps the last of two equal names, so
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
    """The flaws in a value that read_json gave, each with the path of its field."""
    if isinstance(value, Flaw):
        yield Refused(path, value.key)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from flaws(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for each in value:
            yield from flaws(each, path)


def _read_slowly(body: bytes) -> Any:
    return json.loads(
        _without_deep_parts(body).decode(),
        object_pairs_hook=_names_once,
        parse_int=lambda digits: int(digits) if len(digits) < 20 else Flaw("number_too_large"),
        parse_float=_float,
        parse_constant=lambda _: Flaw("nested_too_deep"),
    )


def _without_deep_parts(body: bytes) -> bytes:
    """The document with _TOO_DEEP for each part below MAX_LEVELS, whatever that holds.

    Raises ValueError.
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
