"""Computes everything again from the stored submissions, and names what does not fit.

A day at a time and in constant memory: what was said against its digest, the day against the
ledger; then the tallies that are kept as blocks, and the numbers of devices.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, select
from sqlmodel import col

from aggregator.storage import journal
from aggregator.storage.blocks import Block
from aggregator.storage.closings import CHUNK, Entry, is_as_said, leaf_of, rows_of
from aggregator.storage.findings import Finding, finding
from aggregator.storage.merkle import Tree
from aggregator.storage.rollups import FACTORS, POOL, TALLIES, Layout, RollUps, Span
from aggregator.storage.store import Store
from aggregator.storage.tables import BlockRow, SubmissionRow
from aggregator.storage.verify_chains import numbers
from aggregator.wording.phrases import day, integer, verbatim
from surveys.centre import Centre
from surveys.chain import START
from surveys.definition import Survey

LAYOUTS: tuple[Layout, ...] = (TALLIES, POOL, FACTORS)
LEAST_HEX = 16  # digits of a printed root that must be given

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Printed:
    """A root, or the hash of its entry, as it stands on the sheet of a day; or its first digits."""

    day: date
    hex: str


@dataclass
class Checked:
    """How much was looked at."""

    submissions: int = 0
    days: int = 0
    unclosed: int = 0


class Verification:
    """One look at a whole database; ``findings`` are sentences on what does not fit."""

    def __init__(
        self,
        store: Store,
        surveys: Mapping[str, Survey],
        centre: Centre,
        advance: Callable[[int], None] = lambda more: None,
        layouts: Callable[[Survey], Iterable[Layout]] = lambda survey: (),
    ) -> None:
        """``surveys`` are those that have answers, by id; see Definitions.counted.

        ``layouts`` are those that figures of a survey are read by, besides those of tallies.
        """
        self._store = store
        self._surveys = surveys
        self._centre = centre
        self._advance = advance
        self._layouts = layouts
        self.checked = Checked()

    def findings(self, printed: Sequence[Printed] = ()) -> Iterator[Finding]:
        """What does not fit, as it is found. Raises StorageError."""
        entries = self._store.closings.entries()
        yield from joined(entries)
        yield from on_paper(entries, printed)
        with self._store.database.begin() as connection:
            if connection.dialect.name == "postgresql":  # all of it as at one moment, as in SQLite
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield from pages(connection)
            yield from self._days(connection, entries)
            yield from self._blocks(connection)
            yield from numbers(connection)
            yield from journal.check(connection, _heads(entries))
        for number in self._store.issued.broken():
            yield finding("verify.issued", number=integer(number))

    def _days(self, connection: Connection, entries: Sequence[Entry]) -> Iterator[Finding]:
        by_day: dict[date, list[Entry]] = defaultdict(list)
        for entry in entries:
            by_day[entry.day].append(entry)
        days = {*by_day, *connection.execute(select(col(SubmissionRow.day)).distinct()).scalars()}
        for one in sorted(days):
            yield from self._day(connection, one, by_day[one])

    def _day(self, connection: Connection, at: date, entries: Sequence[Entry]) -> Iterator[Finding]:
        """What does not fit of a day."""
        trees = [Tree() for _ in entries]
        for row in rows_of(connection, col(SubmissionRow.day) == at):
            if not is_as_said(row) or not self._is_of(row, at):
                yield finding("verify.edited", id=verbatim(row.id), day=day(at))
            place = next((n for n, e in enumerate(entries) if row.number <= e.until), None)
            if place is None:
                self.checked.unclosed += 1
            elif row.number <= entries[place].since:
                yield finding("verify.misplaced", id=verbatim(row.id), day=day(at))
            else:
                trees[place].add(leaf_of(row))
            if row.withdrawn is not None and row.batch is None:
                yield finding("verify.withdrawn", id=verbatim(row.id), day=day(at))
            self.checked.submissions += 1
            if self.checked.submissions % CHUNK == 0:
                self._advance(CHUNK)
        self.checked.days += 1
        yield from _closed(at, entries, trees)

    def _blocks(self, connection: Connection) -> Iterator[Finding]:
        """Tallies and other sums kept of days or months that are not those of the answers.

        One that no figure is read by is left out: settings of before made it, and a running
        server deletes it.
        """
        query = select(
            col(BlockRow.survey), col(BlockRow.since), col(BlockRow.until), col(BlockRow.tallied)
        )
        known: dict[str, dict[str, Layout]] = {}
        for survey, since, until, tallied in connection.execute(query).all():
            if survey not in known:
                of = self._surveys.get(survey)
                more = () if of is None else self._layouts(of)
                known[survey] = {layout.name: layout for layout in (*LAYOUTS, *more)}
            layout, span = known[survey].get(tallied), Span(since, until)
            if layout is not None and not _same(connection, layout, survey, span):
                told = {"since": day(since), "until": day(until)}
                yield finding("verify.block", survey=verbatim(survey), **told)

    def _is_of(self, row: Any, at: date) -> bool:
        """Whether the day and the time that count are what its sender's clock makes of them."""
        if self._centre.local_day(row.answered_at) != at:
            return False
        if row.told_at is None:
            return True
        off = timedelta(seconds=row.clock_offset or 0)
        return bool(row.told_at - off == row.answered_at)


