"""The numbers printed on ballots, as digits and in QR codes, with a check digit.

The check digit is over the batch's number and the serial, so a wrong digit, two that changed
places, and mostly a ballot of another stack are noticed before anything is typed.
"""

import re

from surveys.messages import MessageError

# The totally anti-symmetric quasigroup of order 10 in H. M. Damm, "Total anti-symmetrische
# Quasigruppen", Dissertation, Marburg 2004: one wrong digit or a swap of neighbours is noticed.
DAMM = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)  # fmt: skip
LEAST_WIDTH = 3  # digits of a serial, whatever the number of ballots
SCANNED = re.compile(r"[Bb]([0-9]{1,9})-([0-9]{2,9})")


class BallotError(MessageError):
    """Why a ballot or a batch of ballots is not taken."""

    section = "ballots.wrong."
    status = 422


def check_digit(digits: str) -> str:
    """The digit that, put behind ``digits``, makes them pass."""
    interim = 0
    for digit in digits:
        interim = int(DAMM[interim][int(digit)])
    return str(interim)


def width_of(printed: int) -> int:
    """How many digits the serials of a batch have."""
    return max(LEAST_WIDTH, len(str(printed)))


def written(batch: int, printed: int, serial: int) -> str:
    """A serial as it is typed: its digits, then the check digit."""
    digits = f"{serial:0{width_of(printed)}d}"
    return digits + check_digit(f"{batch}{digits}")


def shown(batch: int, printed: int, serial: int) -> str:
    """A serial as people read it: ``017-4``."""
    digits = written(batch, printed, serial)
    return f"{digits[:-1]}-{digits[-1]}"


def scanned(batch: int, printed: int, serial: int) -> str:
    """What the QR code of a ballot holds: its batch and its serial, nothing else."""
    return f"B{batch}-{written(batch, printed, serial)}"


def read(batch: int, printed: int, typed: str) -> int:
    """The serial that was typed or scanned. Raises BallotError."""
    text = re.sub(r"\s", "", typed)
    if found := SCANNED.fullmatch(text):
        if int(found[1]) != batch:
            raise BallotError("other_batch", number=found[1])
        text = found[2]
    digits = text.replace("-", "")
    if not re.fullmatch(r"[0-9]+", digits) or len(digits) != width_of(printed) + 1:
        raise BallotError("serial_digits", n=width_of(printed) + 1)
    if check_digit(f"{batch}{digits[:-1]}") != digits[-1]:
        raise BallotError("serial_check", typed=digits)
    serial = int(digits[:-1])
    if not 1 <= serial <= printed:
        raise BallotError("serial_beyond", printed=printed)
    return serial
