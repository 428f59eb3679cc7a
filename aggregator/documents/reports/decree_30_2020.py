"""The texts that decree 30/2020/ND-CP requires at the head and foot of a document."""

from datetime import date
from itertools import pairwise
from typing import Any

from aggregator.documents.reports.model import Report
from aggregator.wording.messages import MESSAGES
from aggregator.wording.numbers import MONTHS, NBSP
from surveys.centre import Documents
from surveys.definition import Text
from surveys.messages import Language

BLANK = "…………"  # to be filled in by hand
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
        "addressees": list(report.addressees),
        "recipients": list(report.copies),
        "signatures": signatures(report),
    }


def symbol(documents: Documents, number: int | None = None) -> str:
    """A report's number and symbol, ``05/BC-TTPVHCC``; blanks for what is not known."""
    written = NBSP * 10 if number is None else f"{number:02}"
    return f"{written}/BC-{documents.abbreviation or BLANK}"


def dated(day: date | None, today: date, language: Language) -> str:
    """``ngày 05 tháng 10 năm 2026``: days to 9, January and February have two digits.

    Without a day blanks, of today's year.
    """
    if day is None:
        return MESSAGES.get(language, "report.issued_blank", year=today.year)
    written = {"day": f"{day.day:02}", "month": f"{day.month:02}" if day.month < 3 else day.month}
    if language == "en":
        written = {"day": day.day, "month": MONTHS[day.month - 1]}
    return MESSAGES.get(language, "report.issued", year=day.year, **written)


def addressees(documents: Documents, language: Language) -> tuple[str, ...]:
    """Those whom a document is for: one as it is; several each on a line, with dash and mark."""
    lines = _lines(documents.addressees, language)
    if len(lines) < 2:
        return lines
    return (*(f"- {one};" for one in lines[:-1]), f"- {lines[-1]}.")


def copies(documents: Documents, language: Language) -> tuple[str, ...]:
    """The lines below "Nơi nhận:"; blank ones where nobody is named.

    Whom a document is for is "as above" there; the last line says where it is filed.
    """

    def say(key: str, **values: str) -> str:
        return MESSAGES.get(language, f"report.{key}", **values)

    named = _lines(documents.copies, language)
    above = [say("as_above")] if documents.addressees else []
    lines = [*above, *named] or [say("blank")] * 2
    filed = (documents.filed or say("filed_blank")).rstrip(".") + "."
    return (*(f"- {one};" for one in lines), f"- {say('filed', by=filed)}")


def _lines(text: Text | None, language: Language) -> tuple[str, ...]:
    """The lines of a text, without the dashes and marks that a document gives them itself."""
    lines = text.get(language).splitlines() if text else []
    bare = (line.strip().lstrip("-–• ").rstrip(";. ") for line in lines)
    return tuple(filter(None, bare))


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
