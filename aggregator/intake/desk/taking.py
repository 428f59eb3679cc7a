"""Takes a table as a batch: what it would change, and changing it, in one transaction.

The ids of submissions are made of the batch's name and what a row says, however it was written:
a row that stays in a corrected file keeps its id and counts once; one that is gone is withdrawn.
"""

import hashlib
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import uuid5

import orjson

from aggregator.intake.desk.fields import Field, Kind, Setting
from aggregator.intake.desk.likeness import LIKE, Sketcher, shared
from aggregator.intake.desk.reading import Columns, Reader, Reading, guess, header_of
from aggregator.intake.desk.sheets import Sheet, SheetError, Workbook
from aggregator.intake.files import Record
from aggregator.intake.ingest import Candidate, Ingest
from aggregator.intake.roster import told
from aggregator.intake.submission_files import ROW_IDS
from aggregator.storage.audit import Entry
from aggregator.storage.batches import Cells, NewBatch
from aggregator.storage.roster import Overlap
from aggregator.storage.store import Store
from aggregator.storage.tables import BatchRow
from aggregator.wording.messages import MESSAGES
from surveys.centre import Centre
from surveys.messages import Language
from surveys.text import cleaned, composed

T = TypeVar("T")

MOST_ANSWERS = 20_000  # submissions of a batch: its transaction keeps others waiting
CHUNK = 500  # submissions that are checked at once
LONGEST_NAME = 80
WITHOUT = ""  # the hash of a version without rows


@dataclass(frozen=True)
class Said:
    """What a submission says: its content as a key, and the raw submission but for its id."""

    raw: Mapping[str, Any]

    @property
    def key(self) -> str:
        return orjson.dumps(self.raw, option=orjson.OPT_SORT_KEYS).decode()


@dataclass
class Taken:
    """What a table says: how often each content, or rows of a table; ``rows`` of the file.

    ``sketch`` is what it is known by again, see likeness.py.
    """

    rows: int = 0
    contents: Counter[str] = field(default_factory=Counter)
    cells: Cells | None = None
    sketch: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """What taking a batch did: rows that came, and that went."""

    name: str
    added: int
    gone: int


