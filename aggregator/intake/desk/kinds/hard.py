"""Numbers from records beside what businesses say, as PCI and a DDCI use them: a year's each.

A row is one number, of the province or a department, or, where the province has a DDCI file, a
department with a column for each of the numbers that the file names.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from aggregator.indices.ddci_definition import Ddci, HardIndicator
from aggregator.intake.desk.fields import (
    DEPARTMENT,
    MOST_SET,
    Field,
    Kind,
    Rows,
    Setting,
    folded,
)
from aggregator.intake.files import Record
from aggregator.wording.periods import EARLIEST
from surveys.definition import Survey
from surveys.text import cleaned
from surveys.wire import Refused

COLUMN = "hard_"  # begins the name of a field that is a number of the DDCI
LONGEST = {"indicator": 120, "unit": 40, "source": 200}
YEAR = re.compile(r"(?:nam )?((?:19|20)[0-9]{2})")
FIELDS = (
    Field("year", "text", ("nam", "nam so lieu", "year"), required=True),
    replace(DEPARTMENT, headers=[one for one in DEPARTMENT.headers if one != "linh vuc"]),
    Field("sub_index", "text", ("chi so thanh phan", "csth", "linh vuc", "sub index")),
    Field("indicator", "text", ("chi tieu", "ten chi tieu", "noi dung", "chi so", "indicator")),
    Field("value", "decimal", ("gia tri", "ket qua", "so lieu", "thuc hien", "value")),
    Field("unit", "text", ("don vi tinh", "dvt", "unit")),
    Field("source", "text", ("nguon", "nguon so lieu", "co quan cung cap", "source")),
)


def kind(businesses: Survey | None = None, ddci: Ddci | None = None) -> Kind:
    """``businesses`` is the survey whose factors are the sub-indices."""
    columns = [_column(one) for one in (ddci.hard if ddci else ())]
    rows = partial(_rows, businesses=businesses, ddci=ddci)
    key = ("year", "department", "indicator", *(one.name for one in columns))
    return Kind("hard", [*FIELDS, *columns], rows=rows, key=key, most=MOST_SET)


def _column(hard: HardIndicator) -> Field:
    called = (folded(hard.column), folded(hard.name.vi), folded(hard.name.en))
    return Field(f"{COLUMN}{hard.column}", "decimal", called, label=hard.name)


@dataclass
class _Read:
    """Rows of tables.HardData by their keys."""

    businesses: Survey | None
    ddci: Ddci | None
    setting: Setting
    rows: dict[tuple[int, str, str], list[object]] = field(default_factory=dict)

    def take(self, cells: Mapping[str, str]) -> None:
        """Raises Refused."""
        year, department = self._year(cells["year"]), cells["department"]
        found = list(self._numbers(cells, department))
        if not found:
            raise Refused("value", "missing")
        for name, indicator, factor, value in found:
            if (year, department, indicator) in self.rows:
                raise Refused(name, "indicator_twice")
            texts = [_short(one, cells[one]) for one in ("unit", "source")]
            row = [year, department, indicator, factor, float(value), *texts]
            self.rows[year, department, indicator] = row

    def _numbers(
        self, cells: Mapping[str, str], department: str
    ) -> Iterator[tuple[str, str, str, str]]:
        """By field the indicator, its factor and its value."""
        hard = {folded(name): one for one in self._hard for name in _names(one)}
        for one in self._hard:
            if value := cells.get(COLUMN + one.column):
                if not department:
                    raise Refused("department", "missing")
                yield COLUMN + one.column, one.column, "", value
        if cells["indicator"] or cells["value"]:
            for name in ("indicator", "value"):
                if not cells[name]:
                    raise Refused(name, "missing")
            known = hard.get(folded(cells["indicator"])) if department else None
            if known is not None:
                yield "indicator", known.column, "", cells["value"]
            else:
                indicator = _short("indicator", cells["indicator"])
                yield "indicator", indicator, self._factor(cells["sub_index"]), cells["value"]

    @property
    def _hard(self) -> tuple[HardIndicator, ...]:
        return self.ddci.hard if self.ddci else ()

    def _year(self, text: str) -> int:
        found = YEAR.fullmatch(folded(text))
        if found is None:
            raise Refused("year", "no_year", value=text[:40])
        if int(found[1]) < EARLIEST.year:
            raise Refused("year", "too_early", earliest=EARLIEST)
        if int(found[1]) > self.setting.today.year:
            raise Refused("year", "in_the_future")
        return int(found[1])

    def _factor(self, text: str) -> str:
        """The id of the factor that a cell names, or numbers as PCI does."""
        factors = self.businesses.factors if self.businesses else ()
        if not text:
            raise Refused("sub_index", "missing")
        said = folded(text)
        for number, one in enumerate(factors, 1):
            names = {folded(one.id), folded(one.name.vi), folded(one.name.en), str(number)}
            if {said, re.sub("^[0-9]+ ", "", said)} & names or said == f"chi so {number}":
                return one.id
        raise Refused("sub_index", "no_sub_index", value=text[:40])


def _names(hard: HardIndicator) -> tuple[str, ...]:
    return hard.column, hard.name.vi, hard.name.en


def _short(name: str, text: str) -> str:
    """A text without line feeds, refused where it is too long to keep."""
    short = " ".join(cleaned(text).split())
    if len(short) > LONGEST[name]:
        raise Refused(name, "too_long", length=len(short), most=LONGEST[name])
    return short


def _rows(
    records: Iterable[Record], setting: Setting, businesses: Survey | None, ddci: Ddci | None
) -> Rows:
    read, problems, n = _Read(businesses, ddci, setting), [], 0
    for record in records:
        try:
            read.take(record.cells)
            n += 1
        except Refused as error:
            problems.append((record.line, error.reason(setting.language)))
    return Rows([read.rows[key] for key in sorted(read.rows)], n, problems)
