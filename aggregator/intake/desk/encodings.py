"""Vietnamese text in the encodings that offices still use, named and made composed Unicode.

TCVN3 (.VnTime, TCVN 5712:1993) has a byte for each letter, with capitals in a font of their own;
VNI (VNI-Times) writes a mark as a byte after its letter; windows-1258 does so with five marks.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, product
from unicodedata import normalize

from surveys.text import composed

UTF_8, UTF_16, WINDOWS, TCVN3, VNI = "UTF-8", "UTF-16", "windows-1258", "TCVN3", "VNI"
MOST_LINES = 300_000  # that are looked at for another encoding
SAMPLE = 1_000_000  # characters by which an encoding is found
BEYOND = re.compile("[^\x00-\x7f]")
MOST_WORDS = 4_000  # with letters beyond ASCII that are looked at
LIKELY = 0.7  # of these words must be Vietnamese ones, or the encoding is not known

# By the first byte of a run, the letters of TCVN3; small ones alone have tones.
_TCVN3_RUNS = {
    0xA1: "ĂÂÊÔƠƯĐăâêôơưđ",
    0xB5: "àảãáạ",
    0xBB: "ằẳẵắ",
    0xC6: "ặầẩẫấậè",
    0xCE: "ẻẽéẹềểễếệìỉ",
    0xDC: "ĩíịò",
    0xE1: "ỏõóọồổỗốộờởỡớợù",
    0xF1: "ủũúụừửữứựỳỷỹýỵ",
}
_TCVN3 = {
    first + place: letter
    for first, letters in _TCVN3_RUNS.items()
    for place, letter in enumerate(letters)
}

# VNI: what stands after a letter, and the marks that it stands for; letters of their own.
_GRAVE, _ACUTE, _HOOK, _TILDE, _DOT = "\u0300\u0301\u0309\u0303\u0323"
_ROUND, _BREVE = "\u0302\u0306"
_VNI_TONES = {"ø": _GRAVE, "ù": _ACUTE, "û": _HOOK, "õ": _TILDE, "ï": _DOT}
_VNI_ROUND = {"â": "", "à": _GRAVE, "á": _ACUTE, "å": _HOOK, "ã": _TILDE, "ä": _DOT}
_VNI_BREVE = {"ê": "", "è": _GRAVE, "é": _ACUTE, "ú": _HOOK, "ü": _TILDE, "ë": _DOT}
_VNI_ALONE = {"ô": "ơ", "ö": "ư", "ñ": "đ", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}


def _vni() -> dict[str, str]:
    """What is written in VNI, one or two small letters, and the letter that it is."""
    table = dict(_VNI_ALONE)
    for base, (mark, tone) in product("aeouyôö", _VNI_TONES.items()):
        table[base + mark] = normalize("NFC", _VNI_ALONE.get(base, base) + tone)
    for base, (mark, tone) in product("aeo", _VNI_ROUND.items()):
        table[base + mark] = normalize("NFC", base + _ROUND + tone)
    for mark, tone in _VNI_BREVE.items():
        table["a" + mark] = normalize("NFC", "a" + _BREVE + tone)
    capitals = {written.upper(): letter.upper() for written, letter in table.items()}
    # A capital may have a small mark, where only the first letter of a word is one.
    mixed = {w[0].upper() + w[1]: letter.upper() for w, letter in table.items() if len(w) == 2}
    return mixed | capitals | table


_VNI = _vni()
_IN_VNI = re.compile("|".join(sorted(map(re.escape, _VNI), key=len, reverse=True)))


def _from_tcvn3(text: str) -> str:
    return text.translate(_TCVN3)


def _from_vni(text: str) -> str:
    return _IN_VNI.sub(lambda found: _VNI[found[0]], text)


def _from_windows(text: str) -> str:
    return composed(text.encode("latin-1", "replace").decode("cp1258", "replace"))


# What reads text whose characters are the bytes themselves.
BYTES: Mapping[str, Callable[[str], str]] = {
    WINDOWS: _from_windows,
    TCVN3: _from_tcvn3,
    VNI: _from_vni,
}

# A Vietnamese syllable without its tone: at most one consonant before and one after its vowels.
SYLLABLE = re.compile(
    "(?:[bcdđghklmnpqrstvx]|ch|gh|gi|kh|ng|ngh|nh|ph|qu|th|tr)?"
    "(?:[aăâeêioôơuưy]|a[iouy]|â[uy]|eo|êu|i[aêu]|iêu|o[aăeio]|oa[ioy]|oeo|[ôơ]i|u[aâêiôơy]|"
    "uây|uôi|uy[aêu]|ư[aiơu]|ươ[iu]|yêu?)"
    "(?:c|ch|m|n|ng|nh|p|t)?"
)
TONES = re.compile(f"[{_GRAVE}{_ACUTE}{_HOOK}{_TILDE}{_DOT}]")
WORD = re.compile(r"[^\W\d_]*[^\W\d_a-zA-Z][^\W\d_]*")  # with a letter beyond ASCII


@dataclass(frozen=True)
class Unreadable(ValueError):
    """Bytes in no encoding of ours. ``line`` is the first one that is another than the others.

    ``cut`` is where the file ends within a letter.
    """

    line: int = 0
    cut: bool = False


def decoded(data: bytes) -> tuple[str, str]:
    """The text of a file, composed, and the name of its encoding. Raises Unreadable."""
    for mark, codec, name in (
        (b"\xef\xbb\xbf", "utf-8-sig", UTF_8),
        (b"\xff\xfe", "utf-16", UTF_16),
        (b"\xfe\xff", "utf-16", UTF_16),
    ):
        if data.startswith(mark):
            return _strictly(data, codec), name
    if b"\x00" in data[:200]:
        return _strictly(data, "utf-16-le" if data[1:2] == b"\x00" else "utf-16-be"), UTF_16
    try:
        return composed(data.decode()), UTF_8
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and not data[: error.start].isascii():
            raise Unreadable(cut=True) from None
        if line := _odd_line(data):
            raise Unreadable(line) from None
    text = data.decode("latin-1")
    beyond = BEYOND.search(text)
    sample = text[beyond.start() if beyond else 0 :][:SAMPLE]
    name, likely = max(
        ((one, vietnamese(read(sample))) for one, read in BYTES.items()), key=_second
    )
    if likely < LIKELY:
        raise Unreadable
    return composed(BYTES[name](text)), name


def encoding_of(texts: Iterable[str]) -> str:
    """The encoding that the cells of a spreadsheet are in: UTF_8, TCVN3 or VNI.

    A cell in a font such as .VnTime has the bytes of TCVN3 as characters. Only what is
    Vietnamese in such an encoding and not as it stands is in it.
    """
    text = "\n".join(texts)
    if text.isascii() or (best := vietnamese(text)) >= LIKELY:
        return UTF_8
    chosen = UTF_8
    for name in (TCVN3, VNI):
        if (likely := vietnamese(BYTES[name](text))) >= LIKELY and likely > best:
            best, chosen = likely, name
    return chosen


def vietnamese(text: str) -> float:
    """Which part of the words with a letter beyond ASCII are Vietnamese syllables; 1 of none."""
    seen = good = 0
    for found in WORD.finditer(text):
        seen += 1
        good += _is_syllable(found[0])
        if seen == MOST_WORDS:
            break
    return good / seen if seen else 1.0


def _is_syllable(word: str) -> bool:
    apart = normalize("NFD", word.lower())
    tones = TONES.findall(apart)
    bare = normalize("NFC", TONES.sub("", apart))
    return len(tones) <= 1 and SYLLABLE.fullmatch(bare) is not None


def _strictly(data: bytes, codec: str) -> str:
    try:
        return composed(data.decode(codec))
    except UnicodeDecodeError as error:
        if error.end == len(data):
            raise Unreadable(cut=True) from None
        raise Unreadable(data[: error.start].count(b"\n") + 1) from None


def _odd_line(data: bytes) -> int:
    """Of a file that is UTF-8 in some lines only, the first that is not; else 0."""
    first = unicode = 0
    lines = re.finditer(rb"[^\n]*\n?", data)
    for number, found in enumerate(islice(lines, MOST_LINES), 1):
        line = found[0]
        try:
            line.decode()
        except UnicodeDecodeError:
            first = first or number
        else:
            unicode += not line.isascii()
    return first if unicode else 0


def _second(pair: tuple[str, float]) -> float:
    return pair[1]