def joined(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Entries of the ledger that are not what they were, or do not follow each other."""
    before = START
    for place, entry in enumerate(entries, 1):
        told = {"number": integer(entry.number), "day": day(entry.day)}
        if entry.number != place or entry.before != before:
            yield finding("verify.ledger_gap", **told)
        if entry.own_hash != entry.hash:
            yield finding("verify.ledger_edited", **told)
        before = entry.hash


def _heads(entries: Sequence[Entry]) -> Iterator[tuple[str, Finding]]:
    """The journal's hashes that entries of the ledger have in them."""
    for one in entries:
        if one.journal is not None:
            told = {"number": integer(one.number), "day": day(one.day)}
            yield one.journal, finding("verify.journal_cut", **told)


def on_paper(entries: Sequence[Entry], printed: Sequence[Printed]) -> Iterator[Finding]:
    """Printed roots that are not in the ledger."""
    newest = max((entry.day for entry in entries), default=None)
    for one in printed:
        own = [entry for entry in entries if entry.day == one.day]
        roots = [root for entry in own for root in (entry.root, entry.hash)]
        if any(root.startswith(one.hex) for root in roots):
            continue
        if roots:
            yield finding("verify.paper", day=day(one.day))
        elif newest is None:
            yield finding("verify.paper_none", day=day(one.day))
        elif newest < one.day:
            yield finding("verify.paper_older", day=day(one.day), last=day(newest))
        else:
            yield finding("verify.paper_missing", day=day(one.day))


def _closed(at: date, entries: Sequence[Entry], trees: Sequence[Tree]) -> Iterator[Finding]:
    for entry, tree in zip(entries, trees, strict=True):
        told = {"day": day(at), "closed": integer(entry.n), "there": integer(tree.size)}
        if tree.size < entry.n:
            yield finding("verify.deleted", **told, n=integer(entry.n - tree.size))
        elif tree.size > entry.n:
            yield finding("verify.inserted", **told, n=integer(tree.size - entry.n))
        elif tree.root.hex() != entry.root:
            yield finding("verify.root", **told)


def _same(connection: Connection, layout: Layout, survey: str, span: Span) -> bool:
    """Whether a kept block is what it would be made of now."""
    try:
        found = RollUps(layout, survey).stored(connection, span)
        return _numbers_of(found) == _numbers_of(layout.block(connection, survey, span))
    except (ValueError, TypeError, KeyError, AttributeError):  # no block, or no answers of ours
        return False


def pages(connection: Connection) -> Iterator[Finding]:
    """Whether SQLite finds its file damaged."""
    if connection.dialect.name != "sqlite":
        return
    verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if verdict != "ok":
        yield finding("verify.pages", verdict=verbatim(f"{verdict}"[:200]))


def _numbers_of(block: Block) -> dict[Key, list[int]]:
    """The numbers of a block by item and place, where any is not 0."""
    there = np.argwhere(block.values.any(axis=0))
    return {
        (block.items[item], block.places[place]): block.values[:, item, place].tolist()
        for item, place in there.tolist()
    }
