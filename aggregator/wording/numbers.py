"""How figures are written: decimal comma and thousands point in Vietnamese text."""

from datetime import date, datetime

from surveys.definition import Question
from surveys.messages import Language

NBSP = "\N{NO-BREAK SPACE}"
DASH = "–"
ALPHA = 0.05  # under which a p-value decides a verdict; intervals are of 1 - ALPHA
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def integer(value: int, language: Language) -> str:
    """3483 as ``3.483`` (vi) or ``3,483`` (en)."""
    return _localised(f"{value:,}", language)


def decimal(value: float, language: Language, digits: int = 1) -> str:
    return _localised(f"{value:,.{digits}f}", language)


def percent(share: float | None, language: Language, digits: int = 1) -> str:
    """A fraction as ``96,3%`` (vi) or ``96.3%`` (en); a dash where there is none."""
    if share is None:
        return DASH
    return decimal(share * 100, language, digits) + "%"


def between(low: str, high: str, language: Language) -> str:
    """Both ends of a range, in words: a dash would read as the sign of the second."""
    return f"từ {low} đến {high}" if language == "vi" else f"{low} to {high}"


def points(difference: float | None, language: Language) -> str:
    """A difference of shares in percentage points, with its sign."""
    if difference is None:
        return DASH
    sign = "+" if round(difference * 100, 1) > 0 else "−" if round(difference * 100, 1) < 0 else ""
    return sign + decimal(abs(difference) * 100, language)


def roman(quarter: int) -> str:
    """A quarter's number as Vietnamese documents write it."""
    return ("I", "II", "III", "IV")[quarter - 1]


def p_value(p: float | None, language: Language) -> str:
    """A p-value with four decimals, or as less than 0.0001.

    It has more decimals where rounding would put it on the other side of ALPHA.
    """
    if p is None:
        return DASH
    if p < 0.0001:
        return f"<{decimal(0.0001, language, 4)}"
    digits = 4
    while (p < ALPHA) != (round(p, digits) < ALPHA):
        digits += 1
    return decimal(p, language, digits)


def published_result(question: Question, language: Language) -> str:
    """A question's published figure with its unit; '' where there is none."""
    if question.published is None:
        return ""
    value = decimal(question.published.value, language, 2 if question.published.value % 1 else 0)
    if question.published.unit == "days" and question.unit is not None:
        return f"{value}{NBSP}{question.unit.get(language)}"
    return f"{value}%"


def day(value: date, language: Language) -> str:
    return f"{value:%d/%m/%Y}" if language == "vi" else f"{value:%Y-%m-%d}"


def long_day(value: date, language: Language) -> str:
    """A day as it stands above a signature; a day below 10 and a month below 3 take a zero."""
    if language == "en":
        return f"{value.day} {MONTHS[value.month - 1]} {value.year}"
    month = f"{value.month:02}" if value.month < 3 else str(value.month)
    return f"ngày {value.day:02} tháng {month} năm {value.year}"


def clock(value: datetime) -> str:
    return f"{value:%H:%M}"


def _localised(text: str, language: Language) -> str:
    return text.translate({ord(","): ".", ord("."): ","}) if language == "vi" else text
