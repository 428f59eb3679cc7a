"""Text from outside: in one form, whoever sends it."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

# Control characters break terminals and databases; the bidirectional marks let a comment
# show other words than it holds (Unicode TR36). Tab and line feed are fine in a comment.
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff]"
)
# Marks in a row that text may have: the stream-safe bound of Unicode UAX #15, section 13. No
# language comes near it; a pile of marks hides the lines above and below.
MAX_MARKS = 30
LONGEST_TEXT = 2_000  # characters of a question, a level, a message
Fault = Literal["missing", "too_long", "unsafe"]
FAULTS: Mapping[Fault, str] = {
    "missing": "empty",
    "too_long": f"longer than {LONGEST_TEXT} characters",
    "unsafe": "characters that cannot be shown",
}


def composed(text: str) -> str:
    """The text with each letter and its marks in one character where there is one (NFC).

    Software may send ế as one character or as a letter and two marks; they are the same word.
    What has too many marks is returned as it is: sorting them costs the square of their number.
    """
    return text if has_too_many_marks(text) else unicodedata.normalize("NFC", text)


def without_marks(text: str) -> str:
    """The text with plain letters only, as people type who search: Nguyễn Đức is Nguyen Duc."""
    letters = unicodedata.normalize("NFD", text)
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return bare.replace("đ", "d").replace("Đ", "D")


def fault_of(words: str, most: int = LONGEST_TEXT) -> Fault | None:
    """What keeps a text that others wrote from standing on a screen; None where nothing does.

    ``most`` is how many characters it may have.
    """
    if not words.strip():
        return "missing"
    if len(words) > most:
        return "too_long"
    if UNSAFE.search(words) or has_too_many_marks(words):
        return "unsafe"
    return None


def why_not_shown(words: str) -> str | None:
    """The fault of a text in plain English."""
    fault = fault_of(words)
    return FAULTS[fault] if fault else None


def as_read(text: str) -> str:
    """What a reader tells texts apart by: neither case, nor white space, nor Unicode's form."""
    return composed(" ".join(composed(text).casefold().split()))


def has_too_many_marks(text: str) -> bool:
    """Whether more than MAX_MARKS marks follow each other."""
    if len(text) <= MAX_MARKS or text.isascii():
        return False
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > MAX_MARKS:
            return True
    return False


def cleaned(text: str) -> str:
    """What a citizen typed: without unsafe characters and surplus marks, composed, trimmed."""
    unified = UNSAFE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    # Composing may take one mark apart into two, so what has become too many goes after it too.
    return _without_surplus_marks(composed(_without_surplus_marks(unified))).strip()


def _without_surplus_marks(text: str) -> str:
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)
