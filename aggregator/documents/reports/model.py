"""A report as plain data: its contents in order, without their looks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Literal, NamedTuple, get_args

from aggregator.wording.periods import Period
from surveys.definition import Level
from surveys.messages import Language

ReportKind = Literal["day", "week", "month", "quarter"]
REPORT_KINDS: tuple[ReportKind, ...] = get_args(ReportKind)
REPORT_FORMATS = ("pdf", "docx", "xlsx")


class Mark(Enum):
    """What stands in a cell instead of a figure that may not be published.

    A group that is shown elsewhere may have parts that are not: those are ``WITHHELD_PART``.
    """

    WITHHELD = "(*)"
    WITHHELD_PART = "(**)"


WITHHELD, WITHHELD_PART = Mark.WITHHELD, Mark.WITHHELD_PART


class Range(NamedTuple):
    """An interval, or a rank's first and last place."""

    low: float
    high: float


class Printed(NamedTuple):
    """A figure of another source as text, with its digits; ``share`` is the fraction, if any."""

    text: str
    share: float | None = None
    digits: int = 0
    note: str = ""


# share: a fraction; points: a difference of shares; score has one decimal, number two; the
# intervals and ranks are a Range.
ColumnUnit = Literal[
    "text",
    "integer",
    "share",
    "points",
    "score",
    "number",
    "p",
    "interval",
    "points_interval",
    "number_interval",
    "ranks",
]
# None where there is no figure, such as a share of no answers.
CellValue = str | int | float | Range | Printed | Mark | None


@dataclass(frozen=True)
class Column:
    """A column of a table; ``width`` is relative to the others.

    ``of`` names the columns that a spreadsheet computes it from: a share is the first over the
    second; an interval is Wilson's of a share and its n. A ``sheet`` column has the numbers
    behind the printed ones and stands in spreadsheets only.
    """

    key: str
    title: str
    unit: ColumnUnit = "text"
    width: float = 1.0
    of: tuple[str, str] | None = None
    sheet: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of values in the columns' order; ``strong`` rows are totals.

    Of a row in ``groups`` only the first cell is filled: it heads the rows below. ``name`` is
    short: that of its sheet.
    """

    key: str
    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[CellValue, ...], ...]
    strong: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()

    @property
    def printed(self) -> tuple[int, ...]:
        """The places of the columns that are printed."""
        return tuple(place for place, column in enumerate(self.columns) if not column.sheet)


class Mean(NamedTuple):
    """One line of an interval chart; all None where it is withheld or nobody answered."""

    label: str
    share: float | None
    low: float | None
    high: float | None
    withheld: bool = False


@dataclass(frozen=True)
class Intervals:
    """Shares with their intervals, one a line, beside a published or own share."""

    title: str
    alt: str
    means: tuple[Mean, ...]
    legend: str
    reference: tuple[str, float] | None = None
    notes: tuple[str, ...] = ()


class Point(NamedTuple):
    """One period of a control chart; ``share`` None where there is none to show."""

    label: str
    share: float | None
    lower: float | None
    centre: float | None
    upper: float | None
    series: int = 0
    signal: str = ""
    withheld: bool = False


@dataclass(frozen=True)
class Trend:
    """Shares over time with the limits of a control chart; a new series begins a new line."""

    title: str
    alt: str
    points: tuple[Point, ...]
    legend: tuple[str, ...]  # share, centre line, limits, signal
    notes: tuple[str, ...] = ()


class LikertRow(NamedTuple):
    """One line of a Likert chart: answers by code, None where withheld; a measure's share."""

    label: str
    counts: Mapping[int, int] | None
    share: float | None


@dataclass(frozen=True)
class Likert:
    """Diverging bars as on the pages; see aggregator.wording.likert. ``levels`` are best first."""

    title: str
    alt: str
    levels: tuple[Level, ...]
    value: str  # the name of the share at the end of each line
    bars: tuple[LikertRow, ...]
    notes: tuple[str, ...] = ()


Chart = Intervals | Trend | Likert


@dataclass(frozen=True)
class Paragraph:
    """A text; ``code`` is what the QR code beside it holds, where there is one."""

    text: str
    code: str = ""


@dataclass(frozen=True)
class Points:
    """Short sentences, one a line."""

    texts: tuple[str, ...]


Block = Paragraph | Points | Table | Chart


@dataclass(frozen=True)
class Section:
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Signed:
    """Who signs a document: a line such as "KT. GIÁM ĐỐC" above the office; '' leaves it blank."""

    on_behalf: str = ""
    title: str = ""
    name: str = ""


@dataclass(frozen=True)
class Report:
    """A whole document in one language. ``annex`` holds the sections on method and sources.

    ``addressees`` are those whom it is for, ``copies`` the lines of those who get it.
    """

    kind: ReportKind
    language: Language
    period: Period
    parent: str
    agency: str
    place: str
    day: date
    name: str
    subject: str
    opening: str
    sections: tuple[Section, ...]
    closing: str = ""
    annex: tuple[Section, ...] = ()
    demo: bool = False
    addressees: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    signed: Signed = Signed()
    words: dict[str, str] = field(default_factory=dict)  # fixed texts of the document, by key

    def tables(self) -> Iterator[Table]:
        """Every table, the annex's included."""
        for section in (*self.sections, *self.annex):
            yield from (block for block in section.blocks if isinstance(block, Table))

    def charts(self) -> Iterator[Chart]:
        for section in (*self.sections, *self.annex):
            yield from (block for block in section.blocks if isinstance(block, Chart))
