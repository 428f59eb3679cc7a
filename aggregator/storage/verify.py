"""Computes everything again from the stored submissions, and names what does not fit.

A day at a time and in constant memory: what was said against its digest, the day against the
ledger, its tallies; then hours, blocks, and the numbers of devices.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy import Connection, select
from sqlmodel import col

from aggregator.storage import journal
from aggregator.storage.blocks import Block
from aggregator.storage.closings import CHUNK, Entry, is_as_said, leaf_of, rows_of
from aggregator.storage.findings import Finding, finding
from aggregator.storage.merkle import Tree
from aggregator.storage.rollups import FACTORS, HOURS, POOL, TALLIES, Layout, RollUps, Span
from aggregator.storage.store import Store
from aggregator.storage.tables import (
    BlockRow,
    HourTally,
    PooledTally,
    SubmissionRow,
    Tally,
)
from aggregator.storage.tallies import Cell, Deltas
from aggregator.storage.verify_chains import numbers
from aggregator.wording.phrases import day, integer, verbatim
from surveys.centre import Centre
from surveys.chain import START
from surveys.definition import Survey

LAYOUTS: tuple[Layout, ...] = (TALLIES, POOL, FACTORS, HOURS)
LEAST_HEX = 16  # digits of a printed root that must be given

Key = tuple[Any, ...]
Sums = dict[Key, tuple[int, ...]]


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
        tallied = {
            (table, survey) for table in (Tally, PooledTally, HourTally)
            for survey in connection.execute(select(col(table.survey)).distinct()).scalars()
        }  # fmt: skip
        days = {*by_day, *connection.execute(select(col(SubmissionRow.day)).distinct()).scalars()}
        for table in (Tally, PooledTally):
            days |= set(connection.execute(select(col(table.day)).distinct()).scalars())
        hours: Sums = {}
        months = {one.replace(day=1) for one in days}
        months |= set(connection.execute(select(col(HourTally.month)).distinct()).scalars())
        for month in sorted(months):
            hours = {}
            for one in sorted(found for found in days if found.replace(day=1) == month):
                yield from self._day(connection, one, by_day[one], tallied, hours)
            stored: Sums = {}
            for survey in [survey for table, survey in tallied if table is HourTally]:
                of = (col(HourTally.survey) == survey, col(HourTally.month) == month)
                stored |= _stored(connection, HourTally, of)
            if n := _differing(hours, stored):
                yield finding("verify.hours", month=verbatim(f"{month:%m/%Y}"), n=integer(n))

    def _day(
        self,
        connection: Connection,
        at: date,
        entries: Sequence[Entry],
        tallied: Iterable[tuple[type[Any], str]],
        hours: Sums,
    ) -> Iterator[Finding]:
        """What does not fit of a day; its hours are added to those of its month."""
        trees = [Tree() for _ in entries]
        tallies: Sums = {}
        pooled: Sums = {}
        rows = rows_of(connection, col(SubmissionRow.day) == at)
        while chunk := list(islice(rows, CHUNK)):
            deltas = Deltas(self._surveys)
            for row in chunk:
                if not is_as_said(row) or not self._is_of(row, at):
                    yield finding("verify.edited", id=verbatim(row.id), day=day(at))
                place = next((n for n, e in enumerate(entries) if row.number <= e.until), None)
                if place is None:
                    self.checked.unclosed += 1
                elif row.number <= entries[place].since:
                    yield finding("verify.misplaced", id=verbatim(row.id), day=day(at))
                else:
                    trees[place].add(leaf_of(row))
                if row.withdrawn is not None:
                    if row.batch is None:
                        yield finding("verify.withdrawn", id=verbatim(row.id), day=day(at))
                    continue
                cell = Cell(f"{at}", row.channel, row.department or "", row.counter or "")
                hour = row.answered_at.astimezone(self._centre.zone).hour
                try:
                    deltas.add(row.survey, cell, row.answers, hour)
                except (TypeError, AttributeError):  # no answers of ours: it is told as edited
                    continue
            for into, new in zip((tallies, pooled, hours), deltas.rows(), strict=True):
                keys = len(new[0]) - (6 if into is pooled else 1) if new else 0
                for one in new:
                    key, sums = tuple(map(str, one[:keys])), one[keys:]
                    old = into.get(key, (0,) * len(sums))
                    into[key] = tuple(a + b for a, b in zip(old, sums, strict=True))  # type: ignore[operator]
            self.checked.submissions += len(chunk)
            self._advance(len(chunk))
        self.checked.days += 1
        yield from _closed(at, entries, trees)
        for table, counted in ((Tally, tallies), (PooledTally, pooled)):
            stored: Sums = {}
            for survey in [survey for of, survey in tallied if of is table]:
                of = (col(table.survey) == survey, col(table.day) == at)
                stored |= _stored(connection, table, of)
            if n := _differing(counted, stored):
                yield finding("verify.tally", day=day(at), n=integer(n))

    def _blocks(self, connection: Connection) -> Iterator[Finding]:
        """Kept sums of days or months that are not those of the tallies, or answers.

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


def _stored(connection: Connection, table: type[Any], where: Sequence[Any]) -> Sums:
    keys = len(table.__table__.primary_key.columns)
    rows = connection.execute(select(table.__table__).where(*where))
    return {tuple(map(str, row[:keys])): tuple(row[keys:]) for row in rows}


def _differing(counted: Sums, stored: Sums) -> int:
    """How many rows of a tally are not what was counted."""
    return sum(counted.get(key) != stored.get(key) for key in counted.keys() | stored.keys())


def _same(connection: Connection, layout: Layout, survey: str, span: Span) -> bool:
    """Whether a kept block is what it would be made of now."""
    try:
        found = RollUps(layout, survey).stored(connection, span)
        return _numbers_of(found) == _numbers_of(layout.block(connection, survey, span))
    except (ValueError, TypeError, KeyError):  # no block any more
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
