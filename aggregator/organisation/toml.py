"""Writes a centre's document as the TOML file that it can be read from again."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time

from surveys.centre import Centre

BARE = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(centre: Centre) -> str:
    """The document, without what has its default."""
    fields = centre.model_dump(exclude_defaults=True)
    tables = {name: value for name, value in fields.items() if isinstance(value, dict)}
    lists = {name: value for name, value in fields.items() if _is_list_of_tables(value)}
    texts = ("name", "parent", "province")
    lines = [
        f"{name} = {_written(value)}"
        for name, value in fields.items()
        if name in texts or not (name in tables or name in lists)
    ]
    for name, value in tables.items():
        if name not in texts:
            lines += ["", f"[{name}]", *_pairs(value)]
    for name, values in lists.items():
        for value in values:
            lines += ["", f"[[{name}]]", *_pairs(value)]
    return "\n".join([*lines, ""])


def _is_list_of_tables(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping)


def _pairs(table: Mapping[str, object]) -> Iterator[str]:
    for name, value in table.items():
        if value is not None and _is_list_of_tables(value):
            assert isinstance(value, Sequence)  # noqa: S101 - just asked
            inner = "".join(f"    {_written(one)},\n" for one in value)
            yield f"{_key(name)} = [\n{inner}]"
        elif value is not None:
            yield f"{_key(name)} = {_written(value)}"


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _written(name)


def _written(value: object) -> str:
    match value:
        case Mapping():
            pairs = (f"{_key(name)} = {_written(v)}" for name, v in value.items() if v is not None)
            return f"{{ {', '.join(pairs)} }}"
        case list() | tuple():
            return f"[{', '.join(map(_written, value))}]"
        case str():
            # A text of JSON is one of TOML, but for the one character that only TOML forbids.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case bool():
            return "true" if value else "false"
        case date() | time():
            return value.isoformat()
        case _:
            return repr(value)
