"""What a kind of table is: its fields, what offices call their columns, what its rows set."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from aggregator.intake.desk.sheets import MOST_ROWS
from aggregator.intake.files import Record
from surveys.centre import Centre
from surveys.definition import Level, Question, Survey, Text
from surveys.messages import Language
from surveys.text import without_marks

MOST_SET = 50_000  # rows that a batch sets one by one

# How a cell of a field is read; see values.py.
Meaning = Literal[
    "day", "span", "time", "department", "counter", "answer", "answers", "count", "whole", "days",
    "extent", "yes", "complaint", "official", "decimal", "text",
]  # fmt: skip


@dataclass(frozen=True)
class Field:
    """A column of the desk. ``headers`` are folded, the first ones the surer names.

    ``question`` is behind an answer, ``counted`` the level that a column of totals counts.
    ``label`` is what it is called, where that is in no catalogue.
    """

    name: str
    meaning: Meaning
    headers: Sequence[str] = ()
    required: bool = False
    question: Question | None = None
    counted: Level | None = None
    label: Text | None = None

    @property
    def code(self) -> int | None:
        return self.counted.code if self.counted else None


@dataclass(frozen=True)
class Setting:
    """Where and when rows are read, in the language of who reads what is wrong with them."""

    centre: Centre
    today: date
    language: Language


class Rows(NamedTuple):
    """What records set in the table of their kind: values in the table's order, days as dates.

    ``n`` is how many records said it, ``problems`` are lines with what is wrong with a field.
    """

    cells: Sequence[Sequence[Any]]
    n: int
    problems: Sequence[tuple[int, str]]


@dataclass(frozen=True)
class Kind:
    """A kind of table; each is a module of ``kinds``.

    ``survey`` is the instrument of answers, which become submissions; of others ``rows`` makes
    what a batch sets in the table of the kind (storage.batches.TABLES). Rows that are ``spanned``
    are of a span of days each, or all of one. Two rows with the same
    ``key`` set the same, where there is one; else each row adds something. A table has at most
    ``most`` rows.
    """

    name: str
    fields: Sequence[Field]
    survey: Survey | None = None
    rows: Callable[[Iterable[Record], Setting], Rows] | None = None
    key: Sequence[str] = ()
    most: int = MOST_ROWS
    spanned: bool = False

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)


DAY = Field(
    "day",
    "day",
    (
        *("ngay", "ngay thang", "ngay thang nam", "ngay danh gia", "ngay khao sat", "date", "day"),
        *("ngay lay y kien", "ngay lap phieu", "ngay giai quyet", "ngay tra ket qua"),
        *("thoi gian danh gia", "thoi diem danh gia", "answered at", "thoi diem", "thoi gian"),
    ),
    required=True,
)
DEPARTMENT = Field(
    "department",
    "department",
    (
        *("co quan", "co quan don vi", "don vi", "so nganh", "so", "department", "so ban nganh"),
        *("ten co quan", "ten don vi", "ten so", "co quan giai quyet", "don vi giai quyet"),
        *("co quan thuc hien", "don vi thuc hien", "so ban nganh don vi", "linh vuc"),
    ),
)
COUNTER = Field(
    "counter",
    "counter",
    ("quay", "quay so", "so quay", "ten quay", "ma quay", "quay giao dich", "counter"),
)


@lru_cache(8_192)
def folded(text: str) -> str:
    """A text as headers and names are compared: small letters and digits without marks."""
    return re.sub(r"[\W_]+", " ", without_marks(text).casefold()).strip()
