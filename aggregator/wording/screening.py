"""Masks what may identify a person in free text: phone and identity numbers, e-mail.

Personal data law 91/2025/QH15. It lowers the risk but does not end it: a name, or a number
in words, stays. A number that may or may not identify somebody is masked.
"""

import re
import unicodedata
from collections.abc import Iterator

MASK = "●●●"
MIN_DIGITS = 9  # the shortest of them, an identity card of before 2016, has nine

# Days, times of day, and the numbers of documents, such as 01/2018: no digit of them is part of
# a longer number, unless that goes on as it began.
_D, _M, _Y = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_MOMENT = "|".join(
    [rf"(?<![\d{by}]){_D}{by}{_M}{by}{_Y}(?!{by}?\d)" for by in ("/", r"\.", r"\-")]
    + [rf"(?<![\d-]){_Y}-{_M}-{_D}(?!-?\d)"]
    + [r"(?<![\d:])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?!:?\d)"]
    + [rf"(?<![\d/])(?:(?:0?\d{{1,2}}|[1-9]\d{{2,3}})/{_Y}|{_D}/{_M})(?!/?\d)"]
)
_AT = r"(?:@|\(at\)|\[at\])"
_EMAIL = (
    rf"(?<![\w.+-])[\w.+-]+(?:{_AT}[\w.-]*[^\W\d_](?:[\w-]|\.(?=\w))*"
    rf"|\s{{0,2}}{_AT}\s{{0,2}}[\w-]+(?:\.[\w-]+)*\.[a-z]{{2,}})"
)
_PASSPORT = r"(?<!\w)[A-Z][ .–-]?\d{7,8}(?!\w)"
_BETWEEN = rf"(?:[^\w{MASK[0]}]|_){{0,4}}"
_DIGIT = rf"(?!{_MOMENT})\d"
_NUMBER = rf"\+?{_DIGIT}(?:{_BETWEEN}{_DIGIT}){{{MIN_DIGITS - 1},}}"
_FOUND = re.compile(
    f"(?P<email>{_EMAIL})|(?P<moment>{_MOMENT})|(?P<passport>{_PASSPORT})|(?P<number>{_NUMBER})",
    re.IGNORECASE,
)
_MAY_HOLD_ONE = re.compile(rf"(?:\d\D*){{7}}|{_AT}", re.IGNORECASE)

# Numbers from here: 0 or 84, then a mobile (3, 5, 7, 8, 9; 1 until 2018) or a landline (2).
_PHONE = re.compile(r"(?:0084|84|0)[1-9]\d{8,9}")
# What lists and amounts are made of. None begins with a zero that stands before another digit.
_ELEMENT = re.compile(
    r"(?P<amount>[1-9]\d{0,2}(?:([ \u00a0.,])\d{3})(?:\2\d{3})*(?:[.,]\d\d?)?(?![.,:/]?\d))"
    r"|(?P<decimal>(?:0|[1-9]\d{0,2})[.,]\d\d?(?![.,:/]?\d))"
    r"|(?P<pair>[1-9]\d{0,2}[–/-][1-9]\d{0,2}(?![.,:/–-]?\d))"
    r"|(?P<year>(?:19|20)\d\d(?![.:/]?\d))"
    r"|(?P<whole>[1-9]\d{3,}(?![.:/]?\d))"
    r"|(?P<small>(?:0|[1-9]\d{0,2})(?![.:/]?\d))"
)
_GAP = re.compile(r"(?:\.(?=\s))?[\s,;%$()–—-]{1,4}")
_UNIT = re.compile(r"\s*(?:đồng|đ\b|vnđ|vnd|nghìn|ngàn|triệu|tr\b|tỷ|tỉ|usd|\$|%)", re.IGNORECASE)


def screened(text: str) -> str:
    """The text with what looks like a phone number, an identity number or an e-mail masked.

    Phones of Vietnam, identity cards (9 or 12 digits), passports, and any other number of nine
    digits or more, with up to four signs or spaces between its digits. Days, lists and amounts
    of money stay: 07/11/2026, 1.414.812.973, 350.000.000 đồng. So does every character that is
    not masked. What a mask leaves behind is read again: screened twice is screened once.
    """
    while (masked := _masked(text)) != text:
        text = masked
    return text


def _masked(text: str) -> str:
    if not _MAY_HOLD_ONE.search(unicodedata.normalize("NFKC", text)):
        return text
    plain, places = _plain(text)
    pieces, end = [], 0
    for match in _FOUND.finditer(plain):
        if match["moment"] or (match["number"] and not _tells(match)):
            continue
        pieces += [text[end : places[match.start()][0]], MASK]
        end = places[match.end() - 1][1]
    return "".join([*pieces, text[end:]])


def _plain(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text as people see it, and the start and end of each of its characters in ``text``.

    Without what cannot be seen, such as a soft hyphen, and with ASCII digits.
    """
    read, places = [], []
    for start, end in _characters(text):
        for each in unicodedata.normalize("NFKC", text[start:end]):
            if unicodedata.category(each) != "Cf":
                read.append(str(unicodedata.decimal(each)) if each.isdecimal() else each)
                places.append((start, end))
    return "".join(read), places


def _characters(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each character, its combining marks included."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not unicodedata.combining(text[at]):
            yield start, at
            start = at


def _tells(match: re.Match[str]) -> bool:
    """Whether a match of nine digits or more may identify a person: no amount, no list."""
    written = match[0]
    elements = _elements(written)
    if not elements:  # such as 0912 345 678
        return True
    kinds = {kind for kind, _ in elements}
    money = _UNIT.match(match.string, match.end())
    if kinds == {"amount"} and money:
        return False
    digits = re.sub(r"\D", "", written)
    if _PHONE.fullmatch(digits):
        return True
    if money:
        return False
    sizes = [(kind, len(re.sub(r"\D", "", element))) for kind, element in elements]
    if "whole" in kinds or ("amount", MIN_DIGITS) in sizes:
        return True
    if "small" not in kinds:
        return False
    # A list such as 5, 4, 5 is no number; a number written digit by digit is.
    listed = written.count(",") + written.count(";") >= len(elements) - 1
    if listed and ("small", 1) in sizes:
        return digits.startswith("0")
    return len(digits) == MIN_DIGITS or (kinds == {"small"} and not listed)


def _elements(written: str) -> list[tuple[str, str]]:
    """The amounts and other elements of a list, each with its kind; none if it is not one."""
    elements, at = [], 0
    while element := _ELEMENT.match(written, at):
        elements.append((str(element.lastgroup), element[0]))
        if element.end() == len(written):
            return elements
        gap = _GAP.match(written, element.end())
        if gap is None:
            break
        at = gap.end()
    return []
