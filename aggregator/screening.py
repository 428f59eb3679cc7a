"""Masks what would tell a person apart in free text: phone and identity numbers, e-mail.

Personal data law 91/2025/QH15. It lessens what is told, it does not vouch for it: a name, or a
number in words, stays. Where a number may be either, it is masked.
"""

import re
import unicodedata

MASK = "●●●"
MIN_DIGITS = 9  # the shortest of them, an identity card of before 2016, has nine

# A day is read first, so that "07-11-2026 08" is not taken for a number of ten digits.
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?P<by>[-./])(?:0?[1-9]|1[0-2])(?P=by)(?:19|20)\d\d"
_ISO_DAY = r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_MOMENT = rf"(?<!\d)(?:{_DAY}|{_ISO_DAY})(?![-.]?\d)"
_EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_PASSPORT = r"\b[A-Z]\d{7,8}\b"
_BETWEEN = r"[ \u00a0.,()\-–_]{0,3}"
_NUMBER = rf"\+?\d(?:{_BETWEEN}\d){{{MIN_DIGITS - 1},}}"
_FOUND = re.compile(
    f"(?P<email>{_EMAIL})|(?P<moment>{_MOMENT})|(?P<passport>{_PASSPORT})|(?P<number>{_NUMBER})"
)
_MAY_HOLD_ONE = re.compile(r"\d(?:\D{0,3}\d){6}|@")

# Numbers from here: 0 or 84, then a mobile (3, 5, 7, 8, 9; 1 until 2018) or a landline (2).
_PHONE = re.compile(r"(?:0084|84|0)[1-9]\d{8,9}")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:([ \u00a0.,])\d{3})(?:\1\d{3})*")
_UNIT = re.compile(r"\s*(?:đồng|đ\b|vnđ|vnd|nghìn|ngàn|triệu|tr\b|tỷ|tỉ|usd|\$|%)", re.IGNORECASE)
_YEARS = re.compile(r"(?:(?:19|20)\d\d\D+)+(?:19|20)\d\d")


def screened(text: str) -> str:
    """The text with what looks like a phone number, an identity number or an e-mail masked.

    Phones of Vietnam, identity cards (9 or 12 digits), passports, and any other number of nine
    digits or more, with spaces, dots or hyphens in it or without. Days and amounts of money
    stay: 07/11/2026, 1.414.812.973, 350.000.000 đồng.
    """
    if not _MAY_HOLD_ONE.search(text):
        return text
    return _FOUND.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    written = found[0]
    if found["moment"] or (found["number"] and not _tells(written, found.string[found.end() :])):
        return written
    return MASK


def _tells(written: str, after: str) -> bool:
    """Whether a number of nine digits or more may be a person's, not an amount or a list."""
    digits = "".join(str(unicodedata.digit(c)) for c in written if c.isdigit())
    if written.startswith("+") or _PHONE.fullmatch(digits):
        return True
    if digits.startswith("0"):  # as no amount does
        return True
    if _YEARS.fullmatch(written):
        return False
    in_thousands = _THOUSANDS.fullmatch(written)
    if (in_thousands or written.isdigit()) and _UNIT.match(after):
        return False
    if in_thousands and len(digits) not in (9, 12):
        return False
    # A list such as 5, 4, 5 is none; a number written digit by digit is.
    groups = re.findall(r"\d+", written)
    return "," not in written or min(map(len, groups)) > 1
