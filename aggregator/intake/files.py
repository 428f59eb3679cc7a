"""Submissions and transactions as CSV files to import: their rows, and what to say of a bad one."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from surveys.centre import Centre
from surveys.definition import Survey
from surveys.messages import Language
from surveys.wire import MESSAGES, Refused

FIELDS = ("id", "survey", "fingerprint", "department", "counter", "channel", "visit")
DATES = ("answered_at", "received_at", "day")  # the last two are ours: not read back
TAIL = ("language", "comment")
MAX_COUNT = 1_000_000
MAX_RECORD_LINES = 2_100  # a comment of 2,000 line feeds fits
# A spreadsheet may run a cell that begins so (OWASP, CSV injection); it is written, as is one
# with an apostrophe of its own, with an apostrophe before it.
MARKED = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n']")
ROW_IDS = uuid5(NAMESPACE_URL, "urn:hailong:import-row")


class FileError(ValueError):
    """A file that cannot be read at all; the message says why."""


@dataclass(frozen=True)
class Record:
    """One record of a file: its first line's number, and its cells or why it is broken."""

    line: int
    cells: Mapping[str, str]
    error: str | None = None


def read_records(path: Path, required: Iterable[str], language: Language) -> Iterator[Record]:
    """The records of a CSV file in UTF-8, with or without a BOM. Raises FileError.

    A quote that is never closed spoils its own line only, not the rest of the file.
    """

    def say(key: str, **values: object) -> str:
        return MESSAGES.get(language, f"file.{key}", **values)

    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: {say('unreadable', reason=error.strerror)}") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:200]:
        raise FileError(f"{path}: {say('not_utf8')}")
    # Only line feeds end lines here; str.splitlines would also break at U+2028 and the like.
    lines = list(io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline=""))
    header: list[str] | None = None
    position = 0
    while position < len(lines):
        first = position
        cells, position = _take_record(lines, position)
        if header is None:
            header = [cell.strip() for cell in cells or ()]
            _check_header(path, header, required, say("header"))
        elif cells is None:
            yield Record(first + 1, {}, say("open_quote"))
        elif cells and len(cells) != len(header):
            counts = {"found": len(cells), "wanted": len(header)}
            yield Record(first + 1, {}, say("columns", **counts))
        elif cells:
            yield Record(first + 1, dict(zip(header, cells, strict=True)))
    if header is None:
        raise FileError(f"{path}: {say('empty')}")


def _take_record(lines: list[str], start: int) -> tuple[list[str] | None, int]:
    """The cells of the record that begins at a line, and the line after it.

    None for a quote that is never closed or stands wrong: then the next record begins at the
    next line.
    """
    csv.field_size_limit(2**31 - 1)  # a huge cell is refused as what it is, not as broken CSV
    end = min(len(lines), start + MAX_RECORD_LINES)
    reader = csv.reader((lines[number] for number in range(start, end)), strict=True)
    try:
        return next(reader, []), start + reader.line_num
    except csv.Error:
        return None, start + 1


def _check_header(path: Path, header: list[str], required: Iterable[str], reason: str) -> None:
    missing = [name for name in required if name not in header]
    doubled = [name for name, n in Counter(header).items() if n > 1]
    if missing or doubled:
        raise FileError(f"{path}: {reason}: {', '.join(missing or doubled)}")


class SubmissionReader:
    """Turns records of an import file into raw submissions for the one way in."""

    def __init__(self, surveys: Mapping[str, Survey]) -> None:
        self._surveys = surveys
        self._seen: Counter[tuple[tuple[str, str], ...]] = Counter()

    def raw(self, cells: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """The submissions of one record: ``count`` equal ones, with ids derived from the row.

        Equal rows of one file are told apart by how often they came before, so the same file
        gives the same ids again and two equal answers stay two. Raises Refused.
        """
        count = _count(cells.get("count", ""))
        survey = self._surveys.get(cells["survey"])
        if survey is None:
            raise Refused("survey", "unknown_survey", value=cells["survey"][:40])
        base: dict[str, Any] = {
            name: cells[name]
            for name in (*FIELDS, "answered_at", *TAIL)
            if cells.get(name, "").strip()
        }
        base.setdefault("channel", "import")
        if "comment" in base:
            base["comment"] = unescaped(base["comment"])
        base["answers"] = dict(_answers(survey, cells))
        if "id" in base:
            if count != 1:
                raise Refused("count", "count_with_id")
            yield base
            return
        content = tuple(sorted((k, v) for k, v in cells.items() if v and k != "count"))
        before = self._seen[content]
        self._seen[content] += count
        for number in range(before, before + count):
            yield {**base, "id": str(uuid5(ROW_IDS, repr((content, number))))}


def _count(text: str) -> int:
    return whole("count", text.strip() or "1", 1)


def whole(field: str, text: str, low: int) -> int:
    """A whole number from ``low`` to MAX_COUNT. Raises Refused."""
    digits = text.lstrip("0") or "0"
    valid = text.isascii() and text.isdigit() and len(digits) <= len(str(MAX_COUNT))
    if not valid or not low <= int(digits) <= MAX_COUNT:
        raise Refused(field, "out_of_bounds", low=low, high=MAX_COUNT)
    return int(digits)


def _answers(survey: Survey, cells: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name, cell in cells.items():
        value = cell.strip()
        if name in (*FIELDS, *DATES, *TAIL, "count") or not value:
            continue
        question = survey.questions.get(name)
        if question is None:
            raise Refused("answers", "unknown_question", value=name[:40])
        try:
            yield (
                name,
                [int(c) for c in value.split(";")] if question.kind == "many" else int(value),
            )
        except ValueError:
            raise Refused(f"answers.{name}", "not_a_whole_number") from None


def escaped(comment: str) -> str:
    """Keep a spreadsheet from running a comment as a formula."""
    return f"'{comment}" if MARKED.match(comment) else comment


def unescaped(comment: str) -> str:
    return comment[1:] if comment.startswith("'") and MARKED.match(comment, 1) else comment


def read_transactions(
    path: Path, centre: Centre, language: Language
) -> tuple[list[dict[str, object]], list[tuple[int, str]]]:
    """Rows to store (day, department or '', dossiers) and the errors by line. Raises FileError."""
    rows: dict[tuple[date, str], dict[str, object]] = {}
    errors: list[tuple[int, str]] = []
    for record in read_records(path, ("day", "department", "dossiers"), language):
        try:
            if record.error:
                errors.append((record.line, record.error))
                continue
            row = _transactions_row(record.cells, centre)
            key = (row["day"], row["department"])
            if key in rows:
                raise Refused("day", "row_twice")
            rows[key] = row
        except Refused as error:
            errors.append((record.line, error.reason(language)))
    return list(rows.values()), errors


def _transactions_row(cells: Mapping[str, str], centre: Centre) -> dict[str, Any]:
    department = cells["department"].strip()
    if department and department not in centre.department:
        raise Refused("department", "unknown_department", value=department[:40])
    day = local_day(cells["day"])
    dossiers = whole("dossiers", cells["dossiers"].strip(), 0)
    return {"day": day, "department": department, "dossiers": dossiers}


def local_day(cell: str) -> date:
    """The day that a cell names. Raises Refused."""
    try:
        return date.fromisoformat(cell.strip())
    except ValueError:
        raise Refused("day", "not_a_day") from None
