"""How the values of a report are written in print: decimal comma, dash, withheld."""

from aggregator.documents.reports.model import CellValue, Column, ColumnUnit, Mark, Printed, Range
from aggregator.wording import numbers
from surveys.messages import Language

_UNITS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")
ROMAN = tuple(f"{tens}{one}" for tens in ("", "X") for one in _UNITS)


def written(value: CellValue, column: Column, language: Language) -> str:
    """A cell's text: ``96,3%``, ``từ 95,6 đến 96,9%``, ``+1,2``; a dash for no figure."""
    if value is None:
        return numbers.DASH
    if isinstance(value, Mark):
        return str(value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, Printed):
        return f"{value.text}\n({value.note})" if value.note else value.text
    if isinstance(value, Range):
        return _range(value, column.unit, language)
    match column.unit:
        case "share":
            return numbers.percent(value, language)
        case "points":
            return numbers.points(value, language)
        case "p":
            return numbers.p_value(value, language)
        case "score":
            return numbers.decimal(value, language)
        case "number":
            return numbers.decimal(value, language, 2)
        case _:
            return numbers.integer(int(value), language)


def _range(value: Range, unit: ColumnUnit, language: Language) -> str:
    """Both ends; the unit once, after the second."""
    low, high = value
    match unit:
        case "interval":
            first = numbers.decimal(low * 100, language)
            return numbers.between(first, numbers.percent(high, language), language)
        case "points_interval":
            first, last = (numbers.points(end, language) for end in value)
            return numbers.between(first, last, language)
        case "number_interval":
            first, last = (numbers.decimal(end, language, 2) for end in value)
            return numbers.between(first, last, language)
        case _:
            first, last = (numbers.integer(int(end), language) for end in value)
            return first if first == last else numbers.between(first, last, language)
