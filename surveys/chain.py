"""How a device's submissions are numbered and chained: what is said as one digest, and the links.

A whole batch has a digest, too, by which one that was changed on its way is sent again.

A device numbers its submissions from 1 and joins each to the one before by a keyed hash (HMAC,
RFC 2104), so that none can be left out, put in or changed without its key.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from surveys.wire import Submission

START = "0" * 64  # stands for the link before the first
HEX_64 = r"^[0-9a-f]{64}$"  # a digest, a link or a key
HEX_32 = r"^[0-9a-f]{32}$"  # the salt of a comment, or the name of a chain
_SHA_256 = re.compile(r"(?:^|,)[ \t]*sha-256=:([A-Za-z0-9+/]{43}=):")

Said = tuple[str | None, ...]  # id to comment, as tables.SubmissionRow has them


def said_of(submission: "Submission", fingerprint: str | None) -> Said:
    """What a submission says, as text, by the definition of ``fingerprint``.

    The order of questions and of chosen codes does not change it; the time is in UTC.
    """
    answers = submission.answers
    if list in map(type, answers.values()):
        answers = {q: sorted(v) if type(v) is list else v for q, v in answers.items()}
    return (
        submission.id.lower(),
        submission.survey,
        fingerprint,
        submission.department,
        submission.counter,
        submission.channel,
        submission.visit,
        str(submission.answered_at),
        submission.language,
        written(answers),
        submission.comment,
    )


def written(answers: Mapping[str, object]) -> str:
    """Answers as they are stored and hashed, the questions by name."""
    return orjson.dumps(answers, option=orjson.OPT_SORT_KEYS).decode()


def new_salt() -> str:
    """A random salt of 128 bits for a comment."""
    return secrets.token_hex(16)


def sealed(comment: str, salt: str) -> str:
    """What stands for a comment in digests: its HMAC-SHA256 under its salt.

    Once text and salt are deleted, it still proves the text to who has both, and nobody can find
    a short text by trying.
    """
    return hmac.digest(bytes.fromhex(salt), comment.encode(), "sha256").hex()


def digest_of(said: Sequence[str | None], seal: str | None = None) -> str:
    """The SHA-256 of what is said; ``seal`` stands for the comment, where it has one."""
    content = said if seal is None else (*said[:-1], [seal])
    return hashlib.sha256(orjson.dumps(content)).hexdigest()


def link(key: str, before: str, seq: int, digest: str) -> str:
    """The link of submission number ``seq`` to the one ``before``; all are hexadecimal.

    HMAC-SHA256 of the link before, the number in eight bytes, and the digest of what is said.
    """
    return next_link(bytes.fromhex(key), bytes.fromhex(before), seq, digest).hex()


def next_link(key: bytes, before: bytes, seq: int, digest: str) -> bytes:
    """The same as bytes, for who makes many of them."""
    return hmac.digest(key, before + seq.to_bytes(8, "big") + bytes.fromhex(digest), "sha256")


def content_digest(body: bytes) -> str:
    """The header Content-Digest of a body (RFC 9530), by SHA-256."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def is_as_sent(body: bytes, told: str) -> bool:
    """Whether a body is what its Content-Digest tells; one that has no SHA-256 tells nothing."""
    found = _SHA_256.search(told)
    return found is not None and hmac.compare_digest(f"sha-256=:{found[1]}:", content_digest(body))
