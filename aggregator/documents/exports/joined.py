"""The joined table, one row a submission or a visit: its rows, and as CSV and JSON."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

import orjson

from aggregator.documents.exports.columns import FIXED, ExportColumn, joined_columns, typed_columns
from aggregator.documents.exports.visits import visit_columns, visits
from aggregator.intake.submission_files import escaped
from aggregator.organisation.seen import THEN, Seen, following, seen
from aggregator.storage.database import Database
from aggregator.storage.definitions import read_definitions, refuse_undefined
from aggregator.storage.flag_rules import Rules
from aggregator.storage.judging import Judge, RulesOfRows
from aggregator.storage.submissions import (
    ALL,
    Advance,
    Filters,
    read_by_visit,
    read_submissions,
)
from aggregator.wording.screening import screened
from surveys.centre import Centre
from surveys.definition import Survey

ExportFormat = Literal["csv", "json", "parquet", "sav", "xlsx", "csv_excel"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
STREAMED: tuple[ExportFormat, ...] = ("csv", "json")  # as they are stored: may be imported again
RowKind = Literal["submission", "visit"]
ROW_KINDS: tuple[RowKind, ...] = get_args(RowKind)
MEDIA_TYPES: Mapping[ExportFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "sav": "application/x-spss-sav",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv_excel": "text/csv; charset=utf-8",
}
BOM = "\ufeff"  # without it Excel takes a CSV file for another encoding
PIECE = 500  # rows
FLAGS = FIXED.index("flags")


class JoinedRow(NamedTuple):
    """A submission as it is exported: columns.FIXED in its order, then the answers.

    Moments are the centre's local time with its offset. ``device`` is the number of a kiosk (or
    program) of the centre, never anything of a citizen's phone. ``flags`` are the rules by which
    it has one.
    """

    id: str
    survey: str
    fingerprint: str | None
    department: str | None
    counter: str | None
    channel: str
    visit: str | None
    answered_at: datetime
    received_at: datetime
    day: date
    device: int | None
    flags: Rules
    language: str | None
    comment: str | None
    answers: Mapping[str, Any]


@dataclass(frozen=True)
class JoinedTable:
    """Which submissions are exported, what a row is, and whether comments stay as they are.

    Under the organisation of today (``now``) a department or counter that was merged is the one
    it went to, and the columns have other names: such a file is none to import. A row may be a
    visit in formats that are not streamed.
    """

    database: Database
    centre: Centre
    surveys: Mapping[str, Survey]
    filters: Filters = ALL
    raw_comments: bool = False
    organisation: Seen = THEN
    each: RowKind = "submission"

    @cached_property
    def definitions(self) -> list[Survey]:
        """Those that the answers were given by, the newest of a survey last; else what is asked.

        Raises UndefinedAnswersError where answers that are wanted have none, and StorageError.
        """
        with self.database.begin() as connection:
            refuse_undefined(connection, self.filters.where())
            kept = [one.survey for one in read_definitions(connection).values()]
        answered = {one.id for one in kept}
        known = kept + [one for id, one in self.surveys.items() if id not in answered]
        order = list(self.surveys)
        known.sort(key=lambda one: order.index(one.id) if one.id in order else len(order))
        wanted = self.filters.survey
        return [one for one in known if wanted in (None, one.id)]

    def records(self, advance: Advance = lambda more: None) -> Iterator[JoinedRow]:
        """One for each submission; those of a visit together where a row is a visit.

        Raises StorageError.
        """
        read = read_by_visit if self.each == "visit" else read_submissions
        rows = read(self.database, self.filters, advance)
        units = following(self.centre, self.organisation)
        return records(rows, self.centre.zone, self._flags(), units, raw_comments=self.raw_comments)

    def _flags(self) -> RulesOfRows:
        """Flags as figures of the same days have them, by today's limits."""
        shown = seen(self.centre, self.organisation, self.filters.until or date.max)
        known = {one.id: one for one in self.definitions} | dict(self.surveys)
        return RulesOfRows(
            self.database, {id: Judge(survey, shown) for id, survey in known.items()}
        )

    def columns(self, file_format: ExportFormat) -> list[ExportColumn]:
        """The columns of every survey, or of the one that the rows are filtered by."""
        if file_format in STREAMED:
            return joined_columns(self.centre, self.definitions, self.organisation)
        columns = typed_columns(self.centre, self.definitions, self.organisation)
        return visit_columns(columns) if self.each == "visit" else columns

    def typed_rows(self, advance: Advance = lambda more: None) -> Iterator[list[Any]]:
        """The values of the columns of a format that is not streamed. Raises StorageError."""
        columns = typed_columns(self.centre, self.definitions, self.organisation)
        rows = typed_rows(self.records(advance), columns)
        return visits(rows) if self.each == "visit" else rows

    def lines(
        self, file_format: ExportFormat, advance: Advance = lambda more: None
    ) -> Iterator[str]:
        """The whole file of a format that is streamed, in pieces. Raises StorageError."""
        columns = self.columns("csv")
        if file_format == "json":
            return json_lines(self.records(advance), header(columns)[: len(FIXED)])
        return csv_lines(self.records(advance), columns)


def documents(definitions: Iterable[Survey]) -> bytes:
    """A JSON object of definitions by their fingerprints, as intake.importing reads it."""
    dumped = {one.fingerprint: one.model_dump(mode="json") for one in definitions}
    return orjson.dumps(dumped, option=orjson.OPT_INDENT_2)


