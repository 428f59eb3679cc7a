"""Codes that people keep, and what is stored of them: hashes alone.

Receipt codes are what a citizen keeps of a comment, to read the answer to it at ``/c/CODE``.

Whoever asks makes the code, also without a network. What travels and is stored is its hash alone:
nobody who reads submissions, exports or the database can tell the code of one.
"""

import hashlib
import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to misread
MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
LENGTH = 12  # characters of five bits each: 60 bits
GROUP = 4
NORMAL = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
HASH = r"^[0-9a-f]{64}$"


def normal_code(typed: str) -> str:
    """A code as somebody typed it from paper or a screen, in capital letters without separators."""
    return re.sub(r"[\s.–—-]", "", typed[:100]).upper().translate(MISREAD)


def new_code() -> str:
    """A new code, in groups: ``7K4M-P2QR-9XWT``."""
    return grouped("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))


def read_code(typed: str) -> str | None:
    """The code that somebody typed, in groups; None for what cannot be one."""
    code = normal_code(typed)
    return grouped(code) if NORMAL.fullmatch(code) else None


def grouped(code: str) -> str:
    """Twelve characters in groups of four."""
    return "-".join(code[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def once_hash(code: str) -> str:
    """What is kept of a one-time code, which lets one form in; the code has 60 random bits."""
    return hashlib.sha256(f"hailong/once/1|{normal_code(code)}".encode()).hexdigest()


def receipt_of(code: str) -> str:
    """What is stored of a code: a SHA-256, in hexadecimal."""
    return hashlib.sha256(f"hailong/receipt/1|{normal_code(code)}".encode()).hexdigest()