@dataclass(frozen=True)
class Desk:
    """The desk of a centre at a moment, in the language of who works at it."""

    store: Store
    ingest: Ingest
    centre: Centre
    language: Language
    now: datetime

    @property
    def today(self) -> date:
        return self.centre.local_day(self.now)

    def columns(self, sheet: Sheet, kind: Kind) -> Columns:
        """The columns as somebody agreed to them for such a header before, else as guessed."""
        guessed = guess(sheet, kind)
        known = self.store.batches.columns(header_hash(sheet, guessed.header), key_of(kind))
        if known is None:
            return guessed
        names = {one.name for one in kind.fields}
        columns = {name: at for name, at in known["columns"].items() if name in names}
        filled = tuple(known.get("filled", ()))
        return Columns(guessed.header, columns, known["departments"], filled, guessed.span)

    def remember(self, sheet: Sheet, kind: Kind, columns: Columns) -> None:
        agreed = {
            "columns": dict(columns.columns),
            "departments": dict(columns.departments),
            "filled": list(columns.filled),
        }
        header = header_hash(sheet, columns.header)
        self.store.batches.remember(header, key_of(kind), agreed)

    def read(self, sheet: Sheet, kind: Kind, columns: Columns) -> tuple[Taken, Reading]:
        """What a table says, with every problem of its cells. Nothing is written.

        Raises SheetError where a required column is missing, or there are too many rows.
        """
        if sheet.error is not None:
            raise SheetError(sheet.error[0], **sheet.error[1])
        for one in kind.fields:
            is_told = one.name == "day" and columns.day is not None
            if one.required and not is_told and one.name not in columns.columns:
                raise SheetError("no_column", name=label_of(one, self.language))
        named = columns.columns.keys()
        has_span = columns.span or "span" in named or {"since", "until"} <= named
        if kind.spanned and not has_span:
            raise SheetError("no_span")
        reader, reading = Reader(kind, self.centre, MESSAGES, self.language), Reading()
        records = reader.records(sheet, columns, reading)
        read = self._answers if kind.survey is not None else self._cells
        taken = read(records, reading, reader, kind, columns)
        reading.problems.sort(key=lambda problem: problem.row)
        return taken, reading

    def alike(self, taken: Taken, kind: Kind, name: str) -> Sequence[BatchRow]:
        """Other batches than that of ``name`` that a table may be a correction of, likeliest first.

        Of a kind whose rows set what stands under their key, every batch with such a key.
        """
        survey = kind.survey.id if kind.survey else None
        least = sys.float_info.min if kind.key else LIKE
        found = [
            (likeness, one)
            for one in self.store.batches.known(kind.name, survey)
            if one.name != name and (likeness := shared(taken.sketch, one.sketch or {})) >= least
        ]
        return [one for _, one in sorted(found, key=lambda pair: (-pair[0], pair[1].name))]

    def _answers(
        self,
        records: Iterable[Record],
        reading: Reading,
        reader: Reader,
        kind: Kind,
        columns: Columns,
    ) -> Taken:
        taken, sketcher, total = Taken(), Sketcher(), 0
        channel = "paper" if kind.name == "ballots" else "import"
        rows: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for record in records:
            key, count = _said(record, channel).key, int(record.cells["count"])
            rows[key].append((record.line, count))
            sketcher.add(key.encode(), count)
            total += count
            if total > MOST_ANSWERS:
                raise SheetError("too_many_answers", most=MOST_ANSWERS)
        taken.sketch = sketcher.sketch
        refused: dict[int, str] = {}
        for keys in parts(list(rows)):
            raws = [{**orjson.loads(key), "id": str(uuid5(ROW_IDS, key))} for key in keys]
            read = self.ingest.read(raws, self.language, self.now)
            for key, one in zip(keys, read, strict=True):
                if isinstance(one, Candidate):
                    taken.contents[key] = sum(count for _, count in rows[key])
                else:
                    refused |= {line: one.reason or "" for line, _ in rows[key]}
        for line, reason in sorted(refused.items()):
            name, _, why = reason.partition(": ")
            name = {"answered_at": "day"}.get(name, name.removeprefix("answers."))
            reading.refuse(reader.problem(line, name, why, columns.columns))
        taken.rows = sum(taken.contents.values())
        return taken

    def _cells(
        self,
        records: Iterable[Record],
        reading: Reading,
        reader: Reader,
        kind: Kind,
        columns: Columns,
    ) -> Taken:
        """The rows that a table sets, as the reader of its kind makes them."""
        assert kind.rows is not None  # noqa: S101 - the caller looked
        setting, sketcher = Setting(self.centre, self.today, self.language), Sketcher()
        sketched = _sketched(records, kind, sketcher)
        cells, n, problems = kind.rows(sketched, setting)
        for line, reason in problems:
            name, _, why = reason.partition(": ")
            reading.refuse(reader.problem(line, name, why or reason, columns.columns))
        plain = [[_plain(value) for value in row] for row in cells]
        return Taken(n, cells=plain, sketch=sketcher.sketch)

    def take(self, new: NewBatch, taken: Taken) -> Change:
        """Make ``taken`` the batch of its name, whatever it was before.

        Raises SheetError where the name or the file is another batch's, or nothing is in it;
        BatchChangedError where somebody else changed it meanwhile, and StorageError.
        """
        before = self.store.batches.named(new.name)
        if before is not None and (before.kind, before.survey) != (new.kind, new.survey):
            raise SheetError("other_kind", name=new.name)
        if not new.name:
            raise SheetError("no_name")
        if new.hash != WITHOUT:
            if not taken.rows:
                raise SheetError("nothing_to_take")
            same = self.store.batches.of_file(new.hash, new.sheet, new.kind, new.survey)
            if same not in (None, new.name):
                raise SheetError("already_taken", name=same)
        version = before.version if before else 0
        if taken.cells is not None:
            return self._set(new, version, taken.cells)
        members = self.store.batches.members(new.name)
        wanted = _ids(new.name, taken.contents, members)
        added = [(id, key) for id, key in wanted.items() if id not in members]
        gone = [id for id, withdrawn in members.items() if not withdrawn and id not in wanted]
        if added or gone or before is None or (before.hash == WITHOUT) != (new.hash == WITHOUT):
            candidates = [
                one
                for some in parts(added)
                for one in self.ingest.read(
                    [{**orjson.loads(key), "id": id} for id, key in some], self.language, self.now
                )
                if isinstance(one, Candidate)
            ]
            entry = self._entry(new, version, len(candidates), len(gone))
            self.ingest.replace_batch(new, version, candidates, gone, entry)
        return Change(new.name, len(added), len(gone))

    def withdraw(self, name: str, actor: str) -> Change | None:
        """Withdraw what a batch brought in; None where there is none such, or nothing in it."""
        before = self.store.batches.named(name)
        if before is None or before.hash == WITHOUT:
            return None
        new = NewBatch(name, before.kind, before.survey, before.file, WITHOUT, 0, self.now, actor)
        return self.take(new, Taken(cells=None if before.cells is None else []))

    def _set(self, new: NewBatch, version: int, cells: Cells) -> Change:
        def entry(added: int, gone: int) -> Entry:
            return self._entry(new, version, added, gone)

        try:
            added, gone = self.store.batches.set_cells(new, cells, entry)
        except Overlap as error:
            raise SheetError("overlap", reason=told(error, {}, self.language)[1]) from error
        return Change(new.name, added, gone)

    def _entry(self, new: NewBatch, version: int, added: int, gone: int) -> Entry:
        about: dict[str, str | int] = {
            "name": new.name,
            "file": new.file,
            "hash": new.hash[:12],
            "n": new.rows,
        }
        if new.hash == WITHOUT:
            return Entry(self.now, new.actor, "batch.withdrawn", {"name": new.name, "n": gone})
        if version:
            about |= {"added": added, "gone": gone}
            return Entry(self.now, new.actor, "batch.replaced", about)
        return Entry(self.now, new.actor, "batch.taken", about)


