"""The dictionary of an SPSS system file: its variables, their labels and what they measure."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from math import ceil
from typing import Literal

Measure = Literal["nominal", "ordinal", "scale"]
Type = Literal["number", "moment", "day", "text"]
SavValue = str | int | float | date | datetime | None

MEASURES: Mapping[Measure, int] = {"nominal": 1, "ordinal": 2, "scale": 3}
# How values are shown: kind and width of F8.0, DATETIME20 and DATE11; A with a text's own width.
PRINT_FORMATS: Mapping[Type, tuple[int, int]] = {
    "number": (5, 8),
    "moment": (22, 20),
    "day": (20, 11),
}
TEXT_FORMAT = 1
SYSTEM_MISSING, LOWEST = -1.7976931348623157e308, -1.7976931348623155e308
BIAS = 100  # of the bytecodes that stand for small whole numbers
LONG, SEGMENT = 255, 252  # bytes of a text: see Variable.segments
MAX_LABEL, MAX_VALUE_LABEL = 255, 120  # bytes


@dataclass(frozen=True)
class Variable:
    """One variable. ``width`` is the most bytes that a text takes; numbers have none."""

    name: str
    type: Type
    label: str = ""
    values: Mapping[str | int, str] = field(default_factory=dict)
    measure: Measure = "nominal"
    width: int = 0

    @cached_property
    def segments(self) -> list[int]:
        """The widths of the texts that hold this one; [0] for a number.

        More than 255 bytes take a segment for each 252 of them. All but the last are declared
        255 wide, and each holds 255 bytes, so the last ones may be empty.
        """
        if self.type != "text":
            return [0]
        if self.width <= LONG:
            return [max(self.width, 1)]
        full = ceil(self.width / SEGMENT) - 1
        return [LONG] * full + [self.width - full * SEGMENT]

    @cached_property
    def elements(self) -> int:
        """How many units of eight bytes a value takes."""
        return sum(_units(width) for width in self.segments)


def dictionary(variables: Sequence[Variable]) -> Iterator[bytes]:
    """The records on variables and their labels, in the order that readers want."""
    short = _short_names(variables)
    for variable, names in zip(variables, short, strict=True):
        yield from _records(variable, names)
    place = 1
    for variable in variables:
        if variable.values and variable.width <= 8:
            yield _value_labels(variable, place)
        place += variable.elements
    yield _extension(3, struct.pack("<8i", 1, 0, 0, -1, 1, 1, 2, 65001), 4)
    yield _extension(4, struct.pack("<3d", SYSTEM_MISSING, -SYSTEM_MISSING, LOWEST), 8)
    yield _extension(11, b"".join(map(_display, variables)), 4)
    named = list(zip(short, variables, strict=True))
    full_names = "\t".join(f"{names[0]}={variable.name}" for names, variable in named)
    yield _extension(13, full_names.encode(), 1)
    very_long = [
        f"{names[0]}={variable.width:05}\0\t" for names, variable in named if variable.width > LONG
    ]
    if very_long:
        yield _extension(14, "".join(very_long).encode(), 1)
    yield _extension(20, b"UTF-8", 1)
    if labels := b"".join(_long_value_labels(v) for v in variables if v.values and v.width > 8):
        yield _extension(21, labels, 1)
    yield struct.pack("<2i", 999, 0)


def _short_names(variables: Sequence[Variable]) -> list[list[str]]:
    """Names of at most eight bytes for every segment, as old programs know it: V1, V2, …"""
    names, number = [], 0
    for variable in variables:
        count = len(variable.segments)
        names.append([f"V{number + place}" for place in range(1, count + 1)])
        number += count
    return names


def _records(variable: Variable, names: Sequence[str]) -> Iterator[bytes]:
    """A record for each eight bytes of each segment; the first of all has the label."""
    label = cut(variable.label, MAX_LABEL)
    for name, width in zip(names, variable.segments, strict=True):
        kind, shown = PRINT_FORMATS.get(variable.type, (TEXT_FORMAT, width))
        print_format = kind << 16 | shown << 8
        labelled = bool(label) and name == names[0]
        yield struct.pack("<6i", 2, width, labelled, 0, print_format, print_format) + padded(
            name, 8
        )
        if labelled:
            yield struct.pack("<i", len(label)) + label + bytes(-len(label) % 4)
        for _ in range(_units(width) - 1):
            yield struct.pack("<6i", 2, -1, 0, 0, 0, 0) + padded("", 8)


def _units(width: int) -> int:
    return ceil(max(width, 1) / 8)


def _value_labels(variable: Variable, place: int) -> bytes:
    """Labels of numbers, and of texts of at most eight bytes; ``place`` counts from 1."""
    parts = [struct.pack("<2i", 3, len(variable.values))]
    for value, text in variable.values.items():
        label = cut(text, MAX_VALUE_LABEL)
        stored = padded(value, 8) if isinstance(value, str) else struct.pack("<d", value)
        parts.append(stored + bytes([len(label)]) + label + bytes(-(len(label) + 1) % 8))
    return b"".join(parts) + struct.pack("<3i", 4, 1, place)


def _long_value_labels(variable: Variable) -> bytes:
    name = variable.name.encode()
    parts = [struct.pack("<i", len(name)), name]
    parts.append(struct.pack("<2i", variable.width, len(variable.values)))
    for value, text in variable.values.items():
        label = cut(text, MAX_VALUE_LABEL)
        parts += [struct.pack("<i", variable.width), padded(str(value), variable.width)]
        parts += [struct.pack("<i", len(label)), label]
    return b"".join(parts)


def _display(variable: Variable) -> bytes:
    """Measurement level, width of the column on a screen and alignment, once a segment."""
    text = variable.type == "text"
    shown = min(max(variable.width, 8), 32) if text else PRINT_FORMATS[variable.type][1]
    packed = struct.pack("<3i", MEASURES[variable.measure], shown, 0 if text else 1)
    return packed * len(variable.segments)


def _extension(subtype: int, content: bytes, size: int) -> bytes:
    return struct.pack("<4i", 7, subtype, size, len(content) // size) + content


def padded(text: str, width: int) -> bytes:
    return cut(text, width).ljust(width)


def cut(text: str, width: int) -> bytes:
    """The text in UTF-8, cut after a whole character to at most ``width`` bytes."""
    encoded = text.encode()
    if len(encoded) <= width:
        return encoded
    return encoded[:width].decode(errors="ignore").encode()
