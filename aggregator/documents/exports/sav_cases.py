"""The cases of an SPSS system file: values as bytecodes, some with a literal of eight bytes."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from math import ceil

from aggregator.documents.exports.sav_variables import BIAS, LONG, SavValue, Variable, cut

EPOCH = datetime(1582, 10, 14)  # SPSS counts seconds from here, without a zone
CHUNK = 256  # bytes that 255 of a very long text take
BUFFER = 65_536  # bytecodes

# Bytecodes, each of which stands for eight bytes of a case.
PADDING, LITERAL, SPACES, MISSING = b"\x00", b"\xfd", b"\xfe", b"\xff"
NUMBERS = range(1 - BIAS, 252 - BIAS)
CODES: dict[object, int] = {None: MISSING[0], **{number: number + BIAS for number in NUMBERS}}


def compressed(
    rows: Iterable[Sequence[SavValue]], variables: Sequence[Variable]
) -> Iterator[bytes]:
    """The cases in pieces: blocks of eight bytecodes, each followed by its literals.

    A block may hold the end of one row and the beginning of the next.
    """
    spans = _spans(variables)
    codes, literals = bytearray(), bytearray()
    for row in rows:
        for start, end in spans:
            if variables[start].type == "text":
                code, literal = _text(row[start], variables[start])
            else:
                code, literal = _numbers(row[start:end])
            codes += code
            literals += literal
        if len(codes) > BUFFER:
            whole = len(codes) // 8 * 8
            piece, used = _blocks(codes[:whole], literals)
            yield piece
            del codes[:whole], literals[:used]
    codes += PADDING * (-len(codes) % 8)
    yield _blocks(codes, literals)[0]


def _spans(variables: Sequence[Variable]) -> list[tuple[int, int]]:
    """Start and end of each part of a row: one text, or all numbers between two texts."""
    spans: list[tuple[int, int]] = []
    for place, variable in enumerate(variables):
        joins = spans and variable.type != "text" and variables[place - 1].type != "text"
        if joins:
            spans[-1] = (spans[-1][0], place + 1)
        else:
            spans.append((place, place + 1))
    return spans


def _numbers(values: Sequence[SavValue]) -> tuple[bytes, bytes]:
    try:  # only codes of answers and missing ones, which is the usual case
        return bytes(map(CODES.__getitem__, values)), b""
    except (KeyError, TypeError):
        codes, literals = bytearray(), bytearray()
    for value in values:
        code = CODES.get(value) if value is None or type(value) is int else None
        codes.append(LITERAL[0] if code is None else code)
        if code is None:
            literals += struct.pack("<d", _seconds(value))
    return bytes(codes), bytes(literals)


def _seconds(value: SavValue) -> float:
    """A number as it is; a day or moment as seconds since 14 October 1582, SPSS's zero."""
    if isinstance(value, datetime):
        return (value.replace(tzinfo=None) - EPOCH).total_seconds()
    if isinstance(value, date):
        return (value - EPOCH.date()).total_seconds()
    return float(value)  # type: ignore[arg-type]


def _text(value: SavValue, variable: Variable) -> tuple[bytes, bytes]:
    if value is None or value == "":
        return SPACES * variable.elements, b""
    stored = cut(str(value), variable.width)
    if variable.width > LONG:  # 255 bytes fill the 256 of a segment
        parts = (stored[at : at + LONG] for at in range(0, len(stored), LONG))
        stored = b"".join(part.ljust(CHUNK) for part in parts).rstrip(b" ")
    count = ceil(len(stored) / 8)
    spaces = variable.elements - count
    return LITERAL * count + SPACES * spaces, stored.ljust(count * 8)


def _blocks(codes: bytearray, literals: bytearray) -> tuple[bytes, int]:
    """Whole blocks of codes and their literals, and how many bytes of literals that took."""
    out, at, used = bytearray(), 0, 0
    while (literal := codes.find(LITERAL, at)) >= 0:
        end = literal // 8 * 8 + 8
        out += codes[at:end]
        size = 8 * codes.count(LITERAL, literal, end)
        out += literals[used : used + size]
        at, used = end, used + size
    return bytes(out + codes[at:]), used