def _sketched(records: Iterable[Record], kind: Kind, sketcher: Sketcher) -> Iterator[Record]:
    """The records, known by what they set, or by all that they say. Raises SheetError."""
    names = list(kind.key) or [one.name for one in kind.fields]
    for n, record in enumerate(records):
        if n == kind.most:
            raise SheetError("too_many_rows", most=kind.most)
        sketcher.add(orjson.dumps([record.cells[name] for name in names]))
        yield record


def parts(every: Sequence[T]) -> Iterator[Sequence[T]]:
    return (every[start : start + CHUNK] for start in range(0, len(every), CHUNK))


def label_of(one: Field, language: Language) -> str:
    """What a field is called on a screen."""
    if one.label is not None:
        return one.label.get(language)
    if one.question is None:
        return MESSAGES.get(language, f"desk.field.{one.name}")
    if one.counted is not None:
        return MESSAGES.get(language, "desk.field.level", level=one.counted.get(language))
    return one.question.text.get(language)


def key_of(kind: Kind) -> str:
    """What a kind's columns are remembered under."""
    return f"{kind.name}:{kind.survey.id}" if kind.survey else kind.name


def header_hash(sheet: Sheet, place: int) -> str:
    written = orjson.dumps([composed(text) for text in header_of(sheet, place)])
    return hashlib.sha256(written).hexdigest()


def name_of(written: str) -> str:
    """The name of a batch as it is kept."""
    return " ".join(cleaned(written).split())[:LONGEST_NAME].strip()


def suggested_name(file: str, sheet: str, batches: Sequence[BatchRow], kind: Kind) -> str:
    """The batch that a sheet of a file of this name was taken as before, else their own names.

    ``sheet`` is '' where the file has one alone.
    """
    survey = kind.survey.id if kind.survey else None
    for one in batches:
        if (one.file, one.sheet, one.kind, one.survey) == (file, sheet, kind.name, survey):
            return one.name
    own = file.rpartition(".")[0] or file
    return name_of(f"{own} – {sheet}" if sheet else own)


def chosen_sheet(book: Workbook, kind: Kind, name: str = "") -> Sheet:
    """The sheet of a name, else the one whose header names most of the kind's fields."""
    for one in book.sheets:
        if one.name == name:
            return one
    readable = [one for one in book.sheets if one.error is None]
    return max(readable, key=lambda one: len(guess(one, kind).columns))


def sheet_name(book: Workbook, sheet: Sheet) -> str:
    """What a batch keeps of its sheet: its name where the file has several, else ''."""
    return sheet.name[:LONGEST_NAME] if len(book.sheets) > 1 else ""


def _said(record: Record, channel: str) -> Said:
    cells = record.cells
    raw: dict[str, Any] = {"channel": channel, "answers": orjson.loads(cells["answers"])}
    for name in ("survey", "answered_at", "department", "counter", "comment"):
        if cells[name]:
            raw[name] = cells[name]
    return Said(raw)


def _ids(name: str, contents: Mapping[str, int], members: Mapping[str, bool]) -> dict[str, str]:
    """By id the content of each submission that a batch is to have.

    The ids of a content are in one order; those that were withdrawn are never used again.
    """
    ids: dict[str, str] = {}
    for key, wanted in contents.items():
        found = number = 0
        while found < wanted:
            id = str(uuid5(ROW_IDS, orjson.dumps([name, key, number]).decode()))
            number += 1
            if not members.get(id, False):
                ids[id] = key
                found += 1
    return ids


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
