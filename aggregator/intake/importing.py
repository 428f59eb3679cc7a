"""Imports submissions from a CSV file, and reports each line that was not taken."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from aggregator.intake.files import FileError, read_records
from aggregator.intake.ingest import Ingest, Offer
from aggregator.intake.submission_files import (
    DATES,
    DEFINITIONS,
    FIELDS,
    TAIL,
    ReadRow,
    SubmissionReader,
)
from surveys.definition import Survey, reasons
from surveys.files import UnusableError, content
from surveys.messages import Language
from surveys.wire import MESSAGES, Refused

CHUNK = 1_000  # submissions in one transaction
LARGEST_DEFINITIONS = 32 * 1024 * 1024  # bytes


@dataclass
class Outcome:
    """How many submissions got each status; ``problems`` are lines with their first reason."""

    statuses: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def summary(self) -> str:
        statuses = ("accepted", "duplicate", "conflict", "refused")
        return ", ".join(f"{status} {self.statuses[status]}" for status in statuses)

    def refuse(self, line: int, reason: str) -> None:
        self.statuses["refused"] += 1
        self.note(line, reason)

    def note(self, line: int, reason: str) -> None:
        if not self.problems or self.problems[-1][0] != line:
            self.problems.append((line, reason))


def import_file(
    path: Path,
    ingest: Ingest,
    language: Language,
    advance: Callable[[int], None] = lambda done: None,
) -> Outcome:
    """Import a CSV file; importing it twice changes nothing.

    The definitions beside it (``NAME.definitions.json``, which an export writes) are those of its
    answers. ``advance`` is called with the number of submissions of each transaction. Raises
    files.FileError when a file cannot be read at all, definitions.ChangedDefinitionError where
    a survey is asked in another form here, and database.StorageError when the
    database fails. What was stored before stays; importing the file again completes it.
    """
    outcome = Outcome()
    ingest.learn(read_definitions(path, language))
    items = _items(path, ingest, language, outcome)
    while chunk := list(islice(items, CHUNK)):
        raws = _under_stored_ids([row for _, row in chunk], ingest)
        [receipts] = ingest.accept([Offer(raws, language)])
        for (line, _), receipt in zip(chunk, receipts, strict=True):
            outcome.statuses[receipt.status] += 1
            if receipt.reason:
                outcome.note(line, receipt.reason)
        advance(len(chunk))
    outcome.problems.sort()
    return outcome


def _under_stored_ids(rows: Sequence[ReadRow], ingest: Ingest) -> list[dict[str, Any]]:
    """Raw submissions, under the id of another release where they are stored under that one."""
    stored = ingest.stored([other for row in rows for other in row.other_ids])

    def raw(row: ReadRow) -> dict[str, Any]:
        known = stored.intersection(row.other_ids)
        return row.raw | {"id": known.pop()} if known else row.raw

    return [raw(row) for row in rows]


def _items(
    path: Path, ingest: Ingest, language: Language, outcome: Outcome
) -> Iterator[tuple[int, ReadRow]]:
    reader = SubmissionReader(ingest.definition)
    known = {*FIELDS, *DATES, *TAIL, "count", *ingest.questions()}
    for record in read_records(path, ("survey", "answered_at"), language):
        if odd := [name for name in record.cells if name not in known]:
            name = odd[0][:40]
            raise FileError(f"{path}: {MESSAGES.get(language, 'file.unknown_column', name=name)}")
        if record.error:
            outcome.refuse(record.line, record.error)
            continue
        try:
            for row in reader.raw(record.cells):
                yield record.line, row
        except Refused as error:
            outcome.refuse(record.line, error.reason(language))


def read_definitions(path: Path, language: Language) -> dict[str, Survey]:
    """The definitions beside a file of submissions, by fingerprint; none where there is no file.

    Raises FileError for one that is no such file, or whose fingerprints are not its own.
    """
    beside = path.with_suffix(DEFINITIONS)
    if not beside.exists():
        return {}

    def unusable(reason: object) -> FileError:
        text = MESSAGES.get(language, "file.no_definitions", reason=reason)
        return FileError(f"{beside}: {text}")

    try:
        documents = orjson.loads(content(beside, LARGEST_DEFINITIONS))
    except (UnusableError, orjson.JSONDecodeError) as error:
        raise unusable(error) from error
    if not isinstance(documents, dict):
        raise unusable("{…}")
    found = {}
    for fingerprint, document in documents.items():
        try:
            survey = Survey.model_validate(document)
        except ValidationError as error:
            raise unusable(f"{fingerprint[:16]}: {reasons(error)[:300]}") from error
        if survey.fingerprint != fingerprint:
            raise unusable(f"{fingerprint[:16]} ≠ {survey.fingerprint}")
        found[fingerprint] = survey
    return found
