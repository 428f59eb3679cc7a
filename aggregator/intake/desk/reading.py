"""A sheet understood: which row is the header, which column is which field, what each row says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

import orjson

from aggregator.indices.operations import Span
from aggregator.intake.desk import values
from aggregator.intake.desk.fields import Field, Kind, folded
from aggregator.intake.desk.groups import (
    FILLED,
    Counted,
    Groups,
    is_foot,
    is_numbering,
    is_total,
)
from aggregator.intake.desk.kinds.answers import LEVEL
from aggregator.intake.desk.sheets import Row, Sheet, cell_name
from aggregator.intake.desk.spans import cell_span, told_span
from aggregator.intake.files import Record
from surveys.centre import Centre
from surveys.messages import Language, Messages
from surveys.text import cleaned
from surveys.wire import Refused

HEADER_WITHIN = 40  # rows of the sheet
MOST_PROBLEMS = 500  # that are kept with their words; the others are counted
MOST_UNPLACED = 100


@dataclass(frozen=True)
class Columns:
    """What somebody has to agree to: the header's place, columns by field, departments chosen.

    ``header`` is a place among the sheet's rows, ``columns`` count from 0. In the fields of
    ``filled`` a blank cell says what the one above it says. ``span`` is that of operating figures
    without one in their row, ``day`` that of all rows of a table without a column of days.
    """

    header: int
    columns: Mapping[str, int]
    departments: Mapping[str, str] = field(default_factory=dict)
    filled: Sequence[str] = ()
    span: Span | None = None
    day: date | None = None


@dataclass(frozen=True)
class Problem:
    """A cell that cannot be taken, and why; its whole row is left out."""

    row: int
    cell: str
    reason: str

    def is_as(self, other: "Problem") -> bool:
        """Whether it is another's, of a cell that speaks for several rows."""
        return bool(self.cell) and (self.cell, self.reason) == (other.cell, other.reason)

    def text(self, messages: Messages, language: Language) -> str:
        values = {"row": self.row, "cell": self.cell, "reason": self.reason}
        key = "desk.problem" if self.cell else "desk.problem_row"
        return messages.get(language, key, **values)


@dataclass
class Reading:
    """What could not be read of a sheet, known once all its rows are read.

    ``left_out`` are rows that are no data, such as totals; ``headings`` those that name the
    department of the rows below. ``unplaced`` are departments as they are written that nobody
    knows (or that were closed), each with a suggestion or None.
    """

    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0
    left_out: Counted = field(default_factory=Counted)
    headings: Counted = field(default_factory=Counted)
    unplaced: dict[str, str | None] = field(default_factory=dict)

    def refuse(self, problem: Problem) -> None:
        is_again = bool(self.problems) and problem.is_as(self.problems[-1])
        if len(self.problems) < MOST_PROBLEMS and not is_again:
            self.problems.append(problem)
        else:
            self.more_problems += 1


def header_of(sheet: Sheet, place: int) -> list[str]:
    """The texts of a header; where a cell is blank the one above it counts, as where merged."""
    cells = list(sheet.head[place].cells)
    above = sheet.head[place - 1] if place else None
    if above is not None and above.number == sheet.head[place].number - 1:
        cells += [""] * (len(above.cells) - len(cells))
        cells = [own or (above.cells[at] if at < len(above.cells) else "")
                 for at, own in enumerate(cells)]  # fmt: skip
    return cells


def guess(sheet: Sheet, kind: Kind) -> Columns:
    """The likeliest header, and the column of each field that it names."""
    best = 0
    found: dict[str, int] = {}
    for place in range(min(len(sheet.head), HEADER_WITHIN)):
        columns = columns_of(header_of(sheet, place), kind)
        if len(columns) > len(found):
            best, found = place, columns
    span = None
    if kind.spanned:
        span = told_span(cell for row in sheet.head[:best] for cell in row.cells)
    return Columns(best, found, filled=filled_of(sheet, best, found, kind), span=span)


def filled_of(sheet: Sheet, header: int, columns: Mapping[str, int], kind: Kind) -> list[str]:
    """The fields that no row is without, and that stand in the first of several rows alone."""
    found = []
    for one in kind.fields:
        at = columns.get(one.name)
        if at is None or not one.required or one.name not in FILLED:
            continue
        own = [columns[name] for name in columns if name != one.name]
        said = [
            at < len(row.cells) and bool(row.cells[at])
            for row in sheet.head[header + 1 :]
            if sum(place < len(row.cells) and bool(row.cells[place]) for place in own) > 1
            and not is_total(row)
            and not is_numbering(row)
        ]
        if said and said[0] and not all(said):
            found.append(one.name)
    return found


