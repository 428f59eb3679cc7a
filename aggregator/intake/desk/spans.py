"""Spans of days as offices write them: from a day to a day, a month, a quarter, a year.

Tables of operating figures often say theirs in the title alone.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, timedelta

from aggregator.indices.operations import Span
from aggregator.wording.periods import period_of
from surveys.text import without_marks
from surveys.wire import Refused

DAY = r"(?:ngay )?([0-9]{1,2})\s?[/.-]\s?([0-9]{1,2})\s?[/.-]\s?([0-9]{4})"
DAYS = re.compile(rf"{DAY}\s*(?:den(?: het)?|to|-|–)\s*{DAY}")
SPOKEN_DAY = re.compile(
    r"\bngay:? ([0-9]{1,2})(?: thang |\s?[/.-]\s?)([0-9]{1,2})(?: nam |\s?[/.-]\s?)([0-9]{4})"
)
YEAR = r"\s*(?:nam|[/.-])?\s*([0-9]{4})\b"
PART = re.compile(rf"\b(6|9|3) thang (dau|cuoi) nam{YEAR}")
MONTH = re.compile(rf"\b(?:thang )([0-9]{{1,2}}){YEAR}")
QUARTER = re.compile(rf"\b(?:quy |q)(iv|iii|ii|i|[1-4]){YEAR}")
WHOLE_YEAR = re.compile(r"\bnam ([0-9]{4})\b")
# What only a cell of its own may be: a month without the word, a year alone.
BARE_MONTH = re.compile(r"([0-9]{1,2})[/.-]([0-9]{4})")
ISO_MONTH = re.compile(r"([0-9]{4})-([0-9]{1,2})(?:-01)?")
BARE_YEAR = re.compile(r"([0-9]{4})")
QUARTERS = {"i": 1, "ii": 2, "iii": 3, "iv": 4}


def told_span(texts: Iterable[str]) -> Span | None:
    """The span that one of some texts tells of, such as those of a title; None without one."""
    found = (_span(_plain(text)) for text in texts if text)
    return next((span for span in found if span), None)


def told_day(texts: Iterable[str]) -> date | None:
    """The day that one of some texts tells of, such as those of a title; None without one."""
    for text in texts:
        if found := SPOKEN_DAY.search(_plain(text)):
            with suppress(ValueError):
                return date(int(found[3]), int(found[2]), int(found[1]))
    return None


def cell_span(name: str, text: str) -> Span:
    """The span of a cell of its own. Raises Refused."""
    said = _plain(text)
    span = _span(said)
    try:
        if span is None and (found := BARE_MONTH.fullmatch(said)):
            span = _month(int(found[2]), int(found[1]))
        elif span is None and (found := ISO_MONTH.fullmatch(said)):
            span = _month(int(found[1]), int(found[2]))
        elif span is None and (found := BARE_YEAR.fullmatch(said)):
            span = _year(int(found[1]))
    except ValueError:
        span = None
    if span is None:
        raise Refused(name, "no_such_span", value=text[:40])
    return span


def _plain(text: str) -> str:
    return " ".join(without_marks(text).casefold().split())


def _span(said: str) -> Span | None:
    try:
        if found := DAYS.search(said):
            d, m, y, day, month, year = map(int, found.groups())
            return date(y, m, d), date(year, month, day)
        if found := PART.search(said):
            months, year = int(found[1]), int(found[3])
            begins, ends = (1, months) if found[2] == "dau" else (13 - months, 12)
            return date(year, begins, 1), _month(year, ends)[1]
        if found := MONTH.search(said):
            return _month(int(found[2]), int(found[1]))
        if found := QUARTER.search(said):
            quarter = QUARTERS.get(found[1]) or int(found[1])
            period = period_of("quarter", date(int(found[2]), 3 * quarter, 1))
            return period.since, period.until
        if found := WHOLE_YEAR.search(said):
            return _year(int(found[1]))
    except ValueError:  # the 30th of February
        return None
    return None


def _month(year: int, month: int) -> Span:
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), following - timedelta(days=1)


def _year(year: int) -> Span:
    return date(year, 1, 1), date(year, 12, 31)