def records(
    rows: Iterable[Sequence[Any]],
    zone: ZoneInfo,
    flags: Callable[[Any], Rules],
    units: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    *,
    raw_comments: bool = False,
) -> Iterator[JoinedRow]:
    """Records of rows of tables.SubmissionRow; comments are screened unless ``raw_comments``.

    ``flags`` says by which rules a row has one, ``units`` are what ids of departments and
    counters stand for; see seen.following.
    """
    departments, counters = units.get("department", {}), units.get("counter", {})
    for row in rows:
        # Unpacked in the table's order: looking values up by name is slower.
        _, id_, survey, fingerprint, department, counter, channel, visit, *others = row
        answered_at, language, answers, comment, day, received_at, _, device, *_ = others
        yield JoinedRow(
            id_,
            survey,
            fingerprint,
            departments.get(department, department),
            counters.get(counter, counter),
            channel,
            visit,
            answered_at.astimezone(zone),
            received_at.astimezone(zone),
            day,
            device,
            flags(row),
            language,
            comment if raw_comments or not comment else screened(comment),
            answers,
        )


def csv_lines(exported: Iterable[JoinedRow], columns: Sequence[ExportColumn]) -> Iterator[str]:
    """A CSV file of ``joined_columns`` in pieces, header first.

    Several codes of one answer are separated by ";". A comment that a spreadsheet would run
    has an apostrophe before it, which an import takes away.
    """
    names = header(columns)
    places = {name: place for place, name in enumerate(names[len(FIXED) :])}
    blank = [""] * len(places)
    lines = [",".join(names) + "\n"]
    for record in exported:
        cells = blank.copy()
        for question, value in record.answers.items():
            if question in places:
                many = type(value) is list
                cells[places[question]] = ";".join(map(str, value)) if many else str(value)
        # Names, times and codes hold nothing that needs quotes (surveys.wire sees to it), and
        # are put together twice as fast as through csv.writer.
        lines.append(
            f"{record.id},{record.survey},{record.fingerprint or ''},{record.department or ''},"
            f"{record.counter or ''},{record.channel},{record.visit or ''},"
            f"{record.answered_at.isoformat()},{record.received_at.isoformat()},{record.day},"
            f"{'' if record.device is None else record.device},{';'.join(record.flags)},"
            f"{record.language or ''},{_quoted(record.comment)},{','.join(cells)}\n"
        )
        if len(lines) > PIECE:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines)


def _quoted(comment: str | None) -> str:
    """A comment as a cell (RFC 4180)."""
    return '"' + escaped(comment).replace('"', '""') + '"' if comment else ""


def header(columns: Iterable[ExportColumn]) -> list[str]:
    """The names of the columns; a column that surveys share is named once."""
    return list(dict.fromkeys(column.name for column in columns))


def json_lines(exported: Iterable[JoinedRow], names: Sequence[str] = FIXED) -> Iterator[str]:
    """A JSON array in pieces: one line a submission, an object as a kiosk sends it.

    ``names`` are those of the fields before the answers.
    """
    fields = [*names, "answers"]
    lines: list[str] = []
    opening = "[\n"
    for record in exported:
        lines.append(orjson.dumps(dict(zip(fields, record, strict=True))).decode())
        if len(lines) == PIECE:
            yield opening + ",\n".join(lines)
            lines, opening = [], ",\n"
    yield (opening if lines or opening == "[\n" else "") + ",\n".join(lines) + "\n]\n"


def typed_rows(
    exported: Iterable[JoinedRow], columns: Sequence[ExportColumn]
) -> Iterator[list[Any]]:
    """The values of ``typed_columns``, a row a submission; None where nothing was answered."""
    blank = [None] * (len(columns) - len(FIXED))
    spans = _spans(columns)
    for record in exported:
        values: list[Any] = [*record[:-1], *blank]
        values[FLAGS] = ";".join(record.flags) or None
        start, asked = spans.get(record.fingerprint, (0, ()))
        get = record.answers.get
        values[start : start + len(asked)] = [
            None if question is None else _typed(get(question), code) for question, code in asked
        ]
        yield values


def _typed(value: int | list[int] | None, code: int | None) -> int | None:
    """An answer as one number for its column, also where it was stored as a list or a number."""
    if value is None or code is None:
        return None if type(value) is list else value  # type: ignore[return-value]
    return int(code in value if type(value) is list else code == value)


Asked = list[tuple[str | None, int | None]]  # question and level; None where it was not asked


def _spans(columns: Sequence[ExportColumn]) -> dict[str | None, tuple[int, Asked]]:
    """By fingerprint: the index of its survey's first column, and what each of them asks by it."""
    places: dict[str, list[int]] = {}
    for place, column in enumerate(columns):
        if column.survey is not None:
            places.setdefault(column.survey.id, []).append(place)
    spans: dict[str | None, tuple[int, Asked]] = {}
    for own in places.values():
        found = columns[own[0] : own[-1] + 1]
        for fingerprint in {one.fingerprint for column in found for one in column.definitions}:
            asked: Asked = []
            for column in found:
                holds = any(one.fingerprint == fingerprint for one in column.definitions)
                question = column.question.id if holds and column.question else None
                asked.append((question, column.code))
            spans[fingerprint] = (own[0], asked)
    return spans
