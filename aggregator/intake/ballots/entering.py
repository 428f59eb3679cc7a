"""Makes batches of ballots, and takes what is typed of one: exactly one counts for each serial."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from uuid import uuid5

import orjson

from aggregator.intake.ballots.keys import PLACE, Field, fields_of
from aggregator.intake.ballots.sample import drawn, pairs
from aggregator.intake.ballots.serials import BallotError, written
from aggregator.intake.desk.taking import name_of
from aggregator.intake.ingest import Candidate, Ingest
from aggregator.intake.submission_files import ROW_IDS
from aggregator.storage.audit import entry
from aggregator.storage.ballots import STANDING, EntryKind, Held, NewBallots, Outcome, standing
from aggregator.storage.store import Store
from aggregator.storage.tables import BallotBatch, BallotEntry
from aggregator.storage.writer import Writer
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.messages import Language
from surveys.text import cleaned, composed
from surveys.wire import UUID_FORM

MOST_PRINTED = 2_000  # ballots of a batch: a box is not fuller
AHEAD = timedelta(days=366)  # how long before their day ballots may be printed
EARLIEST = date(2000, 1, 1)
ASKED = "asked"  # in place of a department: the ballot asks for it
# What is typed: in the order of the box, of those drawn, put right, decided where two differ.
Mode = Literal["first", "second", "correction", "resolution"]


@dataclass(frozen=True)
class Typed:
    """A ballot as it was typed. ``id`` is made by who types: sent again it is the same entry.

    ``after`` is the turn of the ballot's newest entry that was seen, where one is put right.
    """

    id: str
    serial: int
    outcome: Outcome
    department: str | None
    answers: Mapping[str, Any]
    comment: str | None = None
    after: int | None = None


def read_typed(
    fields: Sequence[Field], given: Mapping[str, str], serial: int, *, comments: bool
) -> Typed:
    """A ballot from a form: ``a.NAME`` has what was typed of a field. Raises BallotError."""
    values = {one.name: one.read(given.get(f"a.{one.name}", "")) for one in fields}
    department = values.pop(PLACE, None)
    answers = {name: value for name, value in values.items() if value is not None}
    comment = cleaned(composed(given.get("comment", ""))).strip() or None if comments else None
    told = given.get("outcome", "")
    if told in ("blank", "invalid") and (answers or comment):
        raise BallotError(f"{told}_with_answers")
    outcome: Outcome = "valid" if answers or comment else "blank"
    if told == "invalid":
        outcome = "invalid"
    after = given.get("after", "")
    id = given.get("id", "")
    if not re.fullmatch(UUID_FORM, id):
        raise BallotError("no_id")
    seen = int(after) if after.isdecimal() and len(after) < 7 else None
    return Typed(id.lower(), serial, outcome, department, answers, comment, seen)


@dataclass(frozen=True)
class BallotDesk:
    """Where ballots are made and typed, at a moment, in the language of who works there."""

    store: Store
    ingest: Ingest
    centre: Centre
    language: Language
    now: datetime

    def definition(self, batch: BallotBatch) -> Survey:
        """What is printed on a batch. Raises wire.Refused, and StorageError."""
        return self.ingest.definition(batch.survey, batch.fingerprint)

    def fields(self, batch: BallotBatch) -> list[Field]:
        return fields_of(self.definition(batch), self.centre, batch.places)

    def make(
        self, name: str, survey: Survey, place: str, day: date, printed: int, actor: str
    ) -> int:
        """Make a batch; its number. ``place`` is an id of a counter or department, "" for the
        whole centre, or ASKED. Raises BallotError."""
        name = name_of(name)
        today = self.centre.local_day(self.now)
        if not name:
            raise BallotError("no_name")
        if not 1 <= printed <= MOST_PRINTED:
            raise BallotError("printed", most=MOST_PRINTED)
        if not EARLIEST <= day <= today + AHEAD:
            raise BallotError("day")
        counter = place if place in self.centre.counter else None
        department = self.centre.department_of[place] if counter else place or None
        places: list[str] = []
        if place == ASKED:
            department = None
            places = [one.id for one in self.centre.departments if one.is_open_on(day)]
        elif department is not None and department not in self.centre.department:
            raise BallotError("no_place")
        seed = secrets.token_hex(32)
        where = (department, counter, places, day, printed, seed, self.now, actor)
        told = entry(self.now, actor, "batch.ballots_made", name=name, survey=survey.id, n=printed)
        number = self.store.ballots.make(NewBallots(name, survey, *where), told)
        if number is None:
            raise BallotError("same_name", name=name)
        return number

    def count(
        self, batch: BallotBatch, handed_out: int | None, returned: int | None, actor: str
    ) -> None:
        """Note how many ballots were handed out and came back. Raises BallotError."""
        for number in (handed_out, returned):
            if number is not None and not 0 <= number <= batch.printed:
                raise BallotError("counted", printed=batch.printed)
        if (returned or 0) > (batch.printed if handed_out is None else handed_out):
            raise BallotError("returned")
        before = (_said(batch.handed_out), _said(batch.returned))
        after = (_said(handed_out), _said(returned))
        if before == after:
            return
        told = entry(
            self.now,
            actor,
            "batch.ballots_counted",
            name=batch.name,
            old=" / ".join(before),
            new=" / ".join(after),
        )
        self.store.ballots.count(batch.number, handed_out, returned, told)

    def drawn(self, batch: BallotBatch, entries: Sequence[BallotEntry]) -> set[int]:
        """The serials of a batch that are to be typed by a second person, typed or not."""
        serials = {one.serial for one in entries}
        share, least = self.centre.ballots.again_percent, self.centre.ballots.again_least
        return drawn(batch.seed, serials, share, least)

    def enter(self, held: Held, typed: Typed, mode: Mode, actor: str) -> BallotEntry:
        """Take what was typed; the entry that it is now, or was already. Raises BallotError.

        A ballot that was typed before is an entry to compare with, and counts no second time.
        """
        batch = held.batch
        candidate = self._candidate(batch, typed)
        self.ingest.look_up()
        with self.store.writing() as writer:
            if there := writer.ballot_entry(typed.id):
                if not _is_same(there, batch.number, typed):
                    raise BallotError("sent_otherwise")
                return there
            kept = writer.ballots(batch.number)
            if kept is None or kept.withdrawn:
                raise BallotError("withdrawn")
            history = writer.ballot(batch.number, typed.serial)
            kind = self._kind(writer, batch, typed, mode, history)
            new = BallotEntry(
                id=typed.id,
                batch=batch.number,
                serial=typed.serial,
                turn=len(history) + 1,
                kind=kind,
                outcome=typed.outcome,
                department=typed.department,
                answers=dict(typed.answers),
                at=self.now,
                actor=actor,
            )
            if kind in STANDING:
                new.submission = self._count(writer, new, typed.comment, candidate, history)
            writer.add_ballot_entry(new)
            if kind == "resolution":
                serial = written(batch.number, batch.printed, typed.serial)
                about = {"name": batch.name, "serial": serial}
                writer.record(entry(self.now, actor, "batch.resolved", **about))
        return new

    def _kind(
        self,
        writer: Writer,
        batch: BallotBatch,
        typed: Typed,
        mode: Mode,
        history: Sequence[BallotEntry],
    ) -> EntryKind:
        if mode == "first":
            return "again" if history else "first"
        if mode == "second":
            again = any(one.kind == "second" for one in history)
            entries = writer.ballot_entries(batch.number)
            if again or typed.serial not in self.drawn(batch, entries):
                raise BallotError("not_drawn")
            return "second"
        if not history or typed.after != history[-1].turn:
            raise BallotError("changed_meanwhile")
        names = [one.name for one in self.fields(batch)]
        if mode == "resolution" and all(one.settled for one in pairs(history, names)):
            raise BallotError("nothing_to_resolve")
        return mode

    def _count(
        self,
        writer: Writer,
        new: BallotEntry,
        comment: str | None,
        candidate: Candidate | None,
        history: Sequence[BallotEntry],
    ) -> str | None:
        """Make what was typed the one that counts; the id of its submission, None without one."""
        before = standing(history)
        id = before.submission if before else None
        if before and _content(before) == _content(new):
            stored = writer.stored([id]) if id else {}
            if id is None or stored[id].comment == comment:
                return id
        added = [candidate] if candidate else []
        self.ingest.exchange(writer, new.batch, added, [id] if id else [], self.now)
        return candidate.row.id if candidate else None

    def _candidate(self, batch: BallotBatch, typed: Typed) -> Candidate | None:
        """The submission of a valid ballot. Raises BallotError."""
        if typed.outcome != "valid":
            return None
        name = orjson.dumps([batch.name, typed.serial, typed.id]).decode()
        # Midnight stands for an hour that is not known.
        at = datetime.combine(batch.day, time(), self.centre.zone)
        raw = {
            "id": str(uuid5(ROW_IDS, name)),
            "survey": batch.survey,
            "fingerprint": batch.fingerprint,
            "department": batch.department or typed.department,
            "counter": batch.counter,
            "channel": "paper",
            "answered_at": at.isoformat(),
            "answers": dict(typed.answers),
            "comment": typed.comment,
        }
        [read] = self.ingest.read([raw], self.language, self.now)
        if not isinstance(read, Candidate):
            raise BallotError("refused", reason=read.reason)
        return read


def _content(one: BallotEntry) -> tuple[object, ...]:
    return (one.outcome, one.department, one.answers)


def _is_same(there: BallotEntry, batch: int, typed: Typed) -> bool:
    said = (typed.outcome, typed.department, dict(typed.answers))
    return (there.batch, there.serial) == (batch, typed.serial) and _content(there) == said


def _said(number: int | None) -> str:
    return "–" if number is None else str(number)