def columns_of(header: Sequence[str], kind: Kind) -> dict[str, int]:
    """By field its column: the surest names first, each field and column once."""
    marks = []
    for column, text in enumerate(header):
        said = folded(text)
        for order, one in enumerate(kind.fields):
            if score := _score(said, one):
                marks.append((-score, order, column, one.name))
    columns: dict[str, int] = {}
    for _, _, column, name in sorted(marks):
        if name not in columns and column not in columns.values():
            columns[name] = column
    levels = [name for name in columns if name.startswith(LEVEL)]
    if len(levels) == 1:  # one level is a word of a row; a table of totals counts several
        del columns[levels[0]]
    return columns


def _score(said: str, field: Field) -> int:
    """How surely a folded header names a field; 0 where it does not."""
    for rank, name in enumerate(field.headers):
        if said == name:
            return 1_000 - rank
    begins = [name for name in field.headers if len(name) > 4 and said.startswith(f"{name} ")]
    return max(map(len, begins), default=0)


@dataclass(frozen=True)
class Reader:
    """Reads the rows of a sheet of a kind, by a mapping."""

    kind: Kind
    centre: Centre
    messages: Messages
    language: Language

    def records(self, sheet: Sheet, mapping: Columns, found: Reading) -> Iterator[Record]:
        """The rows as the readers of the kinds take them; what is wrong goes to ``found``."""
        places = values.Places(self.centre, mapping.departments)
        columns = dict(mapping.columns)
        fields = [one for one in self.kind.fields if one.name in columns]
        required = [one for one in fields if one.required]
        # A table of totals says a rating by its columns; one of ratings has no such columns.
        if "rating" in columns:
            fields = [one for one in fields if not one.name.startswith(LEVEL)]
        groups = Groups(places, self.kind, columns, mapping.filled)
        found.headings = groups.headings
        after_total = False
        for row in sheet.rows(mapping.header + 1):
            cells = row.cells
            width = len(cells)
            given = {
                one.name: cell
                for one in fields
                if (at := columns[one.name]) < width and (cell := cells[at])
            }
            if is_total(row):
                after_total = True
                found.left_out.add(row.number)
                continue
            lacking = required and not any(one.name in given for one in required)
            if mapping.day is not None:
                lacking = lacking or (len(given) < 2 and (after_total or is_foot(row)))
            if (lacking or len(given) == 1) and groups.is_heading(row, given, after_total):
                continue
            few = lacking and len(given) < 2 and width > 1 and not groups.fills(required)
            if not given or few or is_numbering(row) or (lacking and (after_total or is_foot(row))):
                found.left_out.add(row.number)
                continue
            above = groups.fill(given, row.number)
            if mapping.day is not None:
                given.setdefault("day", mapping.day.isoformat())
            try:
                if sheet.faults:
                    self._refuse_faults(sheet, row, columns, fields)
                for canonical in self._canonical(given, fields, places, mapping.span):
                    yield Record(row.number, canonical)
            except Refused as error:
                if isinstance(error, values.Unplaced) and len(found.unplaced) < MOST_UNPLACED:
                    found.unplaced.setdefault(error.written, error.suggested)
                found.refuse(self.problem(row.number, error.field, error, columns, above))

    def problem(
        self,
        row: int,
        name: str,
        reason: Refused | str,
        columns: Mapping[str, int],
        above: Mapping[str, str] | None = None,
    ) -> Problem:
        """What is wrong with the field of a row, told by its cell, or that ``above`` it."""
        column = columns.get(name)
        cell = cell_name(row, column) if column is not None else ""
        cell = (above or {}).get(name, cell)
        if isinstance(reason, Refused):
            reason = reason.reason(self.language).partition(": ")[2]
        return Problem(row, cell, reason)

    def _refuse_faults(
        self, sheet: Sheet, row: Row, columns: Mapping[str, int], fields: Sequence[Field]
    ) -> None:
        for one in fields:
            if key := sheet.faults.get((row.number, columns[one.name])):
                raise Refused(one.name, key)

    def _canonical(
        self,
        given: Mapping[str, str],
        fields: Sequence[Field],
        places: values.Places,
        stated: Span | None,
    ) -> Iterator[dict[str, str]]:
        """The cells of a row as the other readers take them. Raises Refused."""
        for one in self.kind.fields:
            if one.required and one.name not in given:
                raise Refused(one.name, "missing")
        span: Span | None = None
        day, clock = values.moment("day", given["day"]) if "day" in given else (None, None)
        if self.kind.spanned:
            span = _span(given, stated)
            day = span[0]
        department = counter = None
        if (written := given.get("department")) and not places.is_centre(written):
            department = places.department(written, day)
        if written := given.get("counter"):
            counter = places.counter(written, department)
        if self.kind.survey is None or day is None:
            cells = self._plain(given, fields, day, department, counter)
            if span is not None:
                cells |= {"since": span[0].isoformat(), "until": span[1].isoformat()}
            yield cells
        else:
            hour = values.hour("time", given["time"]) if "time" in given else clock
            if counter and not department:
                department = places.at(counter)
            yield from self._answers(given, fields, day, hour, department, counter)

    def _plain(
        self,
        given: Mapping[str, str],
        fields: Sequence[Field],
        day: date | None,
        department: str | None,
        counter: str | None,
    ) -> dict[str, str]:
        cells = {one.name: "" for one in self.kind.fields}
        for one in fields:
            text = given.get(one.name, "")
            if not text:
                continue
            match one.meaning:
                case "whole":
                    cells[one.name] = values.whole(one.name, text)
                case "decimal":
                    cells[one.name] = values.decimal(one.name, text)
                case "extent" | "yes" | "complaint":
                    cells[one.name] = values.word(one, text)
                case "time":
                    cells[one.name] = _clock(one.name, text)
                case _:
                    cells[one.name] = text
        known = {"day": day and day.isoformat(), "department": department, "counter": counter}
        return cells | {name: said or "" for name, said in known.items() if name in cells}

    def _answers(
        self,
        given: Mapping[str, str],
        fields: Sequence[Field],
        day: date,
        hour: time | None,
        department: str | None,
        counter: str | None,
    ) -> Iterator[dict[str, str]]:
        """The answers of a row, ``answers`` as JSON; of a table of totals one for each level."""
        survey = self.kind.survey
        assert survey is not None  # noqa: S101 - the caller looked
        # Midnight stands for an hour that is not known.
        at = datetime.combine(day, hour or time(), self.centre.zone)
        base = {"survey": survey.id, "answered_at": at.isoformat()}
        base |= {"department": department or "", "counter": counter or ""}
        said: dict[str, Any] = {}
        counted: list[tuple[int, int]] = []
        for one in fields:
            text = given.get(one.name, "")
            if not text:
                continue
            if one.code is not None:
                counted.append((one.code, int(values.whole(one.name, text))))
            elif one.question is not None and one.meaning == "answers":
                said[one.name] = values.answers(survey, one, text)
            elif one.question is not None:
                said[one.name] = values.answer(survey, one, text)
        count = values.whole("count", given["count"]) if "count" in given else "1"
        comment = cleaned(given.get("comment", ""))
        if not counted:
            if not said and not comment:
                raise Refused("rating" if "rating" in survey.questions else "day", "nothing_said")
            yield base | {"answers": _written(said), "comment": comment, "count": count}
            return
        for code, n in counted:
            if n:
                yield base | {
                    "answers": _written({**said, "rating": code}),
                    "comment": "",
                    "count": str(n),
                }


def _span(given: Mapping[str, str], stated: Span | None) -> Span:
    """The span of a row of operating figures: its own, else the table's. Raises Refused."""
    if text := given.get("span"):
        return cell_span("span", text)
    ends = [values.moment(name, given[name])[0] for name in ("since", "until") if name in given]
    if len(ends) == 2:
        return ends[0], ends[1]
    if ends or stated is None:
        raise Refused("until" if "since" in given else "since", "missing")
    return stated


def _written(answers: Mapping[str, Any]) -> str:
    return orjson.dumps(answers, option=orjson.OPT_SORT_KEYS).decode()


def _clock(name: str, text: str) -> str:
    if text.strip() in ("24:00", "24h", "24h00"):
        return "24:00"
    return values.hour(name, text).strftime("%H:%M")
