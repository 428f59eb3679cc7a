"""The form of decree 30/2020/ND-CP in words: what stands at a document's head and foot."""

from typing import Any

from aggregator import numbers
from aggregator.reports.model import Report


def heads(report: Report) -> dict[str, Any]:
    """Agency, place and date, name and subject, recipients, signatures; blanks stay blank."""
    day = numbers.long_day(report.day, report.language)
    return {
        "title": f"{report.name}. {report.subject}",
        "parent": report.parent,
        "agency": report.agency,
        "place_and_day": f"{report.place}, {day}",
        "name": report.name,
        "subject": report.subject,
        "recipients": report.words["recipient_lines"].splitlines(),
        "signatures": report.words["signatures"].splitlines(),
    }
