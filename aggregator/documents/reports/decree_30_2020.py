"""The texts that decree 30/2020/ND-CP requires at the head and foot of a document."""

from itertools import pairwise
from typing import Any

from aggregator.documents.reports.model import Report
from aggregator.wording.numbers import NBSP

LINE = 26  # letters that a line of the head's left column holds
# Kinds of place, of one or two words, before the name of a place.
PLACES = frozenset(
    ("tỉnh", "thành", "phố", "huyện", "thị", "trấn", "quận", "phường", "xã", "đặc", "khu")
)


def heads(report: Report) -> dict[str, Any]:
    """Agency, place and date, name and subject, recipients, signatures; blanks stay blank."""
    names = (report.parent, report.agency)
    parent, agency = map(in_parts, names) if report.language == "vi" else names
    return {
        "title": f"{report.name}. {report.subject}",
        "parent": parent,
        "agency": agency,
        # The sheet of a day is not numbered among the agency's reports.
        "number": "" if report.kind == "day" else report.words["number"],
        "place_and_day": f"{report.place}, {report.words['issued']}",
        "name": report.name,
        "subject": report.subject,
        "recipients": report.words["recipient_lines"].splitlines(),
        "signatures": signatures(report),
    }


def signatures(report: Report) -> list[dict[str, Any]]:
    """Who signs, from the left: lines of the office, in capitals but on the sheet of a day; the
    hint under them where no name is printed; and the ``name`` below the signature, or ''.
    """
    *others, last = report.words["signatures"].splitlines()
    signed, hint = report.signed, report.words["sign"]
    offices = [signed.on_behalf, signed.title or last]
    own = {"office": [*filter(None, offices)], "hint": "" if signed.name else hint}
    found = [{"office": [one], "hint": hint, "name": ""} for one in others]
    found.append({**own, "name": signed.name})
    if report.kind != "day":
        for one in found:
            one["office"] = [line.upper() for line in one["office"]]
    return found


def in_parts(name: str) -> str:
    """An agency's Vietnamese name with no-break spaces inside its parts.

    A line then ends between parts only: each begins with a capital after a small letter, or
    with the kind of place that the agency is of. Names of several capitals in a row, and parts
    too long for a line of a document's head, are left as they are.
    """
    words = name.split()
    parts = [words[:1]]
    for before, word in pairwise(words):
        begins = word in PLACES or (word[0].isupper() and before[0].islower())
        if begins and before not in PLACES:
            parts.append([])
        parts[-1].append(word)
    joined = (" ".join(part) for part in parts)
    return " ".join(part.replace(" ", NBSP) if len(part) <= LINE else part for part in joined)
